package ews_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
)

// code is one way in which a request for free/busy can fail: the story that shows it, and its exact text.
type code struct {
	kind        fault.Kind
	story, text string
}

// codes are those of a mailbox, of the suggestions and of whole requests.
func codes() []code {
	const node = "\r\n. Name of the server where exception originated: mail.contoso.example"
	return []code{
		{fault.MailRecipientNotFound, "each-mailbox-its-own-error", "Unable to resolve e-mail address <>SMTP:nobody@contoso.example to an Active Directory object."},
		{fault.MailRecipientNotFound, "each-mailbox-its-own-error", "Unable to resolve e-mail address <>EX:/o=First/cn=Recipients/cn=tom to an Active Directory object."},
		{fault.InvalidSMTPAddress, "each-mailbox-its-own-error", "E-mail address <>SMTP:foobar is not a valid SMTP address."},
		{fault.NoFreeBusyAccess, "each-mailbox-its-own-error", "The caller does not have access to free/busy data."},
		{fault.NoFreeBusyAccess, "partner-group", "The caller does not have access to free/busy data."},
		{fault.AddressSpaceNotFound, "each-mailbox-its-own-error", "Configuration information for forest/domain unknown.example could not be found in Active Directory."},
		{fault.FreeBusyGenerationFailed, "each-mailbox-its-own-error", "The free/busy data could not be read."},
		{fault.Timeout, "each-way-to-a-partner-fails", "Request could not be processed in time. Timeout occurred during 'Waiting-For-Request-Completion'."},
		{fault.AutodiscoverFailed, "each-way-to-a-partner-fails", "Autodiscover failed for email address lost@fabrikam.example with error The remote name could not be resolved: 'autodiscover.fabrikam.example'" + node},
		{fault.ProxyRequestFailed, "each-way-to-a-partner-fails", "Proxy web request failed. , inner exception: The request failed with HTTP status 401: Unauthorized." + node},
		{fault.RelationshipUnusable, "each-way-to-a-partner-fails", "The organization relationship Litware can't be used. Please confirm that the organization relationship is configured correctly."},
		{fault.ProxyRequestNotAllowed, "partner-third-organization", "The cross-organization request for mailbox <>SMTP:x@third.example is not allowed because the requester is from a different organization"},
		{fault.ResultSetTooBig, "calendar-of-1001-entries", "The result set contains too many calendar entries. The allowed size = 1000; the actual size = 1001."},
		{fault.FreeBusyDLLimitReached, "group-of-101-members", "The distribution group has more members than can be expanded. The allowed size = 100."},
		{fault.MeetingSuggestionGenerationFailed, "suggestions-fail-beside-free-busy", "The meeting suggestions could not be made."},

		{fault.TimeZone, "fault-no-zone-and-local-times", "The time zone isn't valid. StartTime has no offset and the request names no time zone."},
		{fault.TimeZone, "fault-zone-missing-period", "The time zone isn't valid. A referenced period is missing."},
		{fault.MailboxDataArrayEmpty, "fault-no-mailbox", "The MailboxDataArray is empty."},
		{fault.MailboxDataArrayTooBig, "fault-101-mailboxes", "The MailboxDataArray has 101 entries; the maximum is 100."},
		{fault.InvalidTimeInterval, "fault-window-reversed", "The end of the time window must be after its start."},
		{fault.InvalidTimeInterval, "fault-suggestions-window-not-at-midnight", "SuggestionsViewOptions.DetailedSuggestionsWindow.StartDate: Date must have zero hours, minutes and seconds."},
		{fault.TimeIntervalTooBig, "fault-window-of-9998-years", "The time window is longer than 62 days."},
		{fault.InvalidMergedFreeBusyInterval, "fault-interval-4", "MergedFreeBusyIntervalInMinutes must be from 5 to 1440."},
		{fault.InvalidFreeBusyViewType, "fault-view-none", "The requested view is not valid."},
		{fault.MissingArgument, "fault-no-options", "FreeBusyViewOptions or SuggestionsViewOptions is required."},
		{fault.MissingArgument, "fault-suggestions-window-missing", "SuggestionsViewOptions.DetailedSuggestionsWindow is required."},
		{fault.TimeIntervalTooBig, "fault-window-of-a-thousand-million-years", "The time window is longer than 62 days."},
		{fault.SchemaValidation, "fault-date-30-february", "The request failed schema validation: The value '2026-02-30T00:00:00' of StartTime is not a dateTime."},
		{fault.MalformedXML, "fault-not-well-formed", "The request failed schema validation."},
		{fault.InvalidRequest, "fault-empty-body", "The request is invalid."},
		{fault.UnknownOperation, "fault-unknown-operation", "The operation is not served here."},
		{fault.InvalidServerVersion, "fault-unknown-server-version", "The specified server version is invalid."},
		{fault.AccessDenied, "fault-impersonation", "Access is denied. Check credentials and try again."},
		{fault.ProxyRequestNotAllowed, "fault-proxy-security-context", "Nobody may ask here on behalf of another server."},
		{fault.ServerBusy, "fault-organization-cannot-be-read", "The server cannot service this request right now. Try again later."},
	}
}

