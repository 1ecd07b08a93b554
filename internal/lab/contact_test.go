package lab_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// TestAContactIsAnsweredByItsPartner asks for an own address that stands for a person at the partner.
func TestAContactIsAnsweredByItsPartner(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9, "SUMMARY:Planning"))
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly, busy(11))
		contact := &mailbox.Contact{Address: smtpaddr.MustAddress("tom@fabrikam.example"), Target: tom, DisplayName: "Tom"}
		must(t, l.Fabrikam.Store.PutContacts(t.Context(), []*mailbox.Contact{contact}))
		status, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, request("DetailedMerged", rita.String(), contact.Address.String(), "nobody@fabrikam.example"))
		if status != http.StatusOK {
			t.Fatalf("HTTP %d: %s", status, body)
		}
		valid(t, body)
		contains(t, body, "<t:MergedFreeBusy>000000000002000000000000</t:MergedFreeBusy>", "<t:MergedFreeBusy>000000000200000000000000</t:MergedFreeBusy>", "<t:Subject>Planning</t:Subject>", "ErrorMailRecipientNotFound")
		if own, theirs := strings.Index(body, "000000000002"), strings.Index(body, "000000000200"); own > theirs {
			t.Error("the answers are not in the order asked")
		}
	})
}

// TestResolveNames finds mailboxes, contacts and groups as a mail program does that completes what is typed.
func TestResolveNames(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		must(t, l.Fabrikam.Store.PutContacts(t.Context(), []*mailbox.Contact{
			{Address: smtpaddr.MustAddress("tom@fabrikam.example"), Target: smtpaddr.MustAddress("tom@contoso.example"), DisplayName: "Tom Contoso-Meyer"},
			{Address: smtpaddr.MustAddress("ric@fabrikam.example"), Target: smtpaddr.MustAddress("richard@contoso.example")},
		}))
		must(t, l.Fabrikam.Store.PutGroup(t.Context(), &mailbox.Group{Address: smtpaddr.MustAddress("sales@fabrikam.example"), DisplayName: "Everybody in Sales"}))
		must(t, l.Fabrikam.Store.PutGroup(t.Context(), &mailbox.Group{Address: smtpaddr.MustAddress("board@fabrikam.example"), DisplayName: "Sales Board", HiddenFromAddressListsEnabled: true}))
		resolve := func(text string) string {
			status, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, operation(`<m:ResolveNames ReturnFullContactData="true"><m:UnresolvedEntry>`+text+`</m:UnresolvedEntry></m:ResolveNames>`))
			if status != http.StatusOK {
				t.Fatalf("%s: HTTP %d: %s", text, status, body)
			}
			valid(t, body)
			return body
		}
		const tom = "<t:Name>Tom Contoso-Meyer</t:Name><t:EmailAddress>tom@fabrikam.example</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Contact</t:MailboxType>"
		for _, text := range []string{"tom", "TOM MEY", "meyer, tom", "tom@fabrikam.example", "smtp:TOM@fabrikam.example", "tom@contoso"} {
			contains(t, resolve(text), tom, `ResponseClass="Success"`, `TotalItemsInView="1" IncludesLastItemInRange="true"`)
		}
		contains(t, resolve("sales"), "<t:EmailAddress>sales@fabrikam.example</t:EmailAddress>", "<t:MailboxType>PublicDL</t:MailboxType>", `TotalItemsInView="1"`)
		contains(t, resolve("board@fabrikam.example"), "<t:Name>Sales Board</t:Name>")
		both := resolve("ri")
		contains(t, both, "ErrorNameResolutionMultipleResults", "<t:EmailAddress>rita@fabrikam.example</t:EmailAddress>", "<t:MailboxType>Mailbox</t:MailboxType>", "<t:EmailAddress>ric@fabrikam.example</t:EmailAddress>")
		if strings.Contains(both, "tom@") {
			t.Errorf("who was not meant is in %s", both)
		}
		for text, code := range map[string]string{"om": "ErrorNameResolutionNoResults", "tom x": "ErrorNameResolutionNoResults", "nobody@fabrikam.example": "ErrorNameResolutionNoResults",
			",": "ErrorInvalidNameForNameResolution", "%": "ErrorInvalidNameForNameResolution", "smtp:": "ErrorInvalidNameForNameResolution"} {
			if body := resolve(text); !strings.Contains(body, code) || strings.Contains(body, "ResolutionSet") {
				t.Errorf("%q: %s", text, body)
			}
		}
	})
}
