package store

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
)

// Horizon around now within which occurrences are derived on write.
const (
	HorizonBack  = 2 * 366 * 24 * time.Hour
	HorizonAhead = 2 * 366 * 24 * time.Hour
	LongItem     = 31 * 24 * time.Hour // longer items lie in a range of their own
)

// Flags of an occurrence as stored.
const (
	flagMeeting = 1 << iota
	flagRecurring
	flagException
	flagReminder
	flagPrivate
	flagAllDay
)

// Flags packs the booleans of an occurrence.
func Flags(o mailbox.Occurrence) (f int) {
	for i, b := range []bool{o.IsMeeting, o.IsRecurring, o.IsException, o.IsReminderSet, o.IsPrivate, o.AllDay} {
		if b {
			f |= 1 << i
		}
	}
	return f
}

// SetFlags unpacks them.
func SetFlags(o *mailbox.Occurrence, f int) {
	o.IsMeeting, o.IsRecurring, o.IsException = f&flagMeeting != 0, f&flagRecurring != 0, f&flagException != 0
	o.IsReminderSet, o.IsPrivate, o.AllDay = f&flagReminder != 0, f&flagPrivate != 0, f&flagAllDay != 0
}

// Prepared is one object ready to be stored.
type Prepared struct {
	UID         string
	Data        []byte
	First, Last time.Time // hold every occurrence
	From, Until time.Time // the horizon it was expanded for
	Occurrences []mailbox.Occurrence
}

// Prepare parses and expands an object for the horizon around now. An object that cannot be expanded within its limits
// is refused.
func Prepare(uid string, data []byte, zone *timezone.Zone, now time.Time) (*Prepared, error) {
	o, err := icalendar.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("event %.60q: %w", uid, err)
	}
	p := &Prepared{UID: uid, Data: data, From: now.Add(-HorizonBack).Truncate(24 * time.Hour), Until: now.Add(HorizonAhead).Truncate(24 * time.Hour)}
	p.First, p.Last = recurrence.Span(o, zone)
	limits := recurrence.DefaultLimits()
	limits.Time = time.Second
	if p.Occurrences, err = recurrence.Expand(o, p.From, p.Until, zone, limits); err != nil {
		return nil, fmt.Errorf("event %.60q: %w", uid, err)
	}
	return p, nil
}

// ExpandOutside expands a stored object for a window that its horizon does not hold.
func ExpandOutside(data []byte, from, until time.Time, zone *timezone.Zone) ([]mailbox.Occurrence, error) {
	o, err := icalendar.Parse(data)
	if err != nil {
		return nil, err
	}
	return recurrence.Expand(o, from, until, zone, recurrence.DefaultLimits())
}

// PrepareAll reads src to its end.
func PrepareAll(src ImportSource, zone *timezone.Zone, now time.Time) ([]*Prepared, error) {
	var out []*Prepared
	for {
		uid, data, err := src.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		p, err := Prepare(uid, data, zone, now)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
}

// Zone resolves a mailbox's zone; an empty name is UTC.
func Zone(name string) (*timezone.Zone, error) {
	if name == "" {
		return timezone.UTC(), nil
	}
	return timezone.Lookup(name)
}
