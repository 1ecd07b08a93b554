package admin_test

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/gatewaystore"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// world is a gateway, a DNS server, and administrators who speak to both.
type world struct {
	dns      *nameserver
	registry *gatewaystore.Store
	server   *httptest.Server
}

func newWorld(t *testing.T, r gateway.Registration) *world {
	t.Helper()
	w := &world{dns: newNameserver(t)}
	var err error
	w.registry, err = gatewaystore.Open(t.Context(), filepath.Join(t.TempDir(), "gateway.db"))
	must(t, err)
	t.Cleanup(func() { w.registry.Close() })
	var handler http.Handler
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(w.server.Close)
	signing, err := federation.NewSigningCertificate(time.Now(), 90)
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	domains := &gateway.Domains{Store: w.registry, Prover: &gateway.Prover{Resolvers: []federation.TXTResolver{federation.NewResolver(w.dns.address)}}, Grace: time.Hour, Now: time.Now, Log: log}
	g, err := gateway.New(gateway.Options{Issuer: "urn:federation:test", PublicURL: w.server.URL, Signing: signing, Profile: federation.ProfileModern, Lifetime: time.Hour, Registry: w.registry,
		Now: time.Now, Log: log, RequireMutual: true, Registration: r, Domains: domains})
	must(t, err)
	handler = g.Handler()
	return w
}

// organization is an administrator whose trust speaks to the gateway, and what she was warned of.
func (w *world) organization(t *testing.T, accepted ...smtpaddr.Domain) (*admin.Admin, *[]string) {
	t.Helper()
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	var warnings []string
	a.Warn, a.NameServers = func(s string) { warnings = append(warnings, s) }, servers(w.dns)
	a.HTTP = func(*federation.Trust) (*http.Client, error) { return w.server.Client(), nil }
	a.Metadata = func(ctx context.Context, trust *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error) {
		return federation.FetchMetadata(ctx, w.server.Client(), trust.TokenIssuerMetadataEpr, trusted, time.Now())
	}
	p := params()
	p.ApplicationUri, p.TokenIssuerMetadataEpr, p.NamespaceProvisioner = "", w.server.URL+gateway.PathMetadata, federation.Statements
	_, err := a.CreateTrust(t.Context(), p)
	must(t, err)
	for _, d := range accepted {
		must(t, a.AddAcceptedDomain(t.Context(), d, ""))
	}
	return a, &warnings
}

// owner tells whose a domain is at the gateway.
func (w *world) owner(t *testing.T, d smtpaddr.Domain) string {
	t.Helper()
	owned, err := w.registry.Domain(t.Context(), d)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return ""
	}
	must(t, err)
	return owned.Organization + " " + string(owned.State)
}

func TestOrganizationRegistersItselfAndItsDomainsAtTheGateway(t *testing.T) {
	w := newWorld(t, gateway.RegisterByProof)
	a, _ := w.organization(t, contoso, sales, namespace)
	set := func() error {
		return a.SetOrganization(t.Context(), admin.OrganizationParams{AccountNamespace: &namespace, Enabled: ptr(true)})
	}
	refusedWith(t, set(), fault.Invalid, federation.TextProofFailed)
	w.dns.put(namespace, []string{proof(t, a, namespace)})
	must(t, set())
	if got := w.owner(t, namespace); got != "exchangedelegation.contoso.example proven" {
		t.Errorf("the namespace belongs to %q", got)
	}
	w.dns.put(contoso, []string{proof(t, a, contoso)})
	must(t, a.AddFederatedDomain(t.Context(), contoso))
	if got := w.owner(t, contoso); got != "exchangedelegation.contoso.example proven" {
		t.Errorf("the domain belongs to %q", got)
	}
	must(t, a.RemoveFederatedDomain(t.Context(), contoso, false))
	if got := w.owner(t, contoso); got != "" {
		t.Errorf("the domain that was removed belongs to %q", got)
	}
}

func TestOrganizationThatTheGatewaysAdministratorRegisteredNeedNotRegister(t *testing.T) {
	w := newWorld(t, gateway.RegisterOff)
	a, _ := w.organization(t, contoso, namespace)
	w.dns.put(namespace, []string{proof(t, a, namespace)})
	set := func() error {
		return a.SetOrganization(t.Context(), admin.OrganizationParams{AccountNamespace: &namespace})
	}
	refusedWith(t, set(), fault.Conflict, "An error occurred while attempting to provision Exchange to the Partner STS. Detailed Information", "403")
	if o, err := a.Organization(t.Context()); err != nil || !o.AccountNamespace.IsZero() {
		t.Errorf("what the gateway refused is configured: %+v %v", o, err)
	}
	pem, err := a.ExportCertificate(t.Context(), admin.ExportParams{})
	must(t, err)
	c, err := federation.ParseCertificate(pem)
	must(t, err)
	must(t, w.registry.Add(t.Context(), &gateway.Organization{Name: "Contoso", ApplicationUri: namespace.String(), AccountNamespace: namespace, Domains: []smtpaddr.Domain{contoso}, Certificate: c}), set())
}

