package availability

import (
	"cmp"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
)

// naive is a second implementation of the suggestions: it asks each half hour of each day for itself, person by person
// and entry by entry, and counts minutes of working time one by one.
type naive struct {
	o         SuggestionsOptions
	zone      *timezone.Zone
	now       time.Time
	attendees []attendee
	people    []schedule
	work      hours
}

// at is what a person does at a time.
func (n naive) at(i int, start time.Time) mailbox.BusyType {
	if n.people[i].noData {
		return mailbox.NoData
	}
	out := mailbox.Free
	for _, e := range n.people[i].busy {
		overlaps := e.End.After(e.Start) && e.Start.Before(start.Add(n.o.Duration)) && start.Before(e.End)
		if overlaps && e.BusyType != mailbox.WorkingElsewhere && (n.o.CurrentMeetingUID == "" || e.UID != n.o.CurrentMeetingUID) {
			out = max(out, e.BusyType)
		}
	}
	return out
}

func (n naive) worksAt(wall time.Time) bool {
	return slices.ContainsFunc(n.work.periods, func(p mailbox.WorkingPeriod) bool {
		m := wall.Hour()*60 + wall.Minute()
		return slices.Contains(p.Days, wall.Weekday()) && p.Start <= m && m < p.End
	})
}

// suggestion is the one at a time; ok tells whether it may be made.
func (n naive) suggestion(start time.Time) (s Suggestion, ok bool) {
	s, ok = Suggestion{Time: start, WorkTime: true}, !start.Before(n.now) && !start.Equal(n.o.CurrentMeetingTime)
	for m := range int(n.o.Duration / time.Minute) {
		s.WorkTime = s.WorkTime && n.worksAt(n.work.zone.Wall(start).Add(time.Duration(m)*time.Minute))
	}
	conflicts, known := map[int]bool{}, map[int]bool{}
	for _, a := range n.attendees {
		c := Conflict{Kind: a.kind, Members: MemberCounts{WithNoData: a.unexpanded, All: a.unexpanded}}
		for _, i := range a.people {
			c.BusyType = n.at(i, start)
			c.Members.All++
			switch c.BusyType {
			case mailbox.Free:
				c.Members.Available++
				known[i] = true
			case mailbox.NoData:
				c.Members.WithNoData++
			default:
				c.Members.WithConflict++
				known[i], conflicts[i] = true, true
				ok = ok && !a.exclude
			}
		}
		switch a.kind {
		case IndividualConflict:
			c.Members = MemberCounts{}
		case GroupConflict:
			c.BusyType = mailbox.Free
		default:
			c = Conflict{Kind: a.kind}
		}
		s.Conflicts = append(s.Conflicts, c)
	}
	share := 100 * float64(len(conflicts)) / float64(len(known))
	switch {
	case len(known) == 0 || share > 50:
		s.Quality = Poor
	case len(conflicts) == 0:
		s.Quality = Excellent
	case share < float64(n.o.GoodThreshold):
		s.Quality = Good
	default:
		s.Quality = Fair
	}
	return s, ok && s.Quality <= n.o.MinimumQuality
}

// day is the one of a date: its best times within both maxima.
func (n naive) day(date time.Time) SuggestionDay {
	var list []Suggestion
	for half := range 48 {
		wall := date.Add(time.Duration(half) * 30 * time.Minute)
		start := n.zone.InstantStandard(wall)
		if !n.zone.Wall(start).Equal(wall) {
			continue
		}
		if s, ok := n.suggestion(start); ok {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b Suggestion) int { return cmp.Or(cmp.Compare(a.Quality, b.Quality), a.Time.Compare(b.Time)) })
	d := SuggestionDay{Date: date, Quality: Poor}
	outside := 0
	for _, s := range list {
		if !s.WorkTime {
			outside++
		}
		if len(d.Suggestions) < n.o.MaxPerDay && (s.WorkTime || outside <= n.o.MaxNonWorkPerDay) {
			d.Suggestions = append(d.Suggestions, s)
			d.Quality = min(d.Quality, s.Quality)
		}
	}
	slices.SortFunc(d.Suggestions, func(a, b Suggestion) int { return a.Time.Compare(b.Time) })
	return d
}

