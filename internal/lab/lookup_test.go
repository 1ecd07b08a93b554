package lab_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
)

func TestFederatedLookupInBothProfiles(t *testing.T) {
	t.Parallel()
	for _, kind := range lab.Stores() {
		for _, profile := range []federation.Profile{federation.ProfileModern, federation.ProfileExchange} {
			t.Run(kind.Name+" "+string(profile), func(t *testing.T) {
				t.Parallel()
				l := lab.New(t, kind, profile)
				tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9, "SUMMARY:Planning", "LOCATION:Room 1"), busy(11, "SUMMARY:secret", "CLASS:PRIVATE"))
				rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly, busy(9))
				for range 2 { // the second time with cached tokens
					status, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, request("DetailedMerged", tom.String(), rita.String(), "nobody@contoso.example", "x@unknown.example", "bad address"))
					if status != http.StatusOK {
						t.Fatalf("HTTP %d: %s", status, body)
					}
					valid(t, body)
					contains(t, body, "<t:MergedFreeBusy>000000000202000000000000</t:MergedFreeBusy>", "<t:Subject>Planning</t:Subject>", "ErrorNoFreeBusyAccess", "ErrorAddressSpaceNotFound", "ErrorInvalidSmtpAddress")
					if strings.Contains(body, "secret") {
						t.Error("the subject of a private item is shown")
					}
				}
			})
		}
	}
}
