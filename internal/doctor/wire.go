package doctor

import (
	"crypto/tls"
	"net/http"
	"sync"
	"time"
)

// Exchange is one HTTP exchange as it went over the wire; never a body, a token or credentials.
type Exchange struct {
	Method   string        `json:"Method"`
	URL      string        `json:"Url"`
	Status   int           `json:"Status"` // 0: no answer
	Error    string        `json:"Error,omitempty"`
	Duration time.Duration `json:"Duration"`
	TLS      string        `json:"Tls,omitempty"` // version, and the names of the server's certificate
	Server   string        `json:"Server,omitempty"`

	skew    time.Duration // of the server's clock ahead of ours
	dated   bool          // the server told its time
	product bool          // the answer has the header of an availd
}

// wire records every exchange of an examination.
type wire struct {
	now func() time.Time

	mu        sync.Mutex
	exchanges []Exchange
}

// recorded is a client whose exchanges the wire records, and to which a redirect is an answer.
func (w *wire) recorded(c *http.Client) *http.Client {
	out := *c
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	out.Transport = recorder{w, next}
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &out
}

type recorder struct {
	wire *wire
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := r.next.RoundTrip(req)
	e := Exchange{Method: req.Method, URL: req.URL.Redacted(), Duration: time.Since(start)}
	if err != nil {
		e.Error = err.Error()
	} else {
		e.Status, e.Server, e.product = resp.StatusCode, resp.Header.Get("Server"), resp.Header.Get("X-Diagnostics-Id") != ""
		if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			e.dated, e.skew = true, date.Sub(r.wire.now())
		}
		if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
			c := resp.TLS.PeerCertificates[0]
			e.TLS = tls.VersionName(resp.TLS.Version) + ", certificate for " + list(c.DNSNames) + " until " + c.NotAfter.UTC().Format(time.DateOnly)
		}
	}
	r.wire.mu.Lock()
	defer r.wire.mu.Unlock()
	r.wire.exchanges = append(r.wire.exchanges, e)
	return resp, err
}

// last is the newest exchange with a URL; ok is false when there was none.
func (w *wire) last(url string) (e Exchange, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.exchanges) - 1; i >= 0; i-- {
		if w.exchanges[i].URL == url {
			return w.exchanges[i], true
		}
	}
	return e, false
}
