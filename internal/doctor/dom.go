package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// maxDomains bounds how many federated domains are asked about one by one.
const maxDomains = 20

func domainChecks() []check {
	return []check{
		{id: "DOM-02", title: "Every domain of our users is federated", direction: Both,
			cause: "An accepted domain is not a federated one: its users have no name that partners know.",
			fix:   "availd org set --domain with it, and its domain proof at the gateway.",
			run:   checkFederated},
		{id: "DOM-01", title: "The domain proofs are in DNS", direction: Both,
			cause: "The TXT record is missing, mistyped, broken over lines, not published everywhere yet, or a resolver does not get answers over TCP.",
			fix:   "Put the record of availd domain proof DOMAIN into the zone, at the domain itself.",
			run:   checkProofs},
		{id: "DOM-03", title: "The domains are registered for us at the gateway", direction: Both,
			cause: "The gateway does not let us speak for a domain whose proof is right: another organization has reserved it, or it has lapsed there.",
			fix:   "The gateway's administrator: fedgateway org list and fedgateway domain verify. Exchange says of this: Unable to reserve the URI.",
			run:   checkReserved},
	}
}

func checkFederated(ctx context.Context, x *examination) verdict {
	org, err := x.Organization(ctx)
	if err != nil {
		return skip("%v", err)
	}
	if d := x.o.User.Domain(); org.Owns(d) && !slices.Contains(org.Domains, d) {
		if _, err := x.speaker(ctx); err != nil {
			return fail("%v; %s is an accepted domain and not federated", err, d)
		}
	}
	var left []string
	for _, d := range org.AcceptedDomains {
		if !slices.Contains(org.Domains, d) && d != org.AccountNamespace {
			left = append(left, d.String())
		}
	}
	if len(left) > 0 {
		return warn("accepted and not federated: %s", list(left))
	}
	return pass("%d federated domains", len(org.Domains))
}

// speaks asks the gateway, for each federated domain, for a token to ourselves: nil where it lets us speak for the domain.
// A gateway that wants mutual lists refuses the target, which comes after the domain.
func (x *examination) speaks(ctx context.Context) (map[smtpaddr.Domain]error, error) {
	return x.spoken.get(func() (map[smtpaddr.Domain]error, error) {
		t, err := x.trust(ctx)
		if err != nil {
			return nil, err
		}
		org, err := x.Organization(ctx)
		if err != nil {
			return nil, err
		}
		out := map[smtpaddr.Domain]error{}
		for _, d := range org.Domains[:min(len(org.Domains), maxDomains)] {
			user, err := postmaster(d)
			if err != nil {
				return nil, err
			}
			_, err = x.tokens.DelegationToken(ctx, federation.TokenRequest{User: user, TargetApplicationUri: t.ApplicationUri, Action: orgrel.ActionFreeBusy})
			f, refused := errors.AsType[*soap.Fault](err)
			switch {
			case refused && f.Code == "InvalidScope":
				err = nil
			case err != nil && !refused:
				return nil, err
			}
			out[d] = err
		}
		return out, nil
	})
}

// proven tells whether the TXT record of d is right by every resolver, and what they say.
func (x *examination) proven(ctx context.Context, t *federation.Trust, d smtpaddr.Domain) (ok bool, evidence string) {
	certs := []*x509.Certificate{t.OrgCertificate.Certificate}
	if t.OrgNextCertificate != nil {
		certs = append(certs, t.OrgNextCertificate.Certificate)
	}
	ok = true
	var parts []string
	for _, o := range x.opinions(ctx, func(ctx context.Context, r Resolver) ([]string, error) { return federation.LookupTXT(ctx, r, d) }) {
		right := federation.HasProof(o.answers, d, certs...)
		ok = ok && right
		switch {
		case right:
			parts = append(parts, "the "+o.resolver+" resolver has it")
		case o.err != nil:
			parts = append(parts, o.String())
		default:
			parts = append(parts, fmt.Sprintf("the %s resolver has %d TXT records and not this one", o.resolver, len(o.answers)))
		}
	}
	return ok, fmt.Sprintf("%s TXT %s: %s", d, federation.DomainProof(d, certs[0]), strings.Join(parts, ", "))
}

func checkProofs(ctx context.Context, x *examination) verdict {
	t, err := x.trust(ctx)
	if err != nil {
		return skip("%v", err)
	}
	org, err := x.Organization(ctx)
	if err != nil {
		return skip("%v", err)
	}
	spoken, gatewayErr := x.speaks(ctx)
	refused, absent := "", ""
	for _, d := range org.Domains[:min(len(org.Domains), maxDomains)] {
		ok, evidence := x.proven(ctx, t, d)
		switch {
		case ok:
		case gatewayErr == nil && spoken[d] != nil && x.known(spoken):
			refused = evidence
		default:
			absent = evidence
		}
	}
	switch {
	case refused != "":
		return fail("Proof of domain ownership has failed, and the gateway does not let us speak for the domain. %s", refused)
	case absent != "" && gatewayErr == nil && x.known(spoken):
		return warn("the gateway takes the domain without it: %s", absent)
	case absent != "":
		return warn("%s", absent)
	}
	return pass("%d domains have theirs", min(len(org.Domains), maxDomains))
}

// known tells whether the gateway lets us speak for anything: else it is us that it does not know.
func (x *examination) known(spoken map[smtpaddr.Domain]error) bool {
	for _, err := range spoken {
		if err == nil {
			return true
		}
	}
	return false
}

func checkReserved(ctx context.Context, x *examination) verdict {
	t, err := x.trust(ctx)
	if err != nil {
		return skip("%v", err)
	}
	spoken, err := x.speaks(ctx)
	if err != nil {
		return skip("the gateway does not answer: %s", causeText(err))
	}
	if !x.known(spoken) {
		return skip("the gateway lets us speak for none of our domains")
	}
	for d, err := range spoken {
		if ok, _ := x.proven(ctx, t, d); err != nil && ok {
			return fail("the gateway does not let us speak for %s, and its proof is in DNS: %s", d, causeText(err))
		}
	}
	return pass("the gateway lets us speak for each of %d domains", len(spoken))
}
