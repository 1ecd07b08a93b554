// Package fanout asks several partners at once: each once, in parallel, by its organization relationship, and with a
// deadline of its own. A broken partner costs only its own people an error, a slow one no more than the deadline.
package fanout

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

// Relationships finds the relationship whose DomainNames has d exactly; nil, nil when there is none. Disabled ones are
// returned too.
type Relationships interface {
	RelationshipForDomain(ctx context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error)
}

// Usable tells why a relationship cannot be used to ask its partner for something, or nil. A *fault.Error is told as it is.
type Usable func(*orgrel.OrganizationRelationship) error

// RelationshipToAsk is the relationship by which people of d are asked for; a *fault.Error where there is none, or none
// that is usable.
func RelationshipToAsk(ctx context.Context, among Relationships, d smtpaddr.Domain, usable Usable) (*orgrel.OrganizationRelationship, error) {
	rel, err := among.RelationshipForDomain(ctx, d)
	switch {
	case err != nil:
		return nil, fault.Because(fault.ServerBusy, err)
	case rel == nil:
		return nil, fault.New(fault.AddressSpaceNotFound, "Configuration information for forest/domain %s could not be found in Active Directory.", d)
	}
	if err = usable(rel); err == nil {
		return rel, nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return nil, f
	}
	return nil, &fault.Error{Kind: fault.RelationshipUnusable, Cause: err,
		Message: fmt.Sprintf("The organization relationship %s can't be used. Please confirm that the organization relationship is configured correctly.", rel.Name)}
}

// People are the positions of those who are at partners, by domain.
type People map[smtpaddr.Domain][]int

// Round is one question to several partners.
type Round struct {
	Relationships Relationships
	Usable        Usable
	Deadline      time.Duration // of each partner
	Most          int           // people in one call to a partner, who is asked in parts for more; 0: no limit
	// Ask asks one partner about the people at some positions. keep puts its answers to their positions: it is called
	// before Run returns, or never.
	Ask func(ctx context.Context, rel *orgrel.OrganizationRelationship, at []int) (keep func(), err error)
	// Fail is called for the positions about which there is no answer; calls may come at the same time.
	Fail func(at []int, err error)
}

// Run asks, and returns when each partner has answered or its deadline has passed.
func (r Round) Run(ctx context.Context, people People) {
	n := 0
	for _, at := range people {
		n += len(at)
	}
	record.From(ctx).Done(record.StepAddressGiven, time.Now(), fmt.Sprintf("%d addresses of %d other organizations", n, len(people)))
	var wg sync.WaitGroup
	for rel, all := range r.partners(ctx, people) {
		most := r.Most
		if most == 0 {
			most = len(all)
		}
		for at := range slices.Chunk(all, most) {
			wg.Go(func() { r.ask(ctx, rel, at) })
		}
	}
	wg.Wait()
}

// partners groups the positions by relationship; where there is none that can be used, they have failed.
func (r Round) partners(ctx context.Context, people People) map[*orgrel.OrganizationRelationship][]int {
	start, rec := time.Now(), record.From(ctx)
	byID := map[string]*orgrel.OrganizationRelationship{} // two reads may give two copies
	out := map[*orgrel.OrganizationRelationship][]int{}
	for d, at := range people {
		rel, err := RelationshipToAsk(ctx, r.Relationships, d, r.Usable)
		if err != nil {
			rec.Failed(record.StepFederationUsable, start, fault.As(err).Error())
			r.Fail(at, err)
			continue
		}
		rec.Done(record.StepFederationUsable, start, fmt.Sprintf("organization relationship %q has the domain %s", rel.Name, d))
		if byID[rel.ID] == nil {
			byID[rel.ID] = rel
		}
		out[byID[rel.ID]] = append(out[byID[rel.ID]], at...)
	}
	return out
}

// ask asks one partner. When the deadline passes it does not wait for the transport to notice: what is missing is
// ErrorTimeoutExpired.
func (r Round) ask(ctx context.Context, rel *orgrel.OrganizationRelationship, at []int) {
	ctx, cancel := context.WithTimeout(ctx, r.Deadline)
	defer cancel()
	type reply struct {
		keep func()
		err  error
	}
	done := make(chan reply, 1) // with room, so that a late answer finds its end
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- reply{nil, fmt.Errorf("panic: %v", p)}
			}
		}()
		keep, err := r.Ask(ctx, rel, at)
		done <- reply{keep, err}
	}()
	var got reply
	select {
	case got = <-done:
	case <-ctx.Done():
		got.err = ctx.Err()
	}
	switch {
	case got.err == nil:
		got.keep()
	case errors.Is(got.err, context.DeadlineExceeded):
		r.Fail(at, fault.Because(fault.Timeout, got.err))
	default:
		r.Fail(at, got.err)
	}
}
