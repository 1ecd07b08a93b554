package recurrence_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
)

// TestSampleCalendarsMeanTheListedTimes reads real calendars of others and the times that two independent engines agree on.
func TestSampleCalendarsMeanTheListedTimes(t *testing.T) {
	dir := os.Getenv("CALENDAR_SAMPLES_DIR")
	if dir == "" {
		t.Skip("CALENDAR_SAMPLES_DIR is not set")
	}
	f, err := os.Open(filepath.Join(dir, "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var c struct {
			File        string
			Start       time.Time `json:"window_start"`
			End         time.Time `json:"window_end"`
			Zone        string    `json:"default_zone"`
			Occurrences []struct {
				Start, End time.Time
				UID        string
				Busy       string   `json:"busytype"`
				BusyAlt    []string `json:"busytype_alt"`
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		zone, err := timezone.Lookup(c.Zone)
		if err != nil {
			t.Fatal(err)
		}
		got := expandFile(t, filepath.Join(dir, "data", c.File), c.Start, c.End, zone)
		want := map[string]bool{}
		for _, o := range c.Occurrences {
			want[o.Start.Format(time.RFC3339)+" "+o.End.Format(time.RFC3339)+" "+o.UID] = true
		}
		for _, o := range got {
			key := o.Start.Format(time.RFC3339) + " " + o.End.Format(time.RFC3339) + " " + o.UID
			if !want[key] {
				t.Errorf("%s: unexpected %s", c.File, key)
			}
			for _, w := range c.Occurrences {
				if w.Start.Equal(o.Start) && w.UID == o.UID && o.BusyType.String() != w.Busy && !slices.Contains(w.BusyAlt, o.BusyType.String()) {
					t.Errorf("%s: %s is %s and not %s", c.File, key, o.BusyType, w.Busy)
				}
			}
			delete(want, key)
		}
		for key := range want {
			t.Errorf("%s: missing %s", c.File, key)
		}
	}
}

func expandFile(t *testing.T, path string, from, until time.Time, zone *timezone.Zone) []mailbox.Occurrence {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return expandAll(t, f, from, until, zone)
}

func expandAll(t testing.TB, in io.Reader, from, until time.Time, zone *timezone.Zone) []mailbox.Occurrence {
	t.Helper()
	r := icalendar.NewReader(in)
	var out []mailbox.Occurrence
	for {
		_, raw, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		o, err := icalendar.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		list, err := recurrence.Expand(o, from, until, zone)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, list...)
	}
}

func event(lines ...string) string {
	return "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:x\n" + strings.Join(lines, "\n") + "\nEND:VEVENT\nEND:VCALENDAR\n"
}

func starts(t testing.TB, ics, from, until, zone string) string {
	t.Helper()
	z, err := timezone.Lookup(zone)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := time.Parse(time.DateOnly, from)
	b, _ := time.Parse(time.DateOnly, until)
	var out []string
	for _, o := range expandAll(t, strings.NewReader(ics), a, b, z) {
		out = append(out, o.Start.Format("0102T1504")+"+"+o.End.Sub(o.Start).String())
	}
	return strings.Join(out, " ")
}

func TestRecurrence(t *testing.T) {
	for _, c := range []struct{ name, ics, from, until, zone, want string }{
		{"a skipped time moves forward", event("DTSTART;TZID=America/New_York:20260307T023000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3"),
			"2026-03-01", "2026-04-01", "UTC", "0307T0730+1h0m0s 0308T0730+1h0m0s 0309T0630+1h0m0s"},
		{"an ambiguous time is the first", event("DTSTART;TZID=Europe/Berlin:20261025T023000", "DURATION:PT1H"), "2026-10-01", "2026-11-01", "UTC", "1025T0030+1h0m0s"},
		{"a day lasts 23 hours in spring", event("DTSTART;VALUE=DATE:20260329"), "2026-03-01", "2026-04-01", "Europe/Berlin", "0328T2300+23h0m0s"},
		{"the 31st skips short months long after", event("DTSTART:20000131T100000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY"), "2026-01-01", "2026-06-01", "UTC",
			"0131T1000+1h0m0s 0331T1000+1h0m0s 0531T1000+1h0m0s"},
		{"a leap day long after", event("DTSTART:19960229T100000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY"), "2024-01-01", "2029-01-01", "UTC", "0229T1000+1h0m0s 0229T1000+1h0m0s"},
		{"this and future move", event("DTSTART:20260105T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4", "END:VEVENT", "BEGIN:VEVENT", "UID:x",
			"RECURRENCE-ID;RANGE=THISANDFUTURE:20260107T100000Z", "DTSTART:20260107T120000Z", "DURATION:PT2H"),
			"2026-01-01", "2026-02-01", "UTC", "0105T1000+1h0m0s 0106T1000+1h0m0s 0107T1200+2h0m0s 0108T1200+2h0m0s"},
		{"an instance moved into the window", event("DTSTART:20260105T100000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2", "END:VEVENT", "BEGIN:VEVENT", "UID:x",
			"RECURRENCE-ID:20260112T100000Z", "DTSTART:20260320T100000Z", "DURATION:PT1H"), "2026-03-01", "2026-04-01", "UTC", "0320T1000+1h0m0s"},
		{"EXDATE list and RDATE period", event("DTSTART:20260105T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20260106T100000Z,20260107T100000Z",
			"RDATE;VALUE=PERIOD:20260110T090000Z/PT30M"), "2026-01-01", "2026-02-01", "UTC", "0105T1000+1h0m0s 0108T1000+1h0m0s 0110T0900+30m0s"},
		{"a Windows zone", event("DTSTART;TZID=W. Europe Standard Time:20260701T100000", "DURATION:PT1H"), "2026-07-01", "2026-08-01", "UTC", "0701T0800+1h0m0s"},
		{"zero length counts", event("DTSTART:20260701T000000Z"), "2026-07-01", "2026-08-01", "UTC", "0701T0000+0s"},
		{"until as a date keeps the day's instance", event("DTSTART:20260105T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20260106"), "2026-01-01", "2026-02-01", "UTC",
			"0105T1000+1h0m0s 0106T1000+1h0m0s"},
	} {
		if got := starts(t, c.ics, c.from, c.until, c.zone); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestRefusedCalendarsNameTheLine(t *testing.T) {
	for _, c := range []struct{ ics, want string }{
		{event("DTSTART:20260105T100000Z", "RRULE:FREQ=SECONDLY"), "line 6: a rule with FREQ=SECONDLY"},
		{event("DTSTART:20260105T100000Z", "RRULE:FREQ=DAILY;INTERVAL=0"), "line 6: the rule's INTERVAL"},
		{event("DTSTART;TZID=Nowhere/Land:20260105T100000"), "line 5: time zone \"Nowhere/Land\""},
		{event("SUMMARY:x"), "line 4: the event has no DTSTART"},
		{event("DTSTART:20260105T100000Z", "DTEND:20260105T090000Z"), "DTEND is before DTSTART"},
		{event("DTSTART:20260105T100000Z", "DURATION:PT9999999H"), "line 5: the duration"},
		{event("DTSTART:20260105T100000Z", "DURATION:P1H"), "line 5: the duration"},
		{event("DTSTART:20260105T100000Z", "DURATION:-PT1H"), "line 5: the duration"},
		{event("DTSTART:yesterday"), "line 5: DTSTART has the value"},
	} {
		if err := refusal(t, c.ics); err == nil || !strings.Contains(err.Error(), strings.SplitN(c.want, ": ", 2)[len(strings.SplitN(c.want, ": ", 2))-1]) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// refusal is why an import does not take the first object of a calendar.
func refusal(t *testing.T, ics string) error {
	t.Helper()
	_, raw, err := icalendar.NewReader(strings.NewReader(ics)).Next()
	if err == nil {
		_, err = icalendar.Parse(raw)
	}
	return err
}
