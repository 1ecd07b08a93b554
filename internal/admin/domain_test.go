package admin_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

var (
	contoso   = smtpaddr.MustDomain("contoso.example")
	sales     = smtpaddr.MustDomain("sales.contoso.example")
	namespace = smtpaddr.MustDomain("exchangedelegation.contoso.example")
)

// federated is an administrator of an organization with trust and accepted domains, and what she was warned of.
func federated(t *testing.T, list ...*nameserver) (*admin.Admin, *[]string) {
	t.Helper()
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	var warnings []string
	a.Warn, a.NameServers = func(s string) { warnings = append(warnings, s) }, servers(list...)
	createTrust(t, a)
	for _, d := range []smtpaddr.Domain{contoso, sales, namespace} {
		must(t, a.AddAcceptedDomain(t.Context(), d, ""))
	}
	return a, &warnings
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func proof(t *testing.T, a *admin.Admin, d smtpaddr.Domain) string {
	t.Helper()
	proofs, err := a.DomainProofs(t.Context(), d, "")
	must(t, err)
	return proofs[0].Proof
}

func refusedWith(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("not refused as it should be: %v", err)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is missing in: %v", w, err)
		}
	}
}

func TestDomainIsFederatedOnceItsProofIsInDNS(t *testing.T) {
	n := newNameserver(t)
	a, _ := federated(t, n)
	must(t, a.SetOrganization(t.Context(), admin.OrganizationParams{AccountNamespace: &namespace, Enabled: ptr(true)}))
	refusedWith(t, a.AddFederatedDomain(t.Context(), contoso), fault.Invalid, federation.TextProofFailed, `"contoso.example IN TXT hash-value"`, "it has no TXT record at this name")

	p := proof(t, a, contoso)
	typo := "x"
	if p[40:41] == typo {
		typo = "y"
	}
	n.put(contoso, []string{"v=spf1 -all"}, []string{p[:40] + typo + p[41:]})
	refusedWith(t, a.AddFederatedDomain(t.Context(), contoso), fault.Invalid, federation.TextProofFailed, "mistyped")

	long := strings.Repeat("z", 250)
	n.put(contoso, []string{long, long}, []string{p[:30], p[30:]}) // in two strings, in an answer that does not fit into 512 bytes
	must(t, a.AddFederatedDomain(t.Context(), contoso))
	if n.fetchedOverTCP() == 0 {
		t.Error("the long answer was not fetched over TCP")
	}
	o, err := a.Organization(t.Context())
	must(t, err)
	if !slices.Equal(o.Domains, []smtpaddr.Domain{contoso}) {
		t.Errorf("%v", o.Domains)
	}
	refusedWith(t, a.AddFederatedDomain(t.Context(), contoso), fault.Conflict, "federated already")
	refusedWith(t, a.AddFederatedDomain(t.Context(), smtpaddr.MustDomain("other.example")), fault.Invalid, "not an accepted domain")
}

// TestEveryNameServerMustHaveTheProof shows each server's own answer.
func TestEveryNameServerMustHaveTheProof(t *testing.T) {
	one, two := newNameserver(t), newNameserver(t)
	a, _ := federated(t, one, two)
	one.put(contoso, []string{proof(t, a, contoso)})
	two.put(contoso)
	for _, c := range []struct {
		change func()
		state  string
		second string
	}{
		{func() {}, admin.ProofAbsent, admin.ProofAbsent},
		{func() { two.refuse(true) }, admin.ProofUnknown, admin.ProofUnknown},
		{func() { two.refuse(false); two.put(contoso, []string{proof(t, a, contoso)}) }, admin.ProofFound, admin.ProofFound},
	} {
		c.change()
		state, answers, err := a.VerifyDomain(t.Context(), contoso)
		must(t, err)
		if state != c.state || len(answers) != 2 || answers[0].State != admin.ProofFound || answers[1].State != c.second || answers[1].NameServer != two.address {
			t.Errorf("want %s: %s %+v", c.state, state, answers)
		}
	}
}

func TestProofIsShownForEachCertificate(t *testing.T) {
	n := newNameserver(t)
	a, warnings := federated(t, n)
	next, err := a.SetNextCertificate(t.Context(), admin.NextCertificateParams{Days: 30})
	must(t, err)
	proofs, err := a.DomainProofs(t.Context(), contoso, "")
	must(t, err)
	if len(proofs) != 2 || proofs[0].Name != "OrgPrivCertificate" || proofs[1].Name != "OrgNextPrivCertificate" || proofs[0].Proof == proofs[1].Proof ||
		proofs[1].Thumbprint != next.OrgNextCertificate.Thumbprint || len(proofs[0].Proof) != 88 || proofs[0].DnsRecord != "contoso.example TXT IN "+proofs[0].Proof {
		t.Errorf("%+v", proofs)
	}
	one, err := a.DomainProofs(t.Context(), contoso, strings.ToLower(proofs[1].Thumbprint))
	if err != nil || len(one) != 1 || one[0] != proofs[1] {
		t.Errorf("by thumbprint: %+v %v", one, err)
	}
	n.put(contoso, []string{proofs[1].Proof}) // that of the next one counts already
	if state, _, err := a.VerifyDomain(t.Context(), contoso); err != nil || state != admin.ProofFound {
		t.Errorf("%s %v", state, err)
	}
	if !strings.Contains(strings.Join(*warnings, "\n"), "fedgateway certificate next") {
		t.Errorf("nobody tells the gateway's administrator: %q", *warnings)
	}
}

