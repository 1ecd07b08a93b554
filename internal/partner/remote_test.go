package partner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// world is a requesting side with partners of access method OrgWideFB, each a TLS server of the test.
type world struct {
	*Remote
	now    time.Time
	caches cache.Set
	log    bytes.Buffer
	rels   []*orgrel.OrganizationRelationship
}

func (w *world) RelationshipForDomain(_ context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error) {
	for _, r := range w.rels {
		if r.Covers(d) {
			return r, nil
		}
	}
	return nil, nil
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	w.Remote = New(Options{Relationships: w, Clients: &Clients{}, AllowPrivate: loopback, Caches: &w.caches, Node: "node7",
		Now: func() time.Time { return w.now }, Log: slog.New(slog.NewJSONHandler(&w.log, nil))})
	return w
}

// partner adds a partner whose EWS is handler.
func (w *world) partner(t testing.TB, domain string, handler http.HandlerFunc) *orgrel.OrganizationRelationship {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	rel := &orgrel.OrganizationRelationship{ID: domain, Name: domain, DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain(domain)}, Enabled: true, FreeBusyAccessEnabled: true,
		AccessMethod: orgrel.OrgWideFB, OrgWideUser: "fabrikam-lookup", OrgWidePassword: "canary password", TargetSharingEpr: srv.URL, CAFile: caFile(t, srv)}
	w.rels = append(w.rels, rel)
	return rel
}

func question(addresses ...string) availability.Query {
	q := availability.Query{Requester: orgrel.Requester{Address: smtpaddr.MustAddress("rita@fabrikam.example")}, View: availability.FreeBusyMerged, MergedInterval: time.Hour,
		Window: availability.Window{Start: monday, End: monday.AddDate(0, 0, 1)}}
	for _, a := range addresses {
		q.Mailboxes = append(q.Mailboxes, availability.Attendee{Raw: a, Address: smtpaddr.MustAddress(a)})
	}
	return q
}

func (w *world) ask(t testing.TB, rel *orgrel.OrganizationRelationship, addresses ...string) []availability.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	results, err := w.GetUserAvailability(ctx, rel, question(addresses...))
	if err != nil || len(results) != len(addresses) {
		t.Fatal(results, err)
	}
	return results
}

const success = `<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>%s</m:FreeBusyResponse>`

func view(digits string, events ...string) string {
	return fmt.Sprintf(success, `<m:FreeBusyView><t:FreeBusyViewType>FreeBusyMerged</t:FreeBusyViewType><t:MergedFreeBusy>`+digits+`</t:MergedFreeBusy><t:CalendarEventArray>`+strings.Join(events, "")+`</t:CalendarEventArray></m:FreeBusyView>`)
}

func event(busy string) string {
	return `<t:CalendarEvent><t:StartTime>2026-11-23T09:00:00</t:StartTime><t:EndTime>2026-11-23T10:00:00</t:EndTime><t:BusyType>` + busy + `</t:BusyType></t:CalendarEvent>`
}

