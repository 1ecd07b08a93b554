package icalendar

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/mailbox/timezone"
)

// Object is one parsed object: the components of one UID.
type Object struct {
	UID    string
	Events []*Event // masters and overrides in the order of the file
}

// Time is a DATE or DATE-TIME value as written: wall-clock fields, and how to place them.
type Time struct {
	Wall   time.Time      // fields as written, in UTC
	Date   bool           // a DATE
	Zone   *timezone.Zone // nil: floating (and every DATE)
	Period time.Duration  // of an RDATE period; 0 otherwise
}

// In places t; floating times and days lie in zone.
func (t Time) In(zone *timezone.Zone) time.Time {
	if t.Zone != nil {
		zone = t.Zone
	}
	return zone.Instant(t.Wall)
}

// Event is one VEVENT as free/busy needs it.
type Event struct {
	Line         int
	Start        Time
	Duration     time.Duration // exact length, where DTEND or DURATION gives one in hours
	Days         int           // length in days for all-day events
	Rules        []string      // RRULE values, checked
	RDates       []Time
	ExDates      []Time
	RecurrenceID *Time
	ThisAndAfter bool
	Summary      string
	Location     string
	Status       string // upper case
	Transparent  bool
	BusyStatus   string // X-MICROSOFT-CDO-BUSYSTATUS, upper case
	Private      bool
	Meeting      bool
	Reminder     bool
}

const maxDates = 20000

// Parse reads one object and checks everything that expansion relies on. Errors are *Error.
func Parse(object []byte) (*Object, error) {
	o := &Object{}
	zones := map[string]*timezone.Zone{}
	lines := newLineReader(bytes.NewReader(object))
	var stack []string
	var props []Property
	var reminder bool
	var parts []vtzPart
	var tzid string
	var begin int
	type pending struct {
		props    []Property
		line     int
		reminder bool
	}
	var events []pending
	for {
		_, text, at, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		p, err := parseLine(text, at)
		if err != nil {
			return nil, err
		}
		switch {
		case p.Name == "BEGIN":
			stack = append(stack, strings.ToUpper(strings.TrimSpace(p.Value)))
			switch {
			case len(stack) == 2:
				props, reminder, begin, parts, tzid = nil, false, at, nil, ""
			case len(stack) == 3 && stack[1] == "VEVENT" && stack[2] == "VALARM":
				reminder = true
			case len(stack) == 3 && stack[1] == "VTIMEZONE":
				parts = append(parts, vtzPart{})
			}
		case p.Name == "END" && len(stack) > 0:
			if len(stack) == 2 && stack[1] == "VEVENT" {
				events = append(events, pending{props, begin, reminder})
			}
			if len(stack) == 2 && stack[1] == "VTIMEZONE" {
				if z := zoneOf(tzid, parts); z != nil {
					zones[tzid] = z
				}
			}
			stack = stack[:len(stack)-1]
		case len(stack) == 2 && stack[1] == "VEVENT":
			props = append(props, p)
		case len(stack) == 2 && stack[1] == "VTIMEZONE" && p.Name == "TZID":
			tzid = strings.TrimSpace(p.Value)
		case len(stack) == 3 && stack[1] == "VTIMEZONE" && len(parts) > 0:
			if err := parts[len(parts)-1].add(p); err != nil {
				return nil, err
			}
		}
	}
	for _, e := range events {
		ev, uid, err := parseEvent(e.props, e.line, zones)
		if err != nil {
			return nil, err
		}
		ev.Reminder = e.reminder
		if o.UID == "" {
			o.UID = uid
		}
		o.Events = append(o.Events, ev)
	}
	if len(o.Events) == 0 {
		return nil, refuse(lines.line, "there is no VEVENT")
	}
	return o, nil
}

func parseEvent(props []Property, line int, zones map[string]*timezone.Zone) (e *Event, uid string, err error) {
	e = &Event{Line: line}
	var end *Time
	var duration *Property
	started := false
	for i := range props {
		p := &props[i]
		var t Time
		switch p.Name {
		case "UID":
			uid = strings.TrimSpace(p.Value)
		case "DTSTART":
			e.Start, err = parseTime(p, p.Value, zones)
			started = true
		case "DTEND":
			t, err = parseTime(p, p.Value, zones)
			end = &t
		case "DURATION":
			duration = p
		case "RRULE":
			if err = checkRule(p); err == nil {
				e.Rules = append(e.Rules, strings.TrimSpace(p.Value))
			}
		case "RDATE":
			e.RDates, err = appendTimes(e.RDates, p, zones)
		case "EXDATE":
			e.ExDates, err = appendTimes(e.ExDates, p, zones)
		case "RECURRENCE-ID":
			t, err = parseTime(p, p.Value, zones)
			e.RecurrenceID, e.ThisAndAfter = &t, strings.EqualFold(p.Param("RANGE"), "THISANDFUTURE")
		case "SUMMARY":
			e.Summary = unescape(p.Value)
		case "LOCATION":
			e.Location = unescape(p.Value)
		case "STATUS":
			e.Status = strings.ToUpper(strings.TrimSpace(p.Value))
		case "TRANSP":
			e.Transparent = strings.EqualFold(strings.TrimSpace(p.Value), "TRANSPARENT")
		case "X-MICROSOFT-CDO-BUSYSTATUS":
			e.BusyStatus = strings.ToUpper(strings.TrimSpace(p.Value))
		case "CLASS":
			v := strings.TrimSpace(p.Value)
			e.Private = strings.EqualFold(v, "PRIVATE") || strings.EqualFold(v, "CONFIDENTIAL")
		case "ATTENDEE":
			e.Meeting = true
		}
		if err != nil {
			return nil, "", err
		}
	}
	if !started {
		return nil, "", refuse(line, "the event has no DTSTART")
	}
	return e, uid, e.length(end, duration)
}

