package icalendar

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/mailbox/timezone"
)

// parseTime reads a DATE, DATE-TIME or PERIOD value (RFC 5545 §3.3.4, 3.3.5, 3.3.9).
func parseTime(p *Property, value string, zones map[string]definition) (Time, error) {
	value, period, isPeriod := strings.Cut(strings.TrimSpace(value), "/")
	t, err := parseMoment(p, strings.TrimSpace(value), zones)
	if err != nil || !isPeriod {
		return t, err
	}
	period = strings.TrimSpace(period)
	if strings.HasPrefix(period, "P") {
		if t.Period.Nominal, t.Period.Exact, err = parseDuration(period); err != nil {
			return Time{}, refuse(p.Line, "%s", err.Error())
		}
	} else {
		end, err := parseMoment(p, period, zones)
		if err != nil {
			return Time{}, err
		}
		if t.Zone != nil && end.Zone != nil {
			t.Period.Exact = end.In(nil).Sub(t.In(nil))
		} else {
			t.Period.Nominal = end.Wall.Sub(t.Wall)
		}
	}
	if t.Period.Nominal < 0 || t.Period.Exact < 0 || t.Period == (Length{}) || t.Date {
		return Time{}, refuse(p.Line, "the period does not end after its start")
	}
	return t, nil
}

func parseMoment(p *Property, value string, zones map[string]definition) (t Time, err error) {
	switch {
	case len(value) == 8:
		t.Date = true
		t.Wall, err = time.Parse("20060102", value)
	case len(value) == 16 && value[15] == 'Z':
		t.Zone = timezone.UTC()
		t.Wall, err = time.Parse("20060102T150405", leapSecond(value[:15]))
	case len(value) == 15:
		t.Wall, err = time.Parse("20060102T150405", leapSecond(value))
		if id := zoneID(p.Param("TZID")); err == nil && id != "" {
			var why error
			if t.Zone, why = zoneNamed(id, zones); why != nil {
				if _, ok := errors.AsType[*Error](why); ok {
					return Time{}, why
				}
				return Time{}, refuse(p.Line, "time zone %.60q is neither known nor defined by a VTIMEZONE", id)
			}
		}
	default:
		err = errors.New("no time")
	}
	if err != nil || t.Wall.Year() < 1600 || t.Wall.Year() > 4500 {
		return Time{}, refuse(p.Line, "%s has the value %.40q, which is no time", p.Name, value)
	}
	return t, nil
}

// leapSecond reads second 60 as 59 (RFC 5545 §3.3.12).
func leapSecond(value string) string {
	if value[13:] == "60" {
		return value[:13] + "59"
	}
	return value
}

// zoneID is a TZID as it is compared: some write quotation marks into the value.
func zoneID(s string) string { return strings.Trim(strings.TrimSpace(s), `"`) }

// A duration is at most a century, and no number in it larger than maxCount: products fit.
const (
	maxDays  = 36_500
	maxCount = 10_000_000
)

// parseDuration reads RFC 5545 §3.3.6; weeks and days are nominal.
func parseDuration(s string) (nominal, exact time.Duration, err error) {
	v := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "+")
	bad := errors.New("the duration " + strconv.Quote(s) + " is malformed, negative or too long")
	if !strings.HasPrefix(v, "P") || len(v) < 3 || len(v) > 40 {
		return 0, 0, bad
	}
	inTime := false
	n, digits := 0, false
	for _, c := range v[1:] {
		switch {
		case c >= '0' && c <= '9':
			n, digits = n*10+int(c-'0'), true
			if n > maxCount {
				return 0, 0, bad
			}
			continue
		case c == 'T' && !inTime && !digits:
			inTime = true
			continue
		case !digits:
			return 0, 0, bad
		}
		days, seconds := unit(c, inTime)
		if days+seconds == 0 || n*days > maxDays || n*seconds > maxDays*24*60*60 {
			return 0, 0, bad
		}
		nominal += time.Duration(n*days) * day
		exact += time.Duration(n*seconds) * time.Second
		if nominal > maxDays*day || exact > maxDays*day {
			return 0, 0, bad
		}
		n, digits = 0, false
	}
	if digits {
		return 0, 0, bad
	}
	return nominal, exact, nil
}

// unit is what a letter of a duration counts.
func unit(letter rune, inTime bool) (days, seconds int) {
	switch {
	case letter == 'W' && !inTime:
		return 7, 0
	case letter == 'D' && !inTime:
		return 1, 0
	case letter == 'H' && inTime:
		return 0, 60 * 60
	case letter == 'M' && inTime:
		return 0, 60
	case letter == 'S' && inTime:
		return 0, 1
	}
	return 0, 0
}
