// Package outside is a module of somebody else: it uses the client ends of both protocols and can name nothing internal.
package outside

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

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
	results, err := c.GetUserAvailability(t.Context(), query())
	if err != nil {
		t.Fatal(err)
	}
	view := results[0].View
	if results[0].Err != nil || view.Type != availability.DetailedMerged || view.Merged != "02" || view.Events[0].BusyType != mailbox.Busy || view.Events[0].Subject != "Planning" {
		t.Errorf("%+v", results[0])
	}
	if code := ews.ResponseCode(results[1].Err); code != "ErrorNoFreeBusyAccess" {
		t.Errorf("%v is %s", results[1].Err, code)
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

func TestWhereNoPartnerIs(t *testing.T) {
	c := &autodiscover.Client{HTTP: &http.Client{Transport: refusing{}}}
	info, tries, err := c.Discover(t.Context(), smtpaddr.MustDomain("contoso.example"), autodiscover.DiscoverOptions{})
	if err == nil || info != nil || len(tries) != 3 || tries[0].URL != "https://autodiscover.contoso.example/autodiscover/autodiscover.svc" || tries[0].Err == nil {
		t.Errorf("%v %v %v", info, tries, err)
	}
}

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}
