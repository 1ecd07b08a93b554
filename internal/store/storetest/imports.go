package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox/icalendar"
)

// begin imports from a gate in the background; the error comes when it has ended.
func begin(t *testing.T, s store.Store, name string, g *gate, replace bool) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := s.ImportCalendar(t.Context(), address(name), g, store.ImportOptions{Replace: replace})
		done <- err
	}()
	return done
}

var importTests = []test{
	{"a refused import leaves nothing", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		m := user(t, s, "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H")
		bad := ics("DTSTART:20261124T100000Z\r\nDURATION:PT1H", "DTSTART:20261124T110000Z\r\nRRULE:FREQ=SECONDLY")
		if _, err := s.ImportCalendar(t.Context(), m.Address, icalendar.NewReader(strings.NewReader(bad)), store.ImportOptions{Replace: true}); err == nil || !strings.Contains(err.Error(), "FREQ=SECONDLY") {
			t.Fatalf("%v", err)
		}
		if got := today(t, s, "tom@contoso.example"); got != "261124T09" {
			t.Errorf("after the refused import: %s", got)
		}
		for range 2 { // again: the same result
			load(t, s, m, true, ics("DTSTART:20261124T130000Z\r\nDURATION:PT1H"))
			if got := today(t, s, "tom@contoso.example"); got != "261124T13" {
				t.Errorf("after the import: %s", got)
			}
		}
	}},
	{"a source that breaks after many objects leaves nothing", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H")
		g := &gate{objects: 500, step: make(chan struct{}), fail: true}
		close(g.step)
		if err := <-begin(t, s, "tom@contoso.example", g, true); !errors.Is(err, errSource) {
			t.Fatalf("%v", err)
		}
		if got := today(t, s, "tom@contoso.example"); got != "261124T09" {
			t.Error(got)
		}
	}},
	{"an import replaces, or adds and updates", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		m := user(t, s, "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H", "DTSTART:20261124T100000Z\r\nDURATION:PT1H", "DTSTART:20261124T110000Z\r\nDURATION:PT1H")
		if res := load(t, s, m, false, ics("DTSTART:20261124T120000Z\r\nDURATION:PT1H")); res != (store.ImportResult{Objects: 1, Occurrences: 1}) {
			t.Errorf("%+v", res)
		}
		if got := today(t, s, "tom@contoso.example"); got != "261124T10 261124T11 261124T12" {
			t.Error(got)
		}
		if res := load(t, s, m, true, ics("DTSTART:20261124T130000Z\r\nDURATION:PT1H")); res != (store.ImportResult{Objects: 1, Occurrences: 1, Removed: 2}) {
			t.Errorf("%+v", res)
		}
		if got := today(t, s, "tom@contoso.example"); got != "261124T13" {
			t.Error(got)
		}
	}},
	{"while an import runs, views show the old calendar, and writes go on", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H")
		g := &gate{objects: 700, step: make(chan struct{})}
		done := begin(t, s, "tom@contoso.example", g, true)
		for i := range g.objects {
			g.step <- struct{}{}
			if i%100 != 99 {
				continue
			}
			if got := today(t, s, "tom@contoso.example"); got != "261124T09" {
				t.Fatalf("after %d objects: %s", i+1, got)
			}
			if err := s.PutSetting(t.Context(), "x", "y"); err != nil {
				t.Fatal(err)
			}
		}
		g.step <- struct{}{}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := len(view(t, s, "2026-11-24", "2026-11-25", "tom@contoso.example")[0].Occurrences); n != g.objects {
			t.Errorf("%d of %d are seen afterwards", n, g.objects)
		}
	}},
	{"a newer import ends the one before it", func(t *testing.T, open Opener) {
		old, s := node(t, open, 0), node(t, open, 0)
		m := user(t, s, "tom@contoso.example", "UTC")
		g := &gate{objects: 300, step: make(chan struct{})}
		done := begin(t, old, "tom@contoso.example", g, true)
		for range 250 {
			g.step <- struct{}{}
		}
		load(t, s, m, true, ics("DTSTART:20261124T130000Z\r\nDURATION:PT1H"))
		close(g.step)
		if err := <-done; err == nil || !strings.Contains(err.Error(), "another import") {
			t.Errorf("the older import: %v", err)
		}
		if got := today(t, s, "tom@contoso.example"); got != "261124T13" {
			t.Error(got)
		}
	}},
	{"an abandoned import is swept away when a node starts", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H")
		g := &gate{objects: 300, step: make(chan struct{})}
		done := begin(t, s, "tom@contoso.example", g, true)
		for range 250 {
			g.step <- struct{}{}
		}
		node(t, open, store.ImportIdle+time.Minute)
		close(g.step)
		if err := <-done; err == nil {
			t.Error("an import goes on after its rows were swept away")
		}
		if got := today(t, s, "tom@contoso.example"); got != "261124T09" {
			t.Error(got)
		}
	}},
	{"an import into a mailbox that is deleted meanwhile fails", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC")
		g := &gate{objects: 1, step: make(chan struct{})}
		done := begin(t, s, "tom@contoso.example", g, false)
		g.step <- struct{}{}
		if err := s.DeleteMailbox(t.Context(), address("tom@contoso.example")); err != nil {
			t.Fatal(err)
		}
		close(g.step)
		if err := <-done; !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v", err)
		}
	}},
	{"a zone that changes while an import runs refuses the import", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		m := user(t, s, "tom@contoso.example", "Europe/Berlin")
		g := &gate{objects: 1, step: make(chan struct{})}
		done := begin(t, s, "tom@contoso.example", g, false)
		g.step <- struct{}{}
		m.Zone = "America/New_York"
		if err := s.UpdateMailbox(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		close(g.step)
		if err := <-done; err == nil {
			t.Error("occurrences of the old zone became visible")
		}
	}},
	{"progress is told", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		m := user(t, s, "tom@contoso.example", "UTC")
		g := &gate{objects: 450, step: make(chan struct{})}
		close(g.step)
		var told []int
		if _, err := s.ImportCalendar(t.Context(), m.Address, g, store.ImportOptions{Progress: func(objects, _ int) { told = append(told, objects) }}); err != nil {
			t.Fatal(err)
		}
		if len(told) < 2 || told[len(told)-1] != 450 {
			t.Errorf("%v", told)
		}
	}},
	{"an object that no database takes is refused by name", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		m := user(t, s, "tom@contoso.example", "UTC")
		long := "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:" + strings.Repeat("u", 5000) + "\r\nDTSTART:20261124T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
		if _, err := s.ImportCalendar(t.Context(), m.Address, icalendar.NewReader(strings.NewReader(long)), store.ImportOptions{}); err == nil || !strings.Contains(err.Error(), "UID") {
			t.Errorf("%v", err)
		}
		load(t, s, m, false, ics("DTSTART:20261124T090000Z\r\nDURATION:PT1H\r\nSUMMARY:a\x00c"))
		if c := view(t, s, "2026-11-24", "2026-11-25", "tom@contoso.example"); starts(c[0]) != "261124T09" {
			t.Errorf("%+v", c[0])
		}
	}},
}
