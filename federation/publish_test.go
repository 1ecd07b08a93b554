package federation_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

func TestDomainProofDependsOnDomainAndCertificate(t *testing.T) {
	a, b := pair(t, "requester").Certificate, pair(t, "target").Certificate
	proof := federation.DomainProof(smtpaddr.MustDomain("contoso.example"), a)
	if len(proof) != 88 || !strings.HasSuffix(proof, "==") {
		t.Errorf("proof %q is not 64 bytes of base64", proof)
	}
	// Counted by openssl: printf 'fedproof-v1\ncontoso.example\n%s\n' <sha256 of DER> | openssl dgst -sha512 -binary | base64.
	if want := "Un1HTU6RdtGXKm0GekiHoOdjgyX1S51nUmKOGXY2RwLXrDhtRjE+0VjoamIN36hKbraYUIbeamNhbQ3X9HMZ+Q=="; proof != want {
		t.Errorf("proof is %s, and openssl says %s", proof, want)
	}
	for what, other := range map[string]string{"another domain": federation.DomainProof(smtpaddr.MustDomain("sub.contoso.example"), a), "another certificate": federation.DomainProof(smtpaddr.MustDomain("contoso.example"), b)} {
		if other == proof {
			t.Errorf("%s has the same proof", what)
		}
	}
}

func publishingTrust(t *testing.T, epr string) *federation.Trust {
	return &federation.Trust{ApplicationUri: "exchangedelegation.contoso.example", TokenIssuerUri: "urn:federation:lab", TokenIssuerEpr: epr, OrgCertificate: pair(t, "target")}
}

func TestPublishedPartnerListIsReadAsItWasSent(t *testing.T) {
	var path string
	var raw []byte
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		raw, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer srv.Close()
	trust := publishingTrust(t, srv.URL+"/consumer/extSTS.srf")
	list := federation.PartnerList{ApplicationUris: []string{"http://a<b>&\"c"}, Domains: []smtpaddr.Domain{smtpaddr.MustDomain("fabrikam.example")}}
	if err := federation.PublishPartners(t.Context(), srv.Client(), trust, list, clock()); err != nil {
		t.Fatal(err)
	}
	if path != "/consumer/statements" {
		t.Errorf("sent to %s", path)
	}
	u, err := federation.ReadStatement(raw)
	if err != nil {
		t.Fatal(err)
	}
	s, err := u.Verify(orgCertificates(trust), "urn:federation:lab", clock())
	if err != nil {
		t.Fatal(err)
	}
	if s.Kind != federation.StatementPartners || s.ApplicationUri != trust.ApplicationUri ||
		s.First(federation.ValuePartnerUri) != list.ApplicationUris[0] || s.First(federation.ValuePartnerDomain) != "fabrikam.example" {
		t.Errorf("read %+v", s)
	}
}

func TestStatementIsRefused(t *testing.T) {
	key := pair(t, "target")
	signer := xmlsec.Signer{Key: key.Key, Certificate: key.Certificate, Algorithm: xmlsec.RSASHA256}
	raw, err := federation.MarshalStatement(federation.Statement{Kind: federation.StatementPartners, ApplicationUri: "a.example", Audience: "urn:g",
		Values: []federation.StatementValue{{Name: federation.ValuePartnerDomain, Text: "fabrikam.example"}}}, signer, clock())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw      string
		signer   string
		audience string
		now      time.Time
	}{
		"as it is for another gateway":     {string(raw), "target", "urn:other", clock()},
		"as somebody else's key signed it": {string(raw), "requester", "urn:g", clock()},
		"as it is too old":                 {string(raw), "target", "urn:g", clock().Add(10 * time.Minute)},
		"as it is from the future":         {string(raw), "target", "urn:g", clock().Add(-6 * time.Minute)},
		"as a domain was changed":          {strings.Replace(string(raw), "fabrikam", "northwnd", 1), "target", "urn:g", clock()},
	} {
		u, err := federation.ReadStatement([]byte(c.raw))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Verify(orgCertificates(&federation.Trust{OrgCertificate: pair(t, c.signer)}), c.audience, c.now); err == nil {
			t.Errorf("accepted %s", name)
		}
	}
}

func TestPublishingNeedsHTTPS(t *testing.T) {
	if err := federation.PublishPartners(t.Context(), http.DefaultClient, publishingTrust(t, "http://gateway.example/extSTS.srf"), federation.PartnerList{}, clock()); err == nil {
		t.Error("sent over plain HTTP")
	}
}

func orgCertificates(t *federation.Trust) []*x509.Certificate {
	return []*x509.Certificate{t.OrgCertificate.Certificate}
}
