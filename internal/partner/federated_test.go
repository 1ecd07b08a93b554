package partner_test

import (
	"bytes"
	"context"
	"fmt"
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

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/partner"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// side is the requesting half of the lab's Fabrikam, without its server.
type side struct {
	o      *lab.Organization
	rels   []*orgrel.OrganizationRelationship
	caches cache.Set
}

func (s *side) FederationTrust(context.Context) (*federation.Trust, error) { return s.o.Trust, nil }

func (s *side) Organization(context.Context) (*federation.Organization, error) {
	return &federation.Organization{Enabled: true, Domains: []smtpaddr.Domain{s.o.Domain}}, nil
}

func (s *side) RelationshipForDomain(_ context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error) {
	for _, r := range s.rels {
		if r.Covers(d) {
			return r, nil
		}
	}
	return nil, nil
}

func (s *side) remote(client *http.Client) *partner.Remote {
	return partner.New(partner.Options{Organization: s, Relationships: s, Mailboxes: s.o.Store, Clients: &partner.Clients{}, Caches: &s.caches, Node: "node7", Now: time.Now,
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Tokens: &federation.Client{Trusts: s, Now: time.Now, HTTP: func(*federation.Trust) (*http.Client, error) { return client, nil }}})
}

func nextMonday() time.Time {
	now := time.Now().UTC().Truncate(24 * time.Hour)
	return now.AddDate(0, 0, int(7-now.Weekday()+time.Monday)%7+7)
}

func busy(hour int) string {
	day := nextMonday().Format("20060102")
	return fmt.Sprintf("DTSTART:%sT%02d0000Z\r\nDTEND:%sT%02d0000Z\r\nSUMMARY:canary-subject", day, hour, day, hour+1)
}

func question(requester smtpaddr.Address, addresses ...smtpaddr.Address) availability.Query {
	q := availability.Query{Requester: orgrel.Requester{Address: requester}, View: availability.DetailedMerged, MergedInterval: time.Hour,
		Window: availability.Window{Start: nextMonday(), End: nextMonday().AddDate(0, 0, 1)}}
	for _, a := range addresses {
		q.Mailboxes = append(q.Mailboxes, availability.Attendee{Raw: a.String(), Address: a})
	}
	return q
}

// world is the lab with a user on each side, and the relationship by which Fabrikam asks Contoso.
type world struct {
	*lab.Lab
	*side
	tom, rita smtpaddr.Address
	rel       *orgrel.OrganizationRelationship
}

func newWorld(t testing.TB) *world {
	t.Helper()
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	w := &world{Lab: l, side: &side{o: l.Fabrikam}, tom: l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9)), rita: l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)}
	cfg, err := l.Fabrikam.Store.LoadConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.rel = cfg.Relationships[0]
	w.rels = cfg.Relationships
	eventually(t, func() error { // until Contoso's node has heard of its configuration
		return w.lookup(t, w.remote(l.Client), w.tom).Err
	})
	return w
}

func eventually(t testing.TB, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func (w *world) lookup(t testing.TB, r *partner.Remote, a smtpaddr.Address) availability.Result {
	t.Helper()
	results, err := r.GetUserAvailability(t.Context(), w.rel, question(w.rita, a))
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

// front stands before Contoso: it keeps what passes, and answers itself where answer has something to say.
type front struct {
	mu     sync.Mutex
	bodies []string
}

func (w *world) front(t testing.TB, answer func(n int, r *http.Request, body string) string) (*front, string) {
	t.Helper()
	f := &front{}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.bodies = append(f.bodies, string(body))
		n := len(f.bodies)
		f.mu.Unlock()
		rw.Header().Set("Content-Type", "text/xml; charset=utf-8")
		if s := answer(n, r, string(body)); s != "" {
			if strings.Contains(s, "Fault>") {
				rw.WriteHeader(http.StatusInternalServerError)
			}
			_, _ = io.WriteString(rw, s)
			return
		}
		req, _ := http.NewRequestWithContext(r.Context(), r.Method, w.Contoso.URL+r.URL.Path, bytes.NewReader(body))
		req.Header = r.Header
		resp, err := w.Client.Do(req)
		if err != nil {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		rw.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(rw, resp.Body)
	}))
	t.Cleanup(srv.Close)
	return f, srv.URL
}

