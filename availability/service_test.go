package availability

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

type world struct {
	calendars map[smtpaddr.Address]mailbox.Calendar
	rel       *orgrel.OrganizationRelationship
	err       error
	remote    func(q Query) ([]Result, error)
}

func (w *world) CalendarView(_ context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error) {
	out := make([]mailbox.Calendar, len(q.Addresses))
	for i, a := range q.Addresses {
		out[i] = w.calendars[a]
	}
	return out, w.err
}

func (w *world) RelationshipForDomain(_ context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error) {
	if w.rel != nil && w.rel.Covers(d) {
		return w.rel, nil
	}
	return nil, nil
}

func (w *world) OwnDomain(_ context.Context, d smtpaddr.Domain) (bool, error) {
	return d.String() == "contoso.example", nil
}

func (w *world) GetUserAvailability(_ context.Context, _ *orgrel.OrganizationRelationship, q Query) ([]Result, error) {
	return w.remote(q)
}

var (
	tom     = smtpaddr.MustAddress("tom@contoso.example")
	rita    = smtpaddr.MustAddress("rita@fabrikam.example")
	partner = orgrel.Requester{Address: rita, Domain: rita.Domain(), Actions: []orgrel.Action{orgrel.ActionFreeBusy}, External: true}
	monday  = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
)

func newWorld() *world {
	m := &mailbox.Mailbox{Address: tom, WorkingHours: mailbox.DefaultWorkingHours(), DefaultPermission: mailbox.Reviewer}
	return &world{
		calendars: map[smtpaddr.Address]mailbox.Calendar{tom: {Found: true, InScope: true, Mailbox: m, DefaultPermission: mailbox.Reviewer, Zone: timezone.UTC(),
			Occurrences: []mailbox.Occurrence{
				{Start: monday.Add(9 * time.Hour), End: monday.Add(10 * time.Hour), BusyType: mailbox.Busy, Subject: "canary", Location: "room canary"},
				{Start: monday.Add(11 * time.Hour), End: monday.Add(12 * time.Hour), BusyType: mailbox.OOF, Subject: "secret", Location: "secret", IsPrivate: true},
			}}},
		rel: &orgrel.OrganizationRelationship{ID: "1", Name: "Fabrikam", DomainNames: []smtpaddr.Domain{rita.Domain()}, Enabled: true, FreeBusyAccessEnabled: true,
			FreeBusyAccessLevel: orgrel.LimitedDetails, TargetApplicationUri: "x", TargetSharingEpr: "https://x"},
	}
}

func (w *world) service() *Service {
	return &Service{Calendars: w, Relationships: w, Organization: w, Remote: w, Limits: DefaultLimits()}
}

func ask(view FreeBusyViewType, who orgrel.Requester, addresses ...string) Query {
	q := Query{Requester: who, Window: Window{monday, monday.Add(24 * time.Hour)}, MergedInterval: time.Hour, View: view, Zone: timezone.UTC()}
	for _, a := range addresses {
		addr, _ := smtpaddr.ParseAddress(a)
		q.Mailboxes = append(q.Mailboxes, Attendee{Raw: a, Address: addr})
	}
	return q
}

