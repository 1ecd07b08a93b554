package admin

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
)

// policyReference names the policy in token requests to the gateway, as Exchange does.
const policyReference = "EX_MBI_FED_SSL"

const maxCertificateDays = 10 * 366

// Certificate is the public part of one: a lower-case SHA-256 thumbprint and when it is valid.
type Certificate struct {
	Thumbprint          string
	NotBefore, NotAfter time.Time
}

func certificate(c *x509.Certificate) *Certificate {
	if c == nil {
		return nil
	}
	sum := sha256.Sum256(c.Raw)
	return &Certificate{hex.EncodeToString(sum[:]), c.NotBefore.UTC(), c.NotAfter.UTC()}
}

func pair(k *federation.KeyPair) *Certificate {
	if k == nil {
		return nil
	}
	return certificate(k.Certificate)
}

// String writes thumbprint and last day; nothing for no certificate.
func (c *Certificate) String() string {
	if c == nil {
		return ""
	}
	return c.Thumbprint + " until " + c.NotAfter.Format(time.DateOnly)
}

// Trust is the federation trust as it may be shown: without private keys (Get-FederationTrust).
type Trust struct {
	Name                       string
	ApplicationUri             string //nolint:revive // Exchange's spelling
	TokenIssuerUri             string //nolint:revive // likewise
	TokenIssuerEpr             string
	TokenIssuerMetadataEpr     string
	WebRequestorRedirectEpr    string
	PolicyReferenceUri         string //nolint:revive // likewise
	TokenIssuerCertificate     *Certificate
	TokenIssuerPrevCertificate *Certificate
	OrgCertificate             *Certificate
	OrgPrevCertificate         *Certificate
	OrgNextCertificate         *Certificate
	Profile                    federation.Profile
	ProofOfPossession          federation.ProofPolicy
	CAFile                     string
	AllowPrivate               bool
}

func shown(t *federation.Trust) *Trust {
	return &Trust{t.Name, t.ApplicationUri, t.TokenIssuerUri, t.TokenIssuerEpr, t.TokenIssuerMetadataEpr, t.WebRequestorRedirectEpr, t.PolicyReferenceUri,
		certificate(t.TokenIssuerCertificate), certificate(t.TokenIssuerPrevCertificate), pair(t.OrgCertificate), pair(t.OrgPrevCertificate), pair(t.OrgNextCertificate),
		t.Profile, t.Proof, t.CAFile, t.AllowPrivate}
}

// TrustParams makes a trust (New-FederationTrust).
type TrustParams struct {
	Name                   string
	ApplicationUri         string //nolint:revive // Exchange's spelling
	TokenIssuerMetadataEpr string
	Profile                federation.Profile
	ProofOfPossession      federation.ProofPolicy
	OrgCertificate         *federation.KeyPair // nil: a self-signed one is made
	Days                   int                 // validity of a self-signed one
	Fingerprint            string              // SHA-256 that the gateway's signing certificate must have; "": first contact is believed
	CAFile                 string
	AllowPrivate           bool
}

