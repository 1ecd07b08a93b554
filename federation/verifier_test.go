package federation_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func clock() time.Time { return time.Date(2031, 1, 6, 8, 0, 0, 0, time.UTC) }

func pair(t testing.TB, role string) *federation.KeyPair {
	t.Helper()
	cert, err := os.ReadFile("testdata/tokens/keys/" + role + ".cert.pem")
	if err != nil {
		t.Fatal(err)
	}
	der, err := os.ReadFile("testdata/tokens/keys/" + role + ".key.der")
	if err != nil {
		t.Fatal(err)
	}
	p, err := federation.ParseKeyPair(cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type world struct {
	trust *federation.Trust
	org   *federation.Organization
	mu    sync.Mutex
	seen  map[[32]byte]bool
	down  bool
}

func (w *world) FederationTrust(context.Context) (*federation.Trust, error) { return w.trust, nil }
func (w *world) Organization(context.Context) (*federation.Organization, error) {
	return w.org, nil
}

func (w *world) ClaimReplay(_ context.Context, key [32]byte, _ time.Time) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return false, context.DeadlineExceeded
	}
	if w.seen[key] {
		return false, nil
	}
	w.seen[key] = true
	return true, nil
}

func newWorld(t testing.TB) (*world, *federation.Verifier) {
	t.Helper()
	w := &world{seen: map[[32]byte]bool{}, trust: &federation.Trust{ApplicationUri: "FYDIBOHF25SPDLT.contoso.example", TokenIssuerUri: "urn:federation:example-broker",
		TokenIssuerCertificate: pair(t, "broker").Certificate, OrgCertificate: pair(t, "target"), Profile: federation.ProfileModern, Proof: federation.ProofRequired},
		org: &federation.Organization{Enabled: true, Domains: []smtpaddr.Domain{smtpaddr.MustDomain("contoso.example")}}}
	return w, &federation.Verifier{Trusts: w, Replays: w, Now: clock}
}

