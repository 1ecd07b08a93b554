package icalendar

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/availd/availd/mailbox/timezone"
)

// definition is what a VTIMEZONE defines; err matters only where the zone is used.
type definition struct {
	zone *timezone.Zone
	err  error
}

// zoneText is a VTIMEZONE while it is read.
type zoneText struct {
	id    string
	parts []observance
	err   error
}

func (z *zoneText) take(p Property, depth int) {
	switch {
	case depth == 2 && p.Name == "TZID":
		z.id = zoneID(p.Value)
	case depth == 3 && z.err == nil:
		z.err = z.parts[len(z.parts)-1].take(p)
	}
}

// maxParts is more than any zone has had changes of its rules.
const maxParts = 400

func (z *zoneText) definition() definition {
	if z.err == nil && (len(z.parts) == 0 || len(z.parts) > maxParts) {
		z.err = refuse(0, "the VTIMEZONE %.60q has %d parts and not from 1 to %d", z.id, len(z.parts), maxParts)
	}
	if z.err != nil {
		return definition{err: z.err}
	}
	var list []timezone.Observance
	initial, first := z.parts[0].from, z.parts[0].start
	for _, o := range z.parts {
		if o.start.Before(first) {
			initial, first = o.from, o.start
		}
		list = append(list, timezone.Observance{Offset: o.to, Onsets: o.onsets})
	}
	return definition{zone: timezone.FromObservances(z.id, initial, list)}
}

// observance is one STANDARD or DAYLIGHT (RFC 5545 §3.6.5).
type observance struct {
	start    time.Time // wall clock
	from, to time.Duration
	rule     *rrule.ROption
	dates    []time.Time // wall clock
}

func (o *observance) take(p Property) (err error) {
	switch p.Name {
	case "DTSTART":
		var t Time
		t, err = parseMoment(&p, strings.TrimSuffix(strings.TrimSpace(p.Value), "Z"), nil)
		o.start = t.Wall
	case "TZOFFSETFROM":
		o.from, err = parseOffset(p)
	case "TZOFFSETTO":
		o.to, err = parseOffset(p)
	case "RRULE":
		err = o.repeat(p)
	case "RDATE":
		var list []Time
		list, err = appendTimes(nil, &p, nil)
		for _, t := range list {
			o.dates = append(o.dates, t.Wall)
		}
	}
	return err
}

// repeat takes a rule of the kind that time zones have: on some day of some months of every year.
func (o *observance) repeat(p Property) error {
	rules, err := appendRule(nil, &p)
	if err != nil {
		return err
	}
	opt, err := rrule.StrToROption(rules[0])
	simple := err == nil && opt.Freq == rrule.YEARLY && opt.Count == 0 && opt.Interval <= 1 &&
		len(opt.Bysetpos)+len(opt.Byyearday)+len(opt.Byweekno) == 0 && (len(opt.Bymonth) > 0 || len(opt.Byweekday)+len(opt.Bymonthday) == 0)
	if !simple || o.rule != nil {
		return refuse(p.Line, "the rule %.80q in a VTIMEZONE is not understood", p.Value)
	}
	o.rule = opt
	return nil
}

// onsets are the instants of the year, and the last one before it.
func (o observance) onsets(year int) []time.Time {
	walls := append([]time.Time{o.start}, o.dates...)
	if o.rule != nil {
		walls = append(walls, o.of(year)...)
		before := year - 1
		if !o.rule.Until.IsZero() {
			before = min(before, o.rule.Until.Year())
		}
		walls = append(walls, o.of(before)...) // its last year may have been cut off before the onset
		walls = append(walls, o.of(before-1)...)
	}
	var out []time.Time
	var last time.Time
	for _, w := range walls {
		switch at := w.Add(-o.from); {
		case w.Year() < year && at.After(last):
			last = at
		case w.Year() == year:
			out = append(out, at)
		}
	}
	if !last.IsZero() {
		out = append(out, last)
	}
	return out
}

// of are the rule's times in one year, on the wall clock. UNTIL is an instant for some and a wall-clock time for others;
// with a day to spare it means the same onset of a year.
func (o observance) of(year int) (out []time.Time) {
	months := o.rule.Bymonth
	if len(months) == 0 {
		months = []int{int(o.start.Month())}
	}
	for _, m := range months {
		first := time.Date(year, time.Month(m), 1, 0, 0, 0, 0, time.UTC)
		for d := first; d.Month() == first.Month(); d = d.AddDate(0, 0, 1) {
			w := d.Add(o.start.Sub(o.start.Truncate(day)))
			if o.matches(d) && !w.Before(o.start) && (o.rule.Until.IsZero() || w.Add(-o.from).Before(o.rule.Until.Add(day))) {
				out = append(out, w)
			}
		}
	}
	return out
}

func (o observance) matches(d time.Time) bool {
	length := time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	monthday := func(n int) bool { return n == d.Day() || n == d.Day()-length-1 }
	weekday := func(w rrule.Weekday) bool {
		nth, fromEnd := (d.Day()-1)/7+1, -((length-d.Day())/7 + 1)
		return (w.Day()+1)%7 == int(d.Weekday()) && (w.N() == 0 || w.N() == nth || w.N() == fromEnd)
	}
	if len(o.rule.Byweekday)+len(o.rule.Bymonthday) == 0 {
		return d.Day() == o.start.Day()
	}
	return (len(o.rule.Bymonthday) == 0 || slices.ContainsFunc(o.rule.Bymonthday, monthday)) &&
		(len(o.rule.Byweekday) == 0 || slices.ContainsFunc(o.rule.Byweekday, weekday))
}

func parseOffset(p Property) (time.Duration, error) {
	s := strings.TrimSpace(p.Value)
	bad := func() (time.Duration, error) { return 0, refuse(p.Line, "the offset %.20q is malformed", s) }
	if len(s) != 5 && len(s) != 7 || s[0] != '+' && s[0] != '-' {
		return bad()
	}
	n, err := strconv.Atoi(s[1:])
	if err != nil || n < 0 {
		return bad()
	}
	if len(s) == 5 {
		n *= 100
	}
	if n/10000 > 23 || n/100%100 > 59 || n%100 > 59 {
		return bad()
	}
	d := time.Duration(n/10000)*time.Hour + time.Duration(n/100%100)*time.Minute + time.Duration(n%100)*time.Second
	if s[0] == '-' {
		d = -d
	}
	return d, nil
}
