package directory

import (
	"context"
	"time"

	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Service answers from the address book what the requester may know.
type Service struct {
	Store         Store
	Relationships interface {
		// RelationshipForDomain finds the relationship whose DomainNames has d exactly; nil, nil when there is none.
		// Disabled ones are returned too.
		RelationshipForDomain(ctx context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error)
	}
	Organization interface {
		OwnDomain(ctx context.Context, d smtpaddr.Domain) (bool, error)
		OwnDomains(ctx context.Context) ([]smtpaddr.Domain, error) // in alphabetical order
	}
	Remote Remote           // nil: no partner can be asked
	Scaler *Scaler          // nil: photos are given as they are stored
	Now    func() time.Time // nil: time.Now
}

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
