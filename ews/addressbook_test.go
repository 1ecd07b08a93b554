package ews_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/store/open"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

func addresses(names ...string) (out []smtpaddr.Address) {
	for _, n := range names {
		out = append(out, smtpaddr.MustAddress(n))
	}
	return out
}

func own(name string) smtpaddr.Address { return smtpaddr.MustAddress(name + "@contoso.example") }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// addressBook is contoso's, in a store of its own: people, a contact, groups in a circle, lists of rooms. Tom has never
// set automatic replies.
func addressBook(t testing.TB) *directory.Service {
	t.Helper()
	s, err := open.Open(t.Context(), filepath.Join(t.TempDir(), "contoso.db"), open.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	for _, m := range []*mailbox.Mailbox{
		{Address: own("colleague"), DisplayName: "Colleague", Aliases: addresses("c.league@contoso.example")},
		{Address: own("tom"), DisplayName: "Tom"}, {Address: own("rolf"), DisplayName: "Rolf <Sales & Co>"},
		{Address: own("room1"), DisplayName: "Room 1 & 2", ResourceType: mailbox.Room}, {Address: own("room3"), DisplayName: "Room 3", ResourceType: mailbox.Room},
		{Address: own("bunker"), DisplayName: "Bunker", ResourceType: mailbox.Room, HiddenFromAddressListsEnabled: true},
	} {
		must(t, s.CreateMailbox(t.Context(), m))
	}
	must(t, s.PutContacts(t.Context(), []*mailbox.Contact{{Address: own("rita"), Target: smtpaddr.MustAddress("rita@fabrikam.example"), DisplayName: "Rita"}}))
	for _, g := range []*mailbox.Group{
		{Address: own("lab"), DisplayName: "Lab <R&D>", Members: addresses("tom@contoso.example", "night@contoso.example", "rita@contoso.example", "joe@elsewhere.example")},
		{Address: own("night"), DisplayName: "Night shift", Members: addresses("rolf@contoso.example", "lab@contoso.example")},
		{Address: own("twin1"), DisplayName: "Twins"}, {Address: own("twin2"), DisplayName: "Twins"},
		{Address: own("board"), DisplayName: "Board", Members: addresses("tom@contoso.example"), HiddenFromAddressListsEnabled: true},
		{Address: own("hq"), DisplayName: "Headquarters", RoomList: true, Members: addresses("room3@contoso.example", "bunker@contoso.example", "tom@contoso.example", "room1@contoso.example")},
		{Address: own("annex"), DisplayName: "Annex", RoomList: true},
	} {
		must(t, s.PutGroup(t.Context(), g))
	}
	must(t, s.PutOofSettings(t.Context(), own("colleague"), &directory.OofSettings{State: directory.OofScheduled, ExternalAudience: directory.AudienceKnown, Start: at(20, 17, 0), End: at(30, 8, 0),
		InternalReply: directory.OofReply{Message: "<html><body>Back on <b>Monday</b> & rested.</body></html>", Lang: "en-GB"}, ExternalReply: directory.OofReply{Message: " Zurück am Montag.\n"}}))
	return &directory.Service{Store: s, Organization: contoso{}, Now: func() time.Time { return at(23, 12, 0) }}
}
