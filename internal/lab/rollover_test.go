package lab_test

import (
	"context"
	"crypto/x509"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/lab"
)

// rollovers are the keys that have been in use, by their names in the records.
type rollovers struct {
	*traffic
	t     *testing.T
	names map[string]string
	order []string // of the names
}

func (r *rollovers) use(name string, c *x509.Certificate) {
	r.names[name] = federation.Thumbprint(c)
	r.order = append(r.order, name)
}

// certificate rolls over the certificate of o, at o first or at the gateway first.
func (r *rollovers) certificate(name string, o *lab.Organization, organizationFirst bool) {
	r.t.Helper()
	next, err := federation.NewOrganizationCertificate(time.Now(), 30)
	must(r.t, err)
	r.use(name, next.Certificate)
	r.keepTokens(r.t)
	put := func(edit func(*federation.Trust)) {
		changed := *o.Trust
		edit(&changed)
		o.Trust = &changed
		must(r.t, o.Store.PutTrust(r.t.Context(), o.Trust))
		settle()
	}
	put(func(trust *federation.Trust) { trust.OrgNextCertificate = next })
	must(r.t, federation.SendNextCertificate(r.t.Context(), r.client, o.Trust, time.Now()))
	here := func() {
		put(func(trust *federation.Trust) {
			trust.OrgPrevCertificate, trust.OrgCertificate, trust.OrgNextCertificate = trust.OrgCertificate, next, nil
		})
	}
	there := func() {
		must(r.t, federation.PublishCertificate(r.t.Context(), r.client, o.Trust, time.Now()))
		settle()
	}
	if organizationFirst {
		here()
		there()
	} else {
		there()
		here()
	}
}

// signingKey rolls over the gateway's key; the organizations hear of it one after the other.
func (r *rollovers) signingKey(name string, first, second *lab.Organization) {
	r.t.Helper()
	next, err := federation.NewSigningCertificate(time.Now(), 30)
	must(r.t, err)
	r.use(name, next.Certificate)
	r.keepTokens(r.t)
	old := r.l.IssuerKeys().Current
	r.l.SetIssuerKeys(r.t, gateway.Keys{Current: old, Next: next.Certificate})
	r.refresh(first)
	r.refresh(second)
	r.l.SetIssuerKeys(r.t, gateway.Keys{Current: next, Previous: old.Certificate})
	settle()
	r.refresh(second)
	r.refresh(first)
	r.l.SetIssuerKeys(r.t, gateway.Keys{Current: next}) // the metadata has room for two
}

// refresh is Set-FederationTrust -RefreshMetadata at one organization.
func (r *rollovers) refresh(o *lab.Organization) {
	r.t.Helper()
	a := &admin.Admin{Store: o.Store, Who: "lab", Now: time.Now, Metadata: func(ctx context.Context, t *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error) {
		return federation.FetchMetadata(ctx, r.client, t.TokenIssuerMetadataEpr, trusted, time.Now())
	}}
	_, err := a.RefreshTrust(r.t.Context(), "")
	must(r.t, err)
	cfg, err := o.Store.LoadConfig(r.t.Context())
	must(r.t, err)
	o.Trust = cfg.Trust
	settle()
}

// TestRolloverUnderLoadRefusesNobody changes every key of the federation twice, in both orders, while 50 new users a second
// look up each other's organization and others come with tokens from before. It takes about half a minute.
func TestRolloverUnderLoadRefusesNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	r := &rollovers{t: t, names: map[string]string{}}
	r.use("gateway 1", l.IssuerKeys().Current.Certificate)
	r.use("contoso 1", l.Contoso.Trust.OrgCertificate.Certificate)
	r.use("fabrikam 1", l.Fabrikam.Trust.OrgCertificate.Certificate)
	start := time.Now()
	r.traffic = newTraffic(t, l)
	settle()
	r.certificate("contoso 2", l.Contoso, true)
	r.certificate("fabrikam 2", l.Fabrikam, false)
	r.signingKey("gateway 2", l.Contoso, l.Fabrikam)
	r.certificate("contoso 3", l.Contoso, false)
	r.certificate("fabrikam 3", l.Fabrikam, true)
	r.signingKey("gateway 3", l.Fabrikam, l.Contoso)
	r.stop()
	took := time.Since(start)
	t.Logf("%d lookups by as many users in %.0f s (%.0f a second), %d requests with tokens from before, %d refused",
		r.lookups, took.Seconds(), float64(r.lookups)/took.Seconds(), r.withKept, len(r.refused))
	for _, name := range r.order {
		n, what := r.organizations[r.names[name]], "decrypted with the key"
		if name[:7] == "gateway" {
			n, what = r.issuers[r.names[name]], "verified with the key"
		}
		t.Logf("%5d tokens %s %s", n, what, name)
		if n == 0 {
			t.Errorf("no token was %s %s", what, name)
		}
	}
	if len(r.refused) > 0 {
		t.Errorf("%d were refused, the first: %s", len(r.refused), r.refused[0])
	}
}
