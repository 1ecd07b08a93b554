package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

var mailboxTests = []test{
	{"an address belongs to one mailbox, as primary or alias", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		tom := user(t, s, "tom@contoso.example", "UTC")
		tom.Aliases = []smtpaddr.Address{address("t@contoso.example")}
		if err := s.UpdateMailbox(t.Context(), tom); err != nil {
			t.Fatal(err)
		}
		for _, taken := range []string{"tom@contoso.example", "T@contoso.example"} {
			if err := s.CreateMailbox(t.Context(), &mailbox.Mailbox{Address: address(taken)}); !errors.Is(err, store.ErrExists) {
				t.Errorf("%s: %v", taken, err)
			}
		}
		if m, err := s.Mailbox(t.Context(), address("t@contoso.example")); err != nil || m.ID != tom.ID {
			t.Errorf("by alias: %+v %v", m, err)
		}
		tom.Aliases = nil
		if err := s.UpdateMailbox(t.Context(), tom); err != nil {
			t.Fatal(err)
		}
		user(t, s, "t@contoso.example", "UTC") // free again
	}},
	{"a deleted mailbox takes its calendar with it", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H")
		if err := s.DeleteMailbox(t.Context(), address("tom@contoso.example")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Mailbox(t.Context(), address("tom@contoso.example")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("found after deletion: %v", err)
		}
		user(t, s, "tom@contoso.example", "UTC")
		if got := today(t, s, "tom@contoso.example"); got != "" {
			t.Errorf("the namesake inherits %s", got)
		}
	}},
	{"a calendar keeps its permissions by name", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		tom := user(t, s, "tom@contoso.example", "UTC")
		anna := address("anna@contoso.example")
		tom.CalendarPermissions = []mailbox.CalendarPermission{{User: anna, AccessRights: mailbox.Reviewer}}
		if err := s.UpdateMailbox(t.Context(), tom); err != nil {
			t.Fatal(err)
		}
		c := view(t, s, "2026-11-24", "2026-11-25", "tom@contoso.example")[0]
		if p, named := c.Mailbox.PermissionFor(anna); p != mailbox.Reviewer || !named {
			t.Errorf("%s %t", p, named)
		}
		if p, named := c.Mailbox.PermissionFor(address("zoe@contoso.example")); p != mailbox.AvailabilityOnly || named {
			t.Errorf("somebody else: %s %t", p, named)
		}
	}},
	{"mailboxes are listed page by page", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		for _, n := range []string{"c@contoso.example", "a@contoso.example", "b-b@contoso.example", "b@contoso.example"} {
			user(t, s, n, "UTC")
		}
		var got string
		var after smtpaddr.Address
		for {
			page, err := s.Mailboxes(t.Context(), after, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page {
				got += m.Address.String()[:2] + " "
				after = m.Address
			}
			if len(page) < 3 {
				break
			}
		}
		if got != "a@ b- b@ c@ " {
			t.Errorf("%q", got)
		}
	}},
	{"a password hash is kept, and is not part of a calendar", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		if err := s.CreateMailbox(t.Context(), &mailbox.Mailbox{Address: address("tom@contoso.example"), PasswordHash: "h"}); err != nil {
			t.Fatal(err)
		}
		m, err := s.Mailbox(t.Context(), address("tom@contoso.example"))
		if err != nil || m.PasswordHash != "h" {
			t.Errorf("%+v %v", m, err)
		}
		if c := view(t, s, "2026-11-24", "2026-11-25", "tom@contoso.example"); c[0].Mailbox.PasswordHash != "" {
			t.Error("a calendar shows the password hash")
		}
	}},
	{"scope follows nested groups, cycles and aliases", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		tom := user(t, s, "tom@contoso.example", "UTC")
		tom.Aliases = []smtpaddr.Address{address("t@contoso.example")}
		if err := s.UpdateMailbox(t.Context(), tom); err != nil {
			t.Fatal(err)
		}
		user(t, s, "ann@contoso.example", "UTC")
		a, b := address("a@contoso.example"), address("b@contoso.example")
		for _, g := range []*mailbox.Group{{Address: a, Members: []smtpaddr.Address{b}}, {Address: b, Members: []smtpaddr.Address{a, address("t@contoso.example")}}} {
			if err := s.PutGroup(t.Context(), g); err != nil {
				t.Fatal(err)
			}
		}
		q := mailbox.CalendarQuery{Addresses: []smtpaddr.Address{address("tom@contoso.example"), address("ann@contoso.example")}, Start: Today(), End: Today().Add(time.Hour), Scope: a}
		if c := ask(t, s, q); !c[0].InScope || c[1].InScope {
			t.Errorf("%+v", c)
		}
		if g, err := s.Group(t.Context(), b); err != nil || len(g.Members) != 2 {
			t.Errorf("%+v %v", g, err)
		}
		if err := s.DeleteGroup(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if c := ask(t, s, q); c[0].InScope {
			t.Error("a deleted scope shows everyone")
		}
		if _, err := s.Group(t.Context(), a); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("deleted group: %v", err)
		}
	}},
}
