package storetest

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/smtpaddr"
)

var calendarTests = []test{
	{"a view answers by position and any address", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		m := user(t, s, "tom@contoso.example", "Europe/Berlin", "DTSTART:20261124T090000Z\r\nDURATION:PT1H\r\nSUMMARY:x\r\nCLASS:PRIVATE")
		m.Aliases = []smtpaddr.Address{address("t@contoso.example")}
		if err := s.UpdateMailbox(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		c := view(t, s, "2026-11-24", "2026-11-25", "nobody@contoso.example", "T@contoso.example", "tom@contoso.example")
		if c[0].Found || !c[1].Found || starts(c[1]) != "261124T09" || starts(c[2]) != "261124T09" || !c[1].Occurrences[0].IsPrivate || !c[1].InScope {
			t.Errorf("%+v", c)
		}
	}},
	{"windows far from today are right too", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "Europe/Berlin", "DTSTART;TZID=Europe/Berlin:20000103T100000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY",
			"DTSTART;VALUE=DATE:20200101\r\nDTEND;VALUE=DATE:20300101")
		for _, c := range []struct{ from, until, want string }{
			{"2026-11-23", "2026-11-24", "191231T23 261123T09"},
			{"2001-01-01", "2001-01-02", "010101T09"},
			{"2199-01-01", "2199-01-08", "990107T09"},
		} {
			if got := starts(view(t, s, c.from, c.until, "tom@contoso.example")[0]); got != c.want {
				t.Errorf("%s: %s, want %s", c.from, got, c.want)
			}
		}
	}},
	{"a node that did not extend its horizon answers right nevertheless", func(t *testing.T, open Opener) {
		user(t, node(t, open, 0), "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY")
		late := node(t, open, 3*store.HorizonAhead)
		if got := starts(view(t, late, "2032-11-24", "2032-11-25", "tom@contoso.example")[0]); got != "321124T09" {
			t.Errorf("unknown became free: %q", got)
		}
	}},
	{"the horizon moves on, once", func(t *testing.T, open Opener) {
		user(t, node(t, open, 0), "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY")
		late := node(t, open, store.HorizonAhead/2)
		until := Today().Add(store.HorizonAhead + store.HorizonAhead/4)
		for _, want := range []int{1, 0} {
			if n, err := late.ExtendHorizon(t.Context(), until); err != nil || n != want {
				t.Errorf("%d calendars were expanded, want %d: %v", n, want, err)
			}
		}
		if got := starts(view(t, late, "2029-01-01", "2029-01-02", "tom@contoso.example")[0]); got != "290101T09" {
			t.Errorf("%q", got)
		}
	}},
	{"other time zone rules expand the calendars anew", func(t *testing.T, open Opener) {
		user(t, node(t, open, 0), "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H")
		s := open(t, store.Options{Now: Today, TZData: "other rules"})
		if got := today(t, s, "tom@contoso.example"); got != "261124T09" {
			t.Errorf("before: %q", got)
		}
		for _, want := range []int{1, 0} {
			if n, err := s.ExtendHorizon(t.Context(), Today()); err != nil || n != want {
				t.Errorf("%d calendars were expanded, want %d: %v", n, want, err)
			}
		}
		if got := today(t, s, "tom@contoso.example"); got != "261124T09" {
			t.Errorf("after: %q", got)
		}
	}},
	{"a new zone moves floating times, near and far", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		m := user(t, s, "tom@contoso.example", "Pacific/Kiritimati", "DTSTART:20261124T090000\r\nDURATION:PT1H", "DTSTART:19991124T090000\r\nDURATION:PT1H")
		if got := starts(view(t, s, "2026-11-23", "2026-11-24", "tom@contoso.example")[0]); got != "261123T19" {
			t.Fatal(got)
		}
		m.Zone = "America/New_York"
		if err := s.UpdateMailbox(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got := today(t, s, "tom@contoso.example"); got != "261124T14" {
			t.Error(got)
		}
		if got := starts(view(t, s, "1999-11-24", "1999-11-25", "tom@contoso.example")[0]); got != "991124T14" {
			t.Error(got)
		}
	}},
	{"what the owner declined is not in the calendar, near and far, under each of the owner's addresses", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		m := user(t, s, "tom@contoso.example", "UTC",
			"DTSTART:20001124T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=YEARLY\r\nATTENDEE;PARTSTAT=DECLINED:mailto:TOM@contoso.example",
			"DTSTART:20001124T100000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=YEARLY\r\nATTENDEE;PARTSTAT=DECLINED:mailto:thomas@contoso.example",
			"DTSTART:20001124T110000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=YEARLY\r\nATTENDEE;PARTSTAT=DECLINED:mailto:ann@contoso.example")
		far := func() string { return starts(view(t, s, "2003-11-24", "2003-11-25", "tom@contoso.example")[0]) }
		if near, far := today(t, s, "tom@contoso.example"), far(); near != "261124T10 261124T11" || far != "031124T10 031124T11" {
			t.Errorf("before: %q, %q", near, far)
		}
		m.Aliases = append(m.Aliases, address("thomas@contoso.example"))
		if err := s.UpdateMailbox(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if near, far := today(t, s, "tom@contoso.example"), far(); near != "261124T11" || far != "031124T11" {
			t.Errorf("with an alias: %q, %q", near, far)
		}
	}},
	{"one more than the limit is seen, near and far", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC", "DTSTART:20000101T000000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY", "DTSTART:20000101T100000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY")
		for _, from := range []string{"2026-11", "2001-11"} {
			q := query(from+"-01", from+"-20", "tom@contoso.example")
			q.Limit = 3
			if c := ask(t, s, q); len(c[0].Occurrences) != 4 {
				t.Errorf("%s: %d occurrences", from, len(c[0].Occurrences))
			}
		}
	}},
	{"an object that cannot be expanded is an error of its mailbox only", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC", "DTSTART:19000101T000000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY")
		user(t, s, "ann@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H")
		user(t, s, "bob@contoso.example", "Nowhere/At-All")
		c := view(t, s, "1950-01-01", "2100-01-01", "tom@contoso.example", "ann@contoso.example", "bob@contoso.example")
		if !errors.Is(c[0].Err, recurrence.ErrLimit) || len(c[0].Occurrences) != 0 || starts(c[1]) != "261124T09" || c[2].Err == nil {
			t.Errorf("%v, %s, %v", c[0].Err, starts(c[1]), c[2].Err)
		}
	}},
	{"items of every length and doubles are all seen", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC",
			"DTSTART:20261124T090000Z\r\nDURATION:PT0S", "DTSTART:20261123T100000Z\r\nDURATION:P1D", "DTSTART:20261024T110000Z\r\nDURATION:P31D",
			"DTSTART:20251124T120000Z\r\nDURATION:P730D", "DTSTART:20261124T000000Z\r\nDURATION:PT0S",
			"DTSTART:20261124T130000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:e5\r\nRECURRENCE-ID:20261125T130000Z\r\nDTSTART:20261124T130000Z\r\nDURATION:PT1H")
		if got := today(t, s, "tom@contoso.example"); got != "251124T12 261024T11 261123T10 261124T00 261124T09 261124T13 261124T13" {
			t.Error(got)
		}
	}},
	{"an export is byte for byte", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		odd := "DTSTART:20261124T090000Z\r\nSUMMARY:a\\, b\r\n  folded  \r\nX-ODD;P=\"q;r\":v"
		m := user(t, s, "tom@contoso.example", "UTC", odd)
		var b bytes.Buffer
		if err := s.ExportCalendar(t.Context(), m.Address, &b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), odd) {
			t.Errorf("%q", b.String())
		}
	}},
	{"the calendar's version moves with every change of it", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		m := user(t, s, "tom@contoso.example", "UTC")
		version := func() int64 { return view(t, s, "2026-11-24", "2026-11-25", "tom@contoso.example")[0].Version }
		last := version()
		for _, change := range []struct {
			name string
			run  func() error
		}{
			{"import", func() error {
				load(t, s, m, false, ics("DTSTART:20261124T090000Z\r\nDURATION:PT1H", "DTSTART:20261124T100000Z\r\nDURATION:PT1H"))
				return nil
			}},
			{"deletion", func() error { return s.DeleteObject(t.Context(), m.Address, "e0") }},
			{"new zone", func() error { m.Zone = "Europe/Berlin"; return s.UpdateMailbox(t.Context(), m) }},
		} {
			if err := change.run(); err != nil {
				t.Fatal(err)
			}
			if now := version(); now <= last {
				t.Errorf("%s: %d after %d", change.name, now, last)
			} else {
				last = now
			}
		}
		if err := s.DeleteObject(t.Context(), m.Address, "e0"); !errors.Is(err, store.ErrNotFound) || version() != last {
			t.Errorf("an object that is not there: %v, version %d after %d", err, version(), last)
		}
		if got := today(t, s, "tom@contoso.example"); got != "261124T10" {
			t.Error(got)
		}
	}},
	{"any window equals the expansion of every object", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		rapid.Check(t, func(r *rapid.T) { anyWindow(t, r, s) })
	}},
}

