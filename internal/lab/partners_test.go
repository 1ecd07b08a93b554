package lab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/server"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const patience = time.Second // with a partner

// slowest finds in the records how long the slowest partner took that answered.
type slowest struct {
	mu   sync.Mutex
	took time.Duration
}

func (s *slowest) record(line []byte) {
	for _, m := range regexp.MustCompile(`"remote":(\{[^}]*\})`).FindAllSubmatch(line, -1) { // one for each partner
		var leg struct {
			Outcome  string        `json:"outcome"`
			Duration time.Duration `json:"duration"`
		}
		if json.Unmarshal(m[1], &leg) == nil && leg.Outcome == "ok" {
			s.mu.Lock()
			s.took = max(s.took, leg.Duration)
			s.mu.Unlock()
		}
	}
}

func (s *slowest) take() (took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	took, s.took = s.took, 0
	return took
}

// tenPartners gives Fabrikam ten partners, of whom the first hanging ones take a request and never answer.
func tenPartners(t *testing.T, l *lab.Lab, hanging int) (addresses []string) {
	t.Helper()
	end := make(chan struct{})
	caFile := relationship(t, l.Fabrikam.Store).CAFile
	for i := range 10 {
		domain := fmt.Sprintf("partner%d.example", i)
		srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if i < hanging {
				<-end
			}
			time.Sleep(50 * time.Millisecond) // as over the internet
			soap.Write(w, soap.V11, http.StatusOK, soap.Append(nil, soap.V11, "", nil, []byte(`<GetUserAvailabilityResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><FreeBusyResponseArray><FreeBusyResponse><ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage><FreeBusyView><t:FreeBusyViewType>MergedOnly</t:FreeBusyViewType>`+digitsAtNine+`</FreeBusyView></FreeBusyResponse></FreeBusyResponseArray></GetUserAvailabilityResponse>`)))
		}))
		t.Cleanup(srv.Close)
		must(t, l.Fabrikam.Store.PutRelationship(t.Context(), &orgrel.OrganizationRelationship{Name: domain, DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain(domain)}, Enabled: true,
			FreeBusyAccessEnabled: true, FreeBusyAccessLevel: orgrel.LimitedDetails, TargetApplicationUri: l.Contoso.Trust.ApplicationUri,
			TargetSharingEpr: srv.URL + "/EWS/Exchange.asmx", CAFile: caFile}))
		addresses = append(addresses, "tom@"+domain)
	}
	t.Cleanup(func() { close(end) }) // before the servers close
	return addresses
}

// TestThreeOfTenPartnersHangAndTheOthersAnswer asks ten partners in one request, at a node with little patience.
func TestThreeOfTenPartnersHangAndTheOthersAnswer(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	rita := l.User(t, l.Fabrikam, "rita", mailbox.Reviewer)
	addresses := tenPartners(t, l, 3)
	limits := availability.DefaultLimits()
	limits.Remote = patience
	s := server.New(server.Options{Log: slog.New(slog.NewJSONHandler(&l.Fabrikam.Log, nil)), Availability: limits, AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, l.Fabrikam.Store)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go s.Follow(ctx)
	node := httptest.NewTLSServer(s.Public())
	defer node.Close()
	var times slowest
	l.Fabrikam.Log.Listen(times.record)
	ask := func(addresses []string) []string {
		status, body := post(t, l, node.URL, rita.String(), lab.Password, request("MergedOnly", addresses...))
		if status != http.StatusOK {
			t.Fatalf("HTTP %d %s", status, body)
		}
		return strings.Split(answerOf(t, body), "</FreeBusyResponse><FreeBusyResponse>")
	}
	ask(addresses[3:]) // tokens and connections
	times.take()
	var answers []string
	alone, beside, whole := time.Hour, time.Hour, time.Hour // the best of three: the machine does other things too
	for range 3 {
		ask(addresses[3:])
		alone = min(alone, times.take())
		start := time.Now()
		answers = ask(addresses)
		beside, whole = min(beside, times.take()), min(whole, time.Since(start))
	}
	t.Logf("the slowest of the 7 that answer: %s alone, %s beside 3 that hang; the whole request: %s with %s of patience",
		alone.Round(100*time.Microsecond), beside.Round(100*time.Microsecond), whole.Round(time.Millisecond), patience)
	for i, a := range answers {
		want := digitsAtNine
		if i < 3 {
			want = "<ResponseCode>ErrorTimeoutExpired</ResponseCode>"
		}
		if !strings.Contains(a, want) {
			t.Errorf("partner %d: %q is missing in %s", i, want, a)
		}
	}
	if len(answers) != 10 {
		t.Errorf("%d answers", len(answers))
	}
}
