package xmlsec

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// allocated is what f allocates in all, in bytes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestFloodsCostNoMoreThanTheirLength(t *testing.T) {
	const size = 390 << 10
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, in := range map[string]string{
		"T2/entities":        "<a>" + fill("&lol;") + "</a>",
		"T3/levels":          fill("<a>"),
		"T5/comments":        "<a>" + fill("<!---->") + "</a>",
		"T5/CDATA sections":  "<a>" + fill("<![CDATA[]]>") + "</a>",
		"T5/one comment":     "<a><!--" + fill("x") + "--></a>",
		"T5/one CDATA":       "<a><![CDATA[" + fill("x") + "]]></a>",
		"T5/elements":        "<a>" + fill("<b/>") + "</a>",
		"T5/attributes":      "<a " + fill(`b="" `) + "/>",
		"T5/one attribute":   `<a b="` + fill("x") + `"/>`,
		"T5/name":            "<" + fill("x") + "/>",
		"T6/namespaces":      "<a " + fill(`xmlns:b="u" `) + "/>",
		"T6/used namespaces": `<a xmlns:p="` + strings.Repeat("u", size/2) + `">` + strings.Repeat("<p:b/>", 19000) + "</a>",
	} {
		t.Run(name, func(t *testing.T) {
			used := allocated(func() {
				if d, err := Scan([]byte(in), EnvelopeLimits()); err == nil {
					_, _ = Canonicalize(d.Root())
				}
			})
			if used > 80*size { // in all, over every growth of every slice
				t.Errorf("%d bytes of XML allocate %d", len(in), used)
			}
		})
	}
}

func TestAmplifiedCanonicalFormIsRefused(t *testing.T) {
	d := scanned(t, []byte(`<a xmlns:p="`+strings.Repeat("u", 10000)+`">`+strings.Repeat("<p:b/>", 1000)+"</a>"))
	if _, err := Canonicalize(d.Root()); !errors.Is(err, errAmplified) {
		t.Errorf("%v", err)
	}
}

