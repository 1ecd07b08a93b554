package lab_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// surface is what the clients of others meet: one own user, Tom, busy at nine, who asks about himself.
type surface struct {
	*lab.Lab
	tom, rita smtpaddr.Address
}

// ask posts an envelope as Tom.
func (s surface) ask(t *testing.T, envelope string) (int, string) {
	t.Helper()
	return post(t, s.Lab, s.Contoso.URL, s.tom.String(), lab.Password, envelope)
}

// answered posts and fails unless the answer is no fault.
func (s surface) answered(t *testing.T, envelope string) string {
	t.Helper()
	status, answer := s.ask(t, envelope)
	if status != http.StatusOK {
		t.Fatalf("HTTP %d %s", status, answer)
	}
	valid(t, answer)
	return answer
}

// edited is the request for Tom's day with one text changed.
func (s surface) edited(t *testing.T, from, to string) string {
	t.Helper()
	r := request("DetailedMerged", s.tom.String())
	if !strings.Contains(r, from) {
		t.Fatalf("%q is not in the request", from)
	}
	return strings.ReplaceAll(r, from, to)
}

const nineOClock = "<t:MergedFreeBusy>000000000200000000000000</t:MergedFreeBusy>"

// TestSurface has one row for each point of what the clients of docs/compatibility.md were measured to need of a server.
func TestSurface(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	s := surface{l, l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9)), l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)}
	for _, row := range []struct {
		name string
		test func(t *testing.T, s surface)
	}{
		{"Point01PathInAnyCaseAndConnectionClose", surfacePath},
		{"Point02NoSOAPActionNeeded", surfaceSOAPAction},
		{"Point03ChallengeBeforeTheBody", surfaceChallenge},
		{"Point04ServerVersionInfoOnEveryAnswer", surfaceVersionInfo},
		{"Point05EveryRequestServerVersion", surfaceRequestVersion},
		{"Point06ZoneInBodyOrHeader", surfaceZonePlace},
		{"Point07ZonesOfEveryClient", surfaceZoneDetails},
		{"Point08WindowsWithAndWithoutOffset", surfaceWindow},
		{"Point09IntervalsAndOptionalElements", surfaceOptions},
		{"Point10RowsInOrderWithErrorsOfTheirOwn", surfaceRows},
		{"Point11ViewsRightByThemselves", surfaceViews},
		{"Point12WorkingHoursZonesThatDotNETTakes", surfaceWorkingHours},
		{"Point13SuggestionsWithOneRowForEachAttendee", surfaceSuggestions},
		{"Point14UserSettingsWithoutErrors", surfaceUserSettings},
		{"Point15ServerTimeZonesWithFullData", surfaceServerTimeZones},
		{"Point16ConvertIdTellsTheAddress", surfaceConvertID},
		{"Point17EveryFolderOfALogin", surfaceFolders},
		{"Point18EverythingElseIsASOAPFault", surfaceOther},
		{"Point19ProbeHeadersOnRefusals", surfaceProbe},
		{"Point20FederationInformationForAnybody", surfaceFederation},
		{"Point21ActionWithRequestIsTaken", surfaceAction},
		{"DescriptionInAnyCaseForOwnUsers", surfaceDescription},
	} {
		t.Run(row.name, func(t *testing.T) { row.test(t, s) })
	}
}

func surfacePath(t *testing.T, s surface) {
	for _, path := range []string{"/ews/exchange.asmx", "/EWS/EXCHANGE.ASMX", "/EWS/Exchange.asmx/"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Contoso.URL+path, strings.NewReader(request("MergedOnly", s.tom.String())))
		must(t, err)
		r.Header, r.Close = login(s.tom, lab.Password), true
		r.Header.Set("Expect", "100-continue")
		resp, err := s.Client.Do(r)
		must(t, err)
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !resp.Close {
			t.Errorf("%s: HTTP %d, closed: %v", path, resp.StatusCode, resp.Close)
		}
	}
}

