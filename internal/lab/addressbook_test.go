package lab_test

import (
	"errors"
	"testing"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// ownClient asks a node as one of its own users.
func ownClient(l *lab.Lab, o *lab.Organization, user smtpaddr.Address) *ews.Client {
	return &ews.Client{URL: o.URL + "/EWS/Exchange.asmx", HTTP: l.Client, Username: user.String(), Password: lab.Password}
}

// refusedWith checks that the endpoint answered err with that code.
func refusedWith(t testing.TB, err error, code string) {
	t.Helper()
	var e *ews.Error
	if !errors.As(err, &e) || e.ResponseCode != code {
		t.Errorf("%v is not %s", err, code)
	}
}

// TestARoomIsFoundByItsList goes the way of a room finder: the lists, the rooms of one, then their free/busy.
func TestARoomIsFoundByItsList(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer)
		room := l.User(t, l.Contoso, "room", mailbox.AvailabilityOnly, busy(9))
		m, err := l.Contoso.Store.Mailbox(t.Context(), room)
		must(t, err)
		m.ResourceType, m.DisplayName = mailbox.Room, "Room 1"
		must(t, l.Contoso.Store.UpdateMailbox(t.Context(), m))
		must(t, l.Contoso.Store.PutGroup(t.Context(), &mailbox.Group{Address: smtpaddr.MustAddress("hq@contoso.example"), DisplayName: "Headquarters", RoomList: true, Members: []smtpaddr.Address{tom, room}}))
		c := ownClient(l, l.Contoso, tom)
		lists, err := c.GetRoomLists(t.Context())
		must(t, err)
		if len(lists) != 1 || lists[0].Name != "Headquarters" {
			t.Fatalf("%+v", lists)
		}
		rooms, err := c.GetRooms(t.Context(), lists[0].Address)
		must(t, err)
		if len(rooms) != 1 || rooms[0] != (directory.Entry{Name: "Room 1", Address: room, Type: directory.TypeMailbox}) {
			t.Fatalf("%+v", rooms)
		}
		answer, err := c.GetUserAvailability(t.Context(), query(rooms[0].Address))
		must(t, err)
		if r := answer.Results[0]; r.Err != nil || r.View.Merged != "000000000200000000000000" {
			t.Errorf("%+v", r)
		}
		_, err = c.GetRooms(t.Context(), tom)
		refusedWith(t, err, "ErrorNameResolutionNoResults")
	})
}

// TestANestedGroupIsExpandedStepByStep: each group lists its direct members, those of a circle too.
func TestANestedGroupIsExpandedStepByStep(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer)
		all, inner := smtpaddr.MustAddress("all@contoso.example"), smtpaddr.MustAddress("inner@contoso.example")
		must(t, l.Contoso.Store.PutGroup(t.Context(), &mailbox.Group{Address: all, DisplayName: "All", Members: []smtpaddr.Address{inner, smtpaddr.MustAddress("joe@elsewhere.example")}}))
		must(t, l.Contoso.Store.PutGroup(t.Context(), &mailbox.Group{Address: inner, DisplayName: "Inner circle", Members: []smtpaddr.Address{tom, all}}))
		c := ownClient(l, l.Contoso, tom)
		found := map[smtpaddr.Address]directory.MailboxType{}
		open := []smtpaddr.Address{all}
		for len(open) > 0 {
			members, err := c.ExpandDL(t.Context(), open[0].String())
			must(t, err)
			open = open[1:]
			for _, m := range members {
				if _, known := found[m.Address]; !known && m.Type == directory.TypePublicDL {
					open = append(open, m.Address)
				}
				found[m.Address] = m.Type
			}
		}
		if len(found) != 4 || found[tom] != directory.TypeMailbox || found[smtpaddr.MustAddress("joe@elsewhere.example")] != directory.TypeContact {
			t.Errorf("%v", found)
		}
		_, err := partner(t, l, smtpaddr.MustAddress("rita@fabrikam.example"), l.Contoso.URL, orgrel.ActionFreeBusy, nil).ExpandDL(t.Context(), all.String())
		refusedWith(t, err, "ErrorInvalidOperation")
	})
}

// TestAutomaticRepliesAreSetOnOneNodeAndReadOnAnother as Outlook does it, and by nobody but their owner.
func TestAutomaticRepliesAreSetOnOneNodeAndReadOnAnother(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom, tim := l.User(t, l.Contoso, "tom", mailbox.Reviewer), l.User(t, l.Contoso, "tim", mailbox.Reviewer)
		from := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
		away := directory.OofSettings{State: directory.OofScheduled, ExternalAudience: directory.AudienceKnown, Start: from, End: from.AddDate(0, 0, 7),
			InternalReply: directory.OofReply{Message: "<p>Away & glad</p>", Lang: "en"}, ExternalReply: directory.OofReply{Message: "Zurück am Montag."}}
		c := ownClient(l, l.Contoso, tom)
		must(t, c.SetUserOofSettings(t.Context(), tom, away))
		other := ownClient(l, l.Contoso, tom)
		other.URL = l.Node(t, l.Contoso).URL + "/EWS/Exchange.asmx"
		got, allowed, err := other.GetUserOofSettings(t.Context(), tom)
		must(t, err)
		if got != away || allowed != directory.AudienceAll {
			t.Errorf("%s %+v, set was %+v", allowed, got, away)
		}
		stranger := ownClient(l, l.Contoso, tim)
		_, _, err = stranger.GetUserOofSettings(t.Context(), tom)
		refusedWith(t, err, "ErrorAccessDenied")
		refusedWith(t, stranger.SetUserOofSettings(t.Context(), tom, directory.OofSettings{State: directory.OofDisabled, ExternalAudience: directory.AudienceNone}), "ErrorAccessDenied")
		_, _, err = partner(t, l, smtpaddr.MustAddress("tom@fabrikam.example"), l.Contoso.URL, orgrel.ActionFreeBusy, nil).GetUserOofSettings(t.Context(), tom)
		refusedWith(t, err, "ErrorInvalidOperation")
		if again, _, err := c.GetUserOofSettings(t.Context(), tom); err != nil || again != away {
			t.Errorf("somebody else's change counts: %+v %v", again, err)
		}
	})
}

// TestMailTipsConfigurationNamesTheOrganizationsDomains is what Outlook asks before it asks for MailTips.
func TestMailTipsConfigurationNamesTheOrganizationsDomains(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer)
	got, err := ownClient(l, l.Contoso, tom).MailTipsConfiguration(t.Context())
	if err != nil || !got.Enabled || len(got.InternalDomains) != 1 || got.InternalDomains[0].Name != l.Contoso.Domain {
		t.Errorf("%+v %v", got, err)
	}
}
