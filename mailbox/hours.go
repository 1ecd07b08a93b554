package mailbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// week is the order in which working days are written: from Monday (ISO 8601).
var week = [...]time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}

const minutesOfDay = 24 * 60

// ParseWorkingHours reads periods such as "Mon-Fri 08:00-17:00" or "Mon,Wed-Thu 09:00-12:30; Sat 10:00-14:00": English
// days of three letters, then a half-open time from 00:00 to 24:00. The empty string means no working hours. Periods that
// overlap are refused.
func ParseWorkingHours(s string) (WorkingHours, error) {
	var w WorkingHours
	for part := range strings.SplitSeq(s, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		p, err := parsePeriod(part)
		if err != nil {
			return WorkingHours{}, err
		}
		for _, other := range w.Periods {
			if overlap(p, other) {
				return WorkingHours{}, fmt.Errorf("working hours %q overlap %q", part, other)
			}
		}
		w.Periods = append(w.Periods, p)
	}
	return w, nil
}

func overlap(a, b WorkingPeriod) bool {
	for _, d := range a.Days {
		if slices.Contains(b.Days, d) && a.Start < b.End && b.Start < a.End {
			return true
		}
	}
	return false
}

func parsePeriod(s string) (p WorkingPeriod, err error) {
	fields := strings.Fields(s)
	if len(fields) != 2 {
		return p, fmt.Errorf("working hours %q are not of the form Mon-Fri 08:00-17:00", s)
	}
	for part := range strings.SplitSeq(fields[0], ",") {
		days, err := parseDays(part)
		if err != nil {
			return p, fmt.Errorf("working hours %q: %w", s, err)
		}
		for _, d := range days {
			if slices.Contains(p.Days, d) {
				return p, fmt.Errorf("working hours %q name %s twice", s, d)
			}
			p.Days = append(p.Days, d)
		}
	}
	from, until, _ := strings.Cut(fields[1], "-")
	if p.Start, err = parseClock(from); err == nil {
		p.End, err = parseClock(until)
	}
	switch {
	case err != nil:
		return p, fmt.Errorf("working hours %q: %w", s, err)
	case p.End <= p.Start:
		return p, fmt.Errorf("working hours %q end before they start", s)
	}
	return p, nil
}

// parseDays reads a day or a span of days, which may run over the end of the week.
func parseDays(s string) (out []time.Weekday, err error) {
	first, last, span := strings.Cut(s, "-")
	if !span {
		last = first
	}
	i, j := dayIndex(first), dayIndex(last)
	if i < 0 || j < 0 {
		return nil, fmt.Errorf("%q is not one of Mon, Tue, Wed, Thu, Fri, Sat, Sun", s)
	}
	for ; ; i = (i + 1) % len(week) {
		out = append(out, week[i])
		if i == j {
			return out, nil
		}
	}
}

func dayIndex(s string) int {
	return slices.IndexFunc(week[:], func(d time.Weekday) bool { return strings.EqualFold(shortDay(d), s) })
}

func shortDay(d time.Weekday) string { return d.String()[:3] }

func parseClock(s string) (minutes int, err error) {
	if s == "24:00" {
		return minutesOfDay, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, fmt.Errorf("%q is not a time such as 08:00", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// String writes what ParseWorkingHours reads.
func (w WorkingHours) String() string {
	parts := make([]string, len(w.Periods))
	for i, p := range w.Periods {
		parts[i] = p.String()
	}
	return strings.Join(parts, "; ")
}

// String writes one period, three or more days in a row as a span.
func (p WorkingPeriod) String() string {
	var days []string
	for i := 0; i < len(week); i++ {
		if !slices.Contains(p.Days, week[i]) {
			continue
		}
		j := i
		for j+1 < len(week) && slices.Contains(p.Days, week[j+1]) {
			j++
		}
		if j-i >= 2 {
			days = append(days, shortDay(week[i])+"-"+shortDay(week[j]))
			i = j
		} else {
			days = append(days, shortDay(week[i]))
		}
	}
	return fmt.Sprintf("%s %02d:%02d-%02d:%02d", strings.Join(days, ","), p.Start/60, p.Start%60, p.End/60, p.End%60)
}