func surfaceSOAPAction(t *testing.T, s surface) {
	for _, action := range []string{"", `""`, `"http://schemas.microsoft.com/exchange/services/2006/messages/GetUserAvailability"`, "anything"} {
		h := login(s.tom, lab.Password)
		h["SOAPAction"] = []string{action}
		status, _, answer := send(t, s.Lab, http.MethodPost, s.Contoso.URL+"/EWS/Exchange.asmx", h, request("FreeBusyMerged", s.tom.String()))
		if status != http.StatusOK || !strings.Contains(answer, nineOClock) {
			t.Errorf("SOAPAction %s: HTTP %d %s", action, status, answer)
		}
	}
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was asked for before the credentials")
	return 0, io.EOF
}

// surfaceChallenge: a client that waits for its 100 Continue is told to show credentials without sending the body.
func surfaceChallenge(t *testing.T, s surface) {
	transport := s.Client.Transport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = 1 << 40 // for ever: only the server's word sends the body
	defer transport.CloseIdleConnections()
	for _, path := range []string{"/EWS/Exchange.asmx", "/autodiscover/autodiscover.xml"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Contoso.URL+path, unread{t})
		must(t, err)
		r.Header = typed(soapType, "Expect", "100-continue")
		r.ContentLength = 1000
		resp, err := transport.RoundTrip(r)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: HTTP %d %v", path, resp.StatusCode, resp.Header)
		}
	}
	status, header, _ := send(t, s.Lab, http.MethodPost, s.Contoso.URL+"/autodiscover/autodiscover.svc", typed(soapType), userSettingsRequest("Exchange2016", s.tom.String()))
	if status != http.StatusUnauthorized || !strings.HasPrefix(header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("autodiscover.svc: HTTP %d %v", status, header)
	}
}

func surfaceVersionInfo(t *testing.T, s surface) {
	const info = ` MajorVersion="15" MinorVersion="2" MajorBuildNumber="1118" MinorBuildNumber="7" Version="V2017_07_11">`
	for _, body := range []string{request("MergedOnly", s.tom.String()), operation("<m:CreateItem/>"), operation(""), "no XML"} {
		if _, answer := s.ask(t, body); !strings.Contains(answer, "<h:ServerVersionInfo ") || !strings.Contains(answer, info) {
			t.Errorf("no version in %s", answer)
		}
	}
	_, _, answer := send(t, s.Lab, http.MethodPost, s.Contoso.URL+"/EWS/Exchange.asmx/wssecurity", typed(soapType), request("MergedOnly", s.tom.String()))
	contains(t, answer, "InvalidSecurity", info)
}

func surfaceRequestVersion(t *testing.T, s surface) {
	ask := func(version string) (int, string) {
		return s.ask(t, s.edited(t, "<s:Header></s:Header>", `<s:Header><t:RequestServerVersion xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" Version="`+version+`"/></s:Header>`))
	}
	for _, v := range []string{"Exchange2007", "Exchange2007_SP1", "Exchange2009", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2", "Exchange2012", "Exchange2013", "Exchange2013_SP1",
		"Exchange2015", "Exchange2016", "Exchange2019", "V2015_10_05", "V2017_07_11", "Exchange2025_SP1", "V2030_01_01"} {
		if status, answer := ask(v); status != http.StatusOK || !strings.Contains(answer, nineOClock) {
			t.Errorf("%s: HTTP %d %s", v, status, answer)
		}
	}
	for _, v := range []string{"", "Exchange1996", "latest"} {
		if _, answer := ask(v); !strings.Contains(answer, "ErrorInvalidServerVersion") {
			t.Errorf("%q: %s", v, answer)
		}
	}
	contains(t, s.answered(t, request("FreeBusyMerged", s.tom.String())), nineOClock) // none at all
}

// zoneInHeader is the request with its zone moved to the header.
func (s surface) zoneInHeader(definition string) string {
	r := cut(request("FreeBusyMerged", s.tom.String()), "<t:TimeZone>", "</t:TimeZone>")
	if definition == "" {
		return r
	}
	return strings.Replace(r, "<s:Header></s:Header>", `<s:Header><t:TimeZoneContext xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">`+definition+`</t:TimeZoneContext></s:Header>`, 1)
}

