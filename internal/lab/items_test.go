package lab_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// TestEachPermissionOpensAsMuchOfFreeBusyAsOfTheCalendar walks the calendar permissions of own users, by Default and by
// name, by each of their names.
func TestEachPermissionOpensAsMuchOfFreeBusyAsOfTheCalendar(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		anna := l.User(t, l.Contoso, "anna", mailbox.PermissionNone)
		for _, row := range []struct {
			name     string // Exchange's, or the schema's
			freeBusy string // the view of DetailedMerged, or the code
			items    string
		}{
			{"None", "ErrorNoFreeBusyAccess", "ErrorAccessDenied"},
			{"Contributor", "ErrorNoFreeBusyAccess", "ErrorAccessDenied"},
			{"AvailabilityOnly", "FreeBusyMerged", "ErrorAccessDenied"},
			{"FreeBusyTimeOnly", "FreeBusyMerged", "ErrorAccessDenied"},
			{"LimitedDetails", "DetailedMerged", "NoError"},
			{"FreeBusyTimeAndSubjectAndLocation", "DetailedMerged", "NoError"},
			{"Reviewer", "DetailedMerged", "NoError"},
			{"NonEditingAuthor", "DetailedMerged", "NoError"},
			{"Author", "DetailedMerged", "NoError"},
			{"PublishingAuthor", "DetailedMerged", "NoError"},
			{"Editor", "DetailedMerged", "NoError"},
			{"PublishingEditor", "DetailedMerged", "NoError"},
			{"Owner", "DetailedMerged", "NoError"},
		} {
			p, err := mailbox.ParsePermission(row.name)
			must(t, err)
			byDefault := l.User(t, l.Contoso, "default-"+row.name, p, busy(9))
			byName := l.User(t, l.Contoso, "named-"+row.name, mailbox.Owner-p, busy(9))
			box, err := l.Contoso.Store.Mailbox(t.Context(), byName)
			must(t, err)
			box.CalendarPermissions = []mailbox.CalendarPermission{{User: anna, AccessRights: p}}
			must(t, l.Contoso.Store.UpdateMailbox(t.Context(), box))
			for _, of := range []smtpaddr.Address{byDefault, byName} {
				if view, items := seen(t, ownClient(l, l.Contoso, anna), of); view != row.freeBusy || items != row.items {
					t.Errorf("%s: free/busy is %s, the calendar %s", of, view, items)
				}
				if view, items := seen(t, ownClient(l, l.Contoso, of), of); view != "DetailedMerged" || items != "NoError" {
					t.Errorf("the owner %s: free/busy is %s, the calendar %s", of, view, items)
				}
			}
		}
	})
}

// seen is what a reader is shown of a calendar: the view of its free/busy, and the code of its items.
func seen(t *testing.T, c *ews.Client, of smtpaddr.Address) (view, items string) {
	t.Helper()
	q := query(of)
	q.View = availability.DetailedMerged
	answer, err := c.GetUserAvailability(t.Context(), q)
	must(t, err)
	if view = answer.Results[0].View.Type.String(); answer.Results[0].Err != nil {
		view = ews.ResponseCode(answer.Results[0].Err)
	}
	list, _, err := c.FindItem(t.Context(), ews.FolderID{Distinguished: "calendar", Mailbox: of}, q.Window, 0)
	if err == nil && len(list) != 1 {
		t.Errorf("%d items of %s", len(list), of)
	}
	return view, ews.ResponseCode(err)
}

// TestTheCalendarIsReadAsItWasWritten: what FindItem and GetItem show of each kind of entry, inside and outside of the
// months that the store holds ready.
func TestTheCalendarIsReadAsItWasWritten(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.AvailabilityOnly,
			"SUMMARY:Holiday\r\nDTSTART;VALUE=DATE:20261123\r\nDTEND;VALUE=DATE:20261124",
			"SUMMARY:Stand-up\r\nDTSTART;TZID=Europe/Berlin:20261123T090000\r\nDTEND;TZID=Europe/Berlin:20261123T091500\r\nRRULE:FREQ=DAILY",
			"SUMMARY:Doctor\r\nLOCATION:Main street\r\nCLASS:PRIVATE\r\nDTSTART:20261123T120000Z\r\nDTEND:20261123T120000Z")
		c := ownClient(l, l.Contoso, tom)
		midnight := time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC) // of Berlin
		items, more, err := c.FindItem(t.Context(), ews.FolderID{Distinguished: "calendar"}, availability.Window{Start: midnight, End: midnight.AddDate(0, 0, 1)}, 0)
		must(t, err)
		var got []string
		for _, i := range items {
			got = append(got, fmt.Sprintf("%s %s %s all day %t recurring %t private %t", i.Subject, i.Start.Format("15:04"), i.End.Sub(i.Start), i.AllDay, i.IsRecurring, i.IsPrivate))
		}
		want := "[Holiday 23:00 24h0m0s all day true recurring false private false Stand-up 08:00 15m0s all day false recurring true private false Doctor 12:00 0s all day false recurring false private true]"
		if fmt.Sprint(got) != want || more {
			t.Errorf("more %t\n got %v\nwant %s", more, got, want)
		}
		late, _, err := c.FindItem(t.Context(), ews.FolderID{Distinguished: "calendar"}, availability.Window{Start: midnight.AddDate(100, 0, 0), End: midnight.AddDate(100, 0, 7)}, 0)
		must(t, err)
		if len(late) != 7 {
			t.Errorf("%d items in a week a hundred years later", len(late))
		}
		for _, i := range append(items, late...) {
			again, err := c.GetItem(t.Context(), i.ID)
			must(t, err)
			if again[0] != i {
				t.Errorf("found %+v, got %+v", i, again[0])
			}
		}
	})
}
