package recurrence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
)

// calendarOf is a file of n events, every fifth of them a series.
func calendarOf(n int) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\n")
	start := time.Date(2025, 1, 1, 8, 0, 0, 0, time.UTC)
	for i := range n {
		at := start.Add(time.Duration(i) * 37 * time.Minute)
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%d@contoso.example\r\nDTSTART;TZID=Europe/Berlin:%s\r\nDURATION:PT45M\r\nSUMMARY:Number %d\r\n", i, at.Format("20060102T150405"), i)
		if i%5 == 0 {
			b.WriteString("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20\r\n")
		}
		b.WriteString("END:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return b.String()
}

// BenchmarkImportOfFiftyThousandEvents reads and expands over two years what an import reads, without the store.
func BenchmarkImportOfFiftyThousandEvents(b *testing.B) {
	text := calendarOf(50_000)
	from := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r := icalendar.NewReader(strings.NewReader(text))
		for range 50_000 {
			_, raw, err := r.Next()
			if err != nil {
				b.Fatal(err)
			}
			o, err := icalendar.Parse(raw)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := recurrence.Expand(o, from, from.AddDate(2, 0, 0), timezone.UTC()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkExpandSixteenYearsOld expands a week, sixteen years after DTSTART.
func BenchmarkExpandSixteenYearsOld(b *testing.B) {
	from := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for _, rule := range []string{"FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
		"FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=2TU", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYMONTHDAY=8", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1", "FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=1;BYDAY=2TH",
		"FREQ=WEEKLY;COUNT=2000", "FREQ=WEEKLY;UNTIL=20400101T000000Z"} {
		b.Run(rule, func(b *testing.B) {
			o, err := icalendar.Parse([]byte(event("DTSTART;TZID=Europe/Berlin:20100104T100000", "DURATION:PT1H", "RRULE:"+rule)))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if l, err := recurrence.Expand(o, from, from.AddDate(0, 0, 7), timezone.UTC()); err != nil || rule == "FREQ=DAILY" && len(l) != 7 {
					b.Fatal(len(l), err)
				}
			}
		})
	}
}