func surfaceZonePlace(t *testing.T, s surface) {
	for _, d := range []string{`<t:TimeZoneDefinition Name="UTC" Id="UTC"></t:TimeZoneDefinition>`,
		`<t:TimeZoneDefinition Name="UTC" Id="UTC"><t:Periods><t:Period Bias="P0DT0H0M0.0S" Name="Standard" Id="Std"/></t:Periods><t:TransitionsGroups><t:TransitionsGroup Id="0"><t:Transition><t:To Kind="Period">Std</t:To></t:Transition></t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions></t:TimeZoneDefinition>`} {
		contains(t, s.answered(t, s.zoneInHeader(d)), nineOClock)
	}
	if status, answer := s.ask(t, s.zoneInHeader("")); status != http.StatusInternalServerError || !strings.Contains(answer, "ErrorTimeZone") {
		t.Errorf("without a zone: HTTP %d %s", status, answer)
	}
}

func surfaceZoneDetails(t *testing.T, s surface) {
	rule := func(clock string, order, month int, rest string) string {
		return fmt.Sprintf("<t:Bias>0</t:Bias><t:Time>%s</t:Time><t:DayOrder>%d</t:DayOrder><t:Month>%d</t:Month>%s", clock, order, month, rest)
	}
	const sunday, year = "<t:DayOfWeek>Sunday</t:DayOfWeek>", "<t:Year>2026</t:Year>"
	for client, z := range map[string][2]string{
		"Evolution":                    {rule("00:00:00", 0, 0, sunday), rule("00:00:00", 0, 0, sunday)},
		"Managed API and DavMail":      {rule("02:00:00", 1, 3, sunday), rule("02:00:00", 1, 10, sunday)},
		"exchangelib":                  {rule("00:00:00", 1, 1, "<t:DayOfWeek>Monday</t:DayOfWeek>"), rule("00:00:00", 5, 12, sunday)},
		"Managed API, one year's date": {rule("02:00:00", 25, 10, year), rule("02:00:00", 29, 3, year)},
	} {
		zone := "<t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>" + z[0] + "</t:StandardTime><t:DaylightTime>" + z[1] + "</t:DaylightTime></t:TimeZone>"
		r := request("FreeBusyMerged", s.tom.String())
		if status, answer := s.ask(t, strings.Replace(cut(r, "<t:TimeZone>", "</t:TimeZone>"), "<m:MailboxDataArray>", zone+"<m:MailboxDataArray>", 1)); status != http.StatusOK || !strings.Contains(answer, nineOClock) {
			t.Errorf("%s: HTTP %d %s", client, status, answer)
		}
	}
}

func surfaceWindow(t *testing.T, s surface) {
	day := nextMonday().Format("2006-01-02T")
	start := nextMonday().Format("2006-01-02T15:04:05")
	for _, text := range []string{start, start + "Z", start + ".000Z", day + "02:00:00+02:00"} {
		answer := s.answered(t, s.edited(t, "<t:StartTime>"+start+"<", "<t:StartTime>"+text+"<"))
		contains(t, answer, nineOClock, "<t:StartTime>"+day+"09:00:00</t:StartTime><t:EndTime>"+day+"10:00:00</t:EndTime>")
	}
}

func surfaceOptions(t *testing.T, s surface) {
	const interval = "<t:MergedFreeBusyIntervalInMinutes>60</t:MergedFreeBusyIntervalInMinutes>"
	for text, slots := range map[string]int{"": 48, "5": 288, "15": 96, "1440": 1} {
		if text != "" {
			text = strings.Replace(interval, "60", text, 1)
		}
		answer := s.answered(t, s.edited(t, interval, text))
		_, digits, _ := strings.Cut(answer, "<t:MergedFreeBusy>")
		if digits, _, _ = strings.Cut(digits, "<"); len(digits) != slots {
			t.Errorf("%s: %d slots", text, len(digits))
		}
	}
	for _, v := range []string{"0", "1", "true", "false"} {
		contains(t, s.answered(t, s.edited(t, "</t:AttendeeType>", "</t:AttendeeType><t:ExcludeConflicts>"+v+"</t:ExcludeConflicts>")), nineOClock)
	}
	contains(t, s.answered(t, s.edited(t, "<t:Email>", "<t:Email><t:Name></t:Name>")), nineOClock)
	contains(t, s.answered(t, s.edited(t, "</t:Address>", "</t:Address><t:RoutingType>SMTP</t:RoutingType>")), nineOClock)
}

