package lab_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// tokenRequest is what an organization's client would send; it is not sent.
func tokenRequest(t *testing.T, trust *federation.Trust, r federation.TokenRequest, skew time.Duration) string {
	t.Helper()
	var body string
	c := &federation.Client{Trusts: staticTrust{&lab.Organization{Trust: trust}}, Now: func() time.Time { return time.Now().Add(skew) },
		HTTP: func(*federation.Trust) (*http.Client, error) {
			return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				b, err := io.ReadAll(r.Body)
				body = string(b)
				if err == nil {
					err = io.ErrUnexpectedEOF
				}
				return nil, err
			})}, nil
		}}
	if _, err := c.DelegationToken(t.Context(), r); body == "" {
		t.Fatal(err)
	}
	return body
}

// causes collects the reasons that the gateway's log gives.
type causes struct {
	mu   sync.Mutex
	last string
}

func (c *causes) record(line []byte) {
	var r struct{ Cause string }
	if json.Unmarshal(line, &r) == nil && r.Cause != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.last = r.Cause
	}
}

func (c *causes) take() (last string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, c.last = c.last, ""
	return last
}

// TestGatewayRefusesWithOneTextAndLogsTheReason sends what an organization may not have (T95 to T99).
func TestGatewayRefusesWithOneTextAndLogsTheReason(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	var log causes
	l.GatewayLog.Listen(log.record)
	ctx, name := t.Context(), l.Fabrikam.Domain.String()
	reserve := func(d string, state gateway.DomainState) {
		must(t, l.Registry.ReserveDomain(ctx, name, smtpaddr.MustDomain(d)))
		was, err := l.Registry.Domain(ctx, smtpaddr.MustDomain(d))
		must(t, err)
		is := was
		is.State = state
		must(t, l.Registry.PutDomain(ctx, "test", was, is))
	}
	reserve("unproven.example", gateway.Reserved)
	reserve("lapsed.example", gateway.Lapsed)
	stranger, err := federation.NewOrganizationCertificate(time.Now(), 30)
	must(t, err)
	request := func(user, target string) federation.TokenRequest {
		return federation.TokenRequest{User: smtpaddr.MustAddress(user), TargetApplicationUri: target, Action: orgrel.ActionFreeBusy}
	}
	contoso := l.Contoso.Trust.ApplicationUri
	with := func(change func(*federation.Trust)) string {
		trust := *l.Fabrikam.Trust
		change(&trust)
		return tokenRequest(t, &trust, request("rita@fabrikam.example", contoso), 0)
	}
	as := func(user, target string) string {
		return tokenRequest(t, l.Fabrikam.Trust, request(user, target), 0)
	}
	once := as("rita@fabrikam.example", contoso)
	send(t, l, http.MethodPost, l.Fabrikam.Trust.TokenIssuerEpr, http.Header{"Content-Type": {"application/soap+xml; charset=utf-8"}}, once)
	texts := map[string]string{}
	const denied, scope, expired = "FailedAuthentication", "InvalidScope", "ExpiredData"
	for _, c := range []struct{ story, request, code, reason string }{
		{"T95 wrong organization", with(func(t *federation.Trust) { t.OrgCertificate = stranger }), denied, "is of no registered organization"},
		{"T95 another organization's name", with(func(t *federation.Trust) { t.ApplicationUri = contoso }), denied, "is of no registered organization"},
		{"T95 wrong domain", as("tom@contoso.example", contoso), denied, "contoso.example is no proven domain of fabrikam.example"},
		{"T95 unproven domain", as("x@unproven.example", contoso), denied, "unproven.example is no proven domain of fabrikam.example"},
		{"T98 the proof has lapsed", as("x@lapsed.example", contoso), denied, "lapsed.example is no proven domain of fabrikam.example"},
		{"T99 replay", once, denied, "is a replay"},
		{"T99 wrong To", with(func(t *federation.Trust) { t.TokenIssuerEpr = "https://other.example/extSTS.srf" }), denied, "the request is to"},
		{"T96 for another gateway", with(func(t *federation.Trust) { t.TokenIssuerUri = "urn:federation:other" }), denied, "OnBehalfOf is for"},
		{"T97 unknown target", as("rita@fabrikam.example", "nobody.example"), scope, "is not registered"},
		{"T97 target with a path", as("rita@fabrikam.example", contoso+"/x"), scope, "is not registered"},
		{"T99 an hour ago", tokenRequest(t, l.Fabrikam.Trust, request("rita@fabrikam.example", contoso), -time.Hour), expired, "Timestamp"},
	} {
		_, _, answer := send(t, l, http.MethodPost, l.Fabrikam.Trust.TokenIssuerEpr, http.Header{"Content-Type": {"application/soap+xml; charset=utf-8"}}, c.request)
		m := regexp.MustCompile(`wst:(\w+)</s:Value></s:Subcode>`).FindStringSubmatch(answer)
		if m == nil || m[1] != c.code {
			t.Errorf("%s: %v and not %s", c.story, m, c.code)
			continue
		}
		if texts[c.code] == "" {
			texts[c.code] = answer
		}
		if answer != texts[c.code] {
			t.Errorf("%s reads otherwise than the others:\n%s\n%s", c.story, answer, texts[c.code])
		}
		if reason := log.take(); !strings.Contains(reason, c.reason) {
			t.Errorf("%s: the log says %q and not %q", c.story, reason, c.reason)
		}
	}
	if status, _, answer := send(t, l, http.MethodPost, l.Fabrikam.Trust.TokenIssuerEpr, http.Header{"Content-Type": {"application/soap+xml; charset=utf-8"}}, as("rita@fabrikam.example", contoso)); status != http.StatusOK {
		t.Errorf("after all that, an honest request: HTTP %d %s", status, answer)
	}
}

