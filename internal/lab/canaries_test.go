package lab_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// canaryEvents are an ordinary item and a private one, every text of which would be seen if it left the house.
func canaryEvents() []string {
	more := []string{"DESCRIPTION:canary-body", "ORGANIZER;CN=canary-organizer:mailto:canary-organizer@contoso.example", "ATTENDEE;CN=canary-attendee:mailto:canary-attendee@contoso.example", "CATEGORIES:canary-category", "COMMENT:canary-comment"}
	return []string{
		busy(9, append(more, "SUMMARY:canary-subject", "LOCATION:canary-place")...),
		busy(11, append(more, "SUMMARY:canary-private-subject", "LOCATION:canary-private-place", "CLASS:PRIVATE")...),
	}
}

// denied is the answer for a mailbox of which nothing is shown, whatever the reason.
const denied = `<FreeBusyResponse><ResponseMessage ResponseClass="Error"><MessageText>The caller does not have access to free/busy data.</MessageText><ResponseCode>ErrorNoFreeBusyAccess</ResponseCode><DescriptiveLinkKey>0</DescriptiveLinkKey>`

// shown is, byte for byte, the answer for canaryEvents to one who asks for view and is allowed level.
func shown(view availability.FreeBusyViewType, level orgrel.AccessLevel) string {
	if level == orgrel.AvailabilityOnly {
		view = map[availability.FreeBusyViewType]availability.FreeBusyViewType{availability.Detailed: availability.FreeBusy, availability.DetailedMerged: availability.FreeBusyMerged,
			availability.MergedOnly: availability.MergedOnly, availability.FreeBusy: availability.FreeBusy, availability.FreeBusyMerged: availability.FreeBusyMerged}[view]
	}
	name := view.String()
	var b strings.Builder
	b.WriteString(`<FreeBusyResponse><ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage><FreeBusyView><t:FreeBusyViewType>` + name + `</t:FreeBusyViewType>`)
	if strings.Contains(name, "Merged") {
		b.WriteString(`<t:MergedFreeBusy>000000000202000000000000</t:MergedFreeBusy>`)
	}
	if name != "MergedOnly" {
		day := nextMonday().Format("2006-01-02")
		b.WriteString(`<t:CalendarEventArray>`)
		for i, hour := range []int{9, 11} {
			fmt.Fprintf(&b, `<t:CalendarEvent><t:StartTime>%sT%02d:00:00</t:StartTime><t:EndTime>%sT%02d:00:00</t:EndTime><t:BusyType>Busy</t:BusyType>`, day, hour, day, hour+1)
			if strings.HasPrefix(name, "Detailed") {
				text := [...]string{`<t:Subject>canary-subject</t:Subject><t:Location>canary-place</t:Location>`, ""}[i]
				fmt.Fprintf(&b, `<t:CalendarEventDetails>%s<t:IsMeeting>true</t:IsMeeting><t:IsRecurring>false</t:IsRecurring><t:IsException>false</t:IsException><t:IsReminderSet>false</t:IsReminderSet><t:IsPrivate>%t</t:IsPrivate></t:CalendarEventDetails>`, text, i == 1)
			}
			b.WriteString(`</t:CalendarEvent>`)
		}
		b.WriteString(`</t:CalendarEventArray><t:WorkingHours><t:TimeZone><t:Bias>-60</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>` +
			`<t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>` +
			`<t:WorkingPeriodArray><t:WorkingPeriod><t:DayOfWeek>Monday Tuesday Wednesday Thursday Friday</t:DayOfWeek><t:StartTimeInMinutes>480</t:StartTimeInMinutes><t:EndTimeInMinutes>1020</t:EndTimeInMinutes></t:WorkingPeriod></t:WorkingPeriodArray></t:WorkingHours>`)
	}
	return b.String() + `</FreeBusyView></FreeBusyResponse>`
}

// answerOf is the one FreeBusyResponse of an answer.
func answerOf(t testing.TB, body string) string {
	t.Helper()
	_, after, ok := strings.Cut(body, "<FreeBusyResponseArray>")
	answer, rest, closed := strings.Cut(after, "</FreeBusyResponseArray>")
	if !ok || !closed || rest != "</GetUserAvailabilityResponse></s:Body></s:Envelope>" {
		t.Fatalf("not an answer: %s", body)
	}
	return answer
}