func one(t *testing.T, w *world, q Query) Result {
	t.Helper()
	a, err := w.service().GetUserAvailability(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return a.Results[0]
}

func TestPartnerSeesTheLeastOfAskedRelationshipAndDefault(t *testing.T) {
	for _, level := range []orgrel.AccessLevel{orgrel.None, orgrel.AvailabilityOnly, orgrel.LimitedDetails} {
		for _, perm := range []mailbox.Permission{mailbox.PermissionNone, mailbox.Contributor, mailbox.AvailabilityOnly, mailbox.LimitedDetails, mailbox.Reviewer} {
			for _, inScope := range []bool{true, false} {
				for _, view := range []FreeBusyViewType{MergedOnly, FreeBusy, FreeBusyMerged, Detailed, DetailedMerged} {
					w := newWorld()
					w.rel.FreeBusyAccessLevel = level
					c := w.calendars[tom]
					c.DefaultPermission, c.InScope = perm, inScope
					w.calendars[tom] = c
					r := one(t, w, ask(view, partner, tom.String()))
					want := min(level, Contributes(perm))
					if !inScope || want == orgrel.None {
						if fault.KindOf(r.Err) != fault.NoFreeBusyAccess || r.View.Type != ViewNone {
							t.Errorf("%s %s %v %s: %v %v", level, perm, inScope, view, r.View.Type, r.Err)
						}
						continue
					}
					if r.Err != nil {
						t.Fatal(r.Err)
					}
					shown := r.View.Type.HasDetails()
					if shown != (want == orgrel.LimitedDetails && view.HasDetails()) {
						t.Errorf("%s %s %s gives %s", level, perm, view, r.View.Type)
					}
					for _, e := range r.View.Events {
						if strings.Contains(e.Subject+e.Location, "secret") || (e.Subject != "") != (shown && !e.IsPrivate) && !e.IsPrivate {
							t.Errorf("%s %s %s shows %+v", level, perm, view, e)
						}
					}
					if view.HasMerged() && r.View.Merged != "000000000203000000000000" {
						t.Errorf("merged %s", r.View.Merged)
					}
				}
			}
		}
	}
}

func TestRefusalsPerMailbox(t *testing.T) {
	own := orgrel.Requester{Address: smtpaddr.MustAddress("ann@contoso.example"), Domain: tom.Domain()}
	autodiscoverOnly := partner
	autodiscoverOnly.Actions = []orgrel.Action{orgrel.ActionAutodiscover}
	for _, c := range []struct {
		name string
		who  orgrel.Requester
		to   string
		edit func(w *world)
		want fault.Kind
	}{
		{"unknown mailbox, own user", own, "nobody@contoso.example", nil, fault.MailRecipientNotFound},
		{"unknown mailbox, partner", partner, "nobody@contoso.example", nil, fault.NoFreeBusyAccess},
		{"malformed address", own, "foobar", nil, fault.InvalidSMTPAddress},
		{"third organization", partner, "x@other.example", nil, fault.ProxyRequestNotAllowed},
		{"relationship off", partner, tom.String(), func(w *world) { w.rel.Enabled = false }, fault.NoFreeBusyAccess},
		{"free/busy off", partner, tom.String(), func(w *world) { w.rel.FreeBusyAccessEnabled = false }, fault.NoFreeBusyAccess},
		{"no relationship", partner, tom.String(), func(w *world) { w.rel = nil }, fault.NoFreeBusyAccess},
		{"token for Autodiscover", autodiscoverOnly, tom.String(), nil, fault.NoFreeBusyAccess},
		{"store down", partner, tom.String(), func(w *world) { w.err = errors.New("gone") }, fault.FreeBusyGenerationFailed},
		{"no relationship to ask", own, "x@other.example", nil, fault.AddressSpaceNotFound},
		{"unusable relationship", own, rita.String(), func(w *world) { w.rel.TargetApplicationUri = "" }, fault.RelationshipUnusable},
		{"partner answers too little", own, rita.String(), func(w *world) { w.remote = func(Query) ([]Result, error) { return nil, nil } }, fault.ProxyRequestFailed},
		{"partner too slow", own, rita.String(), func(w *world) { w.remote = func(Query) ([]Result, error) { return nil, context.DeadlineExceeded } }, fault.Timeout},
	} {
		w := newWorld()
		if c.edit != nil {
			c.edit(w)
		}
		if r := one(t, w, ask(FreeBusy, c.who, c.to)); r.Err == nil || fault.KindOf(r.Err) != c.want {
			t.Errorf("%s: %v", c.name, r.Err)
		}
	}
}

func TestRequestAsAWholeIsRefused(t *testing.T) {
	for _, c := range []struct {
		edit func(q *Query)
		want fault.Kind
	}{
		{func(q *Query) { q.Mailboxes = nil }, fault.MailboxDataArrayEmpty},
		{func(q *Query) { q.Mailboxes = make([]Attendee, 101) }, fault.MailboxDataArrayTooBig},
		{func(q *Query) { q.Window.End = q.Window.Start }, fault.InvalidTimeInterval},
		{func(q *Query) { q.Window.End = q.Window.Start.AddDate(0, 0, 63) }, fault.TimeIntervalTooBig},
		{func(q *Query) { q.MergedInterval = 4 * time.Minute }, fault.InvalidMergedFreeBusyInterval},
		{func(q *Query) { q.View = ViewNone }, fault.InvalidFreeBusyViewType},
	} {
		q := ask(FreeBusy, partner, tom.String())
		c.edit(&q)
		if _, err := newWorld().service().GetUserAvailability(t.Context(), q); err == nil || fault.KindOf(err) != c.want {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}

func TestABrokenPartnerCostsOnlyItsOwnMailboxes(t *testing.T) {
	w := newWorld()
	w.remote = func(Query) ([]Result, error) { return nil, errors.New("broken") }
	own := orgrel.Requester{Address: tom, Domain: tom.Domain()}
	a, err := w.service().GetUserAvailability(t.Context(), ask(Detailed, own, tom.String(), rita.String(), tom.String()))
	if err != nil {
		t.Fatal(err)
	}
	if a.Results[0].Err != nil || a.Results[2].Err != nil || a.Results[1].Err == nil {
		t.Errorf("%v %v %v", a.Results[0].Err, a.Results[1].Err, a.Results[2].Err)
	}
}

func TestMergeOfThePublishedExample(t *testing.T) {
	list := []mailbox.Occurrence{{Start: monday, End: monday.Add(time.Hour), BusyType: mailbox.OOF},
		{Start: monday.Add(time.Hour), End: monday.Add(150 * time.Minute), BusyType: mailbox.Busy}}
	if got := Merge(list, Window{monday, monday.Add(4 * time.Hour)}, time.Hour); got != "3220" {
		t.Error(got)
	}
}

func TestMergeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.IntRange(1, 4000).Draw(t, "window")
		interval := time.Duration(rapid.IntRange(5, 1440).Draw(t, "interval")) * time.Minute
		w := Window{monday, monday.Add(time.Duration(minutes) * time.Minute)}
		list := rapid.SliceOf(rapid.Custom(func(t *rapid.T) mailbox.Occurrence {
			start := monday.Add(time.Duration(rapid.IntRange(-3000, 5000).Draw(t, "start")) * time.Minute)
			return mailbox.Occurrence{Start: start, End: start.Add(time.Duration(rapid.IntRange(0, 500).Draw(t, "len")) * time.Minute),
				BusyType: mailbox.BusyType(rapid.IntRange(0, 5).Draw(t, "busy"))}
		})).Draw(t, "list")
		got := Merge(list, w, interval)
		if want := (minutes + int(interval/time.Minute) - 1) / int(interval/time.Minute); len(got) != want {
			t.Fatalf("%d digits, want %d", len(got), want)
		}
		if again := Merge(rapid.Permutation(list).Draw(t, "other order"), w, interval); again != got {
			t.Fatal("the order of entries matters")
		}
		for i := range got { // the definition, slot by slot
			from := monday.Add(time.Duration(i) * interval)
			until := from.Add(interval)
			want := byte('0')
			for _, o := range list {
				if o.BusyType <= mailbox.NoData && o.Start.Before(until) && o.End.After(from) && o.End.After(o.Start) {
					want = max(want, '0'+byte(o.BusyType))
				}
			}
			if got[i] != want {
				t.Fatalf("slot %d is %c and not %c", i, got[i], want)
			}
		}
	})
}

