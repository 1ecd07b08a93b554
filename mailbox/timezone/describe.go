package timezone

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The years that Describe tells. Before them the first year's rules are said to hold, after them those of the last.
const (
	describedFrom  = 2000
	describedUntil = 2040
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

// Describe writes the zone of a Windows name as clients build it again, from 2000 to 2040: one group for each set of
// rules that it had, and the dates from which they hold. The form is what .NET readers take: as many transitions as
// groups, dates at midnight, and in each group one period for good, or a Standard and a Daylight one that take turns on
// the nth or last weekday of a month. It takes milliseconds; keep the result. ok is false for a name that is not one.
func Describe(name string) (d Definition, ok bool) {
	name, ok = folded()[strings.ToLower(name)]
	if !ok {
		return d, false
	}
	z, err := Lookup(name)
	if err != nil {
		return d, false
	}
	list := z.pieces()
	width := len(strconv.Itoa(len(list) - 1)) // exchangelib sorts transitions by the text of these ids
	for i, p := range list {
		g := Group{ID: fmt.Sprintf("%0*d", width, i)}
		standard := p.offset
		for _, c := range p.changes {
			standard = min(standard, c.offset)
		}
		for _, c := range p.changes {
			t := c.rules[len(c.rules)-1]
			t.To = d.period(name, p.from.Year(), standard, c.offset)
			g.Transitions = append(g.Transitions, t)
		}
		if len(p.changes) == 0 {
			g.Transitions = []Transition{{To: d.period(name, p.from.Year(), standard, standard)}}
		}
		slices.SortStableFunc(g.Transitions, func(a, b Transition) int { return int(a.Month) - int(b.Month) })
		t := Transition{ToGroup: true, To: g.ID}
		if i > 0 {
			t.Kind, t.DateTime = TransitionAbsoluteDate, p.from
		}
		d.Groups, d.Transitions = append(d.Groups, g), append(d.Transitions, t)
		d.Name = display(name, -int(standard/time.Minute))
	}
	d.ID = name
	return d, true
}

// period returns the id of the period with an offset, Standard or Daylight, and adds it where it is new. Two of one
// year and kind get a number, as no id may come twice.
func (d *Definition) period(zone string, year int, standard, offset time.Duration) string {
	kind := "Standard"
	if offset != standard {
		kind = "Daylight"
	}
	base := fmt.Sprintf("trule:Microsoft/Registry/%s/%d-%s", zone, year, kind)
	for id, n := base, 2; ; n++ {
		i := slices.IndexFunc(d.Periods, func(p Period) bool { return p.ID == id })
		if i < 0 {
			d.Periods = append(d.Periods, Period{ID: id, Name: kind, Bias: -offset})
			return id
		}
		if d.Periods[i].Bias == -offset {
			return id
		}
		id = fmt.Sprintf("%s-%d", base, n)
	}
}

// piece lasts from a midnight of the zone's clock until the next one begins; one group can tell it.
type piece struct {
	from    time.Time     // wall clock
	offset  time.Duration // before the changes
	changes []turn        // none or two
	once    bool          // the second change stands for none: it lies at from
}

// turn is one change of a piece, with the rules that give its day in every year so far.
type turn struct {
	offset time.Duration
	rules  []Transition
}

// pieces tells the years described, in as few pieces as one after another can be joined to.
func (z *Zone) pieces() (out []piece) {
	for year := describedFrom; year <= describedUntil; year++ {
		for _, p := range z.piecesOf(year) {
			if len(out) == 0 || !out[len(out)-1].join(p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// piecesOf cuts a year into pieces: most years are one. A pair of changes there and back is a group as it stands. A lone
// change gets a second one on the first day of its piece, as Windows tells it, unless it skips or repeats a day, which .NET
// takes for no daylight saving: at that midnight a piece begins.
func (z *Zone) piecesOf(year int) (out []piece) {
	from := newYear(year)
	offset := z.offset(z.Instant(from))
	rest := z.changes(year)
	for {
		p := piece{from: from, offset: offset}
		if len(rest) == 0 {
			return append(out, p)
		}
		wall := rest[0].at.Add(offset)
		switch {
		case len(rest) > 1 && rest[1].offset == offset:
			back := rest[1].at.Add(rest[0].offset)
			p.changes = []turn{{rest[0].offset, rulesOf(wall)}, {offset, rulesOf(back)}}
			wall, rest = back, rest[2:]
		case (rest[0].offset - offset).Abs() > 14*time.Hour:
			out, from, offset, rest = append(out, p), wall, rest[0].offset, rest[1:]
			continue
		default:
			p.changes, p.once = []turn{{rest[0].offset, rulesOf(wall)}, {offset, rulesOf(from)}}, true
			offset, rest = rest[0].offset, rest[1:]
		}
		if out = append(out, p); len(rest) == 0 {
			return out
		}
		from = midnight(wall).AddDate(0, 0, 1)
	}
}

// join lets p go on through next where one set of rules tells both.
func (p *piece) join(next piece) bool {
	if p.once || next.once || p.offset != next.offset || len(p.changes) != len(next.changes) {
		return false
	}
	var both []turn
	for i, c := range p.changes {
		n := next.changes[i]
		common := slices.DeleteFunc(slices.Clone(c.rules), func(t Transition) bool { return !slices.Contains(n.rules, t) })
		if len(common) == 0 || c.offset != n.offset {
			return false
		}
		both = append(both, turn{c.offset, common})
	}
	p.changes = both
	return true
}

// rulesOf are the rules that name a wall-clock time by its weekday: the nth of the month, the last, or both.
func rulesOf(wall time.Time) (list []Transition) {
	day := wall.Day()
	t := Transition{Kind: TransitionRecurringDay, TimeOffset: wall.Sub(midnight(wall)), Month: wall.Month(), DayOfWeek: wall.Weekday()}
	if t.Occurrence = (day-1)/7 + 1; t.Occurrence < 5 {
		list = append(list, t)
	}
	if midnight(wall).AddDate(0, 0, 7).Month() != t.Month {
		t.Occurrence = -1
		list = append(list, t)
	}
	return list
}

func midnight(wall time.Time) time.Time {
	return time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC)
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
