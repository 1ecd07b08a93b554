package partner

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
)

// globalV6 is all of IPv6 that is the internet; everything outside is refused.
var globalV6 = netip.MustParsePrefix("2000::/3")

// refusedRanges are never dialled unless an administrator allowed them: not the internet, or not a partner (IANA's
// special-purpose registries, and the addresses at which clouds tell their guests secrets).
var refusedRanges = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

// privateRanges are loopback and what RFC 1918 and RFC 4193 set aside for networks of one's own.
var privateRanges = prefixes("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// PrivateIf are the private and loopback ranges when allowed.
func PrivateIf(allowed bool) []netip.Prefix {
	if !allowed {
		return nil
	}
	return append([]netip.Prefix(nil), privateRanges...)
}

// permitted tells why a is not dialled, or nil. An IPv4 address inside an IPv6 one is judged as what it is.
func permitted(a netip.Addr, allowed []netip.Prefix) error {
	a = a.Unmap().WithZone("")
	for _, p := range allowed {
		if p.Contains(a) {
			return nil
		}
	}
	if a.Is6() && !globalV6.Contains(a) {
		return fmt.Errorf("address %s is not of the internet and not dialled unless it is allowed", a)
	}
	for _, p := range refusedRanges {
		if p.Contains(a) {
			return fmt.Errorf("address %s is in %s, which is not dialled unless it is allowed", a, p)
		}
	}
	return nil
}

// guard judges the address that is dialled, not what a URL said or a resolver answered before: a name that is resolved
// anew to another address cannot slip through.
func guard(allowed []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("address %q: %w", address, err)
		}
		return permitted(ap.Addr(), allowed)
	}
}

// behindProxy guards what a web proxy dials for us. Only the names are in our hands, so every address of the name must be
// permitted before the proxy hears of it, and a name that cannot be resolved here is not asked for.
type behindProxy struct {
	next     http.RoundTripper
	resolver *net.Resolver
	allowed  []netip.Prefix
}

// RoundTrip implements http.RoundTripper.
func (b behindProxy) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := b.check(r.Context(), r.URL.Hostname()); err != nil {
		return nil, err
	}
	return b.next.RoundTrip(r)
}

func (b behindProxy) check(ctx context.Context, host string) error {
	addrs, err := b.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return err
	}
	for _, a := range addrs {
		if err := permitted(a, b.allowed); err != nil {
			return err
		}
	}
	return nil
}
