package store

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/mailbox/recurrence"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/smtpaddr"
)

// View puts together the answers of one CalendarQuery from the rows that a store reads in one snapshot.
type View struct {
	Near, Far []int64 // mailboxes whose window is answered from occurrences, and from objects

	query  mailbox.CalendarQuery
	tzdata string
	out    []mailbox.Calendar
	boxes  map[int64]*viewed
	groups []*mailbox.Group // those asked for, with all inside them
}

// MaxGroups is how many groups one CalendarQuery reads at most, nested ones too: groups can hold each other without end.
const MaxGroups = 1000

// viewed is what has been read of one mailbox.
type viewed struct {
	positions   []int
	owner       []smtpaddr.Address
	zone        *timezone.Zone
	occurrences []mailbox.Occurrence
	err         error
}

// MailboxRow is a mailbox as it lies in a store.
type MailboxRow struct {
	Position    int // in the query's addresses
	ID          int64
	Data        []byte
	Version     int64
	From, Until int64 // the calendar's Range in seconds
	TZData      string
	InScope     bool
}

// NewView begins the answers to q under the time zone rules named tzdata.
func NewView(q mailbox.CalendarQuery, tzdata string) *View {
	if q.Limit <= 0 {
		q.Limit = 1 << 20
	}
	return &View{query: q, tzdata: tzdata, out: make([]mailbox.Calendar, len(q.Addresses)), boxes: map[int64]*viewed{}}
}

// Bounds are the window and the number of rows to read of each mailbox and class: one more than the query's limit, so
// that too many is seen.
func (v *View) Bounds() (start, end int64, limit int) {
	return v.query.Start.Unix(), v.query.End.Add(time.Second - time.Nanosecond).Unix(), v.query.Limit + 1
}

// Mailbox takes a row, and decides where its window is read: from the occurrences only if those hold all of it, derived
// under the zone rules in use.
func (v *View) Mailbox(r MailboxRow) error {
	m := &mailbox.Mailbox{ID: r.ID}
	if err := json.Unmarshal(r.Data, m); err != nil {
		return err
	}
	b, ok := v.boxes[r.ID]
	if !ok {
		b = v.box(r, m)
		v.boxes[r.ID] = b
	}
	b.positions = append(b.positions, r.Position)
	v.out[r.Position] = mailbox.Calendar{Found: true, Mailbox: m, InScope: r.InScope, DefaultPermission: m.DefaultPermission, Zone: b.zone, Version: r.Version}
	return nil
}

func (v *View) box(r MailboxRow, m *mailbox.Mailbox) *viewed {
	b := &viewed{owner: m.Addresses()}
	start, end, _ := v.Bounds()
	if b.zone, b.err = Zone(m.Zone); b.err != nil { // nothing can be said without it
		b.zone = timezone.UTC()
	} else if r.From <= start && end <= r.Until && r.TZData == v.tzdata {
		v.Near = append(v.Near, r.ID)
	} else {
		v.Far = append(v.Far, r.ID)
	}
	return b
}

// Missing are the addresses that no mailbox has, and no contact read so far.
func (v *View) Missing() []smtpaddr.Address {
	var out []smtpaddr.Address
	for i, c := range v.out {
		if a := v.query.Addresses[i]; !c.Found && c.Contact == nil && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// Contact takes a contact as it lies in a store.
func (v *View) Contact(data []byte, inScope bool) error {
	var c mailbox.Contact
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	for i, a := range v.query.Addresses {
		if a == c.Address && !v.out[i].Found {
			v.out[i] = mailbox.Calendar{Contact: &c, InScope: inScope}
		}
	}
	return nil
}

// Group takes a group as it lies in a store: one that was asked for, or one inside of it.
func (v *View) Group(data []byte) error {
	g := &mailbox.Group{}
	if err := json.Unmarshal(data, g); err != nil {
		return err
	}
	v.groups = append(v.groups, g)
	return nil
}

// placeGroups gives the groups to the addresses that stand for them.
func (v *View) placeGroups() {
	for i, a := range v.query.Addresses {
		if v.out[i].Found || v.out[i].Contact != nil {
			continue
		}
		if k := slices.IndexFunc(v.groups, func(g *mailbox.Group) bool { return g.Address == a }); k >= 0 {
			v.out[i] = mailbox.Calendar{Group: v.groups[k], Nested: v.groups}
		}
	}
}

// Occurrence takes a row of a mailbox in Near.
func (v *View) Occurrence(id, start, end int64, flags int, o mailbox.Occurrence) {
	o.Start, o.End = time.Unix(start, 0).UTC(), time.Unix(end, 0).UTC()
	setFlags(&o, flags)
	b := v.boxes[id]
	b.occurrences = append(b.occurrences, o)
}

// Object takes an object of a mailbox in Far. One that cannot be read or expanded makes the mailbox's answer an error;
// once there are more occurrences than the limit, the rest is not expanded.
func (v *View) Object(id int64, data []byte) {
	b := v.boxes[id]
	if b.err != nil || len(b.occurrences) > v.query.Limit {
		return
	}
	o, err := icalendar.Parse(data)
	if err != nil {
		b.err = err
		return
	}
	o.OwnedBy(b.owner...)
	list, err := recurrence.Expand(o, v.query.Start, v.query.End, b.zone)
	if err != nil {
		b.err = err
		return
	}
	b.occurrences = append(b.occurrences, list...)
}

// Calendars are the answers, at the position of their address.
func (v *View) Calendars() []mailbox.Calendar {
	v.placeGroups()
	for _, b := range v.boxes {
		slices.SortStableFunc(b.occurrences, func(a, b mailbox.Occurrence) int {
			if c := a.Start.Compare(b.Start); c != 0 {
				return c
			}
			return a.End.Compare(b.End)
		})
		b.occurrences = b.occurrences[:min(len(b.occurrences), v.query.Limit+1)]
		for n, i := range b.positions {
			if v.out[i].Err = b.err; b.err != nil {
				continue
			}
			v.out[i].Occurrences = b.occurrences
			if n > 0 { // each answer may be changed by its reader
				v.out[i].Occurrences = slices.Clone(b.occurrences)
			}
		}
	}
	return v.out
}
