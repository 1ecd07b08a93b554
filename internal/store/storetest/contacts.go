package storetest

import (
	"errors"
	"testing"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

func contact(own, target string) *mailbox.Contact {
	return &mailbox.Contact{Address: address(own), Target: address(target), DisplayName: "Rita"}
}

func putContacts(t *testing.T, s store.Store, list ...*mailbox.Contact) {
	t.Helper()
	if err := s.PutContacts(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

var contactTests = []test{
	{"a contact is found by its own address, changed and removed", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		putContacts(t, s, contact("rita@contoso.example", "rita@fabrikam.example"))
		putContacts(t, s, contact("rita@contoso.example", "rita.2@fabrikam.example"))
		c, err := s.Contact(t.Context(), address("RITA@contoso.example"))
		if err != nil || *c != *contact("rita@contoso.example", "rita.2@fabrikam.example") {
			t.Errorf("%+v %v", c, err)
		}
		if _, err := s.Contact(t.Context(), address("rita.2@fabrikam.example")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("found by its target: %v", err)
		}
		if err := s.DeleteContact(t.Context(), c.Address); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Contact(t.Context(), c.Address); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("found after deletion: %v", err)
		}
		if err := s.DeleteContact(t.Context(), c.Address); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
		user(t, s, "rita@contoso.example", "UTC") // the address is free again
	}},
	{"an address belongs to a mailbox or to a contact", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC")
		putContacts(t, s, contact("rita@contoso.example", "rita@fabrikam.example"))
		if err := s.CreateMailbox(t.Context(), &mailbox.Mailbox{Address: address("rita@contoso.example")}); !errors.Is(err, store.ErrExists) {
			t.Errorf("a mailbox took a contact's address: %v", err)
		}
		err := s.PutContacts(t.Context(), []*mailbox.Contact{contact("zoe@contoso.example", "zoe@fabrikam.example"), contact("tom@contoso.example", "tom@fabrikam.example")})
		if !errors.Is(err, store.ErrExists) {
			t.Errorf("a contact took a mailbox's address: %v", err)
		}
		if _, err := s.Contact(t.Context(), address("zoe@contoso.example")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("half of a list was kept: %v", err)
		}
	}},
	{"contacts are listed page by page", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		for _, n := range []string{"c@contoso.example", "a@contoso.example", "b-b@contoso.example", "b@contoso.example"} {
			putContacts(t, s, contact(n, "x@fabrikam.example"))
		}
		var got string
		for after := (smtpaddr.Address{}); ; {
			page, err := s.Contacts(t.Context(), after, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page {
				got, after = got+c.Address.Local()+" ", c.Address
			}
			if len(page) < 3 {
				break
			}
		}
		if got != "a b-b b c " {
			t.Error(got)
		}
	}},
	{"a calendar query says which addresses are contacts", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H")
		putContacts(t, s, contact("rita@contoso.example", "rita@fabrikam.example"), contact("zoe@contoso.example", "zoe@fabrikam.example"))
		if err := s.PutGroup(t.Context(), &mailbox.Group{Address: address("all@contoso.example"), Members: []smtpaddr.Address{address("rita@contoso.example")}}); err != nil {
			t.Fatal(err)
		}
		q := query("2026-11-24", "2026-11-25", "rita@contoso.example", "nobody@contoso.example", "tom@contoso.example", "zoe@contoso.example", "rita@contoso.example")
		for i, c := range ask(t, s, q) {
			if isContact, want := c.Contact != nil, i != 1 && i != 2; isContact != want || c.Found != (i == 2) || c.Err != nil {
				t.Errorf("%d: %+v", i, c)
			}
			if c.Contact != nil && c.Contact.Address != q.Addresses[i] {
				t.Errorf("%d: the contact %s", i, c.Contact.Address)
			}
			if c.Contact != nil && !c.InScope {
				t.Errorf("%d: out of scope although there is none", i)
			}
		}
		q.Scope = address("all@contoso.example")
		c := ask(t, s, q)
		if !c[0].InScope || c[3].InScope {
			t.Errorf("members of the scope: %t, others: %t", c[0].InScope, c[3].InScope)
		}
	}},
}
