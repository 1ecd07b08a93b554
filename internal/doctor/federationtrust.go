package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
)

// TestFederationTrust tests the federation trust in the steps, the words and the result objects of Test-FederationTrust,
// and adds objects of checks that Exchange leaves out. o.User is the own user on whose behalf the token is asked for; say
// gets the text line by line.
func TestFederationTrust(ctx context.Context, o Options, say func(line string)) []TestResult {
	o.Direction = Out
	x := newExamination(o)
	p := &protocol{say: say}
	say("Begin process.")
	p.step(fmt.Sprintf("STEP 1 of 6: Getting ADUser information for %s...", o.User), func() (string, []TestResult) { return "", x.testUser(ctx) })
	var trust *federation.Trust
	if p.step(fmt.Sprintf("STEP 2 of 6: Getting FederationTrust object for %s...", o.User), func() (_ string, found []TestResult) {
		trust, found = x.testTrust(ctx)
		return "", found
	}) {
		x.testTrustSteps(ctx, p, trust)
	}
	say("Closing Test-FederationTrust...")
	return append(p.results, x.beyond(ctx)...)
}

func (x *examination) testTrustSteps(ctx context.Context, p *protocol, trust *federation.Trust) {
	p.step("STEP 3 of 6: Validating that the FederationTrust has the same STS certificates as the actual certificates published by the STS in the federation metadata.",
		func() (string, []TestResult) { return "", x.testMetadata(ctx, trust) })
	p.step("STEP 4 of 6: Getting STS and Organization certificates from the federation trust object...",
		func() (string, []TestResult) { return "", x.testCertificates(ctx, trust) })
	p.say(fmt.Sprintf("Validating current configuration for %s...", x.namespace(ctx, trust)))
	if v := checkKnown(ctx, x); v.severity == Fail {
		p.say("Validation failed: " + v.evidence)
	} else {
		p.say("Validation successful.")
	}
	var tok *federation.DelegationToken
	self := true
	if !p.step("STEP 5 of 6: Requesting delegation token...", func() (_ string, found []TestResult) {
		tok, self, found = x.testToken(ctx)
		return " Token retrieved.", found
	}) {
		return
	}
	p.step("STEP 6 of 6: Validating delegation token...", func() (string, []TestResult) {
		if !self {
			return "", one(Warning, "TokenValidation", "The gateway issues no token for ourselves (it wants mutual partner lists), and one for a partner can be opened by the partner only.")
		}
		if err := x.verify(ctx, tok); err != nil {
			return "", one(Error, "TokenValidation", "Failed to validate delegation token. %v", err)
		}
		return "", one(Success, "TokenValidation", "Requested delegation token is valid.")
	})
}

// namespace is the name under which the gateway knows us.
func (x *examination) namespace(ctx context.Context, trust *federation.Trust) string {
	if org, err := x.Organization(ctx); err == nil && !org.AccountNamespace.IsZero() {
		return org.AccountNamespace.String()
	}
	return trust.ApplicationUri
}

// testUser wants an own mailbox with an address in a federated domain.
func (x *examination) testUser(ctx context.Context) []TestResult {
	if _, err := x.o.Store.Mailbox(ctx, x.o.User); err != nil {
		return one(Error, "UserConfiguration", "The user %s can't be found: %v", x.o.User, err)
	}
	if _, err := x.speaker(ctx); err != nil {
		return one(Error, "UserConfiguration", "%v", err)
	}
	return nil
}

func (x *examination) testTrust(ctx context.Context) (*federation.Trust, []TestResult) {
	trust, err := x.FederationTrust(ctx)
	if err == nil && trust == nil {
		err = errors.New("no federation trust is configured for this organization")
	}
	if err != nil {
		return nil, one(Error, "FederationTrustConfiguration", "The FederationTrust object can't be read: %v", err)
	}
	return trust, one(Success, "FederationTrustConfiguration", "FederationTrust object in ActiveDirectory is valid.")
}

