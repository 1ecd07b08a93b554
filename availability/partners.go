package availability

import (
	"context"
	"errors"

	"github.com/availd/availd/internal/fanout"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/orgrel"
)

// foreign asks each partner for its mailboxes. Only groups can bring more mailboxes of one partner than a request may have:
// they are asked in parts.
func (s *Service) foreign(ctx context.Context, in *inquiry) {
	fanout.Round{Relationships: s.Relationships, Usable: (*orgrel.OrganizationRelationship).Usable, Deadline: s.Limits.Remote, Most: s.Limits.Mailboxes,
		Ask: func(ctx context.Context, rel *orgrel.OrganizationRelationship, at []int) (func(), error) {
			return s.ask(ctx, rel, in, at)
		},
		Fail: func(at []int, err error) { fill(in.results, at, err) }}.Run(ctx, in.foreign)
}

// ask asks one partner.
func (s *Service) ask(ctx context.Context, rel *orgrel.OrganizationRelationship, in *inquiry, at []int) (keep func(), err error) {
	if s.Remote == nil {
		return nil, fault.Because(fault.ProxyRequestFailed, errors.New("no way to partners is configured"))
	}
	sub := in.q
	sub.Mailboxes = nil
	for _, i := range at {
		sub.Mailboxes = append(sub.Mailboxes, in.q.Mailboxes[i])
	}
	results, err := s.Remote.GetUserAvailability(ctx, rel, sub)
	if err == nil && len(results) != len(at) {
		err = fault.New(fault.ProxyRequestFailed, "Proxy web request failed. , inner exception: the partner answered %d mailboxes of %d", len(results), len(at))
	}
	return func() {
		for k, i := range at {
			in.results[i] = results[k]
		}
	}, err
}

// fill fails the mailboxes at some positions.
func fill(results []Result, at []int, err error) {
	for _, i := range at {
		results[i] = Result{Err: err}
	}
}
