package cli

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/pflag"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/doctor"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/partner"
	"github.com/availd/availd/smtpaddr"
)

// network is how a verb that talks to partners goes out.
type network struct {
	caFile, proxy, resolver string
	allow                   []string
	trustedHosts            []string
}

func (n *network) flags(f *pflag.FlagSet) {
	f.StringVar(&n.proxy, "proxy", "", "URL of the web proxy for outgoing calls (default: that of availd proxy set)")
	f.StringVar(&n.resolver, "resolver", "", "DNS server to ask, such as 192.0.2.53 (default: the system's)")
	f.StringArrayVar(&n.trustedHosts, "trusted-hostname", nil, "host of another domain to which Autodiscover may lead (repeatable)")
}

// tlsFlags are for the verbs that have no relationship to take them from.
func (n *network) tlsFlags(f *pflag.FlagSet) {
	f.StringVar(&n.caFile, "ca-file", "", "roots for TLS (PEM)")
	f.StringArrayVar(&n.allow, "allow-address", nil, "private address range that may be dialled (repeatable)")
}

func (n *network) system() *net.Resolver {
	if n.resolver == "" {
		return net.DefaultResolver
	}
	return doctor.NewResolver(n.resolver)
}

// follow takes the nodes' web proxy where none was typed.
func (n *network) follow(ctx context.Context, a *admin.Admin) (err error) {
	if n.proxy == "" {
		n.proxy, err = a.WebProxy(ctx)
	}
	return err
}

// clients makes the HTTP clients of the verb.
func (n *network) clients() (*partner.Clients, error) {
	c := &partner.Clients{Resolver: n.system()}
	if n.proxy != "" {
		u, err := url.Parse(n.proxy)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fault.New(fault.Invalid, "--proxy is no http or https URL")
		}
		c.Proxy = u
	}
	return c, nil
}

// discoverParams are the parameters of a discovery as they were typed.
func (n *network) discoverParams(confirm int, timeout time.Duration) (admin.DiscoverParams, error) {
	if _, err := n.clients(); err != nil {
		return admin.DiscoverParams{}, err
	}
	allowed, err := prefixes("allow-address", n.allow)
	return admin.DiscoverParams{TrustedHosts: n.trustedHosts, Confirm: confirm, Timeout: timeout, CAFile: n.caFile, AllowAddresses: allowed}, err
}

// find looks for federation information through this network.
func (n *network) find(ctx context.Context, d smtpaddr.Domain, p admin.DiscoverParams) (*autodiscover.FederationInformation, []autodiscover.Try, error) {
	clients, err := n.clients()
	if err != nil {
		return nil, nil, err
	}
	h, err := clients.Get(partner.Profile{CAFile: p.CAFile, Allowed: p.AllowAddresses})
	if err != nil {
		return nil, nil, err
	}
	c := &autodiscover.Client{HTTP: h, UserAgent: "AutodiscoverClient", TrustedHosts: p.TrustedHosts}
	return c.Discover(ctx, d, autodiscover.DiscoverOptions{Resolver: n.system(), Timeout: p.Timeout, ConfirmDomains: p.Confirm != 0, MaxConfirm: max(p.Confirm, 0)})
}

// doctorHTTP makes the clients of the diagnostic checks.
func doctorHTTP(c *partner.Clients) func(doctor.Connection) (*http.Client, error) {
	return func(conn doctor.Connection) (*http.Client, error) {
		return c.Get(partner.Profile{CAFile: conn.CAFile, Allowed: conn.Allowed, MinTLS: conn.MinTLS})
	}
}
