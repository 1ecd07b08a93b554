package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/partner"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// fact is something that is found out once and then known, or known to be unknowable.
type fact[T any] struct {
	known bool
	value T
	err   error
}

func (f *fact[T]) get(find func() (T, error)) (T, error) {
	if !f.known {
		f.value, f.err = find()
		f.known = true
	}
	return f.value, f.err
}

// examination is what the checks share: every fact is fetched at most once.
type examination struct {
	o      Options
	wire   wire
	tokens *federation.Client

	config     fact[*store.Config]
	partner    fact[*orgrel.OrganizationRelationship]
	asker      fact[smtpaddr.Address]
	published  fact[*federation.Metadata]
	discovered fact[discovery]
	ourselves  fact[discovery]
	remote     fact[[]autodiscover.OrganizationRelationshipSettings]
	out, in    fact[way]
	spoken     fact[map[smtpaddr.Domain]error]
	self       fact[*federation.DelegationToken]
}

func newExamination(o Options) *examination {
	if o.Patience == 0 {
		o.Patience = patience
	}
	x := &examination{o: o, wire: wire{now: o.Now}}
	x.tokens = &federation.Client{Trusts: x, Now: o.Now, HTTP: x.gatewayClient}
	return x
}

func (x *examination) configuration(ctx context.Context) (*store.Config, error) {
	return x.config.get(func() (*store.Config, error) {
		cfg, err := x.o.Store.LoadConfig(ctx)
		if err == nil && cfg.Organization == nil {
			cfg.Organization = &federation.Organization{}
		}
		return cfg, err
	})
}

// FederationTrust implements [federation.Trusts].
func (x *examination) FederationTrust(ctx context.Context) (*federation.Trust, error) {
	cfg, err := x.configuration(ctx)
	if err != nil {
		return nil, err
	}
	return cfg.Trust, nil
}

// Organization implements [federation.Trusts].
func (x *examination) Organization(ctx context.Context) (*federation.Organization, error) {
	cfg, err := x.configuration(ctx)
	if err != nil {
		return nil, err
	}
	return cfg.Organization, nil
}

// trust is the federation trust with its current organization certificate.
func (x *examination) trust(ctx context.Context) (*federation.Trust, error) {
	t, err := x.FederationTrust(ctx)
	switch {
	case err != nil:
		return nil, err
	case t == nil:
		return nil, errors.New("no federation trust is configured for this organization")
	case t.OrgCertificate == nil:
		return nil, errors.New("the federation trust has no organization certificate")
	}
	return t, nil
}

// owns tells whether a domain is ours; unknown is not ours.
func (x *examination) owns(ctx context.Context, d smtpaddr.Domain) bool {
	o, err := x.Organization(ctx)
	return err == nil && o.Owns(d)
}

// partnerDomain is the domain of the partner that matters: that of the mailbox or the user, else the relationship's first.
func (x *examination) partnerDomain(ctx context.Context) (smtpaddr.Domain, bool) {
	for _, a := range []smtpaddr.Address{x.o.Mailbox, x.o.User} {
		if !a.IsZero() && !x.owns(ctx, a.Domain()) {
			return a.Domain(), true
		}
	}
	if rel, err := x.relationship(ctx); err == nil && len(rel.DomainNames) > 0 {
		return rel.DomainNames[0], true
	}
	return smtpaddr.Domain{}, false
}

