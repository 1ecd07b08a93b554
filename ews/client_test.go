package ews_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// colleague is the client of an own user of Contoso's, of whom the calendars are readable that the golden pairs read.
func colleague(t *testing.T) *ews.Client {
	t.Helper()
	service := &availability.Service{Calendars: contoso{}, Relationships: contoso{}, Organization: contoso{}, Limits: availability.DefaultLimits(), Now: func() time.Time { return at(20, 12, 0) }}
	srv := httptest.NewServer(ews.NewHandler(ews.Options{Service: service, Calendar: service, ServerName: "mail.contoso.example",
		Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return requester("own"), nil }}))
	t.Cleanup(srv.Close)
	return &ews.Client{URL: srv.URL, HTTP: srv.Client()}
}

var (
	tom    = smtpaddr.MustAddress("tom@contoso.example")
	monday = availability.Window{Start: at(23, 0, 0), End: at(24, 0, 0)}
)

func responseCode(err error) string {
	if e, ok := errors.AsType[*ews.Error](err); ok {
		return e.ResponseCode
	}
	return "no *ews.Error"
}

func TestClientReadsACalendarAndItsItems(t *testing.T) {
	c := colleague(t)
	folders, err := c.GetFolder(t.Context(), ews.FolderID{Distinguished: "calendar", Mailbox: tom}, ews.FolderID{Distinguished: "notes"})
	if err != nil || folders[0].DisplayName != "Calendar" || folders[0].Class != "IPF.Appointment" || folders[0].ParentID == "" || responseCode(folders[1].Err) != "ErrorFolderNotFound" {
		t.Fatalf("%+v %v", folders, err)
	}
	in, err := c.ConvertID(t.Context(), folders[0].ID)
	if err != nil || in != tom {
		t.Errorf("the folder is in %s, %v", in, err)
	}
	items, more, err := c.FindItem(t.Context(), ews.FolderID{ID: folders[0].ID}, monday, 0)
	if err != nil || more || len(items) != 5 {
		t.Fatalf("%d items, more %t, %v", len(items), more, err)
	}
	planning, private := items[1], items[3]
	want := mailbox.Occurrence{UID: "2", Start: at(23, 9, 0), End: at(23, 10, 0), BusyType: mailbox.Busy, Subject: "Planning", Location: "Room 1", IsMeeting: true, IsRecurring: true, IsReminderSet: true}
	if planning.Occurrence != want {
		t.Errorf("found %+v", planning.Occurrence)
	}
	if !private.IsPrivate || private.Subject+private.Location+private.UID != "" || private.BusyType != mailbox.OOF {
		t.Errorf("the private item is %+v", private)
	}
	got, err := c.GetItem(t.Context(), planning.ID, "AAMk", private.ID)
	if err != nil || got[0] != planning || responseCode(got[1].Err) != "ErrorInvalidIdMalformed" || got[2] != private {
		t.Errorf("%+v %v", got, err)
	}
}

func TestClientTellsThatThereIsMore(t *testing.T) {
	items, more, err := colleague(t).FindItem(t.Context(), ews.FolderID{Distinguished: "calendar"}, monday, 2)
	if err != nil || !more || len(items) != 2 {
		t.Errorf("%d items, more %t, %v", len(items), more, err)
	}
}

// TestNothingIsLeftOutUnsaid: more than a thousand entries are an error, unless the client set a limit itself.
func TestNothingIsLeftOutUnsaid(t *testing.T) {
	c, crowded := colleague(t), ews.FolderID{Distinguished: "calendar", Mailbox: smtpaddr.MustAddress("crowded@contoso.example")}
	if items, _, err := c.FindItem(t.Context(), crowded, monday, 0); responseCode(err) != "ErrorExceededFindCountLimit" {
		t.Errorf("%d items, %v", len(items), err)
	}
	for limit, want := range map[int]int{1000: 1000, 5000: 1000} {
		if items, more, err := c.FindItem(t.Context(), crowded, monday, limit); err != nil || !more || len(items) != want {
			t.Errorf("of at most %d: %d items, more %t, %v", limit, len(items), more, err)
		}
	}
}

