package partner

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// sendersPartner is a partner who may be asked for MailTips and photos.
func sendersPartner(t *testing.T, w *world, handler http.HandlerFunc) *orgrel.OrganizationRelationship {
	t.Helper()
	rel := w.partner(t, "contoso.example", handler)
	rel.FreeBusyAccessEnabled, rel.MailTipsAccessEnabled, rel.PhotosEnabled = false, true, true
	return rel
}

func (w *world) tips(t *testing.T, rel *orgrel.OrganizationRelationship, addresses ...string) []directory.MailTipsResult {
	t.Helper()
	q := directory.MailTipsQuery{Requester: orgrel.Requester{Address: smtpaddr.MustAddress("rita@fabrikam.example")}, Requested: directory.AllMailTips}
	for _, a := range addresses {
		q.Recipients = append(q.Recipients, directory.Addressee{Raw: a, Address: smtpaddr.MustAddress(a)})
	}
	results, err := w.GetMailTips(t.Context(), rel, q)
	if err != nil || len(results) != len(addresses) {
		t.Fatal(results, err)
	}
	return results
}

func TestMailTipsOfAPartnerTravelInOneCall(t *testing.T) {
	w := newWorld(t)
	asked := 0
	rel := sendersPartner(t, w, func(rw http.ResponseWriter, r *http.Request) {
		asked++
		b, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(b), "<m:SendingAs><t:EmailAddress>rita@fabrikam.example<") {
			t.Errorf("%s", b)
		}
		says(200, envelope(`<m:GetMailTipsResponse ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:ResponseMessages>`+
			`<m:MailTipsResponseMessageType ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:MailTips><t:PendingMailTips/><t:MailboxFull>true</t:MailboxFull></m:MailTips></m:MailTipsResponseMessageType>`+
			`<m:MailTipsResponseMessageType ResponseClass="Error"><m:MessageText>no</m:MessageText><m:ResponseCode>ErrorMailRecipientNotFound</m:ResponseCode></m:MailTipsResponseMessageType>`+
			`</m:ResponseMessages></m:GetMailTipsResponse>`))(rw, r)
	})
	out := w.tips(t, rel, "tom@contoso.example", "gone@contoso.example")
	if full := out[0].Tips.MailboxFull; full == nil || !*full || fault.KindOf(out[1].Err) != fault.MailRecipientNotFound || asked != 1 {
		t.Errorf("%+v after %d calls", out, asked)
	}
}

func TestAPartnerThatGivesNoMailTipsHasNotFailed(t *testing.T) {
	w := newWorld(t)
	rel := sendersPartner(t, w, says(200, envelope(`<m:GetMailTipsResponse ResponseClass="Error"><m:MessageText>MailTips aren't available for your organization.</m:MessageText><m:ResponseCode>ErrorMailTipsDisabled</m:ResponseCode></m:GetMailTipsResponse>`)))
	for _, r := range w.tips(t, rel, "tom@contoso.example", "ann@contoso.example") {
		if fault.KindOf(r.Err) != fault.MailTipsDisabled {
			t.Errorf("%+v", r)
		}
	}
	if w.log.Len() > 0 {
		t.Errorf("there is an event: %s", &w.log)
	}
	broken := sendersPartner(t, w, says(503, ""))
	if r := w.tips(t, broken, "tom@contoso.example")[0]; fault.KindOf(r.Err) != fault.ProxyRequestFailed || !strings.Contains(w.log.String(), "4002") {
		t.Errorf("%+v %s", r, &w.log)
	}
}

