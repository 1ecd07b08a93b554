package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/smtpaddr"
)

func day(t *testing.T) (availability.Query, []availability.Result) {
	t.Helper()
	zone, err := timezone.Lookup("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	start := zone.Instant(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)) // a Tuesday
	q := availability.Query{Zone: zone, MergedInterval: 30 * time.Minute, Window: availability.Window{Start: start, End: start.Add(24 * time.Hour)}}
	for _, a := range []string{"tom@contoso.example", "bob@fabrikam.example"} {
		q.Mailboxes = append(q.Mailboxes, availability.Attendee{Raw: a, Address: smtpaddr.MustAddress(a)})
	}
	hours := mailbox.DefaultWorkingHours()
	event := mailbox.Occurrence{Start: start.Add(10 * time.Hour), End: start.Add(11 * time.Hour), BusyType: mailbox.Busy, Subject: "Planning", Location: "Room 2"}
	v := availability.FreeBusyView{Type: availability.DetailedMerged, Merged: strings.Repeat("0", 20) + "22" + strings.Repeat("0", 26), Events: []mailbox.Occurrence{event},
		WorkingHours: &hours, WorkingZone: zone.Serializable(start)}
	return q, []availability.Result{{View: v}, {Err: fault.Because(fault.NoFreeBusyAccess, nil)}}
}

func TestPictureShowsMeetingHoursAndRefusalOnOneAxis(t *testing.T) {
	q, results := day(t)
	var out bytes.Buffer
	newPicture(&out, q).draw(results)
	want := "tom@contoso.example   " + strings.Repeat(" ", 16) + "····██············" + strings.Repeat(" ", 14) + "\n"
	for _, w := range []string{want, "█ busy", "10:00 – 11:00  Busy", "Planning (Room 2)", "bob@fabrikam.example  no access", "ErrorNoFreeBusyAccess", "Europe/Berlin"} {
		if !strings.Contains(out.String(), w) {
			t.Errorf("the picture lacks %q:\n%s", w, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colours where there is no terminal")
	}
	for l := range strings.Lines(out.String()) {
		if n := len([]rune(l)); n > 121 {
			t.Errorf("a line of %d columns: %s", n, l)
		}
	}
}

func TestPictureOfSixtyDaysFitsTheScreen(t *testing.T) {
	q, results := day(t)
	q.Window.End = q.Window.Start.AddDate(0, 0, 60)
	results[0].View.Merged = strings.Repeat("0", 60*48-1) + "2"
	var out bytes.Buffer
	p := newPicture(&out, q)
	p.draw(results)
	if p.columns > axisWidth || p.digit(results[0].View, p.columns-1) != 2 || p.digit(results[0].View, p.columns-2) != 0 {
		t.Errorf("%d columns of %s:\n%s", p.columns, p.slot, out.String())
	}
}

// TestOnlyWhenNobodyWasAnsweredTheStatusSaysSo also holds for programs that read JSON.
func TestOnlyWhenNobodyWasAnsweredTheStatusSaysSo(t *testing.T) {
	q, results := day(t)
	for _, format := range []string{formatTable, formatJSON} {
		cmd := &cobra.Command{}
		cmd.SetOut(&bytes.Buffer{})
		cmd.Flags().String("output", format, "")
		if err := printResults(cmd, q, results); err != nil {
			t.Errorf("%s, one of two answered: %v", format, err)
		}
		q1 := q
		q1.Mailboxes = q.Mailboxes[1:]
		if err := printResults(cmd, q1, results[1:]); !errors.Is(err, errAllFailed) {
			t.Errorf("%s, none answered: %v", format, err)
		}
	}
}
