package admin

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

// DomainProof is the record that proves a domain by one certificate (Get-FederatedDomainProof).
type DomainProof struct {
	DomainName smtpaddr.Domain
	Name       string // which certificate: OrgPrivCertificate, OrgNextPrivCertificate, …
	Thumbprint string
	Proof      string
	DnsRecord  string //nolint:revive // Exchange's spelling
}

// roleNames are the properties of a trust that name its private keys.
var roleNames = map[CertificateRole]string{RoleCurrent: "OrgPrivCertificate", RoleNext: "OrgNextPrivCertificate", RolePrevious: "OrgPrevPrivCertificate", RoleUnused: FriendlyName}

// DomainProofs makes the proofs of d by the current and the next certificate of the trust, or by the one with the
// thumbprint. Nothing is looked up.
func (a *Admin) DomainProofs(ctx context.Context, d smtpaddr.Domain, thumbprint string) ([]DomainProof, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	proof := func(o ownCertificate) DomainProof {
		p := federation.DomainProof(d, o.Certificate)
		return DomainProof{d, roleNames[o.role], federation.Thumbprint(o.Certificate), p, d.String() + " TXT IN " + p}
	}
	if thumbprint != "" {
		o, err := byThumbprint(cfg, thumbprint)
		if err != nil {
			return nil, err
		}
		return []DomainProof{proof(o)}, nil
	}
	var out []DomainProof
	for _, o := range own(cfg) {
		if o.role == RoleCurrent || o.role == RoleNext {
			out = append(out, proof(o))
		}
	}
	if out == nil {
		return nil, fault.New(fault.Invalid, "%s", federation.TextNoTrust)
	}
	return out, nil
}

// States of a domain's proof.
const (
	ProofFound   = "Proven"   // every name server that was asked has it
	ProofAbsent  = "Unproven" // at least one answered without it
	ProofUnknown = "Unknown"  // no name server answered, or not all of them
)

// NameServerAnswer is what one name server says of a domain's proof.
type NameServerAnswer struct {
	DomainName smtpaddr.Domain
	NameServer string
	State      string // ProofFound, ProofAbsent, or ProofUnknown when it did not answer
	Detail     string
}

// VerifyDomain asks each name server of d for the proof. state is what all of them say together.
func (a *Admin) VerifyDomain(ctx context.Context, d smtpaddr.Domain) (state string, answers []NameServerAnswer, err error) {
	t, err := a.trust(ctx, "")
	if err != nil {
		return "", nil, err
	}
	return a.verify(ctx, t, d)
}

func (a *Admin) verify(ctx context.Context, t *federation.Trust, d smtpaddr.Domain) (state string, answers []NameServerAnswer, err error) {
	var certs []*x509.Certificate
	for _, k := range []*federation.KeyPair{t.OrgCertificate, t.OrgNextCertificate} {
		if k != nil {
			certs = append(certs, k.Certificate)
		}
	}
	servers, err := a.NameServers(ctx, d)
	if err != nil {
		return "", nil, &fault.Error{Kind: fault.Unavailable, Cause: err, Message: fmt.Sprintf("the name servers of %s cannot be found: %v", d, err)}
	}
	state = ProofFound
	for _, s := range servers {
		answer := ask(ctx, s, d, certs)
		answers = append(answers, answer)
		if state != ProofAbsent && answer.State != ProofFound {
			state = answer.State
		}
	}
	return state, answers, nil
}

func ask(ctx context.Context, s federation.NameServer, d smtpaddr.Domain, certs []*x509.Certificate) NameServerAnswer {
	records, err := federation.LookupTXT(ctx, s.Resolver, d)
	out := NameServerAnswer{DomainName: d, NameServer: s.Name, State: ProofAbsent}
	proofs := 0
	for _, r := range records {
		if len(strings.Join(strings.Fields(r), "")) == len(federation.DomainProof(d, certs[0])) {
			proofs++
		}
	}
	switch {
	case err != nil:
		out.State, out.Detail = ProofUnknown, err.Error()
		if e, ok := errors.AsType[*net.DNSError](err); ok { // the rest of its text names the system's resolver
			out.Detail = "it did not answer: " + e.Err
		}
	case federation.HasProof(records, d, certs...):
		out.State, out.Detail = ProofFound, "the proof is one of its TXT records"
	case len(records) == 0:
		out.Detail = "it has no TXT record at this name"
	case proofs > 0:
		out.Detail = "a TXT record has a proof's length and is another one: of another certificate or domain, or mistyped"
	default:
		out.Detail = fmt.Sprintf("none of its %d TXT records is the proof", len(records))
	}
	return out
}

// requireProof refuses a domain whose proof is not in DNS.
func (a *Admin) requireProof(ctx context.Context, t *federation.Trust, d smtpaddr.Domain) error {
	state, answers, err := a.verify(ctx, t, d)
	if err != nil {
		return err
	}
	if state == ProofFound {
		return nil
	}
	text := federation.TextProofFailed + ` The format of the TXT record should be "` + d.String() + ` IN TXT hash-value", where hash-value is what availd domain proof ` + d.String() + ` shows.`
	for _, s := range answers {
		text += fmt.Sprintf(" %s: %s.", s.NameServer, s.Detail)
	}
	return fault.New(fault.Invalid, "%s", text)
}

// DomainState is what DNS says of a domain that needs a proof (Get-FederatedOrganizationIdentifier
// -IncludeExtendedDomainInfo).
type DomainState struct {
	Domain           smtpaddr.Domain
	AccountNamespace bool
	State            string
	Detail           string
}

// String writes domain and state.
func (s DomainState) String() string { return s.Domain.String() + " (" + s.State + ")" }

// DomainStates looks for the proof of every domain of the organization.
func (a *Admin) DomainStates(ctx context.Context) ([]DomainState, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	var out []DomainState
	for _, d := range cfg.Organization.ToProve() {
		s := DomainState{Domain: d, AccountNamespace: d == cfg.Organization.NamespaceProof(), State: ProofUnknown, Detail: federation.TextNoTrust}
		if cfg.Trust != nil {
			state, answers, err := a.verify(ctx, cfg.Trust, d)
			if err != nil {
				s.Detail = err.Error()
			} else {
				s.State, s.Detail = state, details(answers)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

func details(answers []NameServerAnswer) string {
	var out []string
	for _, s := range answers {
		out = append(out, s.NameServer+": "+s.Detail)
	}
	return strings.Join(out, "; ")
}
