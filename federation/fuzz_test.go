package federation

import (
	"bytes"
	"crypto/x509"
	"os"
	"testing"
	"time"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

// FuzzMetadata: a stranger's document never panics the reader, and with a pinned certificate nothing of it is taken.
func FuzzMetadata(f *testing.F) {
	pem, err := os.ReadFile("testdata/tokens/keys/broker.cert.pem")
	if err != nil {
		f.Fatal(err)
	}
	broker, err := ParseCertificate(pem)
	if err != nil {
		f.Fatal(err)
	}
	now := time.Date(2031, 1, 6, 8, 0, 0, 0, time.UTC)
	gateway, err := NewSigningCertificate(now, 30)
	if err != nil {
		f.Fatal(err)
	}
	doc, err := MarshalMetadata(&Metadata{TokenIssuerUri: "urn:x", TokenIssuerEpr: "https://gw.example/sts", WebRequestorRedirectEpr: "https://gw.example/", Certificates: []*x509.Certificate{gateway.Certificate}},
		xmlsec.Signer{Key: gateway.Key, Certificate: gateway.Certificate})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(doc)
	f.Add(bytes.Replace(doc, []byte("fed:TokenIssuerName"), []byte("fed:TokenIssuer"), 2))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _ = ParseMetadata(raw, nil, now)
		if m, err := ParseMetadata(raw, []*x509.Certificate{broker}, now); err == nil {
			t.Fatalf("taken without the broker's signature: %+v", m)
		}
	})
}

// FuzzRSTR: an answer of the gateway gives a whole token or none, and its EncryptedData can stand in another message.
func FuzzRSTR(f *testing.F) {
	f.Add([]byte(`<t:RequestSecurityTokenResponse xmlns:t="` + xmlsec.NSWST + `" xmlns:e="` + xmlsec.NSXENC + `" xmlns:u="` + xmlsec.NSWSU + `" xmlns:o="` + xmlsec.NSWSSE + `">` +
		`<t:RequestedSecurityToken><e:EncryptedData/></t:RequestedSecurityToken><t:Lifetime><u:Expires>2031-01-06T16:00:00Z</u:Expires></t:Lifetime>` +
		`<t:RequestedAttachedReference><o:SecurityTokenReference><o:KeyIdentifier>uuid-1</o:KeyIdentifier></o:SecurityTokenReference></t:RequestedAttachedReference>` +
		`<t:RequestedProofToken><t:BinarySecret>AAAAAAAAAAAAAAAAAAAAAA==</t:BinarySecret></t:RequestedProofToken></t:RequestSecurityTokenResponse>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		env, err := soap.Parse(soap.Append(nil, soap.V12, "", nil, body), soap.V12, xmlsec.DocumentLimits(), nil)
		if err != nil {
			return
		}
		token, err := parseResponse(env)
		if err != nil {
			return
		}
		if token.assertionID == "" || len(token.proofKey) < 16 || token.Expires.IsZero() {
			t.Fatalf("a token without its parts: %+v", *token)
		}
		if _, err := xmlsec.Scan(token.encrypted, xmlsec.DocumentLimits()); err != nil {
			t.Fatalf("the token cannot stand alone: %v\n%s", err, token.encrypted)
		}
	})
}
