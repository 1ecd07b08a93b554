package admin

import (
	"context"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
)

// Resealed is the same store, opened with another master key.
type Resealed interface {
	PutTrust(ctx context.Context, t *federation.Trust) error
	PutCertificates(ctx context.Context, pairs []*federation.KeyPair) error
	PutRelationship(ctx context.Context, r *orgrel.OrganizationRelationship) error
	LoadConfig(ctx context.Context) (*store.Config, error)
}

// Reseal writes the organization's private keys and passwords again, sealed with the master key of to, and reads them back. Nodes that
// still run with the old key can no longer read the trust.
func (a *Admin) Reseal(ctx context.Context, to Resealed) error {
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	for _, r := range cfg.Relationships {
		if r.OrgWidePassword == "" {
			continue
		}
		if err := to.PutRelationship(a.audited(ctx, "key reseal", r.Name, "MasterKey: new"), r); err != nil {
			return problem(err)
		}
	}
	if len(cfg.Certificates) > 0 {
		if err := to.PutCertificates(a.audited(ctx, "key reseal", "certificates", "MasterKey: new"), cfg.Certificates); err != nil {
			return problem(err)
		}
	}
	if cfg.Trust != nil {
		if err := to.PutTrust(a.audited(ctx, "key reseal", cfg.Trust.Name, "MasterKey: new"), cfg.Trust); err != nil {
			return problem(err)
		}
	}
	again, err := to.LoadConfig(ctx)
	if err != nil {
		return problem(err)
	}
	if cfg.Trust == nil {
		return nil
	}
	if again.Trust == nil || !again.Trust.OrgCertificate.Key.Equal(cfg.Trust.OrgCertificate.Key) {
		return fault.New(fault.Conflict, "the trust was changed meanwhile; reseal again")
	}
	return nil
}