func TestTheRequestEndsAtItsDeadlineAlthoughAPartnerDoesNot(t *testing.T) {
	w := newWorld()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	w.remote = func(Query) ([]Result, error) { <-hang; return nil, nil }
	s := w.service()
	s.Limits.Remote = time.Millisecond
	a, err := s.GetUserAvailability(t.Context(), ask(Detailed, orgrel.Requester{Address: tom, Domain: tom.Domain()}, rita.String(), tom.String()))
	if err != nil {
		t.Fatal(err)
	}
	if fault.KindOf(a.Results[0].Err) != fault.Timeout || a.Results[1].Err != nil {
		t.Errorf("%v", a.Results)
	}
}

func TestAPanicOnTheWayToAPartnerIsItsMailboxesError(t *testing.T) {
	w := newWorld()
	w.remote = func(Query) ([]Result, error) { panic("out of range") }
	if r := one(t, w, ask(Detailed, orgrel.Requester{Address: tom, Domain: tom.Domain()}, rita.String())); fault.KindOf(r.Err) != fault.Internal {
		t.Errorf("%v", r.Err)
	}
}

func TestAPartnersAccountSeesWhatItsOwnRelationshipGrants(t *testing.T) {
	w := newWorld()
	account := orgrel.Requester{Address: smtpaddr.MustAddress("fabrikam-lookup@contoso.example"), Domain: tom.Domain(), External: true,
		Actions: []orgrel.Action{orgrel.ActionFreeBusy}, Relationship: &orgrel.OrganizationRelationship{Name: "address space", Enabled: true, FreeBusyAccessEnabled: true, FreeBusyAccessLevel: orgrel.AvailabilityOnly}}
	if r := one(t, w, ask(Detailed, account, tom.String())); r.Err != nil || r.View.Type != FreeBusy {
		t.Errorf("%+v", r)
	}
	account.Relationship.Enabled = false
	if r := one(t, w, ask(Detailed, account, tom.String())); fault.KindOf(r.Err) != fault.NoFreeBusyAccess {
		t.Errorf("disabled: %+v", r)
	}
	if r := one(t, w, ask(Detailed, account, rita.String())); fault.KindOf(r.Err) != fault.ProxyRequestNotAllowed {
		t.Errorf("forwarded: %+v", r)
	}
}

