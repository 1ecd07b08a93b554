package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/lab"
)

// nameserver is a DNS server on loopback, over UDP and TCP. A record is a list of strings.
type nameserver struct {
	mu       sync.Mutex
	txt      map[string][][]string
	cname    map[string]string
	down     bool
	overTCP  int
	resolver federation.TXTResolver
}

func newNameserver(t *testing.T) *nameserver {
	t.Helper()
	n := &nameserver{txt: map[string][][]string{}, cname: map[string]string{}}
	n.resolver = federation.NewResolver(lab.ServeDNS(t, n))
	return n
}

func (n *nameserver) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	name := q.Question[0].Name
	if target, ok := n.cname[name]; ok {
		m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: target})
		name = target
	}
	records, exists := n.txt[name]
	switch {
	case n.down:
		m.Rcode = dns.RcodeServerFailure
	case !exists:
		m.Rcode = dns.RcodeNameError
	default:
		for _, strings := range records {
			m.Answer = append(m.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: strings})
		}
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		m.Truncate(512)
	} else {
		n.overTCP++
	}
	_ = w.WriteMsg(m)
}

// set replaces the records of a name.
func (n *nameserver) set(name string, records ...[]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.txt[name+"."] = records; records == nil {
		delete(n.txt, name+".")
	}
}

func (n *nameserver) fail(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
}

func find(t *testing.T, p *gateway.Prover, name string, k *federation.KeyPair) gateway.Finding {
	t.Helper()
	f, _ := p.Find(t.Context(), domain(name), k.Certificate)
	return f
}

func proofOf(name string, k *federation.KeyPair) string {
	return federation.DomainProof(domain(name), k.Certificate)
}

func TestProofIsFoundInEveryFormOfARecord(t *testing.T) {
	w := newWorld(t)
	n := newNameserver(t)
	p := &gateway.Prover{Resolvers: []federation.TXTResolver{n.resolver}}
	k := w.contoso.OrgCertificate
	proof := proofOf("a.example", k)
	var crowd [][]string
	for i := range 20 {
		crowd = append(crowd, []string{strings.Repeat(fmt.Sprintf("other record %02d ", i), 8)})
	}
	for story, records := range map[string][][]string{
		"alone":                       {{proof}},
		"in several strings":          {{proof[:40], proof[40:41], proof[41:]}},
		"among others":                {{"v=spf1 -all"}, {proof}, {"x"}},
		"in an answer that needs TCP": append(slices.Clone(crowd), []string{proof}),
	} {
		n.set("a.example", records...)
		if f := find(t, p, "a.example", k); f != gateway.Found {
			t.Errorf("%s: %d", story, f)
		}
	}
	if n.overTCP == 0 {
		t.Error("nothing was asked over TCP")
	}
}

func TestProofIsNotFoundWhereItProvesNothing(t *testing.T) {
	w := newWorld(t)
	n := newNameserver(t)
	p := &gateway.Prover{Resolvers: []federation.TXTResolver{n.resolver}}
	k := w.contoso.OrgCertificate
	proof := proofOf("example", k)
	for story, records := range map[string][][]string{
		"no record":             {},
		"another domain's":      {{proof}}, // as a wildcard record *.example would answer
		"another certificate's": {{proofOf("a.example", w.fabrikam.OrgCertificate)}},
		"a part of it":          {{proofOf("a.example", k)[:87]}},
		"with something around": {{"x" + proofOf("a.example", k)}},
		"in two records":        {{proofOf("a.example", k)[:40]}, {proofOf("a.example", k)[40:]}},
	} {
		n.set("a.example", records...)
		if f := find(t, p, "a.example", k); f != gateway.Absent {
			t.Errorf("%s: %d", story, f)
		}
	}
	if f := find(t, p, "nx.example", k); f != gateway.Absent {
		t.Errorf("a name that does not exist: %d", f)
	}
	n.fail(true)
	if f := find(t, p, "a.example", k); f != gateway.Unknown {
		t.Errorf("a resolver that fails: %d", f)
	}
}

