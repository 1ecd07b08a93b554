package gatewaystore

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

type trusts struct{ trust *federation.Trust }

func (s trusts) FederationTrust(context.Context) (*federation.Trust, error)     { return s.trust, nil }
func (s trusts) Organization(context.Context) (*federation.Organization, error) { return nil, nil }

// BenchmarkTokenRequest is a whole token request over TLS, the client's signatures included, in registries of 10 and of
// 10,000 organizations.
func BenchmarkTokenRequest(b *testing.B) {
	for _, n := range []int{10, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b)
			fill(b, s, n)
			key, err := federation.NewOrganizationCertificate(time.Now(), 30)
			must(b, err)
			signing, err := federation.NewSigningCertificate(time.Now(), 30)
			must(b, err)
			domain := smtpaddr.MustDomain("contoso.example")
			must(b, s.Add(b.Context(), &gateway.Organization{Name: "Contoso", ApplicationUri: "contoso.example", AccountNamespace: domain, Domains: []smtpaddr.Domain{domain}, Certificate: key.Certificate}))
			mux := http.NewServeMux()
			srv := httptest.NewTLSServer(mux)
			defer srv.Close()
			g, err := gateway.New(gateway.Options{Issuer: "urn:federation:bench", PublicURL: srv.URL, Signing: signing, Profile: federation.ProfileModern, Lifetime: time.Hour, Registry: s,
				Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Limits: gateway.Limits{TokensPerOrganization: 1e6}})
			must(b, err)
			mux.Handle("/", g.Handler())
			c := &federation.Client{Now: time.Now, HTTP: func(*federation.Trust) (*http.Client, error) { return srv.Client(), nil },
				Trusts: trusts{&federation.Trust{ApplicationUri: "contoso.example", TokenIssuerUri: "urn:federation:bench", TokenIssuerEpr: srv.URL + gateway.PathSTS, OrgCertificate: key, Profile: federation.ProfileModern}}}
			for b.Loop() {
				_, err := c.DelegationToken(b.Context(), federation.TokenRequest{User: smtpaddr.MustAddress("a@contoso.example"), TargetApplicationUri: "contoso.example", Action: orgrel.ActionFreeBusy, Fresh: true})
				must(b, err)
			}
		})
	}
}

// BenchmarkStranger is the answer to a well-formed request of somebody whom nobody registered: what a flood costs.
func BenchmarkStranger(b *testing.B) {
	s := open(b)
	fill(b, s, 10000)
	key, err := federation.NewOrganizationCertificate(time.Now(), 30)
	must(b, err)
	g, err := gateway.New(gateway.Options{Issuer: "urn:federation:bench", PublicURL: "https://gateway.example", Signing: key, Profile: federation.ProfileModern, Lifetime: time.Hour,
		Registry: s, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Limits: gateway.Limits{FailuresPerSource: 1e9}})
	must(b, err)
	var body []byte
	c := &federation.Client{Now: time.Now, Trusts: trusts{&federation.Trust{ApplicationUri: "stranger.example", TokenIssuerEpr: "https://gateway.example" + gateway.PathSTS, OrgCertificate: key, Profile: federation.ProfileModern}},
		HTTP: func(*federation.Trust) (*http.Client, error) {
			return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				body, _ = io.ReadAll(r.Body)
				return nil, io.EOF
			})}, nil
		}}
	_, _ = c.DelegationToken(b.Context(), federation.TokenRequest{User: smtpaddr.MustAddress("a@stranger.example"), TargetApplicationUri: "stranger.example", Action: orgrel.ActionFreeBusy})
	handler := g.Handler()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, gateway.PathSTS, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/soap+xml; charset=utf-8")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusInternalServerError {
			b.Fatal(w.Code, w.Body)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// BenchmarkLookup reads what one token request needs, in registries of 10 and of 10,000 organizations.
func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{10, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b)
			fill(b, s, n)
			o := organization(b, "contoso.example")
			must(b, s.Add(b.Context(), o))
			for b.Loop() {
				if len(byKey(b, s, xmlsec.KeyHint{SubjectKeyID: o.Certificate.SubjectKeyId})) != 1 {
					b.Fatal("the organization was not found")
				}
				_, err := s.OrganizationByURI(b.Context(), o.ApplicationUri)
				must(b, err)
				if ok, err := s.Speaks(b.Context(), o.Name, o.Domains[0]); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

// fill registers n organizations in one transaction; they share one certificate's bytes under identifiers of their own.
func fill(b *testing.B, s *Store, n int) {
	der := organization(b, "filler.example").Certificate.Raw
	tx, err := s.db.BeginTx(b.Context(), nil)
	must(b, err)
	defer tx.Rollback()
	for i := range n {
		name := fmt.Sprintf("org%05d.example", i)
		for _, q := range []struct {
			query string
			args  []any
		}{
			{`INSERT INTO organization (name, app_id, application_uri, uri_key, account_namespace, state, registered_at) VALUES (?, ?, ?, ?, ?, 'approved', 0)`, []any{name, name, name, name, name}},
			{`INSERT INTO certificate (organization, role, der, ski, sha1, serial) VALUES (?, 'current', ?, ?, ?, ?)`, []any{name, der, []byte(name), []byte(name), name}},
			{`INSERT INTO domain (domain, organization, state, how) VALUES (?, ?, 'proven', 'txt')`, []any{name, name}},
		} {
			_, err := tx.ExecContext(b.Context(), q.query, q.args...)
			must(b, err)
		}
	}
	must(b, tx.Commit())
}
