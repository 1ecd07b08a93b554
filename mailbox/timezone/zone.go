// Package timezone knows zones by IANA and Windows names, by VTIMEZONE, by SerializableTimeZone and by
// TimeZoneDefinition, and places wall-clock times on the time line.
package timezone

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones on machines without them
)

// Zone places wall-clock times on the time line and back. It is immutable; what it has computed once it keeps.
type Zone struct {
	name   string
	offset func(t time.Time) time.Duration // east of UTC, at an instant
	years  sync.Map                        // year (int) -> []onset: what changes found
}

// UTC is the zone without offset.
func UTC() *Zone { return FromLocation(time.UTC) }

// FromLocation wraps an IANA location.
func FromLocation(l *time.Location) *Zone {
	return &Zone{name: l.String(), offset: func(t time.Time) time.Duration {
		_, s := t.In(l).Zone()
		return time.Duration(s) * time.Second
	}}
}

// Lookup finds a zone by IANA name, Windows name in any case, the display name of a Windows zone, or a TZID with a prefix
// such as /mozilla.org/20070129_1/Europe/Berlin.
func Lookup(name string) (*Zone, error) {
	name = strings.Trim(strings.TrimSpace(name), `"`)
	for _, candidate := range candidates(name) {
		if iana, ok := windowsNamed(candidate); ok {
			candidate = iana
		} else if iana, ok := otherNames[strings.ToLower(candidate)]; ok {
			candidate = iana
		} else if iana, ok := displayed()[strings.ToLower(candidate)]; ok {
			candidate = iana
		}
		if z, err := load(candidate); err == nil {
			return z, nil
		}
	}
	return nil, fmt.Errorf("time zone %q is not known", name)
}

// Registered tells whether name is one that a registry gives a meaning to: a Windows name, or an IANA name of an area and
// a place, also behind a prefix. Others, such as Eastern, EST or GMT, mean different things to different products.
func Registered(name string) bool {
	for _, candidate := range candidates(name) {
		if _, ok := windowsNamed(candidate); ok {
			return true
		}
		if _, err := load(candidate); err == nil && (strings.Contains(candidate, "/") || candidate == "UTC") {
			return true
		}
	}
	return false
}

// loaded remembers the zones of the time zone database, a few hundred at most: reading one takes longer than reading a
// mailbox.
var loaded sync.Map // IANA name -> *Zone

func load(iana string) (*Zone, error) {
	if z, ok := loaded.Load(iana); ok {
		return z.(*Zone), nil
	}
	if first, _, _ := strings.Cut(strings.ToLower(iana), "/"); first == "" || slices.Contains(machineNames, first) {
		return nil, fmt.Errorf("time zone %q is not the same everywhere", iana)
	}
	l, err := time.LoadLocation(iana)
	if err != nil {
		return nil, err
	}
	z, _ := loaded.LoadOrStore(iana, FromLocation(l))
	return z.(*Zone), nil
}

// machineNames are names, and first parts of names, of files beside the time zone database that mean a setting of the
// machine, nothing, or clocks that count leap seconds.
var machineNames = []string{"local", "localtime", "posixrules", "factory", "right"}

// candidates are the name, without a prefix, and the parts behind its slashes.
func candidates(name string) []string {
	name = strings.TrimPrefix(name, "tzone://Microsoft/")
	out := []string{name}
	if display, ok := strings.CutPrefix(name, "("); ok {
		if _, rest, ok := strings.Cut(display, ")"); ok {
			out = append(out, strings.TrimSpace(rest))
		}
	}
	if strings.HasPrefix(name, "/") {
		for rest := name[1:]; rest != ""; {
			out = append(out, rest)
			_, after, ok := strings.Cut(rest, "/")
			if !ok {
				break
			}
			rest = after
		}
	}
	return out
}

// Name is the name that the zone was found by, IANA where known.
func (z *Zone) Name() string { return z.name }

// Wall returns the wall-clock time of an instant, as a time in UTC with the local fields.
func (z *Zone) Wall(t time.Time) time.Time { return t.UTC().Add(z.offset(t)) }

// Instant places a wall-clock time (the fields of wall): a skipped time is read with the offset before the gap, an
// ambiguous one is the first of its two instants (RFC 5545 §3.3.5).
func (z *Zone) Instant(wall time.Time) time.Time { return z.place(wall, false) }

// InstantStandard is Instant, but an ambiguous time is the second instant, standard time ([MS-OXWAVLS] requests).
func (z *Zone) InstantStandard(wall time.Time) time.Time { return z.place(wall, true) }

func (z *Zone) place(wall time.Time, second bool) time.Time {
	w := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, time.UTC)
	before, after := z.offset(w.Add(-24*time.Hour)), z.offset(w.Add(24*time.Hour))
	a, b := w.Add(-before), w.Add(-after)
	okA, okB := z.offset(a) == before, z.offset(b) == after
	switch {
	case okA && okB && second:
		return later(a, b)
	case okA && okB:
		return earlier(a, b)
	case okB:
		return b
	default: // valid before, or in the gap
		return a
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
