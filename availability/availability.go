// Package availability is the Availability Service: query, merge, project, fan out.
package availability

import (
	"context"
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// FreeBusyViewType is [MS-OXWAVLS] FreeBusyViewType.
type FreeBusyViewType uint8

// The views.
const (
	ViewNone FreeBusyViewType = iota
	MergedOnly
	FreeBusy
	FreeBusyMerged
	Detailed
	DetailedMerged
)

// AttendeeType is [MS-OXWAVLS] MeetingAttendeeType.
type AttendeeType uint8

// The attendee types.
const (
	Organizer AttendeeType = iota
	Required
	Optional
	Room
	Resource
)

// Attendee is one entry of MailboxDataArray. A malformed Raw has a zero Address.
type Attendee struct {
	Raw              string // as the request had it, for error texts
	DisplayName      string
	Address          smtpaddr.Address
	RoutingType      string // "", "SMTP", "EX" ...
	Type             AttendeeType
	ExcludeConflicts bool
}

// Window is half-open.
type Window struct{ Start, End time.Time }

// Query is one GetUserAvailability request.
type Query struct {
	Requester      orgrel.Requester
	Mailboxes      []Attendee
	Window         Window
	MergedInterval time.Duration    // 0 = 30 minutes
	View           FreeBusyViewType // ViewNone with Suggestions: only those are asked
	Zone           *timezone.Zone   // of the request; answers are written in it
	Suggestions    *SuggestionsOptions

	inside bool // asked for the suggestions of an own user: nobody is shown the entries, so they keep their UIDs
}

// FreeBusyView is what one mailbox's reader may see, already projected.
type FreeBusyView struct {
	Type         FreeBusyViewType
	Merged       string               // digits, for the merged views
	Events       []mailbox.Occurrence // Subject and Location only where View is Detailed and they may be shown
	WorkingHours *mailbox.WorkingHours
	WorkingZone  timezone.Serializable // of WorkingHours: the rule in force at the window's start
}

// Result is one mailbox's answer, at the position of its Attendee.
type Result struct {
	View FreeBusyView
	Err  error // why there is no View: a *fault.Error, or anything else where a program failed; of a client it unwraps to what was answered
}

// Answer is the whole: the halves that were asked.
type Answer struct {
	Results     []Result // by position; nil where free/busy was not asked
	Suggestions *Suggestions
}

// Calendars reads calendars: one call per request whatever the number of mailboxes.
type Calendars interface {
	CalendarView(ctx context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error)
}

// Relationships finds the relationship whose DomainNames has d exactly; nil, nil when there is none. Disabled ones are returned too.
type Relationships interface {
	RelationshipForDomain(ctx context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error)
}

// Organization tells which domains are our own (accepted domains).
type Organization interface {
	OwnDomain(ctx context.Context, d smtpaddr.Domain) (bool, error)
}

// Remote asks a partner; one call per relationship with all its mailboxes; results by position.
type Remote interface {
	GetUserAvailability(ctx context.Context, rel *orgrel.OrganizationRelationship, q Query) ([]Result, error)
}
