package admin

import (
	"context"
	"net/url"
	"slices"

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
	AccountNamespace    *smtpaddr.Domain
	DefaultDomain       *smtpaddr.Domain
	Domains             *[]smtpaddr.Domain // federated
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

// SetOrganization changes the identifier. Federated domains and the account namespace become accepted domains.
func (a *Admin) SetOrganization(ctx context.Context, p OrganizationParams) error {
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	old, o := *cfg.Organization, cfg.Organization
	set(&o.AccountNamespace, p.AccountNamespace)
	set(&o.DefaultDomain, p.DefaultDomain)
	set(&o.Domains, p.Domains)
	set(&o.AcceptedDomains, p.AcceptedDomains)
	set(&o.Enabled, p.Enabled)
	set(&o.Contact, p.OrganizationContact)
	o.AcceptedDomains = slices.Clone(o.AcceptedDomains)
	for _, d := range append(slices.Clone(o.Domains), o.AccountNamespace) {
		if !d.IsZero() && !slices.Contains(o.AcceptedDomains, d) {
			o.AcceptedDomains = append(o.AcceptedDomains, d)
		}
	}
	publish := publishDomains(cfg)
	set(&publish, p.PublishDomains)
	if publish != PublishAll && publish != PublishQueried {
		return fault.New(fault.Invalid, "PublishDomains %q is not %s or %s", publish, PublishAll, PublishQueried)
	}
	if err := a.checkOrganization(ctx, cfg, o, old.AccountNamespace != o.AccountNamespace); err != nil {
		return err
	}
	if detail := changes(&old, o); detail != "" {
		if err := a.Store.PutOrganization(a.audited(ctx, "org set", "organization", detail), o); err != nil {
			return problem(err)
		}
	}
	return a.putSetting(ctx, "org set", store.SettingPublishDomains, publishDomains(cfg), publish)
}

func (a *Admin) checkOrganization(ctx context.Context, cfg *store.Config, o *federation.Organization, newNamespace bool) error {
	switch {
	case !o.DefaultDomain.IsZero() && !slices.Contains(o.Domains, o.DefaultDomain):
		return fault.New(fault.Invalid, "the default domain %s is not a federated domain", o.DefaultDomain)
	case o.Enabled && len(o.Domains) == 0:
		return fault.New(fault.Invalid, "an organization without a federated domain cannot be enabled; give --domain")
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
	for _, d := range o.Domains {
		if len(d.String()) > federatedDomainLength {
			a.warn("domain " + d.String() + " is longer than 32 characters, which the gateway of Exchange refuses")
		}
	}
	if o.Enabled && cfg.Trust == nil {
		a.warn("there is no federation trust yet; create one with availd trust create")
	}
	if newNamespace && !o.AccountNamespace.IsZero() {
		return a.checkNamespace(ctx, o.AccountNamespace)
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

// URLs are what partners are told (Get-WebServicesVirtualDirectory).
type URLs struct {
	ExternalEwsURL string `json:"ExternalEwsUrl"` // Exchange.asmx; empty: not available
}

// URLs returns them.
func (a *Admin) URLs(ctx context.Context) (URLs, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return URLs{}, err
	}
	return URLs{cfg.Settings[store.SettingExternalEwsURL]}, nil
}

// SetExternalEwsURL changes the URL of our web services (Set-WebServicesVirtualDirectory -ExternalUrl); empty: partners are
// told that it is not available.
func (a *Admin) SetExternalEwsURL(ctx context.Context, to string) error {
	if u, err := url.Parse(to); to != "" && (err != nil || u.Host == "" || u.Scheme != "https") {
		return fault.New(fault.Invalid, "ExternalEwsUrl %q is not https", to)
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	return a.putSetting(ctx, "url set", store.SettingExternalEwsURL, cfg.Settings[store.SettingExternalEwsURL], to)
}
