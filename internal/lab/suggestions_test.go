package lab_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
)

// suggesting puts SuggestionsViewOptions for next Monday into a request.
func suggesting(request, options string) string {
	day := nextMonday()
	o := options + fmt.Sprintf("<t:DetailedSuggestionsWindow><t:StartTime>%s</t:StartTime><t:EndTime>%s</t:EndTime></t:DetailedSuggestionsWindow>",
		day.Format("2006-01-02T15:04:05"), day.AddDate(0, 0, 1).Format("2006-01-02T15:04:05"))
	return strings.Replace(request, "</m:GetUserAvailabilityRequest>", "<t:SuggestionsViewOptions>"+o+"</t:SuggestionsViewOptions></m:GetUserAvailabilityRequest>", 1)
}

func TestSuggestionsCountOwnAndFederatedPeople(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.AvailabilityOnly, busy(8), busy(9))
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly, busy(10))
		hidden := l.User(t, l.Fabrikam, "hidden", mailbox.PermissionNone, busy(11))
		both := suggesting(request("FreeBusyMerged", rita.String(), tom.String(), hidden.String(), "nobody@fabrikam.example"), "<t:GoodThreshold>10</t:GoodThreshold><t:MaximumResultsByDay>3</t:MaximumResultsByDay><t:MinimumSuggestionQuality>Good</t:MinimumSuggestionQuality>")
		status, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, both)
		if status != http.StatusOK {
			t.Fatal(status, body)
		}
		valid(t, body)
		// Berlin works from 8 to 17; in UTC the day begins at 7. Tom is busy from 8 to 10, Rita from 10 to 11.
		contains(t, body, "<t:MergedFreeBusy>", "<t:DayQuality>Excellent</t:DayQuality>", nextMonday().Format("2006-01-02")+"T07:00:00</t:MeetingTime><t:IsWorkTime>true",
			"T11:00:00</t:MeetingTime>", "T11:30:00</t:MeetingTime>",
			"<t:IndividualAttendeeConflictData><t:BusyType>Free</t:BusyType></t:IndividualAttendeeConflictData><t:IndividualAttendeeConflictData><t:BusyType>Free</t:BusyType></t:IndividualAttendeeConflictData><t:IndividualAttendeeConflictData><t:BusyType>NoData</t:BusyType></t:IndividualAttendeeConflictData><t:UnknownAttendeeConflictData>")
		only := cut(both, "<t:FreeBusyViewOptions>", "</t:FreeBusyViewOptions>")
		_, body = post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, only)
		valid(t, body)
		contains(t, body, "T11:30:00</t:MeetingTime>")
		if strings.Contains(body, "FreeBusyResponseArray") {
			t.Error("free/busy was not asked")
		}
		for name, c := range map[string]struct {
			edit func(string) string
			want string
		}{
			"zero hours": {func(s string) string { return strings.ReplaceAll(s, "T00:00:00", "T01:00:00") }, "Date must have zero hours, minutes and seconds."},
			"no window":  {without("<t:DetailedSuggestionsWindow>", "</t:DetailedSuggestionsWindow>"), "ErrorMissingArgument"},
			"threshold":  {replace("<t:GoodThreshold>10<", "<t:GoodThreshold>51<"), "ErrorSchemaValidation"},
			"quality":    {replace(">Good<", ">Best<"), "ErrorSchemaValidation"},
			"endless": {func(s string) string {
				return strings.ReplaceAll(s, nextMonday().AddDate(0, 0, 1).Format("2006-01-02"), "9998-01-01")
			}, "ErrorTimeIntervalTooBig"},
		} {
			status, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, c.edit(only))
			if status != http.StatusInternalServerError || !strings.Contains(body, c.want) {
				t.Errorf("%s: HTTP %d %s", name, status, body)
			}
		}
	})
}