func fault1(code, text string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode xmlns:o="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">o:` + code + `</faultcode><faultstring>` + text + `</faultstring></s:Fault></s:Body></s:Envelope>`
}

func refusal(int, *http.Request, string) string {
	return fault1("InvalidSecurityToken", "An error occurred when processing the security tokens in the message.")
}

func first(body, pattern string) string {
	m := regexp.MustCompile(pattern).FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	return m[1]
}

func TestASecurityFaultIsRetriedOnceWithAFreshTokenInANewEnvelope(t *testing.T) {
	w := newWorld(t)
	f, url := w.front(t, func(n int, r *http.Request, body string) string {
		if n == 1 {
			return refusal(n, r, body)
		}
		return ""
	})
	w.rel.TargetSharingEpr = url + "/EWS/Exchange.asmx"
	if r := w.lookup(t, w.remote(w.Client), w.tom); r.Err != nil || len(r.View.Events) != 1 || r.View.Events[0].Subject != "canary-subject" {
		t.Errorf("%+v", r)
	}
	if len(f.bodies) != 2 {
		t.Fatalf("%d messages", len(f.bodies))
	}
	for _, pattern := range []string{`MessageID[^>]*>([^<]+)<`, `CipherValue>([^<]+)<`, `SignatureValue>([^<]+)<`} {
		a, b := first(f.bodies[0], pattern), first(f.bodies[1], pattern)
		if a == "" || a == b {
			t.Errorf("%s: %q twice", pattern, a)
		}
	}
	f, url = w.front(t, refusal)
	w.rel.TargetSharingEpr = url + "/EWS/Exchange.asmx"
	r := w.lookup(t, w.remote(w.Client), w.tom)
	if fault.KindOf(r.Err) != fault.ProxyRequestFailed || !strings.Contains(fault.As(r.Err).Text(), "inner exception: An error occurred when processing the security tokens in the message.") || len(f.bodies) != 2 {
		t.Errorf("%v after %d messages", r.Err, len(f.bodies))
	}
}

func TestTheGatewayIsAskedOnceAndItsTroubleIsNotThePartners(t *testing.T) {
	w := newWorld(t)
	gateway, url := w.front(t, refusal)
	trust := *w.o.Trust
	trust.TokenIssuerEpr = url + "/extSTS.srf"
	w.o.Trust = &trust
	remote := w.remote(w.Client)
	for range 10 {
		r := w.lookup(t, remote, w.tom)
		if fault.KindOf(r.Err) != fault.ProxyRequestFailed || !strings.HasPrefix(fault.As(r.Err).Text(), "Proxy web request failed. , inner exception: Failed to communicate with "+url+"/extSTS.srf., inner exception: ") {
			t.Fatalf("%v", r.Err)
		}
	}
	if len(gateway.bodies) != 10 {
		t.Errorf("ten lookups asked the gateway %d times", len(gateway.bodies))
	}
	trust.TokenIssuerEpr = w.Gateway.URL + first(strings.TrimPrefix(w.Contoso.Trust.TokenIssuerEpr, w.Gateway.URL), `(.*)`)
	if r := w.lookup(t, remote, w.tom); r.Err != nil {
		t.Errorf("once the gateway is back: %v", r.Err)
	}
}

type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhoeverGoesAwayDoesNotEndATokenRequestOfOthers(t *testing.T) {
	w := newWorld(t)
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	asked := 0
	held := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) { // to the gateway
		asked++
		arrived <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		return w.Client.Transport.RoundTrip(r)
	})}
	remote := w.remote(held)
	ctx, leave := context.WithCancel(t.Context())
	first, second := make(chan availability.Result), make(chan availability.Result)
	ask := func(ctx context.Context, out chan availability.Result) {
		results, _ := remote.GetUserAvailability(ctx, w.rel, question(w.rita, w.tom))
		out <- results[0]
	}
	go ask(ctx, first)
	<-arrived
	go ask(t.Context(), second)
	time.Sleep(100 * time.Millisecond) // the second one joins; were it late, the test would pass all the same
	leave()
	if r := <-first; r.Err == nil {
		t.Error("the one who went away has an answer")
	}
	close(release)
	if r := <-second; r.Err != nil {
		t.Errorf("the other one has none: %v", r.Err)
	}
	if asked != 2 { // once for each action
		t.Errorf("the gateway was asked %d times", asked)
	}
}

func userResponse(code, target string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response><ErrorCode>NoError</ErrorCode><ErrorMessage/><UserResponses><UserResponse><ErrorCode>` +
		code + `</ErrorCode><ErrorMessage>x</ErrorMessage><RedirectTarget>` + target + `</RedirectTarget><UserSettingErrors/><UserSettings/></UserResponse></UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`
}

