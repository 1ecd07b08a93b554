package recurrence_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
)

// FuzzImportedCalendar reads any text as a calendar, as an import does, and expands what is accepted: nothing panics,
// nothing hangs, and what comes out lies in the window.
func FuzzImportedCalendar(f *testing.F) {
	for _, s := range []string{
		event("DTSTART;TZID=Europe/Berlin:20260105T100000", "DTEND;TZID=Europe/Berlin:20260105T110000", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270101T000000Z", "EXDATE;TZID=Europe/Berlin:20260112T100000"),
		event("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"),
		event("DTSTART:20260105T100000Z", "DURATION:PT90M", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=1;COUNT=99", "RDATE;VALUE=PERIOD:20260110T090000Z/PT30M,20260111T090000Z/20260111T100000Z"),
		event("DTSTART:20260105T100000Z", "RRULE:FREQ=YEARLY;BYMONTH=12;BYDAY=53MO"),
		event("DTSTART:20260105T100000Z", "RRULE:FREQ=DAILY;COUNT=4", "END:VEVENT", "BEGIN:VEVENT", "UID:x", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260107T100000Z", "DTSTART:20260107T120000Z"),
		"BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Own\nBEGIN:STANDARD\nDTSTART:19701025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\n" +
			"BEGIN:VEVENT\nUID:y\nDTSTART;TZID=Own:20260301T090000\nSUMMARY:a\\, b\n folded\nEND:VEVENT\nEND:VCALENDAR\n",
	} {
		f.Add(s)
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(0, 2, 0)
	f.Fuzz(func(t *testing.T, text string) {
		// Whoever hangs is named: the fuzzer alone would wait forever.
		defer time.AfterFunc(10*time.Second, func() { panic(fmt.Sprintf("hangs: %q", text)) }).Stop()
		r := icalendar.NewReader(strings.NewReader(text))
		for range 20 {
			_, raw, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				if _, ok := errors.AsType[*icalendar.Error](err); !ok {
					t.Fatalf("the refusal names no line: %v", err)
				}
				return
			}
			o, err := icalendar.Parse(raw)
			if err != nil {
				continue
			}
			first, last := recurrence.Span(o, timezone.UTC())
			list, err := recurrence.Expand(o, from, until, timezone.UTC())
			if err != nil {
				if !errors.Is(err, recurrence.ErrLimit) {
					t.Fatalf("%v\n%s", err, raw)
				}
				continue
			}
			for _, e := range list {
				if !e.Start.Before(until) || e.End.Before(from) || e.End.Before(e.Start) {
					t.Fatalf("%s – %s is not in the window\n%s", e.Start, e.End, raw)
				}
				if e.Start.Before(first) || e.End.After(last) {
					t.Fatalf("%s – %s is not in the span %s – %s\n%s", e.Start, e.End, first, last, raw)
				}
			}
		}
	})
}
