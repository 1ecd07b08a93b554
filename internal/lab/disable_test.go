package lab_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// promise is how long a change may take to hold on every node.
const promise = time.Second

// observed are the requests that one node answered.
type observed struct {
	mu   sync.Mutex
	data []call // that got data
	none []call // that were refused access
}

// call is when it was sent and when its answer was there.
type call struct{ asked, answered time.Time }

// hammer asks a node without a pause until ctx ends.
func (o *observed) hammer(ctx context.Context, t *testing.T, c *caller, url string, a smtpaddr.Address) {
	t.Helper()
	for ctx.Err() == nil {
		asked := time.Now()
		body, err := c.ask(url, payload("Detailed", a.String()))
		r := call{asked, time.Now()}
		o.mu.Lock()
		switch {
		case err != nil:
			t.Error(err)
		case strings.Contains(body, "<t:BusyType>"):
			o.data = append(o.data, r)
		case strings.Contains(body, "ErrorNoFreeBusyAccess"):
			o.none = append(o.none, r)
		default:
			t.Errorf("%.1000s", body)
		}
		o.mu.Unlock()
	}
}

// ask is post for goroutines other than the test's own.
func (c *caller) ask(url, body string) (string, error) {
	url += "/EWS/Exchange.asmx/wssecurity"
	headers, err := c.token.Headers(url, opGetAvail, time.Now())
	if err != nil {
		return "", err
	}
	resp, err := c.l.Client.Post(url, soapType, strings.NewReader(string(soap.Append(nil, soap.V11, "", headers, []byte(body))))) //nolint:noctx // ends with its server
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// within counts the calls that were sent after from and answered before until; zero stands for no bound.
func within(calls []call, from, until time.Time) (n int) {
	for _, r := range calls {
		if r.asked.After(from) && (until.IsZero() || r.answered.Before(until)) {
			n++
		}
	}
	return n
}

// TestDisabledRelationshipShowsNothingASecondLater disables a relationship while both nodes answer as fast as they can, and
// enables it again.
func TestDisabledRelationshipShowsNothingASecondLater(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
		asking := newCaller(t, l, l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly))
		l.Client.Transport.(*http.Transport).MaxIdleConnsPerHost = 8
		nodes := map[string]string{"first": l.Contoso.URL, "second": l.Node(t, l.Contoso).URL}
		seen := map[string]*observed{}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for name, url := range nodes {
			o := &observed{}
			seen[name] = o
			for range 2 {
				wg.Go(func() { o.hammer(ctx, t, asking, url, tom) })
			}
		}
		a := &admin.Admin{Store: l.Contoso.Store, Who: "lab", Now: time.Now}
		enabled := func(v bool) time.Time {
			_, err := a.SetRelationship(t.Context(), l.Fabrikam.Domain.String(), admin.RelationshipParams{Enabled: &v})
			must(t, err)
			return time.Now()
		}
		time.Sleep(promise) // both nodes have answered from their caches for a while
		disabled := enabled(false)
		time.Sleep(2 * promise)
		enabling := time.Now() // from here on an answer may have either
		again := enabled(true)
		time.Sleep(2 * promise)
		cancel()
		wg.Wait()
		for name, o := range seen {
			before, late := within(o.data, time.Time{}, disabled), within(o.data, disabled.Add(promise), enabling)
			refused, after := within(o.none, disabled.Add(promise), enabling), within(o.data, again.Add(promise), time.Time{})
			t.Logf("%s node: %d answers with data before; a second after the relationship was disabled %d with data and %d refused; a second after it was enabled %d with data",
				name, before, late, refused, after)
			if before == 0 || late > 0 || refused == 0 || after == 0 {
				t.Errorf("the %s node does not keep to it", name)
			}
		}
	})
}
