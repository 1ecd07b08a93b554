package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/store/open"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func TestDriftIsLoggedAndCountedAndNotTaken(t *testing.T) {
	st, err := open.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for name, source := range map[string]orgrel.Source{"moved": orgrel.Auto, "down": orgrel.Auto, "byhand": orgrel.Manual} {
		r := &orgrel.OrganizationRelationship{Name: name, DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain(name + ".example")}, Enabled: true, TargetApplicationUri: "old", Source: source}
		if err := st.PutRelationship(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	s := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, st)
	a := &admin.Admin{Store: st, Now: s.o.Now, Find: func(_ context.Context, d smtpaddr.Domain, _ admin.DiscoverParams) (*autodiscover.FederationInformation, []autodiscover.Try, error) {
		if d.String() != "moved.example" {
			return nil, nil, errors.New("nobody answers")
		}
		return &autodiscover.FederationInformation{ApplicationUri: "new", Domains: []smtpaddr.Domain{d}}, nil, nil
	}}
	if err := s.reportDrift(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if !strings.Contains(w.Body.String(), "\navaild_relationships_drifted 1\n") {
		t.Errorf("%.300s", w.Body)
	}
	for text, want := range map[string]bool{"relationship=moved": true, "relationship=down": true, "nobody answers": true, "relationship=byhand": false} {
		if strings.Contains(log.String(), text) != want {
			t.Errorf("%s: %t in %s", text, !want, log.String())
		}
	}
	cfg, err := st.LoadConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cfg.Relationships {
		if r.TargetApplicationUri != "old" {
			t.Errorf("%s was changed", r.Name)
		}
	}
}