func envelope(body string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Body>` + body + `</s:Body></s:Envelope>`
}

func answer(results ...string) string {
	return envelope(`<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>` + strings.Join(results, "") + `</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>`)
}

var goodDigits = strings.Repeat("0", 9) + "2" + strings.Repeat("0", 14)

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestAHostilePartnerCostsItsOwnMailboxesAnError(t *testing.T) {
	flood := func(chunk string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		}
	}
	redirect := func(status int, to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, status) }
	}
	good := view(goodDigits, event("Busy"))
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"T104/redirect to http":   {redirect(http.StatusFound, "http://127.0.0.1/"), "Object moved."},
		"T104/redirect with body": {redirect(http.StatusTemporaryRedirect, "https://evil.example/"), "Object moved."},
		"T104/redirect loop":      {redirect(http.StatusPermanentRedirect, "/again"), "Object moved."},
		"T106/endless body":       {flood(strings.Repeat("x", 64<<10)), "well-formed"},
		"T106/endless header":     {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, "header"},
		"T106/gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("\x1f\x8b\x08"))
		}, "well-formed"},
		"T106/deep XML":             {says(200, strings.Repeat("<a>", 100000)), "well-formed"},
		"T106/many entries":         {says(200, answer(view(goodDigits, strings.Repeat(event("Busy"), 1001)))), "1000 calendar entries"},
		"T106/entity bomb":          {says(200, `<!DOCTYPE x [<!ENTITY a "aaaa">]>`+answer(good)), "well-formed"},
		"T107/no mailbox":           {says(200, answer()), "0 mailboxes instead of 1"},
		"T107/two mailboxes":        {says(200, answer(good, good)), "more mailboxes than 1"},
		"T107/busy type 9":          {says(200, answer(view(goodDigits, event("9")))), "busy type"},
		"T107/many digits":          {says(200, answer(view(strings.Repeat("0", 1<<20)))), "1048576 digits"},
		"T107/few digits":           {says(200, answer(view("0"))), "1 digits"},
		"T107/digit 7":              {says(200, answer(view(strings.Repeat("7", 24)))), "others than 0 to 4"},
		"T107/other operation":      {says(200, envelope(`<m:FindItemResponse/>`)), "FindItemResponse"},
		"not XML":                   {says(200, "<html>"), "Response is not well-formed XML"},
		"401":                       {says(401, "who?"), "The request failed with HTTP status 401: Unauthorized."},
		"404":                       {says(404, ""), "The request failed with HTTP status 404: Not Found."},
		"503":                       {says(503, ""), "The request failed with HTTP status 503: Service Unavailable."},
		"504":                       {says(504, ""), "The request failed with HTTP status 504: Gateway Timeout."},
		"500 that is no fault":      {says(500, "oops"), "The request failed with HTTP status 500: Internal Server Error."},
		"fault":                     {says(500, envelope(`<s:Fault><faultcode>s:Server</faultcode><faultstring>An internal server error occurred.</faultstring></s:Fault>`)), "An internal server error occurred."},
		"connection cut":            {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"security tokens, no retry": {says(500, envelope(`<s:Fault><faultcode xmlns:o="urn:o">o:InvalidSecurityToken</faultcode><faultstring>An error occurred when processing the security tokens in the message.</faultstring></s:Fault>`)), "An error occurred when processing the security tokens in the message."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			rel := w.partner(t, "contoso.example", c.handler)
			r := w.ask(t, rel, "tom@contoso.example")[0]
			if fault.KindOf(r.Err) != fault.ProxyRequestFailed {
				t.Fatalf("%+v", r)
			}
			text := fault.As(r.Err).Text()
			if !strings.HasPrefix(text, "Proxy web request failed. , inner exception: ") || !strings.Contains(text, c.want) || !strings.HasSuffix(text, ". Name of the server where exception originated: node7") {
				t.Errorf("%q, want %q", text, c.want)
			}
			if len(text) > 600 || strings.Contains(text, "127.0.0.1") && !strings.HasPrefix(name, "T104") {
				t.Errorf("the text tells too much: %q", text)
			}
		})
	}
}

func TestScriptInAnAnswerStaysText(t *testing.T) {
	w := newWorld(t)
	detail := `<t:CalendarEvent><t:StartTime>2026-11-23T09:00:00</t:StartTime><t:EndTime>2026-11-23T10:00:00</t:EndTime><t:BusyType>Busy</t:BusyType><t:CalendarEventDetails><t:Subject>&lt;script&gt;</t:Subject></t:CalendarEventDetails></t:CalendarEvent>`
	rel := w.partner(t, "contoso.example", says(200, answer(view(goodDigits, detail))))
	if r := w.ask(t, rel, "tom@contoso.example")[0]; r.Err != nil || r.View.Events[0].Subject != "<script>" {
		t.Errorf("%+v", r)
	}
}

func TestUnreachablePartnersReadAsAdministratorsKnowIt(t *testing.T) {
	for want, edit := range map[string]func(r *orgrel.OrganizationRelationship){
		"Unable to connect to the remote server":                                func(r *orgrel.OrganizationRelationship) { r.TargetSharingEpr = "https://127.0.0.1:1/" },
		"The remote name could not be resolved: 'no-such-host.invalid'":         func(r *orgrel.OrganizationRelationship) { r.TargetSharingEpr = "https://no-such-host.invalid/" },
		"Could not establish trust relationship for the SSL/TLS secure channel": func(r *orgrel.OrganizationRelationship) { r.CAFile = "" },
		"the configured URL is not https":                                       func(r *orgrel.OrganizationRelationship) { r.TargetSharingEpr = "http://127.0.0.1/" },
		"least TLS version":                                                     func(r *orgrel.OrganizationRelationship) { r.MinTLS = "1.0" },
	} {
		w := newWorld(t)
		rel := w.partner(t, "contoso.example", says(200, answer(view(goodDigits))))
		edit(rel)
		if r := w.ask(t, rel, "tom@contoso.example")[0]; r.Err == nil || !strings.Contains(fault.As(r.Err).Text(), want) {
			t.Errorf("%v, want %q", r.Err, want)
		}
	}
}

func TestAFailedLegIsOneEvent4002WithoutThePassword(t *testing.T) {
	w := newWorld(t)
	rel := w.partner(t, "contoso.example", says(401, ""))
	rec := record.New("id1", time.Now())
	rec.ClientRequestID = "request-1"
	if _, err := w.GetUserAvailability(record.With(t.Context(), rec), rel, question("tom@contoso.example", "ann@contoso.example")); err != nil {
		t.Fatal(err)
	}
	var e map[string]any
	if err := json.Unmarshal(w.log.Bytes(), &e); err != nil { // fails where there are two
		t.Fatal(err, w.log.String())
	}
	for k, want := range map[string]any{"event": float64(4002), "requester": "rita@fabrikam.example", "mailbox": "tom@contoso.example ann@contoso.example", "relationship": "contoso.example",
		"phase": "ews", "url": rel.TargetSharingEpr, "node": "node7", "cause": "The request failed with HTTP status 401: Unauthorized.", "client_request_id": "request-1"} {
		if e[k] != want {
			t.Errorf("%s is %v, not %v", k, e[k], want)
		}
	}
	if strings.Contains(w.log.String(), "canary password") || strings.Contains(fmt.Sprintf("%+v %#v", rel, *rel), "canary password") {
		t.Error("the password is shown")
	}
}

func TestAllMailboxesOfAPartnerTravelInOneCall(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int64
	rel := w.partner(t, "contoso.example", func(rw http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		user, password, _ := r.BasicAuth()
		b, _ := io.ReadAll(r.Body)
		if user != "fabrikam-lookup" || password != "canary password" || strings.Count(string(b), "<t:MailboxData>") != 3 {
			t.Errorf("%s %s", user, b)
		}
		says(200, answer(view(goodDigits), view(goodDigits), view(goodDigits)))(rw, r)
	})
	for _, r := range w.ask(t, rel, "a@contoso.example", "b@contoso.example", "c@contoso.example") {
		if r.Err != nil || r.View.Merged != goodDigits {
			t.Errorf("%+v", r)
		}
	}
	if calls.Load() != 1 {
		t.Errorf("%d calls", calls.Load())
	}
}

// tenPartners has ten partners who think for a while, of which the first hanging ones answer only when the test ends.
func tenPartners(t testing.TB, hanging int, thinks time.Duration) (*availability.Service, []string) {
	t.Helper()
	w := newWorld(t)
	release := make(chan struct{})
	var addresses []string
	for i := range 10 {
		domain := fmt.Sprintf("partner%d.example", i)
		addresses = append(addresses, "tom@"+domain)
		w.partner(t, domain, func(rw http.ResponseWriter, r *http.Request) {
			if i < hanging {
				<-release
			}
			time.Sleep(thinks)
			says(200, answer(view(goodDigits)))(rw, r)
		})
	}
	t.Cleanup(func() { close(release) }) // before the servers close
	limits := availability.DefaultLimits()
	limits.Remote = time.Second
	return &availability.Service{Relationships: w, Organization: nobody{}, Remote: w, Limits: limits}, addresses
}

type nobody struct{}

func (nobody) OwnDomain(context.Context, smtpaddr.Domain) (bool, error) { return false, nil }

func TestThreePartnersThatHangCostNobodyElseAnAnswer(t *testing.T) {
	s, addresses := tenPartners(t, 3, 0)
	a, err := s.GetUserAvailability(t.Context(), question(addresses...))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range a.Results {
		if i < 3 && fault.KindOf(r.Err) != fault.Timeout || i >= 3 && (r.Err != nil || r.View.Merged != goodDigits) {
			t.Errorf("%s: %+v", addresses[i], r)
		}
	}
}

// timed notes when each partner's answer was there.
type timed struct {
	availability.Remote
	mu    sync.Mutex
	took  time.Duration // the slowest answer that was one
	start time.Time
}

func (r *timed) GetUserAvailability(ctx context.Context, rel *orgrel.OrganizationRelationship, q availability.Query) ([]availability.Result, error) {
	results, err := r.Remote.GetUserAvailability(ctx, rel, q)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && results[0].Err == nil {
		r.took = max(r.took, time.Since(r.start))
	}
	return results, err
}

// BenchmarkTenPartners prints how long the slowest of the seven partners that answer takes, alone and beside three that
// hang (median of the rounds). The partners think for 50 ms, as over the internet; all of them share this machine, and every
// request to one that hangs costs a TLS handshake on both sides.
func BenchmarkTenPartners(b *testing.B) {
	run := func(skip int) time.Duration {
		s, addresses := tenPartners(b, 3, 50*time.Millisecond)
		r := &timed{Remote: s.Remote}
		s.Remote = r
		s.Limits.Remote = 200 * time.Millisecond
		var took []time.Duration
		for range 4 { // the breakers open after five
			r.took, r.start = 0, time.Now()
			if _, err := s.GetUserAvailability(context.Background(), question(addresses[skip:]...)); err != nil {
				b.Fatal(err)
			}
			took = append(took, r.took)
		}
		slices.Sort(took[1:]) // the first has everybody's handshakes
		return took[2]
	}
	for b.Loop() {
		alone, beside := run(3), run(0)
		b.ReportMetric(float64(alone.Microseconds()), "µs-7-alone")
		b.ReportMetric(float64(beside.Microseconds()), "µs-7-beside-3-hanging")
		b.ReportMetric(float64(beside)/float64(alone), "ratio")
	}
}

func TestAnswersOfTheServerBusyKindAreWaitedFor(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int64
	rel := w.partner(t, "contoso.example", func(rw http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		says(500, envelope(`<s:Fault><faultcode>a:ErrorServerBusy</faultcode><faultstring>The server cannot service this request right now. Try again later.</faultstring><detail><e:ResponseCode xmlns:e="urn:e">ErrorServerBusy</e:ResponseCode><t:MessageXml><t:Value Name="BackOffMilliseconds">4000</t:Value></t:MessageXml></detail></s:Fault>`))(rw, r)
	})
	for range 3 {
		w.ask(t, rel, "tom@contoso.example")
	}
	w.now = w.now.Add(4 * time.Second)
	w.ask(t, rel, "tom@contoso.example")
	if calls.Load() != 2 {
		t.Errorf("%d calls", calls.Load())
	}
}

func TestACallerWhoGoesAwayIsAnError(t *testing.T) {
	w := newWorld(t)
	rel := w.partner(t, "contoso.example", says(200, answer(view(goodDigits))))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, err := w.GetUserAvailability(ctx, rel, question("tom@contoso.example"))
	if err != nil || results[0].Err == nil || !errors.Is(results[0].Err, context.Canceled) {
		t.Errorf("%v %v", results, err)
	}
}
