package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// GroupParams are the settable properties of a group.
type GroupParams struct {
	DisplayName *string
	Members     *[]smtpaddr.Address // mailboxes, groups or outside addresses
	RoomList    *bool               // its members are rooms
	Hidden      *bool               // HiddenFromAddressListsEnabled
	Delivery    DeliveryParams
}

// auditedGroup is a group as the audit has it.
type auditedGroup struct {
	DisplayName string
	Members     []smtpaddr.Address
	RoomList    bool
	mailbox.Delivery
	HiddenFromAddressListsEnabled bool
}

func groupForAudit(g *mailbox.Group) auditedGroup {
	return auditedGroup{g.DisplayName, g.Members, g.RoomList, g.Delivery, g.HiddenFromAddressListsEnabled}
}

// CreateGroup makes a group (New-DistributionGroup).
func (a *Admin) CreateGroup(ctx context.Context, address smtpaddr.Address, p GroupParams) (*mailbox.Group, error) {
	switch _, err := a.Store.Group(ctx, address); {
	case err == nil:
		return nil, fault.New(fault.Conflict, "there is a group %s already", address)
	case !errors.Is(err, store.ErrNotFound):
		return nil, problem(err)
	}
	g := &mailbox.Group{Address: address, DisplayName: address.Local()}
	if err := a.applyGroup(ctx, g, p); err != nil {
		return nil, err
	}
	return g, problem(a.Store.PutGroup(a.audited(ctx, "group create", address.String(), changes(nil, groupForAudit(g))), g))
}

// SetGroup changes what p gives of a group.
func (a *Admin) SetGroup(ctx context.Context, address smtpaddr.Address, p GroupParams) (*mailbox.Group, error) {
	g, err := a.Group(ctx, address)
	if err != nil {
		return nil, err
	}
	old := *g
	if err := a.applyGroup(ctx, g, p); err != nil {
		return nil, err
	}
	detail := changes(groupForAudit(&old), groupForAudit(g))
	if detail == "" {
		return g, nil
	}
	return g, problem(a.Store.PutGroup(a.audited(ctx, "group set", address.String(), detail), g))
}

func (a *Admin) applyGroup(ctx context.Context, g *mailbox.Group, p GroupParams) error {
	set(&g.DisplayName, p.DisplayName)
	set(&g.Members, p.Members)
	set(&g.RoomList, p.RoomList)
	set(&g.HiddenFromAddressListsEnabled, p.Hidden)
	if strings.ContainsAny(g.DisplayName, "\r\n") {
		return fault.New(fault.Invalid, "a display name is one line")
	}
	if err := a.applyDelivery(ctx, &g.Delivery, p.Delivery); err != nil || !g.RoomList {
		return err
	}
	members, err := a.Store.Recipients(ctx, g.Members, smtpaddr.Address{})
	if err != nil {
		return problem(err)
	}
	for i, m := range members {
		if room := m.Mailbox != nil && m.Mailbox.ResourceType == mailbox.Room || m.Group != nil && m.Group.RoomList; !room {
			a.warn(fmt.Sprintf("%s is no room, and stands in the list of rooms %s", g.Members[i], g.Address))
		}
	}
	return nil
}

// Rooms are the rooms of a list as it has them, or all by address where list is zero.
func (a *Admin) Rooms(ctx context.Context, list smtpaddr.Address) (rooms []*mailbox.Mailbox, err error) {
	if list.IsZero() {
		for m, err := range a.Mailboxes(ctx) {
			if err != nil {
				return nil, err
			}
			if m.ResourceType == mailbox.Room {
				rooms = append(rooms, m)
			}
		}
		return rooms, nil
	}
	g, err := a.Group(ctx, list)
	if err != nil {
		return nil, err
	}
	if !g.RoomList {
		return nil, fault.New(fault.Invalid, "%s is no list of rooms", list)
	}
	members, err := a.Store.Recipients(ctx, g.Members, smtpaddr.Address{})
	for _, m := range members {
		if m.Mailbox != nil && m.Mailbox.ResourceType == mailbox.Room {
			rooms = append(rooms, m.Mailbox)
		}
	}
	return rooms, problem(err)
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
	return problem(a.Store.DeleteGroup(a.audited(ctx, "group remove", address.String(), changes(groupForAudit(g), nil)), address))
}