// anyWindow compares a view with what recurrence.Expand says of each object, inside, outside and across the horizon.
func anyWindow(t *testing.T, r *rapid.T, s store.Store) {
	zone := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}).Draw(r, "zone")
	events := rapid.SliceOfN(rapid.Custom(drawEvent), 1, 5).Draw(r, "events")
	name := smtpaddr.MustAddress("r" + strings.ReplaceAll(store.NewID(), "-", "") + "@contoso.example")
	m := &mailbox.Mailbox{Address: name, Zone: zone}
	if err := s.CreateMailbox(t.Context(), m); err != nil {
		r.Fatal(err)
	}
	calendar := ics(events...)
	if _, err := s.ImportCalendar(t.Context(), name, icalendar.NewReader(strings.NewReader(calendar)), store.ImportOptions{}); err != nil {
		r.Fatal(err)
	}
	at := Today().AddDate(0, 0, rapid.IntRange(-1500, 1500).Draw(r, "day")).Truncate(time.Hour)
	q := mailbox.CalendarQuery{Addresses: []smtpaddr.Address{name}, Start: at, End: at.AddDate(0, 0, rapid.IntRange(1, 62).Draw(r, "days")), Limit: 5000}
	got := ask(t, s, q)[0]
	if got.Err != nil {
		r.Fatal(got.Err)
	}
	want := map[mailbox.Occurrence]int{}
	z, err := store.Zone(zone)
	if err != nil {
		r.Fatal(err)
	}
	for src := icalendar.NewReader(strings.NewReader(calendar)); ; {
		_, data, err := src.Next()
		if err != nil {
			break
		}
		o, err := icalendar.Parse(data)
		if err != nil {
			r.Fatal(err)
		}
		list, err := recurrence.Expand(o, q.Start, q.End, z)
		if err != nil {
			r.Fatal(err)
		}
		for _, x := range list {
			want[x]++
		}
	}
	have := map[mailbox.Occurrence]int{}
	for _, x := range got.Occurrences {
		have[x]++
	}
	if d := cmp.Diff(want, have); d != "" {
		r.Fatalf("%s in %s, %s to %s: %s", calendar, zone, q.Start, q.End, d)
	}
}

func drawEvent(r *rapid.T) string {
	start := Today().AddDate(0, 0, rapid.IntRange(-1200, 1200).Draw(r, "start")).Add(time.Duration(rapid.IntRange(0, 47).Draw(r, "half hours")) * 30 * time.Minute)
	length := rapid.SampledFrom([]string{"PT0S", "PT30M", "PT1H", "P1D", "P3D", "P31D", "P40D"}).Draw(r, "length")
	form := rapid.SampledFrom([]string{":20060102T150405Z", ":20060102T150405", ";TZID=Europe/Berlin:20060102T150405", ";VALUE=DATE:20060102"}).Draw(r, "form")
	rule := rapid.SampledFrom([]string{"", "", "\r\nRRULE:FREQ=DAILY;COUNT=40", "\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE,SU", "\r\nRRULE:FREQ=MONTHLY;BYDAY=-1FR", "\r\nRRULE:FREQ=YEARLY"}).Draw(r, "rule")
	if strings.Contains(form, "VALUE=DATE") && strings.HasPrefix(length, "PT") {
		length = "P1D"
	}
	return "DTSTART" + start.Format(form) + "\r\nDURATION:" + length + rule
}