func TestANamedPermissionCountsForOwnUsersOnly(t *testing.T) {
	anna := smtpaddr.MustAddress("anna@contoso.example")
	own := orgrel.Requester{Address: anna, Domain: anna.Domain()}
	for _, c := range []struct {
		what         string
		who          orgrel.Requester
		named        smtpaddr.Address
		dflt, rights mailbox.Permission
		want         FreeBusyViewType // ViewNone: refused
	}{
		{"raises", own, anna, mailbox.AvailabilityOnly, mailbox.Reviewer, Detailed},
		{"lowers", own, anna, mailbox.Reviewer, mailbox.AvailabilityOnly, FreeBusy},
		{"closes", own, anna, mailbox.Reviewer, mailbox.PermissionNone, ViewNone},
		{"somebody else's", own, smtpaddr.MustAddress("zoe@contoso.example"), mailbox.AvailabilityOnly, mailbox.Reviewer, FreeBusy},
		{"a partner's name raises nothing", partner, rita, mailbox.AvailabilityOnly, mailbox.Reviewer, FreeBusy},
		{"nor lowers it", partner, rita, mailbox.Reviewer, mailbox.PermissionNone, Detailed},
		{"the owner", orgrel.Requester{Address: tom, Domain: tom.Domain()}, tom, mailbox.PermissionNone, mailbox.PermissionNone, Detailed},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld()
			cal := w.calendars[tom]
			cal.DefaultPermission, cal.Mailbox.DefaultPermission = c.dflt, c.dflt
			cal.Mailbox.CalendarPermissions = []mailbox.CalendarPermission{{User: c.named, AccessRights: c.rights}}
			w.calendars[tom] = cal
			r := one(t, w, ask(Detailed, c.who, tom.String()))
			if r.View.Type != c.want || (r.Err != nil) != (c.want == ViewNone) || r.Err != nil && fault.KindOf(r.Err) != fault.NoFreeBusyAccess {
				t.Errorf("%s, %v; want %s", r.View.Type, r.Err, c.want)
			}
		})
	}
}

