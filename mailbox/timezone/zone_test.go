package timezone

import (
	"testing"
	"time"
)

func TestEveryWindowsNameHasAZoneThatItsLegacyRuleReproduces(t *testing.T) {
	if len(windowsToIANA) < 139 {
		t.Errorf("%d Windows names", len(windowsToIANA))
	}
	for name := range windowsToIANA {
		z, err := Lookup(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		changes := z.changes(2026)
		s := z.Serializable(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
		if (len(changes) == 2) != (s.Standard.Month != 0) || s.Standard.Month != 0 && s.Standard == s.Daylight {
			t.Errorf("%s: %d changes, rule %+v", name, len(changes), s)
		}
		back, err := FromSerializable(s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(changes) != 0 && len(changes) != 2 {
			continue // a year that no legacy rule can describe
		}
		for at := time.Date(2026, 1, 2, 0, 30, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(11 * time.Hour) {
			if !z.Wall(at).Equal(back.Wall(at)) {
				t.Errorf("%s at %s: %s by the zone, %s by the rule", name, at, z.Wall(at), back.Wall(at))
				break
			}
		}
	}
}

func TestPlacingInGapsAndFolds(t *testing.T) {
	z, err := Lookup("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	wall := func(s string) time.Time { w, _ := time.Parse("2006-01-02T15:04", s); return w }
	for _, c := range []struct{ wall, first, standard string }{
		{"2026-03-29T02:30", "2026-03-29T01:30", "2026-03-29T01:30"}, // skipped: 03:30 summer time
		{"2026-10-25T02:30", "2026-10-25T00:30", "2026-10-25T01:30"}, // twice
		{"2026-07-01T12:00", "2026-07-01T10:00", "2026-07-01T10:00"},
	} {
		if got := z.Instant(wall(c.wall)); !got.Equal(wall(c.first)) {
			t.Errorf("%s: %s", c.wall, got)
		}
		if got := z.InstantStandard(wall(c.wall)); !got.Equal(wall(c.standard)) {
			t.Errorf("%s, standard: %s", c.wall, got)
		}
	}
}

func TestRulesOfRequests(t *testing.T) {
	sunday := func(bias, month, order int) SerializableTransition {
		return SerializableTransition{Bias: bias, Time: 2 * time.Hour, Month: month, DayOrder: order}
	}
	sydney, err := FromSerializable(Serializable{Bias: -600, Standard: SerializableTransition{Time: 3 * time.Hour, Month: 4, DayOrder: 1}, Daylight: sunday(-60, 10, 1)})
	if err != nil {
		t.Fatal(err)
	}
	real, err := Lookup("Australia/Sydney")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(7 * time.Hour) {
		if !sydney.Wall(at).Equal(real.Wall(at)) {
			t.Fatalf("%s: %s and %s", at, sydney.Wall(at), real.Wall(at))
		}
	}
	for name, s := range map[string]Serializable{
		"bias":      {Bias: 1 << 31},
		"month 13":  {Standard: sunday(0, 13, 1)},
		"order 99":  {Daylight: sunday(0, 3, 99)},
		"no day":    {Daylight: sunday(0, 3, -1)},
		"half bias": {Standard: sunday(99999, 3, 1)},
	} {
		if _, err := FromSerializable(s); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	d := Definition{ID: "Eastern Standard Time"}
	if z, err := FromDefinition(d); err != nil || z.Name() != "America/New_York" {
		t.Errorf("id only: %v", err)
	}
	d = Definition{Periods: []Period{{ID: "s", Bias: 5 * time.Hour}, {ID: "d", Bias: 4 * time.Hour}},
		Groups: []Group{{ID: "0", Transitions: []Transition{{Kind: TransitionRecurringDay, To: "d", TimeOffset: 2 * time.Hour, Month: 3, DayOfWeek: time.Sunday, Occurrence: 2},
			{Kind: TransitionRecurringDay, To: "s", TimeOffset: 2 * time.Hour, Month: 11, DayOfWeek: time.Sunday, Occurrence: 1}}}},
		Transitions: []Transition{{ToGroup: true, To: "0"}}}
	z, err := FromDefinition(d)
	if err != nil {
		t.Fatal(err)
	}
	ny, _ := Lookup("America/New_York")
	for at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(7 * time.Hour) {
		if !z.Wall(at).Equal(ny.Wall(at)) {
			t.Fatalf("%s: %s and %s", at, z.Wall(at), ny.Wall(at))
		}
	}
	d.Groups[0].Transitions[0].To = "gone"
	if _, err := FromDefinition(d); err == nil || err.Error() != "A referenced period is missing." {
		t.Errorf("%v", err)
	}
}

func BenchmarkLookupAndLegacyRule(b *testing.B) {
	at := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		z, err := Lookup("W. Europe Standard Time")
		if err != nil || z.Serializable(at).Bias != -60 {
			b.Fatal(err)
		}
	}
}
