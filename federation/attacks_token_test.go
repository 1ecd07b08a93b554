package federation_test

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
)

func itoa(n int) string { return strconv.Itoa(n) }

type edit func(string) string

// swap replaces the first from, which must be there.
func swap(t testing.TB, from, to string) edit {
	return func(s string) string {
		if !strings.Contains(s, from) {
			t.Errorf("%q is not there to be replaced by %q", from, to)
		}
		return strings.Replace(s, from, to, 1)
	}
}

func same(s string) string { return s }

func sign(t testing.TB, clear string, key, named *federation.KeyPair, alg xmlsec.SignatureAlgorithm) string {
	t.Helper()
	b, err := xmlsec.SignEnveloped([]byte(clear), "AssertionID", xmlsec.Signer{Key: key.Key, Certificate: named.Certificate, Algorithm: alg})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func encrypt(t testing.TB, signed string, to *federation.KeyPair, alg xmlsec.BlockAlgorithm) string {
	t.Helper()
	b, err := xmlsec.Encrypt([]byte(signed), to.Certificate, alg, "Assertion0")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// message is a signed request with the token in it.
func message(t testing.TB, token string) []byte {
	t.Helper()
	h, err := wssecurity.ProofHeaders(wssecurity.ProofParams{To: "https://mail.contoso.example/EWS/Exchange.asmx/wssecurity", Action: "x", MessageID: federation.NewURN(),
		Token: []byte(token), ProofKey: []byte(proofKey), AssertionID: "uuid-1", Algorithm: xmlsec.HMACSHA256, Now: clock()})
	if err != nil {
		t.Fatal(err)
	}
	return soap.Append(nil, soap.V11, "", h, []byte("<x/>"))
}

func genuine(t testing.TB) []byte {
	t.Helper()
	return message(t, encrypt(t, sign(t, assertion(), pair(t, "broker"), pair(t, "broker"), xmlsec.RSASHA256), pair(t, "target"), xmlsec.AES256CBC))
}

func signatureOf(s string) string {
	return s[strings.Index(s, "<ds:Signature"):strings.Index(s, "</saml:Assertion>")]
}

// tokenAttacks change the assertion before it is signed (what a lying gateway could do) or after (what a stranger can,
// who knows our public certificate).
func tokenAttacks(t testing.TB) []attack {
	broker, target := pair(t, "broker"), pair(t, "target")
	var out []attack
	put := func(name, expect, signed string) {
		out = append(out, attack{name, expect, message(t, encrypt(t, signed, target, xmlsec.AES256CBC))})
	}
	for name, e := range afterSigning(t) {
		put(name, "IST", e(sign(t, assertion(), broker, broker, xmlsec.RSASHA256)))
	}
	for name, c := range beforeSigning(t) {
		put(name, c.expect, sign(t, c.edit(assertion()), broker, broker, xmlsec.RSASHA256))
	}
	put("T24/key-of-another-under-the-issuers-certificate", "IST", sign(t, assertion(), pair(t, "requester"), broker, xmlsec.RSASHA256))
	put("T24/key-and-certificate-of-another", "IST", sign(t, assertion(), pair(t, "requester"), pair(t, "requester"), xmlsec.RSASHA256))
	put("T31/rsa-sha1-in-profile-modern", "IST", sign(t, assertion(), broker, broker, xmlsec.RSASHA1))
	put("T31/rsa-sha1-in-profile-exchange", "ok exchange", sign(t, assertion(), broker, broker, xmlsec.RSASHA1))
	return out
}

func afterSigning(t testing.TB) map[string]edit {
	const end = "</saml:Assertion>"
	evil := strings.Replace(assertion(), "alice@", "mallory@", 1)
	inEvil := func(inner func(s string) string) edit {
		return func(s string) string { return strings.Replace(evil, end, inner(s)+end, 1) }
	}
	reference := func(to string) edit { return swap(t, `<ds:Reference URI="#uuid-1"`, `<ds:Reference`+to) }
	transform := func(alg string) edit {
		return swap(t, `Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"`, `Algorithm="`+alg+`"`)
	}
	keyInfo := func(inner string) edit {
		return func(s string) string {
			i, j := strings.Index(s, "<ds:KeyInfo><ds:X509Data>"), strings.LastIndex(s, "</ds:KeyInfo>")
			return s[:i] + "<ds:KeyInfo>" + inner + s[j:]
		}
	}
	return map[string]edit{
		"T13/wrapper-around-the-original":        func(s string) string { return "<Response>" + s + "</Response>" },
		"T13/signature-beside-evil-in-a-wrapper": func(s string) string { return "<Response>" + evil + signatureOf(s) + s + "</Response>" },
		"T14/evil-before-the-original":           func(s string) string { return evil + s },
		"T14/evil-after-the-original":            func(s string) string { return s + evil },
		"T15/original-is-child-of-evil":          inEvil(same),
		"T16/evil-carries-signature":             inEvil(signatureOf),
		"T16/evil-carries-signature-and-original": inEvil(func(s string) string {
			return s + signatureOf(s)
		}),
		"T16/original-inside-the-signature": inEvil(func(s string) string {
			return strings.Replace(signatureOf(s), "</ds:Signature>", s+"</ds:Signature>", 1)
		}),
		"T17/original-in-advice": inEvil(func(s string) string { return "<saml:Advice>" + s + "</saml:Advice>" + signatureOf(s) }),
		"T17/original-in-confirmation-data": func(s string) string {
			return strings.Replace(strings.Replace(evil, "</saml:ConfirmationMethod>", "</saml:ConfirmationMethod><saml:SubjectConfirmationData>"+s+"</saml:SubjectConfirmationData>", 1), end, signatureOf(s)+end, 1)
		},
		"T18/original-in-object": inEvil(func(s string) string {
			return strings.Replace(signatureOf(s), "</ds:Signature>", "<ds:Object>"+s+"</ds:Object></ds:Signature>", 1)
		}),
		"T19/two-elements-of-one-id":    swap(t, "<saml:Conditions ", `<saml:Conditions AssertionID="uuid-1" `),
		"T19/xml-id-like-the-assertion": swap(t, "<saml:Conditions ", `<saml:Conditions xml:id="uuid-1" `),
		"T21/two-signatures":            func(s string) string { return strings.Replace(s, end, signatureOf(s)+end, 1) },
		"T21/two-signature-values":      swap(t, "<ds:SignatureValue>", "<ds:SignatureValue>AAAA</ds:SignatureValue><ds:SignatureValue>"),
		"T21/two-signed-infos":          swap(t, "<ds:SignedInfo>", "<ds:SignedInfo/><ds:SignedInfo>"),
		"T21/element-in-the-digest":     swap(t, "</ds:DigestValue>", "<x/></ds:DigestValue>"),
		"T21/comment-in-the-digest":     swap(t, "<ds:DigestValue>", "<ds:DigestValue>AAAA<!-- -->"),
		"T22/prefixed-assertion-id":     swap(t, `AssertionID="uuid-1"`, `xmlns:x="urn:x" x:AssertionID="uuid-1"`),
		"T22/look-alike-namespace":      swap(t, `xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>`, `xmlns:ds="http://www.w3.org/2000/09/xmldsig"><ds:SignedInfo>`),
		"T23/unsigned":                  func(s string) string { return strings.Replace(s, signatureOf(s), "", 1) },
		"T23/empty-signature": func(s string) string {
			return strings.Replace(s, signatureOf(s), `<ds:Signature xmlns:ds="`+xmlsec.NSDS+`"/>`, 1)
		},
		"T23/signature-not-last": swap(t, end, "<saml:Advice/>"+end),
		"T23/signature-in-conditions": func(s string) string {
			return strings.Replace(strings.Replace(s, signatureOf(s), "", 1), "</saml:Conditions>", signatureOf(s)+"</saml:Conditions>", 1)
		},
		"T24/key-value":                   keyInfo("<ds:KeyValue/>"),
		"T25/uri-empty":                   reference(` URI=""`),
		"T25/uri-missing":                 reference(``),
		"T25/uri-hash":                    reference(` URI="#"`),
		"T25/uri-xpointer":                reference(` URI="#xpointer(/)"`),
		"T25/uri-of-another":              reference(` URI="#uuid-2"`),
		"T25/type-manifest":               reference(` Type="` + xmlsec.NSDS + `Manifest" URI="#uuid-1"`),
		"T26/reference-by-http":           reference(` URI="http://127.0.0.1:9/x"`),
		"T26/reference-to-a-file":         reference(` URI="file:///dev/zero"`),
		"T26/retrieval-method":            keyInfo(`<ds:RetrievalMethod URI="http://127.0.0.1:9/key"/>`),
		"T26/key-name-is-a-path":          keyInfo(`<ds:KeyName>../../etc/passwd</ds:KeyName>`),
		"T27/transform-xslt":              transform("http://www.w3.org/TR/1999/REC-xslt-19991116"),
		"T27/transform-xpath":             transform("http://www.w3.org/TR/1999/REC-xpath-19991116"),
		"T27/transform-base64":            transform("http://www.w3.org/2000/09/xmldsig#base64"),
		"T27/transform-decrypt":           transform("http://www.w3.org/2002/07/decrypt#XML"),
		"T27/three-transforms":            swap(t, "</ds:Transforms>", `<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>`),
		"T28/hmac-named-for-the-issuer":   swap(t, "xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256"),
		"T28/ecdsa-named-for-rsa":         swap(t, "xmldsig-more#rsa-sha256", "xmldsig-more#ecdsa-sha256"),
		"T29/output-length-in-the-token":  swap(t, `xmldsig-more#rsa-sha256"></ds:SignatureMethod>`, `xmldsig-more#rsa-sha256"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>`),
		"T30/rsa-md5":                     swap(t, "xmldsig-more#rsa-sha256", "xmldsig-more#rsa-md5"),
		"T30/digest-md5":                  swap(t, "xmlenc#sha256", "xmldsig-more#md5"),
		"T30/method-empty":                swap(t, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", ""),
		"T30/c14n-with-comments":          swap(t, "xml-exc-c14n#\"", "xml-exc-c14n#WithComments\""),
		"T32/address-changed":             swap(t, "alice@", "mallory@"),
		"T32/audience-changed":            swap(t, "<saml:Audience>FYD", "<saml:Audience>fYD"),
		"T32/statement-added":             swap(t, "<ds:Signature", "<saml:AttributeStatement/><ds:Signature"),
		"T33/comment-in-the-address":      swap(t, "alice@fabrikam", "alice@fabri<!-- -->kam"),
		"T33/instruction-in-the-address":  swap(t, "alice@fabrikam", "alice@fabri<?x ?>kam"),
		"T33/element-in-the-address":      swap(t, "alice@fabrikam", "alice@fabri<x/>kam"),
		"T42/doctype-in-the-plaintext":    func(s string) string { return "<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/\">" + s },
		"T42/bomb-in-the-plaintext":       func(s string) string { return `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>` + s },
		"T42/element-after-the-plaintext": func(s string) string { return s + "<x/>" },
		"T42/prefix-of-the-envelope":      func(string) string { return `<s:Assertion/>` },
		"T42/no-assertion":                func(string) string { return `<x/>` },
		"T42/no-xml":                      func(string) string { return strings.Repeat("x", 500) },
		"T42/deep":                        func(string) string { return strings.Repeat("<a>", 4000) + strings.Repeat("</a>", 4000) },
	}
}

type claim struct {
	expect string
	edit   edit
}

func beforeSigning(t testing.TB) map[string]claim {
	const (
		audience = "<saml:AudienceRestrictionCondition><saml:Audience>FYDIBOHF25SPDLT.contoso.example</saml:Audience></saml:AudienceRestrictionCondition>"
		email    = `<saml:Attribute AttributeName="EmailAddress" AttributeNamespace="http://schemas.xmlsoap.org/claims"><saml:AttributeValue>alice@fabrikam.example</saml:AttributeValue></saml:Attribute>`
		instant  = `IssueInstant="2031-01-06T08:00:00.000Z"`
		from     = `NotBefore="2031-01-06T08:00:00.000Z"`
		until    = `NotOnOrAfter="2031-01-06T16:00:00.000Z"`
	)
	address := func(s string) edit { return swap(t, "alice@fabrikam.example", s) }
	key := base64.StdEncoding.EncodeToString([]byte(proofKey))
	cases := map[string]claim{
		"T44/issuer-in-other-case":     {"FA", swap(t, `Issuer="urn:f`, `Issuer="urn:F`)},
		"T44/issuer-with-slash":        {"FA", swap(t, `example-broker"`, `example-broker/"`)},
		"T44/issuer-with-blank":        {"FA", swap(t, `Issuer="urn`, `Issuer=" urn`)},
		"T44/issuer-missing":           {"FA", swap(t, ` Issuer="urn:federation:example-broker"`, ``)},
		"T45/audience-of-another":      {"FA", swap(t, "<saml:Audience>FYDIBOHF25SPDLT.contoso", "<saml:Audience>FYDIBOHF25SPDLT.other")},
		"T45/audience-longer":          {"FA", swap(t, "contoso.example</saml:Audience>", "contoso.example.evil</saml:Audience>")},
		"T45/audience-empty":           {"FA", swap(t, "FYDIBOHF25SPDLT.contoso.example</saml:Audience>", "</saml:Audience>")},
		"T45/no-audience":              {"FA", swap(t, audience, "")},
		"T45/second-condition-foreign": {"FA", swap(t, audience, audience+strings.Replace(audience, "contoso", "other", 1))},
		"T45/audience-with-scheme":     {"ok", swap(t, "<saml:Audience>FYD", "<saml:Audience>https://fyd")},
		"T46/expired-an-hour-ago":      {"FA", swap(t, from+" "+until, `NotBefore="2031-01-06T01:00:00.000Z" NotOnOrAfter="2031-01-06T07:00:00.000Z"`)},
		"T46/six-minutes-early":        {"FA", swap(t, from, `NotBefore="2031-01-06T08:06:00.000Z"`)},
		"T46/two-minutes-early":        {"ok", swap(t, from, `NotBefore="2031-01-06T08:02:00.000Z"`)},
		"T47/reversed":                 {"FA", swap(t, until, `NotOnOrAfter="2031-01-06T07:58:00.000Z"`)},
		"T47/ten-years":                {"FA", swap(t, until, `NotOnOrAfter="2041-01-06T16:00:00.000Z"`)},
		"T47/no-end":                   {"FA", swap(t, " "+until, "")},
		"T47/garbage":                  {"FA", swap(t, until, `NotOnOrAfter="tomorrow"`)},
		"T47/year-99999":               {"FA", swap(t, until, `NotOnOrAfter="99999-01-06T16:00:00Z"`)},
		"T47/long-fraction":            {"FA", swap(t, until, `NotOnOrAfter="2031-01-06T16:00:00.`+strings.Repeat("0", 5000)+`Z"`)},
		"T47/offset":                   {"FA", swap(t, until, `NotOnOrAfter="2031-01-06T16:00:00+09:00"`)},
		"T47/comma-fraction":           {"FA", swap(t, until, `NotOnOrAfter="2031-01-06T16:00:00,000Z"`)},
		"T47/one-digit-hour":           {"FA", swap(t, from, `NotBefore="2031-01-06T8:00:00.000Z"`)},
		"T47/issued-tomorrow":          {"FA", swap(t, instant, `IssueInstant="2031-01-07T08:00:00.000Z"`)},
		"T47/not-issued":               {"FA", swap(t, " "+instant, "")},
		"T48/unknown-condition":        {"FA", swap(t, audience, audience+"<saml:Odd/>")},
		"T48/conditions-twice":         {"FA", swap(t, "</saml:Conditions>", "</saml:Conditions><saml:Conditions/>")},
		"T49/saml-2.0": {"IST", func(s string) string {
			return strings.ReplaceAll(s, xmlsec.NSSAML, "urn:oasis:names:tc:SAML:2.0:assertion")
		}},
		"T49/version-1.9":                 {"IST", swap(t, `MinorVersion="1"`, `MinorVersion="9"`)},
		"T49/version-missing":             {"IST", swap(t, `MajorVersion="1" `, ``)},
		"T50/bearer-where-proof-is-due":   {"FA", swap(t, "cm:holder-of-key", "cm:bearer")},
		"T50/proof-key-empty":             {"FA", swap(t, key, "")},
		"T50/proof-key-of-one-byte":       {"FA", swap(t, key, "AA==")},
		"T50/proof-key-missing":           {"FA if-present", func(s string) string { return strings.ReplaceAll(s, "t:BinarySecret", "t:Other") }},
		"T50/another-proof-key":           {"IS", swap(t, key, base64.StdEncoding.EncodeToString([]byte("another key of thirty-two bytes!")))},
		"T50/two-subjects-two-keys":       {"FA", func(s string) string { return twoSubjects(s, key) }},
		"T55/no-action":                   {"5037", swap(t, "MSExchange.SharingCalendarFreeBusy", "")},
		"T55/action-of-autodiscover":      {"5037", swap(t, "MSExchange.SharingCalendarFreeBusy", "MSExchange.Autodiscover")},
		"T55/action-in-another-namespace": {"5037", swap(t, "2006/12/authorization/claims", "2006/12/authorization/other")},
		"T59/upper-case-domain":           {"ok", address("Alice@FABRIKAM.example")},
		"T59/plus-address":                {"ok", address("alice+x@fabrikam.example")},
		"T60/no-address":                  {"5037", swap(t, email, "")},
		"T60/two-attributes":              {"5037", swap(t, email, email+email)},
		"T60/two-values":                  {"5037", swap(t, "</saml:AttributeValue></saml:Attribute>", "</saml:AttributeValue><saml:AttributeValue>x@y.example</saml:AttributeValue></saml:Attribute>")},
		"T60/address-in-advice-only": {"5037", func(s string) string {
			return strings.Replace(strings.Replace(s, email, "", 1), "</saml:Assertion>", "<saml:Advice>"+email+"</saml:Advice></saml:Assertion>", 1)
		}},
		"T61/our-own-domain": {"5037", address("alice@contoso.example")},
	}
	for name, s := range map[string]string{
		"T57/trailing-dot": "alice@fabrikam.example.", "T57/leading-dot": "alice@.fabrikam.example", "T57/two-at-signs": "alice@x@fabrikam.example",
		"T57/quoted": `"alice"@fabrikam.example`, "T57/display-name": "Alice &lt;alice@fabrikam.example&gt;", "T57/comment": "alice(x)@fabrikam.example",
		"T57/list": "alice@fabrikam.example,bob@fabrikam.example", "T57/blank-in-front": " alice@fabrikam.example", "T57/line-break": "alice@fabrikam.example&#10;",
		"T58/kelvin-sign": "alice@fabri\u212Aam.example", "T58/full-width": "alice@fabri\uFF4Bam.example", "T58/ideographic-dot": "alice@fabrikam\u3002example",
		"T58/zero-width": "alice@fabri\u200Bkam.example", "T58/soft-hyphen": "alice@fabri\u00ADkam.example",
	} {
		cases[name] = claim{"5037", address(s)}
	}
	return cases
}

func twoSubjects(s, key string) string {
	i, j := strings.Index(s, "<saml:Subject>"), strings.Index(s, "</saml:Subject>")+len("</saml:Subject>")
	other := strings.Replace(s[i:j], key, base64.StdEncoding.EncodeToString([]byte("another key of thirty-two bytes!")), 1)
	return strings.Replace(s, "</saml:Assertion>", `<saml:AuthenticationStatement>`+other+`</saml:AuthenticationStatement></saml:Assertion>`, 1)
}
