package icalendar

import (
	"bytes"
	"errors"
	"io"
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
	Period Length         // of an RDATE period; zero otherwise
}

// In places t; floating times and days lie in zone.
func (t Time) In(zone *timezone.Zone) time.Time {
	if t.Zone != nil {
		zone = t.Zone
	}
	return zone.Instant(t.Wall)
}

// Length is how long an instance lasts: first Nominal on the wall clock, a day of it being as long as that day is, then
// Exact in elapsed time (RFC 5545 §3.3.6, 3.8.5.3).
type Length struct{ Nominal, Exact time.Duration }

const day = 24 * time.Hour

// Parse reads one object and checks everything that expansion relies on. Errors are *Error.
func Parse(object []byte) (*Object, error) {
	p := parser{lines: newLineReader(bytes.NewReader(object), 1<<10), zones: map[string]definition{}}
	for {
		_, text, at, err := p.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, err := parseLine(text, at)
		if err != nil {
			return nil, err
		}
		if err := p.take(line); err != nil {
			return nil, err
		}
	}
	o := &Object{}
	for _, e := range p.events { // only now are all time zones known
		ev, uid, err := parseEvent(e, p.zones)
		if err != nil {
			return nil, err
		}
		if o.UID == "" {
			o.UID = uid
		}
		o.Events = append(o.Events, ev)
	}
	if len(o.Events) == 0 {
		return nil, refuse(p.lines.line, "there is no VEVENT")
	}
	return o, nil
}

// parser collects the components of an object.
type parser struct {
	lines  *lineReader
	stack  []string // names of the open components
	events []*source
	zones  map[string]definition
	event  *source   // while a VEVENT is open
	zone   *zoneText // while a VTIMEZONE is open
}

// source is a VEVENT before its values are read.
type source struct {
	line     int
	props    []Property
	reminder bool
}

func (p *parser) take(line Property) error {
	switch {
	case line.Name == "BEGIN":
		p.stack = append(p.stack, strings.ToUpper(strings.TrimSpace(line.Value)))
		p.begin(line.Line)
	case line.Name == "END":
		p.end()
	case len(p.stack) == 1 && line.Name == "METHOD":
		return checkMethod(line)
	case len(p.stack) == 2 && p.event != nil:
		p.event.props = append(p.event.props, line)
	case p.zone != nil:
		p.zone.take(line, len(p.stack))
	}
	return nil
}

func (p *parser) begin(line int) {
	name := p.stack[len(p.stack)-1]
	switch {
	case len(p.stack) == 2 && name == "VEVENT":
		p.event = &source{line: line}
	case len(p.stack) == 2 && name == "VTIMEZONE":
		p.zone = &zoneText{}
	case len(p.stack) == 3 && p.event != nil && name == "VALARM":
		p.event.reminder = true
	case len(p.stack) == 3 && p.zone != nil:
		p.zone.parts = append(p.zone.parts, observance{})
	}
}

func (p *parser) end() {
	if len(p.stack) == 2 && p.event != nil {
		p.events = append(p.events, p.event)
		p.event = nil
	}
	if len(p.stack) == 2 && p.zone != nil {
		p.zones[p.zone.id] = p.zone.definition()
		p.zone = nil
	}
	if len(p.stack) > 0 {
		p.stack = p.stack[:len(p.stack)-1]
	}
}

// checkMethod refuses messages about events, which are not calendars (RFC 5546 §1.4): taken for one, an answer would
// make busy, and a cancellation of one instance would replace its series.
func checkMethod(p Property) error {
	switch m := strings.ToUpper(strings.TrimSpace(p.Value)); m {
	case "CANCEL", "REPLY", "REFRESH", "COUNTER", "DECLINECOUNTER":
		return refuse(p.Line, "METHOD:%s is a message about events and not a calendar", m)
	}
	return nil
}