func TestClientErrorsNameTheCode(t *testing.T) {
	c := colleague(t)
	years := availability.Window{Start: at(1, 0, 0), End: at(1, 0, 0).AddDate(3, 0, 0)}
	for want, ask := range map[string]func() error{
		"ErrorAccessDenied": func() error {
			_, _, err := c.FindItem(t.Context(), ews.FolderID{Distinguished: "calendar", Mailbox: smtpaddr.MustAddress("anna@contoso.example")}, monday, 0)
			return err
		},
		"ErrorCalendarViewRangeTooBig": func() error {
			_, _, err := c.FindItem(t.Context(), ews.FolderID{Distinguished: "calendar"}, years, 0)
			return err
		},
		"ErrorInvalidIdMalformed": func() error {
			_, err := c.ConvertID(t.Context(), "AAMk")
			return err
		},
		"ErrorMailboxDataArrayEmpty": func() error {
			_, err := c.GetUserAvailability(t.Context(), availability.Query{View: availability.FreeBusy, Window: monday})
			return err
		},
		"ErrorMailRecipientNotFound": func() error {
			a, err := c.GetUserAvailability(t.Context(), availability.Query{View: availability.FreeBusy, Window: monday, Mailboxes: []availability.Attendee{{Address: smtpaddr.MustAddress("nobody@contoso.example")}}})
			return errors.Join(err, a.Results[0].Err)
		},
		"ErrorAddressSpaceNotFound": func() error {
			a, err := c.GetUserAvailability(t.Context(), availability.Query{View: availability.FreeBusy, Window: monday, Mailboxes: []availability.Attendee{{Address: smtpaddr.MustAddress("x@elsewhere.example")}}})
			return errors.Join(err, a.Results[0].Err)
		},
	} {
		if err := ask(); responseCode(err) != want {
			t.Errorf("%s: %s, %v", want, responseCode(err), err)
		}
	}
}

