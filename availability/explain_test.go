package availability_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// oneCase is a whole world for one decision.
type oneCase struct{ in availability.ExplainInput }

func (c oneCase) CalendarView(context.Context, mailbox.CalendarQuery) ([]mailbox.Calendar, error) {
	return []mailbox.Calendar{c.in.Calendar}, nil
}

func (c oneCase) RelationshipForDomain(context.Context, smtpaddr.Domain) (*orgrel.OrganizationRelationship, error) {
	return c.in.Relationship, nil
}

func (c oneCase) OwnDomain(context.Context, smtpaddr.Domain) (bool, error) {
	return c.in.OwnDomain, nil
}

// TestExplainSaysWhatTheServiceDoes walks every combination of what a decision depends on.
func TestExplainSaysWhatTheServiceDoes(t *testing.T) {
	tom, rita := smtpaddr.MustAddress("tom@contoso.example"), smtpaddr.MustAddress("rita@fabrikam.example")
	relationships := []*orgrel.OrganizationRelationship{nil}
	for _, enabled := range []bool{true, false} {
		for _, level := range []orgrel.AccessLevel{orgrel.None, orgrel.AvailabilityOnly, orgrel.LimitedDetails} {
			relationships = append(relationships, &orgrel.OrganizationRelationship{Name: "F", Enabled: enabled, FreeBusyAccessEnabled: true, FreeBusyAccessLevel: level, FreeBusyAccessScope: smtpaddr.MustAddress("all@contoso.example")})
		}
	}
	n := 0
	for _, rel := range relationships {
		for bits := range 64 {
			for _, p := range []mailbox.Permission{mailbox.PermissionNone, mailbox.AvailabilityOnly, mailbox.Reviewer} {
				named := [][]mailbox.CalendarPermission{nil, {{User: rita, AccessRights: mailbox.PermissionNone}}, {{User: rita, AccessRights: mailbox.Reviewer}}}[n/3%3]
				in := availability.ExplainInput{Requester: rita, Mailbox: tom, External: bits&1 != 0, OwnDomain: bits&2 != 0, Relationship: rel}
				in.Calendar = mailbox.Calendar{Found: bits&4 != 0, InScope: bits&8 != 0 || bits&1 == 0, DefaultPermission: p, Zone: timezone.UTC(),
					Mailbox: &mailbox.Mailbox{Address: tom, DefaultPermission: p, CalendarPermissions: named}}
				if bits&32 != 0 {
					in.Calendar = mailbox.Calendar{Contact: &mailbox.Contact{Address: tom, Target: smtpaddr.MustAddress("tom@elsewhere.example")}, InScope: in.Calendar.InScope}
				} else if bits&16 != 0 {
					in.Calendar.Err = errors.New("broken")
				}
				n++
				agree(t, in)
			}
		}
	}
	if n < 300 {
		t.Errorf("only %d combinations", n)
	}
}

func agree(t *testing.T, in availability.ExplainInput) {
	t.Helper()
	c := oneCase{in}
	s := &availability.Service{Calendars: c, Relationships: c, Organization: c, Limits: availability.DefaultLimits()}
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	q := availability.Query{Requester: orgrel.Requester{Address: in.Requester, Domain: in.Requester.Domain(), Actions: []orgrel.Action{orgrel.ActionFreeBusy}, External: in.External},
		Mailboxes: []availability.Attendee{{Address: in.Mailbox}}, Window: availability.Window{Start: now, End: now.Add(time.Hour)}, View: availability.Detailed, Zone: timezone.UTC()}
	answer, err := s.GetUserAvailability(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	findings := availability.Explain(in)
	last := findings[len(findings)-1]
	r := answer.Results[0]
	want := map[availability.FreeBusyViewType]string{availability.FreeBusy: "AvailabilityOnly", availability.Detailed: "LimitedDetails"}[r.View.Type]
	if r.Err != nil {
		want = "None: " + fault.KindOf(r.Err).Row().EWS
	}
	if last.Step != "effective level" || last.Finding != want {
		t.Errorf("external %t, own domain %t, relationship %+v, calendar %+v:\nthe service answers %s\nexplain says %v", in.External, in.OwnDomain, in.Relationship, in.Calendar, want, findings)
	}
}

func TestExplainSaysOfAGroupWhatTheServiceDoes(t *testing.T) {
	team := smtpaddr.MustAddress("team@contoso.example")
	for n, want := range map[int]string{2: "merged data only, of the members that may be seen", 101: "None: ErrorFreeBusyDLLimitReached"} {
		g := &mailbox.Group{Address: team}
		for i := range n {
			g.Members = append(g.Members, smtpaddr.MustAddress(fmt.Sprintf("u%d@contoso.example", i)))
		}
		in := availability.ExplainInput{Requester: smtpaddr.MustAddress("rita@fabrikam.example"), Mailbox: team, External: true, OwnDomain: true, Calendar: mailbox.Calendar{Group: g, Nested: []*mailbox.Group{g}},
			Relationship: &orgrel.OrganizationRelationship{Name: "F", Enabled: true, FreeBusyAccessEnabled: true, FreeBusyAccessLevel: orgrel.LimitedDetails}}
		findings := availability.Explain(in)
		if got := findings[len(findings)-1].Finding; got != want {
			t.Errorf("%d members: %s", n, got)
		}
		if n > 100 {
			agree(t, in)
			in.Relationship.FreeBusyAccessScope = smtpaddr.MustAddress("all@contoso.example")
			agree(t, in)
		}
	}
}

func TestExplainNamesTheStepThatCuts(t *testing.T) {
	in := availability.ExplainInput{Requester: smtpaddr.MustAddress("rita@fabrikam.example"), Mailbox: smtpaddr.MustAddress("tom@contoso.example"), External: true, OwnDomain: true,
		Relationship: &orgrel.OrganizationRelationship{Name: "F", Enabled: true, FreeBusyAccessEnabled: true, FreeBusyAccessLevel: orgrel.LimitedDetails}}
	in.Calendar = mailbox.Calendar{Found: true, InScope: true, DefaultPermission: mailbox.AvailabilityOnly, Mailbox: &mailbox.Mailbox{Address: in.Mailbox}}
	said := func() (out string) {
		for _, f := range availability.Explain(in) {
			out += f.Step + ": " + f.Finding + "\n"
		}
		return out
	}
	for _, c := range []struct {
		change func()
		want   string
	}{
		{func() {}, "cut by the owner's Default permission: AvailabilityOnly"},
		{func() { in.Calendar.Err = errors.New("event 7 is broken") }, "cannot be read: event 7 is broken"},
		{func() {
			in.Calendar.Err, in.Calendar.DefaultPermission = nil, mailbox.Reviewer
			in.Relationship.FreeBusyAccessLevel = orgrel.AvailabilityOnly
		}, "cut by the relationship's FreeBusyAccessLevel"},
		{func() {
			in.Relationship.FreeBusyAccessScope, in.Calendar.InScope = smtpaddr.MustAddress("all@contoso.example"), false
		}, "cut by FreeBusyAccessScope: not a member of all@contoso.example"},
		{func() { in.OwnDomain = false }, "contoso.example is not one of our domains"},
	} {
		c.change()
		if got := said(); !strings.Contains(got, c.want) {
			t.Errorf("want %q:\n%s", c.want, got)
		}
	}
}
