package recurrence_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
)

// other is a program of another implementation that answers lines of JSON with lines of JSON.
type other struct {
	in  *json.Encoder
	out *bufio.Scanner
}

// ask sends a question and reads the answer into answer.
func (o *other) ask(t *testing.T, question, answer any) {
	t.Helper()
	if err := o.in.Encode(question); err != nil {
		t.Fatal(err)
	}
	if !o.out.Scan() {
		t.Fatalf("no answer: %v", o.out.Err())
	}
	if err := json.Unmarshal(o.out.Bytes(), answer); err != nil {
		t.Fatalf("%v: %s", err, o.out.Text())
	}
}

func start(t *testing.T, dir, name string, args ...string) *other {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	return &other{json.NewEncoder(in), lines}
}

// python finds one that has dateutil. Debian's is asked first: another one on the PATH may lack it.
func python(t *testing.T) string {
	t.Helper()
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), p, "-c", "import dateutil.rrule").Run() == nil {
			return p
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("python3-dateutil is missing")
	}
	t.Skip("python3-dateutil is missing")
	return ""
}

const wallClock = "2006-01-02T15:04:05"

// TestRulesMeanWhatDateutilSays compares some thousand rules, each in a window near to or far from its start.
func TestRulesMeanWhatDateutilSays(t *testing.T) {
	dateutil := start(t, "testdata", python(t), "rules.py")
	rules, starts := rapid.Custom(anyRule), rapid.IntRange(0, 3000)
	windows, lengths := rapid.IntRange(0, 9000), rapid.IntRange(1, 800)
	n, compared := 200, 0
	if os.Getenv("CI") == "true" {
		n = 3000
	}
	for i := range n {
		rule := rules.Example(i)
		begin := time.Date(2001, 1, 1, 10, 0, 0, 0, time.UTC).AddDate(0, 0, starts.Example(i))
		from := begin.AddDate(0, 0, windows.Example(i+1))
		until := from.AddDate(0, 0, lengths.Example(i+2))
		var want []string
		dateutil.ask(t, map[string]string{"rule": rule, "start": begin.Format(wallClock), "from": from.Format(wallClock), "until": until.Format(wallClock)}, &want)
		if want == nil {
			continue
		}
		o, err := icalendar.Parse([]byte(event("DTSTART:"+begin.Format("20060102T150405Z"), "DURATION:PT1M", "RRULE:"+rule)))
		if err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		list, err := recurrence.Expand(o, from, until, timezone.UTC())
		if err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		got := []string{}
		for _, e := range list {
			got = append(got, e.Start.Format(wallClock))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s from %s, %s to %s:\n got %v\nwant %v", rule, begin, from, until, got, want)
		}
		compared++
	}
	if compared < n*9/10 {
		t.Errorf("only %d of %d rules were compared", compared, n)
	}
}