func (x *examination) testMetadata(ctx context.Context, trust *federation.Trust) []TestResult {
	m, err := x.metadata(ctx)
	if err != nil {
		return one(Error, "FederationMetadata", "Unable to retrieve federation metadata from the security token service. %s", causeText(err))
	}
	known := []*x509.Certificate{trust.TokenIssuerCertificate, trust.TokenIssuerPrevCertificate}
	if !slices.ContainsFunc(known, m.Certificates[0].Equal) {
		return one(Error, "FederationMetadata", "The security token service publishes the certificate %s, and the federation trust contains %s.", thumbprint(m.Certificates[0]), thumbprints(known))
	}
	return one(Success, "FederationMetadata", "The federation trust contains the same certificates published by the security token service in its federation metadata.")
}

// testCertificates makes one object per certificate that the trust refers to.
func (x *examination) testCertificates(ctx context.Context, trust *federation.Trust) []TestResult {
	now, _ := x.gatewayTime(ctx, trust)
	var out []TestResult
	test := func(id, property string, c *x509.Certificate) {
		switch {
		case c == nil:
			out = append(out, result(Error, id, "Unable to find the certificate referenced by property %s in the FederationTrust object.", property))
		case now.After(c.NotAfter):
			out = append(out, result(Error, id, "The certificate referenced by property %s in the FederationTrust object has expired on %s.", property, stamp(c.NotAfter)))
		case now.Before(c.NotBefore):
			out = append(out, result(Error, id, "The certificate referenced by property %s in the FederationTrust object is not valid before %s.", property, stamp(c.NotBefore)))
		default:
			out = append(out, result(Success, id, "Valid certificate referenced by property %s in the FederationTrust object.", property))
		}
	}
	test("StsCertificate", "TokenIssuerCertificate", trust.TokenIssuerCertificate)
	if trust.TokenIssuerPrevCertificate != nil {
		test("StsPreviousCertificate", "TokenIssuerPrevCertificate", trust.TokenIssuerPrevCertificate)
	}
	var own *x509.Certificate
	if trust.OrgCertificate != nil && trust.OrgCertificate.Key != nil {
		own = trust.OrgCertificate.Certificate
	}
	test("OrganizationCertificate", "OrgPrivCertificate", own)
	return out
}

// testToken asks for a token for ourselves; where the gateway refuses that as a target, for one of our partners.
func (x *examination) testToken(ctx context.Context) (tok *federation.DelegationToken, self bool, found []TestResult) {
	tok, err := x.selfToken(ctx)
	self = true
	if f, ok := errors.AsType[*soap.Fault](err); ok && f.Code == "InvalidScope" {
		self = false
		tok, err = x.anyPartnersToken(ctx, err)
	}
	if err != nil {
		return nil, self, one(Error, "TokenRequest", "Failed to request delegation token. %s", causeText(err))
	}
	return tok, self, one(Success, "TokenRequest", "Request for delegation token succeeded.")
}

// anyPartnersToken is a token for the first partner for whom there is one; refused is the error where there is none.
func (x *examination) anyPartnersToken(ctx context.Context, refused error) (*federation.DelegationToken, error) {
	cfg, err := x.configuration(ctx)
	if err != nil {
		return nil, err
	}
	user, err := x.speaker(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range cfg.Relationships {
		if usable(r) != nil {
			continue
		}
		tok, err := x.tokens.DelegationToken(ctx, federation.TokenRequest{User: user, TargetApplicationUri: r.TargetApplicationUri, Action: orgrel.ActionFreeBusy})
		if err == nil {
			return tok, nil
		}
	}
	return nil, refused
}

// beyond are the checks that Test-FederationTrust does not make.
func (x *examination) beyond(ctx context.Context) []TestResult {
	var out []TestResult
	for _, c := range []struct {
		id  string
		run func(context.Context, *examination) verdict
	}{{"ClockSkew", func(_ context.Context, x *examination) verdict { return x.skew() }}, {"OutboundProxy", checkProxy}, {"OrganizationCertificateFitness", withCertificate(checkFitness)},
		{"CertificateExpiry", withCertificate(checkExpiry)}, {"DomainProof", checkProofs}, {"GatewayRegistration", checkKnown}} {
		v := c.run(ctx, x)
		switch v.severity {
		case Pass:
			out = append(out, result(Success, c.id, "%s", v.evidence))
		case Fail:
			out = append(out, result(Error, c.id, "%s", v.evidence))
		default:
			out = append(out, result(Warning, c.id, "%s", v.evidence))
		}
	}
	return out
}
