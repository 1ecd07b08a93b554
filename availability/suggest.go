package availability

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/availd/availd/internal/fault"
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
	Err  error // *fault.Error; the free/busy half is unaffected
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

// Conflict is what one attendee does at a suggested time.
type Conflict struct {
	Unknown  bool // the address is of nobody
	BusyType mailbox.BusyType
}

// step is the distance of two candidates; the first of a day is at midnight.
const step = 30 * time.Minute

// schedule is one attendee over the window of the suggestions.
type schedule struct {
	attendee Attendee
	unknown  bool
	noData   bool
	busy     []mailbox.Occurrence
}

// scheduleOf reads an attendee's answer. Whoever may not be seen, or could not be read, has no data: she is neither
// free nor busy.
func scheduleOf(m Attendee, r Result) schedule {
	s := schedule{attendee: m}
	switch {
	case r.Err == nil:
		s.busy = r.View.Events
	case fault.KindOf(r.Err) == fault.MailRecipientNotFound, fault.KindOf(r.Err) == fault.InvalidSMTPAddress, fault.KindOf(r.Err) == fault.AddressSpaceNotFound:
		s.unknown, s.noData = true, true
	default:
		s.noData = true
	}
	return s
}

// hours are working hours in their zone.
type hours struct {
	periods []mailbox.WorkingPeriod
	zone    *timezone.Zone
}

// hold tells whether all of [start, end) is working time.
func (h hours) hold(start, end time.Time) bool {
	from, until := h.zone.Wall(start), h.zone.Wall(end)
	midnight := from.Truncate(24 * time.Hour)
	for _, p := range h.periods {
		if p.Start <= p.End && slices.Contains(p.Days, from.Weekday()) && int(from.Sub(midnight)/time.Minute) >= p.Start && int(until.Sub(midnight)/time.Minute) <= p.End {
			return true
		}
	}
	return false
}

// suggest finds the times at which o's meeting can be held: one pass over each attendee's busy times, whatever the
// number of candidates.
func suggest(o SuggestionsOptions, zone *timezone.Zone, now time.Time, people []schedule, work hours) []SuggestionDay {
	days, times, dayOf := candidates(o, zone)
	busy := make([][]mailbox.BusyType, len(people))
	for i, p := range people {
		busy[i] = conflictsOf(p, o, times)
	}
	perDay := make([][]Suggestion, len(days))
	for k, at := range times {
		if at.Before(now) || at.Equal(o.CurrentMeetingTime) {
			continue
		}
		s := Suggestion{Time: at, WorkTime: work.hold(at, at.Add(o.Duration))}
		limit := o.MaxPerDay
		if !s.WorkTime {
			limit = min(limit, o.MaxNonWorkPerDay)
		}
		if limit == 0 {
			continue
		}
		var excluded bool
		if s.Quality, excluded = quality(o, people, busy, k); excluded || s.Quality > o.MinimumQuality {
			continue
		}
		perDay[dayOf[k]] = append(perDay[dayOf[k]], s)
	}
	for d := range days {
		days[d].Suggestions = best(perDay[d], o)
		days[d].Quality = Poor
		for i := range days[d].Suggestions {
			s := &days[d].Suggestions[i]
			days[d].Quality = min(days[d].Quality, s.Quality)
			k := sort.Search(len(times), func(k int) bool { return !times[k].Before(s.Time) })
			for p := range people {
				s.Conflicts = append(s.Conflicts, Conflict{people[p].unknown, busy[p][k]})
			}
		}
	}
	return days
}

// candidates are the half hours of every day of the window that exist in the zone, in order, each with its day.
func candidates(o SuggestionsOptions, zone *timezone.Zone) (days []SuggestionDay, times []time.Time, dayOf []int) {
	end := zone.Wall(o.Window.End)
	for day := zone.Wall(o.Window.Start).Truncate(24 * time.Hour); day.Before(end); day = day.AddDate(0, 0, 1) {
		days = append(days, SuggestionDay{Date: day})
		for wall := day; wall.Before(day.Add(24 * time.Hour)); wall = wall.Add(step) {
			at := zone.Instant(wall)
			if len(times) > 0 && !at.After(times[len(times)-1]) || !zone.Wall(at).Equal(wall) {
				continue // skipped, or there already, on a day that changes its offset
			}
			times, dayOf = append(times, at), append(dayOf, len(days)-1)
		}
	}
	return days, times, dayOf
}

// conflictsOf is an attendee's busy type at each candidate: the highest of all that overlap the meeting.
func conflictsOf(p schedule, o SuggestionsOptions, times []time.Time) []mailbox.BusyType {
	out := make([]mailbox.BusyType, len(times))
	if p.noData {
		for k := range out {
			out[k] = mailbox.NoData
		}
		return out
	}
	for _, e := range p.busy {
		if e.BusyType == mailbox.Free || e.BusyType == mailbox.WorkingElsewhere || !e.End.After(e.Start) || o.CurrentMeetingUID != "" && e.UID == o.CurrentMeetingUID {
			continue
		}
		first := sort.Search(len(times), func(k int) bool { return times[k].Add(o.Duration).After(e.Start) })
		for k := first; k < len(times) && times[k].Before(e.End); k++ {
			out[k] = max(out[k], e.BusyType)
		}
	}
	return out
}

// quality is [MS-OXWAVLS] SuggestionQuality by the share of attendees with a conflict, among those with data; where
// nobody has any it is poor. excluded: somebody whose conflicts exclude a time has one.
func quality(o SuggestionsOptions, people []schedule, busy [][]mailbox.BusyType, k int) (q SuggestionQuality, excluded bool) {
	known, conflicts := 0, 0
	for i := range people {
		switch busy[i][k] {
		case mailbox.NoData:
		case mailbox.Free:
			known++
		default:
			known++
			conflicts++
			excluded = excluded || people[i].attendee.ExcludeConflicts
		}
	}
	switch percent := 100 * conflicts; {
	case known == 0 || percent > 50*known:
		return Poor, excluded
	case conflicts == 0:
		return Excellent, excluded
	case percent < o.GoodThreshold*known:
		return Good, excluded
	}
	return Fair, excluded
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
