package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/availd/availd/internal/fanout"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/orgrel"
)

// Remote asks one partner, about people who are all in the relationship's domains. Answers come by position; what concerns
// one of them is her Err.
type Remote interface {
	GetMailTips(ctx context.Context, rel *orgrel.OrganizationRelationship, q MailTipsQuery) ([]MailTipsResult, error)
	GetUserPhoto(ctx context.Context, rel *orgrel.OrganizationRelationship, q PhotoQuery) (*Picture, error)
}

// remoteTimeout is the deadline of a partner, that of free/busy.
const remoteTimeout = 25 * time.Second

// partners is a question to partners whose relationship is usable for it.
func (s *Service) partners(usable fanout.Usable, fail func(at []int, err error),
	ask func(ctx context.Context, rel *orgrel.OrganizationRelationship, at []int) (func(), error)) fanout.Round {
	if s.Remote == nil {
		ask = func(context.Context, *orgrel.OrganizationRelationship, []int) (func(), error) {
			return nil, fault.Because(fault.ProxyRequestFailed, errors.New("no way to partners is configured"))
		}
	}
	return fanout.Round{Relationships: s.Relationships, Usable: usable, Deadline: remoteTimeout, Ask: ask, Fail: fail}
}

// granting is the relationship by which a partner is answered, where what it gives has a name. Where it gives nothing of
// what is asked, and for whatever reason, the error has the kind refused: the partner learns nothing of our configuration.
func (s *Service) granting(ctx context.Context, r orgrel.Requester, asked string, refused fault.Kind, gives func(*orgrel.OrganizationRelationship) string) (*orgrel.OrganizationRelationship, error) {
	start, rec := time.Now(), record.From(ctx)
	rel, err := r.RelationshipBy(ctx, s.Relationships.RelationshipForDomain)
	if err != nil {
		rec.Failed(record.StepRelationshipFound, start, err.Error())
		return nil, fault.Because(fault.ServerBusy, err)
	}
	switch {
	case !r.May(orgrel.ActionFreeBusy):
		err = fmt.Errorf("the token is for %v and not for free/busy", r.Actions)
	case rel == nil:
		err = fmt.Errorf("no organization relationship has the domain %s", r.Domain)
	case gives(rel) == "":
		err = fmt.Errorf("organization relationship %q gives no %s", rel.Name, asked)
	default:
		rec.Done(record.StepRelationshipFound, start, fmt.Sprintf("%q is the relationship of %s: %s", rel.Name, r.Address, gives(rel)))
		return rel, nil
	}
	rec.Failed(record.StepRelationshipFound, start, err.Error())
	return nil, fault.Because(refused, err)
}
