// Package timezone: IANA and Windows zones, VTIMEZONE, SerializableTimeZone and TimeZoneDefinition.
package timezone

import "time"

// Zone places wall-clock times on the time line and back. Immutable, safe for concurrent use.
type Zone struct {
	name string
	loc  *time.Location // one of loc, rules
	// TODO rules
}

// UTC is the zone without offset.
func UTC() *Zone { return FromLocation(time.UTC) }

// FromLocation wraps an IANA location.
func FromLocation(l *time.Location) *Zone { return &Zone{name: l.String(), loc: l} }

// Lookup finds a zone by IANA name, Windows name, alias, Outlook display name or prefixed TZID.
func Lookup(name string) (*Zone, error) { panic("not built yet") }

// Name is the name the zone was looked up by (IANA where known).
func (z *Zone) Name() string { return z.name }

// WindowsName is the Windows name of the zone, "" if there is none.
func (z *Zone) WindowsName() string { panic("not built yet") }

// Instant places a wall-clock time (the fields of wall, whatever its location): skipped times move forward by the gap,
// ambiguous times are the first (daylight) instant as RFC 5545 §3.3.5 says.
func (z *Zone) Instant(wall time.Time) time.Time { panic("not built yet") }

// InstantStandard is Instant, but ambiguous times are the second (standard) instant ([MS-OXWAVLS] requests).
func (z *Zone) InstantStandard(wall time.Time) time.Time { panic("not built yet") }

// Wall returns the wall-clock time of an instant, as a time.Time in UTC whose fields are the local ones.
func (z *Zone) Wall(t time.Time) time.Time { panic("not built yet") }

// Serializable is t:SerializableTimeZone ([MS-OXWAVLS] 2.2.4.x): UTC = local + Bias minutes.
type Serializable struct {
	Bias               int
	Standard, Daylight SerializableTransition
}

// SerializableTransition is t:SerializableTimeZoneTime: the transition INTO the period.
type SerializableTransition struct {
	Bias      int           // added to the outer Bias
	Time      time.Duration // local wall clock since midnight
	DayOrder  int           // 1..4 nth, 5 last; day of the month when Year is set; 0 no DST
	Month     int           // 1..12, 0 no DST
	DayOfWeek time.Weekday
	Year      int // 0 = every year
}

// FromSerializable builds the zone a request brings in its body.
func FromSerializable(s Serializable) (*Zone, error) { panic("not built yet") }

// Serializable returns the rule in force at the instant, fit for .NET readers (no DST: Month 0, DayOrder 0 in both halves).
func (z *Zone) Serializable(at time.Time) Serializable { panic("not built yet") }

// Definition is t:TimeZoneDefinition.
type Definition struct {
	ID, Name    string
	Periods     []Period
	Groups      []Group
	Transitions []Transition
}

// Period is one t:Period.
type Period struct {
	ID, Name string
	Bias     time.Duration // UTC = local + Bias
}

// Group is one t:TransitionsGroup.
type Group struct {
	ID          string
	Transitions []Transition
}

// TransitionKind tells the element of the substitution group t:Transition.
type TransitionKind uint8

// The kinds.
const (
	TransitionPlain TransitionKind = iota // t:Transition
	TransitionAbsoluteDate
	TransitionRecurringDay
	TransitionRecurringDate
)

// Transition is one element of the substitution group t:Transition.
type Transition struct {
	Kind       TransitionKind
	ToGroup    bool          // t:To Kind="Group", else a period
	To         string        // id
	DateTime   time.Time     // absolute: wall clock
	TimeOffset time.Duration // recurring: local time since midnight
	Month      time.Month
	DayOfWeek  time.Weekday
	Occurrence int // 1..4, -1 = last
	Day        int
}

// FromDefinition builds the zone of a TimeZoneContext header; without periods it looks the id up.
func FromDefinition(d Definition) (*Zone, error) { panic("not built yet") }
