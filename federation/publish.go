package federation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// Names of a gateway's statement end, relative to its TokenIssuerEpr, and of the values that statements carry.
const (
	PathStatements = "statements"

	ValuePartnerUri       = "PartnerApplicationUri"
	ValuePartnerDomain    = "PartnerDomain"
	ValueName             = "Name"
	ValueContact          = "Contact"
	ValueAccountNamespace = "AccountNamespace"
	ValueDomain           = "Domain"
	ValueCertificate      = "Certificate"
)

// TextNoTrust is what administrators know as the answer before trust and account namespace are there.
const TextNoTrust = "No Federation trust is configured for this organization or no domain is federated as the account namespace."

// TextProofFailed is what administrators know as the failure of a domain proof.
const TextProofFailed = "Proof of domain ownership has failed. Make sure that the TXT record for the specified domain is available in DNS."

// PartnerList names those whose users may have tokens for the organization: by ApplicationUri, by domain, or both.
type PartnerList struct {
	ApplicationUris []string
	Domains         []smtpaddr.Domain
}

// Registration is what an organization asks to be registered with at a gateway, beside the ApplicationUri and the
// organization certificate of its trust.
type Registration struct {
	Name             string
	Contact          string
	AccountNamespace smtpaddr.Domain
	Domains          []smtpaddr.Domain
}

// PublishPartners tells the gateway of trust t the whole list of partners; it replaces what was published before. A
// gateway with require-mutual issues no token for the organization to anybody who is not listed. c must not follow
// redirects.
func PublishPartners(ctx context.Context, c *http.Client, t *Trust, l PartnerList, now time.Time) error {
	s := Statement{Kind: StatementPartners}
	for _, uri := range l.ApplicationUris {
		s.Values = append(s.Values, StatementValue{ValuePartnerUri, uri})
	}
	for _, d := range l.Domains {
		s.Values = append(s.Values, StatementValue{ValuePartnerDomain, d.String()})
	}
	return sendStatement(ctx, c, t, s, now)
}

// Register asks the gateway of trust t to register the organization. A gateway that wants domain proof first refuses
// until the TXT records of every domain are there (DomainProof); one that wants an administrator's approval accepts
// and issues no token until she has approved. c must not follow redirects.
func Register(ctx context.Context, c *http.Client, t *Trust, r Registration, now time.Time) error {
	s := Statement{Kind: StatementRegistration, Values: []StatementValue{{ValueName, r.Name}, {ValueContact, r.Contact},
		{ValueAccountNamespace, r.AccountNamespace.String()}}}
	for _, d := range r.Domains {
		s.Values = append(s.Values, StatementValue{ValueDomain, d.String()})
	}
	if t.OrgCertificate != nil {
		s.Values = append(s.Values, StatementValue{ValueCertificate, string(EncodeCertificate(t.OrgCertificate.Certificate))})
	}
	return sendStatement(ctx, c, t, s, now)
}

// SendNextCertificate installs the trust's OrgNextCertificate at its gateway. Nothing is encrypted to it yet.
func SendNextCertificate(ctx context.Context, c *http.Client, t *Trust, now time.Time) error {
	if t == nil || t.OrgNextCertificate == nil {
		return errors.New("there is no next organization certificate")
	}
	return sendStatement(ctx, c, t, Statement{Kind: StatementNextCertificate,
		Values: []StatementValue{{ValueCertificate, string(EncodeCertificate(t.OrgNextCertificate.Certificate))}}}, now)
}

// PublishCertificate makes the next certificate the one to which the gateway encrypts tokens. It may be called before or
// after the trust's own next certificate has become its current one, and again when the answer was lost.
func PublishCertificate(ctx context.Context, c *http.Client, t *Trust, now time.Time) error {
	if !t.Configured() {
		return errors.New(TextNoTrust)
	}
	published := t.OrgCertificate
	if t.OrgNextCertificate != nil {
		published = t.OrgNextCertificate
	}
	return sendStatement(ctx, c, t, Statement{Kind: StatementPublishCertificate,
		Values: []StatementValue{{ValueCertificate, string(EncodeCertificate(published.Certificate))}}}, now)
}

// AddDomain tells the gateway that the TXT record of d (DomainProof) is in DNS; it looks, and from then on the
// organization may speak for the users of d.
func AddDomain(ctx context.Context, c *http.Client, t *Trust, d smtpaddr.Domain, now time.Time) error {
	return sendStatement(ctx, c, t, Statement{Kind: StatementAddDomain, Values: []StatementValue{{ValueDomain, d.String()}}}, now)
}

// RemoveDomain releases d at the gateway.
func RemoveDomain(ctx context.Context, c *http.Client, t *Trust, d smtpaddr.Domain, now time.Time) error {
	return sendStatement(ctx, c, t, Statement{Kind: StatementRemoveDomain, Values: []StatementValue{{ValueDomain, d.String()}}}, now)
}

func sendStatement(ctx context.Context, c *http.Client, t *Trust, s Statement, now time.Time) error {
	if !t.Configured() {
		return errors.New(TextNoTrust)
	}
	end, err := StatementsEpr(t.TokenIssuerEpr)
	if err != nil {
		return err
	}
	s.ApplicationUri, s.Audience = t.ApplicationUri, t.TokenIssuerUri
	k := t.statementKey(now)
	signer := xmlsec.Signer{Key: k.Key, Certificate: k.Certificate, Algorithm: xmlsec.RSASHA256}
	body, err := MarshalStatement(s, signer, now)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, end, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/xml; charset=utf-8")
	resp, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("the statement could not be sent: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNoContent, http.StatusAccepted:
		return nil
	case http.StatusUnprocessableEntity: // the gateway knows us, and did not find what we said
		return errors.New(TextProofFailed)
	default:
		return fmt.Errorf("%s refused the statement: %w", end, &soap.HTTPError{Status: resp.StatusCode})
	}
}

// statementKey signs what we tell the gateway: the current certificate, or another that the gateway may know where that has
// expired, so that an organization can still replace it by itself.
func (t *Trust) statementKey(now time.Time) *KeyPair {
	for _, k := range []*KeyPair{t.OrgCertificate, t.OrgPrevCertificate, t.OrgNextCertificate} {
		if k != nil && !now.After(k.Certificate.NotAfter) {
			return k
		}
	}
	return t.OrgCertificate
}

// StatementsEpr is where the gateway with this TokenIssuerEpr takes statements: "statements" beside extSTS.srf.
func StatementsEpr(tokenIssuerEpr string) (string, error) {
	u, err := url.Parse(tokenIssuerEpr)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("TokenIssuerEpr %q is no https URL", tokenIssuerEpr)
	}
	return u.JoinPath("..", PathStatements).String(), nil
}
