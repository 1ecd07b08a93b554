package ews_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// senders is Contoso's address book as senders ask it, and its relationship with Fabrikam.
type senders struct {
	directory.Store
	contoso
	rel   orgrel.OrganizationRelationship
	photo []byte
}

// recipients answers a story; the names of some say what the relationship is.
func recipients(t testing.TB, story string) *directory.Service {
	t.Helper()
	photo, err := os.ReadFile("testdata/getuserphoto/tom.jpg")
	if err != nil {
		t.Fatal(err)
	}
	s := senders{photo: photo, rel: orgrel.OrganizationRelationship{ID: "1", Name: "Fabrikam", Enabled: true, MailTipsAccessEnabled: true, MailTipsAccessLevel: orgrel.MailTipsAll, PhotosEnabled: true}}
	switch {
	case strings.Contains(story, "limited"):
		s.rel.MailTipsAccessLevel = orgrel.MailTipsLimited
	case strings.Contains(story, "disabled"):
		s.rel.MailTipsAccessEnabled, s.rel.PhotosEnabled = false, false
	case strings.Contains(story, "scoped"):
		s.rel.MailTipsAccessScope = smtpaddr.MustAddress("scope@contoso.example")
	}
	return &directory.Service{Store: s, Relationships: s, Organization: s, Scaler: directory.NewScaler(time.Now), Now: func() time.Time { return at(23, 12, 0) }}
}

func (s senders) RelationshipForDomain(_ context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error) {
	if d.String() != "fabrikam.example" {
		return nil, nil
	}
	return &s.rel, nil
}

func (s senders) Recipients(_ context.Context, addresses []smtpaddr.Address, scope smtpaddr.Address) ([]directory.Recipient, error) {
	person := func(local string, d mailbox.Delivery) *mailbox.Mailbox {
		return &mailbox.Mailbox{Address: smtpaddr.MustAddress(local + "@contoso.example"), Delivery: d}
	}
	group := func(local, tip string, members ...string) *mailbox.Group {
		g := &mailbox.Group{Address: smtpaddr.MustAddress(local + "@contoso.example"), Delivery: mailbox.Delivery{MailTip: tip}}
		for _, m := range members {
			g.Members = append(g.Members, smtpaddr.MustAddress(m))
		}
		return g
	}
	var many []string
	for i := range 10_001 {
		many = append(many, fmt.Sprintf("m%d@contoso.example", i))
	}
	known := map[string]directory.Recipient{
		"tom": {Mailbox: person("tom", mailbox.Delivery{MailTip: `Answers on <b>Fridays</b> & "Mondays"`, MaxReceiveSize: 10485760, MailboxFull: true, ModerationEnabled: true,
			AcceptMessagesOnlyFrom: []smtpaddr.Address{smtpaddr.MustAddress("colleague@contoso.example")}}),
			Oof: &directory.OofSettings{State: directory.OofEnabled, ExternalAudience: directory.AudienceAll, InternalReply: directory.OofReply{Message: "<html>In the mountains</html>"}, ExternalReply: directory.OofReply{Message: "Away"}}},
		"lea": {Mailbox: person("lea", mailbox.Delivery{MaxReceiveSize: 1 << 40}), InScope: true,
			Oof: &directory.OofSettings{State: directory.OofScheduled, ExternalAudience: directory.AudienceNone, Start: at(20, 0, 0), End: at(27, 8, 0), InternalReply: directory.OofReply{Message: "Unterwegs", Lang: "de-DE"}}},
		"anna":      {Mailbox: person("anna", mailbox.Delivery{})},
		"colleague": {Mailbox: person("colleague", mailbox.Delivery{})},
		"staff":     {Group: group("staff", "All of us", "tom@contoso.example", "anna@contoso.example", "x@elsewhere.example", "staff@contoso.example")},
		"everybody": {Group: group("everybody", "", many...)},
	}
	out := make([]directory.Recipient, len(addresses))
	for i, a := range addresses {
		out[i] = known[a.Local()]
		out[i].InScope = out[i].InScope || scope.IsZero()
	}
	return out, nil
}

func (s senders) Photo(_ context.Context, a smtpaddr.Address) (*directory.Photo, error) {
	if a.Local() != "tom" {
		return nil, nil
	}
	return &directory.Photo{Data: slices.Clone(s.photo)}, nil
}
