package availability

import (
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
)

// viewAt is the table of views asked and given ([MS-OXWAVLS] 3.1.4.1.3): never more than asked or allowed.
func viewAt(asked FreeBusyViewType, level orgrel.AccessLevel) FreeBusyViewType {
	if level == orgrel.LimitedDetails {
		return asked
	}
	switch asked {
	case Detailed:
		return FreeBusy
	case DetailedMerged:
		return FreeBusyMerged
	}
	return asked
}

// Project cuts a calendar to what may be shown at level. Private entries have no subject and no place, but for the owner.
func Project(q Query, c mailbox.Calendar, level orgrel.AccessLevel) FreeBusyView {
	v := FreeBusyView{Type: viewAt(q.View, level)}
	if v.Type.HasMerged() {
		v.Merged = Merge(c.Occurrences, q.Window, q.MergedInterval)
	}
	if !v.Type.HasEvents() {
		return v
	}
	own := c.Mailbox != nil && owns(q.Requester, c.Mailbox)
	v.Events = make([]mailbox.Occurrence, len(c.Occurrences))
	for i, o := range c.Occurrences {
		e := mailbox.Occurrence{Start: o.Start, End: o.End, BusyType: o.BusyType}
		if q.inside {
			e.UID = o.UID
		}
		if v.Type.HasDetails() {
			e.IsMeeting, e.IsRecurring, e.IsException, e.IsReminderSet, e.IsPrivate = o.IsMeeting, o.IsRecurring, o.IsException, o.IsReminderSet, o.IsPrivate
			if own || !o.IsPrivate {
				e.Subject, e.Location = o.Subject, o.Location
			}
		}
		v.Events[i] = e
	}
	if c.Mailbox != nil && len(c.Mailbox.WorkingHours.Periods) > 0 {
		v.WorkingHours = &c.Mailbox.WorkingHours
		v.WorkingZone = c.Zone.Serializable(q.Window.Start)
	}
	return v
}

// HasMerged tells whether the view has MergedFreeBusy.
func (v FreeBusyViewType) HasMerged() bool {
	return v == MergedOnly || v == FreeBusyMerged || v == DetailedMerged
}

// HasEvents tells whether the view has CalendarEventArray and WorkingHours.
func (v FreeBusyViewType) HasEvents() bool { return v >= FreeBusy }

// HasDetails tells whether the view has CalendarEventDetails.
func (v FreeBusyViewType) HasDetails() bool { return v == Detailed || v == DetailedMerged }

// slots is how many intervals a window has; the last may be cut.
func slots(w Window, interval time.Duration) int {
	return int((w.End.Sub(w.Start) + interval - 1) / interval)
}

// Merge writes one digit per interval from the window's start, the highest that overlaps: ⌈window/interval⌉ digits.
// Working elsewhere counts as free, as in every server observed.
func Merge(list []mailbox.Occurrence, w Window, interval time.Duration) string {
	n := slots(w, interval)
	digits := make([]byte, n)
	for i := range digits {
		digits[i] = '0'
	}
	for _, o := range list {
		digit := byte('0') + byte(o.BusyType)
		if o.BusyType == mailbox.Free || o.BusyType == mailbox.WorkingElsewhere || !o.End.After(o.Start) {
			continue
		}
		from := max(0, int(o.Start.Sub(w.Start)/interval))
		if o.Start.Before(w.Start) {
			from = 0
		}
		until := int((o.End.Sub(w.Start) + interval - 1) / interval)
		for i := from; i < min(until, n); i++ {
			digits[i] = max(digits[i], digit)
		}
	}
	return string(digits)
}

var viewNames = [...]string{"None", "MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"}

// String returns the schema's name.
func (v FreeBusyViewType) String() string { return viewNames[v] }

// ParseView reads the schema's name exactly.
func ParseView(s string) (FreeBusyViewType, bool) {
	for i, n := range viewNames {
		if n == s {
			return FreeBusyViewType(i), true
		}
	}
	return ViewNone, false
}
