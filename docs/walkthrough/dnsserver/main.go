// Command dnsserver answers DNS queries from a zone file, which it reads anew for each query. It is for the walkthrough.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/miekg/dns"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:53", "address to listen on, UDP and TCP")
	zone := flag.String("zone", "zone.txt", "records in the form of a zone file")
	flag.Parse()
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a, err := answer(*zone, q)
		if err != nil {
			fmt.Fprintln(os.Stderr, "dnsserver:", err)
			a = new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
		}
		_ = w.WriteMsg(a)
	})
	failed := make(chan error)
	for _, network := range []string{"udp", "tcp"} {
		go func() { failed <- (&dns.Server{Addr: *listen, Net: network, Handler: handler}).ListenAndServe() }()
	}
	fmt.Fprintln(os.Stderr, "dnsserver:", <-failed)
	os.Exit(1)
}

// answer finds the records of the asked name and type; a name without any record does not exist.
func answer(zone string, q *dns.Msg) (*dns.Msg, error) {
	f, err := os.Open(zone)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, exists := new(dns.Msg).SetReply(q), false
	a.Authoritative = true
	p := dns.NewZoneParser(f, ".", zone)
	p.SetDefaultTTL(1)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		if h := rr.Header(); strings.EqualFold(h.Name, q.Question[0].Name) {
			exists = true
			if h.Rrtype == q.Question[0].Qtype {
				a.Answer = append(a.Answer, rr)
			}
		}
	}
	if !exists {
		a.Rcode = dns.RcodeNameError
	}
	return a, p.Err()
}
