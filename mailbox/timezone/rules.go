package timezone

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Serializable is t:SerializableTimeZone ([MS-OXWAVLS] 2.2.4): UTC = local + Bias minutes.
type Serializable struct {
	Bias               int
	Standard, Daylight SerializableTransition
}

// SerializableTransition is t:SerializableTimeZoneTime: the transition into the period.
type SerializableTransition struct {
	Bias      int           // minutes added to the outer Bias while the period is in force
	Time      time.Duration // local wall clock since midnight
	DayOrder  int           // 1..4 nth, 5 last; day of the month when Year is set; 0 no daylight saving
	Month     int           // 1..12; 0 no daylight saving
	DayOfWeek time.Weekday
	Year      int // 0 = every year
}

func (t SerializableTransition) check(name string) error {
	switch {
	case t.Month < 0 || t.Month > 12:
		return fmt.Errorf("%s: month %d is not from 0 to 12", name, t.Month)
	case t.Bias < -24*60 || t.Bias > 24*60:
		return fmt.Errorf("%s: bias %d is more than a day", name, t.Bias)
	case t.Time < 0 || t.Time >= 24*time.Hour:
		return fmt.Errorf("%s: time %s is not within a day", name, t.Time)
	case t.Month > 0 && t.Year == 0 && (t.DayOrder < 0 || t.DayOrder > 5):
		return fmt.Errorf("%s: day order %d is not from 0 to 5", name, t.DayOrder)
	case t.Year != 0 && (t.Year < 1 || t.Year > 9999 || t.DayOrder < 1 || t.DayOrder > 31):
		return fmt.Errorf("%s: there is no day %d in year %d", name, t.DayOrder, t.Year)
	case t.DayOfWeek < time.Sunday || t.DayOfWeek > time.Saturday:
		return fmt.Errorf("%s: day of week %d is not known", name, t.DayOfWeek)
	}
	return nil
}

// in is the wall-clock time of the transition in a year.
func (t SerializableTransition) in(year int) time.Time {
	if t.Year != 0 {
		return time.Date(t.Year, time.Month(t.Month), t.DayOrder, 0, 0, 0, 0, time.UTC).Add(t.Time)
	}
	return nthWeekday(year, time.Month(t.Month), t.DayOfWeek, t.DayOrder).Add(t.Time)
}

// nthWeekday is the nth (1..4) or last (5, or negative) such day of the month.
func nthWeekday(year int, month time.Month, day time.Weekday, n int) time.Time {
	if n < 0 || n >= 5 {
		last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC)
		back := (int(last.Weekday()) - int(day) + 7) % 7
		if n < -1 {
			back += 7 * (-n - 1)
		}
		return last.AddDate(0, 0, -back)
	}
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 0, (int(day)-int(first.Weekday())+7)%7+7*(n-1))
}

// FromSerializable builds the zone that a request brings in its body. A zone whose months or day orders are not set,
// whose periods have the same bias or whose transitions are equal has no daylight saving. With a Year in both transitions
// the first of them ends what held before, for good, and so does the second.
func FromSerializable(s Serializable) (*Zone, error) {
	if s.Bias < -24*60 || s.Bias > 24*60 {
		return nil, fmt.Errorf("bias %d is more than a day", s.Bias)
	}
	if err := errors.Join(s.Standard.check("StandardTime"), s.Daylight.check("DaylightTime")); err != nil {
		return nil, err
	}
	minute := func(bias int) time.Duration { return -time.Duration(s.Bias+bias) * time.Minute }
	std, dst := minute(s.Standard.Bias), minute(s.Daylight.Bias)
	a, b := s.Standard, s.Daylight
	a.Bias, b.Bias = 0, 0
	if a.Month == 0 || b.Month == 0 || a.DayOrder == 0 || b.DayOrder == 0 || std == dst || a == b {
		return fixed("", std), nil
	}
	initial := std
	if a.Year != 0 && b.Year != 0 && a.in(a.Year).Before(b.in(b.Year)) {
		initial = dst // the southern half of the world begins its year in summer
	}
	return yearly("", initial, func(year int) []onset {
		return []onset{{s.Standard.in(year).Add(-dst), std}, {s.Daylight.in(year).Add(-std), dst}}
	}), nil
}

func fixed(name string, offset time.Duration) *Zone {
	return &Zone{name: name, offset: func(time.Time) time.Duration { return offset }}
}

// onset is the instant from which an offset holds.
type onset struct {
	at     time.Time
	offset time.Duration
}

