package admin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/smtpaddr"
)

// Values of OrganizationParams.PublishDomains: what GetFederationInformation tells.
const (
	PublishQueried = "queried" // only the domain that was asked about
	PublishAll     = "all"
)

// federatedDomainLength is what Exchange's gateway takes (Add-FederatedDomain); ours has no such limit.
const federatedDomainLength = 32

// OrganizationParams changes the federated organization identifier (Set-FederatedOrganizationIdentifier).
type OrganizationParams struct {
	Trust               *string // name of the federation trust (DelegationFederationTrust); it must be there
	AccountNamespace    *smtpaddr.Domain
	AutoNamespace       *smtpaddr.Domain // makes the account namespace from this domain, which is federated then
	DefaultDomain       *smtpaddr.Domain
	Domains             *[]smtpaddr.Domain // federated, by the word of the gateway's administrator; they become accepted
	AcceptedDomains     *[]smtpaddr.Domain
	Enabled             *bool
	OrganizationContact *string
	PublishDomains      *string // PublishQueried or PublishAll
}

// Organization is the federated organization identifier with the names that belong to it.
type Organization struct {
	*federation.Organization
	DelegationTrustLink string // name of the federation trust
	PublishDomains      string
}

// Organization returns the identifier (Get-FederatedOrganizationIdentifier).
func (a *Admin) Organization(ctx context.Context) (*Organization, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	o := &Organization{Organization: cfg.Organization, PublishDomains: publishDomains(cfg)}
	if cfg.Trust != nil {
		o.DelegationTrustLink = cfg.Trust.Name
	}
	return o, nil
}

func publishDomains(cfg *store.Config) string {
	if s := cfg.Settings[store.SettingPublishDomains]; s != "" {
		return s
	}
	return PublishQueried
}

