// Package recurrence expands calendar objects into occurrences.
package recurrence

import (
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/timezone"
)

// Limits bounds one expansion (security-reliability.md 3).
type Limits struct {
	Steps int           // candidates examined per object
	Time  time.Duration // CPU spent per object
}

// DefaultLimits are 10,000 steps and 20 ms.
func DefaultLimits() Limits { return Limits{10000, 20 * time.Millisecond} }

// Expand returns the occurrences of o that overlap [from, until), whole, by start then end. Floating times and days are placed in floating.
// Cancelled instances are left out. When the limits end it early it returns what it has and ErrLimit: the caller must treat the window as unknown.
func Expand(o *icalendar.Object, from, until time.Time, floating *timezone.Zone, l Limits) ([]mailbox.Occurrence, error) {
	panic("not built yet")
}

// Span returns the first start and the last end of o; endless series have endless=true.
func Span(o *icalendar.Object, floating *timezone.Zone) (first, last time.Time, endless bool) {
	panic("not built yet")
}
