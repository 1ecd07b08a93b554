package xmlsec

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

var sampleTime = time.Date(2031, 1, 6, 8, 0, 0, 0, time.UTC)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/tokens", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func certOf(t testing.TB, role string) *x509.Certificate {
	t.Helper()
	b, _ := pem.Decode(sample(t, "keys/"+role+".cert.pem"))
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func keyOf(t testing.TB, role string) *rsa.PrivateKey {
	t.Helper()
	k, err := x509.ParsePKCS8PrivateKey(sample(t, "keys/"+role+".key.der"))
	if err != nil {
		t.Fatal(err)
	}
	return k.(*rsa.PrivateKey)
}

type ring struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func (r ring) DecryptionKey(h KeyHint) (*rsa.PrivateKey, bool) {
	return r.key, bytes.Equal(h.SubjectKeyID, r.cert.SubjectKeyId)
}

func scanned(t testing.TB, raw []byte) *Document {
	t.Helper()
	d, err := Scan(raw, EnvelopeLimits())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func find(d *Document, space, local string) Element {
	for i := range d.nodes {
		if e := (Element{d, int32(i)}); e.Is(space, local) {
			return e
		}
	}
	return Element{}
}

func targetRing(t testing.TB) ring { return ring{certOf(t, "target"), keyOf(t, "target")} }

var exchangePolicy = VerifyPolicy{AllowSHA1: true, Now: sampleTime}

func TestClearAssertionSampleVerifies(t *testing.T) {
	d := scanned(t, sample(t, "delegation-assertion.rsa-sha1.xml"))
	brokers := []*x509.Certificate{certOf(t, "target"), certOf(t, "broker")}
	v, c, err := VerifyEnveloped(d.Root(), "AssertionID", brokers, exchangePolicy)
	if err != nil {
		t.Fatal(err)
	}
	if c != brokers[1] {
		t.Error("the wrong certificate is said to have signed")
	}
	if v.Root().Count(NSDS, "Signature") > 0 {
		t.Error("the verified element still holds its signature")
	}
	secret, err := DecryptKey(find(v.Root().Document(), NSXENC, "EncryptedKey"), targetRing(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(secret, sample(t, "keys/proof.bin")) {
		t.Error("another proof key came out")
	}
	if _, _, err := VerifyEnveloped(d.Root(), "AssertionID", brokers, VerifyPolicy{Now: sampleTime}); !errors.Is(err, ErrSignature) {
		t.Errorf("rsa-sha1 without permission: %v", err)
	}
	late := VerifyPolicy{AllowSHA1: true, Now: sampleTime.AddDate(30, 0, 0)}
	if _, _, err := VerifyEnveloped(d.Root(), "AssertionID", brokers, late); !errors.Is(err, ErrSignature) {
		t.Errorf("expired certificate: %v", err)
	}
}

func TestEncryptedSamplesDecryptAndVerify(t *testing.T) {
	for _, name := range []string{"delegation-token.encrypted.tripledes-cbc.xml", "ews-request.wssecurity.xml"} {
		d := scanned(t, sample(t, name))
		plain, err := Decrypt(find(d, NSXENC, "EncryptedData"), targetRing(t), DecryptPolicy{AllowTripleDES: true})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		v, _, err := VerifyEnveloped(plain.Root(), "AssertionID", []*x509.Certificate{certOf(t, "broker")}, exchangePolicy)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if mail, _ := find(v.Root().Document(), NSSAML, "AttributeValue").Text(); mail != "alice@fabrikam.example" {
			t.Errorf("%s: address %q", name, mail)
		}
	}
	d := scanned(t, sample(t, "delegation-token.encrypted.tripledes-cbc.xml"))
	if _, err := Decrypt(d.Root(), targetRing(t), DecryptPolicy{}); !errors.Is(err, ErrDecrypt) {
		t.Errorf("3DES without permission: %v", err)
	}
}

func TestHeaderSignatureSamplesVerify(t *testing.T) {
	for _, c := range []struct {
		file string
		key  Key
	}{
		{"ews-request.wssecurity.xml", HMACKey(sample(t, "keys/proof.bin"))},
		{"rst-issue.xml", PublicKey(certOf(t, "requester"))},
	} {
		d := scanned(t, sample(t, c.file))
		sig := find(d, NSWSSE, "Security").Child(NSDS, "Signature")
		covered, err := VerifyDetached(sig, c.key, exchangePolicy)
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		if len(covered) != 2 || covered[0].Local() != "Timestamp" || covered[1].Local() != "To" {
			t.Errorf("%s covers %v", c.file, covered)
		}
		if _, err := VerifyDetached(sig, HMACKey([]byte("another secret of some bytes....")), exchangePolicy); err == nil {
			t.Errorf("%s verifies with another key", c.file)
		}
		if _, err := VerifyDetached(sig, PublicKey(certOf(t, "target")), exchangePolicy); err == nil {
			t.Errorf("%s verifies with another certificate", c.file)
		}
	}
}

func TestEveryFlippedByteOfASignedAssertionIsRefused(t *testing.T) {
	raw := sample(t, "delegation-assertion.rsa-sha1.xml")
	certs := []*x509.Certificate{certOf(t, "broker")}
	end := bytes.Index(raw, []byte("<ds:Signature"))
	if end < 0 {
		end = bytes.Index(raw, []byte("Signature"))
	}
	for i := range raw[:end] {
		if isSpace(raw[i]) {
			continue // white space inside tags is no content
		}
		evil := bytes.Clone(raw)
		evil[i] ^= 0x01
		d, err := Scan(evil, TokenLimits())
		if err != nil {
			continue
		}
		if v, _, err := VerifyEnveloped(d.Root(), "AssertionID", certs, exchangePolicy); err == nil {
			before, _, _ := VerifyEnveloped(scanned(t, raw).Root(), "AssertionID", certs, exchangePolicy)
			if !bytes.Equal(v.Root().Document().Raw(), before.Root().Document().Raw()) {
				t.Fatalf("byte %d (%q) flipped, and the assertion still verifies with other content", i, raw[i])
			}
		}
	}
}

func TestAllDecryptionFailuresLookTheSame(t *testing.T) {
	raw := string(sample(t, "delegation-token.encrypted.tripledes-cbc.xml"))
	cut := func(from, to string) string { return strings.Replace(raw, from, to, 1) }
	values := strings.Split(raw, "CipherValue>")
	for name, evil := range map[string]string{
		"rsa-1_5":         cut("rsa-oaep-mgf1p", "rsa-1_5"),
		"unknown block":   cut("tripledes-cbc", "aes256-gcm"),
		"other block":     cut("tripledes-cbc", "aes256-cbc"),
		"key flipped":     cut(values[1][:8], "AAAAAAAA"),
		"content flipped": strings.Replace(raw, values[3][len(values[3])-40:], "AAAAAAAA"+values[3][len(values[3])-32:], 1),
		"truncated":       cut(values[3][:12], ""),
	} {
		d, err := Scan([]byte(evil), EnvelopeLimits())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Decrypt(d.Root(), targetRing(t), DecryptPolicy{AllowTripleDES: true}); !errors.Is(err, ErrDecrypt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := ring{certOf(t, "requester"), keyOf(t, "requester")}
	if _, err := Decrypt(scanned(t, []byte(raw)).Root(), other, DecryptPolicy{AllowTripleDES: true}); !errors.Is(err, ErrDecrypt) {
		t.Errorf("key of another: %v", err)
	}
}

// goxml canonicalizes the same element by goxmldsig.
func goxml(t testing.TB, raw []byte) []byte {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	ctx, err := etreeutils.NSBuildParentContext(doc.Root())
	if err != nil {
		t.Fatal(err)
	}
	el, err := etreeutils.NSDetatch(ctx, doc.Root())
	if err != nil {
		t.Fatal(err)
	}
	out, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(el)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCanonicalizationEqualsGoxmldsigAndXmllint(t *testing.T) {
	inputs := [][]byte{
		sample(t, "delegation-assertion.rsa-sha1.xml"), sample(t, "ews-request.wssecurity.xml"), sample(t, "rst-issue.xml"),
		[]byte(`<a xmlns="urn:x" b="1 &quot; &#10;"><c xmlns=""/>t&gt;&amp;<d xmlns:p="urn:p" p:z="2" a="1"><p:e/></d></a>`),
		[]byte(`<p:a xmlns:p="urn:1" xmlns:q="urn:2" q:b="1" p:b="2" b="3"><p:b xmlns:p="urn:3"><q:c/></p:b><q:d xmlns="urn:4"><e/></q:d></p:a>`),
		[]byte(`<a><!-- c --><b><![CDATA[<x>&]]></b>é&#13;</a>`),
	}
	for _, raw := range inputs {
		got, err := Canonicalize(scanned(t, raw).Root())
		if err != nil {
			t.Fatal(err)
		}
		if want := lint(t, "xmllint", raw, "--exc-c14n", "-"); want != nil {
			// xmllint keeps comments; drop them for the comparison.
			w := string(want)
			for strings.Contains(w, "<!--") {
				i, j := strings.Index(w, "<!--"), strings.Index(w, "-->")
				w = w[:i] + w[j+3:]
			}
			if string(got) != strings.TrimSuffix(w, "\n") && string(got) != w {
				t.Errorf("xmllint differs:\n%s\n%s", got, w)
			}
		}
		if !bytes.Contains(raw, []byte(`xmlns=""`)) && !bytes.Contains(raw, []byte("<!--")) {
			if want := goxml(t, raw); !bytes.Equal(got, want) {
				t.Errorf("goxmldsig differs:\n%s\n%s", got, want)
			}
		}
	}
}

// lint runs an XML tool on raw and returns its standard output, nil when it refuses; it skips the test without the tool.
func lint(t testing.TB, tool string, raw []byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", tool)
		}
		t.Skipf("%s is not installed", tool)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = bytes.NewReader(raw)
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	return out
}

func writeTemp(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestXmlsec1AcceptsWhatWeMake(t *testing.T) {
	broker := Signer{keyOf(t, "broker"), certOf(t, "broker"), RSASHA256}
	clear := []byte(`<saml:Assertion xmlns:saml="` + NSSAML + `" AssertionID="uuid-1" MajorVersion="1" MinorVersion="1"><saml:Conditions/></saml:Assertion>`)
	keyPEM := writeTemp(t, "target.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: sample(t, "keys/target.key.der")}))
	for _, alg := range []SignatureAlgorithm{RSASHA1, RSASHA256} {
		broker.Algorithm = alg
		signed, err := SignEnveloped(clear, "AssertionID", broker)
		if err != nil {
			t.Fatal(err)
		}
		if out := lint(t, "xmlsec1", signed, "--verify", "--pubkey-cert-pem", "testdata/tokens/keys/broker.cert.pem",
			"--id-attr:AssertionID", NSSAML+":Assertion", "-"); out == nil {
			t.Errorf("xmlsec1 does not verify algorithm %d", alg)
		}
		for _, block := range []BlockAlgorithm{AES256CBC, AES128CBC, TripleDESCBC} {
			enc, err := Encrypt(signed, certOf(t, "target"), block, "Assertion0")
			if err != nil {
				t.Fatal(err)
			}
			out := lint(t, "xmlsec1", enc, "--decrypt", "--privkey-pem", keyPEM, "-")
			if !bytes.Contains(out, []byte("uuid-1")) {
				t.Errorf("xmlsec1 does not decrypt algorithm %d: %s", block, out)
			}
			plain, err := Decrypt(scanned(t, enc).Root(), targetRing(t), DecryptPolicy{AllowTripleDES: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := VerifyEnveloped(plain.Root(), "AssertionID", []*x509.Certificate{broker.Certificate},
				VerifyPolicy{AllowSHA1: true, Now: sampleTime}); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestWeDecryptWhatXmlsec1Encrypts(t *testing.T) {
	for _, block := range []BlockAlgorithm{AES256CBC, AES128CBC, TripleDESCBC} {
		su := block.suite()
		template := writeTemp(t, "template.xml", []byte(`<EncryptedData xmlns="`+NSXENC+`" Type="`+typeElement+`"><EncryptionMethod Algorithm="`+su.uri+
			`"/><ds:KeyInfo xmlns:ds="`+NSDS+`"><EncryptedKey><EncryptionMethod Algorithm="`+algOAEP+`"/><CipherData><CipherValue/></CipherData></EncryptedKey></ds:KeyInfo><CipherData><CipherValue/></CipherData></EncryptedData>`))
		data := writeTemp(t, "data.xml", sample(t, "delegation-assertion.rsa-sha1.xml"))
		session := map[BlockAlgorithm]string{AES256CBC: "aes-256", AES128CBC: "aes-128", TripleDESCBC: "des-192"}[block]
		enc := lint(t, "xmlsec1", nil, "--encrypt", "--pubkey-cert-pem", "testdata/tokens/keys/target.cert.pem", "--session-key", session, "--xml-data", data, template)
		if enc == nil {
			t.Fatalf("xmlsec1 does not encrypt %s", session)
		}
		// Its key is not named here: the ring answers with the only key it has.
		plain, err := Decrypt(scanned(t, enc).Root(), anyKey{targetRing(t)}, DecryptPolicy{AllowTripleDES: true})
		if err != nil {
			t.Fatalf("%s: %v", session, err)
		}
		if plain.Root().Local() != "Assertion" {
			t.Errorf("%s: root %s", session, plain.Root().Local())
		}
	}
}

type anyKey struct{ ring }

func (a anyKey) DecryptionKey(KeyHint) (*rsa.PrivateKey, bool) { return a.key, true }

func TestXmlsec1VerifiesOurHeaderSignature(t *testing.T) {
	doc := `<h xmlns:u="` + NSWSU + `"><u:Timestamp u:Id="_0"><u:Created>x</u:Created></u:Timestamp>SIG</h>`
	sig, err := SignDetached([]byte(strings.Replace(doc, "SIG", "", 1)), []string{"_0"}, HMACKey(sample(t, "keys/proof.bin")), HMACSHA1, nil)
	if err != nil {
		t.Fatal(err)
	}
	full := []byte(strings.Replace(doc, "SIG", string(sig), 1))
	if lint(t, "xmlsec1", full, "--verify", "--hmackey", "testdata/tokens/keys/proof.bin", "--id-attr:Id", NSWSU+":Timestamp", "-") == nil {
		t.Error("xmlsec1 does not verify the HMAC")
	}
	d := scanned(t, full)
	if _, err := VerifyDetached(d.Root().Child(NSDS, "Signature"), HMACKey(sample(t, "keys/proof.bin")), VerifyPolicy{Now: sampleTime}); err != nil {
		t.Error(err)
	}
}

func BenchmarkScanRequest(b *testing.B) {
	raw := sample(b, "ews-request.wssecurity.xml")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(raw, EnvelopeLimits()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecryptAndVerifyToken(b *testing.B) {
	d := scanned(b, sample(b, "ews-request.wssecurity.xml"))
	keys, certs := targetRing(b), []*x509.Certificate{certOf(b, "broker")}
	for b.Loop() {
		plain, err := Decrypt(find(d, NSXENC, "EncryptedData"), keys, DecryptPolicy{})
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := VerifyEnveloped(plain.Root(), "AssertionID", certs, exchangePolicy); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRSAPrivateOperation is the floor of the benchmark above.
func BenchmarkRSAPrivateOperation(b *testing.B) {
	key := keyOf(b, "target")
	ct, err := EncryptKey(make([]byte, 32), certOf(b, "target"))
	if err != nil {
		b.Fatal(err)
	}
	d := scanned(b, ct)
	for b.Loop() {
		if _, err := DecryptKey(d.Root(), ring{certOf(b, "target"), key}); err != nil {
			b.Fatal(err)
		}
	}
}
