package server

import (
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/store/open"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// remembering is a node with some entries in its caches, on a database at path.
func remembering(t *testing.T) (s *Server, admin *httptest.Server, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	st, err := open.Open(t.Context(), path, open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if err := st.PutRelationship(t.Context(), &orgrel.OrganizationRelationship{Name: "Fabrikam", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("fabrikam.example")}, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	s = New(Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, st)
	tokens, found := cache.New[string, string](10, time.Now), cache.New[string, string](10, time.Now)
	tokens.Put("tom@contoso.example MSExchange.Autodiscover exchangedelegation.fabrikam.example", "canary", time.Hour, 0)
	tokens.Put("tom@contoso.example MSExchange.Autodiscover tailspin.example", "canary", time.Hour, 0)
	found.Put("fabrikam.example (Fabrikam)", "canary", time.Hour, 0)
	found.Put("notfabrikam.example (Tailspin)", "canary", time.Hour, 0)
	s.caches.Register("tokens", tokens)
	s.caches.Register("autodiscover", found)
	admin = httptest.NewServer(s.Admin(t.Context()))
	t.Cleanup(admin.Close)
	return s, admin, path
}

func ask(t *testing.T, method, url, host, kind, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestCachesAreListedWithoutTheirContents(t *testing.T) {
	_, admin, _ := remembering(t)
	for query, want := range map[string]int{"": 4, "?cache=tokens": 2, "?domain=fabrikam.example": 2, "?domain=FABRIKAM.example&cache=tokens": 1, "?domain=contoso.example": 2, "?domain=nobody.example": 0} {
		status, body := ask(t, http.MethodGet, admin.URL+PathCaches+query, "", "", "")
		var list []CacheEntry
		if err := json.Unmarshal([]byte(body), &list); err != nil || status != http.StatusOK || len(list) != want {
			t.Errorf("%s: HTTP %d, %d entries, want %d: %s", query, status, len(list), want, body)
		}
		if strings.Contains(body, "canary") {
			t.Errorf("%s: %s", query, body)
		}
	}
	if status, body := ask(t, http.MethodGet, admin.URL+PathCaches+"?cache=nothing", "", "", ""); status != http.StatusNotFound || !strings.Contains(body, "tokens") {
		t.Errorf("HTTP %d %s", status, body)
	}
}

func TestFlushForgetsWhatIsMeant(t *testing.T) {
	for body, want := range map[string]int{`{}`: 4, `{"Caches":["tokens"]}`: 2, `{"Domain":"fabrikam.example"}`: 2, `{"Caches":["autodiscover"],"Domain":"fabrikam.example"}`: 1} {
		s, admin, _ := remembering(t)
		status, text := ask(t, http.MethodPost, admin.URL+PathFlush, "", "application/json", body)
		var done FlushAnswer
		if err := json.Unmarshal([]byte(text), &done); err != nil || status != http.StatusOK || done.Flushed != want {
			t.Errorf("%s: HTTP %d %s, want %d", body, status, text, want)
		}
		left := 0
		for _, name := range s.caches.Names() {
			c, _ := s.caches.Get(name)
			left += len(c.List())
		}
		if left != 4-want {
			t.Errorf("%s: %d are left", body, left)
		}
	}
}

func TestFlushReadsWhatWasChangedByHand(t *testing.T) {
	s, admin, path := remembering(t)
	fabrikam := smtpaddr.MustDomain("fabrikam.example")
	if r, err := s.config.RelationshipForDomain(t.Context(), fabrikam); err != nil || !r.Enabled {
		t.Fatal(r, err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `UPDATE relationship SET data = replace(data, '"Enabled":true', '"Enabled":false')`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.config.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, _ := s.config.RelationshipForDomain(t.Context(), fabrikam); !r.Enabled {
		t.Fatal("the change was followed by itself: the counter moved")
	}
	if status, body := ask(t, http.MethodPost, admin.URL+PathFlush, "", "application/json", "{}"); status != http.StatusOK {
		t.Fatalf("HTTP %d %s", status, body)
	}
	if r, _ := s.config.RelationshipForDomain(t.Context(), fabrikam); r.Enabled {
		t.Error("the change by hand is not followed")
	}
}

func TestABrowserCannotBeLedToTheCaches(t *testing.T) {
	_, admin, _ := remembering(t)
	for _, c := range []struct {
		method, path, host, kind string
		want                     int
	}{
		{http.MethodPost, PathFlush, "", "text/plain", http.StatusUnsupportedMediaType},
		{http.MethodPost, PathFlush, "", "application/x-www-form-urlencoded", http.StatusUnsupportedMediaType},
		{http.MethodPost, PathFlush, "rebound.example:9443", "application/json", http.StatusForbidden},
		{http.MethodGet, PathCaches, "rebound.example", "", http.StatusForbidden},
		{http.MethodGet, PathCaches, "localhost:9443", "", http.StatusOK},
		{http.MethodGet, PathFlush, "", "", http.StatusMethodNotAllowed},
		{http.MethodPost, PathFlush, "", "application/json", http.StatusBadRequest}, // no body
	} {
		if status, body := ask(t, c.method, admin.URL+c.path, c.host, c.kind, ""); status != c.want {
			t.Errorf("%+v: HTTP %d %s", c, status, body)
		}
	}
}
