package availability

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// leg is one partner of a request, with the positions of its mailboxes.
type leg struct {
	rel       *orgrel.OrganizationRelationship
	positions []int
}

// foreign asks each partner once, in parallel; a broken partner costs only its own mailboxes an error, a slow one no more
// than the deadline. Only groups can bring more mailboxes of one partner than a request may have: they are asked in parts.
func (s *Service) foreign(ctx context.Context, in *inquiry) {
	start, n := time.Now(), 0
	for _, positions := range in.foreign {
		n += len(positions)
	}
	record.From(ctx).Done(record.StepAddressGiven, start, fmt.Sprintf("%d addresses of %d other organizations", n, len(in.foreign)))
	var wg sync.WaitGroup
	for _, l := range s.legs(ctx, in.foreign, in.results) {
		for positions := range slices.Chunk(l.positions, s.Limits.Mailboxes) {
			wg.Go(func() { s.ask(ctx, in.q, &leg{l.rel, positions}, in.results) })
		}
	}
	wg.Wait()
}

// legs groups the mailboxes by relationship; where there is none that can be used, their results say so.
func (s *Service) legs(ctx context.Context, domains map[smtpaddr.Domain][]int, results []Result) map[string]*leg {
	start, rec := time.Now(), record.From(ctx)
	legs := map[string]*leg{}
	for d, positions := range domains {
		rel, err := RelationshipToAsk(ctx, s.Relationships, d, (*orgrel.OrganizationRelationship).Usable)
		if err == nil && s.Remote == nil {
			err = fault.Because(fault.ProxyRequestFailed, errors.New("no way to partners is configured"))
		}
		if err != nil {
			rec.Failed(record.StepFederationUsable, start, fault.As(err).Error())
			fill(results, positions, err)
			continue
		}
		rec.Done(record.StepFederationUsable, start, fmt.Sprintf("organization relationship %q has the domain %s", rel.Name, d))
		l := legs[rel.ID]
		if l == nil {
			l = &leg{rel: rel}
			legs[rel.ID] = l
		}
		l.positions = append(l.positions, positions...)
	}
	return legs
}

func fill(results []Result, positions []int, err error) {
	for _, i := range positions {
		results[i] = Result{Err: err}
	}
}

// RelationshipToAsk is the relationship by which mailboxes of d are asked for; a *fault.Error where there is none, or none
// that is usable.
func RelationshipToAsk(ctx context.Context, among Relationships, d smtpaddr.Domain, usable func(*orgrel.OrganizationRelationship) error) (*orgrel.OrganizationRelationship, error) {
	rel, err := among.RelationshipForDomain(ctx, d)
	switch {
	case err != nil:
		return nil, fault.Because(fault.ServerBusy, err)
	case rel == nil:
		return nil, fault.New(fault.AddressSpaceNotFound, "Configuration information for forest/domain %s could not be found in Active Directory.", d)
	case usable(rel) != nil:
		return nil, &fault.Error{Kind: fault.RelationshipUnusable, Cause: usable(rel),
			Message: fmt.Sprintf("The organization relationship %s can't be used. Please confirm that the organization relationship is configured correctly.", rel.Name)}
	}
	return rel, nil
}

// ask asks one partner. When the deadline passes it does not wait for the transport to notice: what is missing is
// ErrorTimeoutExpired.
func (s *Service) ask(ctx context.Context, q Query, l *leg, results []Result) {
	ctx, cancel := context.WithTimeout(ctx, s.Limits.Remote)
	defer cancel()
	sub := q
	sub.Mailboxes = nil
	for _, i := range l.positions {
		sub.Mailboxes = append(sub.Mailboxes, q.Mailboxes[i])
	}
	type reply struct {
		results []Result
		err     error
	}
	done := make(chan reply, 1) // with room, so that a late answer finds its end
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- reply{nil, fmt.Errorf("panic: %v", p)}
			}
		}()
		answers, err := s.Remote.GetUserAvailability(ctx, l.rel, sub)
		done <- reply{answers, err}
	}()
	var r reply
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	switch {
	case errors.Is(r.err, context.DeadlineExceeded):
		r.err = fault.Because(fault.Timeout, r.err)
	case r.err == nil && len(r.results) != len(l.positions):
		r.err = fault.New(fault.ProxyRequestFailed, "Proxy web request failed. , inner exception: the partner answered %d mailboxes of %d", len(r.results), len(l.positions))
	}
	if r.err != nil {
		fill(results, l.positions, r.err)
		return
	}
	for k, i := range l.positions {
		results[i] = r.results[k]
	}
}
