// Package lab is two organizations and a gateway in one process, over real TLS and real stores, for tests and load.
package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/gatewaystore"
	"github.com/availd/availd/internal/login"
	"github.com/availd/availd/internal/server"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/open"
	"github.com/availd/availd/internal/testpg"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Password is every lab user's.
const Password = "lab password"

// Organization is one of the two.
type Organization struct {
	Domain smtpaddr.Domain
	Store  store.Store
	URL    string // of the server, without a path
	Trust  *federation.Trust
	Log    Tap              // of all its nodes
	first  *httptest.Server // started when everything is configured, so that it knows all of it at once
}

// StoreKind is a kind of store that a lab's organizations can stand on.
type StoreKind struct {
	Name string
	open func(t testing.TB, dir, name string) store.Store
}

// SQLite keeps each organization in a file.
func SQLite() StoreKind {
	return StoreKind{"sqlite", func(t testing.TB, dir, name string) store.Store {
		t.Helper()
		s, err := open.Open(t.Context(), filepath.Join(dir, name+".db"), open.Options{})
		check(t, err)
		return s
	}}
}

// Postgres keeps each organization in a database of a private server.
func Postgres() StoreKind {
	return StoreKind{"postgres", func(t testing.TB, dir, name string) store.Store {
		t.Helper()
		key := filepath.Join(dir, name+".key")
		check(t, store.CreateMasterKey(key))
		s, err := open.Open(t.Context(), testpg.Database(t), open.Options{MasterKeyFile: key})
		check(t, err)
		return s
	}}
}

// Stores are all kinds: what the lab shows holds on each of them.
func Stores() []StoreKind { return []StoreKind{SQLite(), Postgres()} }

// Lab is the small world: Contoso is asked, Fabrikam asks.
type Lab struct {
	Contoso, Fabrikam *Organization
	Gateway           *httptest.Server
	Registry          *gatewaystore.Store
	Client            *http.Client
	GatewayLog        Tap
	stores            StoreKind
	caFile            string
	metadata          *federation.Metadata
	profile           federation.Profile
	signing           *federation.KeyPair
	issuer            atomic.Pointer[gateway.Gateway]
}

// New builds the world on stores of one kind; everything ends with the test.
func New(t testing.TB, kind StoreKind, profile federation.Profile) *Lab {
	t.Helper()
	dir := t.TempDir()
	l := &Lab{stores: kind, profile: profile}
	l.startGateway(t, dir)
	l.Client = l.Gateway.Client()
	l.Contoso = l.organization(t, dir, "contoso.example")
	l.Fabrikam = l.organization(t, dir, "fabrikam.example")
	l.relate(t, l.Contoso, l.Fabrikam)
	l.relate(t, l.Fabrikam, l.Contoso)
	for _, o := range []*Organization{l.Contoso, l.Fabrikam} {
		l.start(t, o, o.first)
	}
	return l
}

func check(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (l *Lab) startGateway(t testing.TB, dir string) {
	t.Helper()
	var err error
	l.Registry, err = gatewaystore.Open(t.Context(), filepath.Join(dir, "gateway.db"))
	check(t, err)
	t.Cleanup(func() { l.Registry.Close() })
	l.Gateway = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.issuer.Load().Handler().ServeHTTP(w, r) }))
	t.Cleanup(l.Gateway.Close)
	l.RollIssuerKey(t)
	l.caFile = filepath.Join(dir, "ca.pem")
	check(t, os.WriteFile(l.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.Gateway.Certificate().Raw}), 0o600))
}

// RollIssuerKey gives the gateway a new signing key and returns its certificate. Organizations know it only once their
// trust says so.
func (l *Lab) RollIssuerKey(t testing.TB) *x509.Certificate {
	t.Helper()
	signing, err := federation.NewSigningCertificate(time.Now(), 30)
	check(t, err)
	o := gateway.Options{Issuer: "urn:federation:lab", PublicURL: l.Gateway.URL, Signing: signing, Profile: l.profile, Lifetime: 8 * time.Hour,
		Registry: l.Registry, Limits: gateway.Limits{TokensPerOrganization: 10_000}, // benchmarks fetch tokens by the hundred
		Now: time.Now, Log: slog.New(slog.NewJSONHandler(&l.GatewayLog, nil))}
	if l.profile == federation.ProfileExchange {
		o.TokenCipher = xmlsec.TripleDESCBC
	}
	g, err := gateway.New(o)
	check(t, err)
	if l.signing != nil {
		check(t, g.SetKeys(gateway.Keys{Current: signing, Previous: l.signing.Certificate, PreviousKey: l.signing.Key}))
	}
	l.issuer.Store(g)
	l.signing = signing
	l.metadata = &federation.Metadata{TokenIssuerUri: o.Issuer, TokenIssuerEpr: l.Gateway.URL + gateway.PathSTS, Certificates: []*x509.Certificate{signing.Certificate}}
	return signing.Certificate
}

