package admin_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
)

// certificates writes thumbprint and role of each.
func certificates(t *testing.T, a *admin.Admin) map[string]admin.CertificateRole {
	t.Helper()
	list, err := a.Certificates(t.Context())
	must(t, err)
	out := map[string]admin.CertificateRole{}
	for _, c := range list {
		out[c.Thumbprint] = c.Role
	}
	return out
}

func params() admin.TrustParams {
	return admin.TrustParams{Name: "Gateway", ApplicationUri: "contoso.example", TokenIssuerMetadataEpr: "https://gateway.example/metadata.xml",
		Profile: federation.ProfileModern, ProofOfPossession: federation.ProofRequired, Days: 30}
}

func TestTrustTakesTheCertificateThatWasPickedByThumbprint(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	if got := certificates(t, a); len(got) != 0 {
		t.Errorf("a fresh installation has %v", got)
	}
	picked, err := a.CreateCertificate(t.Context(), 30)
	must(t, err)
	other, err := a.CreateCertificate(t.Context(), 30)
	must(t, err)
	p := params()
	p.Thumbprint = picked.Thumbprint
	trust, err := a.CreateTrust(t.Context(), p)
	must(t, err)
	if got := certificates(t, a); trust.OrgCertificate.Thumbprint != picked.Thumbprint || len(got) != 2 || got[picked.Thumbprint] != admin.RoleCurrent || got[other.Thumbprint] != admin.RoleUnused {
		t.Errorf("%v", got)
	}
	refusedWith(t, a.RemoveCertificate(t.Context(), picked.Thumbprint), fault.Conflict, "the trust's current one")
	must(t, a.RemoveCertificate(t.Context(), other.Thumbprint))
	if got := certificates(t, a); len(got) != 1 {
		t.Errorf("after the removal: %v", got)
	}
}

func TestRolesMoveWithPublication(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	createTrust(t, a)
	_, err := a.PublishCertificate(t.Context())
	refusedWith(t, err, fault.NotFound, "there is no next organization certificate")
	first, err := a.Trust(t.Context(), "")
	must(t, err)
	abandoned, err := a.SetNextCertificate(t.Context(), admin.NextCertificateParams{Days: 30})
	must(t, err)
	next, err := a.SetNextCertificate(t.Context(), admin.NextCertificateParams{Days: 30})
	must(t, err)
	if got := certificates(t, a); got[next.OrgNextCertificate.Thumbprint] != admin.RoleNext || got[abandoned.OrgNextCertificate.Thumbprint] != admin.RoleUnused || got[first.OrgCertificate.Thumbprint] != admin.RoleCurrent {
		t.Errorf("with a next one: %v", got)
	}
	_, err = a.SetNextCertificate(t.Context(), admin.NextCertificateParams{Thumbprint: first.OrgCertificate.Thumbprint})
	refusedWith(t, err, fault.Conflict, "in use already")
	_, err = a.PublishCertificate(t.Context())
	must(t, err)
	if got := certificates(t, a); got[next.OrgNextCertificate.Thumbprint] != admin.RoleCurrent || got[first.OrgCertificate.Thumbprint] != admin.RolePrevious {
		t.Errorf("after publication: %v", got)
	}
}

// given makes a key pair that an administrator brings.
func given(t *testing.T, change func(c *x509.Certificate)) *federation.KeyPair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), SubjectKeyId: []byte("0123456789abcdef"), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	must(t, err)
	made, err := x509.ParseCertificate(der)
	must(t, err)
	return &federation.KeyPair{Certificate: made, Key: key}
}

func TestCertificateThatAGatewayWouldRefuseIsRefusedHere(t *testing.T) {
	for story, c := range map[string]struct {
		certificate *federation.KeyPair
		servedAt    time.Time
		says        string
	}{
		"not yet valid": {given(t, func(c *x509.Certificate) {
			c.NotBefore = time.Now().Add(time.Hour)
			c.NotAfter = time.Now().Add(2 * time.Hour)
		}), time.Time{}, "not yet valid"},
		"not yet valid there":       {given(t, nil), time.Now().Add(-2 * time.Hour), "not yet valid"},
		"expired":                   {given(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), time.Time{}, "expired on"},
		"for servers":               {given(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), time.Time{}, "1.3.6.1.5.5.7.3.2"},
		"for nothing in particular": {given(t, func(c *x509.Certificate) { c.ExtKeyUsage = nil }), time.Time{}, "403 Forbidden"},
	} {
		a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
		read := a.Metadata
		a.Metadata = func(ctx context.Context, trust *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error) {
			m, err := read(ctx, trust, trusted)
			m.ServedAt = c.servedAt
			return m, err
		}
		p := params()
		p.OrgCertificate = c.certificate
		if _, err := a.CreateTrust(t.Context(), p); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", story, err)
		}
	}
}

