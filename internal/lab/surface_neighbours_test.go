package lab_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/availd/availd/internal/lab"
	passwords "github.com/availd/availd/internal/login"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// suggestionsOptions ask for times on nextMonday.
func suggestionsOptions() string {
	from := nextMonday()
	return "<t:SuggestionsViewOptions><t:MeetingDurationInMinutes>60</t:MeetingDurationInMinutes><t:DetailedSuggestionsWindow><t:StartTime>" + from.Format("2006-01-02T15:04:05") +
		"</t:StartTime><t:EndTime>" + from.AddDate(0, 0, 1).Format("2006-01-02T15:04:05") + "</t:EndTime></t:DetailedSuggestionsWindow></t:SuggestionsViewOptions>"
}

// userSettingsRequest is exchangelib's: it refuses an answer in which any of the six is an error.
func userSettingsRequest(version, address string) string {
	var settings strings.Builder
	for _, name := range []string{"UserDN", "MailboxDN", "UserDisplayName", "AutoDiscoverSMTPAddress", "ExternalEwsUrl", "EwsSupportedSchemas"} {
		settings.WriteString("<a:Setting>" + name + "</a:Setting>")
	}
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" xmlns:wsa="http://www.w3.org/2005/08/addressing"><s:Header><a:RequestedServerVersion>` + version +
		`</a:RequestedServerVersion><wsa:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings</wsa:Action></s:Header><s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>` + address +
		`</a:Mailbox></a:User></a:Users><a:RequestedSettings>` + settings.String() + `</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>`
}

// surfaceDescription: node-ews asks in lower case, others as Exchange writes the names; nobody else gets them.
func surfaceDescription(t *testing.T, s surface) {
	for path, root := range map[string]string{"/ews/services.wsdl": "<wsdl:definitions", "/EWS/Services.wsdl": "<wsdl:definitions", "/EWS/Exchange.asmx?wsdl": "<wsdl:definitions",
		"/EWS/messages.xsd": "2006/messages\" elementFormDefault", "/EWS/Types.XSD": "2006/types\" elementFormDefault"} {
		if status, header, _ := send(t, s.Lab, http.MethodGet, s.Contoso.URL+path, http.Header{}, ""); status != http.StatusUnauthorized || header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s without credentials: HTTP %d", path, status)
		}
		status, _, answer := send(t, s.Lab, http.MethodGet, s.Contoso.URL+path, login(s.tom, lab.Password), "")
		if status != http.StatusOK {
			t.Errorf("%s: HTTP %d", path, status)
		}
		contains(t, answer, root)
	}
}

func surfaceSuggestions(t *testing.T, s surface) {
	r := request("MergedOnly", s.tom.String(), "nobody@contoso.example")
	answer := s.answered(t, strings.Replace(r, "</m:GetUserAvailabilityRequest>", suggestionsOptions()+"</m:GetUserAvailabilityRequest>", 1))
	suggestions := strings.Split(answer, "<t:Suggestion>")[1:]
	if len(suggestions) == 0 {
		t.Fatal("no suggestion in " + answer)
	}
	for _, one := range suggestions {
		_, rows, _ := strings.Cut(one, "<t:AttendeeConflictDataArray>")
		if !strings.HasPrefix(rows, "<t:IndividualAttendeeConflictData><t:BusyType>") || !strings.Contains(rows, "</t:IndividualAttendeeConflictData><t:UnknownAttendeeConflictData>") {
			t.Errorf("rows %s", rows)
		}
		at, _, _ := strings.Cut(strings.TrimPrefix(one, "<t:MeetingTime>"), "<")
		if len(at) != len("2006-01-02T15:04:05") {
			t.Errorf("MeetingTime %s", at)
		}
	}
}

func surfaceUserSettings(t *testing.T, s surface) {
	unnamed := smtpaddr.MustAddress("unnamed@contoso.example")
	must(t, s.Contoso.Store.CreateMailbox(t.Context(), &mailbox.Mailbox{Address: unnamed, Zone: "Europe/Berlin", WorkingHours: mailbox.DefaultWorkingHours(),
		DefaultPermission: mailbox.AvailabilityOnly, PasswordHash: passwords.HashPassword(lab.Password)}))
	for _, version := range []string{"Exchange2010", "Exchange2016", "Exchange of another time"} {
		status, _, answer := send(t, s.Lab, http.MethodPost, s.Contoso.URL+"/autodiscover/autodiscover.svc", login(unnamed, lab.Password), userSettingsRequest(version, unnamed.String()))
		if status != http.StatusOK || strings.Contains(answer, "<UserSettingError>") {
			t.Errorf("%s: HTTP %d %s", version, status, answer)
		}
		contains(t, answer, "<Name>UserDisplayName</Name><Value>unnamed@contoso.example</Value>", ", Exchange2016</Value>", `ServerVersionInfo xmlns:h="http://schemas.microsoft.com/exchange/2010/Autodiscover"><h:MajorVersion>15<`)
	}
}

