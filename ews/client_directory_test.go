package ews_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// client asks a server with contoso's address book as colleague.
func client(t *testing.T) *ews.Client {
	t.Helper()
	srv := httptest.NewTLSServer(ews.NewHandler(ews.Options{Directory: addressBook(t), Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return requester(""), nil }}))
	t.Cleanup(srv.Close)
	return &ews.Client{URL: srv.URL, HTTP: srv.Client()}
}

// answering is a client whose server answers body, whatever is asked.
func answering(t *testing.T, body string) *ews.Client {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = io.WriteString(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Body>`+
			strings.Replace(body, " ", ` xmlns="http://schemas.microsoft.com/exchange/services/2006/messages" `, 1)+`</s:Body></s:Envelope>`)
	}))
	t.Cleanup(srv.Close)
	return &ews.Client{URL: srv.URL, HTTP: srv.Client()}
}

func entry(kind directory.MailboxType, name, address string) directory.Entry {
	return directory.Entry{Name: name, Address: smtpaddr.MustAddress(address), Type: kind}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// coded checks that err is an answer with that code.
func coded(t *testing.T, err error, code string) {
	t.Helper()
	var refused *ews.Error
	if !errors.As(err, &refused) || refused.ResponseCode != code {
		t.Errorf("%v is not %s", err, code)
	}
}

func TestClientFindsNamesGroupsAndRooms(t *testing.T) {
	c := client(t)
	list, whole, err := c.ResolveNames(t.Context(), "rol")
	must(t, err)
	same(t, list, []directory.Entry{entry(directory.TypeMailbox, "Rolf <Sales & Co>", "rolf@contoso.example")})
	if !whole {
		t.Error("there are no others")
	}
	list, _, err = c.ResolveNames(t.Context(), "roo")
	must(t, err)
	same(t, list, []directory.Entry{entry(directory.TypeMailbox, "Room 1 & 2", "room1@contoso.example"), entry(directory.TypeMailbox, "Room 3", "room3@contoso.example")})
	members, err := c.ExpandDL(t.Context(), "Lab <R&D>")
	must(t, err)
	same(t, members, []directory.Entry{entry(directory.TypeMailbox, "Tom", "tom@contoso.example"), entry(directory.TypePublicDL, "Night shift", "night@contoso.example"),
		entry(directory.TypeContact, "Rita", "rita@contoso.example"), entry(directory.TypeContact, "joe@elsewhere.example", "joe@elsewhere.example")})
	lists, err := c.GetRoomLists(t.Context())
	must(t, err)
	same(t, lists, []directory.Entry{entry(directory.TypePublicDL, "Annex", "annex@contoso.example"), entry(directory.TypePublicDL, "Headquarters", "hq@contoso.example")})
	rooms, err := c.GetRooms(t.Context(), lists[1].Address)
	must(t, err)
	same(t, rooms, []directory.Entry{entry(directory.TypeMailbox, "Room 3", "room3@contoso.example"), entry(directory.TypeMailbox, "Room 1 & 2", "room1@contoso.example")})
	rooms, err = c.GetRooms(t.Context(), lists[0].Address)
	must(t, err)
	same(t, len(rooms), 0)
}

func TestClientTellsNamesThatAreNobodys(t *testing.T) {
	c := client(t)
	_, _, err := c.ResolveNames(t.Context(), "xavier")
	coded(t, err, "ErrorNameResolutionNoResults")
	_, _, err = c.ResolveNames(t.Context(), "-")
	coded(t, err, "ErrorInvalidNameForNameResolution")
	_, err = c.ExpandDL(t.Context(), "Twins")
	coded(t, err, "ErrorNameResolutionMultipleResults")
	_, err = c.GetRooms(t.Context(), own("lab"))
	coded(t, err, "ErrorNameResolutionNoResults")
}

func TestClientReadsBackTheAutomaticRepliesThatItSets(t *testing.T) {
	c := client(t)
	want := directory.OofSettings{State: directory.OofScheduled, ExternalAudience: directory.AudienceNone, Start: time.Date(2026, 12, 24, 8, 0, 0, 0, time.FixedZone("", 3600)), End: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC),
		InternalReply: directory.OofReply{Message: "<p>Back & rested in \"January\"</p>\n", Lang: "en"}, ExternalReply: directory.OofReply{Message: "  Zurück ☃"}}
	must(t, c.SetUserOofSettings(t.Context(), own("colleague"), want))
	got, allowed, err := c.GetUserOofSettings(t.Context(), own("colleague"))
	must(t, err)
	want.Start = want.Start.UTC()
	same(t, got, want)
	same(t, allowed, directory.AudienceAll)
	want = directory.OofSettings{State: directory.OofDisabled, ExternalAudience: directory.AudienceAll}
	must(t, c.SetUserOofSettings(t.Context(), own("colleague"), want))
	got, _, err = c.GetUserOofSettings(t.Context(), own("colleague"))
	must(t, err)
	same(t, got, want)
}

func TestClientTellsWhyAutomaticRepliesAreRefused(t *testing.T) {
	c := client(t)
	_, _, err := c.GetUserOofSettings(t.Context(), own("tom"))
	coded(t, err, "ErrorAccessDenied")
	past := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	coded(t, c.SetUserOofSettings(t.Context(), own("tom"), directory.OofSettings{State: directory.OofDisabled, ExternalAudience: directory.AudienceAll}), "ErrorAccessDenied")
	coded(t, c.SetUserOofSettings(t.Context(), own("colleague"), directory.OofSettings{State: directory.OofScheduled, ExternalAudience: directory.AudienceAll, Start: past, End: past.Add(time.Hour)}), "ErrorInvalidScheduledOofDuration")
}

func TestClientReadsTheMailTipsConfiguration(t *testing.T) {
	got, err := client(t).MailTipsConfiguration(t.Context())
	must(t, err)
	same(t, got, directory.MailTipsConfiguration{Enabled: true, MaxRecipients: 50, MaxMessageSize: 1<<31 - 1, LargeAudienceThreshold: 25, LargeAudienceCap: 1000,
		InternalDomains: []directory.SmtpDomain{{Name: smtpaddr.MustDomain("contoso.example")}, {Name: smtpaddr.MustDomain("contoso.org.example")}}})
}

// TestClientReadsWhatExchangeAnswers has forms that are not ours: a private list's member, a legacy address, an older
// configuration.
func TestClientReadsWhatExchangeAnswers(t *testing.T) {
	members, err := answering(t, `<ExpandDLResponse ><ResponseMessages><ExpandDLResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode><DLExpansion TotalItemsInView="3" IncludesLastItemInRange="true">
		<t:Mailbox><t:Name>Ann</t:Name><t:MailboxType>PrivateDL</t:MailboxType><t:ItemId Id="x" ChangeKey="y"/></t:Mailbox>
		<t:Mailbox><t:Name>Bob</t:Name><t:EmailAddress>/o=x/cn=bob</t:EmailAddress><t:RoutingType>EX</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox>
		<t:Mailbox><t:EmailAddress>SMTP:Cem@x.example</t:EmailAddress></t:Mailbox></DLExpansion></ExpandDLResponseMessage></ResponseMessages></ExpandDLResponse>`).ExpandDL(t.Context(), "x")
	must(t, err)
	same(t, members, []directory.Entry{{Name: "Ann", Type: "PrivateDL"}, {Name: "Bob", Type: directory.TypeMailbox}, entry("", "SMTP:Cem@x.example", "cem@x.example")})
	c, err := answering(t, `<GetServiceConfigurationResponse ResponseClass="Success"><ResponseCode>NoError</ResponseCode><ResponseMessages><ServiceConfigurationResponseMessageType ResponseClass="Success"><ResponseCode>NoError</ResponseCode>
		<MailTipsConfiguration><t:MailTipsEnabled>true</t:MailTipsEnabled><t:MaxRecipientsPerGetMailTipsRequest>50</t:MaxRecipientsPerGetMailTipsRequest><t:MaxMessageSize>10240</t:MaxMessageSize><t:LargeAudienceThreshold>25</t:LargeAudienceThreshold><t:ShowExternalRecipientCount>true</t:ShowExternalRecipientCount>
		<t:InternalDomains><t:Domain Name="x.example" IncludeSubdomains="true"/></t:InternalDomains></MailTipsConfiguration></ServiceConfigurationResponseMessageType></ResponseMessages></GetServiceConfigurationResponse>`).MailTipsConfiguration(t.Context())
	must(t, err)
	same(t, c, directory.MailTipsConfiguration{Enabled: true, MaxRecipients: 50, MaxMessageSize: 10240, LargeAudienceThreshold: 25, ShowExternalRecipientCount: true,
		InternalDomains: []directory.SmtpDomain{{Name: smtpaddr.MustDomain("x.example"), IncludeSubdomains: true}}})
}

// TestClientRefusesAnswersThatAreNone: what is not what was asked is never taken for an empty list or for success.
func TestClientRefusesAnswersThatAreNone(t *testing.T) {
	rooms := func(c *ews.Client) error { _, err := c.GetRooms(t.Context(), own("hq")); return err }
	lists := func(c *ews.Client) error { _, err := c.GetRoomLists(t.Context()); return err }
	expand := func(c *ews.Client) error { _, err := c.ExpandDL(t.Context(), "lab"); return err }
	resolve := func(c *ews.Client) error { _, _, err := c.ResolveNames(t.Context(), "lab"); return err }
	oof := func(c *ews.Client) error { _, _, err := c.GetUserOofSettings(t.Context(), own("tom")); return err }
	set := func(c *ews.Client) error {
		return c.SetUserOofSettings(t.Context(), own("tom"), directory.OofSettings{State: directory.OofDisabled})
	}
	tips := func(c *ews.Client) error { _, err := c.MailTipsConfiguration(t.Context()); return err }
	const success, ok = ` ResponseClass="Success"`, `<ResponseCode>NoError</ResponseCode>`
	for name, c := range map[string]struct {
		ask  func(*ews.Client) error
		body string
	}{
		"another operation's":    {rooms, `<GetRoomListsResponse ` + success + `>` + ok + `<RoomLists/></GetRoomListsResponse>`},
		"without class":          {lists, `<GetRoomListsResponse >` + ok + `<RoomLists/></GetRoomListsResponse>`},
		"unknown class":          {lists, `<GetRoomListsResponse ResponseClass="Maybe">` + ok + `<RoomLists/></GetRoomListsResponse>`},
		"success with a code":    {lists, `<GetRoomListsResponse ` + success + `><ResponseCode>ErrorAccessDenied</ResponseCode><RoomLists/></GetRoomListsResponse>`},
		"error without code":     {lists, `<GetRoomListsResponse ResponseClass="Error"><RoomLists/></GetRoomListsResponse>`},
		"no list":                {lists, `<GetRoomListsResponse ` + success + `>` + ok + `</GetRoomListsResponse>`},
		"a room without id":      {rooms, `<GetRoomsResponse ` + success + `>` + ok + `<Rooms><t:Room/></Rooms></GetRoomsResponse>`},
		"no address":             {rooms, `<GetRoomsResponse ` + success + `>` + ok + `<Rooms><t:Room><t:Id><t:Name>R</t:Name><t:EmailAddress>room 1</t:EmailAddress></t:Id></t:Room></Rooms></GetRoomsResponse>`},
		"unknown mailbox type":   {rooms, `<GetRoomsResponse ` + success + `>` + ok + `<Rooms><t:Room><t:Id><t:Name>R</t:Name><t:MailboxType>Den</t:MailboxType></t:Id></t:Room></Rooms></GetRoomsResponse>`},
		"no message":             {expand, `<ExpandDLResponse ><ResponseMessages/></ExpandDLResponse>`},
		"two messages":           {expand, `<ExpandDLResponse ><ResponseMessages>` + strings.Repeat(`<ExpandDLResponseMessage `+success+`>`+ok+`<DLExpansion/></ExpandDLResponseMessage>`, 2) + `</ResponseMessages></ExpandDLResponse>`},
		"no expansion":           {expand, `<ExpandDLResponse ><ResponseMessages><ExpandDLResponseMessage ` + success + `>` + ok + `</ExpandDLResponseMessage></ResponseMessages></ExpandDLResponse>`},
		"no resolution":          {resolve, `<ResolveNamesResponse ><ResponseMessages><ResolveNamesResponseMessage ` + success + `>` + ok + `</ResolveNamesResponseMessage></ResponseMessages></ResolveNamesResponse>`},
		"no settings":            {oof, `<GetUserOofSettingsResponse ><ResponseMessage ` + success + `>` + ok + `</ResponseMessage></GetUserOofSettingsResponse>`},
		"unknown state":          {oof, `<GetUserOofSettingsResponse ><ResponseMessage ` + success + `>` + ok + `</ResponseMessage><t:OofSettings><t:OofState>On</t:OofState><t:ExternalAudience>All</t:ExternalAudience></t:OofSettings></GetUserOofSettingsResponse>`},
		"no status":              {set, `<SetUserOofSettingsResponse />`},
		"no configuration":       {tips, `<GetServiceConfigurationResponse ` + success + `>` + ok + `<ResponseMessages><ServiceConfigurationResponseMessageType ` + success + `>` + ok + `</ServiceConfigurationResponseMessageType></ResponseMessages></GetServiceConfigurationResponse>`},
		"count that is no count": {tips, `<GetServiceConfigurationResponse ` + success + `>` + ok + `<ResponseMessages><ServiceConfigurationResponseMessageType ` + success + `>` + ok + `<MailTipsConfiguration><t:MaxMessageSize>-1</t:MaxMessageSize></MailTipsConfiguration></ServiceConfigurationResponseMessageType></ResponseMessages></GetServiceConfigurationResponse>`},
	} {
		var refused *ews.Error
		if err := c.ask(answering(t, c.body)); err == nil || errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
