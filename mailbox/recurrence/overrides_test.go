package recurrence_test

import (
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
)

func TestInstancesThatWereChanged(t *testing.T) {
	weekly := lines("DTSTART;TZID=Europe/Berlin:20260105T100000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY")
	moved := func(id, start string) []string { return and("RECURRENCE-ID"+id, "DTSTART"+start, "DURATION:PT2H") }
	out := events(weekly, moved(":20260112T090000Z", ":20260320T090000Z"))
	allDay := lines("DTSTART;VALUE=DATE:20260105", "RRULE:FREQ=WEEKLY;COUNT=3")
	check(t, []edge{
		{"moved out of the window it leaves no trace there", out, "2026-01-10", "2026-01-15", "UTC", ""},
		{"moved into the window it is there", out, "2026-03-18", "2026-03-22", "UTC", "0320T0900+2h0m0s"},
		{"moved by minutes over the window's edge", events(weekly, moved(":20260112T090000Z", ":20260111T233000Z")), "2026-01-12", "2026-01-15", "UTC", "0111T2330+2h0m0s"},
		{"the identity in another zone", events(weekly, moved(";TZID=America/New_York:20260112T040000", ":20260113T090000Z")), "2026-01-10", "2026-01-15", "UTC", "0113T0900+2h0m0s"},
		{"the identity without zone is in the series' zone", events(weekly, moved(":20260112T100000", ":20260113T090000Z")), "2026-01-10", "2026-01-15", "Asia/Tokyo", "0113T0900+2h0m0s"},
		{"Lotus names the day", events(weekly, moved(";VALUE=DATE:20260112", ":20260113T090000Z")), "2026-01-10", "2026-01-15", "Asia/Tokyo", "0113T0900+2h0m0s"},
		{"Exchange names local midnight in UTC for a day", events(allDay, and("RECURRENCE-ID:20260111T230000Z", "DTSTART;VALUE=DATE:20260114")), "2026-01-10", "2026-01-20", "Europe/Berlin",
			"0113T2300+24h0m0s 0118T2300+24h0m0s"},
		{"a time at the day's own midnight for a day", events(allDay, and("RECURRENCE-ID;TZID=America/New_York:20260112T000000", "DTSTART;VALUE=DATE:20260114")), "2026-01-10", "2026-01-18", "UTC", "0114T0000+24h0m0s"},
		{"a timed instance becomes a day", events(weekly, and("RECURRENCE-ID:20260112T090000Z", "DTSTART;VALUE=DATE:20260112")), "2026-01-10", "2026-01-15", "UTC", "0112T0000+24h0m0s"},
		{"a cancelled instance", events(weekly, and("RECURRENCE-ID:20260112T090000Z", "DTSTART:20260112T090000Z", "STATUS:CANCELLED")), "2026-01-10", "2026-01-15", "UTC", ""},
		{"a cancelled series with one instance that takes place", events(weekly, lines("STATUS:CANCELLED"), moved(":20260112T090000Z", ":20260112T090000Z")), "2026-01-01", "2026-02-01", "UTC", "0112T0900+2h0m0s"},
		{"two revisions of an instance: the newer", events(weekly, and("RECURRENCE-ID:20260112T090000Z", "SEQUENCE:3", "DTSTART:20260113T090000Z", "DURATION:PT1H"),
			and("RECURRENCE-ID:20260112T090000Z", "SEQUENCE:2", "DTSTART:20260114T090000Z", "DURATION:PT1H")), "2026-01-10", "2026-01-16", "UTC", "0113T0900+1h0m0s"},
		{"two revisions of a whole event: the newer", events(lines("SEQUENCE:1", "DTSTART:20260105T100000Z", "DURATION:PT1H"), and("SEQUENCE:0", "DTSTART:20260106T100000Z", "DURATION:PT1H")),
			"2026-01-01", "2026-02-01", "UTC", "0105T1000+1h0m0s"},
		{"two events under one UID, nothing says which is newer: both", events(lines("DTSTART:20260105T100000Z", "DURATION:PT1H"), and("DTSTART:20260106T100000Z", "DURATION:PT1H")),
			"2026-01-01", "2026-02-01", "UTC", "0105T1000+1h0m0s 0106T1000+1h0m0s"},
		{"an instance without its series", event("RECURRENCE-ID:20260112T090000Z", "DTSTART:20260113T090000Z", "DURATION:PT1H"), "2026-01-01", "2026-02-01", "UTC", "0113T0900+1h0m0s"},
	})
}

