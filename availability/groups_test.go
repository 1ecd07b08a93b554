package availability

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func groupOf(name string, members ...string) *mailbox.Group {
	g := &mailbox.Group{Address: smtpaddr.MustAddress(name + "@contoso.example")}
	for _, m := range members {
		if !strings.Contains(m, "@") {
			m += "@contoso.example"
		}
		g.Members = append(g.Members, smtpaddr.MustAddress(m))
	}
	return g
}

// numbered are n names.
func numbered(prefix string, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s%d", prefix, i))
	}
	return out
}

func TestExpandCountsEachMemberOnceAndStopsAtTheLimit(t *testing.T) {
	for _, c := range []struct {
		name                string
		groups              []*mailbox.Group // the first is expanded
		members, unexpanded int
		tooBig              bool
	}{
		{"nobody", []*mailbox.Group{groupOf("g")}, 0, 0, false},
		{"somebody twice", []*mailbox.Group{groupOf("g", "a", "b", "a")}, 2, 0, false},
		{"a hundred", []*mailbox.Group{groupOf("g", numbered("u", 100)...)}, 100, 0, false},
		{"one more", []*mailbox.Group{groupOf("g", numbered("u", 101)...)}, 0, 0, true},
		{"a hundred, two times", []*mailbox.Group{groupOf("g", append(numbered("u", 100), numbered("u", 100)...)...)}, 100, 0, false},
		{"a cycle", []*mailbox.Group{groupOf("g", "h", "a"), groupOf("h", "g", "h", "b")}, 2, 0, false},
		{"somebody in two groups", []*mailbox.Group{groupOf("g", "h", "i", "a"), groupOf("h", "a", "b"), groupOf("i", "b", "c")}, 3, 0, false},
		{"a group inside makes a hundred", []*mailbox.Group{groupOf("g", append(numbered("u", 60), "h")...), groupOf("h", numbered("v", 40)...)}, 100, 0, false},
		{"one that would make more stays whole", []*mailbox.Group{groupOf("g", append(numbered("u", 60), "h")...), groupOf("h", numbered("v", 41)...)}, 60, 1, false},
		{"and the next one fits", []*mailbox.Group{groupOf("g", append(numbered("u", 60), "h", "i")...), groupOf("h", numbered("v", 41)...), groupOf("i", "a", "b")}, 62, 1, false},
		{"three deep", []*mailbox.Group{groupOf("g", "h"), groupOf("h", "i"), groupOf("i", "a", "b")}, 2, 0, false},
	} {
		members, unexpanded, ok := expand(c.groups[0], c.groups, 100)
		if ok == c.tooBig || ok && (len(members) != c.members || unexpanded != c.unexpanded) {
			t.Errorf("%s: %d members, %d groups unexpanded, %t", c.name, len(members), unexpanded, ok)
		}
	}
}

// TestExpandLaws draws groups that hold each other in any way.
func TestExpandLaws(t *testing.T) {
	name := rapid.SampledFrom(append(numbered("g", 6), numbered("u", 12)...))
	rapid.Check(t, func(t *rapid.T) {
		var groups []*mailbox.Group
		isGroup := map[smtpaddr.Address]*mailbox.Group{}
		for _, g := range numbered("g", 6) {
			groups = append(groups, groupOf(g, rapid.SliceOfN(name, 0, 8).Draw(t, g)...))
			isGroup[groups[len(groups)-1].Address] = groups[len(groups)-1]
		}
		limit := rapid.IntRange(1, 12).Draw(t, "limit")
		members, unexpanded, ok := expand(groups[0], groups, limit)
		seen := map[smtpaddr.Address]bool{}
		for _, m := range members {
			if seen[m] || isGroup[m] != nil {
				t.Fatalf("%s is a group, or there twice", m)
			}
			seen[m] = true
		}
		if ok && len(members)+unexpanded > limit {
			t.Fatalf("%d members and %d groups are more than %d", len(members), unexpanded, limit)
		}
		all, whole, ok := expand(groups[0], groups, 1000)
		reached := map[smtpaddr.Address]bool{}
		var walk func(g *mailbox.Group)
		walk = func(g *mailbox.Group) {
			for _, m := range g.Members {
				if nested := isGroup[m]; !reached[m] {
					if reached[m] = true; nested != nil {
						walk(nested)
					}
				}
			}
		}
		walk(groups[0])
		for g := range isGroup {
			delete(reached, g)
		}
		if !ok || whole != 0 || len(all) != len(reached) || slices.ContainsFunc(all, func(m smtpaddr.Address) bool { return !reached[m] }) {
			t.Fatalf("%v, want %v", all, reached)
		}
	})
}

// village is a world with groups that counts what is read and asked.
type village struct {
	*world
	mu     sync.Mutex
	reads  int
	asked  []string // of the partner, one line a call
	groups []*mailbox.Group
}

func (v *village) CalendarView(ctx context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error) {
	v.mu.Lock()
	v.reads++
	v.mu.Unlock()
	list, err := v.world.CalendarView(ctx, q)
	for i, a := range q.Addresses {
		for _, g := range v.groups {
			if g.Address == a {
				list[i] = mailbox.Calendar{Group: g, Nested: v.groups}
			}
		}
	}
	return list, err
}

