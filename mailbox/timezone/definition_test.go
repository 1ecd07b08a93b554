package timezone

import (
	"slices"
	"testing"
	"time"
)

// TestWhatGetServerTimeZonesSaysIsTheZone reads every definition back as the answer to a TimeZoneContext, and compares
// it with the time zone database before and after each change that either of them makes: between those both stand still,
// so every hour of the years described is right, and nothing is left out.
func TestWhatGetServerTimeZonesSaysIsTheZone(t *testing.T) {
	begin, end := newYear(describedFrom), newYear(describedUntil+1)
	for _, name := range WindowsNames() {
		z, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		d, ok := Describe(name)
		if !ok {
			t.Fatalf("%s is not described", name)
		}
		c, err := newChain(d)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		changes, compared := database(t, z.Name(), begin, end), 0
		for year := describedFrom - 1; year <= describedUntil+1; year++ {
			for _, o := range c.year(year) {
				changes = append(changes, o.at)
			}
		}
		back := yearly("", 0, c.year)
		for _, change := range changes {
			for _, at := range []time.Time{change.Add(-time.Second), change} {
				if at.Before(begin) || !at.Before(end) {
					continue
				}
				if compared++; z.offset(at) != back.offset(at) {
					t.Fatalf("%s at %s: %s by the zone, %s by the definition", name, at, z.offset(at), back.offset(at))
				}
			}
		}
		if compared < describedUntil-describedFrom {
			t.Errorf("%s: compared %d times", name, compared)
		}
	}
}

// database lists when a zone of the time zone database changes, and the begin.
func database(t *testing.T, iana string, begin, end time.Time) []time.Time {
	t.Helper()
	l, err := time.LoadLocation(iana)
	if err != nil {
		t.Fatal(err)
	}
	list := []time.Time{begin}
	for at := begin; ; {
		_, next := at.In(l).ZoneBounds()
		if next.IsZero() || !next.Before(end) {
			return list
		}
		if !next.After(at) { // the library is stuck at some changes that a rule makes at the end of a year
			next = at.AddDate(0, 0, 1)
		}
		list, at = append(list, next.UTC()), next.UTC()
	}
}

// TestNetCanBuildEveryDefinition: the EWS Managed API makes a TimeZoneInfo of each definition that it gets, and one that
// it cannot make fails the whole call.
func TestNetCanBuildEveryDefinition(t *testing.T) {
	for _, name := range WindowsNames() {
		d, _ := Describe(name)
		if len(d.Groups) != len(d.Transitions) || d.Transitions[0].Kind != TransitionPlain {
			t.Errorf("%s: %d groups, %d transitions", name, len(d.Groups), len(d.Transitions))
		}
		if !slices.IsSortedFunc(d.Groups, func(a, b Group) int { return slices.Compare([]byte(a.ID), []byte(b.ID)) }) {
			t.Errorf("%s: the order of the groups is not that of their ids", name)
		}
		periods := map[string]Period{}
		for _, p := range d.Periods {
			if _, twice := periods[p.ID]; twice || p.Bias%time.Minute != 0 {
				t.Errorf("%s: period %+v", name, p)
			}
			periods[p.ID] = p
		}
		for i, x := range d.Transitions[1:] {
			if before := d.Transitions[i].DateTime; x.Kind != TransitionAbsoluteDate || !x.DateTime.Equal(midnight(x.DateTime)) || x.DateTime.Before(before.AddDate(0, 0, 1)) {
				t.Errorf("%s: a piece from %s after one from %s", name, x.DateTime, before)
			}
		}
		for _, g := range d.Groups {
			netGroup(t, name, g, periods)
		}
	}
}

