package lab_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// granted tells what a caller gets of a mailbox: the view, or the code of the refusal.
func granted(t *testing.T, c *caller, url string, a smtpaddr.Address) string {
	t.Helper()
	status, body := c.post(t, url, payload("Detailed", a.String()))
	if status != http.StatusOK {
		_, after, _ := strings.Cut(body, ">a:")
		code, _, _ := strings.Cut(after, "<")
		return code
	}
	_, after, _ := strings.Cut(body, "<t:FreeBusyViewType>")
	view, _, _ := strings.Cut(after, "<")
	if view == "None" {
		_, after, _ = strings.Cut(body, "<ResponseCode>")
		view, _, _ = strings.Cut(after, "<")
	}
	return view
}

// TestChangesHoldOnEveryNodeASecondLater changes one thing after the other; the token is the same all the time and known
// to both nodes.
func TestChangesHoldOnEveryNodeASecondLater(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		ctx, st := t.Context(), l.Contoso.Store
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9, "SUMMARY:Planning"))
		asking := newCaller(t, l, l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly))
		visible := smtpaddr.MustAddress("visible@contoso.example")
		must(t, st.PutGroup(ctx, &mailbox.Group{Address: visible, Members: []smtpaddr.Address{tom}}))
		second := l.Node(t, l.Contoso)
		rel := relationship(t, st)
		owner := func(p mailbox.Permission) func() {
			return func() {
				m, err := st.Mailbox(ctx, tom)
				must(t, err)
				m.DefaultPermission = p
				must(t, st.UpdateMailbox(ctx, m))
			}
		}
		change := func(edit func()) func() {
			return func() { edit(); must(t, st.PutRelationship(ctx, rel)) }
		}
		for _, step := range []struct {
			name   string
			change func()
			want   string
		}{
			{"nothing is changed", func() {}, "Detailed"},
			{"level lowered", change(func() { rel.FreeBusyAccessLevel = orgrel.AvailabilityOnly }), "FreeBusy"},
			{"level None", change(func() { rel.FreeBusyAccessLevel = orgrel.None }), "ErrorNoFreeBusyAccess"},
			{"level raised again, scope set", change(func() { rel.FreeBusyAccessLevel, rel.FreeBusyAccessScope = orgrel.LimitedDetails, visible }), "Detailed"},
			{"no member any more", func() { must(t, st.PutGroup(ctx, &mailbox.Group{Address: visible})) }, "ErrorNoFreeBusyAccess"},
			{"scope removed", change(func() { rel.FreeBusyAccessScope = smtpaddr.Address{} }), "Detailed"},
			{"owner's Default lowered", owner(mailbox.AvailabilityOnly), "FreeBusy"},
			{"and to None", owner(mailbox.PermissionNone), "ErrorNoFreeBusyAccess"},
			{"owner's Default raised again", owner(mailbox.Reviewer), "Detailed"},
			{"free/busy switched off", change(func() { rel.FreeBusyAccessEnabled = false }), "ErrorNoFreeBusyAccess"},
			{"free/busy on, relationship disabled", change(func() { rel.FreeBusyAccessEnabled, rel.Enabled = true, false }), "ErrorNoFreeBusyAccess"},
			{"relationship enabled again", change(func() { rel.Enabled = true }), "Detailed"},
			{"domain taken away", change(func() { rel.DomainNames = []smtpaddr.Domain{smtpaddr.MustDomain("other.example")} }), "ErrorNoFreeBusyAccess"},
			{"organization not federated", func() {
				o := l.Contoso.Federated()
				o.Enabled = false
				must(t, st.PutOrganization(ctx, o))
			}, "InvalidSecurityToken"},
		} {
			step.change()
			settle()
			for node, url := range map[string]string{"first": l.Contoso.URL, "second": second.URL} {
				if got := granted(t, asking, url, tom); got != step.want {
					t.Errorf("%s: the %s node gives %s and not %s", step.name, node, got, step.want)
				}
			}
		}
	})
}

func TestPartnersClockMayBeFiveMinutesOff(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
		asking := newCaller(t, l, l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly))
		for skew, want := range map[time.Duration]string{0: "Detailed", 4 * time.Minute: "Detailed", -4 * time.Minute: "Detailed", 6 * time.Minute: "InvalidSecurity", -time.Hour: "InvalidSecurity"} {
			asking.skew = skew
			if got := granted(t, asking, l.Contoso.URL, tom); got != want {
				t.Errorf("%s off: %s and not %s", skew, got, want)
			}
		}
	})
}

func TestIssuerKeyRollsOver(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		old := newCaller(t, l, rita)
		was := l.Contoso.Trust.TokenIssuerCertificate
		is := l.RollIssuerKey(t)
		fresh := newCaller(t, l, rita)
		expect := func(when, wantOld, wantNew string) {
			t.Helper()
			must(t, l.Contoso.Store.PutTrust(t.Context(), l.Contoso.Trust))
			settle()
			if got := granted(t, old, l.Contoso.URL, tom); got != wantOld {
				t.Errorf("%s, old key: %s", when, got)
			}
			if got := granted(t, fresh, l.Contoso.URL, tom); got != wantNew {
				t.Errorf("%s, new key: %s", when, got)
			}
		}
		expect("before the trust knows", "Detailed", "InvalidSecurityToken")
		l.Contoso.Trust.TokenIssuerCertificate, l.Contoso.Trust.TokenIssuerPrevCertificate = is, was
		expect("while both are trusted", "Detailed", "Detailed")
		l.Contoso.Trust.TokenIssuerPrevCertificate = nil
		expect("once the old one is gone", "InvalidSecurityToken", "Detailed")
	})
}

func TestOrganizationCertificateRollsOver(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		next, err := federation.NewOrganizationCertificate(time.Now(), 30)
		must(t, err)
		trust := l.Contoso.Trust
		publish := func() {
			must(t, l.Contoso.Store.PutTrust(t.Context(), trust))
			settle()
		}
		trust.OrgNextCertificate = next
		publish()
		old := newCaller(t, l, rita)
		must(t, l.Registry.NextCertificate(t.Context(), "contoso.example", next.Certificate), l.Registry.PublishCertificate(t.Context(), "contoso.example"))
		fresh := newCaller(t, l, rita)
		for name, c := range map[string]*caller{"old": old, "next": fresh} {
			if got := granted(t, c, l.Contoso.URL, tom); got != "Detailed" {
				t.Errorf("before the switch, token for the %s certificate: %s", name, got)
			}
		}
		trust.OrgPrevCertificate, trust.OrgCertificate, trust.OrgNextCertificate = trust.OrgCertificate, next, nil
		publish()
		for name, c := range map[string]*caller{"previous": old, "current": fresh} {
			if got := granted(t, c, l.Contoso.URL, tom); got != "Detailed" {
				t.Errorf("after the switch, token for the %s certificate: %s", name, got)
			}
		}
		trust.OrgPrevCertificate = nil
		publish()
		if got := granted(t, old, l.Contoso.URL, tom); got != "InvalidSecurityToken" {
			t.Errorf("the forgotten certificate still opens a token: %s", got)
		}
		if got := granted(t, fresh, l.Contoso.URL, tom); got != "Detailed" {
			t.Errorf("after all that: %s", got)
		}
	})
}
