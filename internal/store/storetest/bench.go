package storetest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/smtpaddr"
)

// busy is a calendar of n events: 40 in the week of the benchmark's window, the rest before it.
func busy(week time.Time, n int) string {
	events := make([]string, n)
	for k := range events {
		at := week.Add(time.Duration(k) * 4 * time.Hour)
		if k >= 40 {
			at = week.Add(-time.Duration(k) * 15 * time.Minute)
		}
		events[k] = "DTSTART:" + at.Format("20060102T150405Z") + "\r\nDURATION:PT30M\r\nSUMMARY:x"
	}
	return ics(events...)
}

// BenchmarkCalendarView reads a week of 1 or 100 mailboxes with 500 or 50,000 events each.
func BenchmarkCalendarView(b *testing.B, create func(t testing.TB) Opener) {
	week := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, n := range []int{500, 50000} {
		for _, boxes := range []int{1, 100} {
			if n*boxes > 500000 {
				continue
			}
			b.Run(fmt.Sprintf("events=%d/mailboxes=%d", n, boxes), func(b *testing.B) {
				s := node(b, create(b), 0)
				q := mailbox.CalendarQuery{Start: week, End: week.AddDate(0, 0, 7), Limit: 1000}
				calendar := busy(week, n)
				for i := range boxes {
					m := user(b, s, fmt.Sprintf("u%d@contoso.example", i), "UTC")
					load(b, s, m, false, calendar)
					q.Addresses = append(q.Addresses, m.Address)
				}
				for b.Loop() {
					if c, err := s.CalendarView(b.Context(), q); err != nil || len(c[0].Occurrences) < 40 {
						b.Fatal(err, len(c[0].Occurrences))
					}
				}
			})
		}
	}
}

// BenchmarkClaimReplay claims keys one after the other, and 64 at once.
func BenchmarkClaimReplay(b *testing.B, create func(t testing.TB) Opener) {
	s := node(b, create(b), 0)
	var i atomic.Uint64
	claim := func() {
		var key [32]byte
		binary.BigEndian.PutUint64(key[:], i.Add(1))
		if ok, err := s.ClaimReplay(b.Context(), key, Today()); err != nil || !ok {
			b.Error(ok, err)
		}
	}
	b.Run("serial", func(b *testing.B) {
		for b.Loop() {
			claim()
		}
	})
	b.Run("parallel=64", func(b *testing.B) {
		b.SetParallelism(32) // times two cores
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				claim()
			}
		})
	})
}

// BenchmarkImport replaces a calendar of 5,000 events.
func BenchmarkImport(b *testing.B, create func(t testing.TB) Opener) {
	s := node(b, create(b), 0)
	m := user(b, s, "u@contoso.example", "UTC")
	calendar := busy(Today(), 5000)
	for b.Loop() {
		if _, err := s.ImportCalendar(b.Context(), m.Address, icalendar.NewReader(strings.NewReader(calendar)), store.ImportOptions{Replace: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(5000*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkAddressBook finds names among 100,000 mailboxes, and reads what a hundred addresses stand for.
func BenchmarkAddressBook(b *testing.B, create func(t testing.TB) Opener) {
	s := node(b, create(b), 0)
	const mailboxes, families = 100_000, 1000
	var list []*mailbox.Contact // as mailboxes in the address list, and made many at once
	for i := range mailboxes {
		list = append(list, &mailbox.Contact{Address: address(fmt.Sprintf("u%d@contoso.example", i)), Target: address(fmt.Sprintf("u%d@fabrikam.example", i)), DisplayName: fmt.Sprintf("Family%d, Person%d", i%families, i/families)})
	}
	if err := s.PutContacts(b.Context(), list); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		text  string
		found int
	}{{"family770 person5", 11}, {"u9999", 11}, {"family770", 100}, {"family77", 101}, {"person", 101}, {"p f", 101}, {"family770 person", 100}, {"nobody", 0}} {
		b.Run("find="+strings.ReplaceAll(c.text, " ", "+"), func(b *testing.B) {
			for b.Loop() {
				if got, err := s.FindRecipients(b.Context(), directory.Words(c.text), c.text, 101); err != nil || len(got) != c.found {
					b.Fatal(len(got), err)
				}
			}
		})
	}
	b.Run("recipients=100", func(b *testing.B) {
		var addresses []smtpaddr.Address
		for i := range 100 {
			addresses = append(addresses, list[i*997].Address)
		}
		for b.Loop() {
			if got, err := s.Recipients(b.Context(), addresses, smtpaddr.Address{}); err != nil || !got[99].Found() {
				b.Fatal(err)
			}
		}
	})
}
