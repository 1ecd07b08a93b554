package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/fault"
)

func testAdmission(l Limits) *admission {
	return newAdmission(l, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, newMetrics(&config{}), time.Now)
}

// occupy keeps n requests of the given kind in flight until the test ends.
func occupy(t *testing.T, a *admission, n int, request func(i int) *http.Request) {
	t.Helper()
	entered, end := make(chan struct{}, n), make(chan struct{})
	h := a.wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-end }))
	for i := range n {
		go h.ServeHTTP(httptest.NewRecorder(), request(i))
	}
	for range n {
		<-entered
	}
	t.Cleanup(func() { close(end) })
}

func partnerRequest(source string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/ews/exchange.asmx/wssecurity", http.NoBody)
	r.RemoteAddr = source + ":1"
	return r
}

func try(a *admission, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })).ServeHTTP(w, r)
	return w
}

func TestFullServerRefusesBeforeTheBodyIsReadAndSaysWhenToComeBack(t *testing.T) {
	a := testAdmission(Limits{InFlight: 2, QueueWait: time.Millisecond})
	occupy(t, a, 2, func(i int) *http.Request { return partnerRequest("192.0.2." + strconv.Itoa(i+1)) })
	r := partnerRequest("192.0.2.9")
	r.Body = io.NopCloser(readFails{t})
	w := try(a, r)
	if seconds, err := strconv.Atoi(w.Header().Get("Retry-After")); w.Code != http.StatusServiceUnavailable || err != nil || seconds < 1 {
		t.Errorf("HTTP %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}

type readFails struct{ t *testing.T }

func (r readFails) Read([]byte) (int, error) {
	r.t.Error("the body was read")
	return 0, io.EOF
}

func TestAnonymousRequestsAreShedWhilePartnersStillFindAPlace(t *testing.T) {
	a := testAdmission(Limits{InFlight: 4, QueueWait: time.Millisecond})
	anonymous := func(i int) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/autodiscover/autodiscover.svc", http.NoBody)
		r.RemoteAddr = "198.51.100." + strconv.Itoa(i+1) + ":1"
		return r
	}
	occupy(t, a, 2, anonymous)
	if w := try(a, anonymous(7)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("one more anonymous request: HTTP %d", w.Code)
	}
	if w := try(a, partnerRequest("192.0.2.1")); w.Code != http.StatusOK {
		t.Errorf("a partner's request: HTTP %d", w.Code)
	}
}

func TestOneSourceWithoutTokenDoesNotCrowdOutAnother(t *testing.T) {
	a := testAdmission(Limits{Source: 3})
	occupy(t, a, 3, func(int) *http.Request { return partnerRequest("192.0.2.1") })
	if w := try(a, partnerRequest("192.0.2.1")); w.Code != http.StatusServiceUnavailable {
		t.Errorf("the same source: HTTP %d", w.Code)
	}
	if w := try(a, partnerRequest("192.0.2.2")); w.Code != http.StatusOK {
		t.Errorf("another source: HTTP %d", w.Code)
	}
}

func TestRelationshipKeepsToItsShareAndGivesItBack(t *testing.T) {
	a := testAdmission(Limits{Relationship: 2})
	enter := func() (*ticket, error) {
		tk := &ticket{admission: a, source: netip.MustParsePrefix("192.0.2.1/32")}
		add(&a.mu, a.sources, tk.source, a.limits.Source)
		return tk, tk.verified("fabrikam")
	}
	first, err1 := enter()
	_, err2 := enter()
	third, err3 := enter()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if f := fault.As(err3); f == nil || f.Kind != fault.ServerBusy || f.BackOff < 800*time.Millisecond {
		t.Errorf("the third: %v", err3)
	}
	third.release()
	first.release()
	if _, err := enter(); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	if len(a.sources) != 0 {
		t.Errorf("verified requests still count for their source: %v", a.sources)
	}
}

func TestBackOffGrowsWithTheOverloadAndStartsAnew(t *testing.T) {
	now := time.Unix(1e9, 0)
	b := backOff{now: func() time.Time { return now }, random: func() float64 { return 0.5 }}
	last := b.next()
	if last != time.Second {
		t.Errorf("first %s", last)
	}
	for range 40 {
		now = now.Add(2 * time.Second)
		d := b.next()
		if d < last {
			t.Fatalf("%s after %s", d, last)
		}
		last = d
	}
	if last != time.Minute {
		t.Errorf("last %s", last)
	}
	now = now.Add(calm + time.Second)
	if d := b.next(); d != time.Second {
		t.Errorf("after the overload %s", d)
	}
	for _, r := range []float64{0, 1} {
		b = backOff{now: func() time.Time { return now }, random: func() float64 { return r }}
		if d := b.next(); d < 800*time.Millisecond || d > 1200*time.Millisecond {
			t.Errorf("jitter %v: %s", r, d)
		}
	}
}

func TestNeighboursInOneIPv6NetworkAreOneSource(t *testing.T) {
	a := testAdmission(Limits{Source: 1})
	occupy(t, a, 1, func(int) *http.Request { return partnerRequest("[2001:db8::1]") })
	forwarded := partnerRequest("10.1.1.1") // by a trusted proxy
	forwarded.Header.Set("X-Forwarded-For", "2001:db8::2")
	for r, status := range map[*http.Request]int{
		partnerRequest("[2001:db8::2]"): http.StatusServiceUnavailable, forwarded: http.StatusServiceUnavailable, partnerRequest("[2001:db8:0:1::1]"): http.StatusOK,
	} {
		if got := try(a, r).Code; got != status {
			t.Errorf("%s, forwarded %s: HTTP %d", r.RemoteAddr, r.Header, got)
		}
	}
}

func TestHostileInputDoesNotGrowTheMetrics(t *testing.T) {
	s := New(Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, deadStore{})
	h := s.Public()
	for i := range 1000 {
		n := strconv.Itoa(i)
		body := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Operation` + n + `/></s:Body></s:Envelope>`
		r := httptest.NewRequest(http.MethodPost, []string{"/junk" + n, "/EWS/Exchange.asmx", "/autodiscover/autodiscover.svc"}[i%3], strings.NewReader(body))
		r.Header.Set("Content-Type", "text/xml")
		r.Header.Set("User-Agent", "agent "+n)
		r.Host = "host" + n + ".example"
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := 0
	for _, f := range families {
		series += len(f.Metric)
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if strings.Contains(l.GetValue(), "999") || strings.Contains(l.GetValue(), "998") {
					t.Errorf("%s has the label %s=%q", f.GetName(), l.GetName(), l.GetValue())
				}
			}
		}
	}
	if series == 0 || series > 200 {
		t.Errorf("%d series", series)
	}
	m := newMetrics(nil)
	for _, row := range fault.Table() {
		if m.codes.name(row.Name) != row.Name || m.codes.name(row.EWS) != row.EWS {
			t.Errorf("%s does not fit into the labels", row.Name)
		}
	}
	var set closedSet
	set.max = 2
	for i := range 100 {
		set.name(strconv.Itoa(i))
	}
	if len(set.seen) != 2 || set.name("99") != "other" || set.name("0") != "0" {
		t.Error("a label grows without bound")
	}
}

func TestPanicIsAFaultAndTheNextRequestIsServed(t *testing.T) {
	s := New(Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, deadStore{})
	h := s.recorded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("told to")
		}
	}))
	for range 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/panic", http.NoBody).WithContext(context.Background()))
		if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "ErrorInternalServerError") || strings.Contains(w.Body.String(), "told to") {
			t.Errorf("HTTP %d: %s", w.Code, w.Body)
		}
	}
}