func TestDomainOfAnotherOrganizationIsNotReserved(t *testing.T) {
	w := newWorld(t, gateway.RegisterByProof)
	a, _ := w.organization(t, contoso, namespace)
	other := smtpaddr.MustDomain("delegation.fabrikam.example")
	b, _ := w.organization(t, contoso, other)
	w.dns.put(namespace, []string{proof(t, a, namespace)})
	w.dns.put(other, []string{proof(t, b, other)})
	w.dns.put(contoso, []string{proof(t, a, contoso)}, []string{proof(t, b, contoso)})
	must(t, a.SetOrganization(t.Context(), admin.OrganizationParams{AccountNamespace: &namespace}), b.SetOrganization(t.Context(), admin.OrganizationParams{AccountNamespace: &other}),
		a.AddFederatedDomain(t.Context(), contoso))
	refusedWith(t, b.AddFederatedDomain(t.Context(), contoso), fault.Conflict, `Unable to reserve the URI "contoso.example" for the domain "contoso.example" on application identifier delegation.fabrikam.example. Detailed information: `)
	if got := w.owner(t, contoso); got != "exchangedelegation.contoso.example proven" {
		t.Errorf("the domain belongs to %q", got)
	}
}

func TestDomainIsRemovedByForceWhenTheGatewayIsGone(t *testing.T) {
	w := newWorld(t, gateway.RegisterByProof)
	a, warnings := w.organization(t, contoso, namespace)
	w.dns.put(namespace, []string{proof(t, a, namespace)})
	w.dns.put(contoso, []string{proof(t, a, contoso)})
	must(t, a.SetOrganization(t.Context(), admin.OrganizationParams{AccountNamespace: &namespace}), a.AddFederatedDomain(t.Context(), contoso))
	w.server.Close()
	const text = `The URI "contoso.example" for domain "contoso.example" on application identifier "exchangedelegation.contoso.example" couldn't be released. Detailed information: `
	refusedWith(t, a.RemoveFederatedDomain(t.Context(), contoso, false), fault.Conflict, text, "--force")
	must(t, a.RemoveFederatedDomain(t.Context(), contoso, true))
	if o, err := a.Organization(t.Context()); err != nil || len(o.Domains) != 0 || !strings.Contains(strings.Join(*warnings, "\n"), text) {
		t.Errorf("%+v %v %q", o, err, *warnings)
	}
}

// TestPartnerListFollowsTheRelationships holds step 4 of a lookup: with require-mutual the gateway must know.
func TestPartnerListFollowsTheRelationships(t *testing.T) {
	w := newWorld(t, gateway.RegisterByProof)
	a, warnings := w.organization(t, contoso, namespace)
	w.dns.put(namespace, []string{proof(t, a, namespace)})
	must(t, a.SetOrganization(t.Context(), admin.OrganizationParams{AccountNamespace: &namespace}))
	fabrikam := smtpaddr.MustDomain("fabrikam.example")
	lists := func() bool {
		t.Helper()
		ok, err := w.registry.Lists(t.Context(), namespace.String(), "", fabrikam)
		must(t, err)
		return ok
	}
	_, err := a.CreateRelationship(t.Context(), "Fabrikam", admin.RelationshipParams{DomainNames: &[]smtpaddr.Domain{fabrikam}, FreeBusyAccessEnabled: ptr(true), FreeBusyAccessLevel: ptr(orgrel.LimitedDetails)})
	must(t, err)
	if !lists() {
		t.Error("the gateway does not know of the new relationship")
	}
	_, err = a.SetRelationship(t.Context(), "Fabrikam", admin.RelationshipParams{Enabled: ptr(false)})
	must(t, err)
	if lists() {
		t.Error("the gateway issues tokens for a relationship that is disabled")
	}
	w.server.Close()
	*warnings = nil
	_, err = a.SetRelationship(t.Context(), "Fabrikam", admin.RelationshipParams{Enabled: ptr(true)})
	must(t, err)
	if !strings.Contains(strings.Join(*warnings, "\n"), "the gateway was not told") || a.PublishPartners(t.Context()) == nil {
		t.Errorf("the list counts as published although the gateway is gone: %q", *warnings)
	}
}
