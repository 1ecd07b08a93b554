package lab_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// recipientsWorld is Contoso with people whom Fabrikam's Rita writes to.
type recipientsWorld struct {
	*lab.Lab
	rita, tom, lea smtpaddr.Address
	staff, scope   smtpaddr.Address
	photo          []byte
	client         *ews.Client // Rita's, at her own organization
}

func newRecipientsWorld(t *testing.T, l *lab.Lab) *recipientsWorld {
	t.Helper()
	st, ctx := l.Contoso.Store, t.Context()
	w := &recipientsWorld{Lab: l, rita: l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly), tom: l.User(t, l.Contoso, "tom", mailbox.Reviewer), lea: l.User(t, l.Contoso, "lea", mailbox.Reviewer),
		staff: smtpaddr.MustAddress("staff@contoso.example"), scope: smtpaddr.MustAddress("scope@contoso.example")}
	m, err := st.Mailbox(ctx, w.tom)
	must(t, err)
	m.Delivery = mailbox.Delivery{MailTip: "Answers on Fridays", MaxReceiveSize: 10 << 20, MailboxFull: true, ModerationEnabled: true}
	must(t, st.UpdateMailbox(ctx, m),
		st.PutOofSettings(ctx, w.tom, &directory.OofSettings{State: directory.OofEnabled, ExternalAudience: directory.AudienceAll, InternalReply: directory.OofReply{Message: "internal canary"}, ExternalReply: directory.OofReply{Message: "away"}}),
		st.PutGroup(ctx, &mailbox.Group{Address: w.staff, Members: []smtpaddr.Address{w.tom, w.lea, w.rita}}),
		st.PutGroup(ctx, &mailbox.Group{Address: w.scope, Members: []smtpaddr.Address{w.lea}}))
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 200, 100)), nil))
	w.photo = b.Bytes()
	must(t, st.PutPhoto(ctx, w.tom, &directory.Photo{Data: w.photo, WhenChanged: time.Now()}))
	for _, o := range []*lab.Organization{l.Contoso, l.Fabrikam} {
		w.set(t, o, func(r *orgrel.OrganizationRelationship) {
			r.FreeBusyAccessEnabled, r.MailTipsAccessEnabled, r.MailTipsAccessLevel, r.PhotosEnabled = false, true, orgrel.MailTipsAll, true
		})
	}
	settle()
	w.client = ownClient(l, l.Fabrikam, w.rita)
	return w
}

func (w *recipientsWorld) set(t *testing.T, o *lab.Organization, change func(r *orgrel.OrganizationRelationship)) {
	t.Helper()
	r := relationship(t, o.Store)
	change(r)
	must(t, o.Store.PutRelationship(t.Context(), r))
}

// told are the kinds of tips that Rita gets of a recipient, or the code of why she gets none.
func (w *recipientsWorld) told(t *testing.T, recipient smtpaddr.Address) string {
	t.Helper()
	out, err := w.client.GetMailTips(t.Context(), directory.MailTipsQuery{Requester: orgrel.Requester{Address: w.rita}, Requested: directory.AllMailTips, Recipients: []directory.Addressee{{Address: recipient}}})
	must(t, err)
	if out[0].Err != nil {
		return ews.ResponseCode(out[0].Err)
	}
	tips, kinds := out[0].Tips, []string{}
	if tips.OutOfOffice != nil {
		kinds = append(kinds, fmt.Sprintf("oof %q", tips.OutOfOffice.Reply.Message))
	}
	for _, k := range []struct {
		name string
		told bool
	}{{"full", tips.MailboxFull != nil}, {"custom", tips.CustomMailTip != ""}, {"members", tips.TotalMemberCount != nil}, {"size", tips.MaxMessageSize != 0},
		{"restricted", tips.DeliveryRestricted != nil}, {"moderated", tips.IsModerated != nil}, {"invalid", tips.InvalidRecipient != nil && *tips.InvalidRecipient}} {
		if k.told {
			kinds = append(kinds, k.name)
		}
	}
	return strings.Join(kinds, " ")
}