// TestMadeCertificateIsValidOnClocksThatAreBehind is what keeps a new trust from waiting for an hour.
func TestMadeCertificateIsValidOnClocksThatAreBehind(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	read := a.Metadata
	a.Metadata = func(ctx context.Context, trust *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error) {
		m, err := read(ctx, trust, trusted)
		m.ServedAt = time.Now().Add(-23 * time.Hour)
		return m, err
	}
	var warned string
	a.Warn = func(s string) { warned += s }
	createTrust(t, a)
	if !strings.Contains(warned, "our clock and the gateway's differ by 23h0m0s") {
		t.Errorf("%q", warned)
	}
}

func TestExpiryIsToldAtSixtyThirtyAndSevenDays(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	p := params()
	p.Days = 100
	_, err := a.CreateTrust(t.Context(), p)
	must(t, err)
	for day, want := range map[int]string{0: "", 39: "", 41: "OrgCertificate within 60 days", 71: "OrgCertificate within 30 days", 94: "OrgCertificate within 7 days", 101: "OrgCertificate has expired"} {
		a.Now = func() time.Time { return time.Now().AddDate(0, 0, day) }
		trust, err := a.Trust(t.Context(), "")
		must(t, err)
		got := ""
		for _, w := range trust.Warnings {
			for _, words := range []string{"within 60 days", "within 30 days", "within 7 days", "has expired"} {
				if strings.HasPrefix(w, "OrgCertificate ") && strings.Contains(w, words) {
					got = "OrgCertificate " + words
				}
			}
		}
		if got != want || trust.OrgCertificate.DaysLeft != 99-day && trust.OrgCertificate.DaysLeft != 100-day || trust.IsValid != (day < 30) { // the issuer's certificate lasts 30 days
			t.Errorf("day %d: %q, %d days left, valid %t", day, trust.Warnings, trust.OrgCertificate.DaysLeft, trust.IsValid)
		}
		checks, err := a.CheckCertificates(t.Context())
		must(t, err)
		if state := checks[0].State; (state == admin.StateInstalled) != (want == "") || (state == admin.StateUnfit) != (day > 100) {
			t.Errorf("day %d: the check says %+v", day, checks[0])
		}
	}
}

func TestLastGoodMetadataStaysInForce(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	read := a.Metadata
	document := []byte("<the document/>")
	var m federation.Metadata
	var broken error
	a.Metadata = func(ctx context.Context, trust *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error) {
		good, err := read(ctx, trust, trusted)
		must(t, err)
		if m.TokenIssuerUri == "" {
			m = *good
		}
		m.Document = document
		return &m, broken
	}
	createTrust(t, a)
	before, err := a.Trust(t.Context(), "")
	must(t, err)
	unchanged := func(when string) {
		t.Helper()
		after, err := a.Trust(t.Context(), "")
		must(t, err)
		kept, err := a.MetadataDocument(t.Context(), "")
		if err != nil || after.TokenIssuerUri != before.TokenIssuerUri || after.TokenIssuerCertificate.Thumbprint != before.TokenIssuerCertificate.Thumbprint || string(kept) != "<the document/>" {
			t.Errorf("%s: %+v %s %v", when, after, kept, err)
		}
	}
	broken, document = federation.ErrUntrustedMetadata, []byte("<lies/>")
	if _, err := a.RefreshTrust(t.Context(), ""); !errors.Is(err, federation.ErrUntrustedMetadata) {
		t.Errorf("%v", err)
	}
	unchanged("an untrusted document")
	broken, m.TokenIssuerUri = nil, "urn:federation:other"
	_, err = a.RefreshTrust(t.Context(), "")
	refusedWith(t, err, fault.Conflict, "a new issuer needs a new trust")
	unchanged("another issuer")
	_, err = a.SetTrust(t.Context(), "", admin.TrustChange{TokenIssuerMetadataEpr: ptr("https://other.example/metadata.xml")})
	refusedWith(t, err, fault.Conflict, "a new issuer needs a new trust")
	unchanged("another issuer's URL")
}
