package lab_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// administrator performs verbs on an organization of the lab, whose trust names the gateway's metadata.
func administrator(t *testing.T, l *lab.Lab, o *lab.Organization, p federation.NamespaceProvisioner) *admin.Admin {
	t.Helper()
	o.Trust.TokenIssuerMetadataEpr, o.Trust.NamespaceProvisioner = l.Gateway.URL+gateway.PathMetadata, p
	must(t, o.Store.PutTrust(t.Context(), o.Trust))
	return &admin.Admin{Store: o.Store, Who: "lab", Now: time.Now, HTTP: func(*federation.Trust) (*http.Client, error) { return l.Client, nil },
		Metadata: func(ctx context.Context, trust *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error) {
			return federation.FetchMetadata(ctx, l.Client, trust.TokenIssuerMetadataEpr, trusted, time.Now())
		}}
}

// reload brings the lab's own copy of a trust up to date.
func reload(t *testing.T, o *lab.Organization) {
	t.Helper()
	cfg, err := o.Store.LoadConfig(t.Context())
	must(t, err)
	o.Trust = cfg.Trust
}

// TestOrganizationCertificatesRollOverInEitherOrder rolls both organizations over at once: the one that is asked opens
// tokens, the one that asks signs token requests. After every step all tokens from before and a fresh one are used.
func TestOrganizationCertificatesRollOverInEitherOrder(t *testing.T) {
	for order, provisioner := range map[string]federation.NamespaceProvisioner{"gateway first": federation.Statements, "organizations first": federation.ExternalProcess} {
		t.Run(order, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, l *lab.Lab) { rollOver(t, l, provisioner) })
		})
	}
}

func rollOver(t *testing.T, l *lab.Lab, provisioner federation.NamespaceProvisioner) {
	tom, rita := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9)), l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
	second := l.Node(t, l.Contoso)
	both := []*lab.Organization{l.Contoso, l.Fabrikam}
	admins := map[*lab.Organization]*admin.Admin{}
	for _, o := range both {
		admins[o] = administrator(t, l, o, provisioner)
	}
	var tokens []*caller
	step := func(name string, do func(o *lab.Organization) error) {
		t.Helper()
		for _, o := range both {
			must(t, do(o))
			reload(t, o)
		}
		settle()
		tokens = append(tokens, newCaller(t, l, rita))
		for i, c := range tokens {
			for _, url := range []string{l.Contoso.URL, second.URL} {
				if got := granted(t, c, url, tom); got != "Detailed" {
					t.Errorf("%s: token %d gives %s", name, i, got)
				}
			}
		}
	}
	ourselves := func(o *lab.Organization) error {
		_, err := admins[o].PublishCertificate(t.Context())
		return err
	}
	step("before", func(*lab.Organization) error { return nil })
	step("next is installed", func(o *lab.Organization) error {
		shown, err := admins[o].SetNextCertificate(t.Context(), admin.NextCertificateParams{Days: 30})
		if err != nil || provisioner == federation.Statements {
			return err
		}
		reload(t, o)
		if shown.OrgNextCertificate.Thumbprint != federation.Thumbprint(o.Trust.OrgNextCertificate.Certificate) {
			t.Error("the next certificate is not the one that was shown")
		}
		return l.Registry.NextCertificate(t.Context(), o.Domain.String(), o.Trust.OrgNextCertificate.Certificate)
	})
	if provisioner == federation.Statements {
		step("the gateway has published", func(o *lab.Organization) error {
			return federation.PublishCertificate(t.Context(), l.Client, o.Trust, time.Now())
		})
		step("and the organizations", ourselves) // which tell the gateway again
	} else {
		step("the organizations have published", ourselves)
		step("and the gateway", func(o *lab.Organization) error { return l.Registry.PublishCertificate(t.Context(), o.Domain.String()) })
	}
}

// TestUnknownIssuerKeyIsLookedUpOnce shows that nobody has to refresh the metadata by hand, and that forged tokens do not
// make us ask the gateway again and again.
func TestUnknownIssuerKeyIsLookedUpOnce(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom, rita := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9)), l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		administrator(t, l, l.Contoso, federation.ExternalProcess)
		old := newCaller(t, l, rita)
		settle()
		ask := func(when string, c *caller, want string) {
			t.Helper()
			if got := granted(t, c, l.Contoso.URL, tom); got != want {
				t.Errorf("%s: %s and not %s", when, got, want)
			}
		}
		l.RollIssuerKey(t)
		fresh := newCaller(t, l, rita)
		ask("the first token of the new key", fresh, "InvalidSecurityToken")
		settle()
		ask("a second later", fresh, "Detailed")
		ask("a token of the old key", old, "Detailed")
		l.RollIssuerKey(t)
		ask("one more new key", newCaller(t, l, rita), "InvalidSecurityToken")
		settle()
		ask("a second later, within ten minutes", newCaller(t, l, rita), "InvalidSecurityToken")
	})
}