func TestFederatedAutodiscoverRedirects(t *testing.T) {
	w := newWorld(t)
	ann := w.User(t, w.Contoso, "ann", mailbox.Reviewer, busy(11))
	var target, code string
	f, url := w.front(t, func(int, *http.Request, string) string { return userResponse(code, target) })
	old := &orgrel.OrganizationRelationship{ID: "old", Name: "old", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("old.example")}, Enabled: true, FreeBusyAccessEnabled: true,
		TargetApplicationUri: w.Contoso.Trust.ApplicationUri, TargetAutodiscoverEpr: url + "/autodiscover/autodiscover.svc", CAFile: w.rel.CAFile}
	w.rels = append(w.rels, old)
	lookup := func() availability.Result {
		results, err := w.remote(w.Client).GetUserAvailability(t.Context(), old, question(w.rita, smtpaddr.MustAddress("ann@old.example")))
		if err != nil {
			t.Fatal(err)
		}
		return results[0]
	}
	code, target = "RedirectAddress", ann.String()
	if r := lookup(); r.Err != nil || !strings.HasPrefix(r.View.Merged, "00000000000") {
		t.Errorf("by the relationship of the new domain: %+v", r)
	}
	code, target = "RedirectUrl", w.Contoso.URL+"/autodiscover/autodiscover.svc"
	if r := lookup(); r.Err == nil || !strings.Contains(r.Err.Error(), "InvalidUser") { // Contoso was asked, and does not own old.example
		t.Errorf("to another URL of the partner: %v", r.Err)
	}
	code, target = "RedirectUrl", "https://evil.example/autodiscover/autodiscover.svc"
	if r := lookup(); r.Err == nil || !strings.Contains(r.Err.Error(), "leads away") {
		t.Errorf("away from the partner: %v", r.Err)
	}
	code, target = "RedirectUrl", url+"/autodiscover/autodiscover.svc"
	f.bodies = nil
	if r := lookup(); fault.KindOf(r.Err) != fault.AutodiscoverFailed || len(f.bodies) != 1 {
		t.Errorf("in a circle: %v after %d calls", r.Err, len(f.bodies))
	}
	code, target = "InvalidUser", ""
	if r := lookup(); !strings.Contains(fault.As(r.Err).Text(), "failed due to an error in user setting 'ExternalEwsUrl'. Error message: InvalidUser.") {
		t.Errorf("%v", r.Err)
	}
}

func TestARequesterWithoutAFederatedAddressAsksNobody(t *testing.T) {
	w := newWorld(t)
	results, err := w.remote(w.Client).GetUserAvailability(t.Context(), w.rel, question(smtpaddr.MustAddress("x@internal.example"), w.tom))
	if err != nil || fault.KindOf(results[0].Err) != fault.ProxyRequestFailed || !strings.Contains(results[0].Err.Error(), "no address in a federated domain") {
		t.Errorf("%v %v", results, err)
	}
}

func TestTokensAndDiscoveriesCanBeListed(t *testing.T) {
	w := newWorld(t)
	r := w.remote(w.Client)
	w.lookup(t, r, w.tom)
	found, err := w.caches.Get("autodiscover")
	if err != nil {
		t.Fatal(err)
	}
	if list := found.List(); len(list) != 1 || list[0].Key != "contoso.example (contoso.example)" {
		t.Errorf("%+v", list)
	}
}