func (p TrustParams) check(now time.Time) error {
	switch {
	case strings.TrimSpace(p.Name) == "":
		return fault.New(fault.Invalid, "a trust needs a name")
	case p.Profile != federation.ProfileModern && p.Profile != federation.ProfileExchange:
		return fault.New(fault.Invalid, "profile %q is not %s or %s", p.Profile, federation.ProfileModern, federation.ProfileExchange)
	case p.ProofOfPossession != federation.ProofRequired && p.ProofOfPossession != federation.ProofIfPresent:
		return fault.New(fault.Invalid, "proof of possession %q is not %s or %s", p.ProofOfPossession, federation.ProofRequired, federation.ProofIfPresent)
	case p.ApplicationUri == "" || p.TokenIssuerMetadataEpr == "":
		return fault.New(fault.Invalid, "a trust needs --metadata-url and --application-uri")
	case !strings.HasPrefix(p.TokenIssuerMetadataEpr, "https://"):
		return fault.New(fault.Invalid, "metadata URL %q is not https", p.TokenIssuerMetadataEpr)
	case p.OrgCertificate == nil && (p.Days < 1 || p.Days > maxCertificateDays):
		return fault.New(fault.Invalid, "a certificate is valid for 1 to %d days and not %d", maxCertificateDays, p.Days)
	}
	if p.OrgCertificate != nil {
		if c := p.OrgCertificate.Certificate; now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return fault.New(fault.Invalid, "the organization certificate is valid from %s to %s and not now", c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	return checkCAFile(p.CAFile)
}

// CreateTrust reads the gateway's metadata and makes or takes the organization certificate.
func (a *Admin) CreateTrust(ctx context.Context, p TrustParams) (*Trust, error) {
	if err := p.check(a.Now()); err != nil {
		return nil, err
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Trust != nil {
		return nil, fault.New(fault.Conflict, "there is a federation trust already: %q", cfg.Trust.Name)
	}
	t := &federation.Trust{Name: p.Name, ApplicationUri: p.ApplicationUri, TokenIssuerMetadataEpr: p.TokenIssuerMetadataEpr, Profile: p.Profile,
		Proof: p.ProofOfPossession, CAFile: p.CAFile, AllowPrivate: p.AllowPrivate, OrgCertificate: p.OrgCertificate}
	if err := a.readMetadata(ctx, t, nil); err != nil {
		return nil, err
	}
	got := certificate(t.TokenIssuerCertificate).Thumbprint
	switch {
	case p.Fingerprint == "":
		a.warn("the gateway's signing certificate is taken on first contact; compare its SHA-256 fingerprint " + got + " with the gateway's administrator")
	case !strings.EqualFold(strings.ReplaceAll(p.Fingerprint, ":", ""), got):
		return nil, fault.New(fault.Invalid, "the gateway's signing certificate has the SHA-256 fingerprint %s and not %s", got, p.Fingerprint)
	}
	if t.OrgCertificate == nil {
		if t.OrgCertificate, err = federation.NewOrganizationCertificate(a.Now(), p.Days); err != nil {
			return nil, problem(err)
		}
	}
	return shown(t), problem(a.Store.PutTrust(a.audited(ctx, "trust create", t.Name, changes(nil, shown(t))), t))
}

// readMetadata fills in what the gateway publishes. A changed issuer name is never taken by a refresh.
func (a *Admin) readMetadata(ctx context.Context, t, old *federation.Trust) error {
	m, err := a.Metadata(ctx, t, old.TrustedIssuers())
	if err != nil {
		return &fault.Error{Kind: fault.Unavailable, Message: err.Error(), Cause: err}
	}
	if old != nil && m.TokenIssuerUri != old.TokenIssuerUri {
		return fault.New(fault.Conflict, "the gateway calls itself %q now and not %q; a new issuer needs a new trust", m.TokenIssuerUri, old.TokenIssuerUri)
	}
	t.TokenIssuerUri, t.TokenIssuerEpr, t.WebRequestorRedirectEpr = m.TokenIssuerUri, m.TokenIssuerEpr, m.WebRequestorRedirectEpr
	t.TokenIssuerCertificate, t.TokenIssuerPrevCertificate, t.PolicyReferenceUri = m.Certificates[0], nil, policyReference
	if len(m.Certificates) > 1 {
		t.TokenIssuerPrevCertificate = m.Certificates[1]
	}
	return nil
}

func (a *Admin) trust(ctx context.Context) (*federation.Trust, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Trust == nil {
		return nil, fault.New(fault.NotFound, "there is no federation trust; create one with availd trust create")
	}
	return cfg.Trust, nil
}

// Trust returns the federation trust.
func (a *Admin) Trust(ctx context.Context) (*Trust, error) {
	t, err := a.trust(ctx)
	if err != nil {
		return nil, err
	}
	return shown(t), nil
}

// RefreshTrust reads the gateway's metadata again (Set-FederationTrust -RefreshMetadata).
func (a *Admin) RefreshTrust(ctx context.Context) (*Trust, error) {
	t, err := a.trust(ctx)
	if err != nil {
		return nil, err
	}
	old := *t
	if err := a.readMetadata(ctx, t, &old); err != nil {
		return nil, err
	}
	detail := changes(shown(&old), shown(t))
	if detail == "" {
		return shown(t), nil
	}
	return shown(t), problem(a.Store.PutTrust(a.audited(ctx, "trust refresh-metadata", t.Name, detail), t))
}

// RemoveTrust removes the trust with its keys; the organization must be disabled first (Remove-FederationTrust).
func (a *Admin) RemoveTrust(ctx context.Context) error {
	t, err := a.trust(ctx)
	if err != nil {
		return err
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	if cfg.Organization.Enabled {
		return fault.New(fault.Conflict, "the organization is still federated by the trust %q; end that first with availd org set --enabled=false", t.Name)
	}
	return problem(a.Store.PutTrust(a.audited(ctx, "trust remove", t.Name, changes(shown(t), nil)), nil))
}

// ExportCertificate returns the current organization certificate as PEM, for the gateway's administrator; with its private
// key too where private is set, which the audit tells before the key leaves.
func (a *Admin) ExportCertificate(ctx context.Context, private bool) ([]byte, error) {
	t, err := a.trust(ctx)
	if err != nil {
		return nil, err
	}
	cert, key, err := t.OrgCertificate.MarshalPEM()
	if err != nil {
		return nil, problem(err)
	}
	if !private {
		return cert, nil
	}
	detail := fmt.Sprintf("OrgCertificate: %q; PrivateKey: exported", certificate(t.OrgCertificate.Certificate))
	if err := a.Store.Audit(ctx, a.entry("trust export-certificate", t.Name, detail)); err != nil {
		return nil, problem(err)
	}
	return append(cert, key...), nil
}
