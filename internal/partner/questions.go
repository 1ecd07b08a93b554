package partner

import (
	"context"
	"errors"
	"net/http"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/directory"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
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
		sub.Zone, sub.Suggestions = nil, nil // times travel in UTC, and suggestions are made here
		sub.Mailboxes = make([]availability.Attendee, len(at))
		for k, i := range at {
			sub.Mailboxes[k] = q.Mailboxes[i]
			sub.Mailboxes[k].Address = asked.people[i]
		}
		results, err := ask(func(ctx context.Context, piece availability.Query) (results []availability.Result, err error) {
			err = send(ctx, func(ctx context.Context, c *ews.Client) error {
				answer, err := c.GetUserAvailability(ctx, piece)
				results = answer.Results
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

// GetMailTips implements [directory.Remote]. What fails is its recipients' Err; the error is always nil.
func (r *Remote) GetMailTips(ctx context.Context, rel *orgrel.OrganizationRelationship, q directory.MailTipsQuery) ([]directory.MailTipsResult, error) {
	out := make([]directory.MailTipsResult, len(q.Recipients))
	asked := &inquiry{who: q.Requester, usable: (*orgrel.OrganizationRelationship).UsableForMailTips, people: make([]smtpaddr.Address, len(q.Recipients))}
	for i, p := range q.Recipients {
		asked.people[i] = p.Address
	}
	asked.put = func(ctx context.Context, send sender, at []int) error {
		sub := q
		sub.Recipients = make([]directory.Addressee, len(at))
		for k, i := range at {
			sub.Recipients[k] = directory.Addressee{Address: asked.people[i]}
		}
		var results []directory.MailTipsResult
		err := send(ctx, func(ctx context.Context, c *ews.Client) (err error) {
			results, err = c.GetMailTips(ctx, sub)
			return err
		})
		if refusal := refused(err); refusal != nil {
			for _, i := range at {
				asked.errs[i] = refusal
			}
			return nil
		}
		if err != nil {
			return err
		}
		for k, i := range at {
			out[i], asked.errs[i] = results[k], results[k].Err
		}
		return nil
	}
	r.round(ctx, rel, asked)
	for i, err := range asked.errs {
		if err != nil {
			out[i] = directory.MailTipsResult{Err: err}
		}
	}
	return out, nil
}

// GetUserPhoto implements [directory.Remote].
func (r *Remote) GetUserPhoto(ctx context.Context, rel *orgrel.OrganizationRelationship, q directory.PhotoQuery) (p *directory.Picture, err error) {
	asked := &inquiry{who: q.Requester, usable: (*orgrel.OrganizationRelationship).UsableForPhotos, people: []smtpaddr.Address{q.Person.Address}}
	asked.put = func(ctx context.Context, send sender, _ []int) error {
		sub := q
		sub.Person = directory.Addressee{Address: asked.people[0]}
		err := send(ctx, func(ctx context.Context, c *ews.Client) (err error) {
			p, err = c.GetUserPhoto(ctx, sub)
			return err
		})
		h, ok := errors.AsType[*soap.HTTPError](err)
		missing := ok && h.Status == http.StatusNotFound // as Exchange says that there is none
		switch refusal := refused(err); {
		case missing:
			asked.errs[0] = fault.Because(fault.PhotoNotFound, h)
		case refusal != nil:
			asked.errs[0] = refusal
		default:
			return err
		}
		return nil
	}
	r.round(ctx, rel, asked)
	return p, asked.errs[0]
}

// refused is what a partner that answered whole has against giving what was asked, such as that it gives nobody's MailTips
// to us; nil where err is another failure, or none. Such an answer is no event, and no reason to look for another endpoint.
func refused(err error) error {
	e, ok := errors.AsType[*ews.Error](err)
	if !ok {
		return nil
	}
	if kind, ours := fault.InAnswer(e.ResponseCode); ours {
		return &fault.Error{Kind: kind, Message: e.Message, Cause: e}
	}
	return nil
}
