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

// MaxSteps is how many candidates of an object are looked at: the instances of 82 years of days. The bound counts and
// does not measure time, so that an object that was taken once is expanded always, however busy the machine.
const MaxSteps = 30_000

// ErrLimit says that the object could not be expanded within its limits: what it does to the window is unknown.
var ErrLimit = errors.New("the recurrence cannot be expanded within its limits")

// Expand returns the occurrences of o that overlap [from, until), whole, by start, then end. A zero-length occurrence
// at an instant of the window counts. Floating times and days are placed in floating. Cancelled instances are left out.
// The error is ErrLimit, or says what is wrong with a rule.
func Expand(o *icalendar.Object, from, until time.Time, floating *timezone.Zone) ([]mailbox.Occurrence, error) {
	x := expansion{from: from, until: until, floating: floating}
	overrides, future := x.overrides(o)
	for _, e := range o.Events {
		if e.RecurrenceID != nil {
			continue
		}
		if err := x.series(o.UID, e, overrides, future); err != nil {
			return nil, err
		}
	}
	for _, ov := range overrides { // also those that moved into the window, or whose master is not here
		x.emit(o.UID, ov, ov.Start, 0, true, true)
	}
	slices.SortFunc(x.out, func(a, b mailbox.Occurrence) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return a.End.Compare(b.End)
	})
	return x.out, nil
}

type expansion struct {
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

// overrides returns the single overrides by the instant that they replace, and those for this and all later ones.
func (x *expansion) overrides(o *icalendar.Object) (map[int64]*icalendar.Event, []*icalendar.Event) {
	single := map[int64]*icalendar.Event{}
	var future []*icalendar.Event
	for _, e := range o.Events {
		if e.RecurrenceID == nil {
			continue
		}
		single[e.RecurrenceID.In(x.floating).Unix()] = e
		if e.ThisAndAfter {
			future = append(future, e)
		}
	}
	slices.SortFunc(future, func(a, b *icalendar.Event) int {
		return a.RecurrenceID.In(x.floating).Compare(b.RecurrenceID.In(x.floating))
	})
	return single, future
}

// series expands a master: rules and RDATEs, less EXDATEs, less what is overridden.
func (x *expansion) series(uid string, e *icalendar.Event, overrides map[int64]*icalendar.Event, future []*icalendar.Event) error {
	excluded := map[int64]bool{}
	for _, t := range e.ExDates {
		excluded[t.In(x.floating).Unix()] = true
		if t.Date && !e.Start.Date { // a day excludes that day's instance
			w := t.Wall
			at := icalendar.Time{Wall: time.Date(w.Year(), w.Month(), w.Day(), e.Start.Wall.Hour(), e.Start.Wall.Minute(), e.Start.Wall.Second(), 0, time.UTC), Zone: e.Start.Zone}
			excluded[at.In(x.floating).Unix()] = true
		}
	}
	recurring := len(e.Rules)+len(e.RDates) > 0
	seen := map[int64]bool{}
	visit := func(t icalendar.Time) {
		at := t.In(x.floating)
		key := at.Unix()
		if seen[key] || excluded[key] {
			return
		}
		seen[key] = true
		if _, ok := overrides[key]; ok {
			return
		}
		for _, f := range slices.Backward(future) {
			id := f.RecurrenceID.In(x.floating)
			if at.Before(id) {
				continue
			}
			shifted := t
			shifted.Wall = t.Wall.Add(f.Start.Wall.Sub(f.RecurrenceID.Wall))
			x.emit(uid, f, shifted, 0, true, true)
			return
		}
		x.emit(uid, e, t, t.Period, recurring, false)
	}
	if len(e.Rules) == 0 {
		visit(e.Start)
	}
	for _, t := range e.RDates {
		visit(t)
	}
	// A later override can move its part of the series by days: look that much further.
	margin := x.longest(e, future)
	for _, rule := range e.Rules {
		if err := x.rule(e, rule, margin, visit); err != nil {
			return err
		}
	}
	return nil
}

// longest is how far before the window a candidate can start and still reach into it.
func (x *expansion) longest(e *icalendar.Event, future []*icalendar.Event) time.Duration {
	length := func(e *icalendar.Event) time.Duration { return e.Duration + time.Duration(e.Days)*24*time.Hour }
	m := length(e)
	for _, f := range future {
		shift := f.Start.Wall.Sub(f.RecurrenceID.Wall).Abs()
		m = max(m, length(f)+shift)
	}
	return m + 48*time.Hour
}

// emit adds the occurrence that begins at t with e's content, if it overlaps the window.
func (x *expansion) emit(uid string, e *icalendar.Event, t icalendar.Time, period time.Duration, recurring, exception bool) {
	if e.Status == "CANCELLED" {
		return
	}
	start := t.In(x.floating)
	var end time.Time
	switch {
	case period > 0:
		end = start.Add(period)
	case t.Date:
		days := t
		days.Wall = t.Wall.AddDate(0, 0, max(e.Days, 1))
		end = days.In(x.floating)
	default:
		end = start.Add(e.Duration)
	}
	if !start.Before(x.until) || !end.After(x.from) && (!end.Equal(start) || start.Before(x.from)) {
		return
	}
	x.out = append(x.out, mailbox.Occurrence{UID: uid, Start: start.UTC(), End: end.UTC(), BusyType: busyType(e), AllDay: t.Date,
		Subject: e.Summary, Location: e.Location, IsMeeting: e.Meeting, IsRecurring: recurring, IsException: exception,
		IsReminderSet: e.Reminder, IsPrivate: e.Private})
}

// busyType is [MS-OXCICAL] 2.1.3.1.1.20.31: the Outlook property, else TRANSP, else STATUS.
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
	case e.Status == "TENTATIVE":
		return mailbox.Tentative
	}
	return mailbox.Busy
}
