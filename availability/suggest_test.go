package availability

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
)

func zoneOf(t testing.TB, name string) *timezone.Zone {
	t.Helper()
	z, err := timezone.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// week is the window from Monday the 23rd of November 2026 for some days, in a zone.
func week(z *timezone.Zone, days int) Window {
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	return Window{z.Instant(monday), z.Instant(monday.AddDate(0, 0, days))}
}

// busyAt is an entry of the first day of the window, by UTC hours.
func busyAt(from, until string, b mailbox.BusyType) mailbox.Occurrence {
	at := func(s string) time.Time {
		t, _ := time.Parse("2006-01-02 15:04", "2026-11-23 "+s)
		return t
	}
	return mailbox.Occurrence{Start: at(from), End: at(until), BusyType: b}
}

func person(list ...mailbox.Occurrence) schedule { return schedule{busy: list} }

// each makes one attendee of each person.
func each(people []schedule) []attendee {
	out := make([]attendee, len(people))
	for i := range out {
		out[i].people = []int{i}
	}
	return out
}

// written prints a day as 09:00E 10:30G, with n behind times that are no working time.
func written(d SuggestionDay, z *timezone.Zone) string {
	var out []string
	for _, s := range d.Suggestions {
		text := z.Wall(s.Time).Format("15:04") + s.Quality.String()[:1]
		if !s.WorkTime {
			text += "n"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func TestSuggestions(t *testing.T) {
	utc := timezone.UTC()
	work := hours{mailbox.DefaultWorkingHours().Periods, utc}
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		edit   func(o *SuggestionsOptions)
		now    time.Time
		people []schedule
		want   string // the first attendee's conflicts exclude where the name says so
	}{
		{"the best of a free day, cut to the maximum", nil, long, []schedule{person()}, "08:00E 08:30E 09:00E 09:30E 10:00E 10:30E 11:00E 11:30E 12:00E 12:30E"},
		{"a busy morning", func(o *SuggestionsOptions) { o.MaxPerDay = 3 }, long, []schedule{person(busyAt("08:00", "14:15", mailbox.Busy))}, "14:30E 15:00E 15:30E"},
		{"tentative is a conflict", func(o *SuggestionsOptions) { o.MaxPerDay = 2 }, long, []schedule{person(busyAt("08:00", "15:00", mailbox.Tentative))}, "15:00E 15:30E"},
		{"elsewhere and free are none", func(o *SuggestionsOptions) { o.MaxPerDay = 2 }, long, []schedule{person(busyAt("08:00", "12:00", mailbox.WorkingElsewhere), busyAt("08:00", "17:00", mailbox.Free))}, "08:00E 08:30E"},
		{"one of five is good at 25, fair at 20", func(o *SuggestionsOptions) { o.MaxPerDay = 1; o.MinimumQuality = Good }, long,
			[]schedule{person(busyAt("00:00", "23:59", mailbox.Busy)), person(), person(), person(), person()}, "08:00G"},
		{"one of five at threshold 20", func(o *SuggestionsOptions) { o.MaxPerDay = 1; o.GoodThreshold = 20 }, long,
			[]schedule{person(busyAt("00:00", "23:59", mailbox.Busy)), person(), person(), person(), person()}, "08:00F"},
		{"half is fair", func(o *SuggestionsOptions) { o.MaxPerDay = 1 }, long, []schedule{person(busyAt("00:00", "23:59", mailbox.Busy)), person()}, "08:00F"},
		{"more than half is poor and not wanted", nil, long, []schedule{person(busyAt("00:00", "23:59", mailbox.Busy)), person(busyAt("00:00", "23:59", mailbox.OOF)), person()}, ""},
		{"no data counts neither way", func(o *SuggestionsOptions) { o.MaxPerDay = 1 }, long, []schedule{person(), {noData: true}, {noData: true}}, "08:00E"},
		{"where nobody has data, nothing is suggested", nil, long, []schedule{{noData: true}}, ""},
		{"somebody's conflicts exclude", func(o *SuggestionsOptions) { o.MaxPerDay = 1 }, long,
			[]schedule{person(busyAt("08:00", "09:00", mailbox.Busy)), person(), person(), person(), person()}, "09:00E"},
		{"some outside of working hours", func(o *SuggestionsOptions) { o.MaxPerDay = 3; o.MaxNonWorkPerDay = 2; o.Duration = 9 * time.Hour }, long, []schedule{person()}, "00:00En 00:30En 08:00E"},
		{"none at all", func(o *SuggestionsOptions) { o.MaxPerDay = 0 }, long, []schedule{person()}, ""},
		{"not in the past", func(o *SuggestionsOptions) { o.MaxPerDay = 1 }, time.Date(2026, 11, 23, 15, 10, 0, 0, time.UTC), []schedule{person()}, "15:30E"},
		{"not the time it has", func(o *SuggestionsOptions) {
			o.MaxPerDay = 1
			o.CurrentMeetingTime = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
		}, long, []schedule{person()}, "08:30E"},
		{"the meeting itself is no conflict", func(o *SuggestionsOptions) { o.MaxPerDay = 1; o.CurrentMeetingUID = "m" }, long,
			[]schedule{person(mailbox.Occurrence{UID: "m", Start: busyAt("08:00", "17:00", 0).Start, End: busyAt("08:00", "17:00", 0).End, BusyType: mailbox.Busy})}, "08:00E"},
	} {
		o := DefaultSuggestions()
		o.Window = week(utc, 1)
		if c.edit != nil {
			c.edit(&o)
		}
		attendees := each(c.people)
		attendees[0].exclude = strings.HasSuffix(c.name, "exclude")
		days := suggest(o, utc, c.now, attendees, c.people, work)
		if len(days) != 1 || written(days[0], utc) != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, written(days[0], utc), c.want)
		}
		if c.want == "" && days[0].Quality != Poor {
			t.Errorf("%s: an empty day is %s", c.name, days[0].Quality)
		}
	}
}

func TestEveryDayOfTheWindowIsThereAndEveryAttendee(t *testing.T) {
	berlin := zoneOf(t, "Europe/Berlin")
	o := DefaultSuggestions()
	o.Window = Window{berlin.Instant(time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)), berlin.Instant(time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC))}
	days := suggest(o, berlin, time.Time{}, []attendee{{people: []int{0}}, {kind: UnknownConflict, people: []int{1}}}, []schedule{person(), {noData: true}}, hours{mailbox.DefaultWorkingHours().Periods, berlin})
	var dates []string
	for _, d := range days {
		dates = append(dates, d.Date.Format("02 15:04"))
		for _, s := range d.Suggestions {
			if len(s.Conflicts) != 2 || s.Conflicts[0] != (Conflict{}) || s.Conflicts[1] != (Conflict{Kind: UnknownConflict}) {
				t.Errorf("%s: %+v", s.Time, s.Conflicts)
			}
		}
	}
	if got := fmt.Sprint(dates); got != "[28 00:00 29 00:00 30 00:00]" {
		t.Error(got)
	}
	if got := written(days[2], berlin); !strings.HasPrefix(got, "08:00E") {
		t.Errorf("Monday after the change: %s", got)
	}
}

func TestWhoCannotBeReadHasNoData(t *testing.T) {
	for kind, want := range map[fault.Kind]ConflictKind{fault.MailRecipientNotFound: UnknownConflict, fault.InvalidSMTPAddress: UnknownConflict, fault.AddressSpaceNotFound: UnknownConflict,
		fault.FreeBusyDLLimitReached: TooBigGroupConflict, fault.NoFreeBusyAccess: IndividualConflict, fault.ProxyRequestFailed: IndividualConflict} {
		err := fault.Because(kind, nil)
		if s := scheduleOf(Result{Err: err}, Query{}); !s.noData || kindOf(err) != want {
			t.Errorf("%s: %+v, form %d", kind.Row().Name, s, kindOf(err))
		}
	}
}
