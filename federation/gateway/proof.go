package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/smtpaddr"
)

// Finding is what DNS says of a domain proof.
type Finding uint8

// The findings.
const (
	Unknown Finding = iota // no verdict: a resolver did not answer
	Absent                 // at least one resolver answered without the proof
	Found                  // every resolver has the proof
)

// Prover looks for domain proofs in DNS (federation.DomainProof): a TXT record at exactly the domain. A CNAME there is
// followed as any resolver follows it, and nothing else is: whoever may make the domain an alias owns it. All
// resolvers must agree, so that who can lie to one of them proves nothing.
type Prover struct{ Resolvers []federation.TXTResolver }

// Find looks for the proof of d by one of certs (nil ones are left out). The error tells why there is no verdict.
func (p *Prover) Find(ctx context.Context, d smtpaddr.Domain, certs ...*x509.Certificate) (Finding, error) {
	if len(p.Resolvers) == 0 {
		return Unknown, errors.New("no resolver is configured")
	}
	var unanswered error
	for _, r := range p.Resolvers {
		records, err := federation.LookupTXT(ctx, r, d)
		switch {
		case err != nil:
			unanswered = fmt.Errorf("TXT of %s: %w", d, err)
		case !federation.HasProof(records, d, certs...):
			return Absent, nil
		}
	}
	if unanswered != nil {
		return Unknown, unanswered
	}
	return Found, nil
}