// relationship is the one with the partner: the named one, that of the foreign address, or the only one.
func (x *examination) relationship(ctx context.Context) (*orgrel.OrganizationRelationship, error) {
	return x.partner.get(func() (*orgrel.OrganizationRelationship, error) {
		cfg, err := x.configuration(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range []smtpaddr.Address{x.o.Mailbox, x.o.User} {
			if a.IsZero() || x.owns(ctx, a.Domain()) || x.o.Partner != "" {
				continue
			}
			for _, r := range cfg.Relationships {
				if r.Covers(a.Domain()) {
					return r, nil
				}
			}
			return nil, fault.New(fault.AddressSpaceNotFound, "Configuration information for forest/domain %s could not be found in Active Directory.", a.Domain())
		}
		for _, r := range cfg.Relationships {
			if strings.EqualFold(r.Name, x.o.Partner) || x.o.Partner == "" && len(cfg.Relationships) == 1 {
				return r, nil
			}
		}
		if x.o.Partner != "" {
			return nil, fault.New(fault.NotFound, "there is no organization relationship %q", x.o.Partner)
		}
		return nil, fault.New(fault.NotFound, "there are %d organization relationships and none was named", len(cfg.Relationships))
	})
}

// speaker is the own address on whose behalf tokens are asked for. The gateway does not know users, only domains: where
// there is no mailbox, postmaster will do.
func (x *examination) speaker(ctx context.Context) (smtpaddr.Address, error) {
	return x.asker.get(func() (smtpaddr.Address, error) {
		o, err := x.Organization(ctx)
		if err != nil {
			return smtpaddr.Address{}, err
		}
		if !x.o.User.IsZero() && o.Owns(x.o.User.Domain()) {
			addresses := []smtpaddr.Address{x.o.User}
			if m, err := x.o.Store.Mailbox(ctx, x.o.User); err == nil {
				addresses = append([]smtpaddr.Address{m.Address}, m.Aliases...)
			}
			if a, ok := o.FederatedAddress(addresses); ok {
				return a, nil
			}
			return smtpaddr.Address{}, fmt.Errorf("%s has no address in a federated domain", x.o.User)
		}
		if len(o.Domains) == 0 {
			return smtpaddr.Address{}, errors.New("the organization has no federated domain")
		}
		return postmaster(o.Domains[0])
	})
}

func postmaster(d smtpaddr.Domain) (smtpaddr.Address, error) {
	return smtpaddr.ParseAddress("postmaster@" + d.String())
}

func (x *examination) gatewayClient(t *federation.Trust) (*http.Client, error) {
	return x.client(Connection{CAFile: t.CAFile, Allowed: append(partner.PrivateIf(t.AllowPrivate), x.o.AllowPrivate...)})
}

func (x *examination) partnerClient(rel *orgrel.OrganizationRelationship) (*http.Client, error) {
	if rel == nil {
		return x.client(Connection{CAFile: x.o.CAFile, Allowed: x.o.AllowPrivate})
	}
	return x.client(Connection{CAFile: rel.CAFile, MinTLS: rel.MinTLS, Allowed: append(slices.Clone(x.o.AllowPrivate), rel.AllowAddresses...)})
}

func (x *examination) client(c Connection) (*http.Client, error) {
	h, err := x.o.HTTP(c)
	if err != nil {
		return nil, err
	}
	return x.wire.recorded(h), nil
}

// metadata is what the gateway publishes now, signed by a certificate that the trust has.
func (x *examination) metadata(ctx context.Context) (*federation.Metadata, error) {
	return x.published.get(func() (*federation.Metadata, error) {
		t, err := x.FederationTrust(ctx)
		if err != nil {
			return nil, err
		}
		if t == nil || t.TokenIssuerMetadataEpr == "" {
			return nil, errNoMetadataEpr
		}
		c, err := x.gatewayClient(t)
		if err != nil {
			return nil, err
		}
		return federation.FetchMetadata(ctx, c, t.TokenIssuerMetadataEpr, t.TrustedIssuers(), x.o.Now())
	})
}

var errNoMetadataEpr = errors.New("the federation trust has no TokenIssuerMetadataEpr")

// secured is the endpoint for tokens of a service, spelt as Exchange does.
func secured(url string) string {
	const suffix = "/wssecurity"
	url = strings.TrimSuffix(url, "/")
	if strings.HasSuffix(strings.ToLower(url), suffix) {
		return url
	}
	return url + "/WSSecurity"
}

func list(s []string) string {
	if len(s) == 0 {
		return "no name"
	}
	return strings.Join(s, ", ")
}
