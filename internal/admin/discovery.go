package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// DiscoverParams say how a partner's federation information is looked for (Get-FederationInformation).
type DiscoverParams struct {
	TrustedHosts   []string       // hosts of other domains to which the partner may lead
	Confirm        int            // how many of the domains that the partner claims are asked themselves; < 0: all
	Timeout        time.Duration  // of each domain; 0 = 30 s
	CAFile         string         // roots for the partner's TLS
	AllowAddresses []netip.Prefix // private ranges that may be dialled
}

// Discovery is what a partner told of itself, and where it was looked for.
type Discovery struct {
	Domain smtpaddr.Domain
	Info   *autodiscover.FederationInformation
	Tries  []autodiscover.Try
}

// Discover looks for one domain's federation information. The tries are there also when there is an error.
func (a *Admin) Discover(ctx context.Context, d smtpaddr.Domain, p DiscoverParams) (*Discovery, error) {
	if err := checkCAFile(p.CAFile); err != nil {
		return &Discovery{Domain: d}, err
	}
	info, tries, err := a.Find(ctx, d, p)
	out := &Discovery{d, info, tries}
	if err != nil {
		return out, &fault.Error{Kind: fault.Unavailable, Message: "Federation information could not be received from the external organization. " + err.Error(), Cause: err}
	}
	return out, nil
}

// learned is what the relationship takes from discoveries, with the sentences about what could not be learned.
type learned struct {
	domains     []smtpaddr.Domain
	info        *autodiscover.FederationInformation
	unconfirmed []string
}

// learn asks each of the domains. The first that answers tells who the partner is; asked domains are kept whatever they
// say, domains that only the partner claims are taken when they say the same themselves.
func (a *Admin) learn(ctx context.Context, asked []smtpaddr.Domain, p DiscoverParams) (l learned, err error) {
	l.domains = slices.Clone(asked)
	var first error
	for _, d := range asked {
		found, err := a.Discover(ctx, d, p)
		switch {
		case err != nil:
			first = cmp.Or(first, err)
			l.unconfirmed = append(l.unconfirmed, fmt.Sprintf("%s is kept as it was given; it could not be confirmed: %s", d, fault.As(err).Text()))
			continue
		case l.info == nil:
			l.info = found.Info
		case !sameURI(l.info.ApplicationUri, found.Info.ApplicationUri):
			l.unconfirmed = append(l.unconfirmed, fmt.Sprintf("%s is kept as it was given; it says that its application URI is %q and not %q", d, found.Info.ApplicationUri, l.info.ApplicationUri))
			continue
		}
		l.add(found.Info, p.Confirm == 0)
	}
	if l.info == nil {
		return l, first
	}
	return l, nil
}

// add takes the claimed domains that were confirmed; with unasked, none of them was.
func (l *learned) add(info *autodiscover.FederationInformation, unasked bool) {
	for _, d := range info.Domains {
		switch {
		case slices.Contains(l.domains, d):
		case unasked:
			l.unconfirmed = append(l.unconfirmed, fmt.Sprintf("%s is claimed by the partner and was not asked; give it to --from-discovery to have it", d))
		default:
			l.domains = append(l.domains, d)
		}
	}
	for _, u := range info.Unconfirmed {
		if !slices.Contains(l.domains, u.Domain) {
			l.unconfirmed = append(l.unconfirmed, fmt.Sprintf("%s is claimed by the partner and left out: %v", u.Domain, u.Err))
		}
	}
}

func sameURI(a, b string) bool { return federation.NormalizeURI(a) == federation.NormalizeURI(b) }

// CheckTokenIssuers refuses a partner none of whose token issuers is ours: no token would be issued.
func (a *Admin) CheckTokenIssuers(ctx context.Context, theirs []string) error {
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	return a.checkIssuers(cfg.Trust, theirs)
}

func (a *Admin) checkIssuers(t *federation.Trust, theirs []string) error {
	switch {
	case t == nil || t.TokenIssuerUri == "":
		return nil // told of elsewhere
	case len(theirs) == 0:
		a.warn("the partner does not tell its token issuers; if its gateway is not " + t.TokenIssuerUri + ", no token will be issued")
		return nil
	case slices.ContainsFunc(theirs, func(uri string) bool { return sameURI(uri, t.TokenIssuerUri) }):
		return nil
	}
	return fault.New(fault.Conflict, "the partner's token issuer is %s and ours is %s: organizations with different federation gateways cannot federate", strings.Join(theirs, ", "), t.TokenIssuerUri)
}

