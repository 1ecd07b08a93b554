package partner

import (
	"context"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

var monday = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// calendarServer answers as a partner does, entries that overlap the window whole; more than limit are too many.
func calendarServer(list []mailbox.Occurrence, limit int, asked *[]availability.Window) ask {
	return func(_ context.Context, q availability.Query) ([]availability.Result, error) {
		*asked = append(*asked, q.Window)
		out := make([]availability.Result, len(q.Mailboxes))
		for i := range out {
			c := mailbox.Calendar{Mailbox: &mailbox.Mailbox{WorkingHours: mailbox.DefaultWorkingHours()}, Zone: timezone.UTC()}
			for _, o := range list {
				if o.Start.Before(q.Window.End) && o.End.After(q.Window.Start) {
					c.Occurrences = append(c.Occurrences, o)
				}
			}
			if len(c.Occurrences) > limit {
				out[i].Err = fault.Because(fault.ResultSetTooBig, nil)
				continue
			}
			out[i].View = availability.Project(q, c, orgrel.LimitedDetails)
		}
		return out, nil
	}
}

func TestAWindowInPiecesIsTheWholeWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := time.Duration(rapid.IntRange(5, 1440).Draw(t, "interval")) * time.Minute
		q := availability.Query{Mailboxes: make([]availability.Attendee, 1), MergedInterval: interval, View: availability.DetailedMerged,
			Window: availability.Window{Start: monday, End: monday.Add(time.Duration(rapid.IntRange(1, 62*24*60).Draw(t, "minutes")) * time.Minute)}}
		var list []mailbox.Occurrence
		at := monday.Add(-48 * time.Hour)
		for range rapid.IntRange(0, 40).Draw(t, "entries") {
			at = at.Add(time.Duration(rapid.IntRange(0, 4*24*60).Draw(t, "gap")) * time.Minute)
			list = append(list, mailbox.Occurrence{Start: at, End: at.Add(time.Duration(rapid.IntRange(1, 5*24*60).Draw(t, "length")) * time.Minute),
				BusyType: mailbox.BusyType(rapid.IntRange(0, 3).Draw(t, "busy")), Subject: "x"})
		}
		var asked []availability.Window
		want, _ := calendarServer(list, 1000, new([]availability.Window))(context.Background(), q)
		got, err := calendarServer(list, 1000, &asked).whole(context.Background(), q)
		if err != nil || !reflect.DeepEqual(got[0].View.Merged, want[0].View.Merged) || len(got[0].View.Events) != len(want[0].View.Events) || got[0].View.WorkingHours == nil {
			t.Fatalf("%v\n%+v\n%+v", err, got, want)
		}
		for i, e := range got[0].View.Events {
			if e != want[0].View.Events[i] {
				t.Fatalf("entry %d is %v instead of %v", i, e, want[0].View.Events[i])
			}
		}
		for i, w := range asked {
			if w.End.Sub(w.Start) > maxWindow || w.Start.Sub(monday)%interval != 0 || i > 0 && w.Start != asked[i-1].End {
				t.Fatalf("asked for %v", asked)
			}
		}
	})
}

func TestTooManyEntriesHalveTheWindowOnceForThatMailboxOnly(t *testing.T) {
	var crowd []mailbox.Occurrence
	for i := range 1500 {
		crowd = append(crowd, mailbox.Occurrence{Start: monday.Add(time.Duration(i) * time.Hour / 2), End: monday.Add(time.Duration(i)*time.Hour/2 + 10*time.Minute), BusyType: mailbox.Busy})
	}
	q := availability.Query{MergedInterval: time.Hour, View: availability.DetailedMerged, Window: availability.Window{Start: monday, End: monday.AddDate(0, 0, 40)},
		Mailboxes: []availability.Attendee{{Address: smtpaddr.MustAddress("crowded@contoso.example")}, {Address: smtpaddr.MustAddress("calm@contoso.example")}}}
	var asked, halves []availability.Window
	full, calm := calendarServer(crowd, 1000, &asked), calendarServer(nil, 1000, new([]availability.Window))
	results, err := ask(func(ctx context.Context, q availability.Query) ([]availability.Result, error) {
		var out []availability.Result
		for _, m := range q.Mailboxes {
			one := q
			one.Mailboxes = []availability.Attendee{m}
			from := full
			if m.Address.Local() == "calm" {
				halves = append(halves, q.Window)
				from = calm
			}
			r, err := from(ctx, one)
			if err != nil {
				return nil, err
			}
			out = append(out, r...)
		}
		return out, nil
	}).whole(t.Context(), q)
	if err != nil || results[0].Err != nil || len(results[0].View.Events) != 1500 || len(results[0].View.Merged) != 40*24 || results[1].Err != nil {
		t.Fatalf("%v %v", err, results)
	}
	if len(asked) != 3 || len(halves) != 1 {
		t.Errorf("the crowded calendar was asked for %d times, the calm one for %d times", len(asked), len(halves))
	}
	asked = nil
	results, _ = calendarServer(crowd, 10, &asked).whole(t.Context(), q)
	if fault.KindOf(results[0].Err) != fault.ResultSetTooBig || len(asked) != 3 {
		t.Errorf("what is still too much after halving stays so: %v, asked %d times", results[0].Err, len(asked))
	}
}

func TestAPieceThatFailsIsNotTakenForFree(t *testing.T) {
	q := availability.Query{Mailboxes: make([]availability.Attendee, 1), MergedInterval: time.Hour, View: availability.MergedOnly, Window: availability.Window{Start: monday, End: monday.AddDate(0, 0, 60)}}
	n := 0
	results, err := ask(func(ctx context.Context, q availability.Query) ([]availability.Result, error) {
		if n++; n == 2 {
			return []availability.Result{{Err: fault.Because(fault.NoFreeBusyAccess, nil)}}, nil
		}
		return calendarServer(nil, 1, new([]availability.Window))(ctx, q)
	}).whole(t.Context(), q)
	if err != nil || fault.KindOf(results[0].Err) != fault.NoFreeBusyAccess {
		t.Errorf("%v %v", err, results)
	}
}
