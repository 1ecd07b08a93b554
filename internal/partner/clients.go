package partner

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"time"
)

// maxClients bounds the kept clients; each has its own idle connections.
const maxClients = 1000

// errRedirect is how an HTTP redirect ends: credentials are never carried elsewhere.
var errRedirect = errors.New("The request failed with the error message: Object moved.") //nolint:staticcheck // the text administrators know

// Profile is what outgoing connections are held to.
type Profile struct {
	CAFile  string         // PEM roots; empty: the system's
	Allowed []netip.Prefix // ranges that may be dialled although they are refused by default
	MinTLS  string         // "1.2" (also when empty) or "1.3"
}

// Clients makes HTTP clients for outgoing calls and keeps one per profile. They verify TLS, dial no refused address,
// follow no redirect and unpack nothing.
type Clients struct {
	Proxy    *url.URL        // web proxy for all outgoing calls; nil: none. The environment's settings are not read
	Setting  func() *url.URL // the web proxy as it is set now, where Proxy is nil; may be nil, and return nil
	Resolver *net.Resolver   // nil: the system's

	mu   sync.Mutex
	made map[string]*http.Client
}

func (c *Clients) proxy() *url.URL {
	if c.Proxy != nil || c.Setting == nil {
		return c.Proxy
	}
	return c.Setting()
}

// Get returns the client of a profile. A CA file or a web proxy that has changed makes a new one.
func (c *Clients) Get(p Profile) (*http.Client, error) {
	stamp := ""
	if p.CAFile != "" {
		info, err := os.Stat(p.CAFile)
		if err != nil {
			return nil, fmt.Errorf("CA file: %w", err)
		}
		stamp = fmt.Sprint(info.ModTime().UnixNano(), info.Size())
	}
	proxy := c.proxy()
	key := fmt.Sprint(p, stamp, proxy)
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.made[key]; ok {
		return h, nil
	}
	h, err := c.client(p, proxy)
	if err != nil {
		return nil, err
	}
	if len(c.made) >= maxClients {
		for _, old := range c.made {
			old.CloseIdleConnections()
		}
		c.made = nil
	}
	if c.made == nil {
		c.made = map[string]*http.Client{}
	}
	c.made[key] = h
	return h, nil
}

func (c *Clients) client(p Profile, proxy *url.URL) (*http.Client, error) {
	config, err := tlsConfig(p)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, Resolver: c.Resolver}
	t := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: config, MaxIdleConnsPerHost: 16, IdleConnTimeout: 60 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true}
	out := &http.Client{Transport: t, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect }}
	if proxy == nil {
		dialer.Control = guard(p.Allowed)
		return out, nil
	}
	t.Proxy = http.ProxyURL(proxy)
	resolver := c.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	out.Transport = behindProxy{t, resolver, p.Allowed}
	return out, nil
}

func tlsConfig(p Profile) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	switch p.MinTLS {
	case "", "1.2":
	case "1.3":
		config.MinVersion = tls.VersionTLS13
	default:
		return nil, fmt.Errorf("least TLS version %q is not one of 1.2, 1.3", p.MinTLS)
	}
	if p.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(p.CAFile)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA file %s holds no certificate", p.CAFile)
	}
	return config, nil
}