func issuers(info *autodiscover.FederationInformation) []string {
	var out []string
	for _, i := range info.TokenIssuers {
		out = append(out, i.Uri)
	}
	return out
}

// CreateFromDiscovery makes a relationship of what the domains tell of themselves (Get-FederationInformation piped into
// New-OrganizationRelationship). What p gives beside that is kept; what could not be learned is warned of.
func (a *Admin) CreateFromDiscovery(ctx context.Context, name string, asked []smtpaddr.Domain, p RelationshipParams, d DiscoverParams) (*orgrel.OrganizationRelationship, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	set(&d.CAFile, p.CAFile)
	set(&d.AllowAddresses, p.AllowAddresses)
	l, err := a.learn(ctx, asked, d)
	if err != nil {
		return nil, err
	}
	if err := a.checkIssuers(cfg.Trust, issuers(l.info)); err != nil {
		return nil, err
	}
	source := orgrel.Auto
	p.DomainNames, p.Source = &l.domains, &source
	if p.TargetApplicationUri == nil {
		p.TargetApplicationUri = &l.info.ApplicationUri
	}
	if p.TargetAutodiscoverEpr == nil {
		p.TargetAutodiscoverEpr = &l.info.TargetAutodiscoverEpr
	}
	a.warn(l.unconfirmed...)
	return a.CreateRelationship(ctx, name, p)
}

// Change is one property of a relationship that is not as the partner tells it.
type Change struct{ Property, Stored, Found string }

// Drift is how a relationship differs from what its partner tells now.
type Drift struct {
	Relationship string
	Changes      []Change
	NewDomains   []smtpaddr.Domain // confirmed, and not in the relationship
	Unconfirmed  []string          // what was not told; nothing is removed for it
	Err          error             // the partner could not be asked
}

// Drifted tells whether there is anything to apply.
func (d *Drift) Drifted() bool { return len(d.Changes)+len(d.NewDomains) > 0 }

// RefreshRelationship looks up again what a relationship has from discovery, and takes the difference where apply is set. It
// adds domains and removes none: a domain that was not told of may be there all the same.
func (a *Admin) RefreshRelationship(ctx context.Context, name string, p DiscoverParams, apply bool) (*Drift, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	r, err := relationship(cfg, name)
	if err != nil {
		return nil, err
	}
	p.CAFile, p.AllowAddresses = r.CAFile, append(slices.Clone(p.AllowAddresses), r.AllowAddresses...)
	l, err := a.learn(ctx, r.DomainNames, p)
	if err != nil {
		return &Drift{Relationship: r.Name, Err: err}, err
	}
	drift := compare(r, l)
	if !apply || !drift.Drifted() {
		return drift, nil
	}
	if err := a.checkIssuers(cfg.Trust, issuers(l.info)); err != nil {
		return drift, err
	}
	source := orgrel.Auto
	params := RelationshipParams{AddDomains: drift.NewDomains, TargetApplicationUri: &l.info.ApplicationUri, TargetAutodiscoverEpr: &l.info.TargetAutodiscoverEpr, Source: &source}
	_, err = a.SetRelationship(ctx, r.Name, params)
	return drift, err
}

func compare(r *orgrel.OrganizationRelationship, l learned) *Drift {
	d := &Drift{Relationship: r.Name, Unconfirmed: l.unconfirmed}
	if !sameURI(r.TargetApplicationUri, l.info.ApplicationUri) {
		d.Changes = append(d.Changes, Change{"TargetApplicationUri", r.TargetApplicationUri, l.info.ApplicationUri})
	}
	if !strings.EqualFold(r.TargetAutodiscoverEpr, l.info.TargetAutodiscoverEpr) {
		d.Changes = append(d.Changes, Change{"TargetAutodiscoverEpr", r.TargetAutodiscoverEpr, l.info.TargetAutodiscoverEpr})
	}
	for _, n := range l.domains {
		if !r.Covers(n) {
			d.NewDomains = append(d.NewDomains, n)
		}
	}
	return d
}

// RefreshRelationships does it for every relationship that came from discovery. One partner that cannot be asked does not
// keep the others from it: that is its Drift's Err.
func (a *Admin) RefreshRelationships(ctx context.Context, p DiscoverParams, apply bool) ([]*Drift, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	var out []*Drift
	for _, r := range cfg.Relationships {
		if r.Source != orgrel.Auto {
			continue
		}
		d, err := a.RefreshRelationship(ctx, r.Name, p, apply)
		if err != nil && d == nil || errors.Is(err, context.Canceled) {
			return out, err
		}
		d.Err = err
		out = append(out, d)
	}
	return out, nil
}