// TestRoomReachesNothingOutside: what this room cannot name, no message can make it open or dial (T1, T26, T40).
func TestRoomReachesNothingOutside(t *testing.T) {
	packages, err := parser.ParseDir(token.NewFileSet(), ".", func(f os.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, parser.ImportsOnly) //nolint:staticcheck // one folder, no build tags
	if err != nil || len(packages) != 1 {
		t.Fatal(packages, err)
	}
	for name, f := range packages["xmlsec"].Files {
		for _, i := range f.Imports {
			switch path := strings.Trim(i.Path.Value, `"`); path {
			case "os", "net", "net/http", "os/exec", "syscall", "io/fs":
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

func TestWeakKeysVerifyNothing(t *testing.T) {
	d := scanned(t, sample(t, "delegation-assertion.rsa-sha1.xml"))
	weak := *certOf(t, "broker")
	pub := keyOf(t, "broker").PublicKey
	pub.E = 3
	weak.PublicKey = &pub
	if _, _, err := VerifyEnveloped(d.Root(), "AssertionID", []*x509.Certificate{&weak}, exchangePolicy); !errors.Is(err, ErrSignature) {
		t.Errorf("exponent 3: %v", err)
	}
}

func TestEveryAlgorithmOutsideTheListIsRefused(t *testing.T) {
	raw := string(sample(t, "delegation-assertion.rsa-sha1.xml"))
	more, dsig11 := "http://www.w3.org/2001/04/xmldsig-more#", "http://www.w3.org/2007/05/xmldsig-more#"
	replace := func(old string, others ...string) {
		if !strings.Contains(raw, `"`+old+`"`) {
			t.Fatalf("the sample has no %s", old)
		}
		for _, alg := range others {
			at := strings.LastIndex(raw, `"`+old+`"`) // in the Signature, the last child
			d := scanned(t, []byte(raw[:at+1]+alg+raw[at+1+len(old):]))
			if _, err := parseSignature(d.Root().Child(NSDS, "Signature"), 1, true); !errors.Is(err, ErrSignature) {
				t.Errorf("%s for %s: %v", alg, old, err)
			}
		}
	}
	replace(algRSASHA1, NSDS+"dsa-sha1", more+"rsa-md5", more+"rsa-ripemd160", more+"rsa-sha384", more+"rsa-sha512", more+"ecdsa-sha1", more+"ecdsa-sha256",
		more+"hmac-md5", more+"hmac-sha384", more+"hmac-sha512", dsig11+"rsa-pss", dsig11+"sha256-rsa-MGF1", "http://www.w3.org/2009/xmldsig11#dsa-sha256", "")
	replace(algSHA1, more+"md5", more+"sha224", more+"sha384", NSXENC+"sha512", NSXENC+"ripemd160", "")
	replace(algC14N, algC14N+"WithComments", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11",
		"http://www.w3.org/TR/1999/REC-xslt-19991116", "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform", "")
	token := string(sample(t, "delegation-token.encrypted.tripledes-cbc.xml"))
	enc11 := "http://www.w3.org/2009/xmlenc11#"
	for old, others := range map[string][]string{
		alg3DES: {NSXENC + "aes192-cbc", enc11 + "aes128-gcm", enc11 + "aes192-gcm", enc11 + "aes256-gcm", NSXENC + "kw-aes256", "http://www.w3.org/2001/04/xmldsig-more#camellia256-cbc"},
		algOAEP: {NSXENC + "rsa-1_5", enc11 + "rsa-oaep", NSXENC + "kw-aes256", NSXENC + "kw-tripledes", NSXENC + "dh", enc11 + "ECDH-ES"},
	} {
		for _, alg := range others {
			d := scanned(t, []byte(strings.Replace(token, `"`+old+`"`, `"`+alg+`"`, 1)))
			if _, err := Decrypt(d.Root(), noKeys{t}, DecryptPolicy{AllowTripleDES: true}); !errors.Is(err, ErrDecrypt) {
				t.Errorf("%s for %s: %v", alg, old, err)
			}
		}
	}
}

// noKeys fails the test when a key is asked for: the algorithm was to be refused before.
type noKeys struct{ t *testing.T }

func (n noKeys) DecryptionKey(KeyHint) (*rsa.PrivateKey, bool) {
	n.t.Error("a key is asked for")
	return nil, false
}

// drawTree writes a random document: prefixes bound and bound anew, attributes, text, references, CDATA. Every namespace
// name is a URI without escapes: libxml2 refuses others or departs from Canonical XML.
func drawTree(r *rapid.T, depth int) string {
	var b strings.Builder
	name := rapid.SampledFrom([]string{"a", "b", "p:a", "q:b"}).Draw(r, "name")
	b.WriteString("<" + name)
	uri := func() string { return rapid.SampledFrom([]string{"urn:1", "urn:2", "urn:3"}).Draw(r, "uri") }
	if depth == 0 || rapid.Bool().Draw(r, "p") {
		fmt.Fprintf(&b, ` xmlns:p="%s" xmlns:q='urn:q%d'`, uri(), depth%2)
	}
	if rapid.Bool().Draw(r, "default") {
		fmt.Fprintf(&b, ` xmlns="%s"`, rapid.SampledFrom([]string{"urn:1", "urn:d"}).Draw(r, "default uri"))
	} else if depth > 0 && rapid.Bool().Draw(r, "undeclared") {
		b.WriteString(` xmlns=""`)
	}
	for _, a := range []string{"z", "q:z", "p:y", "xml:lang", "b"} {
		if rapid.Bool().Draw(r, a) {
			fmt.Fprintf(&b, ` %s='%s'`, a, rapid.SampledFrom([]string{"", "x", "&lt;\"&#9;&#10;", "é\n\t", "&#xD;"}).Draw(r, "value"))
		}
	}
	b.WriteString(">")
	for range rapid.IntRange(0, 3).Draw(r, "children") {
		switch rapid.IntRange(0, 3).Draw(r, "kind") {
		case 0:
			if depth < 5 {
				b.WriteString(drawTree(r, depth+1))
			}
		case 1:
			b.WriteString(rapid.SampledFrom([]string{"text", "&gt;\r\n", "é&#13;", " ", "&quot;"}).Draw(r, "text"))
		case 2:
			b.WriteString("<![CDATA[<&]]>")
		default:
			b.WriteString("\n")
		}
	}
	return b.String() + "</" + name + ">"
}

func TestCanonicalFormOfRandomTreesEqualsXmllint(t *testing.T) {
	lint(t, "xmllint", []byte("<a/>"), "--noout", "-")
	rapid.Check(t, func(r *rapid.T) {
		raw := []byte(drawTree(r, 0))
		d, err := Scan(raw, DocumentLimits())
		if err != nil {
			r.Fatalf("%v\n%s", err, raw)
		}
		got, err := Canonicalize(d.Root())
		if err != nil {
			r.Fatal(err)
		}
		want := lint(t, "xmllint", raw, "--exc-c14n", "-")
		if !bytes.Equal(bytes.TrimSuffix(want, []byte("\n")), bytes.TrimSuffix(got, []byte("\n"))) {
			r.Fatalf("of %s\nwe:      %s\nxmllint: %s", raw, got, want)
		}
	})
}