// TestTrustAndOrganizationChangesHoldOnEveryNodeASecondLater goes through the administrator's verbs; the token is the same
// all the time and known to both nodes.
func TestTrustAndOrganizationChangesHoldOnEveryNodeASecondLater(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		ctx := t.Context()
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		a := administrator(t, l, l.Contoso, federation.ExternalProcess)
		asking, discovering := newCaller(t, l, rita), token(t, l, rita, l.Contoso.Trust.ApplicationUri, orgrel.ActionAutodiscover)
		second := l.Node(t, l.Contoso)
		own, none := []smtpaddr.Domain{l.Contoso.Domain}, []smtpaddr.Domain{}
		organization := func(p admin.OrganizationParams) func() error {
			return func() error { return a.SetOrganization(ctx, p) }
		}
		roll := func() error {
			if _, err := a.SetNextCertificate(ctx, admin.NextCertificateParams{Days: 30}); err != nil {
				return err
			}
			_, err := a.PublishCertificate(ctx)
			return err
		}
		for _, step := range []struct {
			name           string
			change         func() error
			want, settings string
		}{
			{"nothing is changed", func() error { return nil }, "Detailed", "an URL"},
			{"external URL unset", func() error { return a.SetURLs(ctx, admin.URLParams{ExternalEwsURL: new(string)}) }, "Detailed", "SettingIsNotAvailable"},
			{"wssecurity off", func() error { return a.SetWSSecurity(ctx, false) }, "", "The request failed with HTTP status 404: Not Found."},
			{"wssecurity reset", func() error { return a.SetWSSecurity(ctx, true) }, "Detailed", "SettingIsNotAvailable"},
			{"organization disabled", organization(admin.OrganizationParams{Enabled: new(bool)}), "InvalidSecurityToken", "InvalidSecurityToken"},
			{"organization enabled", organization(admin.OrganizationParams{Enabled: ptr(true)}), "Detailed", "SettingIsNotAvailable"},
			{"domain removed", organization(admin.OrganizationParams{Domains: &none, AcceptedDomains: &none}), "ErrorProxyRequestNotAllowed", "InvalidUser"},
			{"domain added again", organization(admin.OrganizationParams{Domains: &own}), "Detailed", "SettingIsNotAvailable"},
			{"trust removed", func() error {
				return errors.Join(a.SetOrganization(ctx, admin.OrganizationParams{Enabled: new(bool)}), a.RemoveTrust(ctx, ""), a.SetOrganization(ctx, admin.OrganizationParams{Enabled: ptr(true)}))
			}, "InvalidSecurityToken", "InvalidSecurityToken"},
			{"trust there again", func() error { return l.Contoso.Store.PutTrust(ctx, l.Contoso.Trust) }, "Detailed", "SettingIsNotAvailable"},
			{"certificate rolled over", roll, "Detailed", "SettingIsNotAvailable"},
			{"and once more, so that the token's is gone", roll, "InvalidSecurityToken", "InvalidSecurityToken"},
		} {
			must(t, step.change())
			settle()
			for node, url := range map[string]string{"first": l.Contoso.URL, "second": second.URL} {
				if got := granted(t, asking, url, tom); got != step.want {
					t.Errorf("%s: the %s node gives %q and not %q", step.name, node, got, step.want)
				}
				if got := discovered(t, l, discovering, url, tom); got != step.settings {
					t.Errorf("%s: Autodiscover of the %s node gives %q and not %q", step.name, node, got, step.settings)
				}
			}
		}
	})
}

func ptr[T any](v T) *T { return &v }

// discovered tells what Autodiscover says of the external URL: that there is one, or the code of the refusal.
func discovered(t *testing.T, l *lab.Lab, tok *federation.DelegationToken, url string, user smtpaddr.Address) string {
	t.Helper()
	c := &autodiscover.Client{HTTP: l.Client, Header: func(_ context.Context, to, action string) ([]byte, error) { return tok.Headers(to, action, time.Now()) }}
	settings, err := c.GetUserSettings(t.Context(), url+"/autodiscover/autodiscover.svc/wssecurity", user, autodiscover.SettingExternalEwsUrl)
	if e, ok := errors.AsType[*autodiscover.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	if settings[autodiscover.SettingExternalEwsUrl] == "" {
		return "nothing"
	}
	return "an URL"
}
