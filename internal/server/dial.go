package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// refusedRanges are never dialled unless an administrator allowed them: not the internet, or not a partner.
var refusedRanges = func() (out []netip.Prefix) {
	for _, s := range []string{"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/128", "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

// guard refuses to connect to an address by what was dialled, not by what a URL said (T103).
func guard(allowed []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("address %q: %w", address, err)
		}
		a := ap.Addr().Unmap().WithZone("")
		for _, p := range allowed {
			if p.Contains(a) {
				return nil
			}
		}
		for _, p := range refusedRanges {
			if p.Contains(a) {
				return fmt.Errorf("address %s is in %s, which is not dialled unless it is allowed", a, p)
			}
		}
		return nil
	}
}

// clients makes HTTP clients for outgoing calls and keeps them per set of roots and addresses.
type clients struct {
	mu   sync.Mutex
	made map[string]*http.Client
}

// errRedirect is how a redirect ends: a token is never carried elsewhere.
var errRedirect = errors.New("The request failed with the error message: Object moved.") //nolint:staticcheck // the text administrators know

func (c *clients) get(caFile string, allowed []netip.Prefix) (*http.Client, error) {
	key := caFile + fmt.Sprint(allowed)
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.made[key]; ok {
		return h, nil
	}
	h, err := NewHTTPClient(caFile, allowed)
	if err != nil {
		return nil, err
	}
	if c.made == nil {
		c.made = map[string]*http.Client{}
	}
	c.made[key] = h
	return h, nil
}

// NewHTTPClient makes a client that verifies TLS against the PEM file (the system's roots when empty), dials no private
// address outside of allowed and follows no redirect.
func NewHTTPClient(caFile string, allowed []netip.Prefix) (*http.Client, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("CA file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s holds no certificate", caFile)
		}
	}
	d := &net.Dialer{Timeout: 10 * time.Second, Control: guard(allowed)}
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
		Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return d.DialContext(ctx, network, addr)
		},
			TLSClientConfig: cfg, MaxIdleConnsPerHost: 16, IdleConnTimeout: 60 * time.Second, TLSHandshakeTimeout: 10 * time.Second, DisableCompression: true},
	}, nil
}

// PrivateIf are the private and loopback ranges when allowed.
func PrivateIf(allowed bool) (out []netip.Prefix) {
	if !allowed {
		return nil
	}
	for _, s := range []string{"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
