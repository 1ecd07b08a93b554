package federation_test

import (
	"net"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/smtpaddr"
)

// zones answers NS questions for contoso.example, refuses other.example, and knows of nothing else.
func zones(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = true
	switch name := q.Question[0].Name; {
	case name == "contoso.example." && q.Question[0].Qtype == dns.TypeNS:
		for _, host := range []string{"ns1.contoso.example.", "ns2.provider.example."} {
			m.Answer = append(m.Answer, &dns.NS{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: host})
		}
	case dns.IsSubDomain("other.example.", name):
		m.Rcode = dns.RcodeServerFailure
	default:
		m.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(m)
}

func TestNameServersAreThoseOfTheNearestZone(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(zones)}
	go func() { _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = packets.Close() })
	system := federation.NewResolver(packets.LocalAddr().String())
	for domain, want := range map[string][]string{"contoso.example": {"ns1.contoso.example", "ns2.provider.example"}, "sales.emea.contoso.example": {"ns1.contoso.example", "ns2.provider.example"},
		"missing.example": nil, "sales.other.example": nil} {
		servers, err := federation.NameServers(t.Context(), system, smtpaddr.MustDomain(domain))
		var got []string
		for _, n := range servers {
			got = append(got, n.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%s: %v %v", domain, got, err)
		}
	}
}