func TestAliasIsFollowedAsDNSDoesAndTheNameStaysTheDomain(t *testing.T) {
	w := newWorld(t)
	n := newNameserver(t)
	p := &gateway.Prover{Resolvers: []federation.TXTResolver{n.resolver}}
	n.cname["a.example."] = "b.example."
	n.set("b.example", []string{proofOf("b.example", w.contoso.OrgCertificate)})
	if f := find(t, p, "a.example", w.contoso.OrgCertificate); f != gateway.Absent {
		t.Errorf("the proof of the alias's target proved the alias: %d", f)
	}
	n.set("b.example", []string{proofOf("a.example", w.contoso.OrgCertificate)})
	if f := find(t, p, "a.example", w.contoso.OrgCertificate); f != gateway.Found {
		t.Errorf("the domain's own proof behind its alias: %d", f)
	}
}

func TestAllResolversMustAgree(t *testing.T) {
	w := newWorld(t)
	one, two := newNameserver(t), newNameserver(t)
	p := &gateway.Prover{Resolvers: []federation.TXTResolver{one.resolver, two.resolver}}
	k := w.contoso.OrgCertificate
	one.set("a.example", []string{proofOf("a.example", k)})
	if f := find(t, p, "a.example", k); f != gateway.Absent {
		t.Errorf("one of two has it: %d", f)
	}
	two.set("a.example", []string{proofOf("a.example", k)})
	if f := find(t, p, "a.example", k); f != gateway.Found {
		t.Errorf("both have it: %d", f)
	}
	two.fail(true)
	if f := find(t, p, "a.example", k); f != gateway.Unknown {
		t.Errorf("one fails: %d", f)
	}
}

func (w *world) domains(n *nameserver) *gateway.Domains {
	return &gateway.Domains{Store: w.store, Prover: &gateway.Prover{Resolvers: []federation.TXTResolver{n.resolver}}, Grace: 4 * 24 * time.Hour, Now: w.clock,
		Log: slog.New(slog.NewTextHandler(w.log, nil))}
}

func TestDomainIsUsedWhenProvenAndNotBefore(t *testing.T) {
	w := newWorld(t)
	n := newNameserver(t)
	d := w.domains(n)
	must(t, w.store.ReserveDomain(t.Context(), "fabrikam.example", domain("new.example")))
	err := d.Verify(t.Context(), "fabrikam.example", domain("new.example"))
	if err == nil || !strings.Contains(err.Error(), "Proof of domain ownership has failed. Make sure that the TXT record for the specified domain is available in DNS.") {
		t.Errorf("verified without a record: %v", err)
	}
	if w.ask(t, w.fabrikam, "rita@new.example", contoso) == nil {
		t.Error("a token for a reserved domain")
	}
	n.set("new.example", []string{proofOf("new.example", w.fabrikam.OrgCertificate)})
	must(t, d.Verify(t.Context(), "fabrikam.example", domain("new.example")), w.ask(t, w.fabrikam, "rita@new.example", contoso))
}

