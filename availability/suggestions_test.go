package availability

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
)

// meeting asks for times of an hour on Monday for some addresses, at any hour and of any quality.
func meeting(who orgrel.Requester, addresses ...string) Query {
	q := ask(ViewNone, who, addresses...)
	o := DefaultSuggestions()
	o.Window, o.MaxPerDay, o.MaxNonWorkPerDay, o.MinimumQuality = q.Window, 48, 48, Poor
	q.Suggestions = &o
	return q
}

// at is the suggestion of an hour; nil where there is none.
func (s *Suggestions) at(hour int) *Suggestion {
	for _, d := range s.Days {
		for i := range d.Suggestions {
			if d.Suggestions[i].Time.Equal(monday.Add(time.Duration(hour) * time.Hour)) {
				return &d.Suggestions[i]
			}
		}
	}
	return nil
}

func suggestionsOf(t *testing.T, v *village, q Query) *Suggestions {
	t.Helper()
	s := v.service()
	s.Now = func() time.Time { return monday.AddDate(0, 0, -1) }
	a, err := s.GetUserAvailability(t.Context(), q)
	if err != nil || a.Suggestions == nil {
		t.Fatal(a, err)
	}
	return a.Suggestions
}

func TestSuggestionsCountTheMembersOfAGroup(t *testing.T) {
	v := newVillage(groupOf("team", "tom", "anna", "paul", "rita@fabrikam.example", "crowd"), groupOf("crowd", numbered("u", 100)...), groupOf("huge", numbered("v", 101)...))
	s := suggestionsOf(t, v, meeting(colleague, tom.String(), "team@contoso.example", "huge@contoso.example", "nobody@contoso.example", "paul@contoso.example"))
	if s.Err != nil || len(v.asked) != 1 {
		t.Fatal(s.Err, v.asked)
	}
	for hour, want := range map[int]struct {
		busy    mailbox.BusyType
		members MemberCounts
		quality SuggestionQuality
	}{
		7:  {mailbox.Free, MemberCounts{5, 3, 0, 2}, Excellent},
		8:  {mailbox.Free, MemberCounts{5, 2, 1, 2}, Fair}, // one of three
		9:  {mailbox.Busy, MemberCounts{5, 2, 1, 2}, Fair}, // tom is himself and in the group, and counts once
		11: {mailbox.OOF, MemberCounts{5, 2, 1, 2}, Fair},
		20: {mailbox.Free, MemberCounts{5, 2, 1, 2}, Fair}, // rita, whom her partner was asked for
	} {
		got := s.at(hour)
		if got == nil || got.Quality != want.quality || len(got.Conflicts) != 5 {
			t.Errorf("%d o'clock: %+v", hour, got)
			continue
		}
		for i, c := range []Conflict{{BusyType: want.busy}, {Kind: GroupConflict, Members: want.members}, {Kind: TooBigGroupConflict}, {Kind: UnknownConflict}, {BusyType: mailbox.NoData}} {
			if got.Conflicts[i] != c {
				t.Errorf("%d o'clock, attendee %d: %+v, want %+v", hour, i, got.Conflicts[i], c)
			}
		}
	}
}

func TestAGroupWhoseConflictsExcludeIsFreeOfThem(t *testing.T) {
	v := newVillage(groupOf("team", "tom", "anna"))
	q := meeting(colleague, "paul@contoso.example", "team@contoso.example")
	q.Mailboxes[1].ExcludeConflicts = true
	s := suggestionsOf(t, v, q)
	for hour, want := range map[int]bool{7: true, 8: false, 9: false, 10: true, 11: false} {
		if got := s.at(hour) != nil; got != want {
			t.Errorf("%d o'clock is suggested: %t", hour, got)
		}
	}
}

