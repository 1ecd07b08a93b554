// Package gateway is the issuing side of the federation: the trust broker and its security token service (WS-Trust
// February 2005). It is never linked into the service that verifies tokens.
package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Organization is one registered organization.
type Organization struct {
	Name             string
	ApplicationUri   string
	AccountNamespace smtpaddr.Domain
	Domains          []smtpaddr.Domain // proven or approved; each belongs to one organization only
	Certificate      *x509.Certificate // current: tokens are encrypted to it
	Previous         *x509.Certificate // still signs requests; may be nil
}

// Registry knows the organizations and remembers what was asked.
type Registry interface {
	Organizations(ctx context.Context) ([]*Organization, error)
	// Claim tells whether the id of a request or assertion is new; it is kept until expires.
	Claim(ctx context.Context, id string, expires time.Time) (bool, error)
	// Issued writes one line of the audit.
	Issued(ctx context.Context, i Issued) error
}

// Issued is one issued token, for the audit.
type Issued struct {
	When                                          time.Time
	Organization, User, Target, Action, Assertion string
}

// Options of a gateway.
type Options struct {
	Issuer      string // TokenIssuerUri
	PublicURL   string // https://host[:port], without a path
	Signing     *federation.KeyPair
	Previous    *federation.KeyPair // may be nil
	Profile     federation.Profile
	TokenCipher xmlsec.BlockAlgorithm
	Lifetime    time.Duration // of tokens; at most 24 h
	Registry    Registry
	Now         func() time.Time
	IssueAt     time.Duration // added to the clock when tokens are written: for tests of expired tokens
	Log         *slog.Logger
}

// Paths of a gateway.
const (
	PathSTS      = "/extSTS.srf"
	PathMetadata = "/FederationMetadata/2006-12/FederationMetadata.xml"
)

const maxRequest = 256 << 10

// Gateway issues delegation tokens.
type Gateway struct {
	o        Options
	metadata []byte
}

// New checks the options and prepares the metadata document.
func New(o Options) (*Gateway, error) {
	if o.Lifetime <= 0 || o.Lifetime > 24*time.Hour {
		return nil, fmt.Errorf("token lifetime %s is not between 0 and 24h", o.Lifetime)
	}
	if o.Issuer == "" {
		return nil, errors.New("the issuer name is empty")
	}
	m := &federation.Metadata{TokenIssuerUri: o.Issuer, TokenIssuerEpr: o.PublicURL + PathSTS, WebRequestorRedirectEpr: o.PublicURL + "/login.srf",
		Certificates: []*x509.Certificate{o.Signing.Certificate}}
	if o.Previous != nil {
		m.Certificates = append(m.Certificates, o.Previous.Certificate)
	}
	g := &Gateway{o: o}
	var err error
	g.metadata, err = federation.MarshalMetadata(m, g.signer())
	return g, err
}

func (g *Gateway) signer() xmlsec.Signer {
	s := xmlsec.Signer{Key: g.o.Signing.Key, Certificate: g.o.Signing.Certificate, Algorithm: xmlsec.RSASHA256}
	if g.o.Profile == federation.ProfileExchange {
		s.Algorithm = xmlsec.RSASHA1
	}
	return s
}

// Handler serves the STS, the metadata and a status page.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+PathSTS, g.serveSTS)
	mux.HandleFunc("GET "+PathMetadata, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		_, _ = w.Write(g.metadata)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{\"TokenIssuerUri\":%q,\"TokenIssuerEpr\":%q,\"Metadata\":%q}\n", g.o.Issuer, g.o.PublicURL+PathSTS, g.o.PublicURL+PathMetadata)
	})
	return mux
}

