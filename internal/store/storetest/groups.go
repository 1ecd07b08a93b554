package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/mailbox"
)

func putGroup(t *testing.T, open Opener, name string, members ...string) {
	t.Helper()
	g := &mailbox.Group{Address: address(name)}
	for _, m := range members {
		g.Members = append(g.Members, address(m))
	}
	if err := node(t, open, 0).PutGroup(t.Context(), g); err != nil {
		t.Fatal(err)
	}
}

// groupsOf are the groups that came with a calendar, by address.
func groupsOf(c mailbox.Calendar) string {
	var out []string
	for _, g := range c.Nested {
		out = append(out, g.Address.String())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

var groupTests = []test{
	{"a calendar view of a group has the groups inside it, each once, and no calendar", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		user(t, s, "tom@contoso.example", "UTC", "DTSTART:20261124T090000Z\r\nDURATION:PT1H")
		putGroup(t, open, "all@contoso.example", "sales@contoso.example", "tom@contoso.example", "rita@fabrikam.example", "empty@contoso.example")
		putGroup(t, open, "sales@contoso.example", "deep@contoso.example")
		putGroup(t, open, "deep@contoso.example", "all@contoso.example", "sales@contoso.example", "tom@contoso.example")
		putGroup(t, open, "empty@contoso.example")
		putGroup(t, open, "other@contoso.example", "tom@contoso.example")
		list := view(t, s, "2026-11-24", "2026-11-25", "tom@contoso.example", "all@contoso.example", "nobody@contoso.example", "ALL@contoso.example", "empty@contoso.example")
		for _, i := range []int{1, 3} {
			c := list[i]
			if c.Found || c.Group == nil || c.Group.Address != address("all@contoso.example") || len(c.Group.Members) != 4 || len(c.Occurrences) > 0 {
				t.Errorf("%d: %+v", i, c)
			}
			if got := groupsOf(c); got != "all@contoso.example deep@contoso.example empty@contoso.example sales@contoso.example" {
				t.Errorf("%d: %s", i, got)
			}
		}
		if list[0].Group != nil || starts(list[0]) != "261124T09" || list[2].Group != nil || list[4].Group == nil {
			t.Errorf("%+v", list)
		}
	}},
}