// TestTrustKeepsTheLastGoodMetadata lets the gateway's document vanish and change in every way that Contoso must not follow
// (T110), and looks up in between.
func TestTrustKeepsTheLastGoodMetadata(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
		asking := newCaller(t, l, l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly))
		stranger, err := federation.NewSigningCertificate(time.Now(), 30)
		must(t, err)
		signedBy := func(k *federation.KeyPair, issuer string) string {
			g, err := gateway.New(gateway.Options{Issuer: issuer, PublicURL: l.Gateway.URL, Signing: k, Profile: federation.ProfileModern, Lifetime: time.Hour, Now: time.Now})
			must(t, err)
			w := httptest.NewRecorder()
			g.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, gateway.PathMetadata, http.NoBody))
			return w.Body.String()
		}
		current := l.IssuerKeys().Current
		good := signedBy(current, "urn:federation:lab")
		answer := func(status int, body string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			}
		}
		for _, c := range []struct {
			story   string
			handler http.HandlerFunc
			want    string // "" where the refresh must do
		}{
			{"the same", answer(http.StatusOK, good), ""},
			{"gone", answer(http.StatusNotFound, ""), "404"},
			{"down", answer(http.StatusServiceUnavailable, ""), "503"},
			{"moved", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://other.example/", http.StatusFound)
			}, "other.example"},
			{"empty", answer(http.StatusOK, ""), "metadata"},
			{"a page", answer(http.StatusOK, "<html><body>Sign in</body></html>"), "metadata"},
			{"another end, signature left", answer(http.StatusOK, strings.Replace(good, "/extSTS.srf", "/other.srf", 1)), "metadata"},
			{"no signature", answer(http.StatusOK, regexp.MustCompile(`(?s)<ds:Signature[ >].*</ds:Signature>`).ReplaceAllString(good, "")), "metadata"},
			{"signed by a stranger", answer(http.StatusOK, signedBy(stranger, "urn:federation:lab")), "metadata"},
			{"another issuer", answer(http.StatusOK, signedBy(current, "urn:federation:other")), "urn:federation:other"},
			{"a megabyte", answer(http.StatusOK, good+strings.Repeat(" ", 1<<20)), "metadata"},
			{"the same again", answer(http.StatusOK, good), ""},
		} {
			refresh(t, l, c.story, c.handler, c.want)
			if got := granted(t, asking, l.Contoso.URL, tom); got != "Detailed" {
				t.Errorf("after %q a known key is not trusted any more: %s", c.story, got)
			}
		}
	})
}

// refresh reads the metadata from a server in the gateway's place; what is refused must change nothing.
func refresh(t *testing.T, l *lab.Lab, story string, handler http.HandlerFunc, want string) {
	t.Helper()
	before, err := l.Contoso.Store.ConfigVersion(t.Context())
	must(t, err)
	a := &admin.Admin{Store: l.Contoso.Store, Who: "lab", Now: time.Now, Metadata: func(ctx context.Context, _ *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error) {
		srv := httptest.NewTLSServer(handler)
		defer srv.Close()
		return federation.FetchMetadata(ctx, srv.Client(), srv.URL, trusted, time.Now())
	}}
	_, err = a.RefreshTrust(t.Context(), "")
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, and not %q", story, err, want)
	}
	if after, e := l.Contoso.Store.ConfigVersion(t.Context()); e != nil || want != "" && after != before {
		t.Errorf("%s: the trust was changed: %v", story, e)
	}
}
