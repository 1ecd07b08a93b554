package admin

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// wildcard compiles an identity with * and ? in it, without regard to case; nil where it has none.
func wildcard(identity string) *regexp.Regexp {
	if !strings.ContainsAny(identity, "*?") {
		return nil
	}
	quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(identity))
	return regexp.MustCompile("(?is)^" + quoted + "$")
}

// named tells whether a name is the identity, or matches its * and ?.
func named(identity string) func(name string) bool {
	if like := wildcard(identity); like != nil {
		return like.MatchString
	}
	return func(name string) bool { return strings.EqualFold(name, identity) }
}

// relationship finds the one that identity names: by its name, its GUID or one of its domains, in any case.
func relationship(cfg *store.Config, identity string) (*orgrel.OrganizationRelationship, error) {
	for _, names := range []func(r *orgrel.OrganizationRelationship) bool{
		func(r *orgrel.OrganizationRelationship) bool { return strings.EqualFold(r.Name, identity) },
		func(r *orgrel.OrganizationRelationship) bool { return strings.EqualFold(r.ID, identity) },
		func(r *orgrel.OrganizationRelationship) bool {
			d, err := smtpaddr.ParseDomainIDN(identity)
			return err == nil && r.Covers(d)
		},
	} {
		if i := slices.IndexFunc(cfg.Relationships, names); i >= 0 {
			return cfg.Relationships[i], nil
		}
	}
	if wildcard(identity) != nil {
		return nil, fault.New(fault.Invalid, "%q may name several relationships; pipe them: Get-OrganizationRelationship '%s' | …", identity, identity)
	}
	return nil, fault.New(fault.NotFound, "there is no organization relationship %q", identity)
}

// RelationshipsLike lists those whose name matches an identity with * or ?, or the one that identity names.
func (a *Admin) RelationshipsLike(ctx context.Context, identity string) ([]*orgrel.OrganizationRelationship, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	like := wildcard(identity)
	if like == nil {
		r, err := relationship(cfg, identity)
		return []*orgrel.OrganizationRelationship{r}, err
	}
	return slices.DeleteFunc(cfg.Relationships, func(r *orgrel.OrganizationRelationship) bool { return !like.MatchString(r.Name) }), nil
}

// MailboxesLike lists the mailboxes that identity names: an address, or the display name or the part of the primary
// address before @, both of which may have * and ? in them. Without wildcards, none found is an error.
func (a *Admin) MailboxesLike(ctx context.Context, identity string) ([]*mailbox.Mailbox, error) {
	like := wildcard(identity)
	if like == nil && strings.Contains(identity, "@") {
		address, err := smtpaddr.ParseAddress(identity)
		if err != nil {
			return nil, invalid(err)
		}
		m, err := a.Mailbox(ctx, address)
		return []*mailbox.Mailbox{m}, err
	}
	is := named(identity)
	var out []*mailbox.Mailbox
	for m, err := range a.Mailboxes(ctx) {
		if err != nil {
			return nil, err
		}
		if is(m.Address.Local()) || is(m.DisplayName) || is(m.Address.String()) {
			out = append(out, m)
		}
	}
	if len(out) == 0 && like == nil {
		return nil, fault.New(fault.NotFound, "mailbox %s: not found", identity)
	}
	return out, nil
}

// MailboxNamed finds exactly one mailbox by an identity as [Admin.MailboxesLike] has it.
func (a *Admin) MailboxNamed(ctx context.Context, identity string) (*mailbox.Mailbox, error) {
	list, err := a.MailboxesLike(ctx, identity)
	switch {
	case err != nil:
		return nil, err
	case len(list) != 1:
		return nil, fault.New(fault.Conflict, "%q names %d mailboxes; give an address", identity, len(list))
	}
	return list[0], nil
}
