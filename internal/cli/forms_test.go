package cli_test

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/lab"
)

// forms reads the lines that the field's articles have, as they were published.
func forms(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/forms.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for part := range strings.SplitSeq("\n"+string(b), "\n#") {
		if n, form, ok := strings.Cut(part, "\n"); ok {
			out[n] = form
		}
	}
	return out
}

// TestPublishedFormsHaveTheirEffect runs each form as a file: it does what it says, or what was meant is proposed.
func TestPublishedFormsHaveTheirEffect(t *testing.T) {
	forms := forms(t)
	if len(forms) != 20 {
		t.Fatalf("%d forms", len(forms))
	}
	t.Setenv("AVAILD_RESOLVER", (&proofs{}).start(t)) // nobody is asked outside
	database := installation(t)
	for _, c := range []struct {
		form   string
		status int
		want   string // printed
		then   string // a line whose output shows the effect
		shows  string
	}{
		{"1", 3, "there is no federation trust", "", ""},
		{"2", 2, "STEP 1: Validating user configuration", "", ""},
		{"3", 0, "domain.com", "", ""},
		{"4", 1, "did you mean:\n  Get-FederatedOrganizationIdentifier\n", "", ""},
		{"5", 4, "Federation information could not be received from the external organization.", "", ""},
		{"6", 3, "there is no federation trust", "", ""},
		{"7", 0, "To_OnPremise", "", ""},
		{"8", 1, "did you mean:\n  Get-OrganizationRelationship -Identity TrustedDomain\n", "Get-OrganizationRelationship -Identity TrustedDomain", "trusted.example"},
		{"9", 3, `there is no organization relationship "domain.com"`, "", ""},
		{"10", 2, "Getting ADUser information for johan@domain.com", "", ""},
		{"11", 0, "extest_", "Get-Mailbox extest_*", "extest_"},
		{"12", 0, "", "Get-WebServicesVirtualDirectory", "https://mail.domain.com/EWS/exchange.asmx"},
		{"13", 0, "", "", ""}, // no certificate comes through the filter
		{"14", 1, "metadata", "", ""},
		{"15", 1, "No Federation trust", "", ""},
		{"16", 0, "", "Get-AcceptedDomain", "exchangedelegation.domain.com"},
		{"17", 3, "there is no federation trust", "", ""},
		{"18", 1, "No Federation trust", "", ""},
		{"19", 1, `did you mean:` + "\n  " + `New-OrganizationRelationship -Name "External Company" -DomainNames "exchangedelegation.domain.com","domain.com" -FreeBusyAccessEnabled $true -FreeBusyAccessLevel LimitedDetails -TargetAutodiscoverEpr "https://autodiscover.domain.com/autodiscover/autodiscover.svc/wssecurity" -TargetApplicationUri "exchangedelegation.domain.com"` + "\n", "", ""},
		{"20", 1, `did you mean:` + "\n  " + `Get-FederationInformation -DomainName domain.com | New-OrganizationRelationship -Name "External Company" -FreeBusyAccessEnabled $true -FreeBusyAccessLevel LimitedDetails` + "\n", "", ""},
	} {
		t.Run(c.form, func(t *testing.T) {
			file := writeFile(t, t.TempDir(), "form.ps1", forms[c.form])
			status, out, errOut := shellRun(t, "", "--database", database, "shell", "-f", file)
			if status != c.status || !strings.Contains(out+errOut, c.want) {
				t.Fatalf("%s\nexit %d, want %d and %q\n%s%s", forms[c.form], status, c.status, c.want, out, errOut)
			}
			if c.then == "" {
				return
			}
			if status, out, errOut := shellRun(t, c.then, "--database", database, "shell"); status != 0 || !strings.Contains(out, c.shows) {
				t.Errorf("%s: exit %d, want %q\n%s%s", c.then, status, c.shows, out, errOut)
			}
		})
	}
}