// TestAddressSpaceInBothDirectionsWithoutAGateway is Add-AvailabilityAddressSpace -AccessMethod OrgWideFB between two
// organizations: one account each, no trust, no token.
func TestAddressSpaceInBothDirectionsWithoutAGateway(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	l.Gateway.Close()
	users := map[*lab.Organization]smtpaddr.Address{l.Contoso: l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9)), l.Fabrikam: l.User(t, l.Fabrikam, "rita", mailbox.Reviewer, busy(11))}
	hidden := l.User(t, l.Contoso, "hidden", mailbox.PermissionNone, busy(9))
	accounts := map[*lab.Organization]smtpaddr.Address{l.Contoso: l.User(t, l.Contoso, "fabrikam-lookup", mailbox.PermissionNone), l.Fabrikam: l.User(t, l.Fabrikam, "contoso-lookup", mailbox.PermissionNone)}
	for o, peer := range map[*lab.Organization]*lab.Organization{l.Contoso: l.Fabrikam, l.Fabrikam: l.Contoso} {
		cfg, err := o.Store.LoadConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rel := cfg.Relationships[0]
		rel.FreeBusyAccessLevel, rel.OrgWideAccount = orgrel.AvailabilityOnly, accounts[o]
		rel.AccessMethod, rel.OrgWideUser, rel.OrgWidePassword = orgrel.OrgWideFB, accounts[peer].String(), orgrel.Password(lab.Password)
		rel.TargetAutodiscoverEpr = peer.URL + "/autodiscover/autodiscover.xml"
		if err := o.Store.PutTrust(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := o.Store.PutRelationship(t.Context(), rel); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(at *lab.Organization, as smtpaddr.Address, whom ...smtpaddr.Address) []availability.Result {
		t.Helper()
		c := &ews.Client{URL: at.URL + "/EWS/Exchange.asmx", HTTP: l.Client, Username: as.String(), Password: lab.Password}
		answer, err := c.GetUserAvailability(t.Context(), question(as, whom...))
		if err != nil {
			t.Fatal(err)
		}
		return answer.Results
	}
	for o, account := range accounts {
		eventually(t, func() error { // until the node knows whose account it is
			if r := ask(o, account, users[o])[0]; r.Err != nil || r.View.Type != availability.FreeBusyMerged {
				return fmt.Errorf("%s shows its partner's account %+v", o.Domain, r)
			}
			return nil
		})
	}
	for o, peer := range map[*lab.Organization]*lab.Organization{l.Contoso: l.Fabrikam, l.Fabrikam: l.Contoso} {
		if r := ask(o, users[o], users[peer])[0]; r.View.Type != availability.FreeBusyMerged || strings.Count(r.View.Merged, "2") != 1 || len(r.View.Events) != 1 || r.View.Events[0].Subject != "" {
			t.Errorf("%s asks %s: %+v", o.Domain, peer.Domain, r)
		}
	}
	if r := ask(l.Fabrikam, users[l.Fabrikam], hidden, smtpaddr.MustAddress("nobody@contoso.example")); fault.KindOf(r[0].Err) != fault.NoFreeBusyAccess || fault.KindOf(r[1].Err) != fault.NoFreeBusyAccess {
		t.Errorf("only the Default permission counts, and nobody is shown to exist: %v", r)
	}
	account := accounts[l.Contoso]
	if r := ask(l.Contoso, account, users[l.Contoso], account, users[l.Fabrikam]); r[0].View.Type != availability.FreeBusyMerged ||
		fault.KindOf(r[1].Err) != fault.NoFreeBusyAccess || fault.KindOf(r[2].Err) != fault.ProxyRequestNotAllowed {
		t.Errorf("the account is from outside, even for its own mailbox, and nothing is forwarded for it: %v", r)
	}
	cfg, err := l.Contoso.Store.LoadConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rel := cfg.Relationships[0]
	rel.Enabled = false
	if err := l.Contoso.Store.PutRelationship(t.Context(), rel); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if r := ask(l.Contoso, account, users[l.Contoso])[0]; r.Err == nil || fault.KindOf(r.Err) != fault.NoFreeBusyAccess {
			return fmt.Errorf("the account of a disabled relationship is answered: %v", r)
		}
		return nil
	})
}

// BenchmarkLookup prints what a first lookup to a partner never seen costs, and a repeated one, with the share of each leg:
// tokens, Autodiscover, GetUserAvailability.
func BenchmarkLookup(b *testing.B) {
	w := newWorld(b)
	measure := func(b *testing.B, remote func() *partner.Remote) {
		legs := map[string]time.Duration{}
		var total time.Duration
		n := 0
		for b.Loop() {
			rec := record.New("1", time.Now())
			r := remote()
			start := time.Now()
			results, err := r.GetUserAvailability(record.With(context.Background(), rec), w.rel, question(w.rita, w.tom))
			total += time.Since(start)
			n++
			if err != nil || results[0].Err != nil {
				b.Fatal(results, err)
			}
			for _, s := range rec.Steps() {
				switch s.N {
				case record.StepTokenRequested:
					legs["token"] += s.Duration
				case record.StepRequestSent:
					legs["ews"] += s.Duration
				}
			}
			for _, a := range rec.LogAttrs() {
				if a.Key == "autodiscover" {
					legs["autodiscover"] += a.Value.Group()[1].Value.Duration()
				}
			}
		}
		if legs["autodiscover"] > 0 { // holds the first of two tokens
			legs["autodiscover"] -= legs["token"] / 2
		}
		for name, d := range legs {
			b.ReportMetric(100*float64(d)/float64(total), "%-"+name)
		}
		b.ReportMetric(float64(total.Microseconds())/float64(n), "µs/lookup")
	}
	b.Run("first", func(b *testing.B) { measure(b, func() *partner.Remote { return w.remote(w.Client) }) })
	b.Run("repeated", func(b *testing.B) {
		r := w.remote(w.Client)
		w.lookup(b, r, w.tom)
		measure(b, func() *partner.Remote { return r })
	})
}