func TestNamedNamespaceIsAcceptedAndNobodysAddress(t *testing.T) {
	a, warnings := federated(t, newNameserver(t))
	other := smtpaddr.MustDomain("federation.contoso.example")
	refusedWith(t, a.SetOrganization(t.Context(), admin.OrganizationParams{AccountNamespace: &other}), fault.Invalid, "not an accepted domain")
	_, err := a.CreateMailbox(t.Context(), smtpaddr.MustAddress("tom@contoso.example"), admin.MailboxParams{})
	must(t, err)
	refusedWith(t, a.SetOrganization(t.Context(), admin.OrganizationParams{AccountNamespace: &contoso}), fault.Conflict, "it must differ from every primary address's")
	must(t, a.SetOrganization(t.Context(), admin.OrganizationParams{Trust: ptr("gate*"), AccountNamespace: &namespace}))
	*warnings = nil
	must(t, a.SetOrganization(t.Context(), admin.OrganizationParams{AutoNamespace: &contoso}))
	if w := strings.Join(*warnings, "\n"); !strings.Contains(w, "from exchangedelegation.contoso.example to fydibohf25spdlt.contoso.example: every partner's organization relationship with us is broken") {
		t.Errorf("no warning: %s", w)
	}
	o, err := a.Organization(t.Context())
	must(t, err)
	if o.AccountNamespace.String() != "fydibohf25spdlt.contoso.example" || !slices.Equal(o.ToProve(), []smtpaddr.Domain{contoso}) || o.Owns(o.AccountNamespace) {
		t.Errorf("only the domain of an automatic namespace is accepted and proven: %+v", o.Organization)
	}
	refusedWith(t, a.SetOrganization(t.Context(), admin.OrganizationParams{Trust: ptr("Other")}), fault.NotFound, `no federation trust "Other"`)
}

func TestApplicationUriFollowsTheNamespaceUnlessItWasChosen(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	p := admin.TrustParams{Name: "Gateway", TokenIssuerMetadataEpr: "https://gateway.example/metadata.xml", Profile: federation.ProfileModern, ProofOfPossession: federation.ProofRequired, Days: 30}
	made, err := a.CreateTrust(t.Context(), p)
	must(t, err)
	if made.ApplicationUri != "" || made.IsValid {
		t.Errorf("the trust is usable before it has a name: %+v", made)
	}
	accepted := []smtpaddr.Domain{contoso, namespace}
	uri := func() string {
		t.Helper()
		trust, err := a.Trust(t.Context(), "")
		must(t, err)
		return trust.ApplicationUri
	}
	must(t, a.SetOrganization(t.Context(), admin.OrganizationParams{AcceptedDomains: &accepted, AccountNamespace: &namespace}))
	if got := uri(); got != namespace.String() {
		t.Errorf("%q is not the account namespace", got)
	}
	_, err = a.SetTrust(t.Context(), "", admin.TrustChange{ApplicationUri: ptr("app.contoso.example")})
	must(t, err)
	must(t, a.SetOrganization(t.Context(), admin.OrganizationParams{AutoNamespace: &contoso}))
	if got := uri(); got != "app.contoso.example" {
		t.Errorf("the ApplicationUri that was chosen became %q", got)
	}
}

func TestDomainOfTheNamespaceIsRemovedLast(t *testing.T) {
	n := newNameserver(t)
	a, warnings := federated(t, n)
	ctx := t.Context()
	n.put(contoso, []string{proof(t, a, contoso)})
	n.put(sales, []string{proof(t, a, sales)})
	must(t, a.SetOrganization(ctx, admin.OrganizationParams{AccountNamespace: &namespace, Enabled: ptr(true)}),
		a.AddFederatedDomain(ctx, contoso), a.AddFederatedDomain(ctx, sales), a.SetOrganization(ctx, admin.OrganizationParams{DefaultDomain: &sales}))
	refusedWith(t, a.RemoveFederatedDomain(ctx, namespace, true), fault.Conflict, "goes last; remove these first: contoso.example, sales.contoso.example")
	refusedWith(t, a.RemoveFederatedDomain(ctx, sales, false), fault.Conflict, "is the default domain")
	refusedWith(t, a.RemoveFederatedDomain(ctx, smtpaddr.MustDomain("other.example"), false), fault.NotFound, "not federated")
	must(t, a.SetOrganization(ctx, admin.OrganizationParams{DefaultDomain: ptr(smtpaddr.Domain{})}), a.RemoveFederatedDomain(ctx, sales, false), a.RemoveFederatedDomain(ctx, contoso, false))
	refusedWith(t, a.RemoveFederatedDomain(ctx, namespace, false), fault.Conflict, "disable the organization first")
	must(t, a.SetOrganization(ctx, admin.OrganizationParams{Enabled: ptr(false)}), a.RemoveFederatedDomain(ctx, namespace, false), a.RemoveTrust(ctx, ""), a.RemoveAcceptedDomain(ctx, namespace.String()))
	if !strings.Contains(strings.Join(*warnings, "\n"), "fedgateway domain remove ORGANIZATION sales.contoso.example") {
		t.Errorf("nobody tells the gateway's administrator: %q", *warnings)
	}
}
