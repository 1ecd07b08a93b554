package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/smtpaddr"
)

func (w *world) publish(t *testing.T, trust *federation.Trust, l federation.PartnerList) error {
	t.Helper()
	return federation.PublishPartners(t.Context(), w.server.Client(), trust, l, w.clock())
}

func TestRequireMutualRefusesWhomTheTargetDoesNotList(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) { o.RequireMutual = true })
	refused := func(story string) {
		t.Helper()
		if code, answer := w.post(t, w.rst(t, w.fabrikam, request(rita, contoso))); code != "InvalidScope" || strings.Contains(answer, "mutual") {
			t.Errorf("%s: %q %s", story, code, answer)
		}
	}
	refused("nothing is published")
	must(t, w.publish(t, w.contoso, federation.PartnerList{Domains: domains("northwind.example"), ApplicationUris: []string{"northwind.example"}}))
	refused("others are listed")
	if log := w.log.String(); !strings.Contains(log, "require-mutual: the partner list of contoso.example has neither exchangedelegation.fabrikam.example nor fabrikam.example") {
		t.Errorf("step 4 does not say why: %s", log)
	}
	w.pass(time.Second)
	must(t, w.publish(t, w.contoso, federation.PartnerList{Domains: domains("fabrikam.example")}))
	must(t, w.ask(t, w.fabrikam, rita, contoso))
	w.pass(time.Second)
	must(t, w.publish(t, w.contoso, federation.PartnerList{ApplicationUris: []string{"http://Exchangedelegation.fabrikam.example/"}}))
	must(t, w.ask(t, w.fabrikam, rita, contoso))
	w.pass(time.Second)
	must(t, w.publish(t, w.contoso, federation.PartnerList{}))
	refused("the list was emptied")
}

func TestPartnerListIsRefused(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) { o.RequireMutual = true; o.Limits.FailuresPerSource = 100 })
	list := federation.PartnerList{Domains: domains("fabrikam.example")}
	forged, elsewhere := *w.contoso, *w.contoso
	forged.OrgCertificate = w.fabrikam.OrgCertificate
	elsewhere.TokenIssuerUri = "urn:federation:other"
	for story, trust := range map[string]*federation.Trust{"another organization signed it": &forged, "it is for another gateway": &elsewhere} {
		if err := w.publish(t, trust, list); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("%s: %v", story, err)
		}
	}
	must(t, w.publish(t, w.contoso, federation.PartnerList{}))
	if err := w.publish(t, w.contoso, list); err == nil || !strings.Contains(err.Error(), "409") {
		t.Errorf("a list that is not newer, as a replayed one is: %v", err)
	}
	w.pass(-2 * time.Minute)
	if err := w.publish(t, w.contoso, list); err == nil || !strings.Contains(err.Error(), "409") {
		t.Errorf("an older list: %v", err)
	}
	w.pass(2 * time.Minute)
	if code, _ := w.post(t, w.rst(t, w.fabrikam, request(rita, contoso))); code != "InvalidScope" {
		t.Errorf("a refused list counts: %q", code)
	}
}

func (w *world) register(t *testing.T, trust *federation.Trust, name string, names ...string) error {
	t.Helper()
	return federation.Register(t.Context(), w.server.Client(), trust, federation.Registration{Name: name, Contact: "admin@" + names[0],
		AccountNamespace: smtpaddr.MustDomain("FYDIBOHF25SPDLT." + names[0]), Domains: domains(names...)}, w.clock())
}

func TestRegistrationWaitsForTheAdministrator(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) {
		o.Registration = gateway.RegisterByApproval
		o.Limits.PendingRegistrations = 2
	})
	n := w.trust(t, "northwind.example")
	must(t, w.register(t, n, "Northwind", "northwind.example"))
	if w.ask(t, n, "nancy@northwind.example", contoso) == nil {
		t.Error("a token before the approval")
	}
	must(t, w.store.SetState(t.Context(), "Northwind", gateway.Approved))
	if w.ask(t, n, "nancy@northwind.example", contoso) == nil {
		t.Error("a token for a domain that nobody proved or approved")
	}
	must(t, w.domains(newNameserver(t)).Approve(t.Context(), "Northwind", domain("northwind.example")))
	must(t, w.ask(t, n, "nancy@northwind.example", contoso))
	for i, want := range []string{"", "", "503"} {
		d := fmt.Sprintf("d%d.example", i)
		if err := w.register(t, w.trust(t, d), d, d); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("pending registration %d: %v", i+1, err)
		}
	}
}

