package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// AddContact makes a contact (New-MailContact): a person at a partner under an address of ours. With both addresses the
// same it stands in the address list only.
func (a *Admin) AddContact(ctx context.Context, c *mailbox.Contact) error {
	switch old, err := a.Store.Contact(ctx, c.Address); {
	case err == nil:
		return fault.New(fault.Conflict, "%s is a contact already, for %s", c.Address, old.Target)
	case !errors.Is(err, store.ErrNotFound):
		return problem(err)
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	if err := a.checkContact(cfg, c); err != nil {
		return err
	}
	a.warnOfTarget(cfg, c.Target.Domain())
	return problem(a.Store.PutContacts(a.audited(ctx, "contact add", c.Address.String(), changes(nil, c)), []*mailbox.Contact{c}))
}

// ImportContacts makes contacts or replaces those of the same address, all or none. name is the source's, for messages
// and the audit.
func (a *Admin) ImportContacts(ctx context.Context, name string, list []*mailbox.Contact) error {
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	domains := map[smtpaddr.Domain]bool{}
	seen := map[smtpaddr.Address]bool{}
	for _, c := range list {
		if err := a.checkContact(cfg, c); err != nil {
			return fault.New(fault.KindOf(err), "%s: nothing was imported: %s", name, fault.As(err).Text())
		}
		if seen[c.Address] {
			return fault.New(fault.Conflict, "%s: nothing was imported: %s is there twice", name, c.Address)
		}
		seen[c.Address] = true
		if !domains[c.Target.Domain()] {
			domains[c.Target.Domain()] = true
			a.warnOfTarget(cfg, c.Target.Domain())
		}
	}
	detail := changes(nil, struct {
		File     string
		Contacts int
	}{name, len(list)})
	return problem(a.Store.PutContacts(a.audited(ctx, "contact import", name, detail), list))
}

func (a *Admin) checkContact(cfg *store.Config, c *mailbox.Contact) error {
	switch own := cfg.Organization.Owns; {
	case own(c.Target.Domain()):
		return fault.New(fault.Invalid, "%s is one of our own domains, and a contact stands for somebody elsewhere", c.Target.Domain())
	case c.Address != c.Target && !own(c.Address.Domain()):
		return fault.New(fault.Invalid, "%s is not one of our domains: nobody would ask us about %s", c.Address.Domain(), c.Address)
	case c.Address.Domain() == cfg.Organization.AccountNamespace:
		return fault.New(fault.Invalid, "%s is the account namespace, in which nobody has an address", c.Address.Domain())
	case strings.ContainsAny(c.DisplayName, "\r\n"):
		return fault.New(fault.Invalid, "a display name is one line")
	}
	if c.DisplayName == "" {
		c.DisplayName = c.Address.Local()
	}
	return nil
}

func (a *Admin) warnOfTarget(cfg *store.Config, d smtpaddr.Domain) {
	for _, r := range cfg.Relationships {
		if r.Covers(d) {
			return
		}
	}
	a.warn(fmt.Sprintf("no organization relationship has the domain %s: nobody can be asked there", d))
}

// Contacts yields all of them by own address, reading a page at a time. An error is the last thing it yields.
func (a *Admin) Contacts(ctx context.Context) iter.Seq2[*mailbox.Contact, error] {
	return paged(ctx, a.Store.Contacts, func(c *mailbox.Contact) smtpaddr.Address { return c.Address })
}

// ContactsLike yields those whose own address, target or name is the identity, or matches its * and ?.
func (a *Admin) ContactsLike(ctx context.Context, identity string) iter.Seq2[*mailbox.Contact, error] {
	is := named(identity)
	return func(yield func(*mailbox.Contact, error) bool) {
		for c, err := range a.Contacts(ctx) {
			if err == nil && !is(c.DisplayName) && !is(c.Address.String()) && !is(c.Target.String()) {
				continue
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// RemoveContact removes a contact by its own address.
func (a *Admin) RemoveContact(ctx context.Context, address smtpaddr.Address) error {
	c, err := a.Store.Contact(ctx, address)
	if err != nil {
		return problem(err)
	}
	return problem(a.Store.DeleteContact(a.audited(ctx, "contact remove", address.String(), changes(c, nil)), address))
}
