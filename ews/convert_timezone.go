package ews

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox/timezone"
)

// readZone takes t:TimeZone of the body, else t:TimeZoneContext of the header; nil when there is neither.
func readZone(env *soap.Envelope, body xmlsec.Element) (*timezone.Zone, error) {
	bad := func(err error) error {
		return &fault.Error{Kind: fault.TimeZone, Message: "The time zone isn't valid. " + err.Error()}
	}
	if tz := body.Child(nsTypes, "TimeZone"); !tz.IsZero() {
		s, err := readSerializable(tz)
		if err != nil {
			return nil, err
		}
		z, err := timezone.FromSerializable(s)
		if err != nil {
			return nil, bad(err)
		}
		return z, nil
	}
	ctx := env.Header.Child(nsTypes, "TimeZoneContext")
	if ctx.IsZero() {
		return nil, nil
	}
	def := ctx.Child(nsTypes, "TimeZoneDefinition")
	if def.IsZero() {
		return nil, soap.Schema(ctx, "The element 'TimeZoneDefinition' is missing.")
	}
	d, err := readDefinition(def)
	if err != nil {
		return nil, err
	}
	z, err := timezone.FromDefinition(d)
	if err != nil {
		return nil, bad(err)
	}
	return z, nil
}

func readSerializable(tz xmlsec.Element) (s timezone.Serializable, err error) {
	if err := order(tz, nsTypes+" Bias", nsTypes+" StandardTime", nsTypes+" DaylightTime"); err != nil {
		return s, err
	}
	for _, name := range []string{"Bias", "StandardTime", "DaylightTime"} {
		if tz.Child(nsTypes, name).IsZero() {
			return s, soap.Schema(tz, "The element 'TimeZone' has incomplete content: '"+name+"' is missing.")
		}
	}
	if s.Bias, err = readInt(tz.Child(nsTypes, "Bias")); err != nil {
		return s, err
	}
	if s.Standard, err = readTransition(tz.Child(nsTypes, "StandardTime")); err != nil {
		return s, err
	}
	s.Daylight, err = readTransition(tz.Child(nsTypes, "DaylightTime"))
	return s, err
}

func readTransition(e xmlsec.Element) (t timezone.SerializableTransition, err error) {
	for _, f := range []struct {
		name string
		into *int
	}{{"Bias", &t.Bias}, {"DayOrder", &t.DayOrder}, {"Month", &t.Month}} {
		c := e.Child(nsTypes, f.name)
		if c.IsZero() {
			return t, soap.Schema(e, "The element '"+f.name+"' is missing.")
		}
		if *f.into, err = readInt(c); err != nil {
			return t, err
		}
	}
	clock := e.Child(nsTypes, "Time")
	text, err := textOf(clock)
	if err != nil {
		return t, err
	}
	at, err := time.Parse("15:04:05", text)
	if err != nil {
		return t, soap.Schema(e, fmt.Sprintf("The Time '%.40s' is not hh:mm:ss.", text))
	}
	t.Time = at.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC))
	if y := e.Child(nsTypes, "Year"); !y.IsZero() {
		if t.Year, err = readInt(y); err != nil {
			return t, err
		}
		if t.Year == 0 {
			return t, soap.Schema(y, "The Year must not be 0.")
		}
	}
	day := e.Child(nsTypes, "DayOfWeek")
	if text, err = textOf(day); err != nil {
		return t, err
	}
	if day.IsZero() && t.Year == 0 {
		return t, soap.Schema(e, "The element 'DayOfWeek' is missing.")
	}
	if !day.IsZero() {
		if t.DayOfWeek, err = readWeekday(day, text); err != nil {
			return t, err
		}
	}
	return t, nil
}

func readWeekday(e xmlsec.Element, text string) (time.Weekday, error) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if d.String() == text {
			return d, nil
		}
	}
	return 0, soap.Schema(e, fmt.Sprintf("The day of the week '%.40s' is not known.", text))
}

var durationPattern = regexp.MustCompile(`^(-?)P(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})(?:\.\d+)?S)?)?$`)

func readDuration(e xmlsec.Element, text string) (time.Duration, error) {
	m := durationPattern.FindStringSubmatch(text)
	if m == nil {
		return 0, soap.Schema(e, fmt.Sprintf("The value '%.40s' is not a duration.", text))
	}
	var d time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi("0" + m[i+2])
		d += time.Duration(n) * unit
	}
	if m[1] == "-" {
		d = -d
	}
	return d, nil
}

func readDefinition(def xmlsec.Element) (d timezone.Definition, err error) {
	d.ID, _ = def.Attr("Id")
	d.Name, _ = def.Attr("Name")
	for p := range def.Child(nsTypes, "Periods").Children() {
		var period timezone.Period
		period.ID, _ = p.Attr("Id")
		period.Name, _ = p.Attr("Name")
		bias, _ := p.Attr("Bias")
		if period.Bias, err = readDuration(p, bias); err != nil {
			return d, err
		}
		d.Periods = append(d.Periods, period)
	}
	for g := range def.Child(nsTypes, "TransitionsGroups").Children() {
		id, _ := g.Attr("Id")
		list, err := readTransitions(g)
		if err != nil {
			return d, err
		}
		d.Groups = append(d.Groups, timezone.Group{ID: id, Transitions: list})
	}
	d.Transitions, err = readTransitions(def.Child(nsTypes, "Transitions"))
	return d, err
}

func readTransitions(list xmlsec.Element) (out []timezone.Transition, err error) {
	kinds := map[string]timezone.TransitionKind{"Transition": timezone.TransitionPlain, "AbsoluteDateTransition": timezone.TransitionAbsoluteDate,
		"RecurringDayTransition": timezone.TransitionRecurringDay, "RecurringDateTransition": timezone.TransitionRecurringDate}
	for e := range list.Children() {
		kind, ok := kinds[e.Local()]
		if !ok || e.Space() != nsTypes {
			return nil, soap.Schema(e, "A transition is expected.")
		}
		t := timezone.Transition{Kind: kind}
		to := e.Child(nsTypes, "To")
		k, _ := to.Attr("Kind")
		t.ToGroup = k == "Group"
		if t.To, err = textOf(to); err != nil {
			return nil, err
		}
		for c := range e.Children() {
			text, err := textOf(c)
			if err != nil {
				return nil, err
			}
			switch c.Local() {
			case "DateTime":
				if t.DateTime, err = time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(strings.SplitN(text, ".", 2)[0], "Z")); err != nil {
					err = soap.Schema(c, "The DateTime is malformed.")
				}
			case "TimeOffset":
				t.TimeOffset, err = readDuration(c, text)
			case "Month":
				var n int
				n, err = readInt(c)
				t.Month = time.Month(n)
			case "Day":
				t.Day, err = readInt(c)
			case "Occurrence":
				t.Occurrence, err = readInt(c)
			case "DayOfWeek":
				t.DayOfWeek, err = readWeekday(c, text)
			}
			if err != nil {
				return nil, err
			}
		}
		if out = append(out, t); len(out) > 1000 {
			return nil, soap.Schema(e, "There are too many transitions.")
		}
	}
	return out, nil
}
