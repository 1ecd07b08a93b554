package timezone

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Definition is t:TimeZoneDefinition.
type Definition struct {
	ID, Name    string
	Periods     []Period
	Groups      []Group
	Transitions []Transition
}

// Period is one t:Period: UTC = local + Bias.
type Period struct {
	ID, Name string
	Bias     time.Duration
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
	TransitionPlain TransitionKind = iota
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
	Occurrence int // 1..4; negative counts from the end
	Day        int
}

// ErrMissingPeriod is the text clients know.
var ErrMissingPeriod = errors.New("A referenced period is missing.") //nolint:staticcheck // wire text

// FromDefinition builds the zone of a TimeZoneContext header. Without periods the id is looked up; with periods the id
// is not trusted.
func FromDefinition(d Definition) (*Zone, error) {
	if len(d.Periods) == 0 {
		return Lookup(d.ID)
	}
	c := compiler{periods: map[string]time.Duration{}, groups: map[string][]Transition{}}
	for _, p := range d.Periods {
		if p.Bias < -24*time.Hour || p.Bias > 24*time.Hour {
			return nil, fmt.Errorf("period %q: bias %s is more than a day", p.ID, p.Bias)
		}
		c.periods[p.ID] = -p.Bias
	}
	for _, g := range d.Groups {
		for _, t := range g.Transitions {
			if _, ok := c.periods[t.To]; !ok || t.ToGroup {
				return nil, ErrMissingPeriod
			}
			if t.Kind != TransitionPlain && (t.Month < 1 || t.Month > 12 || t.TimeOffset < -24*time.Hour || t.TimeOffset > 48*time.Hour ||
				t.Kind == TransitionRecurringDay && (t.Occurrence == 0 || t.Occurrence > 5 || t.Occurrence < -5) ||
				t.Kind == TransitionRecurringDate && (t.Day < 1 || t.Day > 31)) {
				return nil, fmt.Errorf("group %q has a transition out of range", g.ID)
			}
		}
		c.groups[g.ID] = g.Transitions
	}
	if len(d.Transitions) == 0 {
		return fixed("", c.periods[d.Periods[0].ID]), nil
	}
	c.top = d.Transitions
	for _, t := range c.top {
		_, period := c.periods[t.To]
		group, ok := c.groups[t.To]
		if t.ToGroup && (!ok || len(group) == 0) || !t.ToGroup && !period {
			return nil, ErrMissingPeriod
		}
	}
	return yearly("", c.initial(c.top[0]), c.year), nil
}

type compiler struct {
	periods map[string]time.Duration
	groups  map[string][]Transition
	top     []Transition
}

func (c compiler) initial(t Transition) time.Duration {
	if !t.ToGroup {
		return c.periods[t.To]
	}
	return c.periods[c.groups[t.To][0].To]
}

// year lists the onsets of one year: the absolute changes, and the recurring ones of the group then in force.
func (c compiler) year(year int) []onset {
	var out []onset
	current := c.top[0]
	start := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, t := range c.top[1:] {
		if t.Kind != TransitionAbsoluteDate {
			continue
		}
		switch {
		case t.DateTime.Before(start.Add(24 * time.Hour)):
			current = t
		case t.DateTime.Year() == year:
			out = append(out, onset{t.DateTime.Add(-c.initial(current)), c.initial(t)})
		}
	}
	if !current.ToGroup {
		return append([]onset{{start.Add(-c.periods[current.To]), c.periods[current.To]}}, out...)
	}
	type recurring struct {
		wall   time.Time
		offset time.Duration
	}
	var list []recurring
	for _, t := range c.groups[current.To] {
		var day time.Time
		switch t.Kind {
		case TransitionRecurringDay:
			day = nthWeekday(year, t.Month, t.DayOfWeek, t.Occurrence)
		case TransitionRecurringDate:
			day = time.Date(year, t.Month, t.Day, 0, 0, 0, 0, time.UTC)
		default: // one offset all year
			return append([]onset{{start.Add(-c.periods[t.To]), c.periods[t.To]}}, out...)
		}
		list = append(list, recurring{day.Add(t.TimeOffset), c.periods[t.To]})
	}
	slices.SortFunc(list, func(a, b recurring) int { return a.wall.Compare(b.wall) })
	for i, r := range list {
		before := list[(i+len(list)-1)%len(list)].offset
		out = append(out, onset{r.wall.Add(-before), r.offset})
	}
	return out
}

// Observance is one STANDARD or DAYLIGHT part of a VTIMEZONE (RFC 5545 §3.6.5).
type Observance struct {
	Offset time.Duration              // TZOFFSETTO
	Onsets func(year int) []time.Time // instants
}

// FromObservances builds the zone of a VTIMEZONE; initial is the offset before the first onset.
func FromObservances(name string, initial time.Duration, parts []Observance) *Zone {
	return yearly(name, initial, func(year int) []onset {
		var out []onset
		for _, p := range parts {
			for _, at := range p.Onsets(year) {
				out = append(out, onset{at, p.Offset})
			}
		}
		return out
	})
}