func TestAContactIsAskedForAtItsPartner(t *testing.T) {
	w := newWorld()
	w.calendars[smtpaddr.MustAddress("rita@contoso.example")] = mailbox.Calendar{InScope: true, Contact: &mailbox.Contact{Address: smtpaddr.MustAddress("rita@contoso.example"), Target: rita}}
	calls := 0
	w.remote = func(q Query) ([]Result, error) {
		calls++
		out := make([]Result, len(q.Mailboxes))
		for i, m := range q.Mailboxes {
			out[i].View.Merged = m.Address.String()
		}
		return out, nil
	}
	q := ask(Detailed, orgrel.Requester{Address: tom, Domain: tom.Domain()}, "ana@fabrikam.example", "rita@contoso.example", tom.String(), "zoe@fabrikam.example")
	a, err := w.service().GetUserAvailability(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]string{0: "ana@fabrikam.example", 1: "rita@fabrikam.example", 3: "zoe@fabrikam.example"} {
		if r := a.Results[i]; r.Err != nil || r.View.Merged != want {
			t.Errorf("%d: %q %v, want %s", i, r.View.Merged, r.Err, want)
		}
	}
	if r := a.Results[2]; r.Err != nil || len(r.View.Events) != 2 {
		t.Errorf("our own mailbox between them: %+v", r)
	}
	if calls != 1 {
		t.Errorf("the partner was asked %d times", calls)
	}
	if q.Mailboxes[1].Address.String() != "rita@contoso.example" {
		t.Error("the caller's query was changed")
	}
}

func TestAPartnerIsNotForwardedByAContact(t *testing.T) {
	w := newWorld()
	contact := smtpaddr.MustAddress("max@contoso.example")
	w.remote = func(Query) ([]Result, error) { t.Error("another partner was asked"); return nil, nil }
	for inScope, want := range map[bool]fault.Kind{true: fault.ProxyRequestNotAllowed, false: fault.NoFreeBusyAccess} {
		w.calendars[contact] = mailbox.Calendar{InScope: inScope, Contact: &mailbox.Contact{Address: contact, Target: smtpaddr.MustAddress("max@third.example")}}
		if r := one(t, w, ask(Detailed, partner, contact.String())); fault.KindOf(r.Err) != want {
			t.Errorf("in scope %t: %v", inScope, r.Err)
		}
	}
}

// TestTheOwnerSeesHerPrivateEntries, and nobody else does: no colleague with every right, and no partner who came by an
// account of ours.
func TestTheOwnerSeesHerPrivateEntries(t *testing.T) {
	w := newWorld()
	c := w.calendars[tom]
	c.DefaultPermission, c.Mailbox.Aliases = mailbox.Owner, append(c.Mailbox.Aliases, smtpaddr.MustAddress("thomas@contoso.example"))
	w.calendars[tom] = c
	account := own(tom.String())
	account.External, account.Relationship, account.Actions = true, w.rel, partner.Actions
	for name, v := range map[string]struct {
		who  orgrel.Requester
		want string
	}{
		"the owner":               {own(tom.String()), "secret"},
		"the owner by an alias":   {own("thomas@contoso.example"), "secret"},
		"a colleague":             {own("anna@contoso.example"), ""},
		"a partner":               {partner, ""},
		"a partner by an account": {account, ""},
	} {
		e := one(t, w, ask(Detailed, v.who, tom.String())).View.Events
		if len(e) != 2 || !e[1].IsPrivate || e[1].Subject != v.want || e[1].Location != v.want || e[0].Subject != "canary" {
			t.Errorf("%s sees %+v", name, e)
		}
	}
}
