package ews

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/smtpaddr"
)

// BenchmarkFindItem writes all properties of a month: ten entries a day.
func BenchmarkFindItem(b *testing.B) {
	zone, err := timezone.Lookup("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	v := availability.CalendarView{Mailbox: smtpaddr.MustAddress("tom@contoso.example"), Own: true, Zone: zone}
	for k := range 300 {
		at := time.Date(2026, 11, 1+k/10, 8+k%10, 0, 0, 0, time.UTC)
		v.Entries = append(v.Entries, mailbox.Occurrence{UID: "040000008200E00074C5B7101A82E008" + fmt.Sprint(k), Start: at, End: at.Add(time.Hour), BusyType: mailbox.Busy, Subject: "Planning & review", Location: "Room 1"})
	}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = appendFound(out[:0], found{items: itemsOf(v)}, itemShape{properties: properties})
	}
	b.SetBytes(int64(len(out)))
}

// BenchmarkEncodeAnswer writes the response of a DetailedMerged request: 40 entries and a week of digits a mailbox.
func BenchmarkEncodeAnswer(b *testing.B) {
	zone, err := timezone.Lookup("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	hours := mailbox.DefaultWorkingHours()
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("mailboxes=%d", n), func(b *testing.B) {
			var a availability.Answer
			for range n {
				v := availability.FreeBusyView{Type: availability.DetailedMerged, WorkingHours: &hours, WorkingZone: zone.Serializable(start)}
				for k := range 40 {
					at := start.Add(time.Duration(k) * 4 * time.Hour)
					v.Events = append(v.Events, mailbox.Occurrence{Start: at, End: at.Add(time.Hour), BusyType: mailbox.Busy, Subject: "Planning & review", Location: "Room 1"})
				}
				v.Merged = availability.Merge(v.Events, availability.Window{Start: start, End: start.AddDate(0, 0, 7)}, 30*time.Minute)
				a.Results = append(a.Results, availability.Result{View: v})
			}
			r := &request{query: availability.Query{Zone: zone, View: availability.DetailedMerged}}
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				out = appendResponse(out[:0], r, a, "server")
			}
			b.SetBytes(int64(len(out)))
		})
	}
}