// SetOrganization changes the identifier. A new account namespace is registered at the gateway where the trust says that
// we speak to it ourselves.
func (a *Admin) SetOrganization(ctx context.Context, p OrganizationParams) error {
	if p.Trust != nil {
		if _, err := a.trust(ctx, *p.Trust); err != nil {
			return err
		}
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	o := clone(cfg.Organization)
	if err := p.apply(o); err != nil {
		return err
	}
	publish := publishDomains(cfg)
	set(&publish, p.PublishDomains)
	if publish != PublishAll && publish != PublishQueried {
		return fault.New(fault.Invalid, "PublishDomains %q is not %s or %s", publish, PublishAll, PublishQueried)
	}
	if err := a.putOrganization(ctx, "org set", cfg, o); err != nil {
		return err
	}
	return a.putSetting(ctx, "org set", store.SettingPublishDomains, publishDomains(cfg), publish)
}

func clone(o *federation.Organization) *federation.Organization {
	c := *o
	c.Domains, c.AcceptedDomains = slices.Clone(o.Domains), slices.Clone(o.AcceptedDomains)
	return &c
}

func (p OrganizationParams) apply(o *federation.Organization) error {
	set(&o.AccountNamespace, p.AccountNamespace)
	set(&o.DefaultDomain, p.DefaultDomain)
	set(&o.Domains, p.Domains)
	set(&o.AcceptedDomains, p.AcceptedDomains)
	set(&o.Enabled, p.Enabled)
	set(&o.Contact, p.OrganizationContact)
	o.Domains, o.AcceptedDomains = slices.Clone(o.Domains), slices.Clone(o.AcceptedDomains)
	if p.AutoNamespace != nil {
		if p.AccountNamespace != nil {
			return fault.New(fault.Invalid, "--account-namespace and --auto-namespace exclude each other")
		}
		namespace, err := federation.AutoNamespace(*p.AutoNamespace)
		if err != nil {
			return invalid(err)
		}
		o.AccountNamespace = namespace
		if !slices.Contains(o.Domains, *p.AutoNamespace) {
			o.Domains = append(o.Domains, *p.AutoNamespace)
		}
	}
	for _, d := range o.Domains {
		if !slices.Contains(o.AcceptedDomains, d) {
			o.AcceptedDomains = append(o.AcceptedDomains, d)
		}
	}
	return nil
}

// putOrganization checks and stores a changed identifier, with the ApplicationUri that follows the account namespace.
func (a *Admin) putOrganization(ctx context.Context, verb string, cfg *store.Config, o *federation.Organization) error {
	old := cfg.Organization
	if err := checkOrganization(cfg, o); err != nil {
		return err
	}
	if o.AccountNamespace != old.AccountNamespace && !o.AccountNamespace.IsZero() {
		if err := a.newNamespace(ctx, cfg, o); err != nil {
			return err
		}
	}
	a.warnOrganization(cfg, o)
	detail := changes(old, o)
	if detail == "" {
		return nil
	}
	return problem(a.Store.PutOrganization(a.audited(ctx, verb, "organization", detail), o))
}

func checkOrganization(cfg *store.Config, o *federation.Organization) error {
	switch {
	case !o.DefaultDomain.IsZero() && !slices.Contains(o.Domains, o.DefaultDomain):
		return fault.New(fault.Invalid, "DefaultDomain %s is not a federated domain", o.DefaultDomain)
	case o.Enabled && len(o.Domains) == 0 && o.AccountNamespace.IsZero():
		return fault.New(fault.Invalid, "an organization without account namespace and federated domain cannot be enabled; give --account-namespace, or --domain")
	case o.Contact != "":
		if _, err := smtpaddr.ParseAddress(o.Contact); err != nil {
			return fault.New(fault.Invalid, "OrganizationContact: %v", err)
		}
	}
	for _, r := range cfg.Relationships {
		for _, d := range r.DomainNames {
			if o.Owns(d) {
				return fault.New(fault.Conflict, "domain %q belongs to the partner of organization relationship %q", d, r.Name)
			}
		}
	}
	return nil
}

// warnOrganization says what is done all the same.
func (a *Admin) warnOrganization(cfg *store.Config, o *federation.Organization) {
	for _, d := range o.Domains {
		if len(d.String()) > federatedDomainLength && !slices.Contains(cfg.Organization.Domains, d) {
			a.warn("domain " + d.String() + " is longer than 32 characters, which the gateway of Exchange refuses")
		}
	}
	if o.Enabled && cfg.Trust == nil {
		a.warn("there is no federation trust yet; create one with availd trust create")
	}
}

// newNamespace checks and registers an account namespace, and lets the trust's ApplicationUri follow it.
func (a *Admin) newNamespace(ctx context.Context, cfg *store.Config, o *federation.Organization) error {
	namespace, proves := o.AccountNamespace, o.NamespaceProof()
	if !slices.Contains(o.AcceptedDomains, proves) {
		return fault.New(fault.Invalid, "%s is not an accepted domain; make it one with availd accepted-domain add %s", proves, proves)
	}
	if err := a.checkNamespace(ctx, namespace); err != nil {
		return err
	}
	t := cfg.Trust
	if old := cfg.Organization.AccountNamespace; !old.IsZero() {
		a.warn(partnersBreak("the account namespace", old.String(), namespace.String()))
	}
	if t == nil {
		return nil
	}
	was := *t
	if t.ApplicationUri == "" || federation.NormalizeURI(t.ApplicationUri) == cfg.Organization.AccountNamespace.String() {
		t.ApplicationUri = namespace.String()
	}
	if err := a.register(ctx, t, o); err != nil {
		return err
	}
	if t.ApplicationUri == was.ApplicationUri {
		return nil
	}
	_, err := a.putTrust(ctx, "org set", &was, t)
	return err
}

// register makes the organization known to the gateway, once the proof of the namespace is in DNS.
func (a *Admin) register(ctx context.Context, t *federation.Trust, o *federation.Organization) error {
	proves := o.NamespaceProof()
	if provisioner(t) != federation.Statements {
		a.warn("the gateway's administrator must register this organization with the account namespace " + o.AccountNamespace.String() +
			"; a gateway that looks for its proof in DNS wants the record that availd domain proof " + proves.String() + " shows")
		return nil
	}
	if err := a.requireProof(ctx, t, proves); err != nil {
		return err
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	_, err = a.tell(ctx, t, func(ctx context.Context, c *http.Client, t *federation.Trust, now time.Time) error {
		if federation.PublishPartners(ctx, c, t, partnerList(cfg), now) == nil {
			return nil // it takes our statements: its administrator has registered us
		}
		return federation.Register(ctx, c, t, federation.Registration{Name: proves.String(), Contact: o.Contact, AccountNamespace: o.AccountNamespace, Domains: []smtpaddr.Domain{proves}}, now)
	})
	if err != nil {
		return &fault.Error{Kind: fault.Conflict, Cause: err, Message: fmt.Sprintf("An error occurred while attempting to provision Exchange to the Partner STS. Detailed Information %q.", err)}
	}
	return nil
}

// checkNamespace refuses a namespace in which users have their primary address: immutable ids at the gateway would be
// mistaken for them.
func (a *Admin) checkNamespace(ctx context.Context, namespace smtpaddr.Domain) error {
	for m, err := range a.Mailboxes(ctx) {
		if err != nil {
			return err
		}
		if m.Address.Domain() == namespace {
			return fault.New(fault.Conflict, "the account namespace %s is the domain of mailbox %s; it must differ from every primary address's", namespace, m.Address)
		}
	}
	return nil
}

func (a *Admin) putSetting(ctx context.Context, verb, name, old, value string) error {
	if value == old {
		return nil
	}
	detail := changes(map[string]string{name: old}, map[string]string{name: value})
	return problem(a.Store.PutSetting(a.audited(ctx, verb, name, detail), name, value))
}
