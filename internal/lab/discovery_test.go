package lab_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

var (
	contosoDomain = smtpaddr.MustDomain("contoso.example")
	asia          = smtpaddr.MustDomain("contoso-asia.example")
	wanted        = smtpaddr.MustDomain("wanted.example")
)

// administrator is Fabrikam's, who has no relationship yet; warned collects what she is warned of.
func (c *clinic) administrator(warned *[]string) *admin.Admin {
	must(c, c.Fabrikam.Store.DeleteRelationship(c.Context(), relationship(c, c.Fabrikam.Store).ID))
	return &admin.Admin{Store: c.Fabrikam.Store, Who: "root", Now: time.Now, Warn: func(s string) { *warned = append(*warned, s) },
		Find: func(ctx context.Context, d smtpaddr.Domain, p admin.DiscoverParams) (*autodiscover.FederationInformation, []autodiscover.Try, error) {
			a := &autodiscover.Client{HTTP: c.client, TrustedHosts: p.TrustedHosts}
			return a.Discover(ctx, d, autodiscover.DiscoverOptions{Resolver: c.net.Resolver, Timeout: 5 * time.Second, ConfirmDomains: p.Confirm != 0, MaxConfirm: max(p.Confirm, 0)})
		}}
}

// grow gives Contoso the domains and lets it publish all of them.
func (c *clinic) grow(domains ...smtpaddr.Domain) {
	o := c.Contoso.Federated()
	o.Domains, o.AcceptedDomains = append(o.Domains, domains...), append(o.AcceptedDomains, domains...)
	must(c, c.Contoso.Store.PutOrganization(c.Context(), o), c.Contoso.Store.PutSetting(c.Context(), store.SettingPublishDomains, "all"))
	settle()
}

func truth(b bool) *bool { return &b }

func TestRelationshipFromDiscoveryKeepsTheAskedDomainsAndListsWhatItCouldNotLearn(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	var warned []string
	a := c.administrator(&warned)
	unsaid := smtpaddr.MustDomain("victim.example") // claimed, and without an Autodiscover that says so
	c.grow(asia, unsaid)
	c.net.Serve(t, "autodiscover."+asia.String(), c.Publish(t, c.Contoso))
	level := orgrel.LimitedDetails
	r, err := a.CreateFromDiscovery(t.Context(), "Contoso", []smtpaddr.Domain{contosoDomain, wanted}, admin.RelationshipParams{FreeBusyAccessEnabled: truth(true), FreeBusyAccessLevel: &level}, admin.DiscoverParams{Confirm: -1})
	must(t, err)
	if !slices.Equal(r.DomainNames, []smtpaddr.Domain{contosoDomain, wanted, asia}) {
		t.Errorf("domains %v", r.DomainNames)
	}
	if r.Source != orgrel.Auto || r.TargetApplicationUri != "exchangedelegation.contoso.example" || r.TargetAutodiscoverEpr != "https://autodiscover.contoso.example/autodiscover/autodiscover.svc/WSSecurity" {
		t.Errorf("%+v", r)
	}
	text := strings.Join(warned, "\n")
	contains(t, text, "wanted.example is kept as it was given; it could not be confirmed", "victim.example is claimed by the partner and left out")
}

func TestRelationshipWithAnotherGatewayIsRefusedNamingBoth(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	var warned []string
	a := c.administrator(&warned)
	ailmentOf(c, "TOK-03")
	_, err := a.CreateFromDiscovery(t.Context(), "Contoso", []smtpaddr.Domain{contosoDomain}, admin.RelationshipParams{}, admin.DiscoverParams{})
	if err == nil || fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "uri:WindowsLiveID") || !strings.Contains(err.Error(), "urn:federation:lab") {
		t.Errorf("%v", err)
	}
	if all, err := a.Relationships(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v %v", all, err)
	}
}

func TestRefreshShowsDriftAddsAndRemovesNothing(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	var warned []string
	a := c.administrator(&warned)
	_, err := a.CreateFromDiscovery(t.Context(), "Contoso", []smtpaddr.Domain{contosoDomain, wanted}, admin.RelationshipParams{}, admin.DiscoverParams{})
	must(t, err)
	p := admin.DiscoverParams{Confirm: -1}
	if d, err := a.RefreshRelationship(t.Context(), "contoso", p, false); err != nil || d.Drifted() {
		t.Fatalf("without a change: %+v %v", d, err)
	}
	tr := *c.Contoso.Trust
	tr.ApplicationUri = "new.contoso.example"
	must(t, c.Contoso.Store.PutTrust(t.Context(), &tr))
	c.grow(asia)
	c.net.Serve(t, "autodiscover."+asia.String(), c.Publish(t, c.Contoso))
	drifts, err := a.RefreshRelationships(t.Context(), p, false)
	must(t, err)
	if len(drifts) != 1 || len(drifts[0].Changes) != 1 || drifts[0].Changes[0] != (admin.Change{Property: "TargetApplicationUri", Stored: "exchangedelegation.contoso.example", Found: "new.contoso.example"}) ||
		!slices.Equal(drifts[0].NewDomains, []smtpaddr.Domain{asia}) {
		t.Fatalf("%+v", drifts)
	}
	if r := relationship(t, c.Fabrikam.Store); r.TargetApplicationUri != "exchangedelegation.contoso.example" || r.Covers(asia) {
		t.Errorf("a dry run has changed the relationship: %+v", r)
	}
	_, err = a.RefreshRelationship(t.Context(), "Contoso", p, true)
	must(t, err)
	if r := relationship(t, c.Fabrikam.Store); r.TargetApplicationUri != "new.contoso.example" || !slices.Equal(r.DomainNames, []smtpaddr.Domain{contosoDomain, wanted, asia}) {
		t.Errorf("%+v", r)
	}
}

func TestRefreshOfAPartnerThatIsDownChangesNothing(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	var warned []string
	a := c.administrator(&warned)
	_, err := a.CreateFromDiscovery(t.Context(), "Contoso", []smtpaddr.Domain{contosoDomain}, admin.RelationshipParams{}, admin.DiscoverParams{})
	must(t, err)
	before := *relationship(t, c.Fabrikam.Store)
	c.net.Serve(t, contosoAutodiscover, answer(http.StatusServiceUnavailable, "", "", ""))
	c.client.CloseIdleConnections()
	drifts, err := a.RefreshRelationships(t.Context(), admin.DiscoverParams{}, true)
	if err != nil || len(drifts) != 1 || drifts[0].Err == nil {
		t.Errorf("%+v %v", drifts, err)
	}
	if r := relationship(t, c.Fabrikam.Store); !r.WhenChanged.Equal(before.WhenChanged) {
		t.Errorf("%+v", r)
	}
}
