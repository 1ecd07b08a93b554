package admin

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
)

const maxCertificateDays = 10 * 366

// Trust is the federation trust as it may be shown: without private keys (Get-FederationTrust).
type Trust struct {
	Name                       string
	ApplicationIdentifier      string
	ApplicationUri             string //nolint:revive // Exchange's spelling
	NamespaceProvisioner       federation.NamespaceProvisioner
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
	MetadataReadAt             time.Time
	IsValid                    bool     // it can be used
	Warnings                   []string // what needs an administrator: expiring certificates, old metadata
}

func (a *Admin) shown(t *federation.Trust) *Trust {
	now := a.Now()
	out := &Trust{t.Name, t.ApplicationIdentifier, t.ApplicationUri, provisioner(t), t.TokenIssuerUri, t.TokenIssuerEpr, t.TokenIssuerMetadataEpr, t.WebRequestorRedirectEpr, t.PolicyReferenceUri,
		certificate(t.TokenIssuerCertificate, now), certificate(t.TokenIssuerPrevCertificate, now), pair(t.OrgCertificate, now), pair(t.OrgPrevCertificate, now), pair(t.OrgNextCertificate, now),
		t.Profile, t.Proof, t.CAFile, t.AllowPrivate, t.MetadataReadAt, false, t.Warnings(now)}
	out.IsValid = t.Configured() && t.TokenIssuerCertificate != nil && out.OrgCertificate.DaysLeft >= 0 && out.TokenIssuerCertificate.DaysLeft >= 0
	return out
}

// provisioner is the trust's; trusts of before have none.
func provisioner(t *federation.Trust) federation.NamespaceProvisioner {
	if t.NamespaceProvisioner == "" {
		return federation.ExternalProcess
	}
	return t.NamespaceProvisioner
}

// TrustParams makes a trust (New-FederationTrust).
type TrustParams struct {
	Name                   string
	ApplicationUri         string //nolint:revive // Exchange's spelling; "": the account namespace, when there is one
	TokenIssuerMetadataEpr string
	NamespaceProvisioner   federation.NamespaceProvisioner // "": ExternalProcess
	Profile                federation.Profile
	ProofOfPossession      federation.ProofPolicy
	OrgCertificate         *federation.KeyPair // nil: the one with Thumbprint
	Thumbprint             string              // of an unused certificate of the store; "": a self-signed one is made
	Days                   int                 // validity of a self-signed one
	Fingerprint            string              // SHA-256 that the gateway's signing certificate must have; "": first contact is believed
	CAFile                 string
	AllowPrivate           bool
}

func (p TrustParams) check() error {
	switch {
	case strings.TrimSpace(p.Name) == "":
		return fault.New(fault.Invalid, "a trust needs a name")
	case p.TokenIssuerMetadataEpr == "":
		return fault.New(fault.Invalid, "a trust needs --metadata-url, the gateway's metadata document")
	case p.OrgCertificate != nil && p.Thumbprint != "":
		return fault.New(fault.Invalid, "a certificate is given and one is named by its thumbprint; only one can be")
	}
	return nil
}

// checkTrust refuses values that no trust can have.
func checkTrust(t *federation.Trust) error {
	switch {
	case t.Profile != federation.ProfileModern && t.Profile != federation.ProfileExchange:
		return fault.New(fault.Invalid, "profile %q is not %s or %s", t.Profile, federation.ProfileModern, federation.ProfileExchange)
	case t.Proof != federation.ProofRequired && t.Proof != federation.ProofIfPresent:
		return fault.New(fault.Invalid, "proof of possession %q is not %s or %s", t.Proof, federation.ProofRequired, federation.ProofIfPresent)
	case provisioner(t) != federation.ExternalProcess && provisioner(t) != federation.Statements:
		return fault.New(fault.Invalid, "namespace provisioner %q is not %s or %s", t.NamespaceProvisioner, federation.ExternalProcess, federation.Statements)
	case !strings.HasPrefix(t.TokenIssuerMetadataEpr, "https://"):
		return fault.New(fault.Invalid, "metadata URL %q is not https", t.TokenIssuerMetadataEpr)
	}
	return checkCAFile(t.CAFile)
}

