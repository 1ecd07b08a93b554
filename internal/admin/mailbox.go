package admin

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/login"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

const pageSize = 1000 // mailboxes or contacts read at once

// MailboxParams are the settable properties of a mailbox.
type MailboxParams struct {
	DisplayName         *string
	TimeZone            *string // IANA or Windows name
	EmailAddresses      *[]smtpaddr.Address
	WorkingHours        *mailbox.WorkingHours
	DefaultPermission   *mailbox.Permission // the calendar's Default entry
	CalendarPermissions *[]mailbox.CalendarPermission
	Password            *string
	ResourceType        *mailbox.ResourceType
	Hidden              *bool // HiddenFromAddressListsEnabled
	Delivery            DeliveryParams
}

func (a *Admin) applyMailbox(ctx context.Context, m *mailbox.Mailbox, p MailboxParams) error {
	set(&m.DisplayName, p.DisplayName)
	set(&m.Aliases, p.EmailAddresses)
	set(&m.WorkingHours, p.WorkingHours)
	set(&m.DefaultPermission, p.DefaultPermission)
	set(&m.CalendarPermissions, p.CalendarPermissions)
	set(&m.ResourceType, p.ResourceType)
	set(&m.HiddenFromAddressListsEnabled, p.Hidden)
	if err := a.applyDelivery(ctx, &m.Delivery, p.Delivery); err != nil {
		return err
	}
	if p.TimeZone != nil {
		if _, err := store.Zone(*p.TimeZone); err != nil {
			return invalid(err)
		}
		m.Zone = *p.TimeZone
	}
	if p.Password != nil {
		phc, err := login.NewPassword(*p.Password)
		if err != nil {
			return problem(err)
		}
		m.PasswordHash = phc
	}
	if slices.Contains(m.Aliases, m.Address) {
		return fault.New(fault.Invalid, "%s is the primary address and needs no alias", m.Address)
	}
	if strings.ContainsAny(m.DisplayName, "\r\n") {
		return fault.New(fault.Invalid, "a display name is one line")
	}
	return nil
}

// auditedMailbox is a mailbox as the audit has it: hours as people write them, and of the password only that it is another.
type auditedMailbox struct {
	PrimarySmtpAddress  string
	DisplayName         string
	EmailAddresses      []smtpaddr.Address
	TimeZone            string
	WorkingHours        string
	DefaultPermission   mailbox.Permission
	CalendarPermissions []mailbox.CalendarPermission
	Password            string
	ResourceType        mailbox.ResourceType
	mailbox.Delivery
	HiddenFromAddressListsEnabled bool
}

func forAudit(m *mailbox.Mailbox, newPassword bool) auditedMailbox {
	v := auditedMailbox{m.Address.String(), m.DisplayName, m.Aliases, m.Zone, m.WorkingHours.String(), m.DefaultPermission, m.CalendarPermissions, "", m.ResourceType, m.Delivery, m.HiddenFromAddressListsEnabled}
	switch {
	case newPassword:
		v.Password = "new"
	case m.PasswordHash != "":
		v.Password = "set"
	}
	return v
}

// CreateMailbox makes a mailbox with Exchange's defaults: working hours Mon-Fri 08:00-17:00, Default permission
// AvailabilityOnly; its zone is UTC unless given.
func (a *Admin) CreateMailbox(ctx context.Context, address smtpaddr.Address, p MailboxParams) (*mailbox.Mailbox, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	if address.Domain() == cfg.Organization.AccountNamespace {
		return nil, fault.New(fault.Invalid, "%s is the account namespace, in which nobody has a primary address", address.Domain())
	}
	m := &mailbox.Mailbox{Address: address, DisplayName: address.Local(), Zone: "UTC", WorkingHours: mailbox.DefaultWorkingHours(), DefaultPermission: mailbox.AvailabilityOnly}
	if err := a.applyMailbox(ctx, m, p); err != nil {
		return nil, err
	}
	for _, r := range cfg.Relationships {
		if r.Covers(address.Domain()) {
			return nil, fault.New(fault.Conflict, "domain %q belongs to the partner of organization relationship %q", address.Domain(), r.Name)
		}
	}
	if len(cfg.Organization.AcceptedDomains) > 0 && !cfg.Organization.Owns(address.Domain()) {
		a.warn(address.Domain().String() + " is not one of our domains: nobody can ask about this mailbox until availd accepted-domain add makes it one")
	}
	detail := changes(nil, forAudit(m, p.Password != nil))
	return m, problem(a.Store.CreateMailbox(a.audited(ctx, "mailbox create", address.String(), detail), m))
}

// SetMailbox changes what p gives.
func (a *Admin) SetMailbox(ctx context.Context, address smtpaddr.Address, p MailboxParams) (*mailbox.Mailbox, error) {
	return a.setMailbox(ctx, "mailbox set", address, p)
}

func (a *Admin) setMailbox(ctx context.Context, verb string, address smtpaddr.Address, p MailboxParams) (*mailbox.Mailbox, error) {
	m, err := a.Mailbox(ctx, address)
	if err != nil {
		return nil, err
	}
	old := *m
	if err := a.applyMailbox(ctx, m, p); err != nil {
		return nil, err
	}
	detail := changes(forAudit(&old, false), forAudit(m, p.Password != nil))
	if detail == "" {
		return m, nil
	}
	return m, problem(a.Store.UpdateMailbox(a.audited(ctx, verb, m.Address.String(), detail), m))
}

// Mailbox finds one by any of its addresses.
func (a *Admin) Mailbox(ctx context.Context, address smtpaddr.Address) (*mailbox.Mailbox, error) {
	m, err := a.Store.Mailbox(ctx, address)
	return m, problem(err)
}

// Mailboxes yields all of them by primary address, reading a page at a time. An error is the last thing it yields.
func (a *Admin) Mailboxes(ctx context.Context) iter.Seq2[*mailbox.Mailbox, error] {
	return paged(ctx, a.Store.Mailboxes, func(m *mailbox.Mailbox) smtpaddr.Address { return m.Address })
}

// paged yields what a store lists by address.
func paged[T any](ctx context.Context, list func(ctx context.Context, after smtpaddr.Address, limit int) ([]T, error), address func(T) smtpaddr.Address) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := (smtpaddr.Address{}); ; {
			page, err := list(ctx, after, pageSize)
			if err != nil {
				var none T
				yield(none, problem(err))
				return
			}
			for _, x := range page {
				if !yield(x, nil) {
					return
				}
				after = address(x)
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

// RemoveMailbox removes a mailbox with its calendar, and what others' calendars grant to it.
func (a *Admin) RemoveMailbox(ctx context.Context, address smtpaddr.Address) error {
	m, err := a.Mailbox(ctx, address)
	if err != nil {
		return err
	}
	if err := a.removeGrants(ctx, m.Address); err != nil {
		return err
	}
	detail := changes(forAudit(m, false), nil)
	return problem(a.Store.DeleteMailbox(a.audited(ctx, "mailbox remove", m.Address.String(), detail), m.Address))
}
