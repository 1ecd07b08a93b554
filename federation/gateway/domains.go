package gateway

import (
	"context"
	"log/slog"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

// How often proofs are looked at again, and after how many checks without one a domain may lapse.
const (
	recheckEvery   = 24 * time.Hour
	recheckFailed  = time.Hour // after a check without a verdict
	lapseFailures  = 3
	recheckAtATime = 200
)

// DomainStore keeps the domains.
type DomainStore interface {
	Organization(ctx context.Context, name string) (*Organization, error)
	Domain(ctx context.Context, d smtpaddr.Domain) (Domain, error)
	DomainsDue(ctx context.Context, before time.Time, limit int) ([]Domain, error)
	ReserveDomain(ctx context.Context, organization string, d smtpaddr.Domain) error
	RemoveDomain(ctx context.Context, organization string, d smtpaddr.Domain) error
	// PutDomain writes d where the stored one is still was (fault.Conflict otherwise).
	PutDomain(ctx context.Context, verb string, was, d Domain) error
}

// Domains decides who may speak for a domain.
type Domains struct {
	Store  DomainStore
	Prover *Prover
	Grace  time.Duration // from the first failed check until a proof that is gone is withdrawn
	Now    func() time.Time
	Log    *slog.Logger
}

func proofFailed() error {
	return fault.New(fault.Invalid, "%s", federation.TextProofFailed)
}

// Verify looks for the organization's proof of d and makes the domain hers. A domain that another organization has
// reserved or proven by TXT changes hands when the new owner's proof is in DNS and the old one's is gone.
func (s *Domains) Verify(ctx context.Context, organization string, d smtpaddr.Domain) error {
	was, err := s.Store.Domain(ctx, d)
	if err != nil {
		return err
	}
	if err := s.proof(ctx, organization, d); err != nil {
		return err
	}
	if was.Organization != organization {
		if err := s.released(ctx, was); err != nil {
			return err
		}
	}
	is := was
	is.Organization, is.State, is.How, is.CheckedAt, is.Failures, is.FailingSince = organization, Proven, ByTXT, s.Now(), 0, time.Time{}
	return s.Store.PutDomain(ctx, "domain verify", was, is)
}

// Add is Verify for a domain that need not be reserved before; without the proof nothing is.
func (s *Domains) Add(ctx context.Context, organization string, d smtpaddr.Domain) error {
	_, err := s.Store.Domain(ctx, d)
	if err == nil {
		return s.Verify(ctx, organization, d)
	}
	if fault.KindOf(err) == fault.NotFound {
		err = s.proof(ctx, organization, d)
	}
	if err == nil {
		err = s.Store.ReserveDomain(ctx, organization, d)
	}
	if err != nil {
		return err
	}
	return s.Verify(ctx, organization, d)
}

// proof is nil when the organization's proof of d is in DNS.
func (s *Domains) proof(ctx context.Context, organization string, d smtpaddr.Domain) error {
	o, err := s.Store.Organization(ctx, organization)
	if err != nil {
		return err
	}
	finding, err := s.Prover.Find(ctx, d, o.Certificate, o.Next)
	switch finding {
	case Found:
		return nil
	case Unknown:
		return &fault.Error{Kind: fault.Unavailable, Message: "The domain proof could not be looked up: no resolver answered, or not all of them.", Cause: err}
	}
	return proofFailed()
}

// released tells whether a domain may be taken from its owner.
func (s *Domains) released(ctx context.Context, was Domain) error {
	if was.State == Proven && was.How == ByAdministrator {
		return fault.New(fault.Conflict, "domain %q is organization %q's by the administrator's approval; only she can take it away", was.Name, was.Organization)
	}
	old, err := s.Store.Organization(ctx, was.Organization)
	if err != nil {
		return err
	}
	finding, err := s.Prover.Find(ctx, was.Name, old.Certificate, old.Next)
	switch finding {
	case Absent:
		return nil
	case Unknown:
		return &fault.Error{Kind: fault.Unavailable, Message: "The old owner's domain proof could not be looked up.", Cause: err}
	}
	return fault.New(fault.Conflict, "domain %q still has the TXT record of organization %q; it must be removed first", was.Name, was.Organization)
}

// Approve makes d the organization's by the administrator's word.
func (s *Domains) Approve(ctx context.Context, organization string, d smtpaddr.Domain) error {
	was, err := s.Store.Domain(ctx, d)
	if err != nil {
		return err
	}
	if was.Organization != organization {
		return fault.New(fault.Conflict, "domain %q belongs to organization %q", d, was.Organization)
	}
	is := was
	is.State, is.How, is.CheckedAt, is.Failures, is.FailingSince = Proven, ByAdministrator, s.Now(), 0, time.Time{}
	return s.Store.PutDomain(ctx, "domain approve", was, is)
}

// Recheck looks again at the proofs that were not looked at for a day. It returns how many it looked at.
func (s *Domains) Recheck(ctx context.Context) (int, error) {
	due, err := s.Store.DomainsDue(ctx, s.Now().Add(-recheckEvery), recheckAtATime)
	if err != nil {
		return 0, err
	}
	for i, d := range due {
		if err := s.recheck(ctx, d); err != nil {
			return i, err
		}
	}
	return len(due), nil
}

func (s *Domains) recheck(ctx context.Context, was Domain) error {
	o, err := s.Store.Organization(ctx, was.Organization)
	if err != nil {
		return err
	}
	is := was
	is.CheckedAt = s.Now()
	finding, why := s.Prover.Find(ctx, was.Name, o.Certificate, o.Next)
	switch finding {
	case Found:
		is.Failures, is.FailingSince = 0, time.Time{}
	case Unknown: // nobody loses a domain because our resolvers are down
		is.CheckedAt = s.Now().Add(recheckFailed - recheckEvery)
		s.Log.WarnContext(ctx, "a domain proof could not be looked up", "domain", was.Name.String(), "cause", why)
	case Absent:
		if is.Failures++; is.Failures == 1 {
			is.FailingSince = s.Now()
		}
		if is.Failures >= lapseFailures && s.Now().Sub(is.FailingSince) >= s.Grace {
			is.State = Lapsed
		}
		s.Log.WarnContext(ctx, "a domain proof is gone", "domain", was.Name.String(), "organization", was.Organization, "checks", is.Failures, "state", string(is.State))
	}
	err = s.Store.PutDomain(ctx, "domain lapse", was, is)
	if err != nil && fault.KindOf(err) == fault.Conflict { // somebody else changed it meanwhile
		return nil
	}
	return err
}

// Run rechecks until ctx ends.
func (s *Domains) Run(ctx context.Context) {
	ctx = WithActor(ctx, "recheck")
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if _, err := s.Recheck(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "rechecking domain proofs", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
