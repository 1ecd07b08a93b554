package ews_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/directory"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// exampleBook is an address book with one list of rooms.
type exampleBook struct{ ews.Directory }

func (exampleBook) RoomLists(context.Context) ([]directory.Entry, error) {
	return []directory.Entry{{Name: "First floor", Address: own("floor1"), Type: directory.TypePublicDL}}, nil
}

func (exampleBook) Rooms(context.Context, string) ([]directory.Entry, error) {
	return []directory.Entry{{Name: "Room 1", Address: own("room1"), Type: directory.TypeMailbox}, {Name: "Room 2", Address: own("room2"), Type: directory.TypeMailbox}}, nil
}

func (exampleBook) Resolve(context.Context, string, int) ([]directory.Entry, bool, error) {
	return []directory.Entry{{Name: "Tom", Address: own("tom"), Type: directory.TypeMailbox}, {Name: "Tools", Address: own("tools"), Type: directory.TypePublicDL}}, false, nil
}

// exampleServer stands for the endpoint of an organization in which tom shows his calendar and anna only when she is busy.
func exampleServer() *httptest.Server {
	service := &availability.Service{Calendars: contoso{}, Relationships: contoso{}, Organization: contoso{}, Limits: availability.DefaultLimits(), Now: func() time.Time { return at(20, 12, 0) }}
	tips := &directory.Service{Store: senders{}, Organization: senders{}, Relationships: senders{}, Now: service.Now}
	return httptest.NewTLSServer(ews.NewHandler(ews.Options{Service: service, Calendar: service, Directory: exampleBook{}, Recipients: tips, ServerName: "mail.contoso.example",
		Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return requester("own"), nil }}))
}

func attendee(address string) availability.Attendee {
	return availability.Attendee{Address: smtpaddr.MustAddress(address)}
}

func ExampleClient_GetUserAvailability() {
	server := exampleServer()
	defer server.Close()

	client := &ews.Client{URL: server.URL + "/EWS/Exchange.asmx", HTTP: server.Client(), Username: "colleague@contoso.example", Password: "secret"}
	nine := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	answer, err := client.GetUserAvailability(context.Background(), availability.Query{
		Mailboxes: []availability.Attendee{attendee("tom@contoso.example"), attendee("nobody@contoso.example")},
		Window:    availability.Window{Start: nine, End: nine.Add(6 * time.Hour)},
		View:      availability.DetailedMerged,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, result := range answer.Results {
		var failed *ews.Error
		if errors.As(result.Err, &failed) {
			fmt.Println(failed.ResponseCode)
			continue
		}
		fmt.Println(result.View.Merged)
		for _, e := range result.View.Events {
			fmt.Printf("%s to %s %s %q\n", e.Start.Format("15:04"), e.End.Format("15:04"), e.BusyType, e.Subject)
		}
	}
	// Output:
	// 221110003300
	// 00:00 to 00:00 Free "Birthday of <Rita> & Tom"
	// 09:00 to 10:00 Busy "Planning"
	// 09:30 to 11:30 Tentative "Übergabe"
	// 13:00 to 14:00 OOF ""
	// ErrorMailRecipientNotFound
}

func ExampleClient_GetUserAvailability_suggestions() {
	server := exampleServer()
	defer server.Close()

	client := &ews.Client{URL: server.URL + "/EWS/Exchange.asmx", HTTP: server.Client(), Username: "colleague@contoso.example", Password: "secret"}
	berlin, err := timezone.Lookup("Europe/Berlin")
	if err != nil {
		fmt.Println(err)
		return
	}
	monday := berlin.Instant(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)) // its midnight in Berlin
	options := availability.DefaultSuggestions()
	options.Window = availability.Window{Start: monday, End: monday.Add(24 * time.Hour)}
	options.MaxPerDay = 2
	organizer := attendee("tom@contoso.example")
	organizer.Type = availability.Organizer
	answer, err := client.GetUserAvailability(context.Background(), availability.Query{
		Mailboxes:   []availability.Attendee{organizer},
		Zone:        berlin,
		Suggestions: &options,
	})
	if err != nil || answer.Suggestions.Err != nil {
		fmt.Println(err, answer.Suggestions)
		return
	}
	for _, day := range answer.Suggestions.Days {
		for _, s := range day.Suggestions {
			fmt.Println(berlin.Wall(s.Time).Format("15:04"), s.Quality)
		}
	}
	// Output:
	// 08:00 Excellent
	// 08:30 Excellent
}

func ExampleClient_FindItem() {
	server := exampleServer()
	defer server.Close()

	client := &ews.Client{URL: server.URL + "/EWS/Exchange.asmx", HTTP: server.Client(), Username: "colleague@contoso.example", Password: "secret"}
	week := availability.Window{Start: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}
	items, _, err := client.FindItem(context.Background(), ews.FolderID{Distinguished: "calendar"}, week, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, item := range items {
		fmt.Println(item.Start.Format("Mon 15:04"), item.Subject)
	}

	of := ews.FolderID{Distinguished: "calendar", Mailbox: smtpaddr.MustAddress("anna@contoso.example")}
	_, _, err = client.FindItem(context.Background(), of, week, 0)
	var refused *ews.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.ResponseCode)
	}
	// Output:
	// Mon 00:00 Birthday of <Rita> & Tom
	// Mon 09:00 Planning
	// Mon 09:30 Übergabe
	// Mon 13:00 Doctor
	// Mon 15:00 Focus
	// ErrorAccessDenied
}

