package recurrence

import (
	"fmt"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/timezone"
)

// stretch is how many intervals of a rule are asked of the library at once: between two stretches the bound is looked
// at.
const stretch = 256

// rule visits the candidates of one RRULE that can reach into the window. The rule is expanded in wall-clock time; the
// zone is applied afterwards, so that gaps and folds are ours to decide. COUNT is counted here, from the first
// instance on; without it the expansion begins shortly before the window.
func (x *expansion) rule(e *icalendar.Event, value string, margin time.Duration, visit func(icalendar.Time)) error {
	opt, err := x.option(e, value)
	if err != nil {
		return err
	}
	zone := x.zone(e.Start)
	first := zone.Wall(x.from).Add(-margin)
	last := zone.Wall(x.until).Add(margin)
	if !opt.Until.IsZero() && opt.Until.Before(last) {
		last = opt.Until
	}
	from, left := opt.Dtstart, opt.Count
	if left == 0 && first.After(from) {
		from = first
	}
	opt.Count, opt.Until = 0, time.Time{}
	for !from.After(last) {
		until := advance(from, opt)
		list, barren, err := candidates(*opt, from, earlier(until.Add(-time.Second), last))
		if err != nil {
			return err
		}
		if err := x.step(max(len(list), leastStretch)); err != nil {
			return err
		}
		for _, w := range list {
			if !w.Before(first) {
				visit(icalendar.Time{Wall: w, Date: e.Start.Date, Zone: e.Start.Zone})
			}
			if left--; left == 0 {
				return nil
			}
		}
		if barren {
			until = until.AddDate(cycle, 0, 0)
		}
		from = until
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// advance is the end of the stretch that begins at from.
func advance(from time.Time, opt *rrule.ROption) time.Time {
	n := min(stretch*max(opt.Interval, 1), 1<<20)
	switch opt.Freq {
	case rrule.DAILY:
		return from.AddDate(0, 0, n)
	case rrule.WEEKLY:
		return from.AddDate(0, 0, 7*min(n, 1<<17))
	case rrule.MONTHLY:
		return from.AddDate(0, min(n, 1<<15), 0)
	}
	return from.AddDate(min(n, 1<<12), 0, 0)
}

// cycle is after how many years the calendar repeats: leap years and weekdays alike.
const cycle = 400

// candidates are the rule's instances in [from, until], without COUNT. barren says that there is none in the cycle after
// until either: the library looks for the next one up to the year 9999, and the instances are computed as near to that
// as whole cycles allow, with one cycle to spare. A rule that the library cannot bear is an error of this object alone.
func candidates(opt rrule.ROption, from, until time.Time) (list []time.Time, barren bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the recurrence cannot be expanded: %v", p)
		}
	}()
	shift := max(rrule.MAXYEAR-cycle-until.Year(), 0) / cycle * cycle
	from, until = from.AddDate(shift, 0, 0), until.AddDate(shift, 0, 0)
	opt.Dtstart = opt.Dtstart.AddDate(shift, 0, 0)
	fastForward(&opt, from)
	r, err := rrule.NewRRule(opt)
	if err != nil {
		return nil, true, nil // the import has checked the rule
	}
	next := r.Iterator()
	for {
		w, ok := next()
		if !ok || w.After(until) {
			return list, !ok, nil
		}
		if !w.Before(from) {
			list = append(list, w.AddDate(-shift, 0, 0))
		}
	}
}

// option parses the rule with DTSTART and UNTIL as wall-clock times in UTC.
func (x *expansion) option(e *icalendar.Event, value string) (*rrule.ROption, error) {
	opt, err := rrule.StrToROption(value)
	if err != nil {
		return nil, err
	}
	opt.Dtstart = e.Start.Wall
	if e.Start.Date { // RFC 5545 §3.3.10: a day has no hours to choose from
		opt.Byhour, opt.Byminute, opt.Bysecond = nil, nil, nil
	}
	boundOrdinals(opt)
	if opt.Until.IsZero() {
		return opt, nil
	}
	_, text, _ := strings.Cut(value, "UNTIL=")
	text, _, _ = strings.Cut(text, ";")
	until := icalendar.Time{Wall: opt.Until}
	if strings.HasSuffix(text, "Z") {
		until.Zone = timezone.UTC()
	}
	switch {
	case e.Start.Date:
		opt.Until = x.day(until)
	case len(text) == len("20060102"): // a day: its end, also for timed events
		opt.Until = opt.Until.AddDate(0, 0, 1).Add(-time.Second)
	case until.Zone != nil:
		opt.Until = x.zone(e.Start).Wall(opt.Until)
	}
	return opt, nil
}

// boundOrdinals makes the weekdays that no month has (the 20th Monday of it) the 6th, which no month has either: the
// library looks them up, and would do so beyond the end of its tables.
func boundOrdinals(opt *rrule.ROption) {
	if opt.Freq == rrule.YEARLY && len(opt.Bymonth) == 0 {
		return // of the year: there are up to 53
	}
	for i, d := range opt.Byweekday {
		if d.N() < -5 || d.N() > 5 {
			opt.Byweekday[i] = d.Nth(6)
		}
	}
}

// fastForward moves DTSTART ahead by whole intervals to shortly before first, so that the cost does not grow with the
// age of the series. What DTSTART said implicitly is written into the rule before.
func fastForward(opt *rrule.ROption, first time.Time) {
	if opt.Count > 0 {
		return
	}
	start, interval := opt.Dtstart, max(opt.Interval, 1)
	days := len(opt.Byweekday)+len(opt.Bymonthday)+len(opt.Byyearday)+len(opt.Byweekno)+len(opt.Byeaster) > 0
	at := func(y int, m time.Month, d int) time.Time {
		return time.Date(y, m, d, start.Hour(), start.Minute(), start.Second(), 0, time.UTC)
	}
	switch opt.Freq {
	case rrule.DAILY:
		if n := daysFrom(start, first)/interval - 1; n > 0 {
			opt.Dtstart = start.AddDate(0, 0, n*interval)
		}
	case rrule.WEEKLY:
		if !days {
			opt.Byweekday = []rrule.Weekday{weekday(start)}
		}
		if n := daysFrom(start, first)/7/interval - 1; n > 0 {
			opt.Dtstart = start.AddDate(0, 0, 7*n*interval)
		}
	case rrule.MONTHLY:
		months := (first.Year()-start.Year())*12 + int(first.Month()) - int(start.Month())
		if n := months/interval - 1; n > 0 {
			if !days {
				opt.Bymonthday = []int{start.Day()}
			}
			opt.Dtstart = at(start.Year(), start.Month()+time.Month(n*interval), 1)
		}
	case rrule.YEARLY:
		if n := (first.Year() - start.Year()) / interval; n > 0 {
			if !days {
				opt.Bymonthday = []int{start.Day()}
				if len(opt.Bymonth) == 0 {
					opt.Bymonth = []int{int(start.Month())}
				}
			}
			opt.Dtstart = at(start.Year()+n*interval, 1, 1)
		}
	}
}

// daysFrom counts whole days; a time.Duration ends after 292 years.
func daysFrom(a, b time.Time) int { return int((b.Unix() - a.Unix()) / (24 * 60 * 60)) }

func weekday(t time.Time) rrule.Weekday {
	return []rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}[t.Weekday()]
}
