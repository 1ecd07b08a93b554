package federation

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Names of the claims that a delegation token carries (SAML 1.1; [MS-MWBF] 2.2.4).
const (
	nsClaims     = "http://schemas.xmlsoap.org/claims"
	nsAuthClaims = "http://schemas.xmlsoap.org/ws/2006/12/authorization/claims"
	confirmHoK   = "urn:oasis:names:tc:SAML:1.0:cm:holder-of-key"
	maxLifetime  = 24 * time.Hour
)

// claims are what a verified assertion says. They are read from [xmlsec.Verified] and from nothing else.
type claims struct {
	assertionID string
	issuer      string
	email       smtpaddr.Address
	actions     []orgrel.Action
	notBefore   time.Time
	expires     time.Time
	doNotCache  bool
	proofKey    []byte // nil for a bearer token
	// Thumbprints of the certificates whose keys signed and opened the token: they tell when a rollover is over.
	issuerKey, organizationKey string
	nobody                     string // why the token's address can be no partner's; then it may see nothing
}

func refuse(format string, args ...any) error {
	return fault.Because(fault.FailedAuthentication, fmt.Errorf(format, args...))
}

func saml(e xmlsec.Element, local string) xmlsec.Element { return e.Child(xmlsec.NSSAML, local) }

// readClaims decodes the assertion. Shape errors are InvalidSecurityToken, refused content FailedAuthentication.
func readClaims(v xmlsec.Verified, t *Trust, keys xmlsec.KeyRing, now time.Time) (*claims, error) {
	a := v.Root()
	major, _ := a.Attr("MajorVersion")
	minor, _ := a.Attr("MinorVersion")
	var c claims
	id, _ := a.Attr("AssertionID")
	issuer, _ := a.Attr("Issuer")
	c.assertionID, c.issuer = strings.Clone(id), strings.Clone(issuer) // a cached token must not hold its document
	if !a.Is(xmlsec.NSSAML, "Assertion") || major != "1" || minor != "1" || c.assertionID == "" {
		return nil, fault.Because(fault.InvalidSecurityToken, errors.New("the token is no SAML 1.1 assertion"))
	}
	if c.issuer != t.TokenIssuerUri {
		return nil, refuse("the issuer is %q and not %q", c.issuer, t.TokenIssuerUri)
	}
	instant, _ := a.Attr("IssueInstant")
	if issued, err := wssecurity.ParseUTC(instant); err != nil || issued.After(now.Add(wssecurity.Skew)) {
		return nil, refuse("the token was issued at %.40q", instant)
	}
	if err := c.readConditions(a, t, now); err != nil {
		return nil, err
	}
	if err := c.readSubject(a, keys); err != nil {
		return nil, err
	}
	return &c, c.readAttributes(a)
}

func (c *claims) readConditions(a xmlsec.Element, t *Trust, now time.Time) (err error) {
	cond, err := a.Only(xmlsec.NSSAML, "Conditions")
	if err != nil {
		return refuse("%w", err)
	}
	nb, _ := cond.Attr("NotBefore")
	na, _ := cond.Attr("NotOnOrAfter")
	if c.notBefore, err = wssecurity.ParseUTC(nb); err != nil {
		return refuse("NotBefore: %w", err)
	}
	if c.expires, err = wssecurity.ParseUTC(na); err != nil {
		return refuse("NotOnOrAfter: %w", err)
	}
	switch life := c.expires.Sub(c.notBefore); {
	case now.Before(c.notBefore.Add(-wssecurity.Skew)):
		return refuse("the token is valid only from %s", nb)
	case !now.Before(c.expires.Add(wssecurity.Skew)):
		return refuse("the token expired at %s", na)
	case life <= 0 || life > maxLifetime+wssecurity.Skew:
		return refuse("the token's lifetime is %s", life)
	}
	audiences := 0
	for e := range cond.Children() {
		switch {
		case e.Is(xmlsec.NSSAML, "AudienceRestrictionCondition"):
			audiences++
			if err := checkAudience(e, t.ApplicationUri); err != nil {
				return err
			}
		case e.Is(xmlsec.NSSAML, "DoNotCacheCondition"):
			c.doNotCache = true
		default:
			return refuse("the condition %s is not known", e.Local())
		}
	}
	if audiences != 1 {
		return refuse("the token has %d audience restrictions", audiences)
	}
	return nil
}

func checkAudience(e xmlsec.Element, own string) error {
	var seen []string
	for a := range e.Children() {
		s, err := a.Text()
		if err != nil || !a.Is(xmlsec.NSSAML, "Audience") {
			return refuse("the audience restriction holds %s", a.Local())
		}
		if s != "" && NormalizeURI(s) == NormalizeURI(own) {
			return nil
		}
		seen = append(seen, s)
	}
	return refuse("the audience is %q and not %q", seen, own)
}

