package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/wssecurity"
)

// policyReference names the policy in token requests to the gateway, as Exchange does.
const policyReference = "EX_MBI_FED_SSL"

// firstContact compares the certificate that signed the metadata with what the gateway's administrator said.
func (a *Admin) firstContact(m *federation.Metadata, fingerprint string) error {
	signed := m.SignedBy
	if signed == nil {
		signed = m.Certificates[0]
	}
	got := federation.Fingerprint(signed)
	switch {
	case fingerprint == "":
		a.warn("the gateway's signing certificate is taken on first contact; compare its SHA-256 fingerprint " + got + " with the gateway's administrator")
	case !strings.EqualFold(strings.ReplaceAll(fingerprint, ":", ""), got):
		return fault.New(fault.Invalid, "the gateway's signing certificate has the SHA-256 fingerprint %s and not %s", got, fingerprint)
	}
	return nil
}

// readMetadata reads what the gateway publishes. A changed issuer name is never taken by a refresh.
func (a *Admin) readMetadata(ctx context.Context, t, old *federation.Trust) (*federation.Metadata, error) {
	m, err := a.Metadata(ctx, t, old.TrustedIssuers())
	if err != nil {
		return nil, &fault.Error{Kind: fault.Unavailable, Message: err.Error(), Cause: err}
	}
	if old != nil && m.TokenIssuerUri != old.TokenIssuerUri {
		return nil, fault.New(fault.Conflict, "the gateway calls itself %q now and not %q; a new issuer needs a new trust", m.TokenIssuerUri, old.TokenIssuerUri)
	}
	return m, a.compareClocks(t, m.ServedAt)
}

// takeMetadata fills in what the gateway publishes.
func (a *Admin) takeMetadata(t *federation.Trust, m *federation.Metadata) {
	t.TokenIssuerUri, t.TokenIssuerEpr, t.WebRequestorRedirectEpr = m.TokenIssuerUri, m.TokenIssuerEpr, m.WebRequestorRedirectEpr
	t.TokenIssuerCertificate, t.TokenIssuerPrevCertificate, t.PolicyReferenceUri = m.Certificates[0], nil, policyReference
	if len(m.Certificates) > 1 {
		t.TokenIssuerPrevCertificate = m.Certificates[1]
	}
	t.MetadataReadAt, t.MetadataDocument = a.Now().UTC().Truncate(time.Second), m.Document
}

// compareClocks looks at the gateway's clock, which decides whether our certificate and our requests are valid there.
func (a *Admin) compareClocks(t *federation.Trust, gateway time.Time) error {
	if gateway.IsZero() {
		return nil
	}
	if t.OrgCertificate != nil && gateway.Before(t.OrgCertificate.Certificate.NotBefore) {
		return invalid(federation.CheckOrganizationCertificate(t.OrgCertificate.Certificate, gateway))
	}
	if skew := a.Now().Sub(gateway).Abs(); skew > wssecurity.Skew {
		a.warn(fmt.Sprintf("our clock and the gateway's differ by %s; more than %s apart, requests are refused", skew.Truncate(time.Second), wssecurity.Skew))
	}
	return nil
}

// MetadataDocument returns the last good document of the gateway as it came.
func (a *Admin) MetadataDocument(ctx context.Context, name string) ([]byte, error) {
	t, err := a.trust(ctx, name)
	if err != nil {
		return nil, err
	}
	return t.MetadataDocument, nil
}

// RefreshTrust reads the gateway's metadata again (Set-FederationTrust -RefreshMetadata). What cannot be read, is not
// signed by a key that is trusted, or is another issuer's leaves everything as it is.
func (a *Admin) RefreshTrust(ctx context.Context, name string) (*Trust, error) {
	t, err := a.trust(ctx, name)
	if err != nil {
		return nil, err
	}
	m, err := a.readMetadata(ctx, t, t)
	if err != nil {
		return nil, err
	}
	was := t.TokenIssuerMetadataEpr
	if t, err = a.trust(ctx, ""); err != nil { // once more: others may have changed it while the gateway was asked
		return nil, err
	}
	if t.TokenIssuerMetadataEpr != was || t.TokenIssuerUri != m.TokenIssuerUri {
		return nil, fault.New(fault.Conflict, "the trust was changed while the gateway was asked; try again")
	}
	old := *t
	a.takeMetadata(t, m)
	return a.putTrust(ctx, "trust refresh-metadata", &old, t)
}
