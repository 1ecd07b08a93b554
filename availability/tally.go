package availability

import (
	"slices"
	"time"

	"github.com/availd/availd/mailbox"
)

// tally is what everybody does at each candidate, and how many have a conflict there.
type tally struct {
	busy             [][]mailbox.BusyType // by person
	known, conflicts []int                // people with data, and with a conflict
	excluded         []bool               // somebody whose conflicts exclude a time has one
}

// tallyOf counts every person of the attendees once, also who is there by herself and in a group.
func tallyOf(o SuggestionsOptions, times []time.Time, attendees []attendee, people []schedule) *tally {
	t := &tally{busy: make([][]mailbox.BusyType, len(people)), known: make([]int, len(times)), conflicts: make([]int, len(times)), excluded: make([]bool, len(times))}
	starts := make([]int64, len(times))
	for k, at := range times {
		starts[k] = at.Unix()
	}
	for _, a := range attendees {
		for _, i := range a.people {
			counted := t.busy[i] != nil
			if !counted {
				t.busy[i] = busyTypes(people[i], o, starts)
			}
			for k, b := range t.busy[i] {
				if b != mailbox.NoData && !counted {
					t.known[k]++
				}
				if b != mailbox.NoData && b != mailbox.Free {
					t.excluded[k] = t.excluded[k] || a.exclude
					if !counted {
						t.conflicts[k]++
					}
				}
			}
		}
	}
	return t
}

// busyTypes are what a person does at each candidate, which begin at starts (Unix seconds): the highest of all that overlap
// the meeting.
func busyTypes(p schedule, o SuggestionsOptions, starts []int64) []mailbox.BusyType {
	out := make([]mailbox.BusyType, len(starts))
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
		first, _ := slices.BinarySearch(starts, e.Start.Unix()-int64(o.Duration/time.Second)+1)
		for k, end := first, e.End.Unix(); k < len(starts) && starts[k] < end; k++ {
			out[k] = max(out[k], e.BusyType)
		}
	}
	return out
}

// quality is [MS-OXWAVLS] SuggestionQuality by the share of people with a conflict, among those with data; where nobody
// has any it is poor.
func (t *tally) quality(o SuggestionsOptions, k int) SuggestionQuality {
	known, conflicts := t.known[k], t.conflicts[k]
	switch percent := 100 * conflicts; {
	case known == 0 || percent > 50*known:
		return Poor
	case conflicts == 0:
		return Excellent
	case percent < o.GoodThreshold*known:
		return Good
	}
	return Fair
}

// conflict is what an attendee does at a candidate.
func (t *tally) conflict(a attendee, k int) Conflict {
	c := Conflict{Kind: a.kind}
	switch a.kind {
	case IndividualConflict:
		c.BusyType = t.busy[a.people[0]][k]
	case GroupConflict:
		c.Members = MemberCounts{All: len(a.people) + a.unexpanded, WithNoData: a.unexpanded}
		for _, i := range a.people {
			switch t.busy[i][k] {
			case mailbox.Free:
				c.Members.Available++
			case mailbox.NoData:
				c.Members.WithNoData++
			default:
				c.Members.WithConflict++
			}
		}
	}
	return c
}
