package admin

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
)

// What every certificate here is called and is for, as Exchange names it (Get-ExchangeCertificate).
const (
	FriendlyName    = "Exchange Federated Delegation"
	CertificateUses = "Federation"
)

// CertificateRole says what the federation trust does with a certificate.
type CertificateRole string

// The roles.
const (
	RoleCurrent  CertificateRole = "current"  // signs our requests; the gateway encrypts tokens to it
	RoleNext     CertificateRole = "next"     // opens tokens already
	RolePrevious CertificateRole = "previous" // still opens tokens
	RoleUnused   CertificateRole = "unused"   // belongs to no trust
)

// Certificate is the public part of one.
type Certificate struct {
	Thumbprint           string // SHA-1, upper-case hexadecimal, as Exchange names certificates
	Fingerprint          string // SHA-256, lower-case hexadecimal
	Subject              string
	SubjectKeyIdentifier string // hexadecimal
	NotBefore, NotAfter  time.Time
	DaysLeft             int // whole days; negative once it has expired
}

func certificate(c *x509.Certificate, now time.Time) *Certificate {
	if c == nil {
		return nil
	}
	return &Certificate{federation.Thumbprint(c), federation.Fingerprint(c), c.Subject.String(), strings.ToUpper(hex.EncodeToString(c.SubjectKeyId)),
		c.NotBefore.UTC(), c.NotAfter.UTC(), int(math.Floor(c.NotAfter.Sub(now).Hours() / 24))}
}

func pair(k *federation.KeyPair, now time.Time) *Certificate {
	if k == nil {
		return nil
	}
	return certificate(k.Certificate, now)
}

// String writes thumbprint, last day and the days left; nothing for no certificate.
func (c *Certificate) String() string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s until %s (%d days left)", c.Thumbprint, c.NotAfter.Format(time.DateOnly), c.DaysLeft)
}

// OrganizationCertificate is a certificate with its role.
type OrganizationCertificate struct {
	Certificate
	Role CertificateRole
}

// ownCertificate is one key pair of the store.
type ownCertificate struct {
	*federation.KeyPair
	role CertificateRole
}

// own lists all key pairs of the store, those of the trust first. A certificate that the trust has taken is not unused,
// though it may lie among the unused ones still.
func own(cfg *store.Config) []ownCertificate {
	var out []ownCertificate
	add := func(k *federation.KeyPair, role CertificateRole) {
		if k != nil && !slices.ContainsFunc(out, func(o ownCertificate) bool { return o.Certificate.Equal(k.Certificate) }) {
			out = append(out, ownCertificate{k, role})
		}
	}
	if t := cfg.Trust; t != nil {
		add(t.OrgCertificate, RoleCurrent)
		add(t.OrgNextCertificate, RoleNext)
		add(t.OrgPrevCertificate, RolePrevious)
	}
	for _, k := range cfg.Certificates {
		add(k, RoleUnused)
	}
	return out
}

// byThumbprint finds a key pair of the store; blanks and case do not matter.
func byThumbprint(cfg *store.Config, thumbprint string) (ownCertificate, error) {
	want := strings.ToUpper(strings.Join(strings.Fields(thumbprint), ""))
	for _, o := range own(cfg) {
		if federation.Thumbprint(o.Certificate) == want {
			return o, nil
		}
	}
	return ownCertificate{}, fault.New(fault.NotFound, "Federation certificate with the thumbprint %q cannot be found.", thumbprint)
}

// Certificates lists the organization certificates of the store, those of the trust first (Get-ExchangeCertificate).
func (a *Admin) Certificates(ctx context.Context) ([]OrganizationCertificate, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	var out []OrganizationCertificate
	for _, o := range own(cfg) {
		out = append(out, OrganizationCertificate{*pair(o.KeyPair, a.Now()), o.role})
	}
	return out, nil
}

// CreateCertificate makes a self-signed certificate, valid for days, that a trust may take later (New-ExchangeCertificate).
func (a *Admin) CreateCertificate(ctx context.Context, days int) (*OrganizationCertificate, error) {
	if err := checkDays(days); err != nil {
		return nil, err
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	made, err := federation.NewOrganizationCertificate(a.Now(), days)
	if err != nil {
		return nil, problem(err)
	}
	c := &OrganizationCertificate{*pair(made, a.Now()), RoleUnused}
	ctx = a.audited(ctx, "cert create", c.Thumbprint, changes(nil, c))
	return c, problem(a.Store.PutCertificates(ctx, append(unused(cfg), made)))
}

func checkDays(days int) error {
	if days < 1 || days > maxCertificateDays {
		return fault.New(fault.Invalid, "a certificate is valid for 1 to %d days and not %d", maxCertificateDays, days)
	}
	return nil
}

// unused are the key pairs that no trust uses, without those named.
func unused(cfg *store.Config, without ...*federation.KeyPair) []*federation.KeyPair {
	var out []*federation.KeyPair
	for _, o := range own(cfg) {
		if o.role == RoleUnused && !slices.Contains(without, o.KeyPair) {
			out = append(out, o.KeyPair)
		}
	}
	return out
}

// RemoveCertificate removes one that no trust uses, with its private key.
func (a *Admin) RemoveCertificate(ctx context.Context, thumbprint string) error {
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	o, err := byThumbprint(cfg, thumbprint)
	if err != nil {
		return err
	}
	if o.role != RoleUnused {
		return fault.New(fault.Conflict, "the certificate %s is the trust's %s one", federation.Thumbprint(o.Certificate), o.role)
	}
	c := pair(o.KeyPair, a.Now())
	return problem(a.Store.PutCertificates(a.audited(ctx, "cert remove", c.Thumbprint, changes(c, nil)), unused(cfg, o.KeyPair)))
}

// States of a CertificateCheck.
const (
	StateInstalled   = "Installed"   // fit for use
	StateExpiresSoon = "ExpiresSoon" // fit for use, for not more than 60 days
	StateUnfit       = "Unfit"       // a gateway or partner would refuse it
)

// CertificateCheck is what one node says of one certificate of the trust (Test-FederationTrustCertificate).
type CertificateCheck struct {
	Thumbprint string
	Role       CertificateRole
	State      string
	Detail     string // why the state is what it is
}

// CheckCertificates checks each certificate that the trust names. That its private key can be opened on this node is
// shown by the configuration having been read.
func (a *Admin) CheckCertificates(ctx context.Context) ([]CertificateCheck, error) {
	if _, err := a.trust(ctx, ""); err != nil {
		return nil, err
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	var out []CertificateCheck
	for _, o := range own(cfg) {
		if o.role == RoleUnused {
			continue
		}
		c := CertificateCheck{federation.Thumbprint(o.Certificate), o.role, StateInstalled, "the private key opens with this node's master key"}
		if err := federation.CheckOrganizationCertificate(o.Certificate, a.Now()); err != nil && o.role != RolePrevious {
			c.State, c.Detail = StateUnfit, err.Error()
		} else if days, ok := federation.ExpiryWarning(o.Certificate, a.Now()); ok && o.role != RolePrevious {
			c.State, c.Detail = StateExpiresSoon, fmt.Sprintf("it expires within %d days, on %s; replace it with availd trust set-next-cert and availd trust publish-cert", days, o.Certificate.NotAfter.UTC().Format(time.DateOnly))
		}
		out = append(out, c)
	}
	return out, nil
}
