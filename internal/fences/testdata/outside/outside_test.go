// Package outside is a module of somebody else: it uses the client ends of both protocols and can name nothing internal.
package outside

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/availability"
	"github.com/availd/availd/directory"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// TestEveryMethodIsUsed looks into this file for a call of each method of the clients.
func TestEveryMethodIsUsed(t *testing.T) {
	source, err := os.ReadFile("outside_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []reflect.Type{reflect.TypeFor[*ews.Client](), reflect.TypeFor[*autodiscover.Client]()} {
		for m := range c.Methods() {
			if !strings.Contains(string(source), m.Name+"(") {
				t.Errorf("%s.%s is not used", c, m.Name)
			}
		}
	}
}

const envelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>`

// server answers every request with body.
func server(t *testing.T, status int, body string) *httptest.Server {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if message, _ := io.ReadAll(r.Body); !strings.Contains(string(message), "proof-of-mine") {
			t.Errorf("the header is missing in %s", message)
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Replace(envelope, "%s", body, 1))
	}))
	t.Cleanup(srv.Close)
	return srv
}

func header(context.Context, string, string) ([]byte, error) {
	return []byte(`<x:proof-of-mine xmlns:x="urn:x"></x:proof-of-mine>`), nil
}

const answer = `<GetUserAvailabilityResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><FreeBusyResponseArray>
<FreeBusyResponse><ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage><FreeBusyView><t:FreeBusyViewType>DetailedMerged</t:FreeBusyViewType><t:MergedFreeBusy>02</t:MergedFreeBusy><t:CalendarEventArray><t:CalendarEvent><t:StartTime>2026-11-23T09:30:00</t:StartTime><t:EndTime>2026-11-23T10:00:00</t:EndTime><t:BusyType>Busy</t:BusyType><t:CalendarEventDetails><t:Subject>Planning</t:Subject><t:IsMeeting>true</t:IsMeeting><t:IsRecurring>false</t:IsRecurring><t:IsException>false</t:IsException><t:IsReminderSet>false</t:IsReminderSet><t:IsPrivate>false</t:IsPrivate></t:CalendarEventDetails></t:CalendarEvent></t:CalendarEventArray></FreeBusyView></FreeBusyResponse>
<FreeBusyResponse><ResponseMessage ResponseClass="Error"><MessageText>The caller does not have access to free/busy data.</MessageText><ResponseCode>ErrorNoFreeBusyAccess</ResponseCode></ResponseMessage><FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></FreeBusyView></FreeBusyResponse>
</FreeBusyResponseArray></GetUserAvailabilityResponse>`

func query() availability.Query {
	start := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	q := availability.Query{Window: availability.Window{Start: start, End: start.Add(time.Hour)}, MergedInterval: 30 * time.Minute, View: availability.DetailedMerged}
	for _, a := range []string{"tom@contoso.example", "anna@contoso.example"} {
		q.Mailboxes = append(q.Mailboxes, availability.Attendee{Raw: a, Address: smtpaddr.MustAddress(a)})
	}
	return q
}

func TestAvailabilityOfTwoMailboxes(t *testing.T) {
	srv := server(t, http.StatusOK, answer)
	c := &ews.Client{URL: srv.URL, HTTP: srv.Client(), Header: header}
	asked, err := c.GetUserAvailability(t.Context(), query())
	if err != nil {
		t.Fatal(err)
	}
	results := asked.Results
	view := results[0].View
	if results[0].Err != nil || view.Type != availability.DetailedMerged || view.Merged != "02" || view.Events[0].BusyType != mailbox.Busy || view.Events[0].Subject != "Planning" {
		t.Errorf("%+v", results[0])
	}
	var failed *ews.Error
	if code := ews.ResponseCode(results[1].Err); code != "ErrorNoFreeBusyAccess" || !errors.As(results[1].Err, &failed) || failed.ResponseCode != code {
		t.Errorf("%v is %s", results[1].Err, code)
	}
}

// rows is the answer of an operation with one response message for each of list.
func rows(operation string, list ...string) string {
	b := `<` + operation + `Response xmlns="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><ResponseMessages>`
	for _, content := range list {
		if code, failed := strings.CutPrefix(content, "Error"); failed {
			b += `<` + operation + `ResponseMessage ResponseClass="Error"><MessageText>Not so.</MessageText><ResponseCode>Error` + code + `</ResponseCode></` + operation + `ResponseMessage>`
			continue
		}
		b += `<` + operation + `ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode>` + content + `</` + operation + `ResponseMessage>`
	}
	return b + `</ResponseMessages></` + operation + `Response>`
}

