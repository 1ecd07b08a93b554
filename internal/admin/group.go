package admin

import (
	"context"
	"errors"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// GroupParams are the settable properties of a group.
type GroupParams struct {
	DisplayName *string
	Members     *[]smtpaddr.Address // mailboxes, groups or outside addresses
}

// SetGroup creates a group or changes what p gives of it.
func (a *Admin) SetGroup(ctx context.Context, address smtpaddr.Address, p GroupParams) (*mailbox.Group, error) {
	g, err := a.Store.Group(ctx, address)
	var old *mailbox.Group
	switch {
	case err == nil:
		was := *g
		old = &was
	case errors.Is(err, store.ErrNotFound):
		g = &mailbox.Group{Address: address, DisplayName: address.Local()}
	default:
		return nil, problem(err)
	}
	set(&g.DisplayName, p.DisplayName)
	set(&g.Members, p.Members)
	var before any
	if old != nil {
		before = old
	}
	detail := changes(before, g)
	if detail == "" {
		return g, nil
	}
	return g, problem(a.Store.PutGroup(a.audited(ctx, "group set", address.String(), detail), g))
}

// Group finds a group by its address.
func (a *Admin) Group(ctx context.Context, address smtpaddr.Address) (*mailbox.Group, error) {
	g, err := a.Store.Group(ctx, address)
	return g, problem(err)
}

// Groups lists all groups by address.
func (a *Admin) Groups(ctx context.Context) ([]*mailbox.Group, error) {
	groups, err := a.Store.Groups(ctx)
	return groups, problem(err)
}

// RemoveGroup removes a group that is no relationship's scope: without its group a relationship would show nobody.
func (a *Admin) RemoveGroup(ctx context.Context, address smtpaddr.Address) error {
	g, err := a.Group(ctx, address)
	if err != nil {
		return err
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	for _, r := range cfg.Relationships {
		if r.FreeBusyAccessScope == address || r.MailTipsAccessScope == address {
			return fault.New(fault.Conflict, "group %s is the scope of organization relationship %q", address, r.Name)
		}
	}
	return problem(a.Store.DeleteGroup(a.audited(ctx, "group remove", address.String(), changes(g, nil)), address))
}