func TestThisAndAllLaterInstances(t *testing.T) {
	daily := lines("DTSTART;TZID=Europe/Berlin:20260105T100000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5")
	from := func(id, start string, more ...string) []string {
		return and(append([]string{"RECURRENCE-ID;RANGE=THISANDFUTURE" + id, "DTSTART" + start}, more...)...)
	}
	spring := lines("DTSTART;TZID=Europe/Berlin:20260302T150000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=5")
	check(t, []edge{
		{"later and longer", events(daily, from(":20260107T090000Z", ";TZID=Europe/Berlin:20260107T120000", "DURATION:PT2H")), "2026-01-01", "2026-02-01", "UTC",
			"0105T0900+1h0m0s 0106T0900+1h0m0s 0107T1100+2h0m0s 0108T1100+2h0m0s 0109T1100+2h0m0s"},
		{"twice", events(daily, from(":20260108T090000Z", ";TZID=Europe/Berlin:20260108T180000", "DURATION:PT3H"), from(":20260106T090000Z", ";TZID=Europe/Berlin:20260106T120000", "DURATION:PT2H")),
			"2026-01-01", "2026-02-01", "UTC", "0105T0900+1h0m0s 0106T1100+2h0m0s 0107T1100+2h0m0s 0108T1700+3h0m0s 0109T1700+3h0m0s"},
		{"with one instance changed later", events(daily, from(":20260106T090000Z", ";TZID=Europe/Berlin:20260106T120000", "DURATION:PT2H"), and("RECURRENCE-ID:20260108T090000Z", "DTSTART:20260110T090000Z", "DURATION:PT4H")),
			"2026-01-01", "2026-02-01", "UTC", "0105T0900+1h0m0s 0106T1100+2h0m0s 0107T1100+2h0m0s 0109T1100+2h0m0s 0110T0900+4h0m0s"},
		{"the first of them changed once more", events(daily, from(":20260108T090000Z", ";TZID=Europe/Berlin:20260108T120000", "DURATION:PT2H"), and("RECURRENCE-ID:20260108T090000Z", "DTSTART:20260110T090000Z", "DURATION:PT4H")),
			"2026-01-07", "2026-02-01", "UTC", "0107T0900+1h0m0s 0109T1100+2h0m0s 0110T0900+4h0m0s"},
		{"less the excluded", events(daily, lines("EXDATE:20260108T090000Z"), from(":20260107T090000Z", ";TZID=Europe/Berlin:20260107T120000", "DURATION:PT2H")), "2026-01-07", "2026-02-01", "UTC",
			"0107T1100+2h0m0s 0109T1100+2h0m0s"},
		{"moved to another day, seen from the day", events(daily, from(":20260107T090000Z", ";TZID=Europe/Berlin:20260121T100000", "DURATION:PT1H")), "2026-01-22", "2026-01-24", "UTC", "0122T0900+1h0m0s 0123T0900+1h0m0s"},
		{"cancelled from here on", events(daily, from(":20260107T090000Z", ":20260107T090000Z", "STATUS:CANCELLED")), "2026-01-01", "2026-02-01", "UTC", "0105T0900+1h0m0s 0106T0900+1h0m0s"},
		{"in another zone it keeps that zone's hour", events(spring, from(":20260309T140000Z", ";TZID=America/New_York:20260309T110000", "DURATION:PT1H")), "2026-03-01", "2026-05-01", "UTC",
			"0302T1400+1h0m0s 0309T1500+1h0m0s 0316T1500+1h0m0s 0323T1500+1h0m0s 0330T1500+1h0m0s"},
		{"from a day on, as Lotus names it", events(daily, from(";VALUE=DATE:20260108", ";TZID=Europe/Berlin:20260108T120000", "DURATION:PT2H")), "2026-01-07", "2026-02-01", "UTC",
			"0107T0900+1h0m0s 0108T1100+2h0m0s 0109T1100+2h0m0s"},
		{"all day from here on", events(daily, from(":20260108T090000Z", ";VALUE=DATE:20260108")), "2026-01-07", "2026-02-01", "UTC", "0107T0900+1h0m0s 0108T0000+24h0m0s 0109T0000+24h0m0s"},
		{"with a new rule the old one ends", events(daily, from(":20260107T090000Z", ";TZID=Europe/Berlin:20260108T120000", "DURATION:PT2H", "RRULE:FREQ=WEEKLY;COUNT=2")), "2026-01-01", "2026-02-01", "UTC",
			"0105T0900+1h0m0s 0106T0900+1h0m0s 0108T1100+2h0m0s 0115T1100+2h0m0s"},
		{"with a new rule, and one of its instances changed", events(daily, from(":20260107T090000Z", ";TZID=Europe/Berlin:20260108T120000", "DURATION:PT2H", "RRULE:FREQ=WEEKLY;COUNT=3"),
			and("RECURRENCE-ID:20260115T110000Z", "DTSTART:20260116T110000Z", "DURATION:PT1H")), "2026-01-07", "2026-02-01", "UTC", "0108T1100+2h0m0s 0116T1100+1h0m0s 0122T1100+2h0m0s"},
		{"with a new rule, then moved", events(daily, from(":20260107T090000Z", ";TZID=Europe/Berlin:20260108T120000", "DURATION:PT2H", "RRULE:FREQ=WEEKLY;COUNT=3"),
			from(":20260115T110000Z", ";TZID=Europe/Berlin:20260115T150000", "DURATION:PT1H")), "2026-01-07", "2026-02-01", "UTC", "0108T1100+2h0m0s 0115T1400+1h0m0s 0122T1400+1h0m0s"},
	})
}