// newVillage has anna, busy from 8 to 9, tom, busy from 9 to 10 and away from 11 to 12, paul, whom nobody may see, max, a
// contact at the partner, and zoe, who is not in any relationship's scope.
func newVillage(groups ...*mailbox.Group) *village {
	v := &village{world: newWorld(), groups: groups}
	add := func(name string, edit func(c *mailbox.Calendar)) {
		c := v.calendars[tom]
		c.Mailbox = &mailbox.Mailbox{Address: smtpaddr.MustAddress(name + "@contoso.example"), WorkingHours: mailbox.DefaultWorkingHours()}
		c.Occurrences = nil
		edit(&c)
		v.calendars[c.Mailbox.Address] = c
	}
	add("anna", func(c *mailbox.Calendar) {
		c.Occurrences = []mailbox.Occurrence{{Start: monday.Add(8 * time.Hour), End: monday.Add(9 * time.Hour), BusyType: mailbox.Tentative, Subject: "canary"}}
	})
	add("paul", func(c *mailbox.Calendar) { c.DefaultPermission = mailbox.PermissionNone })
	add("zoe", func(c *mailbox.Calendar) { c.InScope = false })
	max := smtpaddr.MustAddress("max@contoso.example")
	v.calendars[max] = mailbox.Calendar{InScope: true, Contact: &mailbox.Contact{Address: max, Target: smtpaddr.MustAddress("max@fabrikam.example")}}
	v.remote = func(q Query) ([]Result, error) {
		var names []string
		out := make([]Result, len(q.Mailboxes))
		for i, m := range q.Mailboxes {
			names = append(names, m.Address.Local())
			out[i].View = Project(q, mailbox.Calendar{Occurrences: []mailbox.Occurrence{{Start: monday.Add(20 * time.Hour), End: monday.Add(21 * time.Hour), BusyType: mailbox.Busy, Subject: "canary"}}}, orgrel.AvailabilityOnly)
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.asked = append(v.asked, strings.Join(names, " "))
		return out, nil
	}
	return v
}

func (v *village) service() *Service {
	s := v.world.service()
	s.Calendars = v
	return s
}

func (v *village) answers(t *testing.T, q Query) Answer {
	t.Helper()
	a, err := v.service().GetUserAvailability(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var colleague = orgrel.Requester{Address: smtpaddr.MustAddress("ann@contoso.example"), Domain: tom.Domain()}

const nobodyKnows = "444444444444444444444444"

func TestAGroupIsAnsweredAsOneWithNothingButDigits(t *testing.T) {
	for view := MergedOnly; view <= DetailedMerged; view++ {
		v := newVillage(groupOf("team", "tom", "sub"), groupOf("sub", "anna", "rita@fabrikam.example"))
		a := v.answers(t, ask(view, colleague, "anna@contoso.example", "team@contoso.example"))
		if len(a.Results) != 2 || a.Results[0].View.Type == ViewNone {
			t.Fatalf("%+v", a.Results)
		}
		g := a.Results[1]
		if g.Err != nil || g.View.Type != MergedOnly || g.View.Events != nil || g.View.WorkingHours != nil || g.View.Merged != "000000001203000000002000" {
			t.Errorf("%s: %+v", view, g)
		}
	}
}

func TestMembersWithoutDataAreTheDigitFour(t *testing.T) {
	for _, c := range []struct{ who, member, want string }{
		{"anna alone", "anna", "000000001000000000000000"},
		{"unknown", "nobody", nobodyKnows},
		{"not to be seen", "paul", nobodyKnows},
		{"of an organization without relationship", "x@other.example", nobodyKnows},
		{"a group that cannot be expanded", "crowd", nobodyKnows},
	} {
		v := newVillage(groupOf("team", "anna", c.member), groupOf("crowd", numbered("u", 100)...))
		if r := v.answers(t, ask(MergedOnly, colleague, "team@contoso.example")).Results[0]; r.Err != nil || r.View.Merged != c.want {
			t.Errorf("%s: %+v", c.who, r)
		}
	}
	v := newVillage(groupOf("team"))
	if r := v.answers(t, ask(MergedOnly, colleague, "team@contoso.example")).Results[0]; r.Err != nil || r.View.Merged != nobodyKnows {
		t.Errorf("an empty group is taken for free: %+v", r)
	}
	v = newVillage(groupOf("team", "anna", "rita@fabrikam.example"))
	v.remote = func(Query) ([]Result, error) { return nil, errors.New("gone") }
	if r := v.answers(t, ask(MergedOnly, colleague, "team@contoso.example")).Results[0]; r.Err != nil || r.View.Merged != nobodyKnows {
		t.Errorf("a broken partner: %+v", r)
	}
}

func TestAGroupCostsOneReadMoreAndNoCallMore(t *testing.T) {
	v := newVillage(groupOf("team", "tom", "max", "ana@fabrikam.example"), groupOf("other", "tom", "anna", "ana@fabrikam.example"))
	v.answers(t, ask(FreeBusy, colleague, tom.String(), rita.String()))
	if v.reads != 1 || len(v.asked) != 1 {
		t.Errorf("without groups: %d reads, %q", v.reads, v.asked)
	}
	v.reads, v.asked = 0, nil
	v.answers(t, ask(FreeBusy, colleague, tom.String(), rita.String(), "team@contoso.example", "other@contoso.example"))
	if v.reads != 2 || len(v.asked) != 1 || strings.Join(slices.Sorted(slices.Values(strings.Fields(v.asked[0]))), " ") != "ana max rita" {
		t.Errorf("%d reads, %q", v.reads, v.asked)
	}
}

func TestMoreMembersAtAPartnerThanARequestMayHaveAreAskedInParts(t *testing.T) {
	var names []string
	for _, n := range numbered("u", 150) {
		names = append(names, n+"@fabrikam.example")
	}
	v := newVillage(groupOf("one", names[:100]...), groupOf("two", names[50:]...))
	a := v.answers(t, ask(MergedOnly, colleague, "one@contoso.example", "two@contoso.example"))
	if a.Results[0].View.Merged != "000000000000000000002000" || a.Results[1].View.Merged != a.Results[0].View.Merged {
		t.Errorf("%+v", a.Results)
	}
	var sizes []int
	for _, call := range v.asked {
		sizes = append(sizes, len(strings.Fields(call)))
	}
	if slices.Sort(sizes); !slices.Equal(sizes, []int{50, 100}) {
		t.Errorf("asked for %v", sizes)
	}
}

func TestAPartnerSeesOfAGroupWhatItMaySeeOfItsMembers(t *testing.T) {
	for _, c := range []struct {
		name    string
		members []string
		want    string // "": refused as who does not exist is
	}{
		{"all to be seen", []string{"tom", "anna"}, "000000001203000000000000"},
		{"one out of scope", []string{"tom", "zoe"}, nobodyKnows},
		{"one without permission", []string{"tom", "paul"}, nobodyKnows},
		{"one of a third organization", []string{"tom", "x@other.example"}, nobodyKnows},
		{"one of its own", []string{"tom", "rita@fabrikam.example"}, nobodyKnows},
		{"a contact", []string{"tom", "max"}, nobodyKnows},
		{"nobody to be seen", []string{"zoe", "paul", "x@other.example"}, ""},
		{"nobody at all", nil, ""},
	} {
		v := newVillage(groupOf("team", c.members...))
		r := v.answers(t, ask(DetailedMerged, partner, "team@contoso.example")).Results[0]
		if refused := r.Err != nil; refused != (c.want == "") || refused && fault.KindOf(r.Err) != fault.NoFreeBusyAccess || r.View.Merged != c.want || r.View.Events != nil {
			t.Errorf("%s: %+v", c.name, r)
		}
		if len(v.asked) > 0 {
			t.Errorf("%s: forwarded to %q", c.name, v.asked)
		}
	}
	v := newVillage(groupOf("team", "tom"))
	v.rel.FreeBusyAccessLevel = orgrel.None
	if r := v.answers(t, ask(MergedOnly, partner, "team@contoso.example")).Results[0]; fault.KindOf(r.Err) != fault.NoFreeBusyAccess || v.reads != 0 {
		t.Errorf("without access: %+v after %d reads", r, v.reads)
	}
}

func TestAGroupOfMoreThanAHundredIsRefusedByName(t *testing.T) {
	scoped := smtpaddr.MustAddress("scope@contoso.example")
	for _, c := range []struct {
		who   orgrel.Requester
		scope smtpaddr.Address
		want  fault.Kind
	}{{colleague, smtpaddr.Address{}, fault.FreeBusyDLLimitReached}, {partner, smtpaddr.Address{}, fault.FreeBusyDLLimitReached}, {partner, scoped, fault.NoFreeBusyAccess}} {
		v := newVillage(groupOf("crowd", numbered("u", 101)...))
		v.rel.FreeBusyAccessScope = c.scope
		a := v.answers(t, ask(MergedOnly, c.who, "crowd@contoso.example", tom.String()))
		if r := a.Results[0]; r.Err == nil || fault.KindOf(r.Err) != c.want || v.reads != 1 || a.Results[1].Err != nil {
			t.Errorf("%s in %s: %v after %d reads", c.who.Address, c.scope, r.Err, v.reads)
		}
	}
}

func TestTheGroupsOfARequestTogetherHaveALimit(t *testing.T) {
	var groups []*mailbox.Group
	q := ask(MergedOnly, colleague)
	for i := range 11 {
		groups = append(groups, groupOf(fmt.Sprintf("g%d", i), numbered(fmt.Sprintf("u%d-", i), 100)...))
		q.Mailboxes = append(q.Mailboxes, Attendee{Address: groups[i].Address})
	}
	a := newVillage(groups...).answers(t, q)
	for i, r := range a.Results {
		if i < 10 && r.Err != nil || i == 10 && (r.Err == nil || fault.KindOf(r.Err) != fault.FreeBusyDLLimitReached) {
			t.Errorf("group %d: %v", i, r.Err)
		}
	}
}
