package partner

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestOnlyAddressesOfTheInternetAreDialled(t *testing.T) {
	for address, ok := range map[string]bool{
		"8.8.8.8": true, "93.184.215.14": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.255.255": true, "100.128.0.1": true, "223.255.255.255": true,
		"2606:4700::1111": true, "2a00:1450:4001::200e": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.255.254": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "169.254.169.254": false, "168.63.129.16": false, "100.64.0.1": false, "100.100.100.200": false, "192.0.0.192": false,
		"192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "192.88.99.1": false, "224.0.0.1": false, "239.255.255.250": false,
		"240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false, "2001:db8::1": false, "2001::1": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::127.0.0.1": false, "64:ff9b::7f00:1": false, "64:ff9b:1::a00:1": false,
		"2002:7f00:1::": false, "fec0::1": false, "3fff::1": false, "100::1": false, "::ffff:0:127.0.0.1": false,
	} {
		err := guard(nil)("tcp", net.JoinHostPort(address, "443"), nil)
		if (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAnAllowedRangeOpensItselfOnly(t *testing.T) {
	allowed := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for address, ok := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "127.0.0.1": false, "64:ff9b::a01:203": false} {
		if err := permitted(netip.MustParseAddr(address), allowed); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// nameServer answers every A question with the next of its addresses, then with the last for ever; seen hears of the names.
func nameServer(t *testing.T, seen func(name string), addresses ...string) *net.Resolver {
	t.Helper()
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	var asked atomic.Int64
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil {
				continue
			}
			m.Header.Response, m.Header.RecursionAvailable, m.Additionals = true, true, nil
			seen(m.Questions[0].Name.String())
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				i := min(int(asked.Add(1)), len(addresses)) - 1
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: &dnsmessage.AResource{A: netip.MustParseAddr(addresses[i]).As4()}}}
			}
			out, _ := m.Pack()
			_, _ = pc.WriteTo(out, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func unheard(string) {}

func get(t *testing.T, c *http.Client, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

func TestANameThatIsReboundToLoopbackIsNotDialled(t *testing.T) {
	reached := false
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer srv.Close()
	resolver := nameServer(t, unheard, "93.184.215.14", "127.0.0.1")
	first, err := resolver.LookupNetIP(t.Context(), "ip4", "mail.contoso.example")
	if err != nil || permitted(first[0], nil) != nil {
		t.Fatal("the first look-up is harmless", first, err)
	}
	client, err := (&Clients{Resolver: resolver}).Get(Profile{})
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	if err := get(t, client, "https://mail.contoso.example:"+port); err == nil || !strings.Contains(err.Error(), "127.0.0.1 is in 127.0.0.0/8") || reached {
		t.Errorf("%v, reached: %v", err, reached)
	}
}

func caFile(t testing.TB, srv *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var loopback = prefixes("127.0.0.0/8")

func TestTheRelationshipsRootsAndLeastTLSVersionHold(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.TLS = &tls.Config{MaxVersion: tls.VersionTLS12} //nolint:gosec // an old partner
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	var clients Clients
	for name, c := range map[string]struct {
		p    Profile
		want string
	}{
		"known roots":     {Profile{CAFile: caFile(t, srv)}, ""},
		"system's roots":  {Profile{}, "certificate"},
		"TLS 1.3 wanted":  {Profile{CAFile: caFile(t, srv), MinTLS: "1.3"}, "protocol version"},
		"TLS 1.2 allowed": {Profile{CAFile: caFile(t, srv), MinTLS: "1.2"}, ""},
	} {
		c.p.Allowed = loopback
		client, err := clients.Get(c.p)
		if err != nil {
			t.Fatal(err)
		}
		if err := get(t, client, srv.URL); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, p := range []Profile{{MinTLS: "1.1"}, {CAFile: "no such file"}} {
		if _, err := clients.Get(p); err == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
}

func TestAChangedCAFileCountsAtOnce(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	path := caFile(t, srv)
	pem, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var clients Clients
	before, err := clients.Get(Profile{CAFile: path})
	if err != nil {
		t.Fatal(err)
	}
	if same, _ := clients.Get(Profile{CAFile: path}); same != before {
		t.Error("an unchanged profile makes another client")
	}
	if err := os.WriteFile(path, append(pem, pem...), 0o600); err != nil {
		t.Fatal(err)
	}
	if after, _ := clients.Get(Profile{CAFile: path}); after == before {
		t.Error("the new roots are not read")
	}
}

// webProxy serves CONNECT and notes what it was asked for.
func webProxy(t *testing.T, to string, asked *atomic.Value) *url.URL {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host)
		var d net.Dialer
		up, err := d.DialContext(r.Context(), "tcp", to)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		down, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(up, down); up.Close() }()
		_, _ = io.Copy(down, up)
		down.Close()
	}))
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestBehindAProxyNamesAreJudgedBeforeItIsAsked(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	for name, c := range map[string]struct {
		host, resolves string
		asked          bool
	}{
		"public name":     {"example.com", "93.184.215.14", true}, // httptest's certificate is for this name
		"private address": {"example.com", "10.0.0.1", false},
		"metadata":        {"169.254.169.254", "93.184.215.14", false},
	} {
		var asked atomic.Value
		clients := &Clients{Proxy: webProxy(t, srv.Listener.Addr().String(), &asked), Resolver: nameServer(t, unheard, c.resolves)}
		client, err := clients.Get(Profile{CAFile: caFile(t, srv)})
		if err != nil {
			t.Fatal(err)
		}
		err = get(t, client, "https://"+c.host)
		if (err == nil) != c.asked || (asked.Load() != nil) != c.asked {
			t.Errorf("%s: %v, the proxy was asked: %v", name, err, asked.Load())
		}
		if c.asked && asked.Load() != "CONNECT example.com:443" {
			t.Errorf("%s: the proxy was asked for %v", name, asked.Load())
		}
	}
}

func TestAWebProxyThatIsSetIsUsedAtOnce(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	var asked atomic.Value
	var set atomic.Pointer[url.URL]
	clients := &Clients{Setting: set.Load, Resolver: nameServer(t, unheard, "93.184.215.14")}
	profile := Profile{CAFile: caFile(t, srv), Allowed: loopback}
	for _, proxy := range []*url.URL{nil, webProxy(t, srv.Listener.Addr().String(), &asked), nil} {
		set.Store(proxy)
		asked = atomic.Value{}
		client, err := clients.Get(profile)
		if err != nil {
			t.Fatal(err)
		}
		target := srv.URL // reached without a proxy only by its address
		if proxy != nil {
			target = "https://example.com"
		}
		if err := get(t, client, target); err != nil || (asked.Load() != nil) != (proxy != nil) {
			t.Errorf("proxy %v: %v, it was asked: %v", proxy, err, asked.Load())
		}
	}
}
