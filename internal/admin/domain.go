package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

func join(domains []smtpaddr.Domain) string {
	var out []string
	for _, d := range domains {
		out = append(out, d.String())
	}
	return strings.Join(out, ", ")
}

// AcceptedDomain is a domain of ours (Get-AcceptedDomain).
type AcceptedDomain struct {
	Name       string
	DomainName smtpaddr.Domain
	Federated  bool
}

// AcceptedDomains lists them.
func (a *Admin) AcceptedDomains(ctx context.Context) ([]AcceptedDomain, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	return acceptedDomains(cfg.Organization), nil
}

func acceptedDomains(o *federation.Organization) []AcceptedDomain {
	var out []AcceptedDomain
	for _, d := range o.AcceptedDomains {
		out = append(out, AcceptedDomain{cmp.Or(o.AcceptedDomainNames[d], d.String()), d, slices.Contains(o.Domains, d) || d == o.NamespaceProof()})
	}
	return out
}

// AddAcceptedDomain makes d one of our domains (New-AcceptedDomain); name "" is the domain itself.
func (a *Admin) AddAcceptedDomain(ctx context.Context, d smtpaddr.Domain, name string) error {
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	for _, other := range acceptedDomains(cfg.Organization) {
		if other.DomainName == d || strings.EqualFold(other.Name, cmp.Or(name, d.String())) {
			return fault.New(fault.Conflict, "there is an accepted domain %s already, called %q", other.DomainName, other.Name)
		}
	}
	o := clone(cfg.Organization)
	o.AcceptedDomains = append(o.AcceptedDomains, d)
	o.AcceptedDomainNames = names(o)
	if name != "" && name != d.String() {
		o.AcceptedDomainNames[d] = name
	}
	return a.putOrganization(ctx, "accepted-domain add", cfg, o)
}

// names are those of domains that are still accepted, in a map of their own.
func names(o *federation.Organization) map[smtpaddr.Domain]string {
	out := map[smtpaddr.Domain]string{}
	for d, n := range o.AcceptedDomainNames {
		if slices.Contains(o.AcceptedDomains, d) {
			out[d] = n
		}
	}
	return out
}

// RemoveAcceptedDomain takes a domain away; identity is it or its name (Remove-AcceptedDomain). A federated one stays.
func (a *Admin) RemoveAcceptedDomain(ctx context.Context, identity string) error {
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	for _, d := range acceptedDomains(cfg.Organization) {
		if !strings.EqualFold(d.Name, identity) && !strings.EqualFold(d.DomainName.String(), identity) {
			continue
		}
		if d.Federated {
			return fault.New(fault.Conflict, "%s is federated; end that first with availd domain remove %s", d.DomainName, d.DomainName)
		}
		o := clone(cfg.Organization)
		o.AcceptedDomains = slices.DeleteFunc(o.AcceptedDomains, func(x smtpaddr.Domain) bool { return x == d.DomainName })
		o.AcceptedDomainNames = names(o)
		return a.putOrganization(ctx, "accepted-domain remove", cfg, o)
	}
	return fault.New(fault.NotFound, "there is no accepted domain %q", identity)
}

// AddFederatedDomain federates an accepted domain, once its proof is in DNS, and reserves it at the gateway where the
// trust says that we speak to it ourselves (Add-FederatedDomain).
func (a *Admin) AddFederatedDomain(ctx context.Context, d smtpaddr.Domain) error {
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	o, t := clone(cfg.Organization), cfg.Trust
	switch {
	case !t.Configured() || o.AccountNamespace.IsZero():
		return fault.New(fault.Invalid, "%s", federation.TextNoTrust)
	case slices.Contains(o.Domains, d) || d == o.AccountNamespace:
		return fault.New(fault.Conflict, "%s is federated already", d)
	case !slices.Contains(o.AcceptedDomains, d):
		return fault.New(fault.Invalid, "%s is not an accepted domain; make it one with availd accepted-domain add %s", d, d)
	}
	if err := a.requireProof(ctx, t, d); err != nil {
		return err
	}
	told, err := a.tell(ctx, t, func(ctx context.Context, c *http.Client, t *federation.Trust, now time.Time) error {
		return federation.AddDomain(ctx, c, t, d, now)
	})
	switch {
	case err != nil:
		return &fault.Error{Kind: fault.Conflict, Cause: err, Message: fmt.Sprintf("Unable to reserve the URI %q for the domain %q on application identifier %s. Detailed information: %q.", d, d, identifier(t), err)}
	case !told:
		a.warn("the gateway's administrator must take the domain too; at our gateway that is fedgateway domain add ORGANIZATION " + d.String() + " and fedgateway domain verify ORGANIZATION " + d.String())
	}
	o.Domains = append(o.Domains, d)
	return a.putOrganization(ctx, "domain add", cfg, o)
}

// identifier is how the gateway names us.
func identifier(t *federation.Trust) string {
	return cmp.Or(t.ApplicationIdentifier, t.ApplicationUri)
}

// RemoveFederatedDomain ends that d is federated and releases it at the gateway (Remove-FederatedDomain). The domain of
// the account namespace goes last. force goes on when the gateway does not release it.
func (a *Admin) RemoveFederatedDomain(ctx context.Context, d smtpaddr.Domain, force bool) error {
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	o := clone(cfg.Organization)
	last := d == o.AccountNamespace || d == o.NamespaceProof()
	others := slices.DeleteFunc(o.ToProve(), func(x smtpaddr.Domain) bool { return x == d || x == o.NamespaceProof() })
	switch {
	case !last && !slices.Contains(o.Domains, d):
		return fault.New(fault.NotFound, "%s is not federated", d)
	case last && len(others) > 0:
		return fault.New(fault.Conflict, "%s carries the account namespace and goes last; remove these first: %s", d, join(others))
	case last && o.Enabled:
		return fault.New(fault.Conflict, "%s is the last federated domain; disable the organization first with availd org set --enabled=false", d)
	case d == o.DefaultDomain && !last:
		return fault.New(fault.Conflict, "%s is the default domain; change that first with availd org set --default-domain", d)
	}
	released := d
	if last {
		released = o.NamespaceProof()
	}
	if err := a.release(ctx, cfg.Trust, released, force); err != nil {
		return err
	}
	o.Domains = slices.DeleteFunc(o.Domains, func(x smtpaddr.Domain) bool { return x == d || last && x == o.NamespaceProof() })
	if last {
		o.AccountNamespace, o.DefaultDomain = smtpaddr.Domain{}, smtpaddr.Domain{}
	}
	return a.putOrganization(ctx, "domain remove", cfg, o)
}

// release tells the gateway that a domain is free again.
func (a *Admin) release(ctx context.Context, t *federation.Trust, d smtpaddr.Domain, force bool) error {
	if t == nil {
		return nil
	}
	told, err := a.tell(ctx, t, func(ctx context.Context, c *http.Client, t *federation.Trust, now time.Time) error {
		return federation.RemoveDomain(ctx, c, t, d, now)
	})
	if !told && err == nil {
		a.warn("the gateway's administrator must release the domain too; at our gateway that is fedgateway domain remove ORGANIZATION " + d.String())
	}
	if err == nil {
		return nil
	}
	text := fmt.Sprintf("The URI %q for domain %q on application identifier %q couldn't be released. Detailed information: %q.", d, d, identifier(t), err)
	if force {
		a.warn(text)
		return nil
	}
	return &fault.Error{Kind: fault.Conflict, Cause: err, Message: text + " With --force it is removed here all the same."}
}
