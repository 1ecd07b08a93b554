package federation

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
)

const (
	nsStatement      = "urn:availd:federation:statement:1"
	statementMinutes = 5
)

// MaxStatement is the size of the largest statement that is read, in bytes.
const MaxStatement = 128 << 10

// StatementKind says what a statement is about.
type StatementKind string

// The kinds.
const (
	StatementPartners           StatementKind = "PartnerList"        // the partners whose users may have tokens for the organization
	StatementRegistration       StatementKind = "Registration"       // an organization asks to be registered
	StatementNextCertificate    StatementKind = "NextCertificate"    // the next organization certificate
	StatementPublishCertificate StatementKind = "PublishCertificate" // the next organization certificate becomes the current one
	StatementAddDomain          StatementKind = "AddDomain"          // the proof of a domain is in DNS
	StatementRemoveDomain       StatementKind = "RemoveDomain"       // a domain is released
)

// StatementValue is one named value of a statement.
type StatementValue struct{ Name, Text string }

// Statement is what an organization tells its gateway beside token requests: an XML document with an enveloped
// signature by the organization certificate. It is our own protocol (docs/gateway.md); Exchange has no public one.
type Statement struct {
	Kind           StatementKind
	ApplicationUri string // who speaks
	Audience       string // the TokenIssuerUri of the gateway that is spoken to
	ID             string // unique: the gateway takes each once
	Created        time.Time
	Expires        time.Time
	Values         []StatementValue
}

// All returns the texts of the values called name, in their order.
func (s *Statement) All(name string) []string {
	var out []string
	for _, v := range s.Values {
		if v.Name == name {
			out = append(out, v.Text)
		}
	}
	return out
}

// First returns the text of the first value called name, "" without one.
func (s *Statement) First(name string) string {
	for _, v := range s.Values {
		if v.Name == name {
			return v.Text
		}
	}
	return ""
}

// MarshalStatement writes s, created at now and signed by signer.
func MarshalStatement(s Statement, signer xmlsec.Signer, now time.Time) ([]byte, error) {
	esc := func(s string) string { return string(xmlsec.AppendAttr(nil, s)) }
	now = now.UTC()
	b := fmt.Appendf(nil, `<st:Statement xmlns:st="%s" xmlns:wsu="%s" wsu:Id="st" Kind="%s" ApplicationUri="%s" Audience="%s" ID="%s" Created="%s" Expires="%s">`,
		nsStatement, xmlsec.NSWSU, esc(string(s.Kind)), esc(s.ApplicationUri), esc(s.Audience), NewURN(), now.Format(samlTime), now.Add(statementMinutes*time.Minute).Format(samlTime))
	for _, v := range s.Values {
		b = fmt.Appendf(b, `<st:Value Name="%s">%s</st:Value>`, esc(v.Name), xmlsec.AppendText(nil, v.Text))
	}
	return xmlsec.SignEnveloped(append(b, "</st:Statement>"...), "wsu:Id", signer)
}

// UnverifiedStatement is a statement as it came: it names who claims to speak, so that their certificates can be
// found, and gives nothing else away before Verify.
type UnverifiedStatement struct {
	root xmlsec.Element
	// Kind, ApplicationUri and Certificate are claims of the sender's.
	Kind           StatementKind
	ApplicationUri string
	Certificate    *x509.Certificate // nil without a value of this name
}

// ReadStatement scans raw under the limits of a statement.
func ReadStatement(raw []byte) (*UnverifiedStatement, error) {
	limits := xmlsec.DocumentLimits()
	limits.Bytes = MaxStatement
	doc, err := xmlsec.Scan(raw, limits)
	if err != nil {
		return nil, err
	}
	s, err := readStatement(doc.Root())
	if err != nil {
		return nil, err
	}
	u := &UnverifiedStatement{root: doc.Root(), Kind: s.Kind, ApplicationUri: s.ApplicationUri}
	if text := s.First("Certificate"); text != "" {
		if u.Certificate, err = ParseCertificate([]byte(text)); err != nil {
			return nil, fmt.Errorf("Certificate: %w", err) //nolint:staticcheck // names the value
		}
	}
	return u, nil
}

// Verify checks the signature (rsa-sha256) by one of certs, that the statement is for audience and that it holds at now.
func (u *UnverifiedStatement) Verify(certs []*x509.Certificate, audience string, now time.Time) (*Statement, error) {
	v, _, err := xmlsec.VerifyEnveloped(u.root, "wsu:Id", certs, xmlsec.VerifyPolicy{Now: now})
	if err != nil {
		return nil, err
	}
	s, err := readStatement(v.Root())
	switch {
	case err != nil:
		return nil, err
	case s.Audience != audience:
		return nil, fmt.Errorf("the statement is for %q", s.Audience)
	case s.Created.After(now.Add(wssecurity.Skew)) || !now.Before(s.Expires.Add(wssecurity.Skew)):
		return nil, fmt.Errorf("the statement holds from %s until %s", s.Created.Format(time.RFC3339), s.Expires.Format(time.RFC3339))
	case s.Expires.Sub(s.Created) <= 0 || s.Expires.Sub(s.Created) > wssecurity.MaxSpan:
		return nil, fmt.Errorf("the statement spans %s", s.Expires.Sub(s.Created))
	case s.ID == "" || len(s.ID) > 256:
		return nil, errors.New("the statement has no ID")
	}
	return s, nil
}

func readStatement(root xmlsec.Element) (*Statement, error) {
	if !root.Is(nsStatement, "Statement") {
		return nil, fmt.Errorf("%s is no statement", root.Local())
	}
	attr := func(name string) string { s, _ := root.Attr(name); return s }
	s := &Statement{Kind: StatementKind(attr("Kind")), ApplicationUri: attr("ApplicationUri"), Audience: attr("Audience"), ID: attr("ID")}
	var err error
	if s.Created, err = wssecurity.ParseUTC(attr("Created")); err != nil {
		return nil, err
	}
	if s.Expires, err = wssecurity.ParseUTC(attr("Expires")); err != nil {
		return nil, err
	}
	for e := range root.Children() {
		if !e.Is(nsStatement, "Value") {
			continue
		}
		text, err := e.Text()
		if err != nil {
			return nil, err
		}
		name, _ := e.Attr("Name")
		s.Values = append(s.Values, StatementValue{name, text})
	}
	return s, nil
}