func parse(t testing.TB, raw []byte) *soap.Envelope {
	t.Helper()
	env, err := soap.Parse(raw, soap.V11, xmlsec.EnvelopeLimits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func TestSampleRequestPassesOnceInProfileExchange(t *testing.T) {
	raw, err := os.ReadFile("testdata/tokens/ews-request.wssecurity.xml")
	if err != nil {
		t.Fatal(err)
	}
	w, v := newWorld(t)
	if _, err := v.Authenticate(t.Context(), parse(t, raw)); fault.KindOf(err) != fault.InvalidSecurityToken {
		t.Errorf("profile modern takes SHA-1: %v", err)
	}
	w.trust.Profile = federation.ProfileExchange
	r, err := v.Authenticate(t.Context(), parse(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	if r.Address.String() != "alice@fabrikam.example" || !r.External || !r.May(orgrel.ActionFreeBusy) || r.May(orgrel.ActionAutodiscover) {
		t.Errorf("%+v", r)
	}
	if _, err := v.Authenticate(t.Context(), parse(t, raw)); fault.KindOf(err) != fault.InvalidSecurity {
		t.Errorf("the replay is answered: %v", err)
	}
}

const proofKey = "0123456789abcdef0123456789abcdef"

// assertion is the clear token of the tests; edits change its text before it is signed.
func assertion() string {
	subject := `<saml:Subject><saml:NameIdentifier>x</saml:NameIdentifier><saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:holder-of-key</saml:ConfirmationMethod><ds:KeyInfo xmlns:ds="` + xmlsec.NSDS + `"><t:BinarySecret xmlns:t="` + xmlsec.NSWST + `">` + base64.StdEncoding.EncodeToString([]byte(proofKey)) + `</t:BinarySecret></ds:KeyInfo></saml:SubjectConfirmation></saml:Subject>`
	return `<saml:Assertion xmlns:saml="` + xmlsec.NSSAML + `" MajorVersion="1" MinorVersion="1" AssertionID="uuid-1" Issuer="urn:federation:example-broker" IssueInstant="2031-01-06T08:00:00.000Z">` +
		`<saml:Conditions NotBefore="2031-01-06T08:00:00.000Z" NotOnOrAfter="2031-01-06T16:00:00.000Z"><saml:AudienceRestrictionCondition><saml:Audience>FYDIBOHF25SPDLT.contoso.example</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions>` +
		`<saml:AttributeStatement>` + subject + `<saml:Attribute AttributeName="EmailAddress" AttributeNamespace="http://schemas.xmlsoap.org/claims"><saml:AttributeValue>alice@fabrikam.example</saml:AttributeValue></saml:Attribute>` +
		`<saml:Attribute AttributeName="action" AttributeNamespace="http://schemas.xmlsoap.org/ws/2006/12/authorization/claims"><saml:AttributeValue>MSExchange.SharingCalendarFreeBusy</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>`
}

// mint signs and encrypts clear and puts it into a signed message.
func mint(t testing.TB, clear string, signer, target *federation.KeyPair, after func(string) string) *soap.Envelope {
	t.Helper()
	signed, err := xmlsec.SignEnveloped([]byte(clear), "AssertionID", xmlsec.Signer{Key: signer.Key, Certificate: signer.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	if after != nil {
		signed = []byte(after(string(signed)))
	}
	token, err := xmlsec.Encrypt(signed, target.Certificate, xmlsec.AES256CBC, "Assertion0")
	if err != nil {
		t.Fatal(err)
	}
	headers, err := wssecurity.ProofHeaders(wssecurity.ProofParams{To: "https://mail.contoso.example/EWS/Exchange.asmx/wssecurity", Action: "x", MessageID: federation.NewURN(),
		Token: token, ProofKey: []byte(proofKey), AssertionID: "uuid-1", Algorithm: xmlsec.HMACSHA256, Now: clock()})
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, soap.Append(nil, soap.V11, "", headers, []byte("<x/>")))
}

func TestTokenMeaning(t *testing.T) {
	sub := func(from, to string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, from) {
				t.Errorf("%q is not there", from)
			}
			return strings.Replace(s, from, to, 1)
		}
	}
	const fa, ist, nobody = fault.FailedAuthentication, fault.InvalidSecurityToken, fault.NoFreeBusyAccess
	audience := "<saml:AudienceRestrictionCondition><saml:Audience>FYDIBOHF25SPDLT.contoso.example</saml:Audience></saml:AudienceRestrictionCondition>"
	email := `<saml:Attribute AttributeName="EmailAddress" AttributeNamespace="http://schemas.xmlsoap.org/claims"><saml:AttributeValue>alice@fabrikam.example</saml:AttributeValue></saml:Attribute>`
	for name, c := range map[string]struct {
		edit func(string) string
		want fault.Kind
	}{
		"audience with scheme and slash":     {sub("<saml:Audience>FYDIBOHF25SPDLT.contoso.example", "<saml:Audience>http://fydibohf25spdlt.contoso.example/"), 0},
		"two minutes early":                  {sub(`NotBefore="2031-01-06T08:00:00.000Z"`, `NotBefore="2031-01-06T08:02:00.000Z"`), 0},
		"issuer in other case":               {sub("urn:federation:example-broker", "urn:federation:Example-broker"), fa},
		"issuer with suffix":                 {sub("example-broker", "example-broker/"), fa},
		"audience of another":                {sub("<saml:Audience>FYDIBOHF25SPDLT.contoso", "<saml:Audience>FYDIBOHF25SPDLT.other"), fa},
		"audience with prefix":               {sub("<saml:Audience>FYD", "<saml:Audience>xFYD"), fa},
		"no audience":                        {sub(audience, ""), fa},
		"two audience conditions":            {sub(audience, audience+audience), fa},
		"unknown condition":                  {sub(audience, audience+"<saml:Odd/>"), fa},
		"expired":                            {sub(`NotBefore="2031-01-06T08:00:00.000Z" NotOnOrAfter="2031-01-06T16`, `NotBefore="2031-01-06T01:00:00.000Z" NotOnOrAfter="2031-01-06T07`), fa},
		"six minutes early":                  {sub(`NotBefore="2031-01-06T08:00:00.000Z"`, `NotBefore="2031-01-06T08:06:00.000Z"`), fa},
		"ten years":                          {sub(`NotOnOrAfter="2031`, `NotOnOrAfter="2041`), fa},
		"reversed times":                     {sub(`NotOnOrAfter="2031-01-06T16`, `NotOnOrAfter="2031-01-06T07`), fa},
		"time with offset":                   {sub(`NotOnOrAfter="2031-01-06T16:00:00.000Z"`, `NotOnOrAfter="2031-01-06T16:00:00+09:00"`), fa},
		"no address":                         {sub(email, ""), nobody},
		"two addresses":                      {sub(email, email+email), nobody},
		"address in another namespace":       {sub(`AttributeNamespace="http://schemas.xmlsoap.org/claims"`, `AttributeNamespace="http://example.com/claims"`), nobody},
		"address of our own domain":          {sub("alice@fabrikam.example", "alice@contoso.example"), nobody},
		"two at signs":                       {sub("alice@fabrikam.example", "alice@x@fabrikam.example"), nobody},
		"Kelvin sign in the domain":          {sub("alice@fabrikam.example", "alice@fabri\u212Aam.example"), nobody},
		"display name":                       {sub("alice@fabrikam.example", "Alice &lt;alice@fabrikam.example&gt;"), nobody},
		"child element in the address":       {sub("alice@fabrikam.example", "alice@fabrikam.example<x/>"), fa},
		"SAML 2.0":                           {sub(`MajorVersion="1"`, `MajorVersion="2"`), ist},
		"bearer where proof is required":     {sub("cm:holder-of-key", "cm:bearer"), fa},
		"one-byte proof key":                 {sub(base64.StdEncoding.EncodeToString([]byte(proofKey)), "AA=="), fa},
		"another proof key than the message": {sub(base64.StdEncoding.EncodeToString([]byte(proofKey)), base64.StdEncoding.EncodeToString([]byte("another key of thirty-two bytes!"))), fault.InvalidSecurity},
	} {
		_, v := newWorld(t)
		r, err := v.Authenticate(t.Context(), mint(t, c.edit(assertion()), pair(t, "broker"), pair(t, "target"), nil))
		if c.want == nobody {
			if err != nil || !r.External || len(r.Actions) != 0 || !r.Domain.IsZero() {
				t.Errorf("%s: %+v %v", name, r, err)
			}
			continue
		}
		if c.want == 0 && err != nil || c.want != 0 && (err == nil || fault.KindOf(err) != c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrappedAndForeignSignaturesAreRefused(t *testing.T) {
	evil := strings.Replace(assertion(), "alice@fabrikam.example", "mallory@fabrikam.example", 1)
	signature := func(s string) string {
		return s[strings.Index(s, "<ds:Signature"):strings.Index(s, "</saml:Assertion>")]
	}
	for name, after := range map[string]func(string) string{
		"evil around the original": func(s string) string {
			return strings.Replace(evil, "</saml:Assertion>", "<saml:Advice>"+s+"</saml:Advice></saml:Assertion>", 1)
		},
		"evil with the signature": func(s string) string {
			return strings.Replace(evil, "</saml:Assertion>", signature(s)+"</saml:Assertion>", 1)
		},
		"original inside the Object": func(s string) string {
			return strings.Replace(strings.Replace(evil, "</saml:Assertion>", signature(s)+"</saml:Assertion>", 1), "</ds:Signature>", "<ds:Object>"+s+"</ds:Object></ds:Signature>", 1)
		},
		"second statement added": func(s string) string {
			return strings.Replace(s, "<ds:Signature", "<saml:AttributeStatement></saml:AttributeStatement><ds:Signature", 1)
		},
		"address changed":        func(s string) string { return strings.Replace(s, "alice@", "mallory@", 1) },
		"comment in the address": func(s string) string { return strings.Replace(s, "alice@fabrikam", "alice@fabri<!-- -->kam", 1) },
		"signature removed":      func(s string) string { return strings.Replace(s, signature(s), "", 1) },
		"signature twice": func(s string) string {
			return strings.Replace(s, "</saml:Assertion>", signature(s)+"</saml:Assertion>", 1)
		},
		"trailing element": func(s string) string { return s + "<x/>" },
		"DOCTYPE":          func(s string) string { return "<!DOCTYPE x>" + s },
		"empty reference":  func(s string) string { return strings.Replace(s, `URI="#uuid-1"`, `URI=""`, 1) },
		"other transform":  func(s string) string { return strings.Replace(s, "enveloped-signature", "base64", 1) },
		"HMAC with the public key": func(s string) string {
			return strings.Replace(s, "xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256", 1)
		},
	} {
		_, v := newWorld(t)
		if _, err := v.Authenticate(t.Context(), mint(t, assertion(), pair(t, "broker"), pair(t, "target"), after)); err == nil || fault.KindOf(err) != fault.InvalidSecurityToken {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, v := newWorld(t)
	if _, err := v.Authenticate(t.Context(), mint(t, assertion(), pair(t, "requester"), pair(t, "target"), nil)); fault.KindOf(err) != fault.InvalidSecurityToken {
		t.Errorf("signed by another key: %v", err)
	}
	if _, err := v.Authenticate(t.Context(), mint(t, assertion(), pair(t, "broker"), pair(t, "requester"), nil)); fault.KindOf(err) != fault.InvalidSecurityToken {
		t.Errorf("encrypted for another: %v", err)
	}
}

func TestCachedTokenEndsWithItsTrust(t *testing.T) {
	w, v := newWorld(t)
	signed, err := xmlsec.SignEnveloped([]byte(assertion()), "AssertionID", xmlsec.Signer{Key: pair(t, "broker").Key, Certificate: pair(t, "broker").Certificate})
	if err != nil {
		t.Fatal(err)
	}
	token, err := xmlsec.Encrypt(signed, w.trust.OrgCertificate.Certificate, xmlsec.AES256CBC, "Assertion0")
	if err != nil {
		t.Fatal(err)
	}
	message := func() *soap.Envelope {
		h, err := wssecurity.ProofHeaders(wssecurity.ProofParams{To: "https://x/EWS/Exchange.asmx/wssecurity", Action: "x", MessageID: federation.NewURN(), Token: token,
			ProofKey: []byte(proofKey), AssertionID: "uuid-1", Algorithm: xmlsec.HMACSHA1, Now: clock().Add(-time.Duration(len(w.seen)) * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		return parse(t, soap.Append(nil, soap.V11, "", h, []byte("<x/>")))
	}
	for range 3 { // the token is reusable, each time in a fresh message
		if _, err := v.Authenticate(t.Context(), message()); err != nil {
			t.Fatal(err)
		}
	}
	w.down = true
	if _, err := v.Authenticate(t.Context(), message()); fault.KindOf(err) != fault.ServerBusy {
		t.Errorf("without the replay store: %v", err)
	}
	w.down = false
	changed := *w.trust
	changed.TokenIssuerCertificate = pair(t, "requester").Certificate
	w.trust = &changed
	if _, err := v.Authenticate(t.Context(), message()); fault.KindOf(err) != fault.InvalidSecurityToken {
		t.Errorf("after the issuer's certificate changed: %v", err)
	}
}

func TestCachedTokenEndsWithTheCertificateThatSignedIt(t *testing.T) {
	issued := clock().AddDate(0, 0, -1)
	gateway, err := federation.NewSigningCertificate(issued.Add(4*time.Minute), 1) // valid until four minutes past the clock
	if err != nil {
		t.Fatal(err)
	}
	w, v := newWorld(t)
	w.trust.TokenIssuerCertificate = gateway.Certificate
	now := clock()
	v.Now = func() time.Time { return now }
	token := encrypt(t, sign(t, assertion(), gateway, gateway, xmlsec.RSASHA256), pair(t, "target"), xmlsec.AES256CBC)
	if r, err := receive(t, v, message(t, token)); outcome(r, err) != "ok" {
		t.Fatal(err)
	}
	now = now.Add(3*time.Minute + 50*time.Second)
	if r, err := receive(t, v, message(t, token)); outcome(r, err) != "ok" {
		t.Fatal(err)
	}
	now = now.Add(20 * time.Second)
	if r, err := receive(t, v, message(t, token)); outcome(r, err) != "IST" {
		t.Error("a cached token outlives the certificate that signed it")
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	p := pair(t, "target")
	tr := &federation.Trust{OrgCertificate: p}
	for _, s := range []string{fmt.Sprint(p), fmt.Sprintf("%+v %#v", p, p), fmt.Sprintf("%+v", tr.OrgCertificate)} {
		if strings.Contains(s, p.Key.D.String()) {
			t.Error("a private key is printed")
		}
	}
}

func TestMetadataRoundTripAndTrust(t *testing.T) {
	b := pair(t, "broker")
	m := &federation.Metadata{TokenIssuerUri: "urn:x", TokenIssuerEpr: "https://gw.example/extSTS.srf", WebRequestorRedirectEpr: "https://gw.example/login.srf", Certificates: []*x509.Certificate{b.Certificate}}
	doc, err := federation.MarshalMetadata(m, xmlsec.Signer{Key: b.Key, Certificate: b.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	got, err := federation.ParseMetadata(doc, []*x509.Certificate{b.Certificate}, clock())
	if err != nil || got.TokenIssuerUri != "urn:x" || !got.Certificates[0].Equal(b.Certificate) {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := federation.ParseMetadata(doc, []*x509.Certificate{pair(t, "target").Certificate}, clock()); err == nil {
		t.Error("metadata signed by a stranger is taken")
	}
	if _, err := federation.ParseMetadata([]byte(strings.Replace(string(doc), "urn:x", "urn:y", 1)), nil, clock()); err == nil {
		t.Error("changed metadata is taken")
	}
}
