package admin

import (
	"context"
	"slices"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// DefaultUser is the entry of a calendar's permissions for everybody without one of their own.
const DefaultUser = "Default"

// calendarNames are the names that clients of some languages give a mailbox's calendar folder.
var calendarNames = [...]string{"Calendar", "Kalender", "Calendrier", "Calendario", "Calendário", "Agenda", "Kalendarz", "Kalendář", "Kalenteri",
	"Naptár", "Takvim", "Календарь", "Календар", "Ημερολόγιο", "予定表", "日历", "行事曆", "일정"}

// calendarOf takes the folder off an identity such as tom:\Calendar. A mailbox has one calendar, and no other folder.
func calendarOf(identity string) (string, error) {
	owner, folder, ok := strings.Cut(identity, `:\`)
	if ok && !slices.ContainsFunc(calendarNames[:], func(n string) bool { return strings.EqualFold(n, folder) }) {
		return "", fault.New(fault.NotFound, `there is no folder %q; the calendar is %s:\Calendar`, folder, owner)
	}
	return owner, nil
}

// PermissionEntry is one entry of a calendar's permissions (Get-MailboxFolderPermission).
type PermissionEntry struct {
	Identity     string // of the calendar: tom@contoso.example:\Calendar
	User         string // Default, or the address of an own user
	AccessRights mailbox.Permission
}

// Permissions lists the entries of a calendar, Default first, or only that of user where it is not empty. The identity is
// one of [Admin.MailboxNamed], with or without :\Calendar behind it.
func (a *Admin) Permissions(ctx context.Context, identity, user string) ([]PermissionEntry, error) {
	m, err := a.calendar(ctx, identity)
	if err != nil {
		return nil, err
	}
	folder := m.Address.String() + `:\Calendar`
	out := []PermissionEntry{{folder, DefaultUser, m.DefaultPermission}}
	for _, e := range m.CalendarPermissions {
		out = append(out, PermissionEntry{folder, e.User.String(), e.AccessRights})
	}
	if user == "" {
		return out, nil
	}
	who, err := a.grantee(ctx, m, user)
	if err != nil {
		return nil, err
	}
	for _, e := range out {
		if e.User == who.String() || who.IsZero() && e.User == DefaultUser {
			return []PermissionEntry{e}, nil
		}
	}
	return nil, noEntry(m, who)
}

func noEntry(m *mailbox.Mailbox, who smtpaddr.Address) error {
	return fault.New(fault.NotFound, "the calendar of %s has no permission for %s", m.Address, who)
}

// SetPermission makes or changes an entry of a calendar's permissions: Default, or that of one of our own users
// (Add-MailboxFolderPermission, Set-MailboxFolderPermission). What partners see is never more than Default.
func (a *Admin) SetPermission(ctx context.Context, identity, user string, to mailbox.Permission) (*mailbox.Mailbox, error) {
	m, err := a.calendar(ctx, identity)
	if err != nil {
		return nil, err
	}
	who, err := a.grantee(ctx, m, user)
	if err != nil {
		return nil, err
	}
	p := MailboxParams{DefaultPermission: &to}
	if !who.IsZero() {
		list := without(m.CalendarPermissions, who)
		list = append(list, mailbox.CalendarPermission{User: who, AccessRights: to})
		p = MailboxParams{CalendarPermissions: &list}
	}
	return a.setMailbox(ctx, "mailbox permission set", m.Address, p)
}

// RemovePermission removes the entry of one of our own users, for whom Default then counts
// (Remove-MailboxFolderPermission).
func (a *Admin) RemovePermission(ctx context.Context, identity, user string) error {
	m, err := a.calendar(ctx, identity)
	if err != nil {
		return err
	}
	who, err := a.grantee(ctx, m, user)
	if err != nil {
		return err
	}
	if who.IsZero() {
		return fault.New(fault.Invalid, "Default cannot be removed; set it to None")
	}
	list := without(m.CalendarPermissions, who)
	if len(list) == len(m.CalendarPermissions) {
		return noEntry(m, who)
	}
	_, err = a.setMailbox(ctx, "mailbox permission remove", m.Address, MailboxParams{CalendarPermissions: &list})
	return err
}

// removeGrants removes what other calendars grant to a mailbox that is about to go: the next holder of its address must
// not inherit it.
func (a *Admin) removeGrants(ctx context.Context, to smtpaddr.Address) error {
	for m, err := range a.Mailboxes(ctx) {
		if err != nil {
			return err
		}
		if _, named := m.PermissionFor(to); !named {
			continue
		}
		list := without(m.CalendarPermissions, to)
		if _, err := a.setMailbox(ctx, "mailbox permission remove", m.Address, MailboxParams{CalendarPermissions: &list}); err != nil {
			return err
		}
	}
	return nil
}

func without(list []mailbox.CalendarPermission, user smtpaddr.Address) []mailbox.CalendarPermission {
	return slices.DeleteFunc(slices.Clone(list), func(e mailbox.CalendarPermission) bool { return e.User == user })
}

func (a *Admin) calendar(ctx context.Context, identity string) (*mailbox.Mailbox, error) {
	owner, err := calendarOf(identity)
	if err != nil {
		return nil, err
	}
	return a.MailboxNamed(ctx, owner)
}

// grantee is the primary address of the own user of that name; zero for Default.
func (a *Admin) grantee(ctx context.Context, owner *mailbox.Mailbox, user string) (smtpaddr.Address, error) {
	switch {
	case strings.EqualFold(user, DefaultUser):
		return smtpaddr.Address{}, nil
	case strings.EqualFold(user, "Anonymous"):
		return smtpaddr.Address{}, fault.New(fault.Invalid, "there is no Anonymous entry: what other organizations see is up to relationships and Default")
	}
	m, err := a.MailboxNamed(ctx, user)
	if err != nil {
		return smtpaddr.Address{}, err
	}
	if m.ID == owner.ID {
		return smtpaddr.Address{}, fault.New(fault.Invalid, "%s is the calendar's owner and sees everything", m.Address)
	}
	return m.Address, nil
}
