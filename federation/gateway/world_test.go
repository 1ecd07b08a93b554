package gateway_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/gatewaystore"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const issuer = "urn:federation:test"

// world is a gateway over TLS with two registered organizations.
type world struct {
	store             *gatewaystore.Store
	options           gateway.Options
	gateway           *gateway.Gateway
	server            *httptest.Server
	contoso, fabrikam *federation.Trust
	log               *syncBuffer

	mu  sync.Mutex
	now time.Time
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// pool is the keys of every world's gateway, Contoso and Fabrikam: making one costs a good part of a second.
var pool = sync.OnceValue(func() (keys [3]*federation.KeyPair) {
	for i := range keys {
		var err error
		if keys[i], err = federation.NewOrganizationCertificate(time.Now(), 90); err != nil {
			panic(err)
		}
	}
	return keys
})

func newWorld(t testing.TB, change ...func(*gateway.Options)) *world {
	t.Helper()
	w := &world{now: time.Now(), log: new(syncBuffer)}
	var err error
	w.store, err = gatewaystore.Open(t.Context(), filepath.Join(t.TempDir(), "gateway.db"))
	must(t, err)
	t.Cleanup(func() { w.store.Close() })
	keys := pool()
	mux := http.NewServeMux()
	w.server = httptest.NewTLSServer(mux)
	t.Cleanup(w.server.Close)
	w.options = gateway.Options{Issuer: issuer, PublicURL: w.server.URL, Signing: keys[0], Profile: federation.ProfileModern, Lifetime: 8 * time.Hour,
		Registry: w.store, Now: w.clock, Log: slog.New(slog.NewTextHandler(w.log, nil))}
	for _, c := range change {
		c(&w.options)
	}
	w.gateway, err = gateway.New(w.options)
	must(t, err)
	mux.Handle("/", w.gateway.Handler())
	w.contoso, w.fabrikam = w.trustWith("contoso.example", keys[1]), w.trustWith("fabrikam.example", keys[2])
	must(t, w.add(w.contoso, "contoso.example"), w.add(w.fabrikam, "fabrikam.example"))
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) trust(t testing.TB, domain string) *federation.Trust {
	t.Helper()
	return w.trustWith(domain, newKey(w))
}

func (w *world) trustWith(domain string, key *federation.KeyPair) *federation.Trust {
	return &federation.Trust{ApplicationUri: "exchangedelegation." + domain, TokenIssuerUri: w.options.Issuer, TokenIssuerEpr: w.server.URL + gateway.PathSTS,
		OrgCertificate: key, Profile: federation.ProfileModern}
}

func (w *world) add(trust *federation.Trust, domain string) error {
	return w.store.Add(context.Background(), &gateway.Organization{Name: domain, ApplicationUri: trust.ApplicationUri, AccountNamespace: smtpaddr.MustDomain(domain),
		Domains: []smtpaddr.Domain{smtpaddr.MustDomain(domain)}, Certificate: trust.OrgCertificate.Certificate})
}

// trusts makes a federation.Client of one trust.
type trusts struct{ trust *federation.Trust }

func (s trusts) FederationTrust(context.Context) (*federation.Trust, error) { return s.trust, nil }
func (s trusts) Organization(context.Context) (*federation.Organization, error) {
	return &federation.Organization{Enabled: true}, nil
}

func (w *world) client(trust *federation.Trust, rt http.RoundTripper) *federation.Client {
	return &federation.Client{Trusts: trusts{trust}, Now: w.clock, HTTP: func(*federation.Trust) (*http.Client, error) {
		if rt == nil {
			return w.server.Client(), nil
		}
		return &http.Client{Transport: rt}, nil
	}}
}

// ask is what an honest organization does.
func (w *world) ask(t testing.TB, trust *federation.Trust, user, target string) error {
	t.Helper()
	_, err := w.client(trust, nil).DelegationToken(t.Context(), request(user, target))
	return err
}

func request(user, target string) federation.TokenRequest {
	return federation.TokenRequest{User: smtpaddr.MustAddress(user), TargetApplicationUri: target, Action: orgrel.ActionFreeBusy, Fresh: true}
}

// capture catches a request instead of sending it.
type capture struct{ body []byte }

func (c *capture) RoundTrip(r *http.Request) (*http.Response, error) {
	c.body, _ = io.ReadAll(r.Body)
	return nil, io.ErrUnexpectedEOF
}

// rst is a token request as the trust's organization would send it.
func (w *world) rst(t testing.TB, trust *federation.Trust, r federation.TokenRequest) string {
	t.Helper()
	var c capture
	_, _ = w.client(trust, &c).DelegationToken(t.Context(), r)
	if len(c.body) == 0 {
		t.Fatal("no request was made")
	}
	return string(c.body)
}

// post sends a request and returns the WS-Trust subcode of the fault, "" for a token, and the whole answer.
func (w *world) post(t testing.TB, body string) (code, answer string) {
	t.Helper()
	resp, err := w.server.Client().Post(w.server.URL+gateway.PathSTS, "application/soap+xml; charset=utf-8", strings.NewReader(body))
	must(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(t, err)
	if m := regexp.MustCompile(`wst:(\w+)</s:Value></s:Subcode>`).FindSubmatch(raw); m != nil {
		return string(m[1]), string(raw)
	}
	if !strings.Contains(string(raw), "RequestSecurityTokenResponse") {
		return resp.Status, string(raw)
	}
	return "", string(raw)
}