func TestProofThatIsGoneIsWithdrawnAfterThreeChecksAndGrace(t *testing.T) {
	w := newWorld(t)
	n := newNameserver(t)
	d := w.domains(n)
	must(t, w.store.ReserveDomain(t.Context(), "fabrikam.example", domain("new.example")))
	n.set("new.example", []string{proofOf("new.example", w.fabrikam.OrgCertificate)})
	must(t, d.Verify(t.Context(), "fabrikam.example", domain("new.example")))
	day := func(want gateway.DomainState, failures int) {
		t.Helper()
		w.pass(25 * time.Hour)
		_, err := d.Recheck(t.Context())
		must(t, err)
		got, err := w.store.Domain(t.Context(), domain("new.example"))
		must(t, err)
		if got.State != want || got.Failures != failures {
			t.Errorf("state %s after %d failures, want %s after %d", got.State, got.Failures, want, failures)
		}
	}
	day(gateway.Proven, 0)
	n.fail(true)
	for range 6 { // our resolver is down: nobody loses a domain
		day(gateway.Proven, 0)
	}
	n.fail(false)
	n.set("new.example")
	for i := range 2 {
		day(gateway.Proven, i+1)
	}
	n.set("new.example", []string{proofOf("new.example", w.fabrikam.OrgCertificate)})
	day(gateway.Proven, 0) // it came back
	n.set("new.example")
	for i := range 4 {
		day(gateway.Proven, i+1)
	}
	must(t, w.ask(t, w.fabrikam, "rita@new.example", contoso))
	day(gateway.Lapsed, 5)
	if w.ask(t, w.fabrikam, "rita@new.example", contoso) == nil {
		t.Error("a token for a domain whose proof lapsed")
	}
	n.set("new.example", []string{proofOf("new.example", w.fabrikam.OrgCertificate)})
	must(t, d.Verify(t.Context(), "fabrikam.example", domain("new.example")), w.ask(t, w.fabrikam, "rita@new.example", contoso))
}

func TestOneFailedCheckWithdrawsNothing(t *testing.T) {
	w := newWorld(t)
	n := newNameserver(t)
	d := w.domains(n)
	d.Grace = 0
	must(t, w.store.ReserveDomain(t.Context(), "fabrikam.example", domain("new.example")))
	n.set("new.example", []string{proofOf("new.example", w.fabrikam.OrgCertificate)})
	must(t, d.Verify(t.Context(), "fabrikam.example", domain("new.example")))
	n.set("new.example")
	for _, want := range []gateway.DomainState{gateway.Proven, gateway.Proven, gateway.Lapsed} {
		w.pass(25 * time.Hour)
		_, err := d.Recheck(t.Context())
		must(t, err)
		if got, err := w.store.Domain(t.Context(), domain("new.example")); err != nil || got.State != want {
			t.Errorf("after %d checks it is %s, want %s", got.Failures, got.State, want)
		}
	}
}

func TestDomainChangesHandsOnlyWhenTheOldProofIsGone(t *testing.T) {
	w := newWorld(t)
	n := newNameserver(t)
	d := w.domains(n)
	name := domain("sold.example")
	must(t, w.store.ReserveDomain(t.Context(), "fabrikam.example", name))
	old, fresh := proofOf("sold.example", w.fabrikam.OrgCertificate), proofOf("sold.example", w.contoso.OrgCertificate)
	n.set("sold.example", []string{old})
	must(t, d.Verify(t.Context(), "fabrikam.example", name))
	take := func() error { return d.Verify(t.Context(), "contoso.example", name) }
	if err := take(); err == nil {
		t.Error("taken without a proof")
	}
	n.set("sold.example", []string{old}, []string{fresh})
	if err := take(); fault.KindOf(err) != fault.Conflict {
		t.Errorf("taken while the old proof is there: %v", err)
	}
	n.set("sold.example", []string{fresh})
	must(t, take())
	if w.ask(t, w.fabrikam, "rita@sold.example", contoso) == nil {
		t.Error("the old owner still speaks for the domain")
	}
	must(t, w.ask(t, w.contoso, "tom@sold.example", contoso))
}

func TestDomainApprovedByTheAdministratorIsNotTaken(t *testing.T) {
	w := newWorld(t)
	n := newNameserver(t)
	n.set("fabrikam.example", []string{proofOf("fabrikam.example", w.contoso.OrgCertificate)})
	if err := w.domains(n).Verify(context.Background(), "contoso.example", domain("fabrikam.example")); fault.KindOf(err) != fault.Conflict {
		t.Errorf("taken by TXT: %v", err)
	}
}