func TestRegistrationByProofNeedsTheRecordOfEveryDomain(t *testing.T) {
	n := newNameserver(t)
	w := newWorld(t, func(o *gateway.Options) {
		o.Registration, o.Domains = gateway.RegisterByProof, &gateway.Domains{Prover: &gateway.Prover{Resolvers: []federation.TXTResolver{n.resolver}}}
	})
	trust := w.trust(t, "northwind.example")
	n.set("northwind.example", []string{proofOf("northwind.example", trust.OrgCertificate)})
	if w.register(t, trust, "Northwind", "northwind.example", "nwind.example") == nil {
		t.Error("registered with one domain of two proven")
	}
	if _, err := w.store.Organization(t.Context(), "Northwind"); err == nil {
		t.Error("a refused registration left something behind")
	}
	n.set("nwind.example", []string{proofOf("nwind.example", trust.OrgCertificate)})
	must(t, w.register(t, trust, "Northwind", "northwind.example", "nwind.example"))
	must(t, w.ask(t, trust, "nancy@nwind.example", contoso))
}

func TestRegistrationIsRefused(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) {
		o.Registration = gateway.RegisterByApproval
		o.Limits.RegistrationsPerHour = 6
	})
	for story, register := range map[string]func() error{
		"a domain that has an owner":           func() error { return w.register(t, w.trust(t, "new.example"), "New", "new.example", "contoso.example") },
		"an ApplicationUri of somebody else's": func() error { return w.register(t, w.trust(t, "contoso.example"), "New", "new.example") },
		"a certificate that is registered": func() error {
			return w.register(t, &federation.Trust{ApplicationUri: "new.example", TokenIssuerUri: issuer, TokenIssuerEpr: w.contoso.TokenIssuerEpr, OrgCertificate: w.contoso.OrgCertificate}, "New", "new.example")
		},
		"a name with a control character":       func() error { return w.register(t, w.trust(t, "new.example"), "New\t", "new.example") },
		"the name of a registered organization": func() error { return w.register(t, w.trust(t, "new.example"), "contoso.example", "new.example") },
	} {
		if register() == nil {
			t.Errorf("registered with %s", story)
		}
	}
	must(t, w.register(t, w.trust(t, "new.example"), "New", "new.example"))
	if err := w.register(t, w.trust(t, "more.example"), "More", "more.example"); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("the seventh registration within an hour: %v", err)
	}
}

func TestStatusTellsWhatAnybodyMayKnow(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) { o.RequireMutual, o.Version = true, "v1.2.3" })
	get := func(path string) (*http.Response, string) {
		resp, err := w.server.Client().Get(w.server.URL + path)
		must(t, err)
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		must(t, err)
		return resp, string(raw)
	}
	_, raw := get("/status.json")
	var s gateway.Status
	must(t, json.Unmarshal([]byte(raw), &s))
	if s.TokenIssuerUri != issuer || s.Organizations != 2 || !s.RequireMutual || s.Version != "v1.2.3" || len(s.Certificates) != 1 || s.Certificates[0].DaysLeft != 89 && s.Certificates[0].DaysLeft != 90 {
		t.Errorf("%s", raw)
	}
	resp, page := get("/")
	for _, body := range []string{raw, page} {
		if strings.Contains(body, "contoso") || strings.Contains(body, "fabrikam") {
			t.Errorf("organizations are listed: %s", body)
		}
	}
	if !strings.Contains(page, issuer) || strings.Contains(page, "<script") || strings.Contains(page, "chaos mode") {
		t.Errorf("the page: %s", page)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, styleSource(t, page)) {
		t.Errorf("the policy %q does not let the page's own style in", policy)
	}
}