// CreateTrust reads the gateway's metadata and makes or takes the organization certificate.
func (a *Admin) CreateTrust(ctx context.Context, p TrustParams) (*Trust, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	t := &federation.Trust{Name: p.Name, ApplicationUri: p.ApplicationUri, TokenIssuerMetadataEpr: p.TokenIssuerMetadataEpr, NamespaceProvisioner: p.NamespaceProvisioner,
		Profile: p.Profile, Proof: p.ProofOfPossession, CAFile: p.CAFile, AllowPrivate: p.AllowPrivate}
	if err := checkTrust(t); err != nil {
		return nil, err
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Trust != nil {
		return nil, fault.New(fault.Conflict, "there is a federation trust already: %q", cfg.Trust.Name)
	}
	if t.OrgCertificate, err = a.takeCertificate(cfg, p.OrgCertificate, p.Thumbprint, p.Days); err != nil {
		return nil, err
	}
	if t.ApplicationUri == "" {
		t.ApplicationUri = cfg.Organization.AccountNamespace.String()
	}
	m, err := a.readMetadata(ctx, t, nil)
	if err != nil {
		return nil, err
	}
	a.takeMetadata(t, m)
	if err := a.firstContact(m, p.Fingerprint); err != nil {
		return nil, err
	}
	if err := a.Store.PutTrust(a.audited(ctx, "trust create", t.Name, changes(nil, a.shown(t))), t); err != nil {
		return nil, problem(err)
	}
	if t.ApplicationUri == "" {
		a.warn("the trust waits for the account namespace: set it with availd org set --account-namespace DOMAIN")
	}
	return a.shown(t), a.taken(ctx, cfg, t.OrgCertificate)
}

// takeCertificate is the given key pair, the unused one with the thumbprint, or a new one.
func (a *Admin) takeCertificate(cfg *store.Config, given *federation.KeyPair, thumbprint string, days int) (*federation.KeyPair, error) {
	switch {
	case given == nil && thumbprint == "":
		if err := checkDays(days); err != nil {
			return nil, err
		}
		made, err := federation.NewOrganizationCertificate(a.Now(), days)
		return made, problem(err)
	case given == nil:
		o, err := byThumbprint(cfg, thumbprint)
		if err != nil {
			return nil, err
		}
		given = o.KeyPair
	}
	return given, invalid(federation.CheckOrganizationCertificate(given.Certificate, a.Now()))
}

// taken forgets that a certificate was unused.
func (a *Admin) taken(ctx context.Context, cfg *store.Config, k *federation.KeyPair) error {
	left := unused(cfg, k)
	if len(left) == len(cfg.Certificates) {
		return nil
	}
	return problem(a.Store.PutCertificates(ctx, left))
}

// trust finds the federation trust; name is "", its name, or a pattern with * for it.
func (a *Admin) trust(ctx context.Context, name string) (*federation.Trust, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Trust == nil {
		return nil, fault.New(fault.NotFound, "there is no federation trust; create one with availd trust create")
	}
	if ok, err := path.Match(strings.ToLower(name), strings.ToLower(cfg.Trust.Name)); name != "" && (err != nil || !ok) {
		return nil, fault.New(fault.NotFound, "there is no federation trust %q; there is %q", name, cfg.Trust.Name)
	}
	return cfg.Trust, nil
}

// Trust returns the federation trust of this name ("": whatever it is called).
func (a *Admin) Trust(ctx context.Context, name string) (*Trust, error) {
	t, err := a.trust(ctx, name)
	if err != nil {
		return nil, err
	}
	return a.shown(t), nil
}

// TrustChange changes a trust (Set-FederationTrust).
type TrustChange struct {
	Name                   *string
	ApplicationUri         *string //nolint:revive // Exchange's spelling
	TokenIssuerMetadataEpr *string
	NamespaceProvisioner   *federation.NamespaceProvisioner
	Profile                *federation.Profile
	ProofOfPossession      *federation.ProofPolicy
	CAFile                 *string
	AllowPrivate           *bool
}

func (p TrustChange) apply(t *federation.Trust) {
	set(&t.Name, p.Name)
	set(&t.ApplicationUri, p.ApplicationUri)
	set(&t.TokenIssuerMetadataEpr, p.TokenIssuerMetadataEpr)
	set(&t.NamespaceProvisioner, p.NamespaceProvisioner)
	set(&t.Profile, p.Profile)
	set(&t.Proof, p.ProofOfPossession)
	set(&t.CAFile, p.CAFile)
	set(&t.AllowPrivate, p.AllowPrivate)
}

// SetTrust changes the trust. A new metadata URL is read at once, and must be the same issuer's.
func (a *Admin) SetTrust(ctx context.Context, name string, p TrustChange) (*Trust, error) {
	t, err := a.trust(ctx, name)
	if err != nil {
		return nil, err
	}
	old := *t
	p.apply(t)
	switch {
	case strings.TrimSpace(t.Name) == "":
		return nil, fault.New(fault.Invalid, "a trust needs a name")
	case t.ApplicationUri == "" && old.ApplicationUri != "":
		return nil, fault.New(fault.Invalid, "the ApplicationUri cannot be taken away")
	}
	if err := checkTrust(t); err != nil {
		return nil, err
	}
	if t.TokenIssuerMetadataEpr != old.TokenIssuerMetadataEpr {
		m, err := a.readMetadata(ctx, t, &old)
		if err != nil {
			return nil, err
		}
		a.takeMetadata(t, m)
	}
	if t.ApplicationUri != old.ApplicationUri && old.ApplicationUri != "" {
		a.warn(partnersBreak("ApplicationUri", old.ApplicationUri, t.ApplicationUri))
	}
	return a.putTrust(ctx, "trust set", &old, t)
}

func partnersBreak(what, from, to string) string {
	return fmt.Sprintf("%s changes from %s to %s: every partner's organization relationship with us is broken until it is made anew there", what, from, to)
}

// putTrust stores a changed trust. What differs only in bookkeeping leaves no audit entry.
func (a *Admin) putTrust(ctx context.Context, verb string, old, t *federation.Trust) (*Trust, error) {
	if detail := changes(a.shown(old), a.shown(t)); detail != "" {
		ctx = a.audited(ctx, verb, t.Name, detail)
	}
	return a.shown(t), problem(a.Store.PutTrust(ctx, t))
}

// RemoveTrust removes the trust with its keys; the organization must be disabled first (Remove-FederationTrust).
func (a *Admin) RemoveTrust(ctx context.Context, name string) error {
	t, err := a.trust(ctx, name)
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
	return problem(a.Store.PutTrust(a.audited(ctx, "trust remove", t.Name, changes(a.shown(t), nil)), nil))
}

// ExportParams of ExportCertificate.
type ExportParams struct {
	Next    bool // the next certificate and not the current one
	Private bool // the private key too
}

// ExportCertificate returns an organization certificate as PEM, for the gateway's administrator; with its private key too
// where that is asked, which the audit tells before the key leaves.
func (a *Admin) ExportCertificate(ctx context.Context, p ExportParams) ([]byte, error) {
	t, err := a.trust(ctx, "")
	if err != nil {
		return nil, err
	}
	which := t.OrgCertificate
	if p.Next {
		which = t.OrgNextCertificate
	}
	if which == nil {
		return nil, fault.New(fault.NotFound, "there is no next organization certificate; install one with availd trust set-next-cert")
	}
	cert, key, err := which.MarshalPEM()
	if err != nil {
		return nil, problem(err)
	}
	if !p.Private {
		return cert, nil
	}
	detail := fmt.Sprintf("Certificate: %q; PrivateKey: exported", federation.Thumbprint(which.Certificate))
	if err := a.Store.Audit(ctx, a.entry("trust export-certificate", t.Name, detail)); err != nil {
		return nil, problem(err)
	}
	return append(cert, key...), nil
}