// failed is how an answer tells a failure: of a mailbox, of the suggestions, or of the whole request.
type failed struct {
	Class         string `xml:"ResponseClass,attr"`
	Text          string `xml:"MessageText"`
	Code          string `xml:"ResponseCode"`
	ExceptionType string `xml:"MessageXml>ExceptionType"`
	ExceptionCode int    `xml:"MessageXml>ExceptionCode"`
}

// failures are all of an answer.
func failures(t *testing.T, story string) (out []failed) {
	t.Helper()
	data, err := os.ReadFile("testdata/getuseravailability/" + story + ".response.xml")
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Mailboxes []struct {
			Message failed `xml:"ResponseMessage"`
			View    string `xml:"FreeBusyView>FreeBusyViewType"`
		} `xml:"Body>GetUserAvailabilityResponse>FreeBusyResponseArray>FreeBusyResponse"`
		Suggestions []failed `xml:"Body>GetUserAvailabilityResponse>SuggestionsResponse>ResponseMessage"`
		Faults      []struct {
			Code   string `xml:"faultcode"`
			Text   string `xml:"faultstring"`
			Detail string `xml:"detail>ResponseCode"`
		} `xml:"Body>Fault"`
	}
	if err := xml.Unmarshal(data, &answer); err != nil {
		t.Fatal(err)
	}
	for _, m := range answer.Mailboxes {
		if (m.Message.Class == "Error") != (m.View == "None") {
			t.Errorf("%s: a mailbox with %s has the view %s", story, m.Message.Code, m.View)
		}
		out = append(out, m.Message)
	}
	out = append(out, answer.Suggestions...)
	for _, f := range answer.Faults {
		if !strings.HasSuffix(f.Code, ":"+f.Detail) {
			t.Errorf("%s: faultcode %s, ResponseCode %s", story, f.Code, f.Detail)
		}
		out = append(out, failed{Class: "Fault", Text: f.Text, Code: f.Detail})
	}
	return out
}

// TestEveryCodeOfFreeBusyHappensWithItsExactText holds the stories to the codes' texts and shapes. Every failure that has
// an exception of the Availability Service must be among them.
func TestEveryCodeOfFreeBusyHappensWithItsExactText(t *testing.T) {
	told := map[fault.Kind]bool{}
	for _, c := range codes() {
		told[c.kind] = true
		t.Run(fmt.Sprintf("%s/%s", c.kind.Row().EWS, c.story), func(t *testing.T) {
			row := c.kind.Row()
			want := failed{Class: "Error", Text: c.text, Code: row.EWS, ExceptionType: row.ExceptionType, ExceptionCode: row.ExceptionCode}
			if strings.HasPrefix(c.story, "fault-") {
				want = failed{Class: "Fault", Text: c.text, Code: row.EWS}
			}
			all := failures(t, c.story)
			for _, f := range all {
				if f == want {
					return
				}
			}
			t.Errorf("want %+v\namong %+v", want, all)
		})
	}
	for _, row := range fault.Table() {
		if row.ExceptionType != "" && !told[row.Kind] {
			t.Errorf("%s (%s) has no story", row.EWS, row.Name)
		}
	}
}

// TestRequestOfMoreThan400KilobytesIsRefused is the one refusal that HTTP tells: nothing has been read by then.
func TestRequestOfMoreThan400KilobytesIsRefused(t *testing.T) {
	service := &availability.Service{Calendars: contoso{}, Relationships: contoso{}, Organization: contoso{}, Limits: availability.DefaultLimits()}
	h := ews.NewHandler(ews.Options{Service: service, Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return requester(""), nil }})
	request, err := os.ReadFile("testdata/getuseravailability/same-mailbox-twice.request.xml")
	if err != nil {
		t.Fatal(err)
	}
	for more, want := range map[int]int{ews.MaxRequest - len(request): http.StatusOK, ews.MaxRequest - len(request) + 1: http.StatusRequestEntityTooLarge} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/EWS/Exchange.asmx", strings.NewReader(string(request)+strings.Repeat("\n", more)))
		r.Header.Set("Content-Type", "text/xml; charset=utf-8")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want || (w.Code != http.StatusOK) != (w.Body.String() == fault.TooLarge.Row().Text+"\n") {
			t.Errorf("%d bytes: HTTP %d %.600s", len(request)+more, w.Code, w.Body)
		}
	}
}