// TestNoOccurrenceLiesOutsideOfTheSpan expands the series of the tests above for a long time: stores look for objects
// by their span.
func TestNoOccurrenceLiesOutsideOfTheSpan(t *testing.T) {
	for _, ics := range []string{
		events(lines("DTSTART:20260105T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20260110T100000Z"), and("RECURRENCE-ID;RANGE=THISANDFUTURE:20260106T100000Z", "DTSTART:20251201T100000Z", "DURATION:PT1H")),
		event("DTSTART;VALUE=DATE:20260105", "RDATE;VALUE=DATE:20250101,20280101"),
		event("DTSTART:20260105T100000Z", "RDATE;VALUE=PERIOD:20260601T100000Z/P90D"),
		event("DTSTART:20260105T100000Z", "DURATION:P90D", "RRULE:FREQ=DAILY;UNTIL=20260106"),
	} {
		o, err := icalendar.Parse([]byte(ics))
		if err != nil {
			t.Fatal(err)
		}
		first, last := recurrence.Span(o, timezone.UTC())
		from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		list, err := recurrence.Expand(o, from, from.AddDate(20, 0, 0), timezone.UTC())
		if err != nil || len(list) < 2 {
			t.Fatal(len(list), err)
		}
		for _, e := range list {
			if e.Start.Before(first) || e.End.After(last) {
				t.Errorf("%s – %s is not in %s – %s\n%s", e.Start, e.End, first, last, strings.TrimSpace(ics))
			}
		}
	}
}