func TestAPartnerIsNotToldHowManyAreInAGroup(t *testing.T) {
	v := newVillage(groupOf("team", "tom", "anna"), groupOf("dark", "tom", "paul"))
	s := suggestionsOf(t, v, meeting(partner, "team@contoso.example", "dark@contoso.example"))
	for hour, want := range map[int]mailbox.BusyType{7: mailbox.Free, 8: mailbox.Tentative, 9: mailbox.Busy, 11: mailbox.OOF} {
		if got := s.at(hour); got == nil || got.Conflicts[0] != (Conflict{BusyType: want}) || got.Conflicts[1] != (Conflict{BusyType: mailbox.NoData}) {
			t.Errorf("%d o'clock: %+v", hour, got)
		}
	}
}

func TestAPartnerThatShowsMergedDataOnlyIsNotTakenForFree(t *testing.T) {
	v := newVillage()
	v.remote = func(q Query) ([]Result, error) {
		digits := []byte(Merge(nil, q.Window, q.MergedInterval))
		digits[18], digits[19], digits[20] = '2', '2', '4'
		return []Result{{View: FreeBusyView{Type: MergedOnly, Merged: string(digits)}}}, nil
	}
	s := suggestionsOf(t, v, meeting(colleague, rita.String()))
	for hour, want := range map[int]mailbox.BusyType{8: mailbox.Free, 9: mailbox.Busy, 10: mailbox.NoData, 11: mailbox.Free} {
		if got := s.at(hour); got == nil || got.Conflicts[0].BusyType != want {
			t.Errorf("%d o'clock: %+v, want %s", hour, got, want)
		}
	}
}

// windowed reads what is in the window of a query only, as a store does.
type windowed struct{ *village }

func (w windowed) CalendarView(ctx context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error) {
	list, err := w.village.CalendarView(ctx, q)
	for i := range list {
		list[i].Occurrences = slices.DeleteFunc(slices.Clone(list[i].Occurrences), func(o mailbox.Occurrence) bool { return !o.Start.Before(q.End) || !o.End.After(q.Start) })
	}
	return list, err
}

