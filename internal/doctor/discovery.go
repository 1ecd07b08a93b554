package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// discovery is the outcome of Get-FederationInformation.
type discovery struct {
	info  *autodiscover.FederationInformation
	tries []autodiscover.Try
}

// federationInformation is what the partner tells of itself.
func (x *examination) federationInformation(ctx context.Context) (discovery, error) {
	return x.discovered.get(func() (discovery, error) {
		d, ok := x.partnerDomain(ctx)
		if !ok {
			return discovery{}, errors.New("no partner was named")
		}
		rel, _ := x.relationship(ctx)
		found, err := x.discover(ctx, d, rel)
		if err != nil && rel != nil && rel.TargetAutodiscoverEpr != "" && rel.AccessMethod == orgrel.Federated {
			return x.askConfigured(ctx, d, rel, found, err)
		}
		return found, err
	})
}

// askConfigured asks the service that the relationship names, where the domain does not lead to one.
func (x *examination) askConfigured(ctx context.Context, d smtpaddr.Domain, rel *orgrel.OrganizationRelationship, found discovery, failed error) (discovery, error) {
	h, err := x.partnerClient(rel)
	if err != nil {
		return found, failed
	}
	ctx, cancel := context.WithTimeout(ctx, x.o.Patience)
	defer cancel()
	secure := secured(rel.TargetAutodiscoverEpr)
	base := secure[:len(secure)-len("/wssecurity")]
	info, err := (&autodiscover.Client{HTTP: h, UserAgent: userAgent, TrustedHosts: x.o.TrustedHosts}).GetFederationInformation(ctx, base, d)
	found.tries = append(found.tries, autodiscover.Try{How: "TargetAutodiscoverEpr", URL: base, Err: err})
	if err != nil {
		return found, failed
	}
	info.TargetAutodiscoverEpr = secure
	found.info = info
	return found, nil
}

// ownInformation is what partners are told of us when they look for us as they do.
func (x *examination) ownInformation(ctx context.Context) (discovery, error) {
	return x.ourselves.get(func() (discovery, error) {
		o, err := x.Organization(ctx)
		if err != nil {
			return discovery{}, err
		}
		if len(o.Domains) == 0 {
			return discovery{}, errors.New("the organization has no federated domain")
		}
		return x.discover(ctx, o.Domains[0], nil)
	})
}

func (x *examination) discover(ctx context.Context, d smtpaddr.Domain, rel *orgrel.OrganizationRelationship) (discovery, error) {
	h, err := x.partnerClient(rel)
	if err != nil {
		return discovery{}, err
	}
	c := &autodiscover.Client{HTTP: h, UserAgent: userAgent, TrustedHosts: x.o.TrustedHosts}
	info, tries, err := c.Discover(ctx, d, autodiscover.DiscoverOptions{Resolver: x.o.System, TryTimeout: x.o.Patience, Timeout: 3 * x.o.Patience})
	return discovery{info, tries}, err
}

// tried is the trace of a discovery for evidence.
func tried(tries []autodiscover.Try) string {
	var parts []string
	for _, t := range tries {
		said := "answered"
		if t.Err != nil {
			said = causeText(t.Err)
		}
		parts = append(parts, t.URL+": "+said)
	}
	return strings.Join(parts, "; ")
}

// partnerSettings is what the partner has set for our domains.
func (x *examination) partnerSettings(ctx context.Context) ([]autodiscover.OrganizationRelationshipSettings, error) {
	return x.remote.get(func() ([]autodiscover.OrganizationRelationshipSettings, error) {
		rel, err := x.relationship(ctx)
		if err == nil {
			err = usable(rel)
		}
		if err == nil && rel.TargetAutodiscoverEpr == "" {
			err = errors.New("TargetSharingEpr is set: the partner's Autodiscover is not asked")
		}
		if err != nil {
			return nil, err
		}
		c, err := x.tokenClient(ctx, rel)
		if err != nil {
			return nil, err
		}
		o, err := x.Organization(ctx)
		if err != nil {
			return nil, err
		}
		return c.GetOrganizationRelationshipSettings(ctx, secured(rel.TargetAutodiscoverEpr), o.Domains...)
	})
}

// tokenClient asks the partner's Autodiscover with a delegation token.
func (x *examination) tokenClient(ctx context.Context, rel *orgrel.OrganizationRelationship) (*autodiscover.Client, error) {
	h, err := x.partnerClient(rel)
	if err != nil {
		return nil, err
	}
	header, err := x.token(ctx, rel.TargetApplicationUri, orgrel.ActionAutodiscover)
	if err != nil {
		return nil, err
	}
	return &autodiscover.Client{HTTP: h, UserAgent: userAgent, TrustedHosts: x.o.TrustedHosts, Header: header}, nil
}

// token gets the header blocks by which a message carries a token for target.
func (x *examination) token(ctx context.Context, target string, action orgrel.Action) (func(ctx context.Context, to, action string) ([]byte, error), error) {
	user, err := x.speaker(ctx)
	if err != nil {
		return nil, err
	}
	t, err := x.tokens.DelegationToken(ctx, federation.TokenRequest{User: user, TargetApplicationUri: target, Action: action})
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, to, action string) ([]byte, error) { return t.Headers(to, action, x.o.Now()) }, nil
}
