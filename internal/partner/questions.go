package partner

import (
	"context"
	"errors"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// GetUserAvailability implements [availability.Remote]. What fails is its mailboxes' Err; the error is always nil.
func (r *Remote) GetUserAvailability(ctx context.Context, rel *orgrel.OrganizationRelationship, q availability.Query) ([]availability.Result, error) {
	out := make([]availability.Result, len(q.Mailboxes))
	asked := &inquiry{who: q.Requester, usable: (*orgrel.OrganizationRelationship).Usable, people: make([]smtpaddr.Address, len(q.Mailboxes))}
	for i, m := range q.Mailboxes {
		asked.people[i] = m.Address
	}
	asked.put = func(ctx context.Context, send sender, at []int) error {
		sub := q
		sub.Mailboxes = make([]availability.Attendee, len(at))
		for k, i := range at {
			sub.Mailboxes[k] = q.Mailboxes[i]
			sub.Mailboxes[k].Address = asked.people[i]
		}
		results, err := ask(func(ctx context.Context, piece availability.Query) (results []availability.Result, err error) {
			err = send(ctx, func(ctx context.Context, c *ews.Client) error {
				results, err = c.GetUserAvailability(ctx, piece)
				return err
			})
			return results, err
		}).whole(ctx, sub)
		if err != nil {
			return err
		}
		for k, i := range at {
			out[i], asked.errs[i] = results[k], results[k].Err
			if errors.Is(results[k].Err, errPieces) {
				asked.errs[i] = &failure{phase: phaseEWS, cause: errPieces}
			}
		}
		return nil
	}
	r.round(ctx, rel, asked)
	for i, err := range asked.errs {
		if err != nil {
			out[i] = availability.Result{Err: err}
		}
	}
	return out, nil
}
