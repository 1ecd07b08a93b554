package recurrence_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/smtpaddr"
)

// only expands a calendar that has one occurrence at most.
func only(t *testing.T, ics string, owner ...smtpaddr.Address) *mailbox.Occurrence {
	t.Helper()
	_, raw, err := icalendar.NewReader(strings.NewReader(ics)).Next()
	if err != nil {
		t.Fatal(err)
	}
	o, err := icalendar.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	o.OwnedBy(owner...)
	from := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	list, err := recurrence.Expand(o, from, from.AddDate(0, 0, 1), timezone.UTC())
	if err != nil || len(list) > 1 {
		t.Fatal(len(list), err)
	}
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// TestWhatShowsAsBusy: the Outlook property wins over what RFC 5545 has, TRANSP over STATUS ([MS-OXCICAL] 2.1.3.1.1.20.31).
func TestWhatShowsAsBusy(t *testing.T) {
	const gone = "not in the calendar"
	me := smtpaddr.MustAddress("me@contoso.example")
	alias := smtpaddr.MustAddress("also.me@contoso.example")
	for _, c := range []struct {
		story string
		lines []string
		want  string
	}{
		{"nothing said", nil, "Busy"},
		{"opaque", lines("TRANSP:OPAQUE"), "Busy"},
		{"transparent", lines("TRANSP:TRANSPARENT"), "Free"},
		{"in any case, with spaces", lines("TRANSP: Transparent "), "Free"},
		{"tentative", lines("STATUS:TENTATIVE"), "Tentative"},
		{"confirmed", lines("STATUS:CONFIRMED"), "Busy"},
		{"cancelled", lines("STATUS:CANCELLED"), gone},
		{"cancelled wins over Outlook's property", lines("X-MICROSOFT-CDO-BUSYSTATUS:BUSY", "STATUS:CANCELLED"), gone},
		{"transparent and tentative is free", lines("STATUS:TENTATIVE", "TRANSP:TRANSPARENT"), "Free"},
		{"Outlook's property wins over TRANSP", lines("TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:OOF"), "OOF"},
		{"Outlook's property wins over STATUS", lines("STATUS:TENTATIVE", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"), "Busy"},
		{"Outlook's free", lines("X-MICROSOFT-CDO-BUSYSTATUS:FREE"), "Free"},
		{"working elsewhere", lines("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"), "WorkingElsewhere"},
		{"a status that nobody knows", lines("TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:SLEEPING"), "Free"},
		{"the older name of the property", lines("X-MICROSOFT-MSNCALENDAR-BUSYSTATUS:TENTATIVE"), "Tentative"},
		{"what the organizer intends is not what is", lines("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE", "X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY"), "Tentative"},
		{"what the organizer intends says nothing alone", lines("TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-INTENDEDSTATUS:OOF"), "Free"},
		{"counter-proposals have nothing to do with it", lines("X-MICROSOFT-DISALLOW-COUNTER:TRUE"), "Busy"},
		{"declined by the owner", lines("ATTENDEE;PARTSTAT=DECLINED:mailto:Me@Contoso.example"), gone},
		{"declined under another of the owner's addresses", lines("ATTENDEE;PARTSTAT=DECLINED:MAILTO:also.me@contoso.example"), gone},
		{"declined, with Apple's principal", lines("ATTENDEE;PARTSTAT=DECLINED;EMAIL=me@contoso.example:/abc/principal/"), gone},
		{"declined wins over Outlook's property", lines("ATTENDEE;PARTSTAT=DECLINED:mailto:me@contoso.example", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"), gone},
		{"declined by somebody else", lines("ATTENDEE;PARTSTAT=DECLINED:mailto:you@contoso.example", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@contoso.example"), "Busy"},
		{"accepted tentatively", lines("ATTENDEE;PARTSTAT=TENTATIVE:mailto:me@contoso.example"), "Tentative"},
		{"not answered", lines("ATTENDEE;RSVP=TRUE:mailto:me@contoso.example"), "Tentative"},
		{"not answered, but Outlook says", lines("ATTENDEE;RSVP=TRUE:mailto:me@contoso.example", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"), "Busy"},
	} {
		got := gone
		if o := only(t, event(append(lines("DTSTART:20260701T100000Z", "DURATION:PT1H"), c.lines...)...), me, alias); o != nil {
			got = o.BusyType.String()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.story, got, c.want)
		}
	}
}

func TestWhatIsPrivate(t *testing.T) {
	for class, want := range map[string]bool{"PUBLIC": false, "public": false, "": false, "PRIVATE": true, "Confidential": true, "X-SECRET": true} {
		if o := only(t, event("DTSTART:20260701T100000Z", "CLASS:"+class)); o.IsPrivate != want {
			t.Errorf("CLASS:%s: %v", class, o.IsPrivate)
		}
	}
}

func TestAnOutlookDayWithTimesIsAllDay(t *testing.T) {
	day := lines("DTSTART;TZID=UTC:20260701T000000", "DTEND;TZID=UTC:20260702T000000")
	if o := only(t, events(day, lines("X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"))); !o.AllDay {
		t.Error("it is not")
	}
	if o := only(t, events(day, lines("X-MICROSOFT-CDO-ALLDAYEVENT:FALSE"))); o.AllDay {
		t.Error("a busy day is taken for an all-day event")
	}
	if o := only(t, event("DTSTART;TZID=UTC:20260701T090000", "DTEND;TZID=UTC:20260701T100000", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE")); o.AllDay || o.End.Sub(o.Start) != time.Hour {
		t.Error("an hour is taken for a day")
	}
}

// TestFilesThatAreNoCalendars: what is no calendar is refused, and never taken for one in which its owner is free.
func TestFilesThatAreNoCalendars(t *testing.T) {
	const vevent = "BEGIN:VEVENT\nUID:x\nDTSTART:20260701T100000Z\nEND:VEVENT\n"
	file := func(inner string) string { return "BEGIN:VCALENDAR\n" + inner + "END:VCALENDAR\n" }
	for _, c := range []struct {
		story, text string
		events      int
		refused     string
	}{
		{"a published calendar", file("METHOD:PUBLISH\n" + vevent), 1, ""},
		{"a saved invitation", file("METHOD:REQUEST\n" + vevent), 1, ""},
		{"an answer", file("METHOD:REPLY\n" + vevent), 0, "line 2: METHOD:REPLY is a message"},
		{"a cancellation", file("METHOD:CANCEL\n" + vevent), 0, "line 2: METHOD:CANCEL is a message"},
		{"tasks and notes beside events", file("BEGIN:VTODO\nUID:t\nDUE:20260701T100000Z\nRRULE:FREQ=HOURLY\nEND:VTODO\nBEGIN:VJOURNAL\nUID:j\nEND:VJOURNAL\n" + vevent), 1, ""},
		{"tasks only", file("BEGIN:VTODO\nUID:t\nEND:VTODO\n"), 0, ""},
		{"free/busy times beside events", file("BEGIN:VFREEBUSY\nFREEBUSY:20260701T100000Z/PT1H\nEND:VFREEBUSY\n" + vevent), 1, ""},
		{"free/busy times only", file("BEGIN:VFREEBUSY\nFREEBUSY:20260701T100000Z/PT1H\nEND:VFREEBUSY\n"), 0, "line 2: the file holds free/busy times"},
		{"a rule in seconds, in its line", file(vevent + "BEGIN:VEVENT\nUID:y\nDTSTART:20260701T100000Z\nRRULE:FREQ=SECONDLY\nEND:VEVENT\n"), 0, "line 9: a rule with FREQ=SECONDLY"},
		{"a rule in minutes", event("DTSTART:20260701T100000Z", "RRULE:FREQ=MINUTELY;INTERVAL=15"), 0, "line 5: a rule with FREQ=MINUTELY"},
		{"a rule in hours", event("DTSTART:20260701T100000Z", "RRULE:FREQ=HOURLY"), 0, "line 5: a rule with FREQ=HOURLY"},
		{"several hours of a day", event("DTSTART:20260701T100000Z", "RRULE:FREQ=DAILY;BYHOUR=9,17"), 0, "line 5: a rule that repeats within a day"},
	} {
		n, refused := 0, ""
		for r := icalendar.NewReader(strings.NewReader(c.text)); ; n++ {
			_, _, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				refused = err.Error()
				break
			}
		}
		if n != c.events || !strings.HasPrefix(refused, c.refused) || refused != "" && c.refused == "" {
			t.Errorf("%s: %d events, %q", c.story, n, refused)
		}
	}
}