func (g *Gateway) serveSTS(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	var id [8]byte
	_, _ = rand.Read(id[:])
	rec := record.New(hex.EncodeToString(id[:]), start)
	if c := r.Header.Get("client-request-id"); len(c) <= 64 {
		rec.ClientRequestID = c
	}
	ctx := record.With(r.Context(), rec)
	code := "ok"
	answer, err := g.issue(ctx, w, r)
	if err != nil {
		f := fault.As(err)
		code = f.Kind.Row().Name
		rec.Set(slog.String("cause", f.Error()))
		soap.WriteFault(w, soap.StyleSTS, f, nil)
	} else {
		soap.Write(w, soap.V12, http.StatusOK, answer)
	}
	rec.Set(slog.String("operation", "RequestSecurityToken"), slog.String("code", code))
	g.o.Log.LogAttrs(ctx, slog.LevelInfo, "request", rec.LogAttrs()...)
}

func (g *Gateway) issue(ctx context.Context, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	start := time.Now()
	rec := record.From(ctx)
	env, err := soap.ReadRequest(w, r, soap.V12, maxRequest, nil)
	var grant *grant
	if err == nil {
		grant, err = g.check(ctx, env)
	}
	if err != nil {
		rec.Failed(record.StepOrganizationTrusted, start, fault.As(err).Error())
		return nil, err
	}
	rec.Done(record.StepOrganizationTrusted, start, fmt.Sprintf("%s signed with its registered certificate, %s is its domain, %s is registered",
		grant.from.ApplicationUri, grant.user.Domain(), grant.target.ApplicationUri))
	start = time.Now()
	answer, assertionID, err := g.response(grant)
	if err == nil {
		err = g.o.Registry.Issued(ctx, Issued{g.o.Now(), grant.from.Name, grant.user.String(), grant.target.ApplicationUri, string(grant.action), assertionID})
	}
	if err != nil {
		rec.Failed(record.StepTokenIssued, start, err.Error())
		return nil, fault.Because(fault.Internal, err)
	}
	rec.Set(slog.String("org", grant.from.Name), slog.String("target", grant.target.Name), slog.String("action", string(grant.action)))
	rec.Done(record.StepTokenIssued, start, fmt.Sprintf("%s for %s, lifetime %s, signed %s, encrypted %s to key %x",
		grant.action, grant.target.ApplicationUri, g.o.Lifetime, g.o.Profile, cipherName(g.o.TokenCipher), grant.target.Certificate.SubjectKeyId))
	return answer, nil
}

func cipherName(a xmlsec.BlockAlgorithm) string {
	return map[xmlsec.BlockAlgorithm]string{xmlsec.AES256CBC: "aes256-cbc", xmlsec.AES128CBC: "aes128-cbc", xmlsec.TripleDESCBC: "tripledes-cbc"}[a]
}

// grant is what a checked request may have.
type grant struct {
	from, target *Organization
	user         smtpaddr.Address
	action       orgrel.Action
	appliesTo    string
}

func newID(prefix string) string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return prefix + hex.EncodeToString(b[:])
}

const samlTime = "2006-01-02T15:04:05.000Z"

