package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
)

// NextCertificateParams says which certificate will be the next one.
type NextCertificateParams struct {
	OrgNextCertificate *federation.KeyPair // nil: the one with Thumbprint
	Thumbprint         string              // of an unused certificate of the store; "": a self-signed one is made
	Days               int                 // validity of a self-signed one
}

// tell sends the gateway a statement, where the trust says that we speak to it ourselves. told is false where its
// administrator must be asked.
func (a *Admin) tell(ctx context.Context, t *federation.Trust, send func(context.Context, *http.Client, *federation.Trust, time.Time) error) (told bool, err error) {
	if provisioner(t) != federation.Statements {
		return false, nil
	}
	client, err := a.HTTP(t)
	if err != nil {
		return false, err
	}
	return true, send(ctx, client, t, a.Now())
}

// SetNextCertificate installs the next organization certificate (Set-FederationTrust -Thumbprint): tokens that are
// encrypted to it can be opened from now on, on every node, and the gateway is told. Nothing else uses it before
// PublishCertificate. A next certificate that was there becomes an unused one. It may be called again.
func (a *Admin) SetNextCertificate(ctx context.Context, p NextCertificateParams) (*Trust, error) {
	t, err := a.trust(ctx, "")
	if err != nil {
		return nil, err
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	next, err := a.takeCertificate(cfg, p.OrgNextCertificate, p.Thumbprint, p.Days)
	if err != nil {
		return nil, err
	}
	for _, k := range []*federation.KeyPair{t.OrgCertificate, t.OrgPrevCertificate} {
		if k != nil && k.Certificate.Equal(next.Certificate) {
			return nil, fault.New(fault.Conflict, "the certificate %s is in use already", federation.Thumbprint(next.Certificate))
		}
	}
	shown, err := a.putNext(ctx, cfg, t, next)
	if err != nil {
		return nil, err
	}
	told, err := a.tell(ctx, t, federation.SendNextCertificate)
	switch {
	case err != nil:
		return nil, &fault.Error{Kind: fault.Unavailable, Cause: err, Message: "the next certificate is installed here and not at the gateway; try again with --thumbprint " + federation.Thumbprint(next.Certificate) + ": " + err.Error()}
	case !told:
		a.warn("the gateway's administrator must install it too, before it is published: give her the file of availd trust export-certificate --next; at our gateway that is fedgateway certificate next ORGANIZATION FILE")
	}
	a.warnProofs(cfg.Organization, t)
	return shown, nil
}

// putNext stores the next certificate; one that it replaces becomes unused.
func (a *Admin) putNext(ctx context.Context, cfg *store.Config, t *federation.Trust, next *federation.KeyPair) (*Trust, error) {
	old := *t
	left := unused(cfg, next)
	if replaced := t.OrgNextCertificate; replaced != nil && !replaced.Certificate.Equal(next.Certificate) {
		left = append(left, replaced)
	}
	t.OrgNextCertificate = next
	shown, err := a.putTrust(ctx, "trust set-next-cert", &old, t)
	if err != nil {
		return nil, err
	}
	return shown, problem(a.Store.PutCertificates(ctx, left))
}

// warnProofs says that the domain proofs change with the certificate.
func (a *Admin) warnProofs(o *federation.Organization, t *federation.Trust) {
	if domains := o.ToProve(); len(domains) > 0 {
		a.warn("the domain proofs change with the certificate: publish the TXT record of " + federation.Thumbprint(t.OrgNextCertificate.Certificate) + " that availd domain proof DOMAIN shows, for each of: " + join(domains))
	}
}

// PublishCertificate makes the next certificate the current one, and the current one the previous, which still opens
// tokens (Set-FederationTrust -PublishFederationCertificate). The gateway is told first: it may encrypt to the next
// certificate as soon as every node can open that, which is so since SetNextCertificate.
func (a *Admin) PublishCertificate(ctx context.Context) (*Trust, error) {
	t, err := a.trust(ctx, "")
	if err != nil {
		return nil, err
	}
	if t.OrgNextCertificate == nil {
		return nil, fault.New(fault.NotFound, "there is no next organization certificate; install one with availd trust set-next-cert")
	}
	if err := federation.CheckOrganizationCertificate(t.OrgNextCertificate.Certificate, a.Now()); err != nil {
		return nil, invalid(err)
	}
	told, err := a.tell(ctx, t, federation.PublishCertificate)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Unavailable, Cause: err, Message: "the gateway was not told, and nothing has changed: " + err.Error()}
	}
	cfg, err := a.config(ctx) // once more: others may have changed the trust while the gateway was asked
	if err != nil {
		return nil, err
	}
	if next := t.OrgNextCertificate; cfg.Trust == nil || cfg.Trust.OrgNextCertificate == nil || !cfg.Trust.OrgNextCertificate.Certificate.Equal(next.Certificate) {
		return nil, fault.New(fault.Conflict, "the trust was changed while the gateway was asked; try again")
	}
	t = cfg.Trust
	old := *t
	if t.OrgPrevCertificate != nil {
		if err := a.Store.PutCertificates(ctx, append(unused(cfg), t.OrgPrevCertificate)); err != nil {
			return nil, problem(err)
		}
	}
	t.OrgPrevCertificate, t.OrgCertificate, t.OrgNextCertificate = t.OrgCertificate, t.OrgNextCertificate, nil
	shown, err := a.putTrust(ctx, "trust publish-cert", &old, t)
	if err == nil && !told {
		a.warn("the gateway's administrator must publish it too; at our gateway that is fedgateway certificate publish ORGANIZATION. Until then tokens come for the previous certificate, which opens them")
	}
	return shown, err
}
