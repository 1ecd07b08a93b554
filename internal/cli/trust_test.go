package cli_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/xmlsec"
)

// metadataServer publishes a gateway's metadata and returns its URL and the file of its roots.
func metadataServer(t *testing.T, dir string) (url, caFile string) {
	t.Helper()
	signing, err := federation.NewSigningCertificate(time.Now(), 90)
	if err != nil {
		t.Fatal(err)
	}
	var s *httptest.Server
	s = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		doc, err := federation.MarshalMetadata(&federation.Metadata{TokenIssuerUri: "urn:federation:cli", TokenIssuerEpr: s.URL + "/extSTS.srf", WebRequestorRedirectEpr: s.URL + "/login.srf",
			Certificates: []*x509.Certificate{signing.Certificate}}, xmlsec.Signer{Key: signing.Key, Certificate: signing.Certificate, Algorithm: xmlsec.RSASHA256})
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(doc)
	}))
	t.Cleanup(s.Close)
	return s.URL, writeFile(t, dir, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
}

// txtServer answers every question with the one TXT record in *record.
func txtServer(t *testing.T, record *atomic.Value) (address string) {
	t.Helper()
	return lab.ServeDNS(t, dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative = true
		m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{record.Load().(string)}}}
		_ = w.WriteMsg(m)
	}))
}

// TestOrganizationIsFederatedByTypedCommands goes from nothing to a federated domain and a certificate rolled over.
func TestOrganizationIsFederatedByTypedCommands(t *testing.T) {
	dir := t.TempDir()
	database := filepath.Join(dir, "a.db")
	url, ca := metadataServer(t, dir)
	var record atomic.Value
	record.Store("v=spf1 -all")
	t.Setenv("AVAILD_RESOLVER", txtServer(t, &record))
	typed := func(line string, status int, want ...string) string {
		t.Helper()
		got, out, errOut := run(t, database, line)
		for _, w := range want {
			if !regexp.MustCompile(w).MatchString(out + errOut) {
				t.Errorf("availd %s: %q is missing in\n%s%s", line, w, out, errOut)
			}
		}
		if got != status {
			t.Errorf("availd %s: exit %d and not %d\n%s%s", line, got, status, out, errOut)
		}
		return out
	}
	listed := func() string {
		var list []struct{ Thumbprint, FriendlyName, Role string }
		if err := json.Unmarshal([]byte(typed("cert list --output json", 0)), &list); err != nil || len(list) == 0 || list[0].FriendlyName != "Exchange Federated Delegation" {
			t.Fatalf("%+v %v", list, err)
		}
		return list[0].Thumbprint
	}
	typed("cert create --days 20", 0, "Role +: unused", "DaysLeft +: (19|20)\n")
	thumbprint := listed()
	typed("trust create Gateway --metadata-url "+url+" --allow-private --thumbprint "+thumbprint+" --ca-file "+ca, 0, "taken on first contact", "the trust waits for the account namespace")
	typed("trust show gate*", 0, "OrgPrivCertificate +: "+thumbprint, `OrgCertificate +: `+thumbprint+` until \d{4}-\d\d-\d\d \((19|20) days left\)`, "NamespaceProvisioner +: ExternalProcess", "IsValid +: false",
		"Warnings +: OrgCertificate "+thumbprint+" expires within 30 days")
	typed("trust show Other", 3, `there is no federation trust "Other"`)
	typed("trust show --metadata-document", 0, "<fed:FederationMetadata")
	typed("cert check", 0, "ExpiresSoon +"+thumbprint)

	typed("accepted-domain add contoso.example", 0)
	typed("accepted-domain add exchangedelegation.contoso.example", 0)
	typed("org set --trust Gateway --account-namespace exchangedelegation.contoso.example --enabled", 0, "the gateway's administrator must register")
	typed("trust show", 0, "ApplicationUri +: exchangedelegation.contoso.example", "IsValid +: true")
	typed("domain verify contoso.example", 2, "Unproven +none of its 1 TXT records is the proof", "Proof of domain ownership has failed.")
	typed("domain add contoso.example", 1, "Proof of domain ownership has failed. Make sure that the TXT record for the specified domain is available in DNS.")
	shown := typed("domain proof contoso.example", 0, "Name +: OrgPrivCertificate", "Thumbprint +: "+thumbprint)
	proof := regexp.MustCompile(`Proof +: (\S+)`).FindStringSubmatch(shown)[1]
	record.Store(proof)
	if !strings.Contains(shown, "contoso.example TXT IN "+proof) {
		t.Errorf("DnsRecord is another one:\n%s", shown)
	}
	typed("domain verify contoso.example", 0, "Proven +the proof is one of its TXT records")
	typed("domain add contoso.example", 0, "fedgateway domain verify ORGANIZATION contoso.example")
	typed("org show --extended", 0, `Domains +: exchangedelegation.contoso.example \(Unproven\), contoso.example \(Proven\)`)

	typed("trust set-next-cert --thumbprint "+thumbprint, 3, "in use already")
	typed("trust set-next-cert", 0, "next certificate [0-9A-F]{40} until", "availd trust export-certificate --next")
	typed("trust export-certificate --next", 0, "BEGIN CERTIFICATE")
	typed("domain proof contoso.example", 0, "OrgNextPrivCertificate")
	typed("trust publish-cert", 0, "current certificate", "fedgateway certificate publish")
	if now := listed(); now == thumbprint {
		t.Error("the certificate that was published is not the current one")
	}
	typed("trust show", 0, "OrgPrevPrivCertificate +: "+thumbprint)
	typed("trust refresh-metadata --all", 0, "issuer certificate")
	typed("trust refresh-metadata Other", 3, "no federation trust")
	typed("trust set --application-uri app.contoso.example", 0, "every partner's organization relationship with us is broken")
	typed("trust set --namespace-provisioner Somebody", 1, "is not ExternalProcess or Statements")
	typed("domain remove contoso.example", 0, "fedgateway domain remove")
	typed("org set --enabled=false", 0)
	typed("domain remove exchangedelegation.contoso.example", 0)
	typed("trust remove Gateway", 0)
	typed("cert list --output json", 0, `\[\]`)
}

func TestGatewayIsCalledThroughTheWebProxy(t *testing.T) {
	dir := t.TempDir()
	database := filepath.Join(dir, "a.db")
	url, ca := metadataServer(t, dir)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || "https://"+r.Host != url {
			t.Errorf("%s %s", r.Method, r.Host)
		}
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	t.Cleanup(proxy.Close)
	if status, _, errOut := run(t, database, "proxy set "+proxy.URL); status != 0 {
		t.Fatal(errOut)
	}
	status, _, errOut := run(t, database, "trust create Gateway --allow-private --metadata-url "+url+" --ca-file "+ca)
	if status != 4 || !strings.Contains(errOut, "Unable to access the Federation Metadata document from the federation partner. Detailed information: ") || !strings.Contains(errOut, "Proxy Authentication Required") {
		t.Errorf("exit %d: %s", status, errOut)
	}
}
