// Package recurrence expands calendar objects into occurrences (RFC 5545 §3.8.5).
package recurrence

import (
	"errors"
	"slices"
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/timezone"
)

// MaxSteps is how many candidates of an object are looked at: the instances of 82 years of days. Each call of the rule
// library costs leastStretch of them, however little it finds. The bound counts and does not measure time, so that an
// object that was taken once is expanded always, however busy the machine.
const (
	MaxSteps     = 30_000
	leastStretch = MaxSteps / 1000
)

// ErrLimit says that the object could not be expanded within its limits: what it does to the window is unknown.
var ErrLimit = errors.New("the recurrence cannot be expanded within its limits")

// Expand returns the occurrences of o that overlap [from, until), whole, by start, then end. A zero-length occurrence
// at an instant of the window counts. Floating times and days are placed in floating. Cancelled instances are left
// out, and those that the owner declined. The error is ErrLimit, or says what is wrong with a rule.
func Expand(o *icalendar.Object, from, until time.Time, floating *timezone.Zone) ([]mailbox.Occurrence, error) {
	x := expansion{uid: o.UID, from: from, until: until, floating: floating}
	masters, overrides := split(o.Events)
	c := x.arrange(masters, overrides)
	for _, m := range masters {
		if err := x.series(c, whole, m); err != nil {
			return nil, err
		}
	}
	for i, l := range c.later {
		if recurs(l.event) {
			if err := x.series(c, i, l.event); err != nil {
				return nil, err
			}
		}
	}
	for _, e := range c.single { // also those that moved into the window, or whose master is not here
		x.emit(e, e.Start, icalendar.Length{}, true, true)
	}
	slices.SortStableFunc(x.out, func(a, b mailbox.Occurrence) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return a.End.Compare(b.End)
	})
	return x.out, nil
}

type expansion struct {
	uid         string
	from, until time.Time
	floating    *timezone.Zone
	steps       int
	out         []mailbox.Occurrence
}

func (x *expansion) step(n int) error {
	if x.steps += n; x.steps > MaxSteps {
		return ErrLimit
	}
	return nil
}

func (x *expansion) zone(t icalendar.Time) *timezone.Zone {
	if t.Zone != nil {
		return t.Zone
	}
	return x.floating
}

// emit adds the occurrence that begins at t with e's content, if it overlaps the window. It lasts as long as e unless
// period says how long.
func (x *expansion) emit(e *icalendar.Event, t icalendar.Time, period icalendar.Length, recurring, exception bool) {
	if e.Status == "CANCELLED" || e.Answer == "DECLINED" {
		return
	}
	if period == (icalendar.Length{}) {
		period = e.Length
	}
	start := t.In(x.floating)
	end := x.end(t, start, period)
	if !start.Before(x.until) || !end.After(x.from) && (!end.Equal(start) || start.Before(x.from)) {
		return
	}
	x.out = append(x.out, mailbox.Occurrence{UID: x.uid, Start: start.UTC(), End: end.UTC(), BusyType: busyType(e), AllDay: t.Date || e.AllDay,
		Subject: e.Summary, Location: e.Location, IsMeeting: e.Meeting, IsRecurring: recurring, IsException: exception,
		IsReminderSet: e.Reminder, IsPrivate: e.Private})
}

// end adds a length to the occurrence that begins at t: its nominal part on the wall clock, its exact part in elapsed
// time (RFC 5545 §3.8.5.3).
func (x *expansion) end(t icalendar.Time, start time.Time, l icalendar.Length) time.Time {
	if l.Nominal == 0 {
		return start.Add(l.Exact)
	}
	t.Wall = t.Wall.Add(l.Nominal)
	end := t.In(x.floating)
	if !end.After(start) { // the clock went back, or the start was moved out of a gap, by more than the length
		end = start.Add(l.Nominal)
	}
	return end.Add(l.Exact)
}

// busyType is [MS-OXCICAL] 2.1.3.1.1.20.31: the Outlook property, else TRANSP, else STATUS. Where there is no Outlook
// property the owner's answer counts as well: Exchange shows as tentative what has not been accepted.
func busyType(e *icalendar.Event) mailbox.BusyType {
	switch e.BusyStatus {
	case "FREE":
		return mailbox.Free
	case "TENTATIVE":
		return mailbox.Tentative
	case "BUSY":
		return mailbox.Busy
	case "OOF":
		return mailbox.OOF
	case "WORKINGELSEWHERE":
		return mailbox.WorkingElsewhere
	}
	switch {
	case e.Transparent:
		return mailbox.Free
	case e.Status == "TENTATIVE", e.Answer == "TENTATIVE", e.Answer == "NEEDS-ACTION":
		return mailbox.Tentative
	}
	return mailbox.Busy
}
