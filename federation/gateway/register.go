package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

// Registration says whether organizations may register themselves.
type Registration string

// The ways.
const (
	RegisterOff        Registration = "off"
	RegisterByApproval Registration = "approval" // they wait, pending, for the administrator
	RegisterByProof    Registration = "proof"    // with the TXT proof of every domain they are approved at once
)

const maxRegisterDomains = 32

// register takes a registration, signed by the key of the certificate that it brings: nobody registers another's.
func (g *Gateway) register(ctx context.Context, u *federation.UnverifiedStatement, from string, status *int) error {
	if u.Certificate == nil {
		return malformed("a registration without a certificate")
	}
	if g.o.Registration != RegisterByApproval && g.o.Registration != RegisterByProof {
		return denied("registration is off")
	}
	if !g.signups.Take(from, g.o.Now()) {
		return fault.Because(fault.ServerBusy, fmt.Errorf("too many registrations from %s", from))
	}
	s, err := u.Verify([]*x509.Certificate{u.Certificate}, g.o.Issuer, g.o.Now())
	if err != nil {
		return denied("%w", err)
	}
	o, names, err := g.registration(s, u.Certificate)
	if err != nil {
		return malformed("%w", err)
	}
	domains, err := g.provenOrReserved(ctx, names, u.Certificate)
	if err != nil {
		return err
	}
	if o.State = Approved; g.o.Registration == RegisterByApproval {
		o.State, *status = Pending, http.StatusAccepted
	}
	return g.o.Registry.Register(WithActor(ctx, "registration from "+from), o, domains, g.o.Limits.orDefaults().PendingRegistrations)
}

// registration checks what an organization says of itself: its names must lie in a domain that it brings.
func (g *Gateway) registration(s *federation.Statement, c *x509.Certificate) (*Organization, []smtpaddr.Domain, error) {
	o := &Organization{Name: s.First(federation.ValueName), Contact: s.First(federation.ValueContact), ApplicationUri: s.ApplicationUri, Instance: g.o.Instance, Certificate: c}
	names, err := parseDomains(s.All(federation.ValueDomain))
	if err != nil {
		return nil, nil, err
	}
	if o.AccountNamespace, err = smtpaddr.ParseDomain(s.First(federation.ValueAccountNamespace)); err != nil {
		return nil, nil, err
	}
	uri, err := smtpaddr.ParseDomain(federation.NormalizeURI(o.ApplicationUri))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("ApplicationUri: %w", err)
	case s.Kind != federation.StatementRegistration:
		return nil, nil, fmt.Errorf("a statement %.100q", s.Kind)
	case o.Name == "" || len(o.Name) > 64 || len(o.Contact) > 254 || strings.ContainsFunc(o.Name+o.Contact, func(r rune) bool { return r < ' ' }):
		return nil, nil, errors.New("the name has 1 to 64 characters, the contact at most 254")
	case len(names) == 0 || len(names) > maxRegisterDomains:
		return nil, nil, fmt.Errorf("%d domains", len(names))
	case !within(uri, names) || !within(o.AccountNamespace, names):
		return nil, nil, fmt.Errorf("ApplicationUri %s or AccountNamespace %s is in none of the domains", uri, o.AccountNamespace)
	}
	return o, names, nil
}

func within(d smtpaddr.Domain, domains []smtpaddr.Domain) bool {
	for _, parent := range domains {
		if d == parent || strings.HasSuffix(d.String(), "."+parent.String()) {
			return true
		}
	}
	return false
}

// provenOrReserved looks for the proof of each domain where registration wants it; otherwise they are reserved.
func (g *Gateway) provenOrReserved(ctx context.Context, names []smtpaddr.Domain, c *x509.Certificate) ([]Domain, error) {
	var out []Domain
	for _, n := range names {
		d := Domain{Name: n, State: Reserved}
		if g.o.Registration == RegisterByProof {
			finding, err := g.o.Domains.Prover.Find(ctx, n, c)
			if finding != Found {
				return nil, denied("no proof of %s: %w", n, errors.Join(proofFailed(), err))
			}
			d.State, d.How = Proven, ByTXT
		}
		out = append(out, d)
	}
	return out, nil
}
