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
// is not trusted. A definition that leaves open which of its periods holds is refused.
func FromDefinition(d Definition) (*Zone, error) {
	if len(d.Periods) == 0 {
		return Lookup(d.ID)
	}
	c, err := newChain(d)
	if err != nil {
		return nil, err
	}
	return yearly("", 0, c.year), nil
}

// chain is a definition with its references followed.
type chain struct {
	periods   map[string]time.Duration // offsets, east of UTC
	stretches []stretch                // the first has no beginning
}

// maxGroup bounds the changes of a year, and with them the work that a definition makes; no zone ever had more than four.
const maxGroup = 12

// stretch lasts from a wall-clock time, read on the clock before it, until the next stretch.
type stretch struct {
	from  time.Time
	group []Transition // to periods; one that is plain holds throughout
}

func newChain(d Definition) (*chain, error) {
	c := &chain{periods: map[string]time.Duration{}}
	for _, p := range d.Periods {
		if p.Bias < -24*time.Hour || p.Bias > 24*time.Hour {
			return nil, fmt.Errorf("period %q: bias %s is more than a day", p.ID, p.Bias)
		}
		c.periods[p.ID] = -p.Bias
	}
	groups := map[string][]Transition{}
	for _, g := range d.Groups {
		if len(g.Transitions) > maxGroup {
			return nil, fmt.Errorf("group %q has more than %d transitions", g.ID, maxGroup)
		}
		for _, t := range g.Transitions {
			if err := c.check(t, len(g.Transitions) == 1); err != nil {
				return nil, err
			}
		}
		groups[g.ID] = g.Transitions
	}
	transitions := d.Transitions
	if len(transitions) == 0 {
		switch {
		case len(d.Groups) == 1:
			transitions = []Transition{{ToGroup: true, To: d.Groups[0].ID}}
		case len(d.Groups) == 0 && len(d.Periods) == 1:
			transitions = []Transition{{To: d.Periods[0].ID}}
		default:
			return nil, errors.New("there are no transitions to its periods and groups")
		}
	}
	return c, c.link(transitions, groups)
}

// check refuses a transition of a group that leads to no period, that no year has, or that is not recurring and yet not
// alone.
func (c *chain) check(t Transition, alone bool) error {
	if _, ok := c.periods[t.To]; !ok || t.ToGroup {
		return ErrMissingPeriod
	}
	if t.Kind == TransitionPlain && alone {
		return nil
	}
	if t.Kind != TransitionRecurringDay && t.Kind != TransitionRecurringDate {
		return fmt.Errorf("the transition to %q has no place in a group", t.To)
	}
	if t.Month < 1 || t.Month > 12 || t.TimeOffset < -24*time.Hour || t.TimeOffset > 48*time.Hour ||
		t.Kind == TransitionRecurringDay && (t.Occurrence == 0 || t.Occurrence > 5 || t.Occurrence < -5) ||
		t.Kind == TransitionRecurringDate && (t.Day < 1 || t.Day > 31) {
		return fmt.Errorf("the transition to %q is out of range", t.To)
	}
	return nil
}

// link makes the stretches of t:Transitions: one without a date, which holds first, and any number with dates.
func (c *chain) link(transitions []Transition, groups map[string][]Transition) error {
	for i, t := range transitions {
		if t.Kind != TransitionAbsoluteDate && (i > 0 || t.Kind != TransitionPlain) {
			return errors.New("of its transitions only the first may have no date, and none may recur outside a group")
		}
		s := stretch{from: t.DateTime, group: []Transition{{To: t.To}}}
		if _, ok := c.periods[t.To]; !t.ToGroup && !ok {
			return ErrMissingPeriod
		}
		if t.ToGroup {
			if s.group = groups[t.To]; len(s.group) == 0 {
				return ErrMissingPeriod
			}
		}
		c.stretches = append(c.stretches, s)
	}
	slices.SortStableFunc(c.stretches[1:], func(a, b stretch) int { return a.from.Compare(b.from) })
	return nil
}

// year lists the onsets of one year: its beginning, those of stretches, and the recurring ones within each stretch.
func (c *chain) year(year int) (out []onset) {
	for i, s := range c.stretches {
		from, to := newYear(year), newYear(year+1)
		if i > 0 && s.from.After(from) {
			from = s.from
		}
		if i+1 < len(c.stretches) && c.stretches[i+1].from.Before(to) {
			to = c.stretches[i+1].from
		}
		if !from.Before(to) {
			continue
		}
		current := c.before(s, from)
		clock := current
		if i > 0 && from.Equal(s.from) {
			clock = c.before(c.stretches[i-1], from)
		}
		out = append(out, onset{from.Add(-clock), current})
		for _, r := range c.recurring(s, year) {
			if r.wall.Before(from) || !r.wall.Before(to) {
				continue
			}
			if r.wall.After(from) {
				clock = current
			}
			out = append(out, onset{r.wall.Add(-clock), r.offset})
			current = r.offset
		}
	}
	return out
}

// before is the offset that the rules of a stretch give just before a wall-clock time.
func (c *chain) before(s stretch, wall time.Time) time.Duration {
	offset := c.periods[s.group[0].To]
	for _, r := range c.recurring(s, wall.Year()) {
		if r.wall.Before(wall) {
			offset = r.offset
		}
	}
	return offset
}

// change is an onset on the wall clock before it.
type change struct {
	wall   time.Time
	offset time.Duration
}

// recurring lists the changes that the rules of a stretch make in a year and its neighbours; none where one period holds.
func (c *chain) recurring(s stretch, year int) (list []change) {
	for y := year - 1; y <= year+1; y++ {
		for _, t := range s.group {
			var day time.Time
			switch t.Kind {
			case TransitionRecurringDay:
				day = nthWeekday(y, t.Month, t.DayOfWeek, t.Occurrence)
			case TransitionRecurringDate:
				last := time.Date(y, t.Month+1, 0, 0, 0, 0, 0, time.UTC)
				day = last.AddDate(0, 0, min(t.Day, last.Day())-last.Day())
			default:
				return nil
			}
			list = append(list, change{day.Add(t.TimeOffset), c.periods[t.To]})
		}
	}
	slices.SortStableFunc(list, func(a, b change) int { return a.wall.Compare(b.wall) })
	return list
}

func newYear(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }

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
