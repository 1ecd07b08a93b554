package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/smtpaddr"
)

// TXTResolver looks up TXT records; the strings of one record are joined. *net.Resolver is one.
type TXTResolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// NewResolver asks the DNS server at address (host:port), over UDP and, where an answer is too long, over TCP.
func NewResolver(address string) TXTResolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

// Finding is what DNS says of a domain proof.
type Finding uint8

// The findings.
const (
	Unknown Finding = iota // no verdict: a resolver did not answer
	Absent                 // at least one resolver answered without the proof
	Found                  // every resolver has the proof
)

const lookupTimeout = 5 * time.Second

// Prover looks for domain proofs in DNS (federation.DomainProof): a TXT record at exactly the domain. A CNAME there is
// followed as any resolver follows it, and nothing else is: whoever may make the domain an alias owns it. All
// resolvers must agree, so that who can lie to one of them proves nothing.
type Prover struct{ Resolvers []TXTResolver }

// Find looks for the proof of d by one of certs (nil ones are left out). The error tells why there is no verdict.
func (p *Prover) Find(ctx context.Context, d smtpaddr.Domain, certs ...*x509.Certificate) (Finding, error) {
	var want []string
	for _, c := range certs {
		if c != nil {
			want = append(want, federation.DomainProof(d, c))
		}
	}
	if len(p.Resolvers) == 0 {
		return Unknown, errors.New("no resolver is configured")
	}
	var unanswered error
	for _, r := range p.Resolvers {
		records, err := lookup(ctx, r, d)
		switch {
		case err != nil:
			unanswered = fmt.Errorf("TXT of %s: %w", d, err)
		case !slices.ContainsFunc(records, func(s string) bool { return slices.Contains(want, strings.TrimSpace(s)) }):
			return Absent, nil
		}
	}
	if unanswered != nil {
		return Unknown, unanswered
	}
	return Found, nil
}

// lookup returns no records for a name that has none.
func lookup(ctx context.Context, r TXTResolver, d smtpaddr.Domain) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	records, err := r.LookupTXT(ctx, d.String()+".") // rooted: the host's search list has no say
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return nil, nil
	}
	return records, err
}
