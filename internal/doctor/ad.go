package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/availd/availd/autodiscover"
)

func autodiscoverChecks() []check {
	return []check{
		{id: "AD-04", title: "The names resolve, inside and outside", direction: Both,
			cause: "DNS does not know the host, or does not know it here: a wrong record, or split DNS without it.",
			fix:   "Correct the record in the zone whose resolver does not have it.",
			run:   checkNames},
		{id: "AD-08", title: "TLS certificates are of the hosts that are called", direction: Both,
			cause: "The certificate does not have the host's name, has expired, or is of a CA that the caller does not know.",
			fix:   "A certificate with every autodiscover.DOMAIN and the EWS host in its alternative names, with its chain; for a private CA give --ca-file to the relationship.",
			run:   symptom("AD-08", atAutodiscover, atEWS, ownAutodiscover, ownEWS)},
		{id: "AD-09", title: "TLS can be agreed on", direction: Both,
			cause: "The two sides have no TLS version or cipher in common, or something in between does not speak TLS.",
			fix:   "TLS 1.2 or newer on both sides, and no plain-text service at this port.",
			run:   symptom("AD-09", atAutodiscover, atEWS, ownAutodiscover, ownEWS)},
		{id: "AD-05", title: "Autodiscover stays within the partner's domain", direction: Both,
			cause: "A redirect or an SRV record, which no certificate vouches for, leads to a host of another domain.",
			fix:   "Where the host is the partner's: availd discover DOMAIN --trusted-hostname HOST, and the relationship with TargetAutodiscoverEpr there.",
			run:   checkRedirects},
		{id: "AD-01", title: "Autodiscover is there", direction: Both,
			cause: "The endpoint is missing or not published, or the partner is older than Exchange 2010 SP3.",
			fix:   "Publish /autodiscover/autodiscover.svc and /autodiscover/autodiscover.svc/wssecurity.",
			run:   symptom("AD-01", atAutodiscover, ownAutodiscover)},
		{id: "AD-02", title: "No pre-authentication in front of the endpoints", direction: Both,
			cause: "A reverse proxy or firewall wants credentials, which a request with a token in its body does not bring.",
			fix:   "Pass /autodiscover/autodiscover.svc, /autodiscover/autodiscover.svc/wssecurity and /EWS/Exchange.asmx/wssecurity without pre-authentication, for all users.",
			run:   symptom("AD-02", atAutodiscover, atEWS, ownAutodiscover, ownEWS)},
		{id: "AD-03", title: "The endpoints take POST", direction: Both,
			cause: "The request comes to a handler or a virtual host that does not know the service, or a filter lets no POST pass.",
			fix:   "Route the paths to the service, and let POST pass.",
			run:   symptom("AD-03", atAutodiscover, atEWS, ownAutodiscover, ownEWS)},
		{id: "AD-06", title: "The partner knows the address", direction: Out,
			cause: "The partner's Autodiscover does not know the address or its domain.",
			fix:   "The partner: the address as a secondary one of the mailbox. Ourselves: an address of a domain that the partner has.",
			run:   symptom("AD-06", atAutodiscover)},
		{id: "AD-07", title: "The external URL of EWS is set", direction: Both,
			cause: "Autodiscover works and has no ExternalEwsUrl to give.",
			fix:   "On the side that is asked: availd url set --ews-external https://HOST/EWS/Exchange.asmx, in Exchange Set-WebServicesVirtualDirectory -ExternalUrl.",
			run:   symptom("AD-07", atAutodiscover, ownAutodiscover)},
	}
}

// checkNames shows both resolvers' answers for every host of the ways, and fails where a way broke over it.
func checkNames(ctx context.Context, x *examination) verdict {
	if v := x.look(ctx, "AD-04"); v.severity == Fail {
		for _, w := range x.ways(ctx) {
			if l, id, broken := w.broken(); broken && id == "AD-04" && hostOf(l.url) != "" {
				v.evidence += "; " + said(x.hostOpinions(ctx, hostOf(l.url)))
			}
		}
		return v
	}
	var parts []string
	split := false
	for _, host := range x.hosts(ctx) {
		o := x.hostOpinions(ctx, host)
		parts = append(parts, host+": "+said(o))
		split = split || len(o) == 2 && o[0].err == nil && o[1].err != nil
	}
	switch {
	case split:
		return warn("a name is known here and not outside: %s", strings.Join(parts, "; "))
	case len(parts) == 0:
		return pass("no name had to be resolved")
	}
	return pass("%s", strings.Join(parts, "; "))
}

// hosts are those of the ways, and the one where everybody looks for the partner first.
func (x *examination) hosts(ctx context.Context) []string {
	var out []string
	add := func(host string) {
		if host != "" && !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	if d, ok := x.partnerDomain(ctx); ok && x.o.Direction&Out != 0 {
		add("autodiscover." + d.String())
	}
	for _, w := range x.ways(ctx) {
		for _, l := range w.legs {
			add(hostOf(l.url))
		}
	}
	return out
}

// checkRedirects also looks at the discovery: it is there that foreign hosts are met.
func checkRedirects(ctx context.Context, x *examination) verdict {
	if v := x.look(ctx, "AD-05"); v.severity == Fail {
		return v
	}
	found, err := x.federationInformation(ctx)
	for _, t := range found.tries {
		moved, ok := errors.AsType[*autodiscover.UntrustedHostError](t.Err)
		if !ok {
			continue
		}
		text := "the autodiscovery request for federation information sent to '" + t.URL + "' returned an unsecure redirect to '" + moved.URL + "'"
		if err == nil {
			return pass("%s, and the partner was found without it", text)
		}
		if x.wayLeads(ctx) {
			return warn("%s", text)
		}
		return fail("%s", text)
	}
	return pass("no redirect left the domain")
}

// wayLeads tells whether a lookup gets to the partner all the same.
func (x *examination) wayLeads(ctx context.Context) bool {
	if x.o.Direction&Out == 0 {
		return false
	}
	w := x.outbound(ctx)
	_, _, broken := w.broken()
	return w.unbegun == nil && !broken
}