// TestMailTipsOverTheRelationship has a user ask her own organization about people of the other while that changes what it
// gives: each change holds a second later.
func TestMailTipsOverTheRelationship(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		w := newRecipientsWorld(t, l)
		nobody := smtpaddr.MustAddress("nobody@contoso.example")
		contact := &mailbox.Contact{Address: smtpaddr.MustAddress("tom@fabrikam.example"), Target: w.tom}
		must(t, l.Fabrikam.Store.PutContacts(t.Context(), []*mailbox.Contact{contact}))
		const all, disabled = `oof "away" full custom members size restricted moderated`, "ErrorMailTipsDisabled"
		for _, step := range []struct {
			name       string
			of         *lab.Organization
			change     func(r *orgrel.OrganizationRelationship)
			tom, staff string
			nobody     string
		}{
			{"level All", l.Contoso, func(*orgrel.OrganizationRelationship) {}, all, "members restricted moderated", "invalid"},
			{"level Limited", l.Contoso, func(r *orgrel.OrganizationRelationship) { r.MailTipsAccessLevel = orgrel.MailTipsLimited }, `oof "away" full size restricted`, "restricted", "invalid"},
			{"out of scope", l.Contoso, func(r *orgrel.OrganizationRelationship) {
				r.MailTipsAccessLevel, r.MailTipsAccessScope = orgrel.MailTipsAll, w.scope
			}, "", "members restricted moderated", ""},
			{"level None", l.Contoso, func(r *orgrel.OrganizationRelationship) {
				r.MailTipsAccessLevel, r.MailTipsAccessScope = orgrel.MailTipsNone, smtpaddr.Address{}
			}, disabled, disabled, disabled},
			{"level All again, switched off", l.Contoso, func(r *orgrel.OrganizationRelationship) {
				r.MailTipsAccessLevel, r.MailTipsAccessEnabled = orgrel.MailTipsAll, false
			}, disabled, disabled, disabled},
			{"switched on", l.Contoso, func(r *orgrel.OrganizationRelationship) { r.MailTipsAccessEnabled = true }, all, "members restricted moderated", "invalid"},
			{"relationship disabled", l.Contoso, func(r *orgrel.OrganizationRelationship) { r.Enabled = false }, disabled, disabled, disabled},
			{"enabled again", l.Contoso, func(r *orgrel.OrganizationRelationship) { r.Enabled = true }, all, "members restricted moderated", "invalid"},
			{"the asking side switched off", l.Fabrikam, func(r *orgrel.OrganizationRelationship) { r.MailTipsAccessEnabled = false }, disabled, disabled, disabled},
		} {
			w.set(t, step.of, step.change)
			settle()
			for recipient, want := range map[smtpaddr.Address]string{w.tom: step.tom, contact.Address: step.tom, w.staff: step.staff, nobody: step.nobody} {
				if got := w.told(t, recipient); got != want {
					t.Errorf("%s: of %s: %q, want %q", step.name, recipient, got, want)
				}
			}
		}
	})
}

