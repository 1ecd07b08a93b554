package federation_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
)

// messageAttacks change the envelope, its Security header or the encryption around a good token.
func messageAttacks(t testing.TB) []attack {
	var out []attack
	for name, e := range envelopeEdits(t) {
		out = append(out, attack{name, e.expect, []byte(e.edit(string(genuine(t))))})
	}
	signed := sign(t, assertion(), pair(t, "broker"), pair(t, "broker"), xmlsec.RSASHA256)
	for name, e := range encryptionEdits(t) {
		out = append(out, attack{name, "IST", message(t, e(encrypt(t, signed, pair(t, "target"), xmlsec.AES256CBC)))})
	}
	sample, err := os.ReadFile("testdata/tokens/ews-request.wssecurity.xml")
	if err != nil {
		t.Fatal(err)
	}
	return append(append(out, timestampAttacks(t, signed)...),
		attack{"T35/encrypted-for-another", "IST", message(t, encrypt(t, signed, pair(t, "requester"), xmlsec.AES256CBC))},
		attack{"T43/3des-in-profile-modern", "IST", message(t, encrypt(t, signed, pair(t, "target"), xmlsec.TripleDESCBC))},
		attack{"T43/3des-in-profile-exchange", "ok exchange", message(t, encrypt(t, signed, pair(t, "target"), xmlsec.TripleDESCBC))},
		attack{"T43/aes128-is-read", "ok", message(t, encrypt(t, signed, pair(t, "target"), xmlsec.AES128CBC))},
		attack{"T53/sample-in-profile-exchange", "ok exchange", sample})
}