// TestPartnerSeesExactlyWhatMayBeShown asks as a real partner and compares the bytes of the target for each combination
// of relationship level, owner's Default, scope and view.
func TestPartnerSeesExactlyWhatMayBeShown(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		group, inner := smtpaddr.MustAddress("visible@contoso.example"), smtpaddr.MustAddress("inner@contoso.example")
		users := map[mailbox.Permission]map[bool]smtpaddr.Address{}
		var members []smtpaddr.Address
		for _, p := range []mailbox.Permission{mailbox.PermissionNone, mailbox.AvailabilityOnly, mailbox.LimitedDetails, mailbox.Reviewer} {
			users[p] = map[bool]smtpaddr.Address{true: l.User(t, l.Contoso, "canary-in-"+p.String(), p, canaryEvents()...), false: l.User(t, l.Contoso, "canary-out-"+p.String(), p, canaryEvents()...)}
			members = append(members, users[p][true])
		}
		must(t, l.Contoso.Store.PutGroup(t.Context(), &mailbox.Group{Address: inner, Members: members}),
			l.Contoso.Store.PutGroup(t.Context(), &mailbox.Group{Address: group, Members: []smtpaddr.Address{inner}}))
		rel := relationship(t, l.Contoso.Store)
		rel.FreeBusyAccessScope = group
		asking := newCaller(t, l, rita)
		var all answers
		for _, level := range []orgrel.AccessLevel{orgrel.None, orgrel.AvailabilityOnly, orgrel.LimitedDetails} {
			rel.FreeBusyAccessLevel = level
			put(t, l.Contoso.Store, rel)
			for perm, byScope := range users {
				for inScope, owner := range byScope {
					for view := availability.MergedOnly; view <= availability.DetailedMerged; view++ {
						granted := min(level, map[mailbox.Permission]orgrel.AccessLevel{mailbox.PermissionNone: orgrel.None, mailbox.AvailabilityOnly: orgrel.AvailabilityOnly, mailbox.LimitedDetails: orgrel.LimitedDetails, mailbox.Reviewer: orgrel.LimitedDetails}[perm])
						status, body := asking.post(t, l.Contoso.URL, payload(view.String(), owner.String()))
						all.add(t, body)
						checkCanaries(t, fmt.Sprintf("relationship %s, Default %s, in scope %t, asked %s", level, perm, inScope, view), status, body, inScope && granted != orgrel.None, shown(view, granted))
					}
				}
			}
		}
		if len(all.files) != 3*4*2*5 {
			t.Errorf("%d combinations were asked", len(all.files))
		}
		all.valid(t)
	})
}

func checkCanaries(t *testing.T, name string, status int, body string, granted bool, want string) {
	t.Helper()
	if status != http.StatusOK {
		t.Fatalf("%s: HTTP %d %s", name, status, body)
	}
	got := answerOf(t, body)
	if granted && got != want {
		t.Errorf("%s:\n got %s\nwant %s", name, got, want)
	}
	if !granted && (!strings.HasPrefix(got, denied) || !strings.HasSuffix(got, "<FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></FreeBusyView></FreeBusyResponse>")) {
		t.Errorf("%s: %s", name, got)
	}
	for _, word := range strings.FieldsFunc(body, func(r rune) bool { return strings.ContainsRune("<>\"&;", r) }) {
		if strings.Contains(word, "canary") && (!granted || word != "canary-subject" && word != "canary-place") {
			t.Errorf("%s shows %q", name, word)
		}
	}
}

// TestRefusalsTellNothingApart asks for mailboxes that are not shown for five reasons: the answers are the same, byte
// for byte, so that nobody learns who exists here (threat T66).
func TestRefusalsTellNothingApart(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		hidden := l.User(t, l.Contoso, "hidden", mailbox.PermissionNone, busy(9))
		outside := l.User(t, l.Contoso, "outside", mailbox.Reviewer, busy(9))
		visible := smtpaddr.MustAddress("visible@contoso.example")
		must(t, l.Contoso.Store.PutGroup(t.Context(), &mailbox.Group{Address: visible, Members: []smtpaddr.Address{hidden}}))
		rel := relationship(t, l.Contoso.Store)
		rel.FreeBusyAccessScope = visible
		put(t, l.Contoso.Store, rel)
		asking := newCaller(t, l, rita)
		bodies := map[string]string{}
		ask := func(why, address string) {
			status, body := asking.post(t, l.Contoso.URL, payload("Detailed", address))
			if status != http.StatusOK || !strings.HasPrefix(answerOf(t, body), denied) {
				t.Errorf("%s: HTTP %d %s", why, status, body)
			}
			bodies[why] = strings.ReplaceAll(body, address, "ADDRESS")
		}
		ask("unknown mailbox", "nobody@contoso.example")
		ask("out of scope", outside.String())
		ask("Default None", hidden.String())
		rel.Enabled = false
		put(t, l.Contoso.Store, rel)
		ask("relationship disabled", hidden.String())
		must(t, l.Contoso.Store.DeleteRelationship(t.Context(), rel.ID))
		settle()
		ask("no relationship", hidden.String())
		for why, body := range bodies {
			if body != bodies["unknown mailbox"] {
				t.Errorf("%s is told apart:\n%s\n%s", why, body, bodies["unknown mailbox"])
			}
		}
	})
}
