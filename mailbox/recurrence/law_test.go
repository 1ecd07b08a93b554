package recurrence_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
)

// anyRule draws a rule that an import accepts.
func anyRule(t *rapid.T) string {
	freq := rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "freq")
	parts := []string{"FREQ=" + freq}
	add := func(name string, values ...string) {
		if len(values) > 0 {
			parts = append(parts, name+"="+strings.Join(values, ","))
		}
	}
	some := func(label string, from []string) []string {
		return slices.Compact(slices.Sorted(slices.Values(rapid.SliceOfN(rapid.SampledFrom(from), 0, 3).Draw(t, label))))
	}
	if n := rapid.IntRange(1, 5).Draw(t, "interval"); n > 1 {
		add("INTERVAL", fmt.Sprint(n))
	}
	days := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	switch freq {
	case "MONTHLY":
		days = append(days, "1MO", "-1FR", "3WE")
		add("BYMONTHDAY", some("monthday", []string{"1", "15", "29", "31", "-1"})...)
	case "YEARLY":
		add("BYMONTH", some("month", []string{"1", "2", "6", "12"})...)
		if rapid.Bool().Draw(t, "weeks") {
			add("BYWEEKNO", some("week", []string{"1", "20", "53", "-1"})...)
		} else if rapid.Bool().Draw(t, "yeardays") {
			add("BYYEARDAY", some("yearday", []string{"1", "60", "100", "366", "-1", "-306"})...)
		} else {
			add("BYMONTHDAY", some("monthday", []string{"1", "29", "31", "-1", "-7"})...)
			days = append(days, "1MO", "-1SU", "20MO", "-3TH")
		}
	case "DAILY":
		add("BYMONTH", some("month", []string{"1", "2", "6", "12"})...)
	}
	add("BYDAY", some("day", days)...)
	if len(parts) > 2 && freq != "DAILY" && rapid.Bool().Draw(t, "setpos") { // a day has one instance
		add("BYSETPOS", rapid.SampledFrom([]string{"1", "-1", "2"}).Draw(t, "pos"))
	}
	if rapid.Bool().Draw(t, "wkst") {
		add("WKST", "SU")
	}
	switch rapid.IntRange(0, 2).Draw(t, "end") {
	case 0:
		add("COUNT", fmt.Sprint(rapid.IntRange(1, 400).Draw(t, "count")))
	case 1:
		add("UNTIL", time.Date(2005, 6, 1, 10, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 5000).Draw(t, "until")).Format("20060102T150405"))
	}
	return strings.Join(parts, ";")
}

// TestTheWayToTheWindowDoesNotChangeTheRule compares the expansion that begins shortly before the window with the
// library's own from DTSTART on.
func TestTheWayToTheWindowDoesNotChangeTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := anyRule(t)
		start := time.Date(2001, 1, 1, 10, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 3000).Draw(t, "start"))
		from := start.AddDate(0, 0, rapid.IntRange(0, 9000).Draw(t, "from"))
		until := from.AddDate(0, 0, rapid.IntRange(1, 800).Draw(t, "days"))
		opt, err := rrule.StrToROption(rule)
		if err != nil {
			t.Skip()
		}
		opt.Dtstart = start
		if len(opt.Bymonth) > 0 { // the library ends in a panic over the 20th Monday of a month, which there is not
			for i, d := range opt.Byweekday {
				if d.N() > 5 {
					opt.Byweekday[i] = d.Nth(6)
				}
			}
		}
		r, err := rrule.NewRRule(*opt)
		if err != nil {
			t.Skip()
		}
		var want []string
		for _, w := range r.Between(from, until.Add(-time.Second), true) {
			want = append(want, w.Format(time.DateOnly))
		}
		o, err := icalendar.Parse([]byte(event("DTSTART:"+start.Format("20060102T150405Z"), "DURATION:PT1M", "RRULE:"+rule)))
		if err != nil {
			t.Fatal(err)
		}
		list, err := recurrence.Expand(o, from, until, timezone.UTC())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range list {
			got = append(got, e.Start.Format(time.DateOnly))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s from %s, %s to %s:\n got %v\nwant %v", rule, start, from, until, got, want)
		}
	})
}

// TestWeekdaysThatNoMonthHas takes ordinals that RFC 5545 §3.3.10 allows and that no month reaches: they name no day, and
// leave the others of their rule alone.
func TestWeekdaysThatNoMonthHas(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for rule, want := range map[string][]string{
		"FREQ=MONTHLY;BYDAY=53MO":                         nil,
		"FREQ=MONTHLY;BYDAY=-53MO":                        nil,
		"FREQ=MONTHLY;BYDAY=6MO,-6TU":                     nil,
		"FREQ=YEARLY;BYMONTH=12;BYDAY=20MO":               nil,
		"FREQ=YEARLY;BYMONTH=1;BYDAY=-6MO,1TU":            {"2026-01-06"},
		"FREQ=YEARLY;BYMONTH=12;BYDAY=53MO,-1TH":          {"2026-12-31"},
		"FREQ=MONTHLY;BYDAY=53MO,5SU;COUNT=101":           {"2026-03-29", "2026-05-31", "2026-08-30", "2026-11-29"},
		"FREQ=YEARLY;BYDAY=53TH,-53TH,20MO,-20FR":         {"2026-01-01", "2026-05-18", "2026-08-14", "2026-12-31"},
		"FREQ=YEARLY;BYMONTH=2,12;BYDAY=20MO;COUNT=1":     nil,
		"FREQ=MONTHLY;BYMONTH=12;BYDAY=20MO,1MO;COUNT=99": {"2026-12-07"},
	} {
		o, err := icalendar.Parse([]byte(event("DTSTART:20050101T100000Z", "DURATION:PT1M", "RRULE:"+rule)))
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		list, err := recurrence.Expand(o, from, from.AddDate(1, 0, 0), timezone.UTC())
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		var got []string
		for _, e := range list {
			got = append(got, e.Start.Format(time.DateOnly))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", rule, got, want)
		}
	}
}

// TestHostileRulesEnd expands rules that never match, or match far too often, for a week of today: each ends, and none
// is taken for an empty calendar while it has instances.
func TestHostileRulesEnd(t *testing.T) {
	from := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	many := func(n int, rule string) string {
		return strings.TrimPrefix(strings.Repeat("\nRRULE:"+rule, n), "\nRRULE:")
	}
	for rule, want := range map[string]error{
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30":                              nil,
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=5":                      nil,
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2":                     nil,
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300;COUNT=1":                      nil,
		"FREQ=YEARLY;INTERVAL=1000000000":                                 nil,
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=999999":                nil,
		"FREQ=WEEKLY;BYDAY=MO;BYMONTH=2;COUNT=999999999":                  nil,
		many(200, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=9"): nil,
		many(200, "FREQ=DAILY;COUNT=999999"):                              recurrence.ErrLimit,
		"FREQ=DAILY;COUNT=999999999":                                      recurrence.ErrLimit,
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=9999999":           recurrence.ErrLimit,
	} {
		o, err := icalendar.Parse([]byte(event("DTSTART:16010101T000000Z", "DURATION:PT1H", "RRULE:"+rule)))
		if err != nil {
			t.Errorf("%.80s: %v", rule, err)
			continue
		}
		list, err := recurrence.Expand(o, from, from.AddDate(0, 0, 7), timezone.UTC())
		if len(list) > 0 || !errors.Is(err, want) {
			t.Errorf("%.80s: %d instances, %v, want %v", rule, len(list), err, want)
		}
	}
}