// netGroup holds a group against TimeZoneInfo.AdjustmentRule: one period for good, or two that differ by no more than 14
// hours, at days that differ, and one of them is called Standard.
func netGroup(t *testing.T, name string, g Group, periods map[string]Period) {
	t.Helper()
	a := g.Transitions[0]
	if len(g.Transitions) == 1 && a.Kind == TransitionPlain && periods[a.To].Name == "Standard" {
		return
	}
	if len(g.Transitions) != 2 {
		t.Fatalf("%s: group %+v", name, g)
	}
	b := g.Transitions[1]
	std, dst := periods[a.To], periods[b.To]
	if std.Name != "Standard" {
		std, dst = dst, std
	}
	if delta := std.Bias - dst.Bias; std.Name != "Standard" || dst.Name != "Daylight" || delta <= 0 || delta > 14*time.Hour || -dst.Bias > 14*time.Hour {
		t.Errorf("%s: %+v and %+v", name, std, dst)
	}
	for _, x := range g.Transitions {
		if x.Kind != TransitionRecurringDay || x.TimeOffset < 0 || x.TimeOffset >= 24*time.Hour || x.Occurrence == 0 || x.Occurrence < -1 || x.Occurrence > 4 {
			t.Errorf("%s: %+v", name, x)
		}
	}
	if a.To, b.To = "", ""; a == b {
		t.Errorf("%s: both changes at %+v", name, a)
	}
}

