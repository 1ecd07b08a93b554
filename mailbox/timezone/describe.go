package timezone

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// WindowsNames are the names that GetServerTimeZones lists, in their order.
func WindowsNames() []string {
	names := make([]string, 0, len(windowsToIANA))
	for n := range windowsToIANA {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Describe writes the zone of a Windows name as clients build it again: one period, or two with the rule of the year
// of at. ok is false for a name that is not one.
func Describe(name string, at time.Time) (d Definition, ok bool) {
	name, ok = folded()[strings.ToLower(name)]
	if !ok {
		return d, false
	}
	z, err := Lookup(name)
	if err != nil {
		return d, false
	}
	s := z.Serializable(at)
	d = Definition{ID: name, Name: display(name, s.Bias)}
	id := func(part string) string {
		return fmt.Sprintf("trule:Microsoft/Registry/%s/%d-%s", name, at.Year(), part)
	}
	d.Periods = []Period{{ID: id("Standard"), Name: "Standard", Bias: time.Duration(s.Bias+s.Standard.Bias) * time.Minute}}
	group := Group{ID: "0", Transitions: []Transition{{To: id("Standard")}}}
	if s.Standard.Month != 0 {
		d.Periods = append(d.Periods, Period{ID: id("Daylight"), Name: "Daylight", Bias: time.Duration(s.Bias+s.Daylight.Bias) * time.Minute})
		group.Transitions = []Transition{recurring(s.Daylight, id("Daylight")), recurring(s.Standard, id("Standard"))}
		slices.SortFunc(group.Transitions, func(a, b Transition) int { return int(a.Month) - int(b.Month) })
	}
	d.Groups = []Group{group}
	d.Transitions = []Transition{{To: group.ID, ToGroup: true}}
	return d, true
}

func recurring(t SerializableTransition, to string) Transition {
	n := t.DayOrder
	if n == 5 {
		n = -1
	}
	return Transition{Kind: TransitionRecurringDay, To: to, TimeOffset: t.Time, Month: time.Month(t.Month), DayOfWeek: t.DayOfWeek, Occurrence: n}
}

// display is the name for people, with the standard offset in front as Windows shows it.
func display(name string, bias int) string {
	text := displayNames[name]
	if name == "UTC" {
		return "(UTC) " + text
	}
	sign := '+'
	if bias > 0 {
		sign = '-'
	}
	bias = max(bias, -bias)
	return fmt.Sprintf("(UTC%c%02d:%02d) %s", sign, bias/60, bias%60, text)
}
