// Package storetest is the one suite that all stores pass: every promise of store.Store is a named sub-test.
package storetest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/smtpaddr"
)

// Opener opens one database; each call is one more node.
type Opener func(t testing.TB, o store.Options) store.Store

// Run runs the suite. create makes an empty database with an up-to-date schema.
func Run(t *testing.T, create func(t testing.TB) Opener) {
	for _, group := range []struct {
		name  string
		tests []test
	}{{"Mailboxes", mailboxTests}, {"Contacts", contactTests}, {"Groups", groupTests}, {"Address book", addressBookTests}, {"Owner", ownerTests}, {"Calendar", calendarTests}, {"Import", importTests}, {"Config", configTests}, {"Nodes", nodeTests}} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.tests {
				t.Run(c.name, func(t *testing.T) { c.run(t, create(t)) })
			}
		})
	}
}

type test struct {
	name string
	run  func(t *testing.T, open Opener)
}

// Today is the suite's time.
func Today() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// node opens a node whose clock stands at the suite's time, later by ahead.
func node(t testing.TB, open Opener, ahead time.Duration) store.Store {
	t.Helper()
	return open(t, store.Options{Now: func() time.Time { return Today().Add(ahead) }})
}

func address(s string) smtpaddr.Address { return smtpaddr.MustAddress(s) }

// user makes a mailbox with a calendar of events e0, e1, …
func user(t testing.TB, s store.Store, name, zone string, events ...string) *mailbox.Mailbox {
	t.Helper()
	m := &mailbox.Mailbox{Address: address(name), Zone: zone, DefaultPermission: mailbox.AvailabilityOnly}
	if err := s.CreateMailbox(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if len(events) > 0 {
		load(t, s, m, false, ics(events...))
	}
	return m
}

func ics(events ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
	for i, e := range events {
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:e%d\r\n%s\r\nEND:VEVENT\r\n", i, e)
	}
	return b.String() + "END:VCALENDAR\r\n"
}

func load(t testing.TB, s store.Store, m *mailbox.Mailbox, replace bool, calendar string) store.ImportResult {
	t.Helper()
	res, err := s.ImportCalendar(t.Context(), m.Address, icalendar.NewReader(strings.NewReader(calendar)), store.ImportOptions{Replace: replace})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func query(from, until string, addresses ...string) mailbox.CalendarQuery {
	a, _ := time.Parse(time.DateOnly, from)
	b, _ := time.Parse(time.DateOnly, until)
	q := mailbox.CalendarQuery{Start: a, End: b, Limit: 1000}
	for _, x := range addresses {
		q.Addresses = append(q.Addresses, address(x))
	}
	return q
}

func ask(t testing.TB, s store.Store, q mailbox.CalendarQuery) []mailbox.Calendar {
	t.Helper()
	c, err := s.CalendarView(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func view(t testing.TB, s store.Store, from, until string, addresses ...string) []mailbox.Calendar {
	t.Helper()
	return ask(t, s, query(from, until, addresses...))
}

// starts are the hours at which the occurrences begin.
func starts(c mailbox.Calendar) string {
	if c.Err != nil {
		return "error: " + c.Err.Error()
	}
	var out []string
	for _, o := range c.Occurrences {
		out = append(out, o.Start.Format("060102T15"))
	}
	return strings.Join(out, " ")
}

// today are the starts of the suite's day.
func today(t testing.TB, s store.Store, name string) string {
	t.Helper()
	return starts(view(t, s, "2026-11-24", "2026-11-25", name)[0])
}

// gate is a source that waits for step before each object, so that a test can look in between.
type gate struct {
	objects int
	step    chan struct{}
	given   int
	fail    bool // ends in an error
}

var errSource = errors.New("the source broke")

func (g *gate) Next() (string, []byte, error) {
	<-g.step
	if g.given == g.objects {
		if g.fail {
			return "", nil, errSource
		}
		return "", nil, io.EOF
	}
	uid := fmt.Sprintf("new%d", g.given)
	g.given++
	return uid, fmt.Appendf(nil, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:%s\r\nDTSTART:20261124T200000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", uid), nil
}
