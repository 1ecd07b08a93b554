package federation

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/smtpaddr"
)

const lookupTimeout = 5 * time.Second

// TXTResolver looks up TXT records; the strings of one record are joined. *net.Resolver is one.
type TXTResolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// NewResolver asks the DNS server at address (host:port), over UDP and, where an answer is too long, over TCP.
func NewResolver(address string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

// LookupTXT returns the TXT records at exactly d; none, and no error, for a name that has none.
func LookupTXT(ctx context.Context, r TXTResolver, d smtpaddr.Domain) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	records, err := r.LookupTXT(ctx, d.String()+".") // rooted: the host's search list has no say
	if notFound(err) {
		return nil, nil
	}
	return records, err
}

func notFound(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

// HasProof tells whether one of the TXT records of d proves it by one of certs (nil ones are left out).
func HasProof(records []string, d smtpaddr.Domain, certs ...*x509.Certificate) bool {
	return slices.ContainsFunc(certs, func(c *x509.Certificate) bool {
		return c != nil && slices.ContainsFunc(records, func(r string) bool { return strings.TrimSpace(r) == DomainProof(d, c) })
	})
}

// NameServer is a DNS server to ask for proofs.
type NameServer struct {
	Name     string // as its zone or the administrator names it
	Resolver TXTResolver
}

// NameServers finds the servers that speak with authority for d: those of the nearest zone at or above it, each by its
// first address. system finds them.
func NameServers(ctx context.Context, system *net.Resolver, d smtpaddr.Domain) ([]NameServer, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	for zone := d.String(); strings.Contains(zone, "."); _, zone, _ = strings.Cut(zone, ".") {
		records, err := system.LookupNS(ctx, zone+".")
		if notFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var out []NameServer
		for _, ns := range records {
			out = append(out, NameServer{strings.TrimSuffix(ns.Host, "."), addressed{system, ns.Host}})
		}
		if out != nil {
			return out, nil
		}
	}
	return nil, errors.New("no name server of the domain was found")
}

// addressed is a name server whose address is looked up when it is asked.
type addressed struct {
	system *net.Resolver
	host   string
}

// LookupTXT implements TXTResolver.
func (a addressed) LookupTXT(ctx context.Context, name string) ([]string, error) {
	ips, err := a.system.LookupNetIP(ctx, "ip", a.host)
	if err != nil {
		return nil, &net.DNSError{Err: "the name server has no address: " + err.Error(), Name: a.host}
	}
	return NewResolver(netip.AddrPortFrom(ips[0].Unmap(), 53).String()).LookupTXT(ctx, name)
}
