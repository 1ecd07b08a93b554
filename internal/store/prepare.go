package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
)

// Horizon around now within which occurrences are derived on write.
const (
	HorizonBack  = 2 * 366 * 24 * time.Hour
	HorizonAhead = 2 * 366 * 24 * time.Hour
)

// Range is what the occurrence rows of a calendar hold of every object, half-open.
type Range struct{ From, Until time.Time }

// Horizon is the range that is derived today.
func Horizon(now time.Time) Range {
	return Range{now.Add(-HorizonBack).UTC().Truncate(24 * time.Hour), now.Add(HorizonAhead).UTC().Truncate(24 * time.Hour)}
}

// Ends of the Range of a calendar without objects, in seconds: the years 1 and 9999.
const (
	OpenFrom  = -62135596800
	OpenUntil = 253402300799
)

// Length classes of occurrences. A window is read with one range scan in each, which begins no further before the
// window than an occurrence of the class can last.
const (
	ClassDay   = iota // up to 1 day
	ClassMonth        // up to 31 days
	ClassLong         // longer
)

// Longest occurrence of a class, in seconds.
const (
	LongestOfDay   = 24 * 60 * 60
	LongestOfMonth = 31 * LongestOfDay
)

// Moved tells whether occurrences derived for old are void for m: another zone moves floating times, and other addresses
// find other answers to invitations.
func Moved(old, m *mailbox.Mailbox) bool {
	return old.Zone != m.Zone || !slices.Equal(old.Addresses(), m.Addresses())
}

// Class is the length class of an occurrence.
func Class(o mailbox.Occurrence) int {
	switch d := o.End.Sub(o.Start); {
	case d <= LongestOfDay*time.Second:
		return ClassDay
	case d <= LongestOfMonth*time.Second:
		return ClassMonth
	}
	return ClassLong
}

// Flags of an occurrence as stored.
const (
	flagMeeting = 1 << iota
	flagRecurring
	flagException
	flagReminder
	flagPrivate
	flagAllDay
)

// Flags packs the booleans of an occurrence.
func Flags(o mailbox.Occurrence) (f int) {
	for i, b := range []bool{o.IsMeeting, o.IsRecurring, o.IsException, o.IsReminderSet, o.IsPrivate, o.AllDay} {
		if b {
			f |= 1 << i
		}
	}
	return f
}

func setFlags(o *mailbox.Occurrence, f int) {
	o.IsMeeting, o.IsRecurring, o.IsException = f&flagMeeting != 0, f&flagRecurring != 0, f&flagException != 0
	o.IsReminderSet, o.IsPrivate, o.AllDay = f&flagReminder != 0, f&flagPrivate != 0, f&flagAllDay != 0
}

// Prepared is one object ready to be stored.
type Prepared struct {
	UID         string
	Data        []byte
	First, Last time.Time // hold every occurrence
	Occurrences []mailbox.Occurrence
}

// prepare parses and expands an object of m's, whose zone is zone. One that cannot be expanded within its limits is refused.
func prepare(uid string, data []byte, m *mailbox.Mailbox, zone *timezone.Zone, r Range) (*Prepared, error) {
	if uid == "" || len(uid) > maxUID || uid != plain(uid) {
		return nil, fmt.Errorf("event %.60q: its UID is empty, longer than %d bytes or no text", uid, maxUID)
	}
	o, err := icalendar.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("event %.60q: %w", uid, err)
	}
	o.OwnedBy(m.Addresses()...)
	p := &Prepared{UID: uid, Data: data}
	p.First, p.Last = recurrence.Span(o, zone)
	if p.Occurrences, err = recurrence.Expand(o, r.From, r.Until, zone); err != nil {
		return nil, fmt.Errorf("event %.60q: %w", uid, err)
	}
	for i := range p.Occurrences {
		o := &p.Occurrences[i]
		o.Subject, o.Location = plain(o.Subject), plain(o.Location)
	}
	return p, nil
}

// maxUID is what fits well into an index entry of any database.
const maxUID = 1000

// plain is s as every database takes it: UTF-8 without NUL. Objects are kept as they came.
func plain(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "") }

// A batch of an import ends at the first of these, so that its transaction is short.
const (
	batchObjects     = 200
	batchOccurrences = 2000
	batchBytes       = 1 << 20
)

// ImportIdle is after what time without a batch an import counts as dead.
const ImportIdle = time.Hour

// Stage reads src, a calendar of m's, to its end and hands its objects to put in short batches, prepared for the horizon.
func Stage(ctx context.Context, src ImportSource, m *mailbox.Mailbox, horizon Range, progress func(objects, occurrences int), put func([]*Prepared) error) (res ImportResult, err error) {
	zone, err := Zone(m.Zone)
	if err != nil {
		return res, err
	}
	var batch []*Prepared
	var bytes, occurrences int
	flush := func() error {
		if len(batch) == 0 {
			return ctx.Err()
		}
		if err := put(batch); err != nil {
			return err
		}
		res.Objects, res.Occurrences = res.Objects+len(batch), res.Occurrences+occurrences
		batch, bytes, occurrences = nil, 0, 0
		if progress != nil {
			progress(res.Objects, res.Occurrences)
		}
		return nil
	}
	for {
		uid, data, err := src.Next()
		if errors.Is(err, io.EOF) {
			return res, flush()
		}
		if err != nil {
			return res, err
		}
		p, err := prepare(uid, data, m, zone, horizon)
		if err != nil {
			return res, err
		}
		batch, bytes, occurrences = append(batch, p), bytes+len(data), occurrences+len(p.Occurrences)
		if len(batch) >= batchObjects || bytes >= batchBytes || occurrences >= batchOccurrences {
			if err := flush(); err != nil {
				return res, err
			}
		}
	}
}

// Pages is an ImportSource over the stored objects of one mailbox: it reads a page of those whose UID is after the last one.
type Pages struct {
	Read func(after string) ([]Object, error)
	page []Object
	last string
	end  bool
}

// Object is one stored calendar object.
type Object struct {
	UID  string
	Data []byte
}

// PageSize is how many objects Pages wants at once; fewer means the end.
const PageSize = 200

// Next implements ImportSource.
func (p *Pages) Next() (string, []byte, error) {
	if len(p.page) == 0 && !p.end {
		page, err := p.Read(p.last)
		if err != nil {
			return "", nil, err
		}
		p.page, p.end = page, len(page) < PageSize
	}
	if len(p.page) == 0 {
		return "", nil, io.EOF
	}
	o := p.page[0]
	p.page, p.last = p.page[1:], o.UID
	return o.UID, o.Data, nil
}

// Zone resolves a mailbox's zone; an empty name is UTC.
func Zone(name string) (*timezone.Zone, error) {
	if name == "" {
		return timezone.UTC(), nil
	}
	return timezone.Lookup(name)
}
