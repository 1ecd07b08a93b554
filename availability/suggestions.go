package availability

import (
	"context"
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
// see, own and partners' people alike, and searches in them.
func (s *Service) suggestions(ctx context.Context, q Query) *Suggestions {
	if q.View != ViewNone { // the steps of the request are those of its free/busy half
		ctx = record.With(ctx, &record.Record{Start: time.Now()})
	}
	o := *q.Suggestions
	inside := q
	inside.Window, inside.View, inside.Suggestions, inside.inside = o.Window, FreeBusy, nil, true
	reader := *s
	reader.Limits.Entries *= moreEntries
	results, err := reader.results(ctx, inside)
	if err != nil {
		return &Suggestions{Err: fault.Because(fault.MeetingSuggestionGenerationFailed, err)}
	}
	people := make([]schedule, len(results))
	for i, r := range results {
		people[i] = scheduleOf(q.Mailboxes[i], r)
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	return &Suggestions{Days: suggest(o, q.Zone, now(), people, workOf(q, results))}
}

// workOf are the working hours that count: the organizer's, else those of who is named first, else the usual ones in
// the request's zone.
func workOf(q Query, results []Result) hours {
	i := max(slices.IndexFunc(q.Mailboxes, func(m Attendee) bool { return m.Type == Organizer }), 0)
	if v := results[i].View; v.WorkingHours != nil {
		if zone, err := timezone.FromSerializable(v.WorkingZone); err == nil {
			return hours{v.WorkingHours.Periods, zone}
		}
	}
	return hours{mailbox.DefaultWorkingHours().Periods, q.Zone}
}