// TestAZoneWhoseRulesChangedHasAGroupForEach holds some definitions against the years of their laws.
func TestAZoneWhoseRulesChangedHasAGroupForEach(t *testing.T) {
	for name, want := range map[string][]string{
		"UTC":                     nil,
		"W. Europe Standard Time": nil,
		"Eastern Standard Time":   {"2007-01-01"},                             // Energy Policy Act of 2005
		"Turkey Standard Time":    {"2007-01-01", "2011-01-01", "2012-01-01"}, // and on
		"Russian Standard Time":   {"2011-01-01", "2012-01-01", "2014-01-01", "2015-01-01"},
		"Samoa Standard Time":     {"2010-01-01", "2011-01-01", "2011-09-25", "2011-12-30"}, // the day that it skipped
	} {
		d, _ := Describe(name)
		var got []string
		for _, x := range d.Transitions[1:] {
			got = append(got, x.DateTime.Format(time.DateOnly))
		}
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) || len(want) == 0 && len(got) > 0 {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// definition has a winter and a summer, and groups for the northern and the southern half of the world.
func definition(transitions ...Transition) Definition {
	day := func(to string, month time.Month, n int) Transition {
		return Transition{Kind: TransitionRecurringDay, To: to, TimeOffset: 2 * time.Hour, Month: month, DayOfWeek: time.Sunday, Occurrence: n}
	}
	date := func(to string, month time.Month, day int) Transition {
		return Transition{Kind: TransitionRecurringDate, To: to, TimeOffset: 2 * time.Hour, Month: month, Day: day}
	}
	return Definition{Periods: []Period{{ID: "winter", Bias: -time.Hour}, {ID: "summer", Bias: -2 * time.Hour}, {ID: "far", Bias: -9 * time.Hour}},
		Groups: []Group{
			{"north", []Transition{day("summer", 3, -1), day("winter", 10, -1)}},
			{"south", []Transition{day("winter", 4, 1), day("summer", 10, 1)}},
			{"second last", []Transition{day("summer", 3, -2), day("winter", 10, -2)}},
			{"dates", []Transition{date("summer", 2, 31), date("winter", 9, 15)}},
			{"far", []Transition{{To: "far"}}},
		}, Transitions: transitions}
}

func TestTransitionsOfEveryKind(t *testing.T) {
	group := func(to string) Transition { return Transition{ToGroup: true, To: to} }
	from := func(when string, t Transition) Transition {
		t.Kind = TransitionAbsoluteDate
		t.DateTime, _ = time.Parse("2006-01-02 15:04", when)
		return t
	}
	for _, c := range []struct {
		story string
		d     Definition
		hours map[string]int // instants in UTC, and how far the clock is ahead
	}{
		{"recurring days", definition(group("north")), map[string]int{"2026-01-01 00:00": 1, "2026-03-29 00:59": 1, "2026-03-29 01:00": 2, "2026-10-24 23:59": 2, "2026-10-25 00:00": 1}},
		{"the southern half", definition(group("south")), map[string]int{"2026-01-01 00:00": 2, "2026-04-04 23:59": 2, "2026-04-05 00:00": 1, "2026-10-04 01:00": 2, "2026-12-31 23:59": 2}},
		{"the second last Sunday", definition(group("second last")), map[string]int{"2026-03-22 00:59": 1, "2026-03-22 01:00": 2, "2026-10-18 00:00": 1}},
		{"recurring dates, and a month that is too short", definition(group("dates")), map[string]int{"2026-02-28 00:59": 1, "2026-02-28 01:00": 2, "2028-02-28 12:00": 1, "2028-02-29 01:00": 2, "2026-09-15 00:00": 1}},
		{"one period", definition(Transition{To: "far"}), map[string]int{"1990-01-01 00:00": 9, "2090-07-01 00:00": 9}},
		{"a chain of dates, in any order", definition(group("far"), from("2026-07-01 00:00", group("south")), from("2026-02-01 00:00", group("north")), from("2026-11-01 12:00", Transition{To: "winter"})),
			map[string]int{"2020-07-01 00:00": 9, "2026-01-31 14:59": 9, "2026-01-31 15:00": 1, "2026-03-29 01:00": 2, "2026-06-30 21:59": 2, "2026-06-30 22:00": 1,
				"2026-10-04 00:59": 1, "2026-10-04 01:00": 2, "2026-11-01 09:59": 2, "2026-11-01 10:00": 1, "2030-07-01 00:00": 1}},
		{"a date on which a rule of its group falls", definition(Transition{To: "far"}, from("2026-03-29 02:00", group("north"))), map[string]int{"2026-03-28 16:59": 9, "2026-03-28 17:00": 2, "2026-12-01 00:00": 1}},
	} {
		z, err := FromDefinition(c.d)
		if err != nil {
			t.Errorf("%s: %v", c.story, err)
			continue
		}
		for when, want := range c.hours {
			at, err := time.Parse("2006-01-02 15:04", when)
			if err != nil {
				t.Fatal(err)
			}
			if got := z.Wall(at).Sub(at); got != time.Duration(want)*time.Hour {
				t.Errorf("%s, %s: %s, want %d hours", c.story, when, got, want)
			}
		}
	}
}

func TestDefinitionsThatLeaveOpenWhatHolds(t *testing.T) {
	none := definition()
	one := Definition{Periods: none.Periods[:1]}
	if z, err := FromDefinition(one); err != nil || z.offset(newYear(2026)) != time.Hour {
		t.Errorf("one period and nothing else: %v", err)
	}
	one = Definition{Periods: none.Periods, Groups: none.Groups[:1]}
	if z, err := FromDefinition(one); err != nil || z.offset(newYear(2026).AddDate(0, 6, 0)) != 2*time.Hour {
		t.Errorf("one group and nothing else: %v", err)
	}
	many := definition(Transition{ToGroup: true, To: "north"})
	many.Groups = []Group{{"north", slices.Repeat(none.Groups[0].Transitions, 7)}}
	mixed := definition(Transition{ToGroup: true, To: "north"})
	mixed.Groups = []Group{{"north", []Transition{{To: "winter"}, none.Groups[0].Transitions[0]}}}
	dated := Transition{Kind: TransitionAbsoluteDate, ToGroup: true, To: "north", DateTime: newYear(2026)}
	for story, d := range map[string]Definition{
		"several groups and no transition":  none,
		"a group that is not there":         definition(Transition{ToGroup: true, To: "east"}),
		"a period that is not there":        definition(Transition{To: "autumn"}),
		"more changes a year than months":   many,
		"a period for good, and a rule":     mixed,
		"two beginnings":                    definition(Transition{To: "winter"}, Transition{To: "summer"}),
		"a recurring rule at the beginning": definition(none.Groups[0].Transitions[0]),
		"a recurring rule outside a group":  definition(Transition{To: "winter"}, none.Groups[0].Transitions[0]),
		"a later date without such a group": definition(dated, Transition{Kind: TransitionAbsoluteDate, To: "autumn", DateTime: newYear(2027)}),
	} {
		if _, err := FromDefinition(d); err == nil {
			t.Errorf("%s: taken", story)
		}
	}
	if _, err := FromDefinition(Definition{ID: "Nowhere Standard Time"}); err == nil {
		t.Error("an unknown id and no periods: taken")
	}
}
