package recurrence

import (
	"slices"
	"time"

	"github.com/availd/availd/mailbox/icalendar"
)

// split separates masters and overrides. Of several revisions of the masters the one with the highest SEQUENCE counts
// (RFC 5545 §3.8.7.4); masters that share a UID and a SEQUENCE are all kept, since leaving one out could show a busy
// time as free.
func split(events []*icalendar.Event) (masters, overrides []*icalendar.Event) {
	newest := 0
	for _, e := range events {
		if e.RecurrenceID != nil {
			overrides = append(overrides, e)
			continue
		}
		masters = append(masters, e)
		newest = max(newest, e.Sequence)
	}
	masters = slices.DeleteFunc(masters, func(e *icalendar.Event) bool { return e.Sequence < newest })
	return masters, overrides
}

// changes are the overrides of a series.
type changes struct {
	single map[int64]*icalendar.Event // by the instant that they replace
	later  []later                    // for this and all later instances, in their order
	begins []int                      // of each of later: the last one up to it that has a rule of its own, or whole
}

// later is an override with RANGE=THISANDFUTURE.
type later struct {
	at    time.Time      // the first instant that it replaces
	id    icalendar.Time // its RECURRENCE-ID in the form of the master's DTSTART
	event *icalendar.Event
}

// whole stands for the master where otherwise an index of later stands.
const whole = -1

// recurs tells whether an override for all later instances replaces the rule as well.
func recurs(e *icalendar.Event) bool { return len(e.Rules)+len(e.RDates) > 0 }

func (x *expansion) arrange(masters, overrides []*icalendar.Event) changes {
	if len(overrides) == 0 {
		return changes{}
	}
	c := changes{single: map[int64]*icalendar.Event{}}
	ranged := map[int64]*icalendar.Event{}
	for _, e := range overrides {
		id := *e.RecurrenceID
		if len(masters) > 0 {
			id = x.like(masters[0], id)
		}
		to, at := c.single, id.In(x.floating)
		if e.ThisAndAfter {
			to = ranged
		}
		if old, ok := to[at.Unix()]; ok && old.Sequence > e.Sequence {
			continue
		}
		to[at.Unix()] = e
		if e.ThisAndAfter {
			c.later = slices.DeleteFunc(c.later, func(l later) bool { return l.at.Equal(at) })
			c.later = append(c.later, later{at, id, e})
		}
	}
	for at, e := range ranged { // its own instance, unless that has another override or comes from the new rule
		if _, ok := c.single[at]; !ok && !recurs(e) {
			c.single[at] = e
		}
	}
	slices.SortFunc(c.later, func(a, b later) int { return a.at.Compare(b.at) })
	last := whole
	for i, l := range c.later {
		if recurs(l.event) {
			last = i
		}
		c.begins = append(c.begins, last)
	}
	return c
}

// like writes t in the form of e's DTSTART, to which EXDATE, RDATE and RECURRENCE-ID refer: a day stands for the
// instance of that day (Lotus Notes writes so), a time for the day on which it falls (Exchange writes UTC for days),
// and a floating time is one of the series' zone.
func (x *expansion) like(e *icalendar.Event, t icalendar.Time) icalendar.Time {
	switch {
	case e.Start.Date && !t.Date:
		return icalendar.Time{Wall: x.day(t), Date: true}
	case t.Date && !e.Start.Date:
		t = icalendar.Time{Wall: t.Wall.Add(clock(e.Start.Wall)), Zone: e.Start.Zone}
	case t.Zone == nil:
		t.Zone = e.Start.Zone
	}
	return t
}

// day is the day that a time means for an all-day series: where it is midnight in the calendar's own zone, the day that
// begins then, else the day as written.
func (x *expansion) day(t icalendar.Time) time.Time {
	wall := t.Wall
	if t.Zone != nil {
		if own := x.floating.Wall(t.In(x.floating)); clock(own) == 0 {
			wall = own
		}
	}
	return wall.Add(-clock(wall))
}

func clock(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
}

// series expands e, the master or the later override of that index: rules and RDATEs, less EXDATEs, less what is
// overridden.
func (x *expansion) series(c changes, index int, e *icalendar.Event) error {
	excluded := map[int64]bool{}
	for _, t := range e.ExDates {
		excluded[x.like(e, t).In(x.floating).Unix()] = true
	}
	margin := x.longest(e, c.later)
	for _, rule := range e.ExRules {
		err := x.rule(e, rule, margin, func(t icalendar.Time) { excluded[t.In(x.floating).Unix()] = true })
		if err != nil {
			return err
		}
	}
	recurring := recurs(e)
	seen := map[int64]bool{}
	visit := func(t icalendar.Time, period icalendar.Length) {
		at := t.In(x.floating)
		key := at.Unix()
		if seen[key] || excluded[key] {
			return
		}
		seen[key] = true
		if _, ok := c.single[key]; ok {
			return
		}
		i := c.governing(at)
		switch {
		case i <= index:
			x.emit(e, t, period, recurring, index != whole)
		case c.begins[i] <= index:
			x.emit(c.later[i].event, x.shifted(e, c.later[i], t), icalendar.Length{}, true, true)
		}
	}
	for _, t := range e.RDates { // before the others: a period says how long its instance lasts
		if t.Period == (icalendar.Length{}) {
			t = x.like(e, t)
		}
		visit(t, t.Period)
	}
	if len(e.Rules) == 0 {
		visit(e.Start, icalendar.Length{})
	}
	for _, rule := range e.Rules {
		err := x.rule(e, rule, margin, func(t icalendar.Time) { visit(t, icalendar.Length{}) })
		if err != nil {
			return err
		}
	}
	return nil
}

// governing is the index of the last change for all later instances that begins at or before at, or whole.
func (c changes) governing(at time.Time) int {
	i, found := slices.BinarySearchFunc(c.later, at, func(l later, at time.Time) int { return l.at.Compare(at) })
	if found {
		return i
	}
	return i - 1
}

// shifted moves an instance of e as l moved the first one that it replaces (RFC 5545 §3.2.13): by the difference on the
// wall clock, so that a series that was moved to another zone keeps its hour there.
func (x *expansion) shifted(e *icalendar.Event, l later, t icalendar.Time) icalendar.Time {
	id := l.id.Wall
	if l.id.Zone != e.Start.Zone {
		id = x.zone(e.Start).Wall(l.at)
	}
	to := l.event.Start
	wall := t.Wall.Add(to.Wall.Sub(id))
	if to.Date {
		wall = wall.Add(-clock(wall))
	}
	return icalendar.Time{Wall: wall, Date: to.Date, Zone: to.Zone}
}

// longest is how far before the window a candidate can start and still reach into it; a later override can move its
// part of the series by days.
func (x *expansion) longest(e *icalendar.Event, list []later) time.Duration {
	m := e.Length.Nominal + e.Length.Exact
	for _, l := range list {
		shift := l.event.Start.Wall.Sub(l.id.Wall).Abs()
		m = max(m, l.event.Length.Nominal+l.event.Length.Exact+shift)
	}
	return m + 48*time.Hour
}
