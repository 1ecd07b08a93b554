package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// person makes a mailbox under a name.
func person(t testing.TB, s store.Store, name, display string, aliases ...string) *mailbox.Mailbox {
	t.Helper()
	m := &mailbox.Mailbox{Address: address(name), DisplayName: display, PasswordHash: "h"}
	for _, a := range aliases {
		m.Aliases = append(m.Aliases, address(a))
	}
	if err := s.CreateMailbox(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

func storeGroup(t testing.TB, s store.Store, g *mailbox.Group) {
	t.Helper()
	if err := s.PutGroup(t.Context(), g); err != nil {
		t.Fatal(err)
	}
}

func recipients(t testing.TB, s store.Store, scope string, names ...string) []directory.Recipient {
	t.Helper()
	var addresses []smtpaddr.Address
	for _, n := range names {
		addresses = append(addresses, address(n))
	}
	var group smtpaddr.Address
	if scope != "" {
		group = address(scope)
	}
	list, err := s.Recipients(t.Context(), addresses, group)
	if err != nil || len(list) != len(names) {
		t.Fatal(list, err)
	}
	return list
}

// is writes what a recipient is, and its primary address' local part.
func is(r directory.Recipient) string {
	switch {
	case r.Mailbox != nil:
		return "mailbox " + r.Mailbox.Address.Local()
	case r.Contact != nil:
		return "contact " + r.Contact.Address.Local()
	case r.Group != nil:
		return "group " + r.Group.Address.Local()
	}
	return "nobody"
}

func areAll(list []directory.Recipient) string {
	var out []string
	for _, r := range list {
		out = append(out, is(r))
	}
	return strings.Join(out, ", ")
}

// find searches as ResolveNames does: for the words of text, and for it as the beginning of an address.
func find(t testing.TB, s store.Store, text string) string {
	t.Helper()
	list, err := s.FindRecipients(t.Context(), directory.Words(text), strings.ToLower(text), 100)
	if err != nil {
		t.Fatal(err)
	}
	return areAll(list)
}

// finds tells for each text who is found.
func finds(t testing.TB, s store.Store, want map[string]string) {
	t.Helper()
	for text, who := range want {
		if got := find(t, s, text); got != who {
			t.Errorf("%q finds %q, not %q", text, got, who)
		}
	}
}

var addressBookTests = []test{
	{"an address stands for a mailbox, a contact, a group or nobody, by position", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		person(t, s, "tom@contoso.example", "Tom", "t@contoso.example")
		putContacts(t, s, contact("rita@contoso.example", "rita@fabrikam.example"))
		storeGroup(t, s, &mailbox.Group{Address: address("all@contoso.example"), DisplayName: "All", Members: []smtpaddr.Address{address("tom@contoso.example")}})
		list := recipients(t, s, "", "all@contoso.example", "t@contoso.example", "nobody@contoso.example", "rita@contoso.example", "TOM@contoso.example", "t@contoso.example", "rita@fabrikam.example")
		if got, want := areAll(list), "group all, mailbox tom, nobody, contact rita, mailbox tom, mailbox tom, nobody"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if m := list[1].Mailbox; m.ID == 0 || m.PasswordHash != "" || len(m.Aliases) != 1 {
			t.Errorf("%+v", m)
		}
		if len(list[0].Group.Members) != 1 || list[3].Contact.Target != address("rita@fabrikam.example") {
			t.Errorf("%+v %+v", list[0].Group, list[3].Contact)
		}
		for i, r := range list {
			if r.InScope != r.Found() {
				t.Errorf("%d: without a scope, in scope: %t", i, r.InScope)
			}
		}
	}},
	{"a scope has its nested members by any address, and leaves groups alone", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		person(t, s, "tom@contoso.example", "Tom", "t@contoso.example")
		person(t, s, "ann@contoso.example", "Ann")
		putContacts(t, s, contact("rita@contoso.example", "rita@fabrikam.example"), contact("zoe@contoso.example", "zoe@fabrikam.example"))
		storeGroup(t, s, &mailbox.Group{Address: address("inner@contoso.example"), Members: []smtpaddr.Address{address("t@contoso.example"), address("rita@contoso.example")}})
		storeGroup(t, s, &mailbox.Group{Address: address("outer@contoso.example"), Members: []smtpaddr.Address{address("inner@contoso.example")}})
		for i, r := range recipients(t, s, "outer@contoso.example", "tom@contoso.example", "ann@contoso.example", "rita@contoso.example", "zoe@contoso.example", "inner@contoso.example") {
			if want := i%2 == 0; r.InScope != want {
				t.Errorf("%s in scope: %t", is(r), r.InScope)
			}
		}
		if r := recipients(t, s, "none@contoso.example", "tom@contoso.example")[0]; r.InScope {
			t.Error("a scope that is not there has members")
		}
	}},
	{"an address belongs to a group, a mailbox or a contact", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		person(t, s, "tom@contoso.example", "Tom")
		all := &mailbox.Group{Address: address("all@contoso.example")}
		storeGroup(t, s, all)
		storeGroup(t, s, all) // its own address is its own
		for what, err := range map[string]error{
			"a group took a mailbox's": s.PutGroup(t.Context(), &mailbox.Group{Address: address("tom@contoso.example")}),
			"a mailbox took a group's": s.CreateMailbox(t.Context(), &mailbox.Mailbox{Address: address("all@contoso.example")}),
			"a contact took a group's": s.PutContacts(t.Context(), []*mailbox.Contact{contact("all@contoso.example", "x@fabrikam.example")}),
			"an alias took a group's":  s.CreateMailbox(t.Context(), &mailbox.Mailbox{Address: address("x@contoso.example"), Aliases: []smtpaddr.Address{all.Address}}),
		} {
			if !errors.Is(err, store.ErrExists) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := s.DeleteGroup(t.Context(), all.Address); err != nil {
			t.Fatal(err)
		}
		person(t, s, "all@contoso.example", "All") // free again
	}},
	{"each word begins a word of the name, in any order and case", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		person(t, s, "tm@contoso.example", "Meyer, Tom-Eric")
		person(t, s, "mm@contoso.example", "Meyer, Meta")
		person(t, s, "om@contoso.example", "Othmar Meyerling")
		finds(t, s, map[string]string{
			"meyer":          "mailbox mm, mailbox om, mailbox tm",
			"MEYER":          "mailbox mm, mailbox om, mailbox tm",
			"tom meyer":      "mailbox tm",
			"Meyer, Tom":     "mailbox tm",
			"eric":           "mailbox tm",
			"m m":            "mailbox mm, mailbox om, mailbox tm", // one word of the name may serve both
			"meyerl":         "mailbox om",
			"eyer":           "",
			"tom-eric meyer": "mailbox tm",
			"tom anna":       "",
			"%":              "",
			"_":              "",
		})
	}},
	{"names of any script are found", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		for i, name := range []string{"Ольга Петрова", "山田 太郎", "Ångström, Åsa", "Ευγενία", "राहुल शर्मा", "R2-D2", "𝒜lice 😀", "名\uFFFD前"} {
			person(t, s, fmt.Sprintf("u%d@contoso.example", i), name)
		}
		finds(t, s, map[string]string{"ПЕТР": "mailbox u0", "山": "mailbox u1", "ång": "mailbox u2", "ÅS": "mailbox u2", "ΕΥΓ": "mailbox u3", "शर्मा": "mailbox u4", "d2": "mailbox u5", "😀": "", "𝒜": "mailbox u6", "前": "mailbox u7"})
	}},
	{"the beginning of any address finds it once", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		person(t, s, "tom@contoso.example", "Tom Thumb", "tommy@contoso.example", "thumb@contoso.example")
		putContacts(t, s, contact("rita@contoso.example", "tom.rita@fabrikam.example"))
		storeGroup(t, s, &mailbox.Group{Address: address("tom-fans@contoso.example"), DisplayName: "Fans"})
		finds(t, s, map[string]string{
			"tom":                   "contact rita, group tom-fans, mailbox tom", // by primary address
			"tom@":                  "mailbox tom",
			"tomm":                  "mailbox tom",
			"Thumb@Contoso.Example": "mailbox tom",
			"tom.":                  "contact rita, mailbox tom", // the word is his
			"tom.r":                 "contact rita",
			"tom-":                  "group tom-fans, mailbox tom",
			"tom-fans@contoso":      "group tom-fans",
			"contoso":               "",
			"smtp":                  "",
			":":                     "",
			":tom":                  "mailbox tom", // its word
		})
	}},
	{"what is hidden from address lists is found by its address only", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		tom := person(t, s, "tom@contoso.example", "Tom")
		g := &mailbox.Group{Address: address("board@contoso.example"), DisplayName: "Board", HiddenFromAddressListsEnabled: true}
		storeGroup(t, s, g)
		tom.HiddenFromAddressListsEnabled = true
		if err := s.UpdateMailbox(t.Context(), tom); err != nil {
			t.Fatal(err)
		}
		finds(t, s, map[string]string{"tom": "", "tom@contoso.example": "", "board": ""})
		if got := areAll(recipients(t, s, "", "tom@contoso.example", "board@contoso.example")); got != "mailbox tom, group board" {
			t.Error(got)
		}
		tom.HiddenFromAddressListsEnabled, g.HiddenFromAddressListsEnabled = false, false
		if err := s.UpdateMailbox(t.Context(), tom); err != nil {
			t.Fatal(err)
		}
		storeGroup(t, s, g)
		finds(t, s, map[string]string{"tom": "mailbox tom", "board": "group board"})
	}},
	{"changed and deleted names are found no more", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		tom := person(t, s, "tom@contoso.example", "Tom Old", "old@contoso.example")
		putContacts(t, s, contact("rita@contoso.example", "rita.old@fabrikam.example"))
		storeGroup(t, s, &mailbox.Group{Address: address("all@contoso.example"), DisplayName: "Old"})
		tom.DisplayName, tom.Aliases = "Tom New", nil
		if err := s.UpdateMailbox(t.Context(), tom); err != nil {
			t.Fatal(err)
		}
		putContacts(t, s, contact("rita@contoso.example", "rita.new@fabrikam.example"))
		storeGroup(t, s, &mailbox.Group{Address: address("all@contoso.example"), DisplayName: "New"})
		finds(t, s, map[string]string{"old": "", "rita.o": "", "new": "group all, mailbox tom", "rita.n": "contact rita"})
		for _, err := range []error{s.DeleteMailbox(t.Context(), tom.Address), s.DeleteContact(t.Context(), address("rita@contoso.example")), s.DeleteGroup(t.Context(), address("all@contoso.example"))} {
			if err != nil {
				t.Fatal(err)
			}
		}
		finds(t, s, map[string]string{"new": "", "tom": "", "rita": "", "all": ""})
	}},
	{"a search gives the first by address, and no more than its limit", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		for _, n := range []string{"c", "a", "d", "b-b", "b"} {
			person(t, s, n+"@contoso.example", "Same Name")
		}
		for words, want := range map[string]string{"same": "mailbox a, mailbox b-b, mailbox b", "name same": "mailbox a, mailbox b-b, mailbox b", "": ""} {
			list, err := s.FindRecipients(t.Context(), strings.Fields(words), "", 3)
			if got := areAll(list); err != nil || got != want {
				t.Errorf("%q: %s %v", words, got, err)
			}
		}
		if list, err := s.FindRecipients(t.Context(), nil, "b", 3); err != nil || areAll(list) != "mailbox b-b, mailbox b" {
			t.Error(areAll(list), err)
		}
	}},
	{"lists of rooms come by name, without those that are hidden", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		for _, g := range []*mailbox.Group{{DisplayName: "north", RoomList: true}, {DisplayName: "Berlin", RoomList: true}, {DisplayName: "Secret", RoomList: true, HiddenFromAddressListsEnabled: true}, {DisplayName: "Staff"}, {DisplayName: "Once", RoomList: true}} {
			g.Address = address(strings.ToLower(g.DisplayName) + "@contoso.example")
			storeGroup(t, s, g)
		}
		storeGroup(t, s, &mailbox.Group{Address: address("once@contoso.example"), DisplayName: "Once"})
		lists, err := s.RoomLists(t.Context())
		var names []string
		for _, g := range lists {
			names = append(names, g.DisplayName)
		}
		if got := strings.Join(names, ", "); err != nil || got != "Berlin, north" {
			t.Error(got, err)
		}
	}},
}
