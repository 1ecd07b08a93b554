package xmlsec

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"testing"
)

// template is a ds:Signature for xmlsec1 to fill in.
func template(alg SignatureAlgorithm, id string, enveloped bool) string {
	su, first := alg.suite(), ""
	if enveloped {
		first = `<ds:Transform Algorithm="` + algEnveloped + `"/>`
	}
	return fmt.Sprintf(`<ds:Signature xmlns:ds="%s"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="%s"/><ds:SignatureMethod Algorithm="%s"/>`+
		`<ds:Reference URI="#%s"><ds:Transforms>%s<ds:Transform Algorithm="%s"/></ds:Transforms><ds:DigestMethod Algorithm="%s"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>`,
		NSDS, algC14N, su.method, id, first, algC14N, su.digest)
}

func TestWeVerifyWhatXmlsec1Signs(t *testing.T) {
	key := writeTemp(t, "broker.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: sample(t, "keys/broker.key.der")}))
	for _, alg := range []SignatureAlgorithm{RSASHA1, RSASHA256} {
		doc := `<saml:Assertion xmlns:saml="` + NSSAML + `" AssertionID="uuid-1"><saml:Conditions NotBefore="x"/>` + template(alg, "uuid-1", true) + `</saml:Assertion>`
		out := lint(t, "xmlsec1", []byte(doc), "--sign", "--privkey-pem", key, "--id-attr:AssertionID", NSSAML+":Assertion", "-")
		if out == nil {
			t.Fatalf("xmlsec1 does not sign by algorithm %d", alg)
		}
		if _, _, err := VerifyEnveloped(scanned(t, out).Root(), "AssertionID", []*x509.Certificate{certOf(t, "broker")}, exchangePolicy); err != nil {
			t.Errorf("algorithm %d: %v", alg, err)
		}
		if _, _, err := VerifyEnveloped(scanned(t, out).Root(), "AssertionID", []*x509.Certificate{certOf(t, "target")}, exchangePolicy); !errors.Is(err, ErrSignature) {
			t.Errorf("algorithm %d by another certificate: %v", alg, err)
		}
	}
	proof := HMACKey(sample(t, "keys/proof.bin"))
	for _, alg := range []SignatureAlgorithm{HMACSHA1, HMACSHA256} {
		doc := `<h xmlns:u="` + NSWSU + `"><u:Timestamp u:Id="_0"><u:Created>x</u:Created></u:Timestamp>` + template(alg, "_0", false) + `</h>`
		out := lint(t, "xmlsec1", []byte(doc), "--sign", "--hmackey", "testdata/tokens/keys/proof.bin", "--id-attr:Id", NSWSU+":Timestamp", "-")
		if out == nil {
			t.Fatalf("xmlsec1 does not sign by algorithm %d", alg)
		}
		d := scanned(t, out)
		covered, err := VerifyDetached(d.Root().Child(NSDS, "Signature"), proof, VerifyPolicy{})
		if err != nil || len(covered) != 1 || covered[0] != d.Root().Child(NSWSU, "Timestamp") {
			t.Errorf("algorithm %d: %v %v", alg, covered, err)
		}
	}
}

func TestXmlsec1VerifiesEveryDetachedSignatureOfOurs(t *testing.T) {
	const head, tail = `<h xmlns:u="` + NSWSU + `"><u:Timestamp u:Id="_0"><u:Created>x</u:Created></u:Timestamp>`, `</h>`
	for _, alg := range []SignatureAlgorithm{HMACSHA1, HMACSHA256, RSASHA1, RSASHA256} {
		key, flag, file := HMACKey(sample(t, "keys/proof.bin")), "--hmackey", "testdata/tokens/keys/proof.bin"
		if !alg.suite().hmac {
			key, flag, file = PrivateKey(keyOf(t, "requester")), "--pubkey-cert-pem", "testdata/tokens/keys/requester.cert.pem"
		}
		sig, err := SignDetached([]byte(head+tail), []string{"_0"}, key, alg, nil)
		if err != nil {
			t.Fatal(err)
		}
		if lint(t, "xmlsec1", []byte(head+string(sig)+tail), "--verify", flag, file, "--id-attr:Id", NSWSU+":Timestamp", "-") == nil {
			t.Errorf("xmlsec1 does not verify algorithm %d", alg)
		}
	}
}
