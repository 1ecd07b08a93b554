package recurrence_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
)

const icalJS = "ical.js@2.2.1"

// nodeModules installs ical.js for the test, where npm and its registry are at hand.
func nodeModules(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is missing")
		}
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", "install", icalJS, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--fetch-retries=0", "--prefix", dir)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("%s cannot be installed: %v\n%s", icalJS, err, out)
	}
	return dir
}

// anyCalendar draws a series in a zone of its own with the sets, overrides and lengths that calendars have.
func anyCalendar(t *rapid.T) string {
	const layout = "20060102T150405"
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "start")).Add(time.Duration(rapid.IntRange(4, 22).Draw(t, "hour")) * time.Hour)
	zone := rapid.SampledFrom([]string{";TZID=Own", "Z"}).Draw(t, "zone")
	at := func(name string, w time.Time) string {
		if zone == "Z" {
			return name + ":" + w.Format(layout) + "Z"
		}
		return name + zone + ":" + w.Format(layout)
	}
	day := func(label string) time.Time { return begin.AddDate(0, 0, rapid.IntRange(0, 60).Draw(t, label)) }
	length := func(label string, from time.Time) string {
		return rapid.SampledFrom([]string{at("DTEND", from.Add(90*time.Minute)), "DURATION:PT45M", "DURATION:P1D"}).Draw(t, label)
	}
	rule := rapid.SampledFrom([]string{"FREQ=DAILY;COUNT=40", "FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=25", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU",
		"FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2"}).Draw(t, "rule")
	// ical.js counts DTSTART as an instance although the rule does not match it; ours does not.
	for list := instances(t, rule, begin); len(list) == 0 || !list[0].Equal(begin); list = instances(t, rule, begin) {
		begin = begin.AddDate(0, 0, 1)
	}
	lines := []string{at("DTSTART", begin), length("length", begin), "RRULE:" + rule}
	// Only instances, each once, since ical.js misses dates behind others; and not the first, since what is both excluded
	// and overridden is left out there and kept here.
	for _, d := range instances(t, rule, begin)[1:] {
		if rapid.IntRange(0, 5).Draw(t, "excluded") == 0 {
			lines = append(lines, at("EXDATE", d))
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "rdates") {
		// Hours apart: equal dates are two instances there, and one here and in RFC 5545 §3.8.5.2.
		lines = append(lines, at("RDATE", day(fmt.Sprint("rdate", i)).Add(time.Duration(i+1)*time.Hour)))
	}
	if rapid.Bool().Draw(t, "override") { // of DTSTART, which is an instance in any case
		to := day("to").Add(-2 * time.Hour)
		lines = append(lines, and(at("RECURRENCE-ID", begin), at("DTSTART", to), length("override length", to))...)
	}
	return withZone(event(lines...), central("TZID:Own")...)
}

// instances are those of a rule in its first months.
func instances(t *rapid.T, rule string, begin time.Time) (out []time.Time) {
	o, err := icalendar.Parse([]byte(event("DTSTART:"+begin.Format("20060102T150405Z"), "RRULE:"+rule)))
	if err != nil {
		t.Fatal(err)
	}
	list, err := recurrence.Expand(o, begin, begin.AddDate(0, 4, 0), timezone.UTC())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		out = append(out, e.Start)
	}
	return out
}

func TestCalendarsMeanWhatICalJSSays(t *testing.T) {
	dir := nodeModules(t)
	js := start(t, "testdata", "node", "calendars.mjs", filepath.Join(dir, "node_modules"))
	calendars := rapid.Custom(anyCalendar)
	n := 200
	if os.Getenv("CI") == "true" {
		n = 2000
	}
	from := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		ics := calendars.Example(i)
		until := from.AddDate(0, 0, 250)
		var want [][2]int64
		js.ask(t, map[string]any{"calendar": strings.ReplaceAll(ics, "\n", "\r\n"), "from": from.Unix(), "until": until.Unix()}, &want)
		got := [][2]int64{}
		for _, o := range expandAll(t, strings.NewReader(ics), from, until, timezone.UTC()) {
			got = append(got, [2]int64{o.Start.Unix(), o.End.Unix()})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n got %s\nwant %s", ics, readable(got), readable(want))
		}
	}
}

func readable(list [][2]int64) string {
	var out []string
	for _, o := range list {
		out = append(out, time.Unix(o[0], 0).UTC().Format("060102T1504")+"+"+(time.Duration(o[1]-o[0])*time.Second).String())
	}
	return strings.Join(out, " ")
}
