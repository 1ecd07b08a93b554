package xmlsec

import (
	"bytes"
	"crypto/x509"
	"os"
	"testing"
)

// FuzzCanonicalize: every subtree of what the scan takes has a stable canonical form that scans again.
func FuzzCanonicalize(f *testing.F) {
	for _, s := range []string{`<a xmlns="u" xmlns:p="v"><p:b c="1" p:c="2"/><b xmlns=""/>t&gt;</a>`, `<a><![CDATA[<]]>&#13;<p:b xmlns:p="u" xml:lang="x"/></a>`} {
		f.Add([]byte(s), uint8(1))
	}
	f.Add(sample(f, "delegation-assertion.rsa-sha1.xml"), uint8(3))
	f.Fuzz(func(t *testing.T, raw []byte, pick uint8) {
		d, err := Scan(raw, EnvelopeLimits())
		if err != nil {
			return
		}
		canon, err := Canonicalize(Element{d, int32(int(pick) % len(d.nodes))})
		if err != nil {
			return
		}
		again, err := Scan(canon, verifiedLimits(len(raw)))
		if err != nil {
			t.Fatalf("%v\n%s", err, canon)
		}
		if twice, err := Canonicalize(again.Root()); err != nil || !bytes.Equal(canon, twice) {
			t.Fatalf("%s\n%s %v", canon, twice, err)
		}
	})
}

// FuzzDecryptVerify: whatever the ciphertext or the plaintext, nothing panics, and what verifies is what the broker signed.
func FuzzDecryptVerify(f *testing.F) {
	signed := sample(f, "delegation-assertion.rsa-sha1.xml")
	f.Add(sample(f, "delegation-token.encrypted.tripledes-cbc.xml"), signed)
	f.Add([]byte(`<EncryptedData xmlns="`+NSXENC+`"/>`), bytes.Replace(signed, []byte("alice"), []byte("al<!-- -->ice"), 1))
	f.Add([]byte(`<a/>`), bytes.Replace(signed, []byte("AssertionID"), []byte("ID"), 1))
	keys, certs := targetRing(f), []*x509.Certificate{certOf(f, "broker")}
	genuine, _, err := VerifyEnveloped(scanned(f, signed).Root(), "AssertionID", certs, exchangePolicy)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token, clear []byte) {
		var docs []*Document
		if d, err := Scan(token, EnvelopeLimits()); err == nil {
			if plain, err := Decrypt(d.Root(), keys, DecryptPolicy{AllowTripleDES: true}); err == nil {
				docs = append(docs, plain)
			}
		}
		if d, err := Scan(clear, TokenLimits()); err == nil {
			docs = append(docs, d)
		}
		for _, d := range docs {
			v, _, err := VerifyEnveloped(d.Root(), "AssertionID", certs, exchangePolicy)
			if err == nil && !bytes.Equal(v.Root().Document().Raw(), genuine.Root().Document().Raw()) {
				t.Fatalf("verified, and not what was signed: %s", v.Root().Document().Raw())
			}
		}
	})
}

func TestEverySampleDecryptsAndVerifies(t *testing.T) {
	entries, err := os.ReadDir("testdata/tokens")
	if err != nil {
		t.Fatal(err)
	}
	certs := []*x509.Certificate{certOf(t, "broker"), certOf(t, "requester")}
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		d, checked := scanned(t, sample(t, entry.Name())), 0
		assertion := find(d, NSSAML, "Assertion")
		if enc := find(d, NSXENC, "EncryptedData"); !enc.IsZero() {
			plain, err := Decrypt(enc, targetRing(t), DecryptPolicy{AllowTripleDES: true})
			if err != nil {
				t.Fatalf("%s: %v", entry.Name(), err)
			}
			assertion = plain.Root()
		}
		if !assertion.IsZero() {
			alone, err := Canonicalize(assertion)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := VerifyEnveloped(scanned(t, alone).Root(), "AssertionID", certs, exchangePolicy); err != nil {
				t.Errorf("%s: %v", entry.Name(), err)
			}
			checked++
		}
		if checked == 0 {
			t.Errorf("%s holds no assertion", entry.Name())
		}
	}
}