// response writes the token and the RSTR around it.
func (g *Gateway) response(gr *grant) (answer []byte, assertionID string, err error) {
	now := g.o.Now().Add(g.o.IssueAt).UTC()
	expires := now.Add(g.o.Lifetime)
	proof := make([]byte, 32)
	_, _ = rand.Read(proof)
	assertionID = newID("uuid-")
	clear, err := g.assertion(gr, assertionID, proof, now, expires)
	if err != nil {
		return nil, "", err
	}
	signed, err := xmlsec.SignEnveloped(clear, "AssertionID", g.signer())
	if err != nil {
		return nil, "", err
	}
	encrypted, err := xmlsec.Encrypt(signed, gr.target.Certificate, g.o.TokenCipher, "Assertion0")
	if err != nil {
		return nil, "", err
	}
	const layout = "2006-01-02T15:04:05Z"
	real := g.o.Now().UTC()
	head := fmt.Appendf(nil, `<wsa:Action xmlns:wsa="%s" s:mustUnderstand="1">%s</wsa:Action><wsa:To xmlns:wsa="%s" s:mustUnderstand="1">%s/anonymous</wsa:To>`,
		soap.NSWSA, federation.ActionIssueResponse, soap.NSWSA, soap.NSWSA)
	head = fmt.Appendf(head, `<wsse:Security xmlns:wsse="%s" s:mustUnderstand="1"><wsu:Timestamp xmlns:wsu="%s" wsu:Id="TS"><wsu:Created>%s</wsu:Created><wsu:Expires>%s</wsu:Expires></wsu:Timestamp></wsse:Security>`,
		xmlsec.NSWSSE, xmlsec.NSWSU, real.Format(layout), real.Add(5*time.Minute).Format(layout))
	lifeEnd := expires
	if g.o.IssueAt != 0 {
		lifeEnd = real.Add(g.o.Lifetime) // the requester believes in a token that the target must refuse
	}
	body := fmt.Appendf(nil, `<wst:RequestSecurityTokenResponse xmlns:wst="%s" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" xmlns:wsa="%s" xmlns:wsu="%s" xmlns:wsse="%s"><wst:TokenType>urn:oasis:names:tc:SAML:1.0</wst:TokenType>`,
		xmlsec.NSWST, soap.NSWSA, xmlsec.NSWSU, xmlsec.NSWSSE)
	body = append(body, "<wsp:AppliesTo><wsa:EndpointReference><wsa:Address>"...)
	body = append(xmlsec.AppendText(body, gr.appliesTo), "</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>"...)
	body = fmt.Appendf(body, "<wst:Lifetime><wsu:Created>%s</wsu:Created><wsu:Expires>%s</wsu:Expires></wst:Lifetime><wst:RequestedSecurityToken>",
		now.Format(layout), lifeEnd.Format(layout))
	body = append(append(body, encrypted...), "</wst:RequestedSecurityToken>"...)
	for _, name := range []string{"RequestedAttachedReference", "RequestedUnattachedReference"} {
		body = fmt.Appendf(body, `<wst:%s><wsse:SecurityTokenReference><wsse:KeyIdentifier ValueType="%s">%s</wsse:KeyIdentifier></wsse:SecurityTokenReference></wst:%s>`,
			name, xmlsec.ValueTypeSAMLID, assertionID, name)
	}
	body = fmt.Appendf(body, "<wst:RequestedProofToken><wst:BinarySecret>%s</wst:BinarySecret></wst:RequestedProofToken></wst:RequestSecurityTokenResponse>",
		base64.StdEncoding.EncodeToString(proof))
	return soap.Append(nil, soap.V12, "", head, body), assertionID, nil
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
	return fmt.Appendf(nil, `<saml:Assertion xmlns:saml="%s" MajorVersion="1" MinorVersion="1" AssertionID="%s" Issuer="%s" IssueInstant="%s">`+
		`<saml:Conditions NotBefore="%s" NotOnOrAfter="%s"><saml:AudienceRestrictionCondition><saml:Audience>%s</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions>`+
		`<saml:AttributeStatement>%s<saml:Attribute AttributeName="EmailAddress" AttributeNamespace="http://schemas.xmlsoap.org/claims"><saml:AttributeValue>%s</saml:AttributeValue></saml:Attribute>`+
		`<saml:Attribute AttributeName="action" AttributeNamespace="http://schemas.xmlsoap.org/ws/2006/12/authorization/claims"><saml:AttributeValue>%s</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`+
		`<saml:AuthenticationStatement AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:password" AuthenticationInstant="%s">%s</saml:AuthenticationStatement></saml:Assertion>`,
		xmlsec.NSSAML, id, esc(g.o.Issuer), stamp, stamp, expires.Format(samlTime), esc(gr.target.ApplicationUri), subject, esc(gr.user.String()), esc(string(gr.action)), stamp, subject), nil
}