func TestOrganizationRollsItsOwnCertificate(t *testing.T) {
	w := newWorld(t)
	send := w.server.Client()
	trust := *w.fabrikam
	trust.OrgNextCertificate = newKey(w)
	must(t, federation.SendNextCertificate(t.Context(), send, &trust, w.clock()))
	w.pass(time.Second)
	replayed := w.clock()
	must(t, federation.PublishCertificate(t.Context(), send, &trust, replayed))
	o, err := w.store.Organization(t.Context(), "fabrikam.example")
	must(t, err)
	if !o.Certificate.Equal(trust.OrgNextCertificate.Certificate) || !o.Previous.Equal(trust.OrgCertificate.Certificate) {
		t.Fatal("tokens are not encrypted to the published certificate")
	}
	must(t, w.ask(t, &trust, rita, contoso)) // still with the old key
	trust.OrgPrevCertificate, trust.OrgCertificate = trust.OrgCertificate, trust.OrgNextCertificate
	must(t, w.ask(t, &trust, rita, contoso))
	w.pass(time.Second)
	trust.OrgNextCertificate = newKey(w)
	must(t, federation.SendNextCertificate(t.Context(), send, &trust, w.clock()))
	if err := federation.PublishCertificate(t.Context(), send, &trust, replayed); err == nil || !strings.Contains(err.Error(), "409") {
		t.Errorf("an old statement published a new certificate: %v", err)
	}
	w.pass(time.Second)
	trust.OrgPrevCertificate, trust.OrgCertificate = trust.OrgCertificate, trust.OrgNextCertificate // this side first
	must(t, federation.PublishCertificate(t.Context(), send, &trust, w.clock()), w.ask(t, &trust, rita, contoso))
}

func TestOrganizationAddsItsOwnDomain(t *testing.T) {
	n := newNameserver(t)
	domains := new(gateway.Domains)
	w := newWorld(t, func(o *gateway.Options) { o.Domains = domains })
	*domains = *w.domains(n)
	d := domain("new.example")
	add := func(trust *federation.Trust) error {
		w.pass(time.Second)
		return federation.AddDomain(t.Context(), w.server.Client(), trust, d, w.clock())
	}
	if err := add(w.fabrikam); err == nil || err.Error() != federation.TextProofFailed {
		t.Errorf("added without proof: %v", err)
	}
	if _, err := w.store.Domain(t.Context(), d); err == nil {
		t.Error("a domain without proof was reserved")
	}
	n.set("new.example", []string{proofOf("new.example", w.fabrikam.OrgCertificate)})
	if add(w.contoso) == nil {
		t.Error("added with another's proof")
	}
	must(t, add(w.fabrikam), w.ask(t, w.fabrikam, "rita@new.example", contoso))
	w.pass(time.Second)
	if federation.RemoveDomain(t.Context(), w.server.Client(), w.contoso, d, w.clock()) == nil {
		t.Error("another organization released the domain")
	}
	must(t, federation.RemoveDomain(t.Context(), w.server.Client(), w.fabrikam, d, w.clock()))
	if w.ask(t, w.fabrikam, "rita@new.example", contoso) == nil {
		t.Error("a token for a domain that was released")
	}
}

func TestOrganizationReplacesAnExpiredCertificateByItsPreviousOne(t *testing.T) {
	w := newWorld(t)
	short, err := federation.NewOrganizationCertificate(w.clock(), 1)
	must(t, err)
	trust := *w.contoso
	trust.OrgNextCertificate = short
	must(t, federation.SendNextCertificate(t.Context(), w.server.Client(), &trust, w.clock()))
	w.pass(time.Second)
	must(t, federation.PublishCertificate(t.Context(), w.server.Client(), &trust, w.clock()))
	trust.OrgPrevCertificate, trust.OrgCertificate, trust.OrgNextCertificate = trust.OrgCertificate, short, newKey(w)
	w.pass(48 * time.Hour)
	must(t, federation.SendNextCertificate(t.Context(), w.server.Client(), &trust, w.clock()))
	w.pass(time.Second)
	must(t, federation.PublishCertificate(t.Context(), w.server.Client(), &trust, w.clock()), w.ask(t, w.fabrikam, rita, contoso))
}