// length is RFC 5545 §3.6.1: DTEND, else DURATION, else a day for a date and nothing for a time.
func (e *Event) length(end *Time, duration *Property) error {
	switch {
	case end != nil && end.Date != e.Start.Date:
		return refuse(e.Line, "DTSTART and DTEND are not both dates or both times")
	case end != nil && e.Start.Date:
		e.Days = int(end.Wall.Sub(e.Start.Wall) / (24 * time.Hour))
		if e.Days < 0 {
			return refuse(e.Line, "DTEND is before DTSTART")
		}
		e.Days = max(e.Days, 1)
	case end != nil:
		utc := timezone.UTC()
		e.Duration = end.In(utc).Sub(e.Start.In(utc))
		if end.Zone == nil || e.Start.Zone == nil {
			e.Duration = end.Wall.Sub(e.Start.Wall)
		}
		if e.Duration < 0 {
			return refuse(e.Line, "DTEND is before DTSTART")
		}
	case duration != nil:
		days, exact, err := parseDuration(duration.Value)
		if err != nil {
			return refuse(duration.Line, "%s", err.Error())
		}
		if e.Start.Date {
			e.Days = max(days+int(exact/(24*time.Hour)), 1)
		} else {
			e.Duration = time.Duration(days)*24*time.Hour + exact
		}
	case e.Start.Date:
		e.Days = 1
	}
	return nil
}

func appendTimes(out []Time, p *Property, zones map[string]*timezone.Zone) ([]Time, error) {
	for v := range strings.SplitSeq(p.Value, ",") {
		if strings.TrimSpace(v) == "" {
			continue
		}
		if len(out) >= maxDates {
			return nil, refuse(p.Line, "more than %d dates", maxDates)
		}
		t, err := parseTime(p, v, zones)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// parseTime reads a DATE, DATE-TIME or PERIOD value (RFC 5545 §3.3.4, 3.3.5, 3.3.9).
func parseTime(p *Property, value string, zones map[string]*timezone.Zone) (Time, error) {
	value = strings.TrimSpace(value)
	var t Time
	value, period, isPeriod := strings.Cut(value, "/")
	bad := func() (Time, error) {
		return Time{}, refuse(p.Line, "%s has the value %.40q, which is no time", p.Name, value)
	}
	var err error
	switch {
	case len(value) == 8:
		t.Date = true
		t.Wall, err = time.Parse("20060102", value)
	case len(value) == 16 && value[15] == 'Z':
		t.Zone = timezone.UTC()
		t.Wall, err = time.Parse("20060102T150405Z", value)
	case len(value) == 15:
		if value[13:] == "60" { // a leap second
			value = value[:13] + "59"
		}
		t.Wall, err = time.Parse("20060102T150405", value)
		if tz := strings.TrimSpace(p.Param("TZID")); err == nil && tz != "" {
			if t.Zone, err = timezone.Lookup(tz); err != nil {
				if t.Zone = zones[tz]; t.Zone == nil {
					return Time{}, refuse(p.Line, "time zone %.60q is neither known nor defined by a VTIMEZONE", tz)
				}
				err = nil
			}
		}
	default:
		return bad()
	}
	if err != nil || t.Wall.Year() < 1600 || t.Wall.Year() > 4500 {
		return bad()
	}
	if isPeriod {
		if strings.HasPrefix(period, "P") {
			days, exact, err := parseDuration(period)
			if err != nil {
				return Time{}, refuse(p.Line, "%s", err.Error())
			}
			t.Period = time.Duration(days)*24*time.Hour + exact
		} else {
			end, err := parseTime(p, period, zones)
			if err != nil {
				return Time{}, err
			}
			t.Period = end.Wall.Sub(t.Wall)
		}
		if t.Period <= 0 {
			return Time{}, refuse(p.Line, "the period does not end after its start")
		}
	}
	return t, nil
}

// parseDuration reads RFC 5545 §3.3.6; weeks and days are nominal.
func parseDuration(s string) (days int, exact time.Duration, err error) {
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
			if n > 10_000_000 {
				return 0, 0, bad
			}
			continue
		case c == 'T' && !inTime && !digits:
			inTime = true
			continue
		case !digits:
			return 0, 0, bad
		case c == 'W' && !inTime:
			days += 7 * n
		case c == 'D' && !inTime:
			days += n
		case c == 'H' && inTime:
			exact += time.Duration(n) * time.Hour
		case c == 'M' && inTime:
			exact += time.Duration(n) * time.Minute
		case c == 'S' && inTime:
			exact += time.Duration(n) * time.Second
		default:
			return 0, 0, bad
		}
		n, digits = 0, false
	}
	if digits || days > 36500 || exact > 36500*24*time.Hour {
		return 0, 0, bad
	}
	return days, exact, nil
}