// yearly builds a zone from the onsets of each year; before the first one initial holds.
func yearly(name string, initial time.Duration, of func(year int) []onset) *Zone {
	var years sync.Map // int -> []onset, three years around
	return &Zone{name: name, offset: func(t time.Time) time.Duration {
		y := t.UTC().Year()
		var list []onset
		if v, ok := years.Load(y); ok {
			list = v.([]onset)
		} else {
			for i := y - 1; i <= y+1; i++ {
				list = append(list, of(i)...)
			}
			slices.SortStableFunc(list, func(a, b onset) int { return a.at.Compare(b.at) })
			years.Store(y, list)
		}
		// A definition from the wire can change its offset thousands of times in a year.
		passed, _ := slices.BinarySearchFunc(list, t, func(o onset, t time.Time) int {
			if o.at.After(t) {
				return 1
			}
			return -1
		})
		if passed == 0 {
			return initial
		}
		return list[passed-1].offset
	}}
}

// Serializable returns the rule in force in the year of at, in the form that .NET readers accept: without daylight
// saving both halves have month 0. A year with one change is told as Windows tells it: with a second one at its
// beginning. A year that cannot be told so (more changes, or by more than 14 hours) gets the offset in force at at.
func (z *Zone) Serializable(at time.Time) Serializable {
	year := z.Wall(at).Year()
	changes := z.changes(year)
	initial := z.offset(z.Instant(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)))
	fixed := Serializable{Bias: -int(z.offset(at) / time.Minute)}
	var first, second onset // the second one leads back to the offset before the first
	switch {
	case len(changes) == 1:
		begin := newYear(year)
		first, second = changes[0], onset{begin.Add(-changes[0].offset), initial}
	case len(changes) == 2 && changes[1].offset == initial:
		first, second = changes[0], changes[1]
	default:
		return fixed
	}
	std, dst := first, second
	if std.offset > dst.offset {
		std, dst = dst, std
	}
	saving := dst.offset - std.offset
	if saving < time.Minute || saving > 14*time.Hour {
		return fixed
	}
	s := Serializable{Bias: -int(std.offset / time.Minute)}
	next := z.changes(year + 1)
	s.Standard = transition(std.at.Add(dst.offset), dst.offset, std.offset, next)
	s.Daylight = transition(dst.at.Add(std.offset), std.offset, dst.offset, next)
	s.Daylight.Bias = -int(saving / time.Minute)
	return s
}

// changes are the onsets within a year. They are searched once: every answer with working hours asks for them.
func (z *Zone) changes(year int) []onset {
	if list, ok := z.years.Load(year); ok {
		return list.([]onset)
	}
	list := z.search(year)
	if year >= 1970 && year < 2100 { // nobody can make a zone remember more
		z.years.Store(year, list)
	}
	return list
}

// search finds the onsets within a year of the zone's own clock by bisection between days.
func (z *Zone) search(year int) []onset {
	var out []onset
	t := z.Instant(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
	end := z.Instant(time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC))
	for last := z.offset(t); t.Before(end); {
		next := earlier(t.Add(24*time.Hour), end.Add(-time.Second))
		if !next.After(t) {
			break
		}
		if o := z.offset(next); o != last {
			lo, hi := t, next
			for hi.Sub(lo) > time.Second {
				mid := lo.Add(hi.Sub(lo) / 2).Truncate(time.Second)
				if z.offset(mid) == last {
					lo = mid
				} else {
					hi = mid
				}
			}
			if hi.Add(last).Year() > year { // it is made at the next year's beginning
				break
			}
			out = append(out, onset{hi, o})
			last = o
		}
		t = next
	}
	return out
}

// transition describes a wall-clock time as the nth weekday of its month; next year's change decides between the
// fourth and the last.
func transition(wall time.Time, before, after time.Duration, next []onset) SerializableTransition {
	day := wall.Day()
	t := SerializableTransition{Month: int(wall.Month()), DayOfWeek: wall.Weekday(), DayOrder: (day-1)/7 + 1,
		Time: wall.Sub(time.Date(wall.Year(), wall.Month(), day, 0, 0, 0, 0, time.UTC))}
	if day+7 > time.Date(wall.Year(), wall.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		fourth := t
		t.DayOrder = 5
		for _, n := range next {
			if n.offset == after && fourth.DayOrder == 4 && fourth.in(wall.Year()+1).Equal(n.at.Add(before)) && !t.in(wall.Year()+1).Equal(n.at.Add(before)) {
				return fourth
			}
		}
	}
	return t
}