// TestPhotosOverTheRelationship asks for a photo of the other organization by SOAP and by REST.
func TestPhotosOverTheRelationship(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		w := newRecipientsWorld(t, l)
		size := directory.PhotoSize{Width: 96, Height: 96}
		soap := func() string {
			p, err := w.client.GetUserPhoto(t.Context(), directory.PhotoQuery{Person: directory.Addressee{Address: w.tom}, Size: size})
			if e, ok := errors.AsType[*ews.Error](err); ok {
				return e.ResponseCode
			}
			must(t, err)
			c, err := jpeg.DecodeConfig(bytes.NewReader(p.Data))
			must(t, err)
			return fmt.Sprint(c.Width, "x", c.Height)
		}
		rest := func(org *lab.Organization, user smtpaddr.Address, known string) (int, http.Header, string) {
			r := http.Request{Header: http.Header{}}
			r.SetBasicAuth(user.String(), lab.Password)
			if known != "" {
				r.Header.Set("If-None-Match", known)
			}
			return send(t, l, http.MethodGet, org.URL+"/EWS/Exchange.asmx/s/GetUserPhoto?email="+w.tom.String()+"&size=HR360x360", r.Header, "")
		}
		if got := soap(); got != "96x48" {
			t.Errorf("by SOAP: %s", got)
		}
		for name, who := range map[string]func() (int, http.Header, string){
			"at home":               func() (int, http.Header, string) { return rest(l.Contoso, w.lea, "") },
			"over the relationship": func() (int, http.Header, string) { return rest(l.Fabrikam, w.rita, "") },
		} {
			status, header, body := who()
			if status != http.StatusOK || body != string(w.photo) || header.Get("Content-Type") != "image/jpeg" {
				t.Fatalf("%s: HTTP %d %v", name, status, header)
			}
			tag := header.Get("ETag")
			if status, _, _ := rest(l.Fabrikam, w.rita, tag); status != http.StatusNotModified {
				t.Errorf("%s: the photo is sent again: HTTP %d", name, status)
			}
		}
		if status, _, _ := send(t, l, http.MethodGet, l.Contoso.URL+"/ews/exchange.asmx/s/getuserphoto?email="+w.tom.String()+"&size=HR48x48", nil, ""); status != http.StatusUnauthorized {
			t.Errorf("without credentials: HTTP %d", status)
		}
		for _, off := range []*lab.Organization{l.Contoso, l.Fabrikam} {
			w.set(t, off, func(r *orgrel.OrganizationRelationship) { r.PhotosEnabled = false })
			settle()
			if got := soap(); got != "ErrorItemNotFound" {
				t.Errorf("%s has photos off: by SOAP %s", off.Domain, got)
			}
			if status, _, _ := rest(l.Fabrikam, w.rita, ""); status != http.StatusNotFound {
				t.Errorf("%s has photos off: HTTP %d", off.Domain, status)
			}
			w.set(t, off, func(r *orgrel.OrganizationRelationship) { r.PhotosEnabled = true })
			settle()
		}
		if got := soap(); got != "96x48" {
			t.Errorf("with photos on again: %s", got)
		}
		must(t, l.Contoso.Store.PutPhoto(t.Context(), w.tom, nil))
		if got := soap(); got != "ErrorItemNotFound" {
			t.Errorf("after the photo was removed: %s", got)
		}
	})
}

// TestATokenForAutodiscoverOpensNeitherMailTipsNorPhotos: the action depends on the endpoint, and only the one for
// free/busy counts at Exchange.asmx.
func TestATokenForAutodiscoverOpensNeitherMailTipsNorPhotos(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		w := newRecipientsWorld(t, l)
		for action, open := range map[orgrel.Action]bool{orgrel.ActionFreeBusy: true, orgrel.ActionAutodiscover: false} {
			c := partner(t, l, w.rita, l.Contoso.URL, action, nil)
			results, err := c.GetMailTips(t.Context(), directory.MailTipsQuery{Requester: orgrel.Requester{Address: w.rita}, Requested: directory.AllMailTips, Recipients: []directory.Addressee{{Address: w.tom}}})
			if (err == nil && results[0].Err == nil) != open {
				t.Errorf("%s: MailTips %+v %v", action, results, err)
			}
			if _, err := c.GetUserPhoto(t.Context(), directory.PhotoQuery{Person: directory.Addressee{Address: w.tom}, Size: directory.PhotoSize{Width: 48, Height: 48}}); (err == nil) != open {
				t.Errorf("%s: photo %v", action, err)
			}
		}
	})
}

// TestAPartnerIsNotForwardedForMailTips: a partner asks about its own people, those of a third organization and a contact
// of ours; nobody is asked on its behalf.
func TestAPartnerIsNotForwardedForMailTips(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		w := newRecipientsWorld(t, l)
		contact := &mailbox.Contact{Address: smtpaddr.MustAddress("rita@contoso.example"), Target: w.rita}
		must(t, l.Contoso.Store.PutContacts(t.Context(), []*mailbox.Contact{contact}))
		c := partner(t, l, w.rita, l.Contoso.URL, orgrel.ActionFreeBusy, nil)
		q := directory.MailTipsQuery{Requester: orgrel.Requester{Address: w.rita}, Requested: directory.AllMailTips}
		for _, a := range []smtpaddr.Address{w.rita, contact.Address, smtpaddr.MustAddress("x@third.example")} {
			q.Recipients = append(q.Recipients, directory.Addressee{Address: a})
		}
		results, err := c.GetMailTips(t.Context(), q)
		must(t, err)
		for i, r := range results {
			if ews.ResponseCode(r.Err) != "ErrorProxyRequestNotAllowed" {
				t.Errorf("%s: %+v", q.Recipients[i].Address, r)
			}
		}
	})
}