const item = `<t:CalendarItem><t:ItemId Id="i1" ChangeKey="k"/><t:Subject>Planning</t:Subject><t:Start>2026-11-23T09:00:00Z</t:Start><t:End>2026-11-23T10:00:00Z</t:End><t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus><t:CalendarItemType>Single</t:CalendarItemType></t:CalendarItem>`

// client is one whose endpoint answers body.
func client(t *testing.T, body string) *ews.Client {
	t.Helper()
	srv := server(t, http.StatusOK, body)
	return &ews.Client{URL: srv.URL, HTTP: srv.Client(), Header: header}
}

func TestACalendarAndItsItems(t *testing.T) {
	folders, err := client(t, rows("GetFolder", `<Folders><t:CalendarFolder><t:FolderId Id="f1"/><t:DisplayName>Calendar</t:DisplayName></t:CalendarFolder></Folders>`, "ErrorFolderNotFound")).
		GetFolder(t.Context(), ews.FolderID{Distinguished: "calendar"}, ews.FolderID{ID: "f2"})
	if err != nil || folders[0].ID != "f1" || folders[0].DisplayName != "Calendar" || ews.ResponseCode(folders[1].Err) != "ErrorFolderNotFound" {
		t.Errorf("%+v %v", folders, err)
	}
	in, err := client(t, rows("ConvertId", `<AlternateId Format="EwsId" Id="f1" Mailbox="tom@contoso.example"/>`)).ConvertID(t.Context(), "f1")
	if err != nil || in != smtpaddr.MustAddress("tom@contoso.example") {
		t.Errorf("%v %v", in, err)
	}
	found, more, err := client(t, rows("FindItem", `<RootFolder TotalItemsInView="1" IncludesLastItemInRange="false"><t:Items>`+item+`</t:Items></RootFolder>`)).
		FindItem(t.Context(), ews.FolderID{ID: "f1"}, query().Window, 1)
	if err != nil || !more || found[0].ID != "i1" || found[0].Subject != "Planning" || found[0].BusyType != mailbox.Busy {
		t.Errorf("%+v %t %v", found, more, err)
	}
	got, err := client(t, rows("GetItem", "ErrorItemNotFound", `<Items>`+item+`</Items>`)).GetItem(t.Context(), "i0", "i1")
	if err != nil || ews.ResponseCode(got[0].Err) != "ErrorItemNotFound" || got[1] != found[0] {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := client(t, rows("GetItem", `<Items>`+item+`</Items>`)).GetItem(t.Context(), "i0", "i1"); err == nil {
		t.Error("one item is taken for the answer to two ids")
	}
}

func TestTimeZones(t *testing.T) {
	zones, err := client(t, rows("GetServerTimeZones", `<TimeZoneDefinitions><t:TimeZoneDefinition Id="India Standard Time" Name="Kolkata"><t:Periods><t:Period Bias="-PT5H30M" Name="Standard" Id="s"/></t:Periods>`+
		`<t:TransitionsGroups><t:TransitionsGroup Id="0"><t:Transition><t:To Kind="Period">s</t:To></t:Transition></t:TransitionsGroup></t:TransitionsGroups>`+
		`<t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions></t:TimeZoneDefinition></TimeZoneDefinitions>`)).GetServerTimeZones(t.Context(), "India Standard Time")
	if err != nil {
		t.Fatal(err)
	}
	zone, err := timezone.FromDefinition(zones[0])
	if err != nil || zone.Wall(query().Window.Start).Format("15:04") != "14:30" {
		t.Errorf("%v %v", zone, err)
	}
}

// response is the answer of an operation that succeeds.
func response(operation, content string) string {
	return `<` + operation + `Response xmlns="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" ResponseClass="Success"><ResponseCode>NoError</ResponseCode>` + content + `</` + operation + `Response>`
}

const tomsEntry = `<t:Name>Tom</t:Name><t:EmailAddress>tom@contoso.example</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType>`

func TestTheAddressBook(t *testing.T) {
	tom := directory.Entry{Name: "Tom", Address: smtpaddr.MustAddress("tom@contoso.example"), Type: directory.TypeMailbox}
	found, whole, err := client(t, rows("ResolveNames", `<ResolutionSet IncludesLastItemInRange="true"><t:Resolution><t:Mailbox>`+tomsEntry+`</t:Mailbox></t:Resolution></ResolutionSet>`)).ResolveNames(t.Context(), "to")
	if err != nil || !whole || !slices.Equal(found, []directory.Entry{tom}) {
		t.Errorf("%v %t %v", found, whole, err)
	}
	members, err := client(t, rows("ExpandDL", `<DLExpansion><t:Mailbox>`+tomsEntry+`</t:Mailbox></DLExpansion>`)).ExpandDL(t.Context(), "team@contoso.example")
	if err != nil || !slices.Equal(members, found) {
		t.Errorf("%v %v", members, err)
	}
	_, _, err = client(t, rows("ResolveNames", "ErrorNameResolutionNoResults")).ResolveNames(t.Context(), "nobody")
	if ews.ResponseCode(err) != "ErrorNameResolutionNoResults" {
		t.Errorf("%v", err)
	}
}

func TestRooms(t *testing.T) {
	lists, err := client(t, response("GetRoomLists", `<RoomLists><t:Address><t:Name>First floor</t:Name><t:EmailAddress>floor1@contoso.example</t:EmailAddress><t:MailboxType>PublicDL</t:MailboxType></t:Address></RoomLists>`)).GetRoomLists(t.Context())
	if err != nil || len(lists) != 1 || lists[0].Type != directory.TypePublicDL {
		t.Fatalf("%v %v", lists, err)
	}
	list, err := client(t, response("GetRooms", `<Rooms><t:Room><t:Id><t:Name>Room 1</t:Name><t:EmailAddress>room1@contoso.example</t:EmailAddress></t:Id></t:Room></Rooms>`)).GetRooms(t.Context(), lists[0].Address)
	if err != nil || len(list) != 1 || list[0].Name != "Room 1" {
		t.Errorf("%v %v", list, err)
	}
}

func TestAutomaticReplies(t *testing.T) {
	const done = `<ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage>`
	tom := smtpaddr.MustAddress("tom@contoso.example")
	away := directory.OofSettings{State: directory.OofEnabled, ExternalAudience: directory.AudienceKnown, InternalReply: directory.OofReply{Message: "In the mountains"}}
	if err := client(t, response("SetUserOofSettings", done)).SetUserOofSettings(t.Context(), tom, away); err != nil {
		t.Error(err)
	}
	got, allowed, err := client(t, response("GetUserOofSettings", done+`<t:OofSettings><t:OofState>Enabled</t:OofState><t:ExternalAudience>Known</t:ExternalAudience><t:InternalReply><t:Message>In the mountains</t:Message></t:InternalReply><t:ExternalReply><t:Message></t:Message></t:ExternalReply></t:OofSettings><AllowExternalOof>All</AllowExternalOof>`)).
		GetUserOofSettings(t.Context(), tom)
	if err != nil || got != away || allowed != directory.AudienceAll {
		t.Errorf("%+v %s %v", got, allowed, err)
	}
}

func TestWhatSendersAreTold(t *testing.T) {
	configuration, err := client(t, response("GetServiceConfiguration", `<ResponseMessages><ServiceConfigurationResponseMessageType ResponseClass="Success"><ResponseCode>NoError</ResponseCode><MailTipsConfiguration><t:MailTipsEnabled>true</t:MailTipsEnabled><t:MaxRecipientsPerGetMailTipsRequest>50</t:MaxRecipientsPerGetMailTipsRequest></MailTipsConfiguration></ServiceConfigurationResponseMessageType></ResponseMessages>`)).
		MailTipsConfiguration(t.Context())
	if err != nil || !configuration.Enabled || configuration.MaxRecipients != 50 {
		t.Errorf("%+v %v", configuration, err)
	}
	tom := directory.Addressee{Address: smtpaddr.MustAddress("tom@contoso.example")}
	q := directory.MailTipsQuery{Requester: orgrel.Requester{Address: smtpaddr.MustAddress("rita@contoso.example")}, Recipients: []directory.Addressee{tom}, Requested: directory.AllMailTips}
	tips, err := client(t, response("GetMailTips", `<ResponseMessages><MailTipsResponseMessageType ResponseClass="Success"><ResponseCode>NoError</ResponseCode><MailTips><t:PendingMailTips/><t:OutOfOffice><t:ReplyBody><t:Message>In the mountains</t:Message></t:ReplyBody></t:OutOfOffice></MailTips></MailTipsResponseMessageType></ResponseMessages>`)).
		GetMailTips(t.Context(), q)
	if err != nil || tips[0].Err != nil || tips[0].Tips.OutOfOffice.Reply.Message != "In the mountains" {
		t.Errorf("%+v %v", tips, err)
	}
	size, err := directory.ParsePhotoSize("HR48x48")
	if err != nil {
		t.Fatal(err)
	}
	photo, err := client(t, response("GetUserPhoto", `<HasChanged>true</HasChanged><PictureData>/9j/2w==</PictureData>`)).GetUserPhoto(t.Context(), directory.PhotoQuery{Person: tom, Size: size})
	if err != nil || string(photo.Data) != "\xff\xd8\xff\xdb" {
		t.Errorf("%v %v", photo, err)
	}
}

func TestAWrongPassword(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(srv.Close)
	_, err := (&ews.Client{URL: srv.URL, HTTP: srv.Client(), Username: "tom", Password: "wrong"}).GetUserAvailability(t.Context(), query())
	if ews.HTTPStatus(err) != http.StatusUnauthorized {
		t.Errorf("%v", err)
	}
	_, err = (&autodiscover.Client{HTTP: srv.Client(), Username: "tom", Password: "wrong"}).GetUserSettings(t.Context(), srv.URL, smtpaddr.MustAddress("tom@contoso.example"), "ExternalEwsUrl")
	if autodiscover.HTTPStatus(err) != http.StatusUnauthorized {
		t.Errorf("%v", err)
	}
}

func TestFaultTellsItsCode(t *testing.T) {
	srv := server(t, http.StatusInternalServerError, `<s:Fault><faultcode xmlns:a="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">a:InvalidSecurity</faultcode><faultstring>An error occurred when verifying security for the message.</faultstring></s:Fault>`)
	_, err := (&ews.Client{URL: srv.URL, HTTP: srv.Client(), Header: header}).GetUserAvailability(t.Context(), query())
	var refused *ews.Error
	if !errors.As(err, &refused) || refused.Code != "InvalidSecurity" || !refused.Security {
		t.Errorf("%v", err)
	}
}

func TestWhereThePartnerIs(t *testing.T) {
	srv := server(t, http.StatusOK, `<GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response><ErrorCode>NoError</ErrorCode><UserResponses><UserResponse><ErrorCode>NoError</ErrorCode><UserSettings><UserSetting><Name>ExternalEwsUrl</Name><Value>https://mail.contoso.example/EWS/Exchange.asmx</Value></UserSetting></UserSettings></UserResponse></UserResponses></Response></GetUserSettingsResponseMessage>`)
	c := &autodiscover.Client{HTTP: srv.Client(), Header: header}
	settings, err := c.GetUserSettings(t.Context(), srv.URL, smtpaddr.MustAddress("tom@contoso.example"), "ExternalEwsUrl")
	if err != nil || settings["ExternalEwsUrl"] != "https://mail.contoso.example/EWS/Exchange.asmx" {
		t.Errorf("%v %v", settings, err)
	}
	_, err = c.GetDomainSettings(t.Context(), srv.URL, smtpaddr.MustDomain("contoso.example"), "ExternalEwsUrl")
	var refused *autodiscover.Error
	if err == nil || errors.As(err, &refused) {
		t.Errorf("an answer to another question is taken: %v", err)
	}
}

func TestWhatAPartnerTellsOfItself(t *testing.T) {
	const answer = `<GetFederationInformationResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response><ErrorCode>NoError</ErrorCode><ApplicationUri>exchangedelegation.contoso.example</ApplicationUri><Domains><Domain>contoso.example</Domain></Domains><TokenIssuers><TokenIssuer><Endpoint>https://gateway.example/extSTS.srf</Endpoint><Uri>urn:federation:gateway</Uri></TokenIssuer></TokenIssuers></Response></GetFederationInformationResponseMessage>`
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // without a token
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = io.WriteString(w, strings.Replace(envelope, "%s", answer, 1))
	}))
	t.Cleanup(srv.Close)
	info, err := (&autodiscover.Client{HTTP: srv.Client()}).GetFederationInformation(t.Context(), srv.URL, smtpaddr.MustDomain("contoso.example"))
	if err != nil || info.ApplicationUri != "exchangedelegation.contoso.example" || info.TokenIssuers[0].Uri != "urn:federation:gateway" {
		t.Errorf("%+v %v", info, err)
	}
}