func surfaceServerTimeZones(t *testing.T, s surface) {
	answer := s.answered(t, operation(`<m:GetServerTimeZones ReturnFullTimeZoneData="true"><m:Ids><t:Id>Eastern Standard Time</t:Id></m:Ids></m:GetServerTimeZones>`))
	contains(t, answer, `<t:TimeZoneDefinition Id="Eastern Standard Time"`, `Bias="PT5H0M" Name="Standard" Id="trule:`, `Bias="PT4H0M" Name="Daylight" Id="trule:`,
		`<t:TransitionsGroup Id="0"><t:RecurringDayTransition>`, `<t:Transitions><t:Transition><t:To Kind="Group">0</t:To>`)
}

func surfaceConvertID(t *testing.T, s surface) {
	id := base64.StdEncoding.EncodeToString([]byte("availd-folder:root"))
	contains(t, s.answered(t, operation(`<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="root"/></m:FolderIds></m:GetFolder>`)), `Id="`+id+`"`)
	contains(t, s.answered(t, operation(`<m:ConvertId DestinationFormat="EwsId"><m:SourceIds><t:AlternateId Format="EwsId" Id="`+id+`" Mailbox="blah@blah.com"/></m:SourceIds></m:ConvertId>`)), `Mailbox="tom@contoso.example"`)
	contains(t, s.answered(t, operation(`<m:ConvertId DestinationFormat="EntryId"><m:SourceIds><t:AlternateId Id="DUMMY" Format="EwsId" Mailbox="DUMMY"/></m:SourceIds></m:ConvertId>`)),
		`<ConvertIdResponseMessage ResponseClass="Error">`, "ErrorInvalidIdMalformed")
}

func surfaceFolders(t *testing.T, s surface) {
	for _, name := range strings.Fields("root msgfolderroot inbox calendar contacts sentitems drafts deleteditems junkemail outbox") {
		get := func(shape, id string) string {
			return s.answered(t, operation("<m:GetFolder><m:FolderShape>"+shape+"</m:FolderShape><m:FolderIds>"+id+"</m:FolderIds></m:GetFolder>"))
		}
		first := get("<t:BaseShape>Default</t:BaseShape>", `<t:DistinguishedFolderId Id="`+name+`"/>`)
		contains(t, first, "<t:FolderId Id=", "ChangeKey=", "<t:DisplayName>", "<t:TotalCount>0</t:TotalCount>", "<t:ChildFolderCount>")
		_, id, _ := strings.Cut(first, `<t:FolderId Id="`)
		id, _, _ = strings.Cut(id, `"`)
		again := get(`<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="folder:DisplayName"/></t:AdditionalProperties>`, `<t:FolderId Id="`+id+`"/>`)
		contains(t, again, `<t:FolderId Id="`+id+`"`, "<t:DisplayName>")
	}
}

func surfaceProbe(t *testing.T, s surface) {
	status, header, _ := send(t, s.Lab, http.MethodGet, s.Contoso.URL+"/autodiscover/autodiscover.xml", http.Header{}, "")
	if status != http.StatusUnauthorized || header.Get("X-SOAP-Enabled") != "True" || header.Get("X-WSSecurity-Enabled") != "True" || header.Get("WWW-Authenticate") == "" {
		t.Errorf("HTTP %d %v", status, header)
	}
}

func surfaceFederation(t *testing.T, s surface) {
	status, _, answer := send(t, s.Lab, http.MethodPost, s.Contoso.URL+"/autodiscover/autodiscover.svc", typed(soapType),
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetFederationInformationRequestMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Request><Domain>contoso.example</Domain></Request></GetFederationInformationRequestMessage></s:Body></s:Envelope>`)
	if status != http.StatusOK {
		t.Errorf("HTTP %d", status)
	}
	contains(t, answer, "<ErrorCode>NoError</ErrorCode>", "<ApplicationUri>exchangedelegation.contoso.example</ApplicationUri>", "<TokenIssuer>")
	for _, path := range []string{"/EWS/Exchange.asmx/wssecurity", "/EWS/Exchange.asmx/WSSecurity", "/autodiscover/autodiscover.svc/WSSecurity"} {
		if status, _, answer := send(t, s.Lab, http.MethodPost, s.Contoso.URL+path, login(s.tom, lab.Password), request("MergedOnly", s.tom.String())); status != http.StatusInternalServerError || !strings.Contains(answer, "InvalidSecurity") {
			t.Errorf("%s: HTTP %d %s", path, status, answer)
		}
	}
}
