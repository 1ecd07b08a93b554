// Package gateway is the issuing side of the federation: the trust broker and its security token service (WS-Trust
// February 2005), its metadata, the statements of organizations, domain proof and the public status page. It is never
// linked into the service that verifies tokens.
package gateway

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/limit"
	"github.com/availd/availd/internal/xmlsec"
)

// Paths of a gateway's instance, below its public URL.
const (
	PathSTS        = "/extSTS.srf"
	PathMetadata   = "/FederationMetadata/2006-12/FederationMetadata.xml"
	PathStatements = "/" + federation.PathStatements
)

// Options of a gateway's instance.
type Options struct {
	Instance    string              // name of the instance; "" for the first one
	Issuer      string              // TokenIssuerUri
	PublicURL   string              // https://host[:port][/instance]
	Signing     *federation.KeyPair // the key to begin with; SetKeys changes it
	Profile     federation.Profile
	TokenCipher xmlsec.BlockAlgorithm
	Lifetime    time.Duration // of tokens; at most 24 h
	Registry    Registry
	Now         func() time.Time
	IssueAt     time.Duration // added to the clock when tokens are written: for tests of expired tokens
	Log         *slog.Logger

	RequireMutual bool   // no token for a target whose partner list does not have the requester
	Limits        Limits // zero values are the defaults
	// TrustedProxies are the networks of proxies whose X-Forwarded-For tells the source address.
	TrustedProxies []netip.Prefix
	Registration   Registration // whether organizations may register themselves
	Domains        *Domains     // looks for domain proofs; nil: organizations add none themselves
	Version        string       // of the program, for the status page
	Chaos          *Chaos       // nil, but where clients are to be made robust
	// ListOrganizations gives the names that the status page shows; nil shows none.
	ListOrganizations func(ctx context.Context) ([]string, error)
}

// Keys are the signing keys of a gateway. Partners accept tokens of every one that the metadata names.
type Keys struct {
	Current  *federation.KeyPair
	Previous *x509.Certificate // signed the tokens that are still in use; nil when none is
	// PreviousKey signs the metadata while there is a previous certificate: partners that have missed the change know no
	// other key. nil: the current one signs.
	PreviousKey *rsa.PrivateKey
	Next        *x509.Certificate // will be current; nil when none is planned. Not beside Previous: metadata names two
}

// Gateway issues delegation tokens; one for each instance (TokenIssuerUri).
type Gateway struct {
	o        Options
	keys     atomic.Pointer[published]
	failures *limit.Budgets // by source address
	budgets  *limit.Budgets // by organization
	signups  *limit.Budgets // registrations by source address
}

// published is a set of keys with the metadata that names them.
type published struct {
	Keys
	metadata []byte
}

// New checks the options and prepares the metadata document.
func New(o Options) (*Gateway, error) {
	switch {
	case o.Lifetime <= 0 || o.Lifetime > 24*time.Hour:
		return nil, fmt.Errorf("token lifetime %s is not between 0 and 24h", o.Lifetime)
	case o.Issuer == "":
		return nil, errors.New("the issuer name is empty")
	case !strings.HasPrefix(o.PublicURL, "https://"):
		return nil, fmt.Errorf("public URL %q is not https://HOST", o.PublicURL)
	case o.Registration == RegisterByProof && o.Domains == nil:
		return nil, errors.New("registration by proof needs a resolver")
	}
	l := o.Limits.orDefaults()
	g := &Gateway{o: o, failures: limit.NewBudgets(l.FailuresPerSource, time.Second, 10*l.FailuresPerSource),
		budgets: limit.NewBudgets(l.TokensPerOrganization, time.Second, 10*l.TokensPerOrganization),
		signups: limit.NewBudgets(l.RegistrationsPerHour, time.Hour, l.RegistrationsPerHour)}
	return g, g.SetKeys(Keys{Current: o.Signing})
}

// SetKeys signs with k.Current from now on and publishes all of k in the metadata, without a restart.
func (g *Gateway) SetKeys(k Keys) error {
	if k.Current == nil {
		return errors.New("there is no signing key")
	}
	if now := g.o.Now(); now.After(k.Current.Certificate.NotAfter) {
		return fmt.Errorf("the signing certificate expired on %s; make a next one and publish it", k.Current.Certificate.NotAfter.Format(time.DateOnly))
	}
	m := &federation.Metadata{TokenIssuerUri: g.o.Issuer, TokenIssuerEpr: g.o.PublicURL + PathSTS, WebRequestorRedirectEpr: g.o.PublicURL + "/login.srf",
		Certificates: []*x509.Certificate{k.Current.Certificate}}
	switch {
	case k.Previous != nil && k.Next != nil:
		return errors.New("the metadata has room for a previous or a next certificate, not for both")
	case k.Previous != nil:
		m.Certificates = append(m.Certificates, k.Previous)
	case k.Next != nil:
		m.Certificates = append(m.Certificates, k.Next)
	}
	signs := k.Current
	if k.Previous != nil && k.PreviousKey != nil {
		signs = &federation.KeyPair{Certificate: k.Previous, Key: k.PreviousKey}
	}
	metadata, err := federation.MarshalMetadata(m, signer(signs, g.o.Profile))
	if err == nil {
		g.keys.Store(&published{k, metadata})
	}
	return err
}

// Keys returns the keys in force.
func (g *Gateway) Keys() Keys { return g.keys.Load().Keys }

func signer(k *federation.KeyPair, p federation.Profile) xmlsec.Signer {
	s := xmlsec.Signer{Key: k.Key, Certificate: k.Certificate, Algorithm: xmlsec.RSASHA256}
	if p == federation.ProfileExchange {
		s.Algorithm = xmlsec.RSASHA1
	}
	return s
}

// Handler serves the STS, the statements, the metadata and the status page, at paths below the public URL's.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+PathSTS, g.serveSTS)
	mux.HandleFunc("POST "+PathStatements, g.serveStatement)
	mux.HandleFunc("GET "+PathMetadata, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		_, _ = w.Write(g.keys.Load().metadata)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /{$}", g.serveStatus)
	mux.HandleFunc("GET /status.json", g.serveStatusJSON)
	return mux
}

// now is the clock by which requests are checked and tokens are made.
func (g *Gateway) now() time.Time { return g.o.Now().Add(g.o.Chaos.clock()) }
