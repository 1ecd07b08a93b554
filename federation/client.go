package federation

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
)

// Names of WS-Trust February 2005.
const (
	ActionIssue         = "http://schemas.xmlsoap.org/ws/2005/02/trust/RST/Issue"
	ActionIssueResponse = "http://schemas.xmlsoap.org/ws/2005/02/trust/RSTR/Issue"
)

// DelegationToken is a token as the gateway sent it, with its proof key. It prints without either.
type DelegationToken struct {
	encrypted   []byte // EncryptedData, byte for byte
	proofKey    []byte
	assertionID string
	algorithm   xmlsec.SignatureAlgorithm
	obtained    time.Time
	Expires     time.Time
}

// String names the token without showing it.
func (t *DelegationToken) String() string {
	return "delegation token until " + t.Expires.Format(time.RFC3339)
}

// GoString keeps %#v from showing token and key.
func (t *DelegationToken) GoString() string { return t.String() }

// LogValue keeps logs from showing token and key.
func (t *DelegationToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Headers returns the header blocks of a message with this token to a URL.
func (t *DelegationToken) Headers(to, action string, now time.Time) ([]byte, error) {
	return wssecurity.ProofHeaders(wssecurity.ProofParams{To: to, Action: action, MessageID: NewURN(), Token: t.encrypted,
		ProofKey: t.proofKey, AssertionID: t.assertionID, Algorithm: t.algorithm, Now: now})
}

// NewURN makes a random urn:uuid.
func NewURN() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Client obtains tokens from the gateway and caches them per user, target and action.
type Client struct {
	Trusts Trusts
	HTTP   func(t *Trust) (*http.Client, error) // the client for the gateway of a trust
	Now    func() time.Time

	mu     sync.Mutex
	tokens map[tokenKey]*DelegationToken
	flight singleflight.Group
}

type tokenKey struct{ user, issuer, target, action, signer string }

// DelegationToken returns a cached or fresh token. A failure to reach the gateway reads "Failed to communicate with
// URL., inner exception: …"; a refusal is or wraps a *soap.Fault.
func (c *Client) DelegationToken(ctx context.Context, r TokenRequest) (*DelegationToken, error) {
	start := time.Now()
	rec := record.From(ctx)
	trust, err := c.Trusts.FederationTrust(ctx)
	if err == nil && !trust.Configured() {
		err = errors.New(TextNoTrust)
	}
	if err != nil {
		rec.Failed(record.StepTokenRequested, start, err.Error())
		return nil, err
	}
	key := tokenKey{r.User.String(), trust.TokenIssuerUri, NormalizeURI(r.TargetApplicationUri), string(r.Action), Fingerprint(trust.OrgCertificate.Certificate)}
	if t := c.cached(key); t != nil && !r.Fresh {
		rec.Done(record.StepTokenRequested, start, fmt.Sprintf("%s for %s: cached until %s", r.Action, r.TargetApplicationUri, t.Expires.UTC().Format(time.TimeOnly)))
		return t, nil
	}
	t, err := c.obtain(ctx, key, trust, r)
	if err != nil {
		rec.Failed(record.StepTokenRequested, start, err.Error())
		return nil, err
	}
	rec.Done(record.StepTokenRequested, start, fmt.Sprintf("%s for %s asked at %s on behalf of %s", r.Action, r.TargetApplicationUri, trust.TokenIssuerEpr, r.User.Domain()))
	return t, nil
}

// obtain asks the gateway, once for all who want the same token at the same time. None of them can end the request of the
// others by going away, and none waits longer than its own ctx.
func (c *Client) obtain(ctx context.Context, key tokenKey, trust *Trust, r TokenRequest) (*DelegationToken, error) {
	answer := c.flight.DoChan(fmt.Sprint(key), func() (v any, err error) {
		defer func() {
			if p := recover(); p != nil { // on a goroutine of its own it would end the process
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		t, err := c.fetch(context.WithoutCancel(ctx), trust, r)
		if err == nil {
			c.keep(key, t)
		}
		return t, err
	})
	select {
	case a := <-answer:
		if a.Err != nil {
			return nil, a.Err
		}
		return a.Val.(*DelegationToken), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *Client) cached(key tokenKey) *DelegationToken {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tokens[key]
	if t == nil || !c.Now().Before(t.Expires.Add(-5*time.Minute)) {
		return nil
	}
	return t
}

func (c *Client) keep(key tokenKey, t *DelegationToken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens == nil {
		c.tokens = map[tokenKey]*DelegationToken{}
	}
	now := c.Now()
	for k, old := range c.tokens {
		if !now.Before(old.Expires) || len(c.tokens) >= cacheSize {
			delete(c.tokens, k)
		}
	}
	c.tokens[key] = t
}

// label is the key as administrators see it: for whom, for what, at whose application.
func (k tokenKey) label() string { return k.user + " " + k.action + " " + k.target }

// List implements cache.Listable.
func (c *Client) List() []cache.Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]cache.Entry, 0, len(c.tokens))
	now := c.Now()
	for k, t := range c.tokens {
		out = append(out, cache.Entry{Key: k.label(), Age: now.Sub(t.obtained), Expires: t.Expires})
	}
	slices.SortFunc(out, func(a, b cache.Entry) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Flush implements cache.Listable.
func (c *Client) Flush(match func(key string) bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.tokens)
	maps.DeleteFunc(c.tokens, func(k tokenKey, _ *DelegationToken) bool { return match == nil || match(k.label()) })
	return before - len(c.tokens)
}

func (c *Client) fetch(ctx context.Context, trust *Trust, r TokenRequest) (*DelegationToken, error) {
	body, err := c.requestSecurityToken(trust, r)
	if err != nil {
		return nil, err
	}
	client, err := c.HTTP(trust)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	env, err := soap.Post(ctx, client, soap.Request{URL: trust.TokenIssuerEpr, Version: soap.V12, Action: ActionIssue, Body: body,
		UserAgent: "availd", Header: http.Header{"Client-Request-Id": {record.From(ctx).CorrelationID()}}, MaxResponse: 256 << 10})
	if err != nil {
		return nil, fmt.Errorf("Failed to communicate with %s., inner exception: %w", trust.TokenIssuerEpr, err) //nolint:staticcheck // the text administrators know
	}
	t, err := parseResponse(env)
	if err != nil {
		return nil, fmt.Errorf("the answer of %s: %w", trust.TokenIssuerEpr, err)
	}
	t.Expires = earlier(t.Expires, c.Now().Add(maxLifetime)) // whatever a gateway says
	t.algorithm, t.obtained = xmlsec.HMACSHA256, c.Now()
	if trust.Profile == ProfileExchange {
		t.algorithm = xmlsec.HMACSHA1
	}
	return t, nil
}

// requestSecurityToken writes the RST as [MS-OXWSLVID] and the published capture have it.
func (c *Client) requestSecurityToken(trust *Trust, r TokenRequest) ([]byte, error) {
	now := c.Now().UTC()
	signer := xmlsec.Signer{Key: trust.OrgCertificate.Key, Certificate: trust.OrgCertificate.Certificate, Algorithm: xmlsec.RSASHA256}
	signWith := "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
	if trust.Profile == ProfileExchange {
		signer.Algorithm, signWith = xmlsec.RSASHA1, xmlsec.NSDS+"hmac-sha1"
	}
	behalf, err := onBehalfOf(trust, r, signer, now)
	if err != nil {
		return nil, err
	}
	headers, err := wssecurity.X509Headers(trust.TokenIssuerEpr, ActionIssue, NewURN(), signer, now)
	if err != nil {
		return nil, err
	}
	esc := func(s string) string { return string(xmlsec.AppendText(nil, s)) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<t:RequestSecurityToken xmlns:t="%s" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" xmlns:auth="http://schemas.xmlsoap.org/ws/2006/12/authorization" Id="uuid-%s">`,
		xmlsec.NSWST, strings.TrimPrefix(NewURN(), "urn:uuid:"))
	fmt.Fprintf(&b, `<t:RequestType>%s/Issue</t:RequestType><t:TokenType>http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV1.1</t:TokenType>`, xmlsec.NSWST)
	fmt.Fprintf(&b, `<t:KeyType>%s/SymmetricKey</t:KeyType><t:KeySize>256</t:KeySize><t:CanonicalizationAlgorithm>http://www.w3.org/2001/10/xml-exc-c14n#</t:CanonicalizationAlgorithm>`, xmlsec.NSWST)
	fmt.Fprintf(&b, `<t:EncryptionAlgorithm>%saes256-cbc</t:EncryptionAlgorithm><t:EncryptWith>%saes256-cbc</t:EncryptWith><t:SignWith>%s</t:SignWith><t:ComputedKeyAlgorithm>%s/CK/PSHA1</t:ComputedKeyAlgorithm>`,
		xmlsec.NSXENC, xmlsec.NSXENC, signWith, xmlsec.NSWST)
	fmt.Fprintf(&b, `<wsp:AppliesTo><a:EndpointReference xmlns:a="%s"><a:Address>http://%s</a:Address></a:EndpointReference></wsp:AppliesTo>`, soap.NSWSA, esc(r.TargetApplicationUri))
	fmt.Fprintf(&b, `<t:OnBehalfOf>%s</t:OnBehalfOf>`, behalf)
	fmt.Fprintf(&b, `<auth:AdditionalContext><auth:ContextItem Scope="http://schemas.xmlsoap.org/ws/2006/12/authorization/ctx/requestor" Name="http://schemas.microsoft.com/wlid/requestor"><auth:Value>%s</auth:Value></auth:ContextItem></auth:AdditionalContext>`,
		esc(trust.ApplicationUri))
	fmt.Fprintf(&b, `<t:Claims Dialect="http://schemas.xmlsoap.org/ws/2006/12/authorization/authclaims"><auth:ClaimType Uri="%s/action"><auth:Value>%s</auth:Value></auth:ClaimType></t:Claims>`,
		nsAuthClaims, esc(string(r.Action)))
	fmt.Fprintf(&b, `<wsp:PolicyReference URI="EX_MBI_FED_SSL"></wsp:PolicyReference></t:RequestSecurityToken>`)
	return soap.Append(nil, soap.V12, "", headers, b.Bytes()), nil
}

const samlTime = "2006-01-02T15:04:05.000Z"

// onBehalfOf is the assertion by which the organization names its user, signed by the organization.
func onBehalfOf(trust *Trust, r TokenRequest, signer xmlsec.Signer, now time.Time) ([]byte, error) {
	esc := func(s string) string { return string(xmlsec.AppendAttr(nil, s)) }
	id := "saml-" + strings.TrimPrefix(NewURN(), "urn:uuid:")
	subject := fmt.Sprintf(`<saml:Subject><saml:NameIdentifier Format="http://schemas.xmlsoap.org/claims/UPN">%s@%s</saml:NameIdentifier><saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:sender-vouches</saml:ConfirmationMethod></saml:SubjectConfirmation></saml:Subject>`,
		esc(r.User.Local()), esc(trust.ApplicationUri))
	stamp := now.Format(samlTime)
	doc := fmt.Sprintf(`<saml:Assertion xmlns:saml="%s" MajorVersion="1" MinorVersion="1" AssertionID="%s" Issuer="%s" IssueInstant="%s">`+
		`<saml:Conditions NotBefore="%s" NotOnOrAfter="%s"><saml:AudienceRestrictionCondition><saml:Audience>%s</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions>`+
		`<saml:AttributeStatement>%s<saml:Attribute AttributeName="EmailAddress" AttributeNamespace="%s"><saml:AttributeValue>%s</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`+
		`<saml:AuthenticationStatement AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:password" AuthenticationInstant="%s">%s</saml:AuthenticationStatement></saml:Assertion>`,
		xmlsec.NSSAML, id, esc(trust.ApplicationUri), stamp, stamp, now.Add(5*time.Minute).Format(samlTime), esc(trust.TokenIssuerUri),
		subject, nsClaims, esc(r.User.String()), stamp, subject)
	return xmlsec.SignEnveloped([]byte(doc), "AssertionID", signer)
}

// parseResponse reads the RSTR. The EncryptedData stays byte for byte as it came.
func parseResponse(env *soap.Envelope) (*DelegationToken, error) {
	rstr := env.Payload
	if rstr.Is(xmlsec.NSWST, "RequestSecurityTokenResponseCollection") {
		var err error
		if rstr, err = rstr.Only(xmlsec.NSWST, "RequestSecurityTokenResponse"); err != nil {
			return nil, err
		}
	}
	if !rstr.Is(xmlsec.NSWST, "RequestSecurityTokenResponse") {
		return nil, errors.New("it is no RequestSecurityTokenResponse")
	}
	data, err := rstr.Child(xmlsec.NSWST, "RequestedSecurityToken").Only(xmlsec.NSXENC, "EncryptedData")
	if err != nil {
		return nil, err
	}
	t := &DelegationToken{encrypted: selfContained(data)}
	expires := rstr.Child(xmlsec.NSWST, "Lifetime").Child(xmlsec.NSWSU, "Expires")
	if t.Expires, err = wssecurity.ParseTime(expires); err != nil {
		return nil, fmt.Errorf("Lifetime: %w", err) //nolint:staticcheck // names the element
	}
	ref := rstr.Child(xmlsec.NSWST, "RequestedAttachedReference").Child(xmlsec.NSWSSE, "SecurityTokenReference").Child(xmlsec.NSWSSE, "KeyIdentifier")
	if t.assertionID, err = ref.Text(); err != nil || t.assertionID == "" {
		return nil, errors.New("RequestedAttachedReference names no assertion")
	}
	secret, err := rstr.Child(xmlsec.NSWST, "RequestedProofToken").Child(xmlsec.NSWST, "BinarySecret").Text()
	if err != nil {
		return nil, err
	}
	if t.proofKey, err = decodeBase64(secret); err != nil || len(t.proofKey) < 16 || len(t.proofKey) > 64 {
		return nil, errors.New("the proof key is missing or malformed")
	}
	return t, nil
}

// selfContained returns the element's bytes; when it uses prefixes that are declared outside, its canonical form.
func selfContained(e xmlsec.Element) []byte {
	raw := bytes.Clone(e.Outer())
	if doc, err := xmlsec.Scan(raw, xmlsec.DocumentLimits()); err == nil && doc.Root().Is(e.Space(), e.Local()) {
		return raw
	}
	canonical, err := xmlsec.Canonicalize(e)
	if err != nil {
		return raw
	}
	return canonical
}

func decodeBase64(s string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
}