func TestAMeetingThatEndsBehindTheWindowMeetsWhatIsThere(t *testing.T) {
	v := newVillage()
	c := v.calendars[tom]
	c.Occurrences = []mailbox.Occurrence{{Start: monday.Add(24 * time.Hour), End: monday.Add(25 * time.Hour), BusyType: mailbox.Busy}}
	v.calendars[tom] = c
	s := v.service()
	s.Calendars, s.Now = windowed{v}, func() time.Time { return monday.AddDate(0, 0, -1) }
	q := meeting(colleague, tom.String())
	q.Suggestions.Duration = 2 * time.Hour
	a, err := s.GetUserAvailability(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for hour, want := range map[int]mailbox.BusyType{22: mailbox.Free, 23: mailbox.Busy} {
		if got := a.Suggestions.at(hour); got == nil || got.Conflicts[0].BusyType != want {
			t.Errorf("%d o'clock: %+v, want %s", hour, got, want)
		}
	}
	if len(a.Suggestions.Days) != 1 {
		t.Errorf("%d days", len(a.Suggestions.Days))
	}
}

func TestAFailureOfOneHalfLeavesTheOther(t *testing.T) {
	v := newVillage()
	v.rel.TargetApplicationUri = "" // the partner cannot be asked
	q := meeting(colleague, tom.String(), rita.String())
	q.View = FreeBusy
	a, err := v.service().GetUserAvailability(t.Context(), q)
	if err != nil || a.Results[0].Err != nil || a.Results[1].Err == nil || a.Suggestions.Err != nil {
		t.Errorf("%v %+v", err, a)
	}
	q.Zone = nil // a fault of ours in the suggestions
	if a, err = v.service().GetUserAvailability(t.Context(), q); err != nil || a.Results[0].Err != nil || fault.KindOf(a.Suggestions.Err) != fault.MeetingSuggestionGenerationFailed {
		t.Errorf("a panic: %v %+v", err, a)
	}
	q.Zone, v.err = timezone.UTC(), errors.New("gone")
	a, err = v.service().GetUserAvailability(t.Context(), q)
	if err != nil || fault.KindOf(a.Results[0].Err) != fault.FreeBusyGenerationFailed || fault.KindOf(a.Results[1].Err) != fault.RelationshipUnusable || fault.KindOf(a.Suggestions.Err) != fault.MeetingSuggestionGenerationFailed {
		t.Errorf("no calendar can be read: %v %+v", err, a)
	}
}

func TestWorkingPeriodsThatMeetAreOne(t *testing.T) {
	utc := timezone.UTC()
	days := []time.Weekday{time.Monday, time.Tuesday}
	h := hours{[]mailbox.WorkingPeriod{{Days: days, Start: 480, End: 720}, {Days: days, Start: 720, End: 1020}, {Days: days, Start: 1320, End: 1440}, {Days: days, Start: 0, End: 60}, {Days: days, Start: 1200, End: 1100}}, utc}
	for start, want := range map[time.Duration]bool{11*time.Hour + 30*time.Minute: true, 16 * time.Hour: true, 16*time.Hour + time.Minute: false, 23*time.Hour + 30*time.Minute: true, 7 * time.Hour: false, 19 * time.Hour: false, 47*time.Hour + 30*time.Minute: false} {
		if got := h.hold(monday.Add(start), time.Hour); got != want {
			t.Errorf("%s: %t", start, got)
		}
	}
}

func TestWhoIsThereByHerselfAndInAGroupCountsOnce(t *testing.T) {
	v := newVillage(groupOf("team", "tom", "anna"))
	s := suggestionsOf(t, v, meeting(colleague, tom.String(), "team@contoso.example"))
	if got := s.at(9); got == nil || got.Quality != Fair {
		t.Errorf("one of two has a conflict: %+v", got)
	}
}

func TestTheMeetingThatIsMovedIsKnownToOwnUsersOnly(t *testing.T) {
	for who, want := range map[*orgrel.Requester]mailbox.BusyType{&colleague: mailbox.Free, &partner: mailbox.Busy} {
		v := newVillage()
		c := v.calendars[tom]
		c.Occurrences = []mailbox.Occurrence{{UID: "m", Start: monday.Add(9 * time.Hour), End: monday.Add(10 * time.Hour), BusyType: mailbox.Busy}}
		v.calendars[tom] = c
		q := meeting(*who, tom.String())
		q.Suggestions.CurrentMeetingUID = "m"
		if got := suggestionsOf(t, v, q).at(9); got == nil || got.Conflicts[0].BusyType != want {
			t.Errorf("%s: %+v", who.Address, got)
		}
	}
}

// TestSuggestionsThatWouldBeTooManyAreRefused: alone, as the free/busy half is answered. What mail programs ask for a large
// meeting is within the bound.
func TestSuggestionsThatWouldBeTooManyAreRefused(t *testing.T) {
	v := newVillage()
	for _, c := range []struct {
		attendees, days, perDay int
		refused                 bool
	}{{100, 42, 10, false}, {100, 62, 8, false}, {100, 62, 9, true}, {25, 42, 48, true}, {20, 42, 48, false}} {
		q := meeting(own("anna@contoso.example"))
		q.View = MergedOnly
		for range c.attendees {
			q.Mailboxes = append(q.Mailboxes, Attendee{Raw: tom.String(), Address: tom})
		}
		q.Suggestions.Window.End = q.Suggestions.Window.Start.AddDate(0, 0, c.days)
		q.Suggestions.MaxPerDay = c.perDay
		a, err := v.service().GetUserAvailability(t.Context(), q)
		if err != nil || a.Results[0].Err != nil {
			t.Fatal(err, a.Results)
		}
		if refused := a.Suggestions.Err != nil; refused != c.refused || refused && fault.KindOf(a.Suggestions.Err) != fault.MeetingSuggestionGenerationFailed {
			t.Errorf("%+v: %v", c, a.Suggestions.Err)
		}
	}
}
