package lab

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Internet is a small internet on loopback: a DNS server, a certification authority, and web servers behind names of
// their own at ports 443 and 80. A name may have several addresses.
type Internet struct {
	Resolver *net.Resolver
	roots    *x509.CertPool
	ca       *x509.Certificate
	key      *ecdsa.PrivateKey

	mu    sync.Mutex
	next  byte                // last byte of the next address
	hosts map[string][]net.IP // by rooted name
	texts map[string][]string // TXT records, by rooted name
	ports map[string]string   // what listens where: "127.0.1.2:443" to the real address
}

// NewInternet starts it; it ends with the test. roots are further certificates that its clients believe.
func NewInternet(t testing.TB, roots ...*x509.Certificate) *Internet {
	t.Helper()
	n := &Internet{roots: x509.NewCertPool(), hosts: map[string][]net.IP{}, texts: map[string][]string{}, ports: map[string]string{}}
	var err error
	n.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Lab CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &n.key.PublicKey, n.key)
	check(t, err)
	n.ca, err = x509.ParseCertificate(raw)
	check(t, err)
	for _, c := range append(roots, n.ca) {
		n.roots.AddCert(c)
	}
	n.serveDNS(t)
	return n
}

func (n *Internet) serveDNS(t testing.TB) {
	t.Helper()
	address := ServeDNS(t, dns.HandlerFunc(n.answer))
	n.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", address)
	}}
}

func (n *Internet) answer(w dns.ResponseWriter, q *dns.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	name, kind := q.Question[0].Name, q.Question[0].Qtype
	header := dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET}
	ips, texts := n.hosts[name], n.texts[name]
	for _, ip := range ips {
		if kind == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{Hdr: header, A: ip})
		}
	}
	for _, s := range texts {
		if kind == dns.TypeTXT {
			m.Answer = append(m.Answer, &dns.TXT{Hdr: header, Txt: []string{s}})
		}
	}
	if len(ips)+len(texts) == 0 {
		m.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(m)
}

// SetTXT replaces the TXT records of a name.
func (n *Internet) SetTXT(name string, records ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.texts[name+"."] = records
}

// Forget takes a name out of DNS.
func (n *Internet) Forget(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.hosts, host+".")
}

// Bind gives a name one more address, at whose port something real listens; real is host:port, and an address on which
// nothing listens refuses.
func (n *Internet) Bind(host, port, real string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next++
	ip := net.IPv4(127, 0, 1, n.next)
	n.hosts[host+"."] = append(n.hosts[host+"."], ip)
	n.ports[net.JoinHostPort(ip.String(), port)] = real
}

// Serve puts a web server with a certificate for host behind the name, in the place of what was there.
func (n *Internet) Serve(t testing.TB, host string, h http.Handler) {
	t.Helper()
	n.Forget(host)
	n.ServeToo(t, host, host, h)
}

// ServeToo puts one more web server behind the name, with a certificate for certified.
func (n *Internet) ServeToo(t testing.TB, host, certified string, h http.Handler) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: certified}, DNSNames: []string{certified}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, n.ca, &key.PublicKey, n.key)
	check(t, err)
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	n.Bind(host, "443", s.Listener.Addr().String())
}

// ServePlain puts a web server without TLS behind the name.
func (n *Internet) ServePlain(t testing.TB, host string, h http.Handler) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	n.Forget(host)
	n.Bind(host, "80", s.Listener.Addr().String())
}

// ServeConnections puts something that is no web server behind the name, at port 443.
func (n *Internet) ServeConnections(t testing.TB, host string, serve func(c net.Conn)) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	n.Forget(host)
	n.Bind(host, "443", l.Addr().String())
}

// Publish is a reverse proxy to an organization's first node.
func (l *Lab) Publish(t testing.TB, o *Organization) http.Handler {
	t.Helper()
	to, err := url.Parse(o.URL)
	check(t, err)
	p := httputil.NewSingleHostReverseProxy(to)
	p.Transport = &http.Transport{TLSClientConfig: l.TLS()}
	return p
}

// dial goes where DNS says.
func (n *Internet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil {
		found, err := n.Resolver.LookupHost(ctx, host)
		if err != nil {
			return nil, err
		}
		host = found[0]
	}
	address = net.JoinHostPort(host, port)
	n.mu.Lock()
	if real, ok := n.ports[address]; ok {
		address = real
	}
	n.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, address)
}

// Client makes a client in this internet that follows no redirect.
func (n *Internet) Client(t testing.TB) *http.Client {
	t.Helper()
	tr := &http.Transport{DialContext: n.dial, TLSClientConfig: &tls.Config{RootCAs: n.roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
