package gatewayadmin

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/gatewaykeys"
	"github.com/availd/availd/internal/gatewaystore"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

type clock struct{ now time.Time }

func newAdmin(t *testing.T) (*Admin, *clock) {
	t.Helper()
	dir := t.TempDir()
	store, err := gatewaystore.Open(t.Context(), filepath.Join(dir, "gateway.db"))
	must(t, err)
	t.Cleanup(func() { store.Close() })
	c := &clock{time.Now()}
	now := func() time.Time { return c.now }
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	return &Admin{Store: store, Domains: &gateway.Domains{Store: store, Prover: &gateway.Prover{}, Now: now, Log: log}, Keys: gatewaykeys.Folder(dir),
		Overlap: 7 * 24 * time.Hour, Accept: 25 * time.Hour, Now: now}, c
}

func certificate(t *testing.T) string {
	t.Helper()
	k, err := federation.NewOrganizationCertificate(time.Now(), 45)
	must(t, err)
	return string(federation.EncodeCertificate(k.Certificate))
}

func TestSigningKeyWaitsUntilPartnersKnowIt(t *testing.T) {
	a, c := newAdmin(t)
	ctx := t.Context()
	old, err := a.CurrentKeys(ctx)
	must(t, err)
	must(t, a.NextSigningKey(ctx))
	if err := a.PublishSigningKey(ctx, false); err == nil || fault.KindOf(err) != fault.Conflict {
		t.Errorf("published at once: %v", err)
	}
	c.now = c.now.Add(a.Overlap + time.Minute)
	must(t, a.PublishSigningKey(ctx, false))
	c.now = time.Now() // by which the registry has noted it
	k, err := a.CurrentKeys(ctx)
	must(t, err)
	if k.Previous == nil || !k.Previous.Equal(old.Current.Certificate) {
		t.Fatal("tokens of the old key are not accepted any more")
	}
	c.now = time.Now().Add(a.Accept - time.Hour)
	if k, err = a.CurrentKeys(ctx); err != nil || k.Previous == nil {
		t.Errorf("the previous key went before its last token expired: %v", err)
	}
	c.now = time.Now().Add(a.Accept + time.Hour)
	if k, err = a.CurrentKeys(ctx); err != nil || k.Previous != nil {
		t.Errorf("the previous key stays for ever: %v", err)
	}
}

func TestThresholdsOfExpiry(t *testing.T) {
	for days, want := range map[int]int{61: -1, 60: 60, 31: 60, 30: 30, 8: 30, 7: 7, 1: 7, 0: 0, -3: 0} {
		got, ok := threshold(days)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%d days: %d, want %d", days, got, want)
		}
	}
}

func TestExpiringNamesTheOrganization(t *testing.T) {
	a, _ := newAdmin(t)
	_, err := a.AddOrganization(t.Context(), NewOrganization{Name: "Contoso", ApplicationUri: "contoso.example", AccountNamespace: "contoso.example", Domains: []string{"contoso.example"}, Certificate: certificate(t)})
	must(t, err)
	list, err := a.Expiring(t.Context())
	must(t, err)
	if len(list) != 1 || list[0].Of != "Contoso" || list[0].Threshold != 60 {
		t.Errorf("%+v", list)
	}
}

