package timezone

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// everyZone are the names of the time zone database that Go carries, links and all.
func everyZone(t *testing.T) []string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("there is no go command")
	}
	r, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip("Go's copy of the time zone database is not here")
	}
	defer func() { _ = r.Close() }()
	var names []string
	for _, f := range r.File {
		if !strings.HasSuffix(f.Name, "/") && f.Name != "Factory" {
			names = append(names, f.Name)
		}
	}
	return names
}

func TestEveryNameOfTheDatabaseIsKnown(t *testing.T) {
	names := everyZone(t)
	if len(names) < 590 {
		t.Errorf("only %d names", len(names))
	}
	for _, name := range names {
		if _, err := Lookup(name); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryWindowsNameIsKnownInEveryForm(t *testing.T) {
	for _, name := range WindowsNames() {
		want, err := Lookup(name)
		if err != nil {
			t.Error(err)
			continue
		}
		d, ok := Describe(strings.ToUpper(name), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if !ok || d.ID != name || displayNames[name] == "" {
			t.Errorf("%s is described as %q, %q", name, d.ID, d.Name)
		}
		for _, form := range []string{strings.ToLower(name), `"` + name + `"`, "tzone://Microsoft/" + name, d.Name, strings.Replace(d.Name, "UTC", "GMT", 1), displayNames[name]} {
			if z, err := Lookup(form); err != nil || z.Name() != want.Name() && displayNames[name] != "La Paz, Mazatlan" {
				t.Errorf("%q: %v", form, err)
			}
		}
	}
}

func TestNamesOfTheMachineAreNoZones(t *testing.T) {
	for _, name := range []string{"", "Local", "localtime", "posixrules", "Factory", "right/Europe/Berlin", "/right/UTC0", "../Europe/Berlin", "Europe", "Customized Time Zone", "tzone://Microsoft/Custom"} {
		if z, err := Lookup(name); err == nil {
			t.Errorf("%q is %s", name, z.Name())
		}
	}
}

// sampled are instants all over a year of the zone, a day away from its ends: there the rule of the next year begins.
func sampled(z *Zone, year int) (list []time.Time) {
	begin := z.Instant(time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC))
	for at := begin; at.Before(begin.AddDate(0, 0, 363)); at = at.Add(61 * time.Hour) {
		list = append(list, at)
	}
	for _, c := range z.changes(year) {
		if at := c.at; at.After(begin) && at.Before(begin.AddDate(0, 0, 363)) {
			list = append(list, at.Add(-time.Second), at)
		}
	}
	return list
}

// describable tells whether one yearly rule can say what the zone does in a year: whole minutes, at most two changes,
// back to where it began, by no more than .NET takes.
func describable(z *Zone, year int) bool {
	initial := z.offset(z.Instant(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)))
	changes := z.changes(year)
	if len(changes) > 2 || len(changes) == 2 && changes[1].offset != initial || initial%time.Minute != 0 {
		return false
	}
	for _, c := range changes {
		if c.offset%time.Minute != 0 || (c.offset-initial).Abs() > 14*time.Hour {
			return false
		}
	}
	return true
}

// TestTheLegacyRuleIsTheZoneOverItsYear writes and reads the rule of all zones and years, and holds it against what .NET
// demands of a rule.
func TestTheLegacyRuleIsTheZoneOverItsYear(t *testing.T) {
	others := 0
	for _, name := range everyZone(t) {
		z, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for year := 1970; year <= 2037; year++ {
			s := z.Serializable(time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC))
			buildable(t, name, year, s)
			if !describable(z, year) {
				others++
				continue
			}
			back, err := FromSerializable(s)
			if err != nil {
				t.Fatalf("%s %d: %v", name, year, err)
			}
			for _, at := range sampled(z, year) {
				if !z.Wall(at).Equal(back.Wall(at)) {
					t.Errorf("%s at %s: %s by the zone, %s by the rule %+v", name, at, z.Wall(at), back.Wall(at), s)
					break
				}
			}
		}
	}
	if others > 1000 {
		t.Errorf("%d years are not compared", others)
	}
}