func TestWhatWasMeantByTheUnclosedFormIsDone(t *testing.T) {
	database := filepath.Join(t.TempDir(), "a.db")
	_, _, errOut := shellRun(t, forms(t)["19"], "--database", database, "shell")
	_, corrected, ok := strings.Cut(errOut, "did you mean:\n")
	if !ok {
		t.Fatal(errOut)
	}
	if status, _, errOut := shellRun(t, corrected, "--database", database, "shell"); status != 0 {
		t.Fatal(errOut)
	}
	_, out, _ := shellRun(t, "Get-OrganizationRelationship | fl Name,DomainNames,FreeBusyAccessEnabled,FreeBusyAccessLevel,Target*", "--database", database, "shell")
	want := `Name                  : External Company
DomainNames           : exchangedelegation.domain.com, domain.com
FreeBusyAccessEnabled : true
FreeBusyAccessLevel   : LimitedDetails
TargetApplicationUri  : exchangedelegation.domain.com
TargetAutodiscoverEpr : https://autodiscover.domain.com/autodiscover/autodiscover.svc/wssecurity
`
	for _, line := range strings.Split(strings.TrimSpace(want), "\n") {
		if !strings.Contains(out, line) {
			t.Errorf("%q is missing in\n%s", line, out)
		}
	}
}

// proofs is a DNS server on loopback that has TXT records.
type proofs struct {
	mu  sync.Mutex
	txt map[string]string // by name, with the last dot
}

func (p *proofs) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	name := q.Question[0].Name
	if v, ok := p.txt[name]; ok {
		m.Answer = append(m.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{v}})
	} else {
		m.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(m)
}

func (p *proofs) put(name, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.txt[name+"."] = value
}

// nameserver starts a DNS server and returns its address.
func (p *proofs) start(t *testing.T) string {
	t.Helper()
	return lab.ServeDNS(t, p)
}

// TestPublishedFormsMakeAFederation types the forms of the first article in their order, against a real gateway and a real
// name server.
func TestPublishedFormsMakeAFederation(t *testing.T) {
	l := lab.New(t, lab.SQLite(), federation.ProfileModern)
	records := &proofs{txt: map[string]string{}}
	t.Setenv("AVAILD_RESOLVER", records.start(t))
	t.Setenv("AVAILD_METADATA_URL", l.Gateway.URL+gateway.PathMetadata)
	t.Setenv("AVAILD_CA_FILE", writeFile(t, t.TempDir(), "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.Gateway.Certificate().Raw}))))
	t.Setenv("AVAILD_ALLOW_PRIVATE", "true")
	database := filepath.Join(t.TempDir(), "a.db")
	forms := forms(t)
	type typed struct {
		line   string
		status int
		want   string
	}
	run := func(steps ...typed) (out string) {
		t.Helper()
		for _, c := range steps {
			status, stdout, errOut := shellRun(t, c.line, "--database", database, "shell")
			if out = stdout; status != c.status || !strings.Contains(stdout+errOut, c.want) {
				t.Fatalf("%s: exit %d, want %d and %q\n%s%s", c.line, status, c.status, c.want, stdout, errOut)
			}
		}
		return out
	}
	proof := func(domain string) string {
		t.Helper()
		out := run(typed{"Get-FederatedDomainProof -DomainName " + domain + " | fl Proof", 0, "Proof : "})
		return strings.TrimSpace(strings.TrimPrefix(out, "Proof : "))
	}
	run(typed{"New-AcceptedDomain -DomainName domain.com -Name Mail", 0, ""},
		typed{`New-ExchangeCertificate -FriendlyName "Exchange Federated Delegation"`, 0, "Thumbprint"},
		typed{forms["13"], 0, ""},
		typed{forms["14"], 3, "already"},
		typed{forms["6"], 0, "Microsoft Federation Gateway"},
		typed{forms["15"], 0, "domain.com TXT IN "},
		typed{forms["16"], 0, ""},
		typed{forms["17"], 0, "the gateway's administrator must register this organization"},
		typed{forms["18"], 1, "Proof of domain ownership has failed."})
	records.put("domain.com", proof("domain.com"))
	run(typed{forms["18"], 0, ""},
		typed{forms["3"], 0, "AccountNamespace    : exchangedelegation.domain.com"},
		typed{forms["3"] + " | fl Domains,DelegationTrustLink,Enabled", 0, "Domains             : domain.com\nDelegationTrustLink : Microsoft Federation Gateway\nEnabled             : true\n"},
		typed{forms["1"], 0, ""})
}