func TestWhatAPartnerHasSetForUs(t *testing.T) {
	srv := server(t, http.StatusOK, `<GetOrganizationRelationshipSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response><ErrorCode>NoError</ErrorCode><OrganizationRelationshipSettingsCollection><OrganizationRelationshipSettings><DomainNames><Domain>fabrikam.example</Domain></DomainNames><FreeBusyAccessEnabled>true</FreeBusyAccessEnabled><FreeBusyAccessLevel>LimitedDetails</FreeBusyAccessLevel><Name>Fabrikam</Name></OrganizationRelationshipSettings></OrganizationRelationshipSettingsCollection></Response></GetOrganizationRelationshipSettingsResponseMessage>`)
	settings, err := (&autodiscover.Client{HTTP: srv.Client(), Header: header}).GetOrganizationRelationshipSettings(t.Context(), srv.URL, smtpaddr.MustDomain("fabrikam.example"))
	if err != nil || len(settings) != 1 || settings[0].Name != "Fabrikam" || settings[0].FreeBusyAccessLevel != "LimitedDetails" {
		t.Errorf("%+v %v", settings, err)
	}
}

func TestWhereNoPartnerIs(t *testing.T) {
	c := &autodiscover.Client{HTTP: &http.Client{Transport: refusing{}}}
	info, tries, err := c.Discover(t.Context(), smtpaddr.MustDomain("contoso.example"), autodiscover.DiscoverOptions{})
	if err == nil || info != nil || len(tries) != 3 || tries[0].URL != "https://autodiscover.contoso.example/autodiscover/autodiscover.svc" || tries[0].Err == nil {
		t.Errorf("%v %v %v", info, tries, err)
	}
}

func TestWhereNoUserIs(t *testing.T) {
	c := &autodiscover.Client{HTTP: &http.Client{Transport: refusing{}}}
	settings, tries, err := c.DiscoverUser(t.Context(), smtpaddr.MustAddress("tom@contoso.example"), autodiscover.DiscoverOptions{}, "ExternalEwsUrl")
	if err == nil || settings != nil || len(tries) == 0 || tries[0].Err == nil {
		t.Errorf("%v %v %v", settings, tries, err)
	}
}

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}