// buildable holds s against TimeZoneInfo.AdjustmentRule: offsets within 14 hours, no transition at all or two different
// ones, a delta in whole minutes.
func buildable(t *testing.T, name string, year int, s Serializable) {
	t.Helper()
	none := SerializableTransition{}
	std, dst := s.Standard, s.Daylight
	std.Bias, dst.Bias = 0, 0
	switch {
	case s.Bias < -14*60 || s.Bias > 15*60: // 15:13 was the American side of the date line until 1867
		t.Errorf("%s %d: bias %d", name, year, s.Bias)
	case s.Standard == none && s.Daylight == none:
	case s.Standard.Month == 0 || s.Daylight.Month == 0 || std == dst || s.Standard.Bias != 0 || s.Daylight.Bias == 0 || s.Daylight.Bias < -14*60 || s.Daylight.Bias > 0:
		t.Errorf("%s %d: %+v", name, year, s)
	}
}

// TestWhatGetServerTimeZonesSaysIsTheZone reads the definitions back as the client builds them.
func TestWhatGetServerTimeZonesSaysIsTheZone(t *testing.T) {
	for _, name := range WindowsNames() {
		z, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for year := 2010; year <= 2037; year++ {
			d, ok := Describe(name, time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC))
			if !ok {
				t.Fatal(name)
			}
			back, err := FromDefinition(d)
			if err != nil {
				t.Fatalf("%s %d: %v", name, year, err)
			}
			if !describable(z, year) {
				continue
			}
			for _, at := range sampled(z, year) {
				if !z.Wall(at).Equal(back.Wall(at)) {
					t.Errorf("%s at %s: %s by the zone, %s by %+v", name, at, z.Wall(at), back.Wall(at), d)
					break
				}
			}
		}
	}
}

func TestRulesThatMeanNoSummerTime(t *testing.T) {
	at := func(month, order int) SerializableTransition {
		return SerializableTransition{Month: month, DayOrder: order, Time: 2 * time.Hour}
	}
	with := func(t SerializableTransition, bias int) SerializableTransition {
		t.Bias = bias
		return t
	}
	for story, s := range map[string]Serializable{
		"month 0 in both halves":       {Bias: -60},
		"month 0 in one half":          {Bias: -60, Standard: at(10, 5)},
		"no difference":                {Bias: -60, Standard: at(10, 5), Daylight: at(3, 5)},
		"both transitions at one time": {Bias: -60, Standard: at(10, 5), Daylight: with(at(10, 5), -60)},
	} {
		z, err := FromSerializable(s)
		if err != nil {
			t.Errorf("%s: %v", story, err)
			continue
		}
		for month := range 12 {
			when := time.Date(2026, time.Month(month+1), 15, 12, 0, 0, 0, time.UTC)
			if got := z.Wall(when).Sub(when); got != time.Hour {
				t.Errorf("%s: %s in month %d", story, got, month+1)
			}
		}
	}
}

func TestRulesOfOneYearNameItsDays(t *testing.T) {
	z, err := FromSerializable(Serializable{Bias: -120,
		Standard: SerializableTransition{Year: 2026, Month: 10, DayOrder: 25, Time: time.Hour},
		Daylight: SerializableTransition{Year: 2026, Month: 3, DayOrder: 27, Time: time.Hour, Bias: -60}})
	if err != nil {
		t.Fatal(err)
	}
	for when, want := range map[string]time.Duration{"2026-03-26": 2 * time.Hour, "2026-03-28": 3 * time.Hour, "2026-10-24": 3 * time.Hour, "2026-10-26": 2 * time.Hour} {
		at, err := time.Parse(time.DateOnly, when)
		if err != nil {
			t.Fatal(err)
		}
		if got := z.Wall(at).Sub(at); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	if !slices.Contains(WindowsNames(), "UTC") {
		t.Error("UTC is not listed")
	}
}