func envelopeEdits(t testing.TB) map[string]claim {
	const prolog = `<?xml version="1.0" encoding="utf-8"?>`
	before := func(s string) edit { return swap(t, prolog, prolog+s) }
	security := func(s string) edit { return swap(t, "</o:Security>", s+"</o:Security>") }
	again := func(open, shut string) edit {
		return func(s string) string {
			i := strings.Index(s, open)
			j := i + strings.Index(s[i:], shut) + len(shut)
			return s[:j] + s[i:]
		}
	}
	return map[string]claim{
		"T1/xxe-file":             {"CF", before(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>`)},
		"T1/xxe-http":             {"CF", before(`<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">`)},
		"T1/xxe-parameter":        {"CF", before(`<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1:9/"> %e;]>`)},
		"T1/public-id":            {"CF", before(`<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://127.0.0.1:9/">`)},
		"T2/billion-laughs":       {"CF", before(`<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>`)},
		"T2/entity-without-dtd":   {"CF", swap(t, "<x/>", "<x>&lol;</x>")},
		"T3/deep-in-the-body":     {"CF", swap(t, "<x/>", strings.Repeat("<a>", 3000)+strings.Repeat("</a>", 3000))},
		"T4/two-roots":            {"CF", func(s string) string { return s + "<x/>" }},
		"T4/undeclared-prefix":    {"CF", swap(t, "<x/>", "<y:x/>")},
		"T4/attribute-twice":      {"CF", swap(t, "<x/>", `<x a="1" a="2"/>`)},
		"T4/attribute-by-name":    {"CF", swap(t, "<x/>", `<x xmlns:p="u" xmlns:q="u" p:a="1" q:a="2"/>`)},
		"T4/xml-rebound":          {"CF", swap(t, "<x/>", `<x xmlns:xml="u"/>`)},
		"T4/nul-reference":        {"CF", swap(t, "<x/>", `<x>&#0;</x>`)},
		"T5/attributes":           {"CF", swap(t, "<x/>", "<x"+manyAttributes(500)+"/>")},
		"T5/long-name":            {"CF", swap(t, "<x/>", "<"+strings.Repeat("x", 5000)+"/>")},
		"T6/namespaces":           {"CF", swap(t, "<x/>", "<x"+strings.ReplaceAll(manyAttributes(100), " a", " xmlns:a")+"/>")},
		"T7/declared-utf-16":      {"CF", swap(t, "utf-8", "utf-16")},
		"T7/declared-utf-7":       {"CF", swap(t, "utf-8", "utf-7")},
		"T7/overlong":             {"CF", swap(t, "<x/>", "<x>\xc0\xbc</x>")},
		"T7/xml-1.1":              {"CF", swap(t, `version="1.0"`, `version="1.1"`)},
		"T8/instruction":          {"CF", before(`<?xml-stylesheet href="http://127.0.0.1:9/"?>`)},
		"T9/two-headers":          {"CF", swap(t, "<s:Header>", "<s:Header/><s:Header>")},
		"T9/two-bodies":           {"CF", swap(t, "</s:Envelope>", "<s:Body/></s:Envelope>")},
		"T9/two-requests":         {"CF", swap(t, "<x/>", "<x/><y/>")},
		"T9/soap-1.2":             {"CF", swap(t, soap.NS11, soap.NS12)},
		"T9/to-twice-first-empty": {"CF", swap(t, "<a:To ", `<a:To xmlns:a="`+soap.NSWSA+`"/><a:To `)},
		"T10/unknown-header":      {"MU", swap(t, "<s:Header>", `<s:Header><y xmlns="urn:y" s:mustUnderstand="1"/>`)},
		"T11/no-security": {"IS", func(s string) string {
			i, j := strings.Index(s, "<o:Security"), strings.Index(s, "</s:Header>")
			return s[:i] + s[j:]
		}},
		"T11/two-securities":           {"IS", swap(t, "</s:Header>", `<o:Security xmlns:o="`+xmlsec.NSWSSE+`"/></s:Header>`)},
		"T11/foreign-actor":            {"IS", swap(t, "<o:Security ", `<o:Security s:actor="urn:other" `)},
		"T11/username-token":           {"IS", security(`<o:UsernameToken/>`)},
		"T11/token-in-the-body":        {"IS", func(s string) string { return moveToBody(s) }},
		"T20/clear-assertion":          {"IS", security(assertion())},
		"T20/two-encrypted-datas":      {"IS", again("<EncryptedData ", "</EncryptedData>")},
		"T21/two-message-signatures":   {"IS", again("<Signature ", "</Signature>")},
		"T29/output-length":            {"IS", swap(t, `hmac-sha256"></SignatureMethod>`, `hmac-sha256"><HMACOutputLength>8</HMACOutputLength></SignatureMethod>`)},
		"T32/signature-value":          {"IS", swap(t, "<SignatureValue>", "<SignatureValue>AAAA")},
		"T32/to-changed":               {"IS", swap(t, "https://mail.contoso", "https://mail.evil")},
		"T32/expires-changed":          {"IS", swap(t, "<u:Expires>2031-01-06T08:05", "<u:Expires>2031-01-06T08:06")},
		"T50/key-of-another-assertion": {"IS", swap(t, ">uuid-1</o:KeyIdentifier>", ">uuid-2</o:KeyIdentifier>")},
		"T50/key-info-by-ski":          {"IS", swap(t, xmlsec.ValueTypeSAMLID, xmlsec.ValueTypeSKI)},
		"T50/key-info-two-names":       {"IS", swap(t, "</o:KeyIdentifier></o:SecurityTokenReference></KeyInfo>", "</o:KeyIdentifier><o:KeyIdentifier/></o:SecurityTokenReference></KeyInfo>")},
		"T50/no-signature": {"IS", func(s string) string {
			i, j := strings.Index(s, "<Signature "), strings.Index(s, "</o:Security>")
			return s[:i] + s[j:]
		}},
		"T51/timestamp-twice": {"IS", again("<u:Timestamp ", "</u:Timestamp>")},
		"T51/timestamp-moved": {"IS", func(s string) string { return moveTimestamp(s) }},
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + itoa(i) + `="u"`)
	}
	return b.String()
}

func moveToBody(s string) string {
	i, j := strings.Index(s, "<EncryptedData "), strings.Index(s, "</EncryptedData>")+len("</EncryptedData>")
	return strings.Replace(s[:i]+s[j:], "<x/>", s[i:j], 1)
}

// moveTimestamp puts the signed Timestamp into another header and a fresh one in its place.
func moveTimestamp(s string) string {
	i, j := strings.Index(s, "<u:Timestamp "), strings.Index(s, "</u:Timestamp>")+len("</u:Timestamp>")
	fresh := wssecurity.AppendTimestamp(nil, "fresh", clock(), clock().Add(time.Minute))
	return strings.Replace(s[:i]+string(fresh)+s[j:], "</s:Header>", `<w xmlns="urn:w">`+s[i:j]+"</w></s:Header>", 1)
}

func encryptionEdits(t testing.TB) map[string]edit {
	value := func(n int, change func(string) string) edit { // the n-th CipherValue: 0 the key's, 1 the content's
		return func(s string) string {
			parts := strings.SplitAfter(s, "<CipherValue>")
			head, tail, _ := strings.Cut(parts[n+1], "</CipherValue>")
			parts[n+1] = change(head) + "</CipherValue>" + tail
			return strings.Join(parts, "")
		}
	}
	cipherReference := func(n int, uri string) edit {
		return func(s string) string {
			parts := strings.SplitAfter(s, "<CipherData>")
			_, tail, _ := strings.Cut(parts[n+1], "</CipherData>")
			parts[n+1] = `<CipherReference URI="` + uri + `"/></CipherData>` + tail
			return strings.Join(parts, "")
		}
	}
	return map[string]edit{
		"T35/unknown-key-identifier": func(s string) string { i := strings.Index(s, "#Base64Binary\">") + 15; return s[:i] + "AAAA" + s[i+4:] },
		"T36/rsa-1_5":                swap(t, "rsa-oaep-mgf1p", "rsa-1_5"),
		"T37/key-flipped":            value(0, func(v string) string { return "AAAA" + v[4:] }),
		"T37/key-short":              value(0, func(v string) string { return v[4:] }),
		"T37/key-long":               value(0, func(v string) string { return "AAAA" + v }),
		"T37/key-empty":              value(0, func(string) string { return "" }),
		"T37/key-of-ones":            value(0, func(string) string { return strings.Repeat("/", 342) + "==" }),
		"T37/oaep-digest-sha256":     swap(t, xmlsec.NSDS+"sha1", xmlsec.NSXENC+"sha256"),
		"T37/oaep-label":             swap(t, "<ds:DigestMethod", "<OAEPparams>AAAA</OAEPparams><ds:DigestMethod"),
		"T38/content-flipped":        value(1, func(v string) string { return v[:len(v)-12] + "AAAA" + v[len(v)-8:] }),
		"T38/iv-flipped":             value(1, func(v string) string { return "AAAA" + v[4:] }),
		"T38/content-of-odd-length":  value(1, func(v string) string { return v[4:] }),
		"T38/content-of-one-block":   value(1, func(v string) string { return v[:20] + "AA==" }),
		"T38/content-empty":          value(1, func(string) string { return "" }),
		"T38/content-no-base64":      value(1, func(v string) string { return "*" + v }),
		"T40/content-by-http":        cipherReference(1, "http://127.0.0.1:9/"),
		"T40/content-of-a-device":    cipherReference(1, "file:///dev/zero"),
		"T40/key-by-http":            cipherReference(0, "http://127.0.0.1:9/"),
		"T40/retrieval-method":       swap(t, "<EncryptedKey", `<ds:RetrievalMethod xmlns:ds="`+xmlsec.NSDS+`" URI="http://127.0.0.1:9/"/><EncryptedKey`),
		"T41/a-hundred-encrypted-keys": func(s string) string {
			i, j := strings.Index(s, "<EncryptedKey"), strings.Index(s, "</EncryptedKey>")+len("</EncryptedKey>")
			return s[:i] + strings.Repeat(s[i:j], 100) + s[j:]
		},
		"T43/unknown-block-algorithm": swap(t, "aes256-cbc", "blowfish-cbc"),
		"T43/empty-block-algorithm":   swap(t, xmlsec.NSXENC+"aes256-cbc", ""),
		"T43/gcm":                     swap(t, "http://www.w3.org/2001/04/xmlenc#aes256-cbc", "http://www.w3.org/2009/xmlenc11#aes256-gcm"),
		"T43/aes128-named-for-aes256": swap(t, "aes256-cbc", "aes128-cbc"),
		"T43/content-type-is-content": swap(t, "xmlenc#Element", "xmlenc#Content"),
	}
}

// timestampAttacks are signed anew, so that only the Timestamp or the reach of the signature is wrong.
func timestampAttacks(t testing.TB, signedToken string) []attack {
	token := encrypt(t, signedToken, pair(t, "target"), xmlsec.AES256CBC)
	const to = `<a:To xmlns:a="` + soap.NSWSA + `" xmlns:u="` + xmlsec.NSWSU + `" u:Id="_1">https://mail.contoso.example/EWS/Exchange.asmx/wssecurity</a:To>`
	const other = `<w xmlns="urn:w" Id="_2"/>`
	build := func(stamp string, key xmlsec.Key, alg xmlsec.SignatureAlgorithm, ids ...string) []byte {
		head := to + other + `<o:Security xmlns:o="` + xmlsec.NSWSSE + `">` + stamp + token
		if len(ids) > 0 {
			sig, err := xmlsec.SignDetached(soap.Append(nil, soap.V11, "", []byte(head+"</o:Security>"), nil), ids, key, alg, nil)
			if err != nil {
				t.Fatal(err)
			}
			head += string(sig)
		}
		return soap.Append(nil, soap.V11, "", []byte(head+"</o:Security>"), []byte("<x/>"))
	}
	stamp := func(from, until time.Duration) string {
		return string(wssecurity.AppendTimestamp(nil, "_0", clock().Add(from), clock().Add(until)))
	}
	hmac, now := xmlsec.HMACKey([]byte(proofKey)), stamp(0, 5*time.Minute)
	m := func(name, expect, stamp string, ids ...string) attack {
		return attack{name, expect, build(stamp, hmac, xmlsec.HMACSHA256, ids...)}
	}
	return []attack{
		m("T51/good", "ok", now, "_0", "_1"),
		m("T51/missing", "IS", "", "_1"),
		m("T51/expired", "IS", stamp(-time.Hour, -6*time.Minute), "_0", "_1"),
		m("T51/future", "IS", stamp(6*time.Minute, 10*time.Minute), "_0", "_1"),
		m("T51/reversed", "IS", stamp(time.Minute, 0), "_0", "_1"),
		m("T51/ten-years", "IS", stamp(0, 87600*time.Hour), "_0", "_1"),
		m("T51/two-createds", "IS", strings.Replace(now, "<u:Expires>", "<u:Created>2031-01-06T08:00:00Z</u:Created><u:Expires>", 1), "_0", "_1"),
		m("T50/to-not-signed-in-profile-modern", "IS", now, "_0"),
		m("T50/to-not-signed-in-profile-exchange", "ok exchange", now, "_0"),
		m("T50/timestamp-not-signed", "IS", now, "_1"),
		m("T50/other-element-signed", "IS", now, "_0", "_1", "_2"),
		m("T50/bearer-where-allowed", "ok exchange if-present", now),
		m("T50/bearer-without-timestamp-where-allowed", "ok exchange if-present", ""),
		{"T28/rsa-key-for-the-proof-key", "IS", build(now, xmlsec.PrivateKey(pair(t, "requester").Key), xmlsec.RSASHA256, "_0", "_1")},
		{"T28/empty-hmac-key", "IS", build(now, xmlsec.HMACKey([]byte{}), xmlsec.HMACSHA256, "_0", "_1")},
		{"T28/public-key-as-hmac-key", "IS", build(now, xmlsec.HMACKey(pair(t, "broker").Certificate.RawSubjectPublicKeyInfo), xmlsec.HMACSHA256, "_0", "_1")},
		{"T50/bearer-messages-of-one-second", "ok exchange if-present", bytes.Clone(build(now, hmac, xmlsec.HMACSHA256))},
	}
}
