package recurrence

import (
	"time"

	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/timezone"
)

// Span returns a first start and a last end that hold all occurrences of o, with two days to spare on both sides; an
// endless series, and one that only counts, ends in the year 9999.
func Span(o *icalendar.Object, floating *timezone.Zone) (first, last time.Time) {
	const spare = 48 * time.Hour
	never := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	x := expansion{floating: floating}
	grow := func(t icalendar.Time, l icalendar.Length) {
		at := t.In(floating)
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if end := at.Add(l.Nominal + l.Exact); end.After(last) {
			last = end
		}
	}
	var back time.Duration // how far an override can move instances of the series to the front
	for _, e := range o.Events {
		grow(e.Start, e.Length)
		for _, t := range e.RDates {
			grow(t, e.Length)
			grow(t, t.Period)
		}
		if e.ThisAndAfter {
			last = never
			back = max(back, e.RecurrenceID.Wall.Sub(e.Start.Wall))
		}
		for _, rule := range e.Rules {
			opt, err := x.option(e, rule)
			if err != nil || opt.Until.IsZero() {
				last = never
				continue
			}
			grow(icalendar.Time{Wall: opt.Until, Zone: e.Start.Zone}, e.Length)
		}
	}
	return first.Add(-spare - back), last.Add(spare)
}