// IssuerKeys are the gateway's signing keys.
func (l *Lab) IssuerKeys() gateway.Keys { return l.issuer.Load().Keys() }

// SetIssuerKeys changes the gateway's signing keys and its metadata, as a running gateway does it.
func (l *Lab) SetIssuerKeys(t testing.TB, k gateway.Keys) {
	t.Helper()
	check(t, l.issuer.Load().SetKeys(k))
}

func (l *Lab) organization(t testing.TB, dir, domain string) *Organization {
	t.Helper()
	ctx := t.Context()
	o := &Organization{Domain: smtpaddr.MustDomain(domain), Store: l.stores.open(t, dir, domain)}
	t.Cleanup(func() { o.Store.Close() })
	pair, err := federation.NewOrganizationCertificate(time.Now(), 30)
	check(t, err)
	o.Trust = &federation.Trust{Name: "Lab", ApplicationUri: "exchangedelegation." + domain, TokenIssuerUri: l.metadata.TokenIssuerUri, TokenIssuerEpr: l.metadata.TokenIssuerEpr,
		TokenIssuerMetadataEpr: l.Gateway.URL + gateway.PathMetadata, TokenIssuerCertificate: l.metadata.Certificates[0], OrgCertificate: pair, Profile: l.profile, Proof: federation.ProofRequired, CAFile: l.caFile, AllowPrivate: true}
	check(t, o.Store.PutTrust(ctx, o.Trust),
		o.Store.PutOrganization(ctx, o.Federated()),
		l.Registry.Add(ctx, &gateway.Organization{Name: domain, ApplicationUri: o.Trust.ApplicationUri, AccountNamespace: o.Domain, Domains: []smtpaddr.Domain{o.Domain}, Certificate: pair.Certificate}))
	o.first = httptest.NewUnstartedServer(nil)
	o.URL = "https://" + o.first.Listener.Addr().String()
	check(t, o.Store.PutSetting(ctx, store.SettingExternalEwsURL, o.URL+"/EWS/Exchange.asmx"))
	return o
}

// Node starts one more node of an organization on its store.
func (l *Lab) Node(t testing.TB, o *Organization) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	l.start(t, o, srv)
	return srv
}

func (l *Lab) start(t testing.TB, o *Organization, srv *httptest.Server) {
	t.Helper()
	s := server.New(server.Options{Log: slog.New(slog.NewJSONHandler(&o.Log, nil)), AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, o.Store)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go s.Follow(ctx)
	srv.Config.Handler = s.Public()
	srv.StartTLS()
	t.Cleanup(srv.Close)
}

// Federated is the organization's federated identifier as the lab configures it.
func (o *Organization) Federated() *federation.Organization {
	return &federation.Organization{Enabled: true, Domains: []smtpaddr.Domain{o.Domain}, AcceptedDomains: []smtpaddr.Domain{o.Domain},
		AccountNamespace: smtpaddr.MustDomain("exchangedelegation." + o.Domain.String())}
}

func (l *Lab) relate(t testing.TB, o, partner *Organization) {
	t.Helper()
	check(t, o.Store.PutRelationship(t.Context(), &orgrel.OrganizationRelationship{Name: partner.Domain.String(), DomainNames: []smtpaddr.Domain{partner.Domain}, Enabled: true,
		FreeBusyAccessEnabled: true, FreeBusyAccessLevel: orgrel.LimitedDetails, TargetApplicationUri: partner.Trust.ApplicationUri,
		TargetAutodiscoverEpr: partner.URL + "/autodiscover/autodiscover.svc/WSSecurity", CAFile: l.caFile}))
}

// User creates a mailbox with a calendar; events are the lines between BEGIN:VEVENT and END:VEVENT, without UID.
func (l *Lab) User(t testing.TB, o *Organization, name string, p mailbox.Permission, events ...string) smtpaddr.Address {
	t.Helper()
	a := smtpaddr.MustAddress(name + "@" + o.Domain.String())
	check(t, o.Store.CreateMailbox(t.Context(), &mailbox.Mailbox{Address: a, DisplayName: name, Zone: "Europe/Berlin", WorkingHours: mailbox.DefaultWorkingHours(),
		DefaultPermission: p, PasswordHash: login.HashPassword(Password)}))
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
	for i, e := range events {
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:%s-%d\r\n%s\r\nEND:VEVENT\r\n", name, i, e)
	}
	b.WriteString("END:VCALENDAR\r\n")
	if len(events) > 0 {
		_, err := o.Store.ImportCalendar(t.Context(), a, icalendar.NewReader(strings.NewReader(b.String())), store.ImportOptions{})
		check(t, err)
	}
	return a
}

// TLS are the roots by which the lab's servers are known.
func (l *Lab) TLS() *tls.Config {
	return l.Client.Transport.(*http.Transport).TLSClientConfig.Clone()
}