func ExampleClient_GetServerTimeZones() {
	server := exampleServer()
	defer server.Close()

	client := &ews.Client{URL: server.URL + "/EWS/Exchange.asmx", HTTP: server.Client(), Username: "colleague@contoso.example", Password: "secret"}
	definitions, err := client.GetServerTimeZones(context.Background(), "Eastern Standard Time")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range definitions {
		zone, err := timezone.FromDefinition(d)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(d.Name, zone.Wall(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)).Format("15:04"))
	}
	// Output:
	// (UTC-05:00) Eastern Time (US & Canada) 08:00
}

func ExampleClient_ResolveNames() {
	server := exampleServer()
	defer server.Close()

	client := &ews.Client{URL: server.URL + "/EWS/Exchange.asmx", HTTP: server.Client(), Username: "colleague@contoso.example", Password: "secret"}
	found, whole, err := client.ResolveNames(context.Background(), "to")
	if ews.ResponseCode(err) == "ErrorNameResolutionNoResults" {
		fmt.Println("nobody")
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range found {
		fmt.Println(e.Type, e.Name, e.Address)
	}
	fmt.Println("all of them:", whole)
	// Output:
	// Mailbox Tom tom@contoso.example
	// PublicDL Tools tools@contoso.example
	// all of them: true
}

func ExampleClient_GetRooms() {
	server := exampleServer()
	defer server.Close()

	client := &ews.Client{URL: server.URL + "/EWS/Exchange.asmx", HTTP: server.Client(), Username: "colleague@contoso.example", Password: "secret"}
	lists, err := client.GetRoomLists(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, list := range lists {
		rooms, err := client.GetRooms(context.Background(), list.Address)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, room := range rooms {
			fmt.Printf("%s: %s <%s>\n", list.Name, room.Name, room.Address)
		}
	}
	// Output:
	// First floor: Room 1 <room1@contoso.example>
	// First floor: Room 2 <room2@contoso.example>
}

func ExampleClient_GetMailTips() {
	server := exampleServer()
	defer server.Close()

	client := &ews.Client{URL: server.URL + "/EWS/Exchange.asmx", HTTP: server.Client(), Username: "colleague@contoso.example", Password: "secret"}
	results, err := client.GetMailTips(context.Background(), directory.MailTipsQuery{
		Requester:  orgrel.Requester{Address: smtpaddr.MustAddress("colleague@contoso.example")},
		Recipients: []directory.Addressee{{Address: smtpaddr.MustAddress("tom@contoso.example")}, {Address: smtpaddr.MustAddress("staff@contoso.example")}},
		Requested:  directory.OutOfOfficeMessage | directory.TotalMemberCount,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, result := range results {
		if result.Err != nil {
			fmt.Println(ews.ResponseCode(result.Err))
			continue
		}
		if oof := result.Tips.OutOfOffice; oof != nil {
			fmt.Println(oof.Reply.Message)
		}
		if n := result.Tips.TotalMemberCount; n != nil {
			fmt.Println(*n, "would read it")
		}
	}
	// Output:
	// <html>In the mountains</html>
	// 1 would read it
	// 3 would read it
}