func surfaceRows(t *testing.T, s surface) {
	r := request("DetailedMerged", s.tom.String(), "nobody@contoso.example", s.tom.String())
	answer := s.answered(t, strings.Replace(r, "</m:GetUserAvailabilityRequest>", suggestionsOptions()+"</m:GetUserAvailabilityRequest>", 1))
	rows := strings.Split(answer, "<FreeBusyResponse>")
	if len(rows) != 4 {
		t.Fatalf("%d rows in %s", len(rows)-1, answer)
	}
	contains(t, rows[1], "NoError", nineOClock)
	contains(t, rows[2], `ResponseClass="Error"`, "ErrorMailRecipientNotFound", "<t:FreeBusyViewType>None</t:FreeBusyViewType>")
	contains(t, rows[3], "NoError", nineOClock, "</FreeBusyResponseArray><SuggestionsResponse>")
	last := -1
	for _, name := range []string{"<t:FreeBusyViewType>", "<t:MergedFreeBusy>", "<t:CalendarEventArray>", "<t:WorkingHours>"} {
		at := strings.Index(rows[1], name)
		if at <= last {
			t.Errorf("%s is out of order", name)
		}
		last = at
	}
}

func surfaceViews(t *testing.T, s surface) {
	const merged, events, details = "<t:MergedFreeBusy>", "<t:CalendarEvent>", "<t:CalendarEventDetails>"
	for view, has := range map[string]string{"MergedOnly": merged, "FreeBusy": events, "FreeBusyMerged": merged + events, "Detailed": events + details, "DetailedMerged": merged + events + details} {
		answer := s.answered(t, request(view, s.tom.String()))
		for _, part := range []string{merged, events, details} {
			if strings.Contains(answer, part) != strings.Contains(has, part) {
				t.Errorf("%s: %s in %s", view, part, answer)
			}
		}
	}
}

// surfaceWorkingHours: .NET makes a rule of the zone and throws where its two transitions are one.
func surfaceWorkingHours(t *testing.T, s surface) {
	for _, name := range timezone.WindowsNames() {
		z, err := timezone.Lookup(name)
		must(t, err)
		for year := 2000; year < 2040; year++ {
			r := z.Serializable(nextMonday().AddDate(year-nextMonday().Year(), 0, 0))
			a, b := r.Standard, r.Daylight
			a.Bias, b.Bias = 0, 0
			none := a.Month == 0 && b.Month == 0 && a.DayOrder == 0 && b.DayOrder == 0
			if !none && (a == b || a.Month == 0 || b.Month == 0) {
				t.Errorf("%s in %d: %+v", name, year, r)
			}
		}
	}
	contains(t, s.answered(t, request("Detailed", s.tom.String())), "<t:WorkingHours><t:TimeZone><t:Bias>-60</t:Bias>")
}

func surfaceOther(t *testing.T, s surface) {
	for _, name := range []string{"SyncFolderHierarchy", "SyncFolderItems", "CreateItem", "Subscribe", "NoSuchOperation"} {
		status, answer := s.ask(t, operation("<m:"+name+"/>"))
		if status != http.StatusInternalServerError || strings.Contains(strings.ToLower(answer), "<html") {
			t.Errorf("%s: HTTP %d %s", name, status, answer)
		}
		contains(t, answer, "<detail><e:ResponseCode", "ErrorInvalidOperation", "ServerVersionInfo")
	}
}

// surfaceAction: the Managed API's token credentials name the action after the request, and send no MessageID.
func surfaceAction(t *testing.T, s surface) {
	answer, err := partner(t, s.Lab, s.rita, s.Contoso.URL, orgrel.ActionFreeBusy, func(m string) string {
		m = strings.Replace(m, "/GetUserAvailability</a:Action>", "/GetUserAvailabilityRequest</a:Action>", 1)
		return cut(m, "<a:MessageID", "</a:MessageID>")
	}).GetUserAvailability(t.Context(), query(s.tom))
	r := answer.Results
	must(t, err)
	if r[0].Err != nil || !strings.Contains(r[0].View.Merged, "2") {
		t.Errorf("%+v", r[0])
	}
}
