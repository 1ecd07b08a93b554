package availability

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// busyWeeks are 40 entries a week for six weeks.
func busyWeeks(start time.Time, shift int) (out []mailbox.Occurrence) {
	for k := range 240 {
		at := start.Add(time.Duration(k*4)*time.Hour + time.Duration(shift%8)*30*time.Minute)
		out = append(out, mailbox.Occurrence{Start: at, End: at.Add(time.Hour), BusyType: mailbox.Busy})
	}
	return out
}

// BenchmarkSuggest is six weeks in half hours for people with 40 entries a week.
func BenchmarkSuggest(b *testing.B) {
	berlin := zoneOf(b, "Europe/Berlin")
	o := DefaultSuggestions()
	o.Window = week(berlin, 42)
	for _, n := range []int{2, 10, 100} {
		b.Run(fmt.Sprintf("attendees=%d", n), func(b *testing.B) {
			people := make([]schedule, n)
			for i := range people {
				people[i].busy = busyWeeks(o.Window.Start, i)
			}
			attendees := each(people)
			b.ReportAllocs()
			for b.Loop() {
				if days := suggest(o, berlin, time.Time{}, attendees, people, hours{mailbox.DefaultWorkingHours().Periods, berlin}); len(days) != 42 {
					b.Fatal(len(days))
				}
			}
		})
	}
}

// BenchmarkMerge writes the digits of six weeks of 240 entries.
func BenchmarkMerge(b *testing.B) {
	list, w := busyWeeks(monday, 0), Window{monday, monday.AddDate(0, 0, 42)}
	b.ReportAllocs()
	for b.Loop() {
		if d := Merge(list, w, 30*time.Minute); len(d) != 2016 {
			b.Fatal(len(d))
		}
	}
}

// BenchmarkGroup is a request for one group of a hundred mailboxes over six weeks, without a store.
func BenchmarkGroup(b *testing.B) {
	w := newWorld()
	g := &mailbox.Group{Address: smtpaddr.MustAddress("all@contoso.example")}
	for i := range 100 {
		a := smtpaddr.MustAddress(fmt.Sprintf("u%d@contoso.example", i))
		c := w.calendars[tom]
		c.Occurrences = busyWeeks(monday, i)
		w.calendars[a] = c
		g.Members = append(g.Members, a)
	}
	w.calendars[g.Address] = mailbox.Calendar{Group: g, Nested: []*mailbox.Group{g}}
	q := ask(MergedOnly, partner, g.Address.String())
	q.Window, q.MergedInterval = Window{monday, monday.AddDate(0, 0, 42)}, 30*time.Minute
	s := w.service()
	b.ReportAllocs()
	for b.Loop() {
		if a, err := s.GetUserAvailability(b.Context(), q); err != nil || len(a.Results[0].View.Merged) != 2016 {
			b.Fatal(err, a)
		}
	}
}
