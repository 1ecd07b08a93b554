// Package mailbox holds mailboxes, calendar items as free/busy sees them, permissions and working hours.
package mailbox

import (
	"fmt"
	"time"

	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/smtpaddr"
)

// BusyType is LegacyFreeBusyStatus ([MS-OXWAVLS] 2.2.5.x). The zero value is Free; unknown data is NoData, never Free.
type BusyType uint8

// The busy types; up to NoData the value is the digit of MergedFreeBusy.
const (
	Free BusyType = iota
	Tentative
	Busy
	OOF
	NoData
	WorkingElsewhere
)

var busyNames = [...]string{"Free", "Tentative", "Busy", "OOF", "NoData", "WorkingElsewhere"}

// String returns the schema's name.
func (b BusyType) String() string { return busyNames[b] }

// ParseBusyType reads the schema's name exactly.
func ParseBusyType(s string) (BusyType, error) {
	for i, n := range busyNames {
		if n == s {
			return BusyType(i), nil
		}
	}
	return NoData, fmt.Errorf("busy type %q is unknown", s)
}

// WorkingHours are one or more periods of the week in the mailbox's zone.
type WorkingHours struct {
	Periods []WorkingPeriod
}

// WorkingPeriod holds on some days from Start to End, minutes since midnight (0..1440).
type WorkingPeriod struct {
	Days       []time.Weekday
	Start, End int
}

// DefaultWorkingHours is Monday to Friday, 8:00 to 17:00, as Exchange sets on a new mailbox.
func DefaultWorkingHours() WorkingHours {
	return WorkingHours{[]WorkingPeriod{{[]time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, 480, 1020}}}
}

// Mailbox is one own user, room or piece of equipment.
type Mailbox struct {
	ID                int64              `json:"-"` // made by the store on creation
	Address           smtpaddr.Address   `json:"PrimarySmtpAddress"`
	Aliases           []smtpaddr.Address `json:"EmailAddresses"`
	DisplayName       string             `json:"DisplayName"`
	Zone              string             `json:"TimeZone"` // IANA or Windows name, resolvable by timezone.Lookup
	WorkingHours      WorkingHours       `json:"WorkingHours"`
	DefaultPermission Permission         `json:"DefaultPermission"` // the calendar's Default entry
	// CalendarPermissions are the calendar's entries for persons by name; they count for own users only.
	CalendarPermissions []CalendarPermission `json:"CalendarPermissions,omitempty"`
	PasswordHash        string               `json:"-"` // argon2id, PHC string; empty = no password login
	ResourceType        ResourceType         `json:"ResourceType,omitempty"`
	Delivery            Delivery             `json:"Delivery,omitzero"`
	// HiddenFromAddressListsEnabled keeps the mailbox from being found by name and out of the lists of rooms.
	HiddenFromAddressListsEnabled bool `json:"HiddenFromAddressListsEnabled,omitempty"`
}

// ResourceType is what a mailbox is where it is no person.
type ResourceType string

// The resource types.
const (
	Person    ResourceType = ""
	Room      ResourceType = "Room"
	Equipment ResourceType = "Equipment"
)

// Delivery is what senders are told of a recipient before they send (MailTips). availd delivers no mail: it says what the
// administrator or the mail platform has set.
type Delivery struct {
	MailTip                            string             `json:"MailTip,omitempty"`        // text shown to senders
	MaxReceiveSize                     int64              `json:"MaxReceiveSize,omitempty"` // bytes; 0: no limit is known
	MailboxFull                        bool               `json:"MailboxFull,omitempty"`
	ModerationEnabled                  bool               `json:"ModerationEnabled,omitempty"`
	RequireSenderAuthenticationEnabled bool               `json:"RequireSenderAuthenticationEnabled,omitempty"` // nobody from outside may send
	AcceptMessagesOnlyFrom             []smtpaddr.Address `json:"AcceptMessagesOnlyFrom,omitempty"`             // empty: everybody
}

// Contact is a person at a partner under an address of our own: who asks for Address means the calendar of Target
// (New-MailContact).
type Contact struct {
	Address     smtpaddr.Address `json:"PrimarySmtpAddress"`
	Target      smtpaddr.Address `json:"ExternalEmailAddress"`
	DisplayName string           `json:"DisplayName"`
}

// Addresses are all addresses of m, the primary one first.
func (m *Mailbox) Addresses() []smtpaddr.Address {
	return append([]smtpaddr.Address{m.Address}, m.Aliases...)
}

// Group is a distribution or security group; members may be mailboxes, other groups or outside addresses.
type Group struct {
	Address     smtpaddr.Address   `json:"PrimarySmtpAddress"`
	DisplayName string             `json:"DisplayName"`
	Members     []smtpaddr.Address `json:"Members"`
	RoomList    bool               `json:"RoomList,omitempty"` // its members are rooms, for room finders
	Delivery    Delivery           `json:"Delivery,omitzero"`
	// HiddenFromAddressListsEnabled keeps the group from being found by name and out of the lists of room lists.
	HiddenFromAddressListsEnabled bool `json:"HiddenFromAddressListsEnabled,omitempty"`
}

// Occurrence is one instance of a calendar item: half-open [Start, End) in UTC.
type Occurrence struct {
	UID           string
	Start, End    time.Time
	BusyType      BusyType
	AllDay        bool
	Subject       string
	Location      string
	IsMeeting     bool
	IsRecurring   bool
	IsException   bool
	IsReminderSet bool
	IsPrivate     bool
}

// CalendarQuery asks for the calendars of several mailboxes in one call.
type CalendarQuery struct {
	Addresses  []smtpaddr.Address
	Start, End time.Time        // half-open; occurrences that overlap come whole
	Scope      smtpaddr.Address // a group whose (nested) members only are in scope; zero = everyone
	Limit      int              // most occurrences per mailbox; one more is read so that "too many" is seen
}

// Calendar is one answer of a CalendarQuery, at the position of its address.
type Calendar struct {
	Found             bool     // false: no mailbox has this address
	Contact           *Contact // maybe where Found is false: the calendar is its target's
	Group             *Group   // maybe where Found is false: the calendars are its members'
	Nested            []*Group // with Group: groups by which its members are found, all those inside it among them
	Mailbox           *Mailbox
	InScope           bool
	DefaultPermission Permission
	Zone              *timezone.Zone
	Version           int64        // of the calendar; moves with every change of it
	Occurrences       []Occurrence // by start, then end
	Err               error        // reading this calendar failed; the others are unaffected
}