func drawSchedule(t *rapid.T, from time.Time, days int) (s schedule) {
	s.noData = rapid.IntRange(0, 9).Draw(t, "no data") == 0
	for range rapid.IntRange(0, 8).Draw(t, "entries") {
		start := from.Add(time.Duration(rapid.IntRange(-60, 1440*days).Draw(t, "start")) * time.Minute)
		s.busy = append(s.busy, mailbox.Occurrence{UID: rapid.SampledFrom([]string{"a", "m"}).Draw(t, "uid"), Start: start, End: start.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "length")) * time.Minute),
			BusyType: mailbox.BusyType(rapid.IntRange(0, 5).Draw(t, "busy"))})
	}
	return s
}

func drawAttendees(t *rapid.T, people int) (out []attendee) {
	for range rapid.IntRange(1, 4).Draw(t, "attendees") {
		a := attendee{kind: rapid.SampledFrom([]ConflictKind{IndividualConflict, GroupConflict}).Draw(t, "kind"), exclude: rapid.IntRange(0, 4).Draw(t, "exclude") == 0}
		a.people = rapid.SliceOfNDistinct(rapid.IntRange(0, people-1), 1, people, rapid.ID).Draw(t, "people")
		if a.kind == IndividualConflict {
			a.people = a.people[:1]
		} else {
			a.unexpanded = rapid.IntRange(0, 1).Draw(t, "unexpanded")
		}
		out = append(out, a)
	}
	return out
}

// TestSuggestionsEqualTheSlowWay draws meetings over days on which clocks change, and compares with naive.
func TestSuggestionsEqualTheSlowWay(t *testing.T) {
	zones := []*timezone.Zone{timezone.UTC(), zoneOf(t, "Europe/Berlin"), zoneOf(t, "America/Havana"), zoneOf(t, "Australia/Lord_Howe"), zoneOf(t, "Africa/Cairo")}
	firsts := []time.Time{time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 7, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 4, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 4, 23, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 29, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)}
	rapid.Check(t, func(t *rapid.T) {
		zone, first, days := rapid.SampledFrom(zones).Draw(t, "zone"), rapid.SampledFrom(firsts).Draw(t, "first day"), rapid.IntRange(1, 3).Draw(t, "days")
		n := naive{zone: zone, work: hours{zone: rapid.SampledFrom(zones).Draw(t, "zone of work")}}
		n.o = SuggestionsOptions{GoodThreshold: rapid.IntRange(0, 50).Draw(t, "threshold"), MaxPerDay: rapid.IntRange(0, 48).Draw(t, "maximum"), MaxNonWorkPerDay: rapid.IntRange(0, 48).Draw(t, "outside of work"),
			Duration: time.Duration(rapid.IntRange(30, 1440).Draw(t, "minutes")) * time.Minute, MinimumQuality: SuggestionQuality(rapid.IntRange(0, 3).Draw(t, "minimum")),
			Window: Window{zone.InstantStandard(first), zone.InstantStandard(first.AddDate(0, 0, days))}, CurrentMeetingUID: rapid.SampledFrom([]string{"", "m"}).Draw(t, "moved")}
		n.now = n.o.Window.Start.Add(time.Duration(rapid.IntRange(-100, 1000).Draw(t, "now")) * time.Minute)
		n.o.CurrentMeetingTime = zone.InstantStandard(first.Add(time.Duration(rapid.IntRange(0, 95).Draw(t, "current")) * 30 * time.Minute))
		for range rapid.IntRange(0, 3).Draw(t, "periods") {
			n.work.periods = append(n.work.periods, mailbox.WorkingPeriod{Days: rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 6), func(d int) time.Weekday { return time.Weekday(d) }), 1, 7).Draw(t, "days of work"),
				Start: rapid.IntRange(0, 1440).Draw(t, "begins"), End: rapid.IntRange(0, 1440).Draw(t, "ends")})
		}
		for range rapid.IntRange(1, 6).Draw(t, "people") {
			n.people = append(n.people, drawSchedule(t, n.o.Window.Start, days+1))
		}
		n.attendees = drawAttendees(t, len(n.people))
		got := suggest(n.o, zone, n.now, n.attendees, n.people, n.work)
		if len(got) != days {
			t.Fatalf("%d days of %d", len(got), days)
		}
		for d := range got {
			if want := n.day(first.AddDate(0, 0, d)); !reflect.DeepEqual(got[d], want) {
				t.Fatalf("%s\n got %+v\nwant %+v", want.Date, got[d], want)
			}
		}
	})
}
