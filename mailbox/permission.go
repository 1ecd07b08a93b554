package mailbox

import (
	"fmt"
	"strings"

	"github.com/availd/availd/smtpaddr"
)

// Permission is a calendar folder permission by Exchange's name (Set-MailboxFolderPermission -AccessRights).
type Permission uint8

// The permissions, by how much of free/busy they open.
const (
	PermissionNone Permission = iota
	Contributor
	AvailabilityOnly
	LimitedDetails
	Reviewer
	NonEditingAuthor
	Author
	PublishingAuthor
	Editor
	PublishingEditor
	Owner
)

var permissionNames = [...]string{"None", "Contributor", "AvailabilityOnly", "LimitedDetails", "Reviewer", "NonEditingAuthor",
	"Author", "PublishingAuthor", "Editor", "PublishingEditor", "Owner"}

// String returns Exchange's name.
func (p Permission) String() string { return permissionNames[p] }

// ParsePermission reads Exchange's name in any case; the EWS schema's FreeBusyTimeOnly and
// FreeBusyTimeAndSubjectAndLocation are understood too.
func ParsePermission(s string) (Permission, error) {
	switch strings.ToLower(s) {
	case "freebusytimeonly":
		return AvailabilityOnly, nil
	case "freebusytimeandsubjectandlocation":
		return LimitedDetails, nil
	}
	for i, n := range permissionNames {
		if strings.EqualFold(n, s) {
			return Permission(i), nil
		}
	}
	return PermissionNone, fmt.Errorf("calendar permission %q is not one of %s", s, strings.Join(permissionNames[:], ", "))
}

// MarshalText writes Exchange's name.
func (p Permission) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads Exchange's name.
func (p *Permission) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePermission(string(b))
	return err
}

// CalendarPermission is an entry of a calendar's permissions for one of our own mailboxes.
type CalendarPermission struct {
	User         smtpaddr.Address `json:"User"` // its primary address
	AccessRights Permission       `json:"AccessRights"`
}

// PermissionFor is what user holds on the calendar, and whether by an entry of his own: that one counts, also where it
// is less than Default.
func (m *Mailbox) PermissionFor(user smtpaddr.Address) (p Permission, named bool) {
	for _, e := range m.CalendarPermissions {
		if e.User == user {
			return e.AccessRights, true
		}
	}
	return m.DefaultPermission, false
}