func TestAPhotoThatThePartnerDoesNotHaveIsNoFailure(t *testing.T) {
	const picture = "\xFF\xD8\xFF the rest"
	said := `<m:GetUserPhotoResponse ResponseClass="%s"><m:ResponseCode>%s</m:ResponseCode><m:HasChanged>true</m:HasChanged>%s</m:GetUserPhotoResponse>`
	for _, c := range []struct {
		handler http.HandlerFunc
		want    fault.Kind
	}{
		{says(200, envelope(fmt.Sprintf(said, "Success", "NoError", "<m:PictureData>"+base64.StdEncoding.EncodeToString([]byte(picture))+"</m:PictureData>"))), 0},
		{says(200, envelope(fmt.Sprintf(said, "Error", "ErrorItemNotFound", ""))), fault.PhotoNotFound},
		{says(404, ""), fault.PhotoNotFound},
		{says(200, envelope(fmt.Sprintf(said, "Success", "NoError", "<m:PictureData>PHNjcmlwdD4=</m:PictureData>"))), fault.ProxyRequestFailed},
		{says(401, ""), fault.ProxyRequestFailed},
	} {
		w := newWorld(t)
		rel := sendersPartner(t, w, c.handler)
		p, err := w.GetUserPhoto(t.Context(), rel, directory.PhotoQuery{Person: directory.Addressee{Address: smtpaddr.MustAddress("tom@contoso.example")}, Size: directory.PhotoSize{Width: 48, Height: 48}})
		if c.want == 0 && (err != nil || string(p.Data) != picture) || c.want != 0 && fault.KindOf(err) != c.want {
			t.Errorf("want %s: %v %v", c.want.Row().Name, p, err)
		}
		if event := strings.Contains(w.log.String(), "4002"); event != (c.want == fault.ProxyRequestFailed) {
			t.Errorf("%s: event %v", c.want.Row().Name, event)
		}
	}
}

// One answer may speak about a hundred people: what it says of a failure is kept once for each of them, and logged.
func TestWhatAPartnerSaysOfAFailureIsKeptShort(t *testing.T) {
	long := strings.Repeat("&lt;", 300_000)
	refusal := `<m:%s ResponseClass="Error"><m:MessageText>` + long + `</m:MessageText><m:ResponseCode>%s</m:ResponseCode></m:%[1]s>`
	for name, handler := range map[string]http.HandlerFunc{
		"fault":           says(500, envelope(`<s:Fault><faultcode>s:`+long+`</faultcode><faultstring>`+long+`</faultstring><detail><m:ResponseCode>`+long+`</m:ResponseCode></detail></s:Fault>`)),
		"refused answer":  says(200, envelope(fmt.Sprintf(refusal, "GetMailTipsResponse", "ErrorMailTipsDisabled"))),
		"unknown refusal": says(200, envelope(fmt.Sprintf(refusal, "GetMailTipsResponse", "Error"+long))),
		"each recipient":  says(200, envelope(`<m:GetMailTipsResponse ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:ResponseMessages>`+strings.Repeat(fmt.Sprintf(refusal, "MailTipsResponseMessageType", "Error"+long), 2)+`</m:ResponseMessages></m:GetMailTipsResponse>`)),
		"each mailbox":    says(200, answer(`<m:FreeBusyResponse>`+fmt.Sprintf(refusal, "ResponseMessage", "ErrorNoFreeBusyAccess")+`</m:FreeBusyResponse>`, `<m:FreeBusyResponse>`+fmt.Sprintf(refusal, "ResponseMessage", long)+`</m:FreeBusyResponse>`)),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			rel := sendersPartner(t, w, handler)
			rel.FreeBusyAccessEnabled = true
			var errs []error
			if name != "each mailbox" {
				for _, r := range w.tips(t, rel, "tom@contoso.example", "ann@contoso.example") {
					errs = append(errs, r.Err)
				}
			}
			if name == "fault" || name == "each mailbox" {
				for _, r := range w.ask(t, rel, "tom@contoso.example", "ann@contoso.example") {
					errs = append(errs, r.Err)
				}
			}
			for _, err := range errs {
				if n := len(fault.As(err).Text()); err == nil || n > 10_000 {
					t.Errorf("%d bytes", n)
				}
			}
			if w.log.Len() > 50_000 {
				t.Errorf("%d bytes in the log", w.log.Len())
			}
		})
	}
}
