package lab_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
)

// operation is a request of one operation as the namespaces of m and t have it.
func operation(body string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Body>` + body + `</s:Body></s:Envelope>`
}

// TestOperationsBeforeFreeBusy are what exchangelib, DavMail and Evolution call before they ask.
func TestOperationsBeforeFreeBusy(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer)
		ask := func(body string) string {
			t.Helper()
			status, answer := post(t, l, l.Contoso.URL, tom.String(), lab.Password, operation(body))
			if status != http.StatusOK {
				t.Fatalf("HTTP %d %s", status, answer)
			}
			valid(t, answer)
			return answer
		}
		all := ask(`<m:GetServerTimeZones/>`)
		if n := strings.Count(all, "<t:TimeZoneDefinition "); n < 139 {
			t.Errorf("%d time zones", n)
		}
		one := ask(`<m:GetServerTimeZones ReturnFullTimeZoneData="true"><m:Ids><t:Id>W. Europe Standard Time</t:Id><t:Id>Nowhere Standard Time</t:Id></m:Ids></m:GetServerTimeZones>`)
		contains(t, one, `Name="(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"`, `Bias="-PT1H0M" Name="Standard"`, `Bias="-PT2H0M" Name="Daylight"`, "<t:TimeOffset>PT3H0M</t:TimeOffset><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence>")
		if strings.Contains(one, "Nowhere") {
			t.Error("an unknown zone is answered")
		}
		if names := ask(`<m:GetServerTimeZones ReturnFullTimeZoneData="false"/>`); strings.Contains(names, "<t:Period") {
			t.Error("only names were asked")
		}
		root := ask(`<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="root"/></m:FolderIds></m:GetFolder>`)
		id := root[strings.Index(root, ` Id="`)+5:]
		id = id[:strings.IndexByte(id, '"')]
		contains(t, ask(fmt.Sprintf(`<m:ConvertId DestinationFormat="EwsId"><m:SourceIds><t:AlternateId Format="EwsId" Id="%s" Mailbox="x@y.example"/><t:AlternateId Format="EwsId" Id="DUMMY" Mailbox="DUMMY"/></m:SourceIds></m:ConvertId>`, id)),
			`Mailbox="tom@contoso.example"`, "ErrorInvalidIdMalformed")
		contains(t, ask(`<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/><t:DistinguishedFolderId Id="calendar"/><t:FolderId Id="`+id+`"/><t:DistinguishedFolderId Id="voicemail"/><t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>ann@contoso.example</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:FolderIds></m:GetFolder>`),
			"<t:DisplayName>Inbox</t:DisplayName>", "<t:CalendarFolder>", "<t:DisplayName>Root</t:DisplayName>", "ErrorFolderNotFound", "ErrorNonExistentMailbox")
		for _, body := range []string{`<m:SyncFolderHierarchy/>`, `<m:CreateItem/>`, `<t:GetFolder/>`} {
			if status, answer := post(t, l, l.Contoso.URL, tom.String(), lab.Password, operation(body)); status != http.StatusInternalServerError || !strings.Contains(answer, "ErrorInvalidOperation") || !strings.Contains(answer, "ServerVersionInfo") {
				t.Errorf("%s: HTTP %d %s", body, status, answer)
			}
		}
	})
}
