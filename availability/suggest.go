package availability

import (
	"cmp"
	"slices"
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
)

// SuggestionQuality is [MS-OXWAVLS] SuggestionQuality, the best first.
type SuggestionQuality uint8

// The qualities.
const (
	Excellent SuggestionQuality = iota
	Good
	Fair
	Poor
)

var qualityNames = [...]string{"Excellent", "Good", "Fair", "Poor"}

// String returns the schema's name.
func (q SuggestionQuality) String() string { return qualityNames[q] }

// ParseQuality reads the schema's name exactly.
func ParseQuality(s string) (SuggestionQuality, bool) {
	i := slices.Index(qualityNames[:], s)
	return SuggestionQuality(max(i, 0)), i >= 0
}

// SuggestionsOptions is SuggestionsViewOptions ([MS-OXWAVLS] 3.1.4.1.3).
type SuggestionsOptions struct {
	GoodThreshold      int // percent of attendees with a conflict below which a time is good; 0 to 50
	MaxPerDay          int // 0 to 48
	MaxNonWorkPerDay   int // 0 to 48
	Duration           time.Duration
	MinimumQuality     SuggestionQuality
	Window             Window    // whole days of the request's zone
	CurrentMeetingTime time.Time // start of the meeting that is being moved; zero: none
	CurrentMeetingUID  string    // its UID, whose occurrences do not count; "" unknown
}

// DefaultSuggestions are the defaults of the reference.
func DefaultSuggestions() SuggestionsOptions {
	return SuggestionsOptions{GoodThreshold: 25, MaxPerDay: 10, Duration: time.Hour, MinimumQuality: Fair}
}

// Suggestions is the second half of an answer.
type Suggestions struct {
	Days []SuggestionDay
	Err  error // why there are no Days: a *fault.Error, of a client what was answered; the free/busy half is unaffected
}

// SuggestionDay is one day of the window, also when nothing is suggested on it.
type SuggestionDay struct {
	Date        time.Time // midnight, wall clock of the request's zone
	Quality     SuggestionQuality
	Suggestions []Suggestion // in the order of time
}

// Suggestion is one time for the meeting.
type Suggestion struct {
	Time      time.Time
	WorkTime  bool
	Quality   SuggestionQuality
	Conflicts []Conflict // one for each attendee, in the order of the request
}

// ConflictKind is which of the forms of [MS-OXWAVLS] AttendeeConflictData a Conflict has.
type ConflictKind uint8

// The forms.
const (
	IndividualConflict  ConflictKind = iota
	UnknownConflict                  // the address is of nobody
	TooBigGroupConflict              // a group that is not expanded
	GroupConflict
)

// Conflict is what one attendee does at a suggested time.
type Conflict struct {
	Kind     ConflictKind
	BusyType mailbox.BusyType // of an individual
	Members  MemberCounts     // of a group
}

// MemberCounts are how many members of a group are free (or work elsewhere), have a conflict, and have no data; All is
// their sum.
type MemberCounts struct{ All, Available, WithConflict, WithNoData int }

// step is the distance of two candidates; the first of a day is at midnight.
const step = 30 * time.Minute

// schedule is one person over the window of the suggestions.
type schedule struct {
	noData bool
	busy   []mailbox.Occurrence
}

// attendee is one entry of the request: a person, or a group with its members.
type attendee struct {
	kind       ConflictKind
	people     []int // in the list of schedules; one, but for a group
	unexpanded int   // members that are not among them
	exclude    bool  // a time at which one of them has a conflict is not suggested
}

// hours are working hours in their zone.
type hours struct {
	periods []mailbox.WorkingPeriod
	zone    *timezone.Zone
}

// hold tells whether a meeting is all in working time, by a clock that does not change during it. Periods that meet are
// one, over midnight too; those that end before they begin do not count.
func (h hours) hold(start time.Time, length time.Duration) bool {
	at := h.zone.Wall(start)
	for until := at.Add(length); at.Before(until); {
		midnight := at.Truncate(24 * time.Hour)
		minute, last := int(at.Sub(midnight)/time.Minute), -1
		for _, p := range h.periods {
			if p.Start <= minute && minute < p.End && slices.Contains(p.Days, at.Weekday()) {
				last = max(last, p.End)
			}
		}
		if last < 0 {
			return false
		}
		at = midnight.Add(time.Duration(last) * time.Minute)
	}
	return true
}

// suggest finds the times at which o's meeting can be held: one pass over each person's busy times, whatever the number of
// candidates.
func suggest(o SuggestionsOptions, zone *timezone.Zone, now time.Time, attendees []attendee, people []schedule, work hours) []SuggestionDay {
	days, times, dayOf := candidates(o, zone)
	t := tallyOf(o, times, attendees, people)
	perDay := make([][]Suggestion, len(days))
	for k, at := range times {
		if at.Before(now) || at.Equal(o.CurrentMeetingTime) || t.excluded[k] {
			continue
		}
		s := Suggestion{Time: at, Quality: t.quality(o, k)}
		if s.Quality > o.MinimumQuality {
			continue
		}
		s.WorkTime = work.hold(at, o.Duration)
		perDay[dayOf[k]] = append(perDay[dayOf[k]], s)
	}
	for d := range days {
		days[d].Suggestions = best(perDay[d], o)
		days[d].Quality = Poor
		for i := range days[d].Suggestions {
			s := &days[d].Suggestions[i]
			days[d].Quality = min(days[d].Quality, s.Quality)
			k, _ := slices.BinarySearchFunc(times, s.Time, time.Time.Compare)
			s.Conflicts = make([]Conflict, len(attendees))
			for j, a := range attendees {
				s.Conflicts[j] = t.conflict(a, k)
			}
		}
	}
	return days
}

// candidates are the half hours of the days of the window that exist in the zone and lie in the window, in order, each
// with its day. Of an hour that comes twice the second counts, as for the times of a request.
func candidates(o SuggestionsOptions, zone *timezone.Zone) (days []SuggestionDay, times []time.Time, dayOf []int) {
	day := zone.Wall(o.Window.Start).Truncate(24 * time.Hour)
	for ; zone.InstantStandard(day).Before(o.Window.End); day = day.AddDate(0, 0, 1) {
		days = append(days, SuggestionDay{Date: day})
		for wall := day; wall.Before(day.Add(24 * time.Hour)); wall = wall.Add(step) {
			at := zone.InstantStandard(wall)
			if at.Before(o.Window.Start) || !at.Before(o.Window.End) || !zone.Wall(at).Equal(wall) { // or skipped
				continue
			}
			times, dayOf = append(times, at), append(dayOf, len(days)-1)
		}
	}
	return days, times, dayOf
}

// best keeps the best of a day within its two maxima, and returns them in the order of time.
func best(list []Suggestion, o SuggestionsOptions) []Suggestion {
	slices.SortStableFunc(list, func(a, b Suggestion) int { return cmp.Compare(a.Quality, b.Quality) })
	var out []Suggestion
	nonWork := 0
	for _, s := range list {
		if len(out) == o.MaxPerDay {
			break
		}
		if !s.WorkTime {
			if nonWork == o.MaxNonWorkPerDay {
				continue
			}
			nonWork++
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Suggestion) int { return a.Time.Compare(b.Time) })
	return out
}
