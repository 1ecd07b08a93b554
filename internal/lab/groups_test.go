package lab_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// group makes a group of an organization.
func group(t *testing.T, o *lab.Organization, name string, members ...smtpaddr.Address) smtpaddr.Address {
	t.Helper()
	g := &mailbox.Group{Address: smtpaddr.MustAddress(name), Members: members}
	must(t, o.Store.PutGroup(t.Context(), g))
	return g.Address
}

// TestGroupsAcrossOrganizations asks for a group of our own with people of the partner in it, and for a group of the
// partner's, whose members it holds to its relationship.
func TestGroupsAcrossOrganizations(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly, busy(8))
		ana := l.User(t, l.Fabrikam, "ana", mailbox.AvailabilityOnly, busy(9, "SUMMARY:canary"))
		tom := l.User(t, l.Contoso, "tom", mailbox.AvailabilityOnly, busy(10, "SUMMARY:canary"))
		zoe := l.User(t, l.Contoso, "zoe", mailbox.AvailabilityOnly, busy(11))
		hidden := l.User(t, l.Contoso, "hidden", mailbox.PermissionNone, busy(12))
		inner := group(t, l.Fabrikam, "inner@fabrikam.example", ana, tom)
		group(t, l.Fabrikam, "project@fabrikam.example", rita, inner)
		group(t, l.Contoso, "board@contoso.example", tom, zoe)
		group(t, l.Contoso, "secret@contoso.example", hidden)
		group(t, l.Contoso, "mixed@contoso.example", tom, hidden)
		many := make([]smtpaddr.Address, 101)
		for i := range many {
			many[i] = smtpaddr.MustAddress(fmt.Sprintf("u%d@contoso.example", i))
		}
		group(t, l.Contoso, "crowd@contoso.example", many...)

		ask := suggesting(request("DetailedMerged", "project@fabrikam.example", "board@contoso.example", "mixed@contoso.example", "secret@contoso.example", "crowd@contoso.example", "nobody@contoso.example"), "<t:MaximumResultsByDay>1</t:MaximumResultsByDay>")
		status, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, ask)
		if status != http.StatusOK {
			t.Fatal(status, body)
		}
		valid(t, body)
		digits := func(d string) string {
			return "<t:FreeBusyViewType>MergedOnly</t:FreeBusyViewType><t:MergedFreeBusy>" + d + "</t:MergedFreeBusy></FreeBusyView>"
		}
		contains(t, body, digits("000000002220000000000000"), digits("000000000022000000000000"), digits("444444444444444444444444"),
			"<ResponseCode>ErrorNoFreeBusyAccess</ResponseCode>", "<ResponseCode>ErrorFreeBusyDLLimitReached</ResponseCode>",
			"<t:GroupAttendeeConflictData><t:NumberOfMembers>3</t:NumberOfMembers><t:NumberOfMembersAvailable>3</t:NumberOfMembersAvailable><t:NumberOfMembersWithConflict>0</t:NumberOfMembersWithConflict><t:NumberOfMembersWithNoData>0</t:NumberOfMembersWithNoData></t:GroupAttendeeConflictData>"+
				"<t:IndividualAttendeeConflictData><t:BusyType>Free</t:BusyType></t:IndividualAttendeeConflictData><t:IndividualAttendeeConflictData><t:BusyType>NoData</t:BusyType></t:IndividualAttendeeConflictData><t:IndividualAttendeeConflictData><t:BusyType>NoData</t:BusyType></t:IndividualAttendeeConflictData>"+
				"<t:TooBigGroupAttendeeConflictData></t:TooBigGroupAttendeeConflictData>")
		if strings.Contains(body, "canary") || strings.Contains(body, "<t:CalendarEvent>") {
			t.Errorf("an entry of a member is told: %s", body)
		}
	})
}
