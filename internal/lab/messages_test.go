package lab_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
)

func TestTokenForAutodiscoverOpensNoCalendar(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		answer, err := partner(t, l, rita, l.Contoso.URL, orgrel.ActionAutodiscover, nil).GetUserAvailability(t.Context(), query(tom))
		r := answer.Results
		if err != nil || r[0].Err == nil || !strings.Contains(r[0].Err.Error(), "no_free_busy_access") {
			t.Errorf("%v %v", r, err)
		}
	})
}

func TestReplayedMessageIsAnsweredOnceOnAllNodes(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		second := l.Node(t, l.Contoso)
		var captured string
		c := partner(t, l, rita, l.Contoso.URL, orgrel.ActionFreeBusy, func(s string) string { captured = s; return "" })
		if _, err := c.GetUserAvailability(t.Context(), query(tom)); err == nil {
			t.Fatal("an empty message is answered")
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		answered, refused := 0, 0
		for i := range 20 {
			url := []string{l.Contoso.URL, second.URL}[i%2]
			wg.Go(func() {
				req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+"/EWS/Exchange.asmx/wssecurity", strings.NewReader(captured))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Content-Type", "text/xml; charset=utf-8")
				resp, err := l.Client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case resp.StatusCode == http.StatusOK && bytes.Contains(body, []byte("NoError")):
					answered++
				case resp.StatusCode == http.StatusInternalServerError && bytes.Contains(body, []byte("An error occurred when verifying security for the message.")):
					refused++
				}
			})
		}
		wg.Wait()
		if answered != 1 || refused != 19 {
			t.Errorf("%d answered, %d refused", answered, refused)
		}
	})
}

func cut(s, from, to string) string {
	i, j := strings.Index(s, from), strings.Index(s, to)
	if i < 0 || j < 0 {
		return s
	}
	return s[:i] + s[j+len(to):]
}

// flipAt changes one character some way behind the nth occurrence of mark.
func flipAt(mark string, last bool, offset int) func(string) string {
	return func(s string) string {
		i := strings.Index(s, mark)
		if last {
			i = strings.LastIndex(s, mark)
		}
		i += offset
		c := "A"
		if s[i] == 'A' {
			c = "B"
		}
		return s[:i] + c + s[i+1:]
	}
}

func replace(from, to string) func(string) string {
	return func(s string) string { return strings.Replace(s, from, to, 1) }
}

func without(from, to string) func(string) string {
	return func(s string) string { return cut(s, from, to) }
}

func TestTamperedMessagesAreRefusedAlike(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		for name, c := range map[string]struct {
			edit func(string) string
			want string
		}{
			"no Security":          {without("<o:Security", "</o:Security>"), "InvalidSecurity"},
			"no signature":         {without("<Signature", "</Signature>"), "InvalidSecurity"},
			"no timestamp":         {without("<u:Timestamp", "</u:Timestamp>"), "InvalidSecurity"},
			"other To":             {replace("Exchange.asmx/wssecurity</a:To>", "exchange.asmx/wssecurity</a:To>"), "InvalidSecurity"},
			"token flipped":        {flipAt("<CipherValue>", true, 200), "InvalidSecurityToken"},
			"key flipped":          {flipAt("<CipherValue>", false, 60), "InvalidSecurityToken"},
			"HMACOutputLength":     {replace("hmac-sha256\"></SignatureMethod>", "hmac-sha256\"><HMACOutputLength>8</HMACOutputLength></SignatureMethod>"), "InvalidSecurity"},
			"two Security headers": {replace("<o:Security", `<o:Security xmlns:o="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"></o:Security><o:Security`), "InvalidSecurity"},
		} {
			_, err := partner(t, l, rita, l.Contoso.URL, orgrel.ActionFreeBusy, c.edit).GetUserAvailability(t.Context(), query(tom))
			if f, ok := errors.AsType[*ews.Error](err); !ok || f.Code != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
