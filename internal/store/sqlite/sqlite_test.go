package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/sqlite"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func today() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

func openAt(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	key, err := store.LoadMasterKey(path+".key", true)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), path, key, today)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newStore(t testing.TB) *sqlite.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "a.db"))
}

func user(t testing.TB, s *sqlite.Store, name, zone string, events ...string) *mailbox.Mailbox {
	t.Helper()
	m := &mailbox.Mailbox{Address: smtpaddr.MustAddress(name), Zone: zone, DefaultPermission: mailbox.AvailabilityOnly}
	if err := s.CreateMailbox(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	load(t, s, m, events...)
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

func load(t testing.TB, s *sqlite.Store, m *mailbox.Mailbox, events ...string) {
	t.Helper()
	if _, err := s.ImportCalendar(t.Context(), m.Address, icalendar.NewReader(strings.NewReader(ics(events...))), store.ImportOptions{}); err != nil && len(events) > 0 {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *sqlite.Store, from, until string, addresses ...string) []mailbox.Calendar {
	t.Helper()
	a, _ := time.Parse(time.DateOnly, from)
	b, _ := time.Parse(time.DateOnly, until)
	q := mailbox.CalendarQuery{Start: a, End: b, Limit: 1000}
	for _, x := range addresses {
		q.Addresses = append(q.Addresses, smtpaddr.MustAddress(x))
	}
	c, err := s.CalendarView(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func starts(c mailbox.Calendar) string {
	var out []string
	for _, o := range c.Occurrences {
		out = append(out, o.Start.Format("060102T15"))
	}
	return strings.Join(out, " ")
}

func TestCalendarViewAnswersByPositionAndAnyAddress(t *testing.T) {
	s := newStore(t)
	m := user(t, s, "tom@contoso.example", "Europe/Berlin", "DTSTART:20261124T090000Z\r\nDURATION:PT1H\r\nSUMMARY:x\r\nCLASS:PRIVATE")
	m.Aliases = []smtpaddr.Address{smtpaddr.MustAddress("t@contoso.example")}
	if err := s.UpdateMailbox(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	c := view(t, s, "2026-11-24", "2026-11-25", "nobody@contoso.example", "T@contoso.example", "tom@contoso.example")
	if c[0].Found || !c[1].Found || starts(c[1]) != "261124T09" || starts(c[2]) != "261124T09" || !c[1].Occurrences[0].IsPrivate || !c[1].InScope {
		t.Errorf("%+v", c)
	}
}

func TestWindowsFarFromTodayAreRightToo(t *testing.T) {
	s := newStore(t)
	user(t, s, "tom@contoso.example", "Europe/Berlin", "DTSTART;TZID=Europe/Berlin:20000103T100000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY",
		"DTSTART;VALUE=DATE:20200101\r\nDTEND;VALUE=DATE:20300101")
	for _, c := range []struct{ from, until, want string }{
		{"2026-11-23", "2026-11-24", "191231T23 261123T09"},
		{"2001-01-01", "2001-01-02", "010101T09"},
		{"2199-01-01", "2199-01-08", "990107T09"},
	} {
		if got := starts(view(t, s, c.from, c.until, "tom@contoso.example")[0]); got != c.want {
			t.Errorf("%s: %s, want %s", c.from, got, c.want)
		}
	}
}

func TestImportIsWholeOrNothing(t *testing.T) {
	s := newStore(t)
	m := user(t, s, "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H")
	bad := ics("DTSTART:20261124T100000Z\r\nDURATION:PT1H", "DTSTART:20261124T110000Z\r\nRRULE:FREQ=SECONDLY")
	if _, err := s.ImportCalendar(t.Context(), m.Address, icalendar.NewReader(strings.NewReader(bad)), store.ImportOptions{Replace: true}); err == nil || !strings.Contains(err.Error(), "FREQ=SECONDLY") {
		t.Fatalf("%v", err)
	}
	if got := starts(view(t, s, "2026-11-24", "2026-11-25", "tom@contoso.example")[0]); got != "261124T09" {
		t.Errorf("after the refused import: %s", got)
	}
	for range 2 { // again: the same result
		if _, err := s.ImportCalendar(t.Context(), m.Address, icalendar.NewReader(strings.NewReader(ics("DTSTART:20261124T130000Z\r\nDURATION:PT1H"))), store.ImportOptions{Replace: true}); err != nil {
			t.Fatal(err)
		}
		if got := starts(view(t, s, "2026-11-24", "2026-11-25", "tom@contoso.example")[0]); got != "261124T13" {
			t.Errorf("after the import: %s", got)
		}
	}
}

func TestExportIsByteForByte(t *testing.T) {
	s := newStore(t)
	odd := "DTSTART:20261124T090000Z\r\nSUMMARY:a\\, b\r\n  folded  \r\nX-ODD;P=\"q;r\":v"
	m := user(t, s, "tom@contoso.example", "UTC", odd)
	var b bytes.Buffer
	if err := s.ExportCalendar(t.Context(), m.Address, &b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), odd) {
		t.Errorf("%q", b.String())
	}
}

func TestANewZoneMovesFloatingTimes(t *testing.T) {
	s := newStore(t)
	m := user(t, s, "tom@contoso.example", "Europe/Berlin", "DTSTART:20261124T090000\r\nDURATION:PT1H")
	if got := starts(view(t, s, "2026-11-24", "2026-11-25", "tom@contoso.example")[0]); got != "261124T08" {
		t.Fatal(got)
	}
	m.Zone = "America/New_York"
	if err := s.UpdateMailbox(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := starts(view(t, s, "2026-11-24", "2026-11-25", "tom@contoso.example")[0]); got != "261124T14" {
		t.Error(got)
	}
}

func TestScopeFollowsNestedGroupsAndCycles(t *testing.T) {
	s := newStore(t)
	user(t, s, "tom@contoso.example", "UTC")
	user(t, s, "ann@contoso.example", "UTC")
	a, b := smtpaddr.MustAddress("a@contoso.example"), smtpaddr.MustAddress("b@contoso.example")
	for _, g := range []*mailbox.Group{{Address: a, Members: []smtpaddr.Address{b}}, {Address: b, Members: []smtpaddr.Address{a, smtpaddr.MustAddress("tom@contoso.example")}}} {
		if err := s.PutGroup(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	q := mailbox.CalendarQuery{Addresses: []smtpaddr.Address{smtpaddr.MustAddress("tom@contoso.example"), smtpaddr.MustAddress("ann@contoso.example")}, Start: today(), End: today().Add(time.Hour), Scope: a}
	c, err := s.CalendarView(t.Context(), q)
	if err != nil || !c[0].InScope || c[1].InScope {
		t.Errorf("%v %+v", err, c)
	}
	if err := s.DeleteGroup(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if c, err = s.CalendarView(t.Context(), q); err != nil || c[0].InScope {
		t.Errorf("a deleted scope shows everyone: %v %+v", err, c)
	}
}

func TestADomainIsInOneRelationship(t *testing.T) {
	s := newStore(t)
	d := smtpaddr.MustDomain("fabrikam.example")
	r := &orgrel.OrganizationRelationship{Name: "Fabrikam", DomainNames: []smtpaddr.Domain{d}, Enabled: true}
	if err := s.PutRelationship(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	before, _ := s.ConfigVersion(t.Context())
	for _, other := range []*orgrel.OrganizationRelationship{{Name: "Other", DomainNames: []smtpaddr.Domain{d}}, {Name: "FABRIKAM", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("x.example")}}} {
		if err := s.PutRelationship(t.Context(), other); !errors.Is(err, store.ErrExists) || !strings.Contains(err.Error(), "Fabrikam") {
			t.Errorf("%v", err)
		}
	}
	if after, _ := s.ConfigVersion(t.Context()); after != before {
		t.Error("a refused change moved the configuration's version")
	}
	r.Enabled = false
	if err := s.PutRelationship(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if after, _ := s.ConfigVersion(t.Context()); after != before+1 {
		t.Error("a change did not move the version")
	}
}

func TestTrustKeysAreSealed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	s := openAt(t, path)
	pair, err := federation.NewOrganizationCertificate(today(), 30)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutTrust(t.Context(), &federation.Trust{Name: "x", OrgCertificate: pair, TokenIssuerCertificate: pair.Certificate}); err != nil {
		t.Fatal(err)
	}
	cfg, err := s.LoadConfig(t.Context())
	if err != nil || !cfg.Trust.OrgCertificate.Key.Equal(pair.Key) {
		t.Fatalf("%v", err)
	}
	s.Close()
	for _, suffix := range []string{"", "-wal"} {
		b, _ := os.ReadFile(path + suffix)
		if bytes.Contains(b, []byte("PRIVATE KEY")) {
			t.Errorf("a private key lies open in %s", path+suffix)
		}
	}
	if info, _ := os.Stat(path + ".key"); info.Mode().Perm() != 0o600 {
		t.Errorf("master key mode %o", info.Mode().Perm())
	}
	if err := os.Chmod(path+".key", 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := store.LoadMasterKey(path+".key", true); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a key that others can read is taken: %v", err)
	}
}

func TestReplayKeyIsClaimedOnceAndSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := openAt(t, path)
	key := [32]byte{1}
	var fresh int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			ok, err := s.ClaimReplay(t.Context(), key, today().Add(time.Hour))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if ok {
				fresh++
			}
		})
	}
	wg.Wait()
	s.Close()
	again, err := openAt(t, path).ClaimReplay(t.Context(), key, today().Add(time.Hour))
	if fresh != 1 || again || err != nil {
		t.Errorf("claimed %d times, after a restart %t %v", fresh, again, err)
	}
}

func BenchmarkCalendarView(b *testing.B) {
	for _, n := range []int{500, 50000} {
		for _, boxes := range []int{1, 100} {
			if n*boxes > 500000 {
				continue
			}
			b.Run(fmt.Sprintf("events=%d/mailboxes=%d", n, boxes), func(b *testing.B) {
				s := newStore(b)
				q := mailbox.CalendarQuery{Start: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), Limit: 1000}
				for i := range boxes {
					// 40 events in the week of the window, the rest before it
					events := make([]string, n)
					for k := range events {
						at := q.Start.Add(time.Duration(k) * 4 * time.Hour)
						if k >= 40 {
							at = q.Start.Add(-time.Duration(k) * 15 * time.Minute)
						}
						events[k] = "DTSTART:" + at.Format("20060102T150405Z") + "\r\nDURATION:PT30M\r\nSUMMARY:x"
					}
					q.Addresses = append(q.Addresses, user(b, s, fmt.Sprintf("u%d@contoso.example", i), "UTC", events...).Address)
				}
				for b.Loop() {
					if c, err := s.CalendarView(b.Context(), q); err != nil || len(c[0].Occurrences) < 40 {
						b.Fatal(err, len(c[0].Occurrences))
					}
				}
			})
		}
	}
}

func BenchmarkClaimReplay(b *testing.B) {
	s := newStore(b)
	i := 0
	for b.Loop() {
		i++
		if _, err := s.ClaimReplay(b.Context(), [32]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)}, today()); err != nil {
			b.Fatal(err)
		}
	}
}