// readSubject takes the proof key; every Subject that has one must have the same.
func (c *claims) readSubject(a xmlsec.Element, keys xmlsec.KeyRing) error {
	statements := 0
	var last []byte // KeyInfo of the Subject before: the same bytes are the same key, without another RSA operation
	for st := range a.Children() {
		switch {
		case st.Is(xmlsec.NSSAML, "Conditions"), st.Is(xmlsec.NSSAML, "Advice"):
			continue
		case st.Is(xmlsec.NSSAML, "AttributeStatement"), st.Is(xmlsec.NSSAML, "AuthenticationStatement"), st.Is(xmlsec.NSSAML, "AuthorizationDecisionStatement"):
		default:
			return refuse("the assertion holds %s", st.Local())
		}
		statements++
		subject, err := st.Only(xmlsec.NSSAML, "Subject")
		if err != nil {
			return refuse("%w", err)
		}
		conf := saml(subject, "SubjectConfirmation")
		method, err := saml(conf, "ConfirmationMethod").Text()
		if err != nil || strings.TrimSpace(method) != confirmHoK {
			continue // such a token can pass only where the trust allows bearers
		}
		keyInfo := conf.Child(xmlsec.NSDS, "KeyInfo")
		if last != nil && bytes.Equal(last, keyInfo.Outer()) {
			continue
		}
		last = keyInfo.Outer()
		key, err := readProofKey(keyInfo, keys)
		if err != nil {
			return err
		}
		if c.proofKey != nil && !bytes.Equal(c.proofKey, key) {
			return refuse("the subjects have different proof keys")
		}
		c.proofKey = key
	}
	if statements == 0 {
		return refuse("the assertion says nothing")
	}
	return nil
}

func readProofKey(keyInfo xmlsec.Element, keys xmlsec.KeyRing) (key []byte, err error) {
	if e := keyInfo.Child(xmlsec.NSXENC, "EncryptedKey"); !e.IsZero() {
		if key, err = xmlsec.DecryptKey(e, keys); err != nil {
			return nil, fault.Because(fault.InvalidSecurityToken, fmt.Errorf("proof key: %w", err))
		}
	} else {
		text, err := keyInfo.Child(xmlsec.NSWST, "BinarySecret").Text()
		if err != nil {
			return nil, refuse("proof key: %w", err)
		}
		if key, err = decodeBase64(text); err != nil {
			return nil, refuse("proof key: %w", err)
		}
	}
	if len(key) < 16 || len(key) > 64 {
		return nil, refuse("the proof key has %d bytes", len(key))
	}
	return key, nil
}

// readAttributes takes the one e-mail address and the actions: attributes, permitted AuthorizationDecisions, or both,
// and then what is in both.
func (c *claims) readAttributes(a xmlsec.Element) error {
	var emails []string
	var attributes, decisions []orgrel.Action
	for st := range a.Children() {
		if st.Is(xmlsec.NSSAML, "AuthorizationDecisionStatement") {
			if d, _ := st.Attr("Decision"); d != "Permit" {
				continue
			}
			for e := range st.Children() {
				if s, err := e.Text(); err == nil && e.Is(xmlsec.NSSAML, "Action") {
					decisions = append(decisions, orgrel.Action(strings.Clone(strings.TrimSpace(s))))
				}
			}
			continue
		}
		for e := range st.Children() {
			if !st.Is(xmlsec.NSSAML, "AttributeStatement") || !e.Is(xmlsec.NSSAML, "Attribute") {
				continue // Advice is anybody's
			}
			name, _ := e.Attr("AttributeName")
			space, _ := e.Attr("AttributeNamespace")
			for value := range e.Children() {
				s, err := value.Text()
				if err != nil {
					return refuse("attribute %s: %w", name, err)
				}
				s = strings.Clone(s)
				switch {
				case name == "EmailAddress" && space == nsClaims:
					emails = append(emails, s)
				case name == "action" && space == nsAuthClaims:
					attributes = append(attributes, orgrel.Action(s))
				}
			}
		}
	}
	if len(emails) != 1 {
		c.nobody = fmt.Sprintf("the token has %d e-mail addresses", len(emails))
		return nil
	}
	email, err := smtpaddr.ParseAddress(emails[0])
	if err != nil {
		c.nobody = err.Error()
		return nil //nolint:nilerr // answered like a partner without a relationship
	}
	c.email = email
	switch {
	case attributes == nil:
		c.actions = decisions
	case decisions == nil:
		c.actions = attributes
	default:
		for _, x := range attributes {
			if slices.Contains(decisions, x) {
				c.actions = append(c.actions, x)
			}
		}
	}
	return nil
}
