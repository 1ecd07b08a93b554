package admin_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/smtpaddr"
)

// nameserver is a DNS server on loopback, over UDP and TCP. A record is a list of strings.
type nameserver struct {
	address string
	mu      sync.Mutex
	txt     map[string][][]string
	overTCP int
	refuses bool // answers nothing but SERVFAIL
}

func newNameserver(t *testing.T) *nameserver {
	t.Helper()
	n := &nameserver{txt: map[string][][]string{}}
	n.address = lab.ServeDNS(t, n)
	return n
}

func (n *nameserver) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = true
	name := q.Question[0].Name
	records, exists := n.txt[name]
	switch {
	case n.refuses:
		m.Rcode = dns.RcodeServerFailure
	case !exists:
		m.Rcode = dns.RcodeNameError
	}
	for _, r := range records {
		m.Answer = append(m.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: r})
	}
	if _, overUDP := w.RemoteAddr().(*net.UDPAddr); overUDP {
		m.Truncate(dns.MinMsgSize)
	} else {
		n.overTCP++
	}
	_ = w.WriteMsg(m)
}

// put publishes TXT records at a domain, instead of those that were there.
func (n *nameserver) put(d smtpaddr.Domain, records ...[]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.txt[d.String()+"."] = records
}

// refuse lets the server answer nothing but SERVFAIL, or answer again.
func (n *nameserver) refuse(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refuses = on
}

// fetchedOverTCP counts the answers that did not fit into UDP.
func (n *nameserver) fetchedOverTCP() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.overTCP
}

// servers are asked for proofs instead of the domain's own name servers.
func servers(list ...*nameserver) func(context.Context, smtpaddr.Domain) ([]federation.NameServer, error) {
	return func(context.Context, smtpaddr.Domain) ([]federation.NameServer, error) {
		var out []federation.NameServer
		for _, n := range list {
			out = append(out, federation.NameServer{Name: n.address, Resolver: federation.NewResolver(n.address)})
		}
		return out, nil
	}
}
