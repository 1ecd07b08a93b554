package server_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/server"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
)

// lockedBuffer is a log that several processes' worth of goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const lookup = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Body><m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>tom@contoso.example</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>DAYT00:00:00</t:StartTime><t:EndTime>NEXTT00:00:00</t:EndTime></t:TimeWindow><t:RequestedView>Detailed</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest></s:Body></s:Envelope>`

func TestNothingSecretIsLoggedAtDebugLevel(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	day := time.Now().UTC().AddDate(0, 0, 1)
	l.User(t, l.Contoso, "tom", mailbox.Reviewer, "DTSTART:"+day.Format("20060102")+"T090000Z\r\nDURATION:PT1H\r\nSUMMARY:canary-subject\r\nLOCATION:canary-place")
	rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	log := &lockedBuffer{}
	node := func(o *lab.Organization) *httptest.Server {
		s := server.New(server.Options{Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, o.Store)
		srv := httptest.NewTLSServer(s.Public())
		t.Cleanup(srv.Close)
		return srv
	}
	contoso, fabrikam := node(l.Contoso), node(l.Fabrikam)
	if err := l.Contoso.Store.PutSetting(t.Context(), store.SettingExternalEwsURL, contoso.URL+"/EWS/Exchange.asmx"); err != nil {
		t.Fatal(err)
	}
	cfg, err := l.Fabrikam.Store.LoadConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rel := cfg.Relationships[0]
	rel.TargetAutodiscoverEpr = contoso.URL + "/autodiscover/autodiscover.svc/WSSecurity"
	if err := l.Fabrikam.Store.PutRelationship(t.Context(), rel); err != nil {
		t.Fatal(err)
	}
	body := strings.NewReplacer("DAY", day.Format(time.DateOnly), "NEXT", day.AddDate(0, 0, 1).Format(time.DateOnly)).Replace(lookup)
	ask := func(password string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fabrikam.URL+"/ews/exchange.asmx", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(rita.String(), password)
		req.Header.Set("Content-Type", "text/xml")
		resp, err := l.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	if answer := ask(lab.Password); !strings.Contains(answer, "canary-subject") {
		t.Fatalf("the lookup did not work, so the log proves nothing: %s", answer)
	}
	ask("canary-wrong-password")
	text := log.String()
	for _, needle := range []string{"canary", lab.Password, "PRIVATE KEY", "Basic "} {
		if strings.Contains(text, needle) {
			t.Errorf("the log holds %q", needle)
		}
	}
	// Tokens, proof keys, private keys and password hashes are all base64 of 44 characters and more; nothing else in the log is.
	if found := regexp.MustCompile(`[A-Za-z0-9+/=]{44,}`).FindString(strings.ReplaceAll(text, "/CrossForest/", "")); found != "" {
		t.Errorf("the log holds %q", found)
	}
	if !strings.Contains(text, `"n":10`) {
		t.Errorf("the target's record is not in the log, so it proves nothing: %s", text)
	}
}