func TestClientMakesZonesOfWhatTheServerHas(t *testing.T) {
	zones, err := colleague(t).GetServerTimeZones(t.Context(), "W. Europe Standard Time", "No Such Time", "UTC")
	if err != nil || len(zones) != 2 {
		t.Fatalf("%+v %v", zones, err)
	}
	z, err := timezone.FromDefinition(zones[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := z.Wall(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)); got.Hour() != 14 {
		t.Errorf("noon of a summer's day is %s in %s", got, zones[0].Name)
	}
}

// TestClientAsksInAZone: the same instants come back whatever zone they travel in, also over the hour that summer time
// repeats, and the days of suggestions are those of the zone.
func TestClientAsksInAZone(t *testing.T) {
	c := colleague(t)
	berlin, err := timezone.Lookup("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	q := availability.Query{View: availability.DetailedMerged, Window: monday, Mailboxes: []availability.Attendee{{Address: tom}}}
	inUTC, err := c.GetUserAvailability(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	q.Zone = berlin
	inBerlin, err := c.GetUserAvailability(t.Context(), q)
	if err != nil || !slices.Equal(inUTC.Results[0].View.Events, inBerlin.Results[0].View.Events) || inUTC.Results[0].View.Merged != inBerlin.Results[0].View.Merged {
		t.Errorf("%v: in UTC %+v, in Berlin %+v", err, inUTC.Results, inBerlin.Results)
	}
	// From 02:30 of summer time to 02:30 of winter time the clock stands where it was.
	q.Window = availability.Window{Start: time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC)}
	night, err := c.GetUserAvailability(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if e := night.Results[0].View.Events[0]; !e.Start.Equal(time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)) || !e.End.Equal(time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC)) {
		t.Errorf("the night watch is from %s to %s", e.Start, e.End)
	}
}

func TestClientAsksForSuggestions(t *testing.T) {
	c := colleague(t)
	berlin, err := timezone.Lookup("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o := availability.DefaultSuggestions()
	o.Window = availability.Window{Start: at(22, 23, 0), End: at(23, 23, 0)} // the midnights of Berlin
	o.CurrentMeetingUID = "2"
	q := availability.Query{Zone: berlin, Suggestions: &o, Mailboxes: []availability.Attendee{{Address: tom, Type: availability.Organizer},
		{Address: smtpaddr.MustAddress("nobody@contoso.example"), Type: availability.Optional}}}
	answer, err := c.GetUserAvailability(t.Context(), q)
	if err != nil || answer.Results != nil || answer.Suggestions == nil || answer.Suggestions.Err != nil {
		t.Fatalf("%+v %v", answer, err)
	}
	day := answer.Suggestions.Days
	if len(day) != 1 || !day[0].Date.Equal(at(23, 0, 0)) || len(day[0].Suggestions) == 0 {
		t.Fatalf("%+v", day)
	}
	for _, s := range day[0].Suggestions {
		if len(s.Conflicts) != 2 || s.Conflicts[1].Kind != availability.UnknownConflict || s.Conflicts[0].Kind != availability.IndividualConflict {
			t.Errorf("at %s the conflicts are %+v", s.Time, s.Conflicts)
		}
		if s.WorkTime && (s.Time.Before(at(23, 7, 0)) || !s.Time.Before(at(23, 16, 0))) {
			t.Errorf("%s is no time to work at in Berlin", s.Time)
		}
		if s.Time.Equal(at(23, 8, 30)) && s.Conflicts[0].BusyType != mailbox.Free {
			t.Errorf("the meeting that is moved counts as a conflict: %+v", s.Conflicts[0])
		}
	}
	o.Window.End = o.Window.Start.AddDate(1, 0, 0)
	if _, err = c.GetUserAvailability(t.Context(), q); responseCode(err) != "ErrorTimeIntervalTooBig" {
		t.Errorf("suggestions over a year: %v", err)
	}
}

// TestEachVersionGetsWhatItKnows: time zones of items since Exchange2010, WorkingElsewhere since Exchange2013, and an
// answer for every version.
func TestEachVersionGetsWhatItKnows(t *testing.T) {
	c := colleague(t)
	request, err := os.ReadFile("testdata/finditem/own-private-item-whole.request.xml")
	if err != nil {
		t.Fatal(err)
	}
	envelope := strings.ReplaceAll(string(request), "2026-11-23T14:00:00Z", "2026-11-23T16:00:00Z")
	for version, want := range map[string]struct{ zones, elsewhere bool }{
		"": {}, "Exchange2007": {}, "Exchange2007_SP1": {}, "Exchange2010": {true, false}, "Exchange2010_SP1": {true, false}, "Exchange2010_SP2": {true, false},
		"Exchange2013": {true, true}, "Exchange2013_SP1": {true, true}, "Exchange2015": {true, true}, "Exchange2016": {true, true}, "Exchange2019": {true, true},
		"V2017_07_11": {true, true}, "Exchange2031": {true, true},
	} {
		header := `<t:RequestServerVersion Version="` + version + `"/>`
		if version == "" {
			header = ""
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.URL, strings.NewReader(strings.Replace(envelope, `<t:RequestServerVersion Version="Exchange2013_SP1"/>`, header, 1)))
		r.RequestURI = ""
		r.Header.Set("Content-Type", "text/xml; charset=utf-8")
		w, err := c.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(w.Body)
		w.Body.Close()
		answer := string(b)
		if err != nil || w.StatusCode != http.StatusOK || strings.Contains(answer, "<t:StartTimeZone") != want.zones || strings.Contains(answer, ">WorkingElsewhere<") != want.elsewhere {
			t.Errorf("%q: HTTP %d, %v %s", version, w.StatusCode, err, answer)
		}
	}
}

// TestAPrivateMeetingOfAnotherCannotBeTried: the asker has the same meeting in his own calendar; its id, made into one of
// Tom's, does not tell that Tom's private entry is that meeting.
func TestAPrivateMeetingOfAnotherCannotBeTried(t *testing.T) {
	c := colleague(t)
	mine, _, err := c.FindItem(t.Context(), ews.FolderID{Distinguished: "calendar"}, monday, 0)
	if err != nil || mine[3].Subject != "Doctor" {
		t.Fatalf("%+v %v", mine, err)
	}
	raw, err := base64.StdEncoding.DecodeString(mine[3].ID)
	if err != nil {
		t.Fatal(err)
	}
	tried := base64.StdEncoding.EncodeToString(append(raw[:len(raw)-len("colleague@contoso.example")], tom.String()...))
	got, err := c.GetItem(t.Context(), tried)
	if err != nil || responseCode(got[0].Err) != "ErrorItemNotFound" {
		t.Errorf("%+v %v", got, err)
	}
}

// TestIDsOpenNothing says that an id made by hand shows no more than a search would.
func TestIDsOpenNothing(t *testing.T) {
	c := colleague(t)
	items, _, err := c.FindItem(t.Context(), ews.FolderID{Distinguished: "calendar", Mailbox: tom}, monday, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(items[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	forged := base64.StdEncoding.EncodeToString(append(raw[:len(raw)-len(tom.String())], "anna@contoso.example"...))
	got, err := c.GetItem(t.Context(), forged)
	if err != nil || responseCode(got[0].Err) != "ErrorAccessDenied" {
		t.Errorf("%+v %v", got, err)
	}
}
