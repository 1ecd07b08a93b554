package admin

import (
	"context"
	"crypto/x509"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// RelationshipParams are the settable properties of an organization relationship, under Exchange's names
// (Set-OrganizationRelationship).
type RelationshipParams struct {
	Name                  *string
	DomainNames           *[]smtpaddr.Domain
	AddDomains            []smtpaddr.Domain // DomainNames @{Add=…}
	RemoveDomains         []smtpaddr.Domain // DomainNames @{Remove=…}
	Enabled               *bool
	FreeBusyAccessEnabled *bool
	FreeBusyAccessLevel   *orgrel.AccessLevel
	FreeBusyAccessScope   *smtpaddr.Address
	MailTipsAccessEnabled *bool
	MailTipsAccessLevel   *string
	MailTipsAccessScope   *smtpaddr.Address
	DeliveryReportEnabled *bool
	PhotosEnabled         *bool
	MailboxMoveEnabled    *bool
	TargetApplicationUri  *string //nolint:revive // Exchange's spelling
	TargetAutodiscoverEpr *string
	TargetSharingEpr      *string
	TargetOwaURL          *string
	OrganizationContact   *string
	AllowAddresses        *[]netip.Prefix
	CAFile                *string
	MinTLS                *string
	OrgWideAccount        *smtpaddr.Address
	AccessMethod          *orgrel.AccessMethod
	OrgWideUser           *string
	Source                *orgrel.Source
	OrgWidePassword       *orgrel.Password
}

// apply takes what was given.
func (p RelationshipParams) apply(r *orgrel.OrganizationRelationship) error {
	set(&r.Name, p.Name)
	set(&r.DomainNames, p.DomainNames)
	set(&r.Enabled, p.Enabled)
	set(&r.FreeBusyAccessEnabled, p.FreeBusyAccessEnabled)
	set(&r.FreeBusyAccessLevel, p.FreeBusyAccessLevel)
	set(&r.FreeBusyAccessScope, p.FreeBusyAccessScope)
	set(&r.MailTipsAccessEnabled, p.MailTipsAccessEnabled)
	set(&r.MailTipsAccessScope, p.MailTipsAccessScope)
	set(&r.DeliveryReportEnabled, p.DeliveryReportEnabled)
	set(&r.PhotosEnabled, p.PhotosEnabled)
	set(&r.MailboxMoveEnabled, p.MailboxMoveEnabled)
	set(&r.TargetApplicationUri, p.TargetApplicationUri)
	set(&r.TargetAutodiscoverEpr, p.TargetAutodiscoverEpr)
	set(&r.TargetSharingEpr, p.TargetSharingEpr)
	set(&r.TargetOwaURL, p.TargetOwaURL)
	set(&r.OrganizationContact, p.OrganizationContact)
	set(&r.AllowAddresses, p.AllowAddresses)
	set(&r.CAFile, p.CAFile)
	set(&r.MinTLS, p.MinTLS)
	set(&r.OrgWideAccount, p.OrgWideAccount)
	set(&r.AccessMethod, p.AccessMethod)
	set(&r.OrgWideUser, p.OrgWideUser)
	set(&r.Source, p.Source)
	set(&r.OrgWidePassword, p.OrgWidePassword)
	if p.MailTipsAccessLevel != nil {
		level, err := orgrel.ParseMailTipsLevel(*p.MailTipsAccessLevel)
		if err != nil {
			return invalid(err)
		}
		r.MailTipsAccessLevel = level
	}
	return p.editDomains(r)
}

func (p RelationshipParams) editDomains(r *orgrel.OrganizationRelationship) error {
	r.DomainNames = slices.Clone(r.DomainNames)
	for _, d := range p.RemoveDomains {
		i := slices.Index(r.DomainNames, d)
		if i < 0 {
			return fault.New(fault.NotFound, "organization relationship %q does not have the domain %s", r.Name, d)
		}
		r.DomainNames = slices.Delete(r.DomainNames, i, i+1)
	}
	for _, d := range p.AddDomains {
		if !r.Covers(d) {
			r.DomainNames = append(r.DomainNames, d)
		}
	}
	return nil
}

// Relationships lists all of them by name.
func (a *Admin) Relationships(ctx context.Context) ([]*orgrel.OrganizationRelationship, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	return cfg.Relationships, nil
}

// Relationship finds one by its name, its GUID or one of its domains, in any case.
func (a *Admin) Relationship(ctx context.Context, name string) (*orgrel.OrganizationRelationship, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	return relationship(cfg, name)
}

// CreateRelationship makes a relationship, enabled unless p says otherwise (New-OrganizationRelationship).
func (a *Admin) CreateRelationship(ctx context.Context, name string, p RelationshipParams) (*orgrel.OrganizationRelationship, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	r := &orgrel.OrganizationRelationship{Enabled: true, MailTipsAccessLevel: orgrel.MailTipsNone}
	p.Name = &name
	if err := p.apply(r); err != nil {
		return nil, err
	}
	if err := a.checkRelationship(ctx, cfg, r); err != nil {
		return nil, err
	}
	if cfg.Trust == nil {
		a.warn("there is no federation trust yet; create one with availd trust create")
	}
	return r, a.partnersChanged(ctx, problem(a.Store.PutRelationship(a.audited(ctx, "orgrel create", r.Name, changes(nil, r)), r)))
}

// SetRelationship changes what p gives; every node follows within a second.
func (a *Admin) SetRelationship(ctx context.Context, name string, p RelationshipParams) (*orgrel.OrganizationRelationship, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	r, err := relationship(cfg, name)
	if err != nil {
		return nil, err
	}
	old := *r
	if err := p.apply(r); err != nil {
		return nil, err
	}
	if err := a.checkRelationship(ctx, cfg, r); err != nil {
		return nil, err
	}
	detail := changes(&old, r)
	if old.OrgWidePassword != r.OrgWidePassword { // has no value that could be written
		detail = strings.TrimPrefix(detail+"; OrgWidePassword changed", "; ")
	}
	if detail == "" {
		return r, nil
	}
	return r, a.partnersChanged(ctx, problem(a.Store.PutRelationship(a.audited(ctx, "orgrel set", old.Name, detail), r)))
}

// RemoveRelationship ends all sharing over it.
func (a *Admin) RemoveRelationship(ctx context.Context, name string) error {
	r, err := a.Relationship(ctx, name)
	if err != nil {
		return err
	}
	return a.partnersChanged(ctx, problem(a.Store.DeleteRelationship(a.audited(ctx, "orgrel remove", r.Name, changes(r, nil)), r.ID)))
}

// checkRelationship adds to the relationship's own rules those about other objects. The store holds names and domains
// unique too; here the sentence is better.
func (a *Admin) checkRelationship(ctx context.Context, cfg *store.Config, r *orgrel.OrganizationRelationship) error {
	if err := r.Validate(); err != nil {
		return invalid(err)
	}
	for _, d := range r.DomainNames {
		if cfg.Organization.Owns(d) {
			return fault.New(fault.Invalid, "%s is our own domain", d)
		}
	}
	for _, other := range cfg.Relationships {
		if other.ID == r.ID {
			continue
		}
		if strings.EqualFold(other.Name, r.Name) {
			return fault.New(fault.Conflict, "there is an organization relationship %q already", other.Name)
		}
		if !r.OrgWideAccount.IsZero() && other.OrgWideAccount == r.OrgWideAccount {
			return fault.New(fault.Conflict, "%s already is the account of relationship %q", r.OrgWideAccount, other.Name)
		}
		for _, d := range r.DomainNames {
			if other.Covers(d) {
				return fault.New(fault.Conflict, "domain %q already belongs to relationship %q", d, other.Name)
			}
		}
	}
	for _, scope := range []smtpaddr.Address{r.FreeBusyAccessScope, r.MailTipsAccessScope} {
		if scope.IsZero() {
			continue
		}
		if _, err := a.Store.Group(ctx, scope); err != nil {
			return problem(err)
		}
	}
	if err := checkCAFile(r.CAFile); err != nil {
		return err
	}
	if !r.OrgWideAccount.IsZero() {
		if _, err := a.Store.Mailbox(ctx, r.OrgWideAccount); err != nil {
			return problem(err)
		}
	}
	a.warn(r.Warnings()...)
	return nil
}

func checkCAFile(path string) error {
	if path == "" {
		return nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return fault.New(fault.Invalid, "CA file: %v", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return fault.New(fault.Invalid, "CA file %s holds no certificate", path)
	}
	return nil
}
