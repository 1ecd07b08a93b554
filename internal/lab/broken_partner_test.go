package lab_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

func TestWithoutTheGatewayOwnMailboxesAreStillAnswered(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		rita := l.User(t, l.Fabrikam, "rita", mailbox.Reviewer, busy(9))
		l.Gateway.Close()
		status, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, request("FreeBusyMerged", rita.String(), "tom@contoso.example"))
		if status != http.StatusOK {
			t.Fatalf("HTTP %d %s", status, body)
		}
		valid(t, body)
		contains(t, answerOf(t, body), "<t:MergedFreeBusy>000000000200000000000000</t:MergedFreeBusy>", "<ResponseCode>ErrorProxyRequestProcessingFailed</ResponseCode>", "Failed to communicate with")
	})
}

// strange starts a server in Contoso's place that answers Fabrikam as told by answer.
func strange(t *testing.T, l *lab.Lab) (answer *atomic.Pointer[http.HandlerFunc]) {
	t.Helper()
	answer = &atomic.Pointer[http.HandlerFunc]{}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*answer.Load())(w, r) }))
	t.Cleanup(srv.Close)
	rel := relationship(t, l.Fabrikam.Store)
	rel.TargetSharingEpr = srv.URL + "/EWS/Exchange.asmx"
	put(t, l.Fabrikam.Store, rel)
	return answer
}

// TestLyingPartnerCostsOnlyItsOwnMailboxesAnError asks for an own mailbox and one of a partner whose server lies.
func TestLyingPartnerCostsOnlyItsOwnMailboxesAnError(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		rita := l.User(t, l.Fabrikam, "rita", mailbox.Reviewer, busy(9))
		answer := strange(t, l)
		view := func(inner string) string {
			return `<FreeBusyResponse><ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage><FreeBusyView>` + inner + `</FreeBusyView></FreeBusyResponse>`
		}
		merged := func(digits string) string {
			return view(`<t:FreeBusyViewType>MergedOnly</t:FreeBusyViewType><t:MergedFreeBusy>` + digits + `</t:MergedFreeBusy>`)
		}
		event := func(start, end, kind string) string {
			return view(`<t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType><t:CalendarEventArray><t:CalendarEvent><t:StartTime>` + start + `</t:StartTime><t:EndTime>` + end + `</t:EndTime><t:BusyType>` + kind + `</t:BusyType></t:CalendarEvent></t:CalendarEventArray>`)
		}
		good := merged("000000000200000000000000")
		reply := func(array string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				soap.Write(w, soap.V11, http.StatusOK, soap.Append(nil, soap.V11, "", nil, []byte(`<GetUserAvailabilityResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><FreeBusyResponseArray>`+array+`</FreeBusyResponseArray></GetUserAvailabilityResponse>`)))
			}
		}
		plain := func(status int, body string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://127.0.0.1:1/")
				w.WriteHeader(status)
				fmt.Fprint(w, body)
			}
		}
		const refused = "<ResponseCode>ErrorProxyRequestProcessingFailed</ResponseCode>"
		for name, c := range map[string]struct {
			answer http.HandlerFunc
			want   string
		}{
			"the truth":          {reply(good), "<t:MergedFreeBusy>000000000200000000000000</t:MergedFreeBusy>"},
			"no mailbox":         {reply(""), refused},
			"two mailboxes":      {reply(good + good), refused},
			"too few digits":     {reply(merged("02")), refused},
			"digit 5":            {reply(merged("000000000500000000000000")), refused},
			"unknown busy type":  {reply(event("2026-01-01T09:00:00", "2026-01-01T10:00:00", "Sleeping")), refused},
			"ends before start":  {reply(event("2026-01-01T09:00:00", "2026-01-01T08:00:00", "Busy")), refused},
			"30 February":        {reply(event("2026-02-30T09:00:00", "2026-02-30T10:00:00", "Busy")), refused},
			"unknown view":       {reply(view("<t:FreeBusyViewType>All</t:FreeBusyViewType>")), refused},
			"an own refusal":     {reply(`<FreeBusyResponse><ResponseMessage ResponseClass="Error"><MessageText>no</MessageText><ResponseCode>ErrorNoFreeBusyAccess</ResponseCode></ResponseMessage></FreeBusyResponse>`), "<ResponseCode>ErrorNoFreeBusyAccess</ResponseCode>"},
			"an unheard-of code": {reply(`<FreeBusyResponse><ResponseMessage ResponseClass="Error"><ResponseCode>ErrorOfMine</ResponseCode></ResponseMessage></FreeBusyResponse>`), refused},
			"a page":             {plain(http.StatusOK, "<html><body>Sign in</body></html>"), refused},
			"nothing":            {plain(http.StatusOK, ""), refused},
			"a redirect":         {plain(http.StatusFound, ""), refused},
			"HTTP 401":           {plain(http.StatusUnauthorized, ""), refused},
			"HTTP 503":           {plain(http.StatusServiceUnavailable, ""), refused},
			"a DTD":              {plain(http.StatusOK, `<!DOCTYPE s [<!ENTITY a "b">]><s/>`), refused},
			"a gigabyte of digits": {func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><x>`)
				for block, n := strings.Repeat("0", 1<<16), 0; n < 1<<14 && r.Context().Err() == nil; n++ {
					if _, err := fmt.Fprint(w, block); err != nil {
						return
					}
				}
			}, refused},
		} {
			answer.Store(&c.answer)
			status, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, request("MergedOnly", rita.String(), "tom@contoso.example"))
			if status != http.StatusOK {
				t.Errorf("%s: HTTP %d %s", name, status, body)
				continue
			}
			own, partners, ok := strings.Cut(answerOf(t, body), "</FreeBusyResponse><FreeBusyResponse>")
			if !ok || !strings.Contains(own, "NoError") || !strings.Contains(partners, c.want) {
				t.Errorf("%s: %.2000s", name, body)
			}
		}
	})
}

func TestSlowPartnerHoldsUpNobodyElse(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		rita := l.User(t, l.Fabrikam, "rita", mailbox.Reviewer, busy(9))
		answer := strange(t, l)
		asked, end := make(chan struct{}), make(chan struct{})
		var slow http.HandlerFunc = func(http.ResponseWriter, *http.Request) { close(asked); <-end }
		answer.Store(&slow)
		waiting := make(chan string)
		ask := func(address smtpaddr.Address) string {
			_, body := post(t, l, l.Fabrikam.URL, rita.String(), lab.Password, request("MergedOnly", address.String()))
			return body
		}
		go func() { waiting <- ask(smtpaddr.MustAddress("tom@contoso.example")) }()
		<-asked
		contains(t, ask(rita), "<t:MergedFreeBusy>000000000200000000000000</t:MergedFreeBusy>")
		select {
		case body := <-waiting:
			t.Errorf("the slow partner is answered for: %s", body)
		default:
		}
		close(end)
		contains(t, <-waiting, "<ResponseCode>ErrorProxyRequestProcessingFailed</ResponseCode>")
	})
}
