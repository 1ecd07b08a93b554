package autodiscover_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/availd/availd/autodiscover"
)

// world is an internet on loopback: a DNS server, a certification authority, and web servers on ports 443 and 80 of
// addresses of their own.
type world struct {
	t        testing.TB
	resolver *net.Resolver
	roots    *x509.CertPool
	ca       *x509.Certificate
	key      *ecdsa.PrivateKey

	mu       sync.Mutex
	asked    []string          // names that were looked up
	hosts    map[string]net.IP // what DNS knows
	srv      map[string][]dns.SRV
	ports    map[string]string // what listens where: "127.0.1.2:443" to the real address
	requests []string          // "host path" of all requests that arrived
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, hosts: map[string]net.IP{}, srv: map[string][]dns.SRV{}, ports: map[string]string{}, roots: x509.NewCertPool()}
	var err error
	if w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "World CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &w.key.PublicKey, w.key)
	if err != nil {
		t.Fatal(err)
	}
	if w.ca, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	w.roots.AddCert(w.ca)
	w.serveDNS()
	return w
}

func (w *world) serveDNS() {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(w.answerDNS)}
	go func() { _ = server.ActivateAndServe() }()
	w.t.Cleanup(func() { _ = server.Shutdown() })
	w.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (w *world) answerDNS(rw dns.ResponseWriter, q *dns.Msg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	name := q.Question[0].Name
	w.asked = append(w.asked, name)
	ip, known := w.hosts[name]
	records := w.srv[name]
	switch {
	case known && q.Question[0].Qtype == dns.TypeA:
		m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: ip})
	case q.Question[0].Qtype == dns.TypeSRV && len(records) > 0:
		for _, r := range records {
			r.Hdr = dns.RR_Header{Name: name, Rrtype: dns.TypeSRV, Class: dns.ClassINET}
			m.Answer = append(m.Answer, &r)
		}
	case !known:
		m.Rcode = dns.RcodeNameError
	}
	_ = rw.WriteMsg(m)
}

// serve puts a web server with a certificate for host behind the name.
func (w *world) serve(host string, h http.Handler) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	n := len(w.hosts) + 1
	w.mu.Unlock()
	template := &x509.Certificate{SerialNumber: big.NewInt(int64(n) + 1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, w.ca, &key.PublicKey, w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(w.counted(h))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	s.StartTLS()
	w.t.Cleanup(s.Close)
	w.bind(host, "443", s.Listener.Addr().String())
}

// servePlain puts a web server without TLS behind the name.
func (w *world) servePlain(host string, h http.Handler) {
	s := httptest.NewServer(w.counted(h))
	w.t.Cleanup(s.Close)
	w.bind(host, "80", s.Listener.Addr().String())
}

func (w *world) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests = append(w.requests, r.Host+" "+r.URL.Path)
		w.mu.Unlock()
		h.ServeHTTP(rw, r)
	})
}

func (w *world) bind(host, port, real string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ip, ok := w.hosts[host+"."]
	if !ok {
		ip = net.IPv4(127, 0, 1, byte(len(w.hosts)+1))
		w.hosts[host+"."] = ip
	}
	w.ports[ip.String()+":"+port] = real
}

// dial goes where DNS says; an address on which nothing was put refuses.
func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ips, err := w.resolver.LookupIPAddr(ctx, host+".")
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	real, ok := w.ports[ips[0].IP.String()+":"+port]
	w.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("connection to %s refused", address)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", real)
}

// client is a client in this world.
func (w *world) client() *autodiscover.Client {
	tr := &http.Transport{DialContext: w.dial, TLSClientConfig: &tls.Config{RootCAs: w.roots, MinVersion: tls.VersionTLS12}}
	w.t.Cleanup(tr.CloseIdleConnections)
	return &autodiscover.Client{HTTP: &http.Client{Transport: tr}, UserAgent: "ASAutoDiscover/CrossForest/EmailDomain//test"}
}

func (w *world) lookedUp() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := slices.Clone(w.asked)
	slices.Sort(names)
	return slices.Compact(names)
}

// arrived counts the requests that reached a host.
func (w *world) arrived(host string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if len(r) > len(host) && r[:len(host)+1] == host+" " {
			n++
		}
	}
	return n
}
