package server

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/store/open"
	"github.com/availd/availd/internal/xmlsec"
)

// upkept is a node whose trust has an organization certificate of 20 days and metadata that was read before age.
func upkept(t *testing.T, age time.Duration) (s *Server, log *bytes.Buffer, reads *atomic.Int32) {
	t.Helper()
	signing, err := federation.NewSigningCertificate(time.Now(), 90)
	must(t, err)
	own, err := federation.NewOrganizationCertificate(time.Now(), 20)
	must(t, err)
	reads = new(atomic.Int32)
	var url string
	gateway := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reads.Add(1)
		doc, err := federation.MarshalMetadata(&federation.Metadata{TokenIssuerUri: "urn:federation:test", TokenIssuerEpr: url + "/moved.srf", WebRequestorRedirectEpr: url,
			Certificates: []*x509.Certificate{signing.Certificate}}, xmlsec.Signer{Key: signing.Key, Certificate: signing.Certificate, Algorithm: xmlsec.RSASHA256})
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(doc)
	}))
	t.Cleanup(gateway.Close)
	url = gateway.URL
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: gateway.Certificate().Raw}), 0o600))
	st, err := open.Open(t.Context(), filepath.Join(dir, "a.db"), open.Options{})
	must(t, err)
	t.Cleanup(func() { st.Close() })
	must(t, st.PutTrust(t.Context(), &federation.Trust{Name: "Gateway", ApplicationUri: "contoso.example", TokenIssuerUri: "urn:federation:test", TokenIssuerEpr: url + "/extSTS.srf",
		TokenIssuerMetadataEpr: url, TokenIssuerCertificate: signing.Certificate, OrgCertificate: own, Profile: federation.ProfileModern, Proof: federation.ProofRequired, CAFile: ca, AllowPrivate: true,
		MetadataReadAt: time.Now().Add(-age)}))
	log = new(bytes.Buffer)
	return New(Options{Log: slog.New(slog.NewTextHandler(log, nil))}, st), log, reads
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestMetadataIsReadOnceADay(t *testing.T) {
	for age, want := range map[time.Duration]int32{23 * time.Hour: 0, 27 * time.Hour: 1} { // at 24 hours, or up to two later
		s, _, reads := upkept(t, age)
		must(t, s.refreshStaleMetadata(t.Context()))
		cfg, err := s.store.LoadConfig(t.Context())
		must(t, err)
		if reads.Load() != want || strings.HasSuffix(cfg.Trust.TokenIssuerEpr, "/moved.srf") != (want == 1) || (len(cfg.Trust.MetadataDocument) > 0) != (want == 1) {
			t.Errorf("%s old: read %d times, TokenIssuerEpr %s", age, reads.Load(), cfg.Trust.TokenIssuerEpr)
		}
		if _, err := s.config.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		must(t, s.refreshStaleMetadata(t.Context()))
		if reads.Load() != want {
			t.Errorf("%s old: read again at once", age)
		}
	}
}

func TestExpiringCertificateIsInTheLogAndInTheMetrics(t *testing.T) {
	s, log, _ := upkept(t, 5*24*time.Hour)
	must(t, s.warnExpiring(t.Context()))
	for _, want := range []string{"level=WARN", "OrgCertificate ", "expires within 30 days", "the gateway's metadata was last read on"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is missing in %s", want, log)
		}
	}
	w := httptest.NewRecorder()
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if want := `availd_certificate_warning_days{certificate="organization"} 30`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("%s is missing", want)
	}
}
