package icalendar

import (
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/availd/availd/mailbox/timezone"
)

// checkRule refuses what availd does not expand (RFC 5545 §3.3.10 and our limits), before the library sees it.
func checkRule(p *Property) error {
	parts := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(p.Value), ";"), ";") {
		k, v, ok := strings.Cut(part, "=")
		if !ok || v == "" {
			return refuse(p.Line, "the rule part %.40q has no value", part)
		}
		k = strings.ToUpper(k)
		if _, twice := parts[k]; twice {
			return refuse(p.Line, "the rule has %s twice", k)
		}
		parts[k] = strings.ToUpper(v)
	}
	switch parts["FREQ"] {
	case "DAILY", "WEEKLY", "MONTHLY", "YEARLY":
	case "SECONDLY", "MINUTELY", "HOURLY":
		return refuse(p.Line, "a rule with FREQ=%s is not kept: an event that repeats within a day says nothing about a calendar", parts["FREQ"])
	default:
		return refuse(p.Line, "the rule's FREQ %.20q is not known", parts["FREQ"])
	}
	if _, ok := parts["BYEASTER"]; ok { // the library's own; RFC 5545 does not have it
		return refuse(p.Line, "the rule part BYEASTER is not known")
	}
	for _, k := range []string{"COUNT", "INTERVAL"} {
		v, ok := parts[k]
		if n, err := strconv.Atoi(v); ok && (err != nil || n < 1 || n > 1_000_000_000) {
			return refuse(p.Line, "the rule's %s %.20q is not a number from 1 to 1000000000", k, v)
		}
	}
	if parts["COUNT"] != "" && parts["UNTIL"] != "" {
		return refuse(p.Line, "the rule has both COUNT and UNTIL")
	}
	for _, k := range []string{"BYHOUR", "BYMINUTE", "BYSECOND"} {
		if strings.Contains(parts[k], ",") {
			return refuse(p.Line, "a rule that repeats within a day (%s=%.20s) is not kept", k, parts[k])
		}
	}
	if _, err := rrule.StrToROption(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(p.Value)), ";")); err != nil {
		return refuse(p.Line, "the rule %.80q is malformed: %v", p.Value, err)
	}
	return nil
}

// vtzPart is one STANDARD or DAYLIGHT.
type vtzPart struct {
	start    time.Time // wall clock
	from, to time.Duration
	rule     string
	dates    []time.Time
}

func (v *vtzPart) add(p Property) (err error) {
	switch p.Name {
	case "DTSTART":
		var t Time
		t, err = parseTime(&p, strings.TrimSuffix(p.Value, "Z"), nil)
		v.start = t.Wall
	case "TZOFFSETFROM":
		v.from, err = parseOffset(p)
	case "TZOFFSETTO":
		v.to, err = parseOffset(p)
	case "RRULE":
		if err = checkRule(&p); err == nil {
			v.rule = strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(p.Value)), ";")
		}
	case "RDATE":
		for s := range strings.SplitSeq(p.Value, ",") {
			t, err := parseTime(&p, s, nil)
			if err != nil {
				return err
			}
			v.dates = append(v.dates, t.Wall)
		}
	}
	return err
}

func parseOffset(p Property) (time.Duration, error) {
	s := strings.TrimSpace(p.Value)
	if len(s) != 5 && len(s) != 7 || s[0] != '+' && s[0] != '-' {
		return 0, refuse(p.Line, "the offset %.20q is malformed", s)
	}
	n, err := strconv.Atoi(s[1:5])
	if err != nil || n%100 > 59 || n/100 > 23 {
		return 0, refuse(p.Line, "the offset %.20q is malformed", s)
	}
	d := time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute
	if s[0] == '-' {
		d = -d
	}
	return d, nil
}

func zoneOf(name string, parts []vtzPart) *timezone.Zone {
	if name == "" || len(parts) == 0 {
		return nil
	}
	var observances []timezone.Observance
	initial, first := parts[0].from, parts[0].start
	for _, v := range parts {
		if v.start.Before(first) {
			initial, first = v.from, v.start
		}
		observances = append(observances, timezone.Observance{Offset: v.to, Onsets: v.onsets})
	}
	return timezone.FromObservances(name, initial, observances)
}

// onsets are the instants of the year, and the last one before it.
func (v vtzPart) onsets(year int) []time.Time {
	begin := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	walls := append([]time.Time{v.start}, v.dates...)
	if v.rule != "" {
		opt, err := rrule.StrToROption(v.rule)
		if err == nil && opt.Freq == rrule.YEARLY {
			opt.Dtstart = v.start
			if from := begin.AddDate(-2, 0, 0); opt.Count == 0 && opt.Interval <= 1 && v.start.Before(from) {
				opt.Dtstart = time.Date(from.Year(), v.start.Month(), 1, v.start.Hour(), v.start.Minute(), v.start.Second(), 0, time.UTC)
			}
			if r, err := rrule.NewRRule(*opt); err == nil {
				walls = append(walls, r.Between(opt.Dtstart, begin.AddDate(1, 0, 0), true)...)
			}
		}
	}
	var out []time.Time
	var last time.Time
	for _, w := range walls {
		switch at := w.Add(-v.from); {
		case w.Before(begin) && at.After(last):
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
