package availability

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
)

// TestViewGivenIsTheLargestThatIsAllowed is the published table of views asked and returned ([MS-OXWAVLS] 3.1.4.1.3).
func TestViewGivenIsTheLargestThatIsAllowed(t *testing.T) {
	for _, row := range []struct{ asked, timesOnly, details FreeBusyViewType }{
		{MergedOnly, MergedOnly, MergedOnly},
		{FreeBusy, FreeBusy, FreeBusy},
		{FreeBusyMerged, FreeBusyMerged, FreeBusyMerged},
		{Detailed, FreeBusy, Detailed},
		{DetailedMerged, FreeBusyMerged, DetailedMerged},
	} {
		for level, want := range map[orgrel.AccessLevel]FreeBusyViewType{orgrel.AvailabilityOnly: row.timesOnly, orgrel.LimitedDetails: row.details} {
			w := newWorld()
			w.rel.FreeBusyAccessLevel = level
			r := one(t, w, ask(row.asked, partner, tom.String()))
			if r.Err != nil || r.View.Type != want {
				t.Errorf("%s at %s gives %s, %v", row.asked, level, r.View.Type, r.Err)
			}
			name := want.String()
			if (r.View.Merged != "") != strings.Contains(name, "Merged") || (len(r.View.Events) > 0) != (name != "MergedOnly") || (r.View.WorkingHours != nil) != (name != "MergedOnly") {
				t.Errorf("%s has digits %q, %d entries, working hours %v", name, r.View.Merged, len(r.View.Events), r.View.WorkingHours)
			}
		}
	}
}

func TestDigits(t *testing.T) {
	berlin, err := timezone.Lookup("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	local := func(y int, m time.Month, d, hour int) time.Time {
		return berlin.InstantStandard(time.Date(y, m, d, hour, 0, 0, 0, time.UTC))
	}
	item := func(start time.Time, length time.Duration, kinds ...mailbox.BusyType) (out []mailbox.Occurrence) {
		for _, k := range kinds {
			out = append(out, mailbox.Occurrence{Start: start, End: start.Add(length), BusyType: k})
		}
		return out
	}
	all := []mailbox.BusyType{mailbox.Free, mailbox.Tentative, mailbox.Busy, mailbox.OOF, mailbox.NoData, mailbox.WorkingElsewhere}
	for _, c := range []struct {
		name     string
		window   Window
		interval time.Duration
		items    []mailbox.Occurrence
		want     string
	}{
		{"a day to 23:59:59 has 24 hours", Window{monday, monday.Add(24*time.Hour - time.Second)}, time.Hour, item(monday.Add(23*time.Hour+30*time.Minute), time.Hour, mailbox.Busy), strings.Repeat("0", 23) + "2"},
		{"a day of 23 hours", Window{local(2026, 3, 29, 0), local(2026, 3, 30, 0)}, 30 * time.Minute, item(local(2026, 3, 29, 3), time.Hour, mailbox.Busy), "0000" + "22" + strings.Repeat("0", 40)},
		{"a day of 25 hours", Window{local(2026, 10, 25, 0), local(2026, 10, 26, 0)}, time.Hour, item(local(2026, 10, 25, 3), time.Hour, mailbox.OOF), "0000" + "3" + strings.Repeat("0", 20)},
		{"seven minutes do not divide an hour", Window{monday, monday.Add(time.Hour)}, 7 * time.Minute, item(monday.Add(56*time.Minute), time.Minute, mailbox.Busy), "000000002"},
		{"slots begin with the window and not with the hour", Window{monday.Add(10 * time.Minute), monday.Add(70 * time.Minute)}, 30 * time.Minute, item(monday.Add(35*time.Minute), 5*time.Minute, mailbox.Busy), "20"},
		{"an item that ends where the slot begins does not count", Window{monday, monday.Add(2 * time.Hour)}, time.Hour, item(monday, time.Hour, mailbox.Busy), "20"},
		{"an item without length does not count", Window{monday, monday.Add(time.Hour)}, time.Hour, item(monday.Add(time.Minute), 0, mailbox.Busy), "0"},
		{"NoData wins over everything", Window{monday, monday.Add(time.Hour)}, time.Hour, item(monday, time.Hour, all...), "4"},
		{"OOF wins over Busy", Window{monday, monday.Add(time.Hour)}, time.Hour, item(monday, time.Hour, all[:4]...), "3"},
		{"Free and WorkingElsewhere are 0", Window{monday, monday.Add(time.Hour)}, time.Hour, item(monday, time.Hour, mailbox.Free, mailbox.WorkingElsewhere), "0"},
		{"longer than the window on both sides", Window{monday, monday.Add(3 * time.Hour)}, time.Hour, item(monday.AddDate(0, 0, -7), 21*24*time.Hour, mailbox.Tentative), "111"},
		{"one slot longer than the window", Window{monday, monday.Add(time.Minute)}, 24 * time.Hour, item(monday, time.Minute, mailbox.Busy), "2"},
	} {
		if got := Merge(c.items, c.window, c.interval); got != c.want {
			t.Errorf("%s: %s and not %s", c.name, got, c.want)
		}
	}
}

// TestProjectionNeverAdds draws a calendar, a level and a view: what comes out holds nothing that was not in, no more
// than was asked, and at a lower level nothing that the higher one hides.
func TestProjectionNeverAdds(t *testing.T) {
	word := rapid.StringMatching(`[a-z]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.Custom(func(t *rapid.T) mailbox.Occurrence {
			start := monday.Add(time.Duration(rapid.IntRange(0, 1400).Draw(t, "start")) * time.Minute)
			flag := func(n string) bool { return rapid.Bool().Draw(t, n) }
			return mailbox.Occurrence{UID: word.Draw(t, "uid"), Start: start, End: start.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "length")) * time.Minute),
				BusyType: mailbox.BusyType(rapid.IntRange(0, 5).Draw(t, "busy")), AllDay: flag("all day"), Subject: word.Draw(t, "subject"), Location: word.Draw(t, "location"),
				IsMeeting: flag("meeting"), IsRecurring: flag("recurring"), IsException: flag("exception"), IsReminderSet: flag("reminder"), IsPrivate: flag("private")}
		})).Draw(t, "list")
		q := Query{Window: Window{monday, monday.Add(24 * time.Hour)}, MergedInterval: time.Hour, View: FreeBusyViewType(rapid.IntRange(int(MergedOnly), int(DetailedMerged)).Draw(t, "view"))}
		level := orgrel.AccessLevel(rapid.IntRange(int(orgrel.AvailabilityOnly), int(orgrel.LimitedDetails)).Draw(t, "level"))
		v := Project(q, mailbox.Calendar{Occurrences: list, Zone: timezone.UTC()}, level)
		if v.Type > q.View || v.Type.HasDetails() && level != orgrel.LimitedDetails || v.Type.HasMerged() != q.View.HasMerged() {
			t.Fatalf("%s at %s gives %s", q.View, level, v.Type)
		}
		if v.Type.HasEvents() != (len(v.Events) == len(list)) && len(list) > 0 {
			t.Fatalf("%d entries of %d", len(v.Events), len(list))
		}
		for i, e := range v.Events {
			want := mailbox.Occurrence{Start: list[i].Start, End: list[i].End, BusyType: list[i].BusyType}
			if v.Type.HasDetails() {
				want = list[i]
				want.UID, want.AllDay = "", false
				if want.IsPrivate {
					want.Subject, want.Location = "", ""
				}
			}
			if !reflect.DeepEqual(e, want) {
				t.Fatalf("%s shows %+v of %+v", v.Type, e, list[i])
			}
		}
	})
}
