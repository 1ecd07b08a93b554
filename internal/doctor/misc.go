package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/soap"
)

// maxBackends bounds how many addresses of a name are tried.
const maxBackends = 8

// lateChecks are about what a lookup survives, or meets only now and then.
func lateChecks() []check {
	return []check{
		{id: "LOAD-01", title: "Every address of our public name answers", direction: In,
			cause: "Some of the servers behind the name have no endpoint, another certificate, or another configuration: it works now and then.",
			fix:   "Run availd doctor on the server that differs, or take it out of DNS.",
			run:   checkBackends},
		{id: "REL-08", title: "The partner has all of our domains", direction: Both,
			cause: "The partner has not added all of our federated domains: users of the missing ones are refused there.",
			fix:   "The partner: availd orgrel set NAME --add-domain, or Set-OrganizationRelationship -DomainNames @{Add=…}.",
			run:   checkMirror},
		{id: "CACHE-01", title: "The node remembers nothing that is no longer so", direction: Out,
			cause: "The running node remembers an older answer; Exchange does for up to seven hours.",
			fix:   "availd cache flush --autodiscover.",
			run:   checkCaches},
	}
}

// checkBackends sends the message without a token to each address of the EWS host.
func checkBackends(ctx context.Context, x *examination) verdict {
	cfg, err := x.configuration(ctx)
	if err != nil {
		return skip("%v", err)
	}
	raw := cfg.Settings[settingExternalEwsURL]
	host := hostOf(raw)
	if host == "" {
		return skip("ExternalEwsUrl %q has no name", raw)
	}
	addresses, err := x.o.System.LookupHost(ctx, host)
	if err != nil || len(addresses) < 2 {
		return skip("%s has %d addresses", host, len(addresses))
	}
	slices.Sort(addresses)
	var good, bad []string
	for _, a := range addresses[:min(len(addresses), maxBackends)] {
		if err := x.refusedAt(ctx, secured(raw), a); err != nil {
			bad = append(bad, fmt.Sprintf("%s: %s", a, causeText(err)))
		} else {
			good = append(good, a)
		}
	}
	if len(bad) > 0 && len(good) > 0 {
		return fail("%s answers at %s and not at %s", host, list(good), strings.Join(bad, "; "))
	}
	if len(bad) > 0 {
		return skip("none of the addresses answers, which is no question of one server")
	}
	return pass("%s answers at %s", host, list(good))
}

// refusedAt is [examination.refused] at one address of the host.
func (x *examination) refusedAt(ctx context.Context, raw, address string) error {
	h, err := x.o.HTTP(Connection{CAFile: x.o.CAFile, Allowed: x.o.AllowPrivate})
	if err != nil {
		return err
	}
	t, ok := h.Transport.(*http.Transport)
	if !ok {
		return fmt.Errorf("a proxy decides where connections go")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	pinned := t.Clone()
	defer pinned.CloseIdleConnections()
	dial := t.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	pinned.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		if _, err := netip.ParseAddr(address); err != nil {
			return nil, err
		}
		return dial(ctx, network, net.JoinHostPort(address, port))
	}
	c := *h
	c.Transport = pinned
	ctx, cancel := context.WithTimeout(ctx, x.o.Patience)
	defer cancel()
	_, err = soap.Post(ctx, x.wire.recorded(&c), soap.Request{URL: raw, Version: soap.V11, Action: actionUserAvailability, UserAgent: userAgent, Body: tokenless()})
	return ourRefusal(err, raw)
}

// checkCaches compares what the node remembers of the partner with how the way is now.
func checkCaches(ctx context.Context, x *examination) verdict {
	if x.o.Caches == nil {
		return skip("no running node was asked")
	}
	caches, err := x.o.Caches(ctx)
	if err != nil {
		return skip("the node does not tell: %v", err)
	}
	d, ok := x.partnerDomain(ctx)
	if !ok {
		return skip("no partner was named")
	}
	about := func(e cache.Entry) bool {
		return strings.Contains(e.Key, "@"+d.String()+" ") || strings.HasPrefix(e.Key, d.String()+" ")
	}
	for name, entries := range caches {
		i := slices.IndexFunc(entries, about)
		if i < 0 {
			continue
		}
		age := entries[i].Age.Round(time.Second)
		negative := strings.Contains(name, "negative")
		leads := x.wayLeads(ctx)
		_, asked := x.outbound(ctx).reached(atAutodiscover)
		switch {
		case negative && leads:
			return warn("the node remembers for %s that Autodiscover failed for %s, until %s, and it works now", age, entries[i].Key, stamp(entries[i].Expires))
		case name == "autodiscover" && !leads && asked:
			return warn("the node goes by an answer of Autodiscover for %s that is %s old, and Autodiscover does not answer so any more", entries[i].Key, age)
		}
	}
	return pass("nothing that the node remembers of %s contradicts what is so now", d)
}