// call sends a request to the API and returns status and body.
func call(t *testing.T, srv *httptest.Server, method, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, srv.URL+path, strings.NewReader(body))
	must(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := srv.Client().Do(req)
	must(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(raw)
}

func TestAPIDoesWhatTheAdministratorSays(t *testing.T) {
	a, _ := newAdmin(t)
	srv := httptest.NewServer(a.API(nil, slog.New(slog.NewTextHandler(io.Discard, nil))))
	defer srv.Close()
	one, err := json.Marshal(NewOrganization{Name: "Contoso Ltd", ApplicationUri: "contoso.example", AccountNamespace: "contoso.example", Domains: []string{"contoso.example"}, Certificate: certificate(t)})
	must(t, err)
	next, err := json.Marshal(map[string]string{"certificate": certificate(t)})
	must(t, err)
	org := "/v1/organizations/" + url.PathEscape("Contoso Ltd")
	for _, c := range []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"POST", "/v1/organizations", string(one), 200, `"state":"approved"`},
		{"POST", "/v1/organizations", string(one), 409, `"code":"conflict"`},
		{"POST", "/v1/organizations", `{"nickname":"x"}`, 400, `"code":"invalid"`},
		{"GET", "/v1/organizations", "", 200, `"name":"Contoso Ltd"`},
		{"POST", org + "/disable", "", 204, ""},
		{"POST", org + "/domains/more.example/add", "", 204, ""},
		{"POST", org + "/domains/more.example/verify", "", 503, "could not be looked up"},
		{"GET", org + "/domains", "", 200, `"state":"reserved"`},
		{"POST", org + "/approve?domains=true", "", 204, ""},
		{"GET", org, "", 200, `"how":"administrator"`},
		{"POST", org + "/domains/more.example/remove", "", 204, ""},
		{"POST", org + "/certificate/publish", "", 404, "no next certificate"},
		{"POST", org + "/certificate/next", string(next), 204, ""},
		{"POST", org + "/certificate/publish", "", 204, ""},
		{"GET", org, "", 200, `"role":"previous"`},
		{"DELETE", org + "/certificate/previous", "", 204, ""},
		{"POST", "/v1/signing-keys/next", "", 204, ""},
		{"POST", "/v1/signing-keys/publish", "", 409, "partners may not know it"},
		{"GET", "/v1/signing-keys", "", 200, `"role":"next"`},
		{"DELETE", org, "", 204, ""},
		{"GET", org, "", 404, `"code":"not_found"`},
		{"GET", "/v1/audit/changes", "", 200, `"actor":"api loopback"`},
		{"GET", "/v1/audit/issued", "", 200, "[]"},
	} {
		if c.path == "/v1/signing-keys/next" {
			_, err := a.CurrentKeys(t.Context())
			must(t, err)
		}
		status, body := call(t, srv, c.method, c.path, c.body)
		if status != c.status || !strings.Contains(body, c.has) {
			t.Errorf("%s %s: %d %s, want %d and %q", c.method, c.path, status, body, c.status, c.has)
		}
	}
}

func TestWithoutTokensNoWebPageReachesTheAPI(t *testing.T) {
	a, _ := newAdmin(t)
	srv := httptest.NewServer(a.API(nil, slog.New(slog.NewTextHandler(io.Discard, nil))))
	defer srv.Close()
	if status, _ := call(t, srv, "GET", "/v1/organizations", ""); status != http.StatusOK {
		t.Errorf("a local program: %d", status)
	}
	if status, _ := call(t, srv, "GET", "/v1/organizations", "", "Origin", "https://evil.example"); status != http.StatusUnauthorized {
		t.Errorf("a page of another site: %d", status)
	}
	if status, _ := call(t, srv, "GET", "/v1/organizations", "", "Host", "rebound.evil.example"); status != http.StatusUnauthorized {
		t.Errorf("a rebound name: %d", status)
	}
}

func TestTokenFile(t *testing.T) {
	a, _ := newAdmin(t)
	path := filepath.Join(t.TempDir(), "tokens")
	const secret = "0123456789abcdefghij"
	must(t, os.WriteFile(path, []byte("# who may\ncarol "+secret+"\n"), 0o644))
	if _, err := NewTokens(path); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a file that others can read: %v", err)
	}
	must(t, os.Chmod(path, 0o600))
	tokens, err := NewTokens(path)
	must(t, err)
	srv := httptest.NewServer(a.API(tokens, slog.New(slog.NewTextHandler(io.Discard, nil))))
	defer srv.Close()
	for given, want := range map[string]int{"": 401, "Bearer ": 401, "Bearer x": 401, "Basic " + secret: 401, "Bearer " + secret: 200} {
		if status, _ := call(t, srv, "GET", "/v1/organizations", "", "Authorization", given); status != want {
			t.Errorf("%q: %d, want %d", given, status, want)
		}
	}
	must(t, os.WriteFile(path, []byte("dave another-"+secret+"\n"), 0o600))
	if status, _ := call(t, srv, "GET", "/v1/organizations", "", "Authorization", "Bearer "+secret); status != 401 {
		t.Errorf("a token that is not in the file any more: %d", status)
	}
}
