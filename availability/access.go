package availability

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// ceiling is the most that the requester may see of anybody here, and the group it is held to.
func (s *Service) ceiling(ctx context.Context, r orgrel.Requester) (level orgrel.AccessLevel, scope smtpaddr.Address, err error) {
	if !r.External {
		return orgrel.LimitedDetails, smtpaddr.Address{}, nil
	}
	start, rec := time.Now(), record.From(ctx)
	if !r.May(orgrel.ActionFreeBusy) {
		rec.Failed(record.StepRelationshipFound, start, fmt.Sprintf("the token is for %v and not for free/busy", r.Actions))
		return orgrel.None, scope, nil
	}
	rel, err := r.RelationshipBy(ctx, s.Relationships.RelationshipForDomain)
	switch {
	case err != nil:
		rec.Failed(record.StepRelationshipFound, start, err.Error())
		return orgrel.None, scope, fault.Because(fault.ServerBusy, err)
	case rel == nil:
		rec.Failed(record.StepRelationshipFound, start, fmt.Sprintf("no organization relationship has the domain %s", r.Domain))
		return orgrel.None, scope, nil
	case !rel.Enabled || !rel.FreeBusyAccessEnabled:
		rec.Failed(record.StepRelationshipFound, start, fmt.Sprintf("organization relationship %q is disabled, or its free/busy access is", rel.Name))
		return orgrel.None, scope, nil
	}
	rec.Done(record.StepRelationshipFound, start, fmt.Sprintf("%q is the relationship of %s: FreeBusyAccessLevel %s", rel.Name, r.Address, rel.Grants()))
	return rel.Grants(), rel.FreeBusyAccessScope, nil
}

// ownerGrants is what the owner of a calendar lets the requester see, and by which of its entries: for own users the one
// under their name, where there is one, else Default. For partners only Default counts, whoever asks there.
func ownerGrants(r orgrel.Requester, c mailbox.Calendar) (level orgrel.AccessLevel, by string) {
	if !r.External && c.Mailbox != nil {
		if owns(r, c.Mailbox) {
			return orgrel.LimitedDetails, "the owner, who sees everything"
		}
		if p, named := c.Mailbox.PermissionFor(r.Address); named {
			return Contributes(p), fmt.Sprintf("the owner's permission for %s: %s", r.Address, p)
		}
	}
	return Contributes(c.DefaultPermission), fmt.Sprintf("the owner's Default permission: %s", c.DefaultPermission)
}

// owns tells whether the mailbox is the requester's own. Nobody from outside owns one, whatever account he came by.
func owns(r orgrel.Requester, m *mailbox.Mailbox) bool {
	return !r.External && (r.Address == m.Address || slices.Contains(m.Aliases, r.Address))
}

// Contributes is what a calendar permission lets its holder see of free/busy.
func Contributes(p mailbox.Permission) orgrel.AccessLevel {
	switch {
	case p <= mailbox.Contributor:
		return orgrel.None
	case p == mailbox.AvailabilityOnly:
		return orgrel.AvailabilityOnly
	}
	return orgrel.LimitedDetails
}
