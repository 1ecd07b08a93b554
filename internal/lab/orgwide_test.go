package lab_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func given[T any](v T) *T { return &v }

// TestAddressSpacesServeBothDirectionsWithoutAGateway is Add-AvailabilityAddressSpace -AccessMethod OrgWideFB on both sides: each
// gives the other an account, finds it by POX, and has no trust.
func TestAddressSpacesServeBothDirectionsWithoutAGateway(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		l.Gateway.Close()
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9, "SUMMARY:Planning"))
		rita := l.User(t, l.Fabrikam, "rita", mailbox.Reviewer, busy(9, "SUMMARY:Budget"))
		accounts := map[*lab.Organization]smtpaddr.Address{l.Contoso: l.User(t, l.Contoso, "for-fabrikam", mailbox.PermissionNone), l.Fabrikam: l.User(t, l.Fabrikam, "for-contoso", mailbox.PermissionNone)}
		for o, partner := range map[*lab.Organization]*lab.Organization{l.Contoso: l.Fabrikam, l.Fabrikam: l.Contoso} {
			must(t, o.Store.PutTrust(t.Context(), nil))
			a := &admin.Admin{Store: o.Store, Who: "lab", Now: time.Now}
			_, err := a.SetRelationship(t.Context(), partner.Domain.String(), admin.RelationshipParams{OrgWideAccount: given(accounts[o]), AccessMethod: given(orgrel.OrgWideFB),
				OrgWideUser: given(accounts[partner].String()), OrgWidePassword: given(orgrel.Password(lab.Password)), FreeBusyAccessLevel: given(orgrel.AvailabilityOnly),
				TargetApplicationUri: given(""), TargetAutodiscoverEpr: given(partner.URL + "/autodiscover/autodiscover.xml")})
			must(t, err)
		}
		settle()
		for _, way := range []struct {
			o          *lab.Organization
			user, asks smtpaddr.Address
		}{{l.Fabrikam, rita, tom}, {l.Contoso, tom, rita}} {
			status, body := post(t, l, way.o.URL, way.user.String(), lab.Password, request("DetailedMerged", way.asks.String()))
			if status != http.StatusOK {
				t.Fatalf("HTTP %d %s", status, body)
			}
			valid(t, body)
			contains(t, answerOf(t, body), digitsAtNine, "<t:BusyType>Busy</t:BusyType>")
			if strings.Contains(body, "Subject") {
				t.Errorf("%s shows more than times: %s", way.asks, body)
			}
		}
		// who holds the account sees as much as the relationship gives, and reaches nobody through it
		_, body := post(t, l, l.Contoso.URL, accounts[l.Contoso].String(), lab.Password, request("MergedOnly", tom.String(), rita.String()))
		own, partners, _ := strings.Cut(answerOf(t, body), "</FreeBusyResponse><FreeBusyResponse>")
		contains(t, own, digitsAtNine)
		contains(t, partners, "<ResponseCode>ErrorProxyRequestNotAllowed</ResponseCode>")
	})
}
