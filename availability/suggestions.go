package availability

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
)

// moreEntries is how many times the entries of a free/busy answer one calendar may have over the weeks that suggestions
// look at.
const moreEntries = 10

// suggestions asks for everybody's times over the window of the suggestions, each at the level that the requester may
// see, own and partners' people alike, and searches in them. What fails is its Err, a panic too: it runs beside the
// free/busy half.
func (s *Service) suggestions(ctx context.Context, q Query) (out *Suggestions) {
	rec := record.From(ctx)
	fail := func(err error) *Suggestions {
		rec.Set(slog.String("suggestions", err.Error()))
		if fault.KindOf(err) != fault.MeetingSuggestionGenerationFailed {
			err = fault.Because(fault.MeetingSuggestionGenerationFailed, err)
		}
		return &Suggestions{Err: err}
	}
	defer func() {
		if p := recover(); p != nil {
			out = fail(fmt.Errorf("panic: %v", p))
		}
	}()
	if n := conflictsOf(q); n > maxConflicts {
		return fail(fault.New(fault.MeetingSuggestionGenerationFailed,
			"The suggestions could hold %d attendee conflicts; the maximum is %d. Ask for fewer attendees, days or results by day.", n, maxConflicts))
	}
	if q.View != ViewNone { // the steps of the request are those of its free/busy half
		ctx = record.With(ctx, &record.Record{Start: time.Now()})
	}
	o := *q.Suggestions
	inside := q
	inside.View, inside.MergedInterval, inside.Suggestions = FreeBusy, step, nil
	inside.inside = !q.Requester.External                                // a partner could try which meeting an entry is
	inside.Window = Window{o.Window.Start, o.Window.End.Add(o.Duration)} // the last meeting may end behind the window
	reader := *s
	reader.Limits.Entries *= moreEntries
	in, err := reader.inquire(ctx, inside)
	if err == nil {
		err = in.err
	}
	if err != nil {
		return fail(err)
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	attendees, people := in.attendees()
	return &Suggestions{Days: suggest(o, q.Zone, now(), attendees, people, workOf(in))}
}

// maxConflicts bounds an answer: 100 attendees at 10 times on each of six weeks' days are 42,000. Without it a request of a
// few kilobytes could be answered with 30 MB.
const maxConflicts = 50_000

// conflictsOf is how many conflicts of attendees the suggestions may hold.
func conflictsOf(q Query) int {
	const day = 24 * time.Hour
	w := q.Suggestions.Window
	return int((w.End.Sub(w.Start)+day/2)/day) * q.Suggestions.MaxPerDay * len(q.Mailboxes)
}

// attendees reads the answers to an inquiry. A partner is not told how many are in a group: to her it is one person, who
// is as busy as any of its members.
func (in *inquiry) attendees() (attendees []attendee, people []schedule) {
	for i := range in.asked {
		a := attendee{kind: kindOf(in.results[i].Err), people: []int{i}, exclude: in.q.Mailboxes[i].ExcludeConflicts}
		if g := in.groups[i]; g != nil && in.q.Requester.External {
			in.results[i] = in.merged(g)
		} else if g != nil {
			a.kind, a.people, a.unexpanded = GroupConflict, g.positions, g.unexpanded
		}
		attendees = append(attendees, a)
	}
	for _, r := range in.results {
		people = append(people, scheduleOf(r, in.q))
	}
	return attendees, people
}

func kindOf(err error) ConflictKind {
	if err == nil {
		return IndividualConflict
	}
	switch fault.KindOf(err) {
	case fault.MailRecipientNotFound, fault.InvalidSMTPAddress, fault.AddressSpaceNotFound:
		return UnknownConflict
	case fault.FreeBusyDLLimitReached:
		return TooBigGroupConflict
	}
	return IndividualConflict
}

// scheduleOf reads a person's answer. Whoever may not be seen, or could not be read, has no data: she is neither free nor
// busy. A partner that shows merged data only has told no entries, but digits.
func scheduleOf(r Result, q Query) schedule {
	switch {
	case r.Err != nil || r.View.Type == ViewNone:
		return schedule{noData: true}
	case r.View.Type.HasEvents():
		return schedule{busy: r.View.Events}
	}
	var s schedule
	for k, digit := range []byte(r.View.Merged) {
		if digit == '0' {
			continue
		}
		start := q.Window.Start.Add(time.Duration(k) * q.MergedInterval)
		s.busy = append(s.busy, mailbox.Occurrence{Start: start, End: start.Add(q.MergedInterval), BusyType: mailbox.BusyType(digit - '0')})
	}
	return s
}

// workOf are the working hours that count: the organizer's, else those of who is named first, else the usual ones in
// the request's zone.
func workOf(in *inquiry) hours {
	i := max(slices.IndexFunc(in.q.Mailboxes[:in.asked], func(m Attendee) bool { return m.Type == Organizer }), 0)
	if v := in.results[i].View; v.WorkingHours != nil {
		if zone, err := timezone.FromSerializable(v.WorkingZone); err == nil {
			return hours{v.WorkingHours.Periods, zone}
		}
	}
	return hours{mailbox.DefaultWorkingHours().Periods, in.q.Zone}
}
