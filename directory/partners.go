package directory

import (
	"context"
	"errors"
	"time"

	"github.com/availd/availd/internal/fanout"
	"github.com/availd/availd/internal/fault"
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

// relationshipOf is the one that a partner's account is bound to, else the one of the requester's domain; nil, nil where
// there is none.
func (s *Service) relationshipOf(ctx context.Context, r orgrel.Requester) (*orgrel.OrganizationRelationship, error) {
	if r.Relationship != nil {
		return r.Relationship, nil
	}
	return s.Relationships.RelationshipForDomain(ctx, r.Domain)
}
