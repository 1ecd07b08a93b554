package icalendar

import (
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/smtpaddr"
)

// Event is one VEVENT as free/busy needs it.
type Event struct {
	Line         int
	Start        Time
	Length       Length
	AllDay       bool     // X-MICROSOFT-CDO-ALLDAYEVENT of an event from midnight to midnight
	Rules        []string // RRULE values, checked, in upper case
	ExRules      []string // EXRULE values, likewise (RFC 2445 §4.8.5.2)
	RDates       []Time
	ExDates      []Time
	RecurrenceID *Time
	ThisAndAfter bool // RANGE=THISANDFUTURE
	Sequence     int
	Summary      string
	Location     string
	Status       string // upper case
	Transparent  bool
	BusyStatus   string // X-MICROSOFT-CDO-BUSYSTATUS, upper case
	Private      bool
	Meeting      bool
	Reminder     bool
	Answer       string // the owner's PARTSTAT in upper case; see Object.OwnedBy
	answers      map[string]string
}

// OwnedBy notes in each event what the owner of the calendar, who has these addresses, answered to its invitation
// (RFC 5545 §3.2.12).
func (o *Object) OwnedBy(addresses ...smtpaddr.Address) {
	for _, e := range o.Events {
		for _, a := range addresses {
			if answer, ok := e.answers[strings.ToLower(a.String())]; ok {
				e.Answer = answer
				break
			}
		}
	}
}

const maxDates = 20000

// eventReader reads the values of one VEVENT.
type eventReader struct {
	*Event
	uid      string
	zones    map[string]definition
	end      *Time
	duration *Property
	started  bool
	allDay   bool
}

func parseEvent(s *source, zones map[string]definition) (*Event, string, error) {
	r := eventReader{Event: &Event{Line: s.line, Reminder: s.reminder}, zones: zones}
	for i := range s.props {
		p := &s.props[i]
		if err := r.when(p); err != nil {
			return nil, "", err
		}
		r.what(p)
	}
	if !r.started {
		return nil, "", refuse(s.line, "the event has no DTSTART")
	}
	if err := r.length(); err != nil {
		return nil, "", err
	}
	return r.Event, r.uid, nil
}

// when reads the properties that say when the event is.
func (r *eventReader) when(p *Property) (err error) {
	var t Time
	switch p.Name {
	case "DTSTART":
		r.Start, err = parseTime(p, p.Value, r.zones)
		r.started = true
	case "DTEND":
		t, err = parseTime(p, p.Value, r.zones)
		r.end = &t
	case "DURATION":
		r.duration = p
	case "RRULE":
		r.Rules, err = appendRule(r.Rules, p)
	case "EXRULE":
		r.ExRules, err = appendRule(r.ExRules, p)
	case "RDATE":
		r.RDates, err = appendTimes(r.RDates, p, r.zones)
	case "EXDATE":
		r.ExDates, err = appendTimes(r.ExDates, p, r.zones)
	case "RECURRENCE-ID":
		t, err = parseTime(p, p.Value, r.zones)
		r.RecurrenceID, r.ThisAndAfter = &t, strings.EqualFold(p.Param("RANGE"), "THISANDFUTURE")
	case "X-MICROSOFT-CDO-ALLDAYEVENT", "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT":
		r.allDay = strings.EqualFold(strings.TrimSpace(p.Value), "TRUE")
	}
	return err
}

// what reads the properties that say what the event is.
func (r *eventReader) what(p *Property) {
	value := strings.ToUpper(strings.TrimSpace(p.Value))
	switch p.Name {
	case "UID":
		r.uid = strings.TrimSpace(p.Value)
	case "SEQUENCE":
		r.Sequence, _ = strconv.Atoi(value) // 0 where it is malformed, as where it is missing
	case "SUMMARY":
		r.Summary = unescape(p.Value)
	case "LOCATION":
		r.Location = unescape(p.Value)
	case "STATUS":
		r.Status = value
	case "TRANSP":
		r.Transparent = value == "TRANSPARENT"
	case "X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS":
		r.BusyStatus = value
	case "CLASS": // RFC 5545 §3.8.1.3: what is not known is private
		r.Private = value != "PUBLIC" && value != ""
	case "ATTENDEE":
		r.Meeting = true
		r.attendee(p)
	}
}

func (r *eventReader) attendee(p *Property) {
	address := strings.ToLower(strings.TrimSpace(p.Value))
	if mail, ok := strings.CutPrefix(address, "mailto:"); ok {
		address = mail
	} else if mail := p.Param("EMAIL"); mail != "" { // Apple names a principal and adds the address
		address = strings.ToLower(mail)
	}
	if r.answers == nil {
		r.answers = map[string]string{}
	}
	answer := strings.ToUpper(p.Param("PARTSTAT"))
	if answer == "" {
		answer = "NEEDS-ACTION"
	}
	r.answers[address] = answer
}

// length is RFC 5545 §3.6.1: DTEND, else DURATION, else a day for a date and nothing for a time. The distance of DTSTART
// and DTEND is exact where both lie in a zone; floating times keep what the clock showed.
func (r *eventReader) length() error {
	end, start := r.end, r.Start
	switch {
	case end != nil && end.Date != start.Date:
		return refuse(r.Line, "DTSTART and DTEND are not both dates or both times")
	case end != nil && end.Zone != nil && start.Zone != nil && !r.midnights():
		r.Length.Exact = end.In(nil).Sub(start.In(nil))
	case end != nil:
		r.Length.Nominal = end.Wall.Sub(start.Wall)
		r.AllDay = !start.Date && r.midnights()
	case r.duration != nil:
		nominal, exact, err := parseDuration(r.duration.Value)
		if err != nil {
			return refuse(r.duration.Line, "%s", err.Error())
		}
		r.Length = Length{nominal, exact}
		r.AllDay = !start.Date && r.midnights()
	}
	if r.Length.Nominal < 0 || r.Length.Exact < 0 {
		return refuse(r.Line, "DTEND is before DTSTART")
	}
	if start.Date { // whole days, one at least
		days := int((r.Length.Nominal + r.Length.Exact + day - 1) / day)
		r.Length = Length{Nominal: time.Duration(max(days, 1)) * day}
	}
	return nil
}

// midnights tells whether the event is one that Outlook calls all-day and writes with times: its days are as long as
// the days are.
func (r *eventReader) midnights() bool {
	isDay := func(t Time) bool { return t.Wall.Truncate(day).Equal(t.Wall) }
	if !r.allDay || !isDay(r.Start) {
		return false
	}
	if r.end == nil {
		return true
	}
	return isDay(*r.end) && r.end.Wall.After(r.Start.Wall) && (r.end.Zone == r.Start.Zone)
}

func appendTimes(out []Time, p *Property, zones map[string]definition) ([]Time, error) {
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

// zoneNamed finds the zone of a TZID. A registered name means what it means today, whatever the file says of it: a
// VTIMEZONE is a snapshot, often of one year. Any other name means what the file says.
func zoneNamed(id string, zones map[string]definition) (*timezone.Zone, error) {
	own, defined := zones[id]
	if defined && own.err == nil && !timezone.Registered(id) {
		return own.zone, nil
	}
	z, err := timezone.Lookup(id)
	if err != nil && defined {
		return nil, own.err
	}
	return z, err
}
