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
