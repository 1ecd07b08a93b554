package gateway

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

const (
	samlTime = "2006-01-02T15:04:05.000Z"
	wsuTime  = "2006-01-02T15:04:05Z"
)

func newID(prefix string) string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return prefix + hex.EncodeToString(b[:])
}

// response writes the token and the RequestSecurityTokenResponse around it.
func (g *Gateway) response(gr *grant, key *federation.KeyPair) (answer []byte, assertionID string, err error) {
	real := g.now().UTC()
	now := real.Add(g.o.IssueAt)
	expires := now.Add(g.o.Lifetime)
	proof := make([]byte, 32)
	_, _ = rand.Read(proof)
	assertionID = newID(g.o.Chaos.idPrefix())
	clear, err := g.assertion(gr, assertionID, proof, now, expires)
	if err != nil {
		return nil, "", err
	}
	signed, err := xmlsec.SignEnveloped(g.o.Chaos.disguise(clear, "saml", "t"), "AssertionID", signer(key, g.o.Profile))
	if err != nil {
		return nil, "", err
	}
	encrypted, err := xmlsec.Encrypt(signed, gr.target.Certificate, g.o.TokenCipher, "Assertion0")
	if err != nil {
		return nil, "", err
	}
	lifeEnd := expires
	if g.o.IssueAt != 0 {
		lifeEnd = real.Add(g.o.Lifetime) // the requester believes in a token that the target must refuse
	}
	parts := rstr(gr.appliesTo, assertionID, encrypted, proof, now, lifeEnd)
	g.o.Chaos.shuffle(parts)
	body := fmt.Appendf(nil, `<wst:RequestSecurityTokenResponse xmlns:wst="%s" xmlns:wsp="%s" xmlns:wsa="%s" xmlns:wsu="%s" xmlns:wsse="%s">%s</wst:RequestSecurityTokenResponse>`,
		xmlsec.NSWST, nsWSP, soap.NSWSA, xmlsec.NSWSU, xmlsec.NSWSSE, strings.Join(parts, ""))
	return soap.Append(nil, soap.V12, "", responseHeaders(real), body), assertionID, nil
}

func responseHeaders(now time.Time) []byte {
	head := fmt.Appendf(nil, `<wsa:Action xmlns:wsa="%s" s:mustUnderstand="1">%s</wsa:Action><wsa:To xmlns:wsa="%s" s:mustUnderstand="1">%s/anonymous</wsa:To>`,
		soap.NSWSA, federation.ActionIssueResponse, soap.NSWSA, soap.NSWSA)
	return fmt.Appendf(head, `<wsse:Security xmlns:wsse="%s" s:mustUnderstand="1"><wsu:Timestamp xmlns:wsu="%s" wsu:Id="TS"><wsu:Created>%s</wsu:Created><wsu:Expires>%s</wsu:Expires></wsu:Timestamp></wsse:Security>`,
		xmlsec.NSWSSE, xmlsec.NSWSU, now.Format(wsuTime), now.Add(5*time.Minute).Format(wsuTime))
}

// rstr are the children of the response in the order of published captures.
func rstr(appliesTo, assertionID string, encrypted, proof []byte, created, expires time.Time) []string {
	parts := []string{
		"<wst:TokenType>urn:oasis:names:tc:SAML:1.0</wst:TokenType>",
		"<wsp:AppliesTo><wsa:EndpointReference><wsa:Address>" + string(xmlsec.AppendText(nil, appliesTo)) + "</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>",
		fmt.Sprintf("<wst:Lifetime><wsu:Created>%s</wsu:Created><wsu:Expires>%s</wsu:Expires></wst:Lifetime>", created.Format(wsuTime), expires.Format(wsuTime)),
		"<wst:RequestedSecurityToken>" + string(encrypted) + "</wst:RequestedSecurityToken>",
	}
	for _, name := range []string{"RequestedAttachedReference", "RequestedUnattachedReference"} {
		parts = append(parts, fmt.Sprintf(`<wst:%s><wsse:SecurityTokenReference><wsse:KeyIdentifier ValueType="%s">%s</wsse:KeyIdentifier></wsse:SecurityTokenReference></wst:%s>`,
			name, xmlsec.ValueTypeSAMLID, assertionID, name))
	}
	return append(parts, fmt.Sprintf("<wst:RequestedProofToken><wst:BinarySecret>%s</wst:BinarySecret></wst:RequestedProofToken>", base64.StdEncoding.EncodeToString(proof)))
}

// assertion writes the clear delegation assertion. In profile modern the proof key stands inside the encrypted
// assertion as it is, so that the target needs one private-key operation; in profile exchange it is an EncryptedKey.
func (g *Gateway) assertion(gr *grant, id string, proof []byte, now, expires time.Time) ([]byte, error) {
	esc := func(s string) string { return string(xmlsec.AppendAttr(nil, s)) }
	secret := fmt.Appendf(nil, `<t:BinarySecret xmlns:t="%s">%s</t:BinarySecret>`, xmlsec.NSWST, base64.StdEncoding.EncodeToString(proof))
	if g.o.Profile == federation.ProfileExchange {
		var err error
		if secret, err = xmlsec.EncryptKey(proof, gr.target.Certificate); err != nil {
			return nil, err
		}
	}
	immutable := sha256.Sum256([]byte(gr.from.Name + "\x00" + gr.user.String()))
	subject := fmt.Sprintf(`<saml:Subject><saml:NameIdentifier Format="http://schemas.xmlsoap.org/claims/UPN">%x@%s</saml:NameIdentifier><saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:holder-of-key</saml:ConfirmationMethod><ds:KeyInfo xmlns:ds="%s">%s</ds:KeyInfo></saml:SubjectConfirmation></saml:Subject>`,
		immutable[:8], gr.from.AccountNamespace, xmlsec.NSDS, secret)
	stamp := now.Format(samlTime)
	statements := []string{
		fmt.Sprintf(`<saml:AttributeStatement>%s<saml:Attribute AttributeName="EmailAddress" AttributeNamespace="http://schemas.xmlsoap.org/claims"><saml:AttributeValue>%s</saml:AttributeValue></saml:Attribute>`+
			`<saml:Attribute AttributeName="action" AttributeNamespace="%s/claims"><saml:AttributeValue>%s</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`,
			subject, esc(gr.user.String()), nsAuth, esc(string(gr.action))),
		fmt.Sprintf(`<saml:AuthenticationStatement AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:password" AuthenticationInstant="%s">%s</saml:AuthenticationStatement>`, stamp, subject),
	}
	g.o.Chaos.shuffle(statements)
	return fmt.Appendf(nil, `<saml:Assertion xmlns:saml="%s" MajorVersion="1" MinorVersion="1" AssertionID="%s" Issuer="%s" IssueInstant="%s">`+
		`<saml:Conditions NotBefore="%s" NotOnOrAfter="%s"><saml:AudienceRestrictionCondition><saml:Audience>%s</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions>%s</saml:Assertion>`,
		xmlsec.NSSAML, id, esc(g.o.Issuer), stamp, stamp, expires.Format(samlTime), esc(gr.target.ApplicationUri), strings.Join(statements, "")), nil
}
