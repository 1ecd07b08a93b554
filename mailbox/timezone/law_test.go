package timezone

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
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
		d, ok := Describe(strings.ToUpper(name))
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

func TestEveryOtherNameIsKnownAndNoWindowsName(t *testing.T) {
	for name, iana := range otherNames {
		if z, err := Lookup(strings.ToUpper(name)); err != nil || z.Name() != iana {
			t.Errorf("%q: %v", name, err)
		}
		if _, ok := windowsNamed(name); ok {
			t.Errorf("%q is a Windows name", name)
		}
	}
	for iana, windows := range ianaToWindows {
		if _, err := Lookup(iana); err != nil || windowsToIANA[windows] == "" {
			t.Errorf("%s, %s: %v", iana, windows, err)
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
		for year := 1970; year <= 2040; year++ {
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

// buildable holds s against TimeZoneInfo.AdjustmentRule: offsets within 14 hours with and without the delta, no transition
// at all or two different ones.
func buildable(t *testing.T, name string, year int, s Serializable) {
	t.Helper()
	none := SerializableTransition{}
	std, dst := s.Standard, s.Daylight
	std.Bias, dst.Bias = 0, 0
	switch {
	case s.Bias < -14*60 || s.Bias > 14*60 || s.Bias+s.Daylight.Bias < -14*60:
		t.Errorf("%s %d: bias %d, in summer %d", name, year, s.Bias, s.Daylight.Bias)
	case s.Standard == none && s.Daylight == none:
	case s.Standard.Month == 0 || s.Daylight.Month == 0 || std == dst || s.Standard.Bias != 0 || s.Daylight.Bias == 0 || s.Daylight.Bias < -14*60 || s.Daylight.Bias > 0:
		t.Errorf("%s %d: %+v", name, year, s)
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
		"exchangelib":                  {Bias: -60, Standard: SerializableTransition{Month: 1, DayOrder: 1, DayOfWeek: time.Monday}, Daylight: SerializableTransition{Month: 12, DayOrder: 5}},
		"Managed API, DavMail":         {Bias: -60, Standard: at(3, 1), Daylight: at(10, 1)},
		"the client in Go":             {Bias: -60, Standard: at(10, 5), Daylight: at(4, 1)},
		"Evolution":                    {Bias: -60, Standard: SerializableTransition{}, Daylight: SerializableTransition{}},
		"the bias in both halves":      {Standard: with(at(10, 5), -60), Daylight: with(at(3, 5), -60)},
		"month 0 in one half":          {Bias: -60, Standard: at(10, 5)},
		"day order 0 in one half":      {Bias: -60, Standard: at(10, 5), Daylight: with(at(3, 0), -60)},
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

// TestRulesOfOneYearNameItsDays: with a Year the day order is the day of the month; what held before the first of the
// transitions is the other period, in the south too.
func TestRulesOfOneYearNameItsDays(t *testing.T) {
	on := func(bias, month, day int) SerializableTransition {
		return SerializableTransition{Bias: bias, Year: 2026, Month: month, DayOrder: day, Time: time.Hour}
	}
	for _, c := range []struct {
		story string
		rule  Serializable
		hours map[string]int
	}{
		{"Jerusalem", Serializable{Bias: -120, Standard: on(0, 10, 25), Daylight: on(-60, 3, 27)},
			map[string]int{"2026-03-26": 2, "2026-03-28": 3, "2026-10-24": 3, "2026-10-26": 2, "2030-07-01": 2}},
		{"Asuncion", Serializable{Bias: 240, Standard: on(0, 3, 22), Daylight: on(-60, 10, 4)},
			map[string]int{"2026-01-15": -3, "2026-03-23": -4, "2026-10-03": -4, "2026-10-05": -3}},
	} {
		z, err := FromSerializable(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		for when, want := range c.hours {
			at, err := time.Parse(time.DateOnly, when)
			if err != nil {
				t.Fatal(err)
			}
			if got := z.Wall(at).Sub(at); got != time.Duration(want)*time.Hour {
				t.Errorf("%s, %s: %s, want %d hours", c.story, when, got, want)
			}
		}
	}
}
