package federation

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Profile says which algorithms a trust's peers use.
type Profile string

// The profiles.
const (
	ProfileModern   Profile = "modern"   // rsa-sha256, aes256-cbc
	ProfileExchange Profile = "exchange" // rsa-sha1 and tripledes-cbc are accepted too, as published Exchange traces have them
)

// ProofPolicy says whether a message must prove possession of its token's key.
type ProofPolicy string

// The policies.
const (
	ProofRequired  ProofPolicy = "require"
	ProofIfPresent ProofPolicy = "if-present"
)

// Trust is the federation trust (Exchange's FederationTrust); one per installation.
type Trust struct {
	Name                       string
	ApplicationUri             string // the organization's name at the gateway, and the audience of its tokens
	ApplicationIdentifier      string
	TokenIssuerUri             string
	TokenIssuerEpr             string
	TokenIssuerMetadataEpr     string
	TokenIssuerCertificate     *x509.Certificate
	TokenIssuerPrevCertificate *x509.Certificate
	WebRequestorRedirectEpr    string
	PolicyReferenceUri         string
	OrgCertificate             *KeyPair
	OrgPrevCertificate         *KeyPair
	OrgNextCertificate         *KeyPair
	Profile                    Profile
	Proof                      ProofPolicy
	NamespaceProvisioner       NamespaceProvisioner
	MetadataReadAt             time.Time // when the gateway's document was last read, and was good
	MetadataDocument           []byte    // that document, byte for byte
	CAFile                     string    // roots for the gateway's TLS; "" = the system's
	AllowPrivate               bool      // the gateway may lie on a private or loopback address
}

// NamespaceProvisioner says by whom domains and certificates reach the gateway (Exchange's property of this name).
type NamespaceProvisioner string

// The provisioners.
const (
	ExternalProcess NamespaceProvisioner = "ExternalProcess" // the gateway's administrator enters them
	Statements      NamespaceProvisioner = "Statements"      // we tell the gateway ourselves (docs/gateway.md)
)

// Configured tells whether t can be used: a trust without an ApplicationUri waits for the account namespace.
func (t *Trust) Configured() bool {
	return t != nil && t.ApplicationUri != "" && t.OrgCertificate != nil
}

// issuers are the certificates that may have signed a token.
func (t *Trust) issuers() []*x509.Certificate {
	return []*x509.Certificate{t.TokenIssuerCertificate, t.TokenIssuerPrevCertificate}
}

// DecryptionKey finds the organization key that hint names among current, previous and next. For an unknown key it
// returns the current one and false, so that the refusal costs what a decryption costs.
func (t *Trust) DecryptionKey(hint xmlsec.KeyHint) (*rsa.PrivateKey, bool) {
	if k := t.organizationKey(hint); k != nil {
		return k.Key, true
	}
	if t.OrgCertificate == nil {
		return nil, false
	}
	return t.OrgCertificate.Key, false
}

// organizationKey finds the key pair that hint names among current, previous and next; nil for none.
func (t *Trust) organizationKey(hint xmlsec.KeyHint) *KeyPair {
	for _, k := range []*KeyPair{t.OrgCertificate, t.OrgPrevCertificate, t.OrgNextCertificate} {
		if k != nil && hint.Names(k.Certificate) {
			return k
		}
	}
	return nil
}

// keyRing is the trust's keys for one token; it remembers which of them opened it.
type keyRing struct {
	*Trust
	used *KeyPair
}

// DecryptionKey implements xmlsec.KeyRing.
func (r *keyRing) DecryptionKey(hint xmlsec.KeyHint) (*rsa.PrivateKey, bool) {
	r.used = r.organizationKey(hint)
	return r.Trust.DecryptionKey(hint)
}

// basis is everything that a validated token depends on.
type basis struct {
	issuer, application string
	profile             Profile
	certificates        [5]*x509.Certificate
	accepted, federated []smtpaddr.Domain
}

func basisOf(t *Trust, o *Organization) basis {
	b := basis{issuer: t.TokenIssuerUri, application: t.ApplicationUri, profile: t.Profile, accepted: o.AcceptedDomains, federated: o.Domains}
	b.certificates[0], b.certificates[1] = t.TokenIssuerCertificate, t.TokenIssuerPrevCertificate
	for i, k := range []*KeyPair{t.OrgCertificate, t.OrgPrevCertificate, t.OrgNextCertificate} {
		if k != nil {
			b.certificates[2+i] = k.Certificate
		}
	}
	return b
}

func (b basis) equal(c basis) bool {
	for i := range b.certificates {
		if b.certificates[i] != c.certificates[i] && !b.certificates[i].Equal(c.certificates[i]) {
			return false
		}
	}
	return b.issuer == c.issuer && b.application == c.application && b.profile == c.profile &&
		slices.Equal(b.accepted, c.accepted) && slices.Equal(b.federated, c.federated)
}

// NormalizeURI strips one leading http:// or https:// and a trailing slash and folds case: how application URIs compare.
func NormalizeURI(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if rest, ok := strings.CutPrefix(s, "http://"); ok {
		s = rest
	} else {
		s = strings.TrimPrefix(s, "https://")
	}
	return strings.TrimSuffix(s, "/")
}

// Trusts reads the configuration; the Trust is nil when there is none yet.
type Trusts interface {
	FederationTrust(ctx context.Context) (*Trust, error)
	Organization(ctx context.Context) (*Organization, error)
}

// Replays remembers messages until they expire; all nodes share it.
type Replays interface {
	// ClaimReplay stores key until expires and tells whether it was new. An error means: refuse.
	ClaimReplay(ctx context.Context, key [32]byte, expires time.Time) (fresh bool, err error)
}

// TokenRequest names what a token is for.
type TokenRequest struct {
	User                 smtpaddr.Address // whom we speak for, in a federated domain
	TargetApplicationUri string
	Action               orgrel.Action
	Fresh                bool // do not use a cached token
}

// TrustedIssuers are the issuer certificates that a new metadata document must be signed with; none without a trust.
func (t *Trust) TrustedIssuers() []*x509.Certificate {
	if t == nil {
		return nil
	}
	var out []*x509.Certificate
	for _, c := range t.issuers() {
		if c != nil {
			out = append(out, c)
		}
	}
	return out
}

// MetadataAge is how old the gateway's document may become before that needs an administrator.
const MetadataAge = 3 * 24 * time.Hour

// Warnings are the sentences about t that an administrator should read at the time now: certificates that expire within
// 60, 30 or 7 days or have expired, and metadata that could not be read for long.
func (t *Trust) Warnings(now time.Time) []string {
	var out []string
	for _, c := range t.Expiring(now) {
		when := fmt.Sprintf("expires within %d days, on %s", c.Threshold, c.Certificate.NotAfter.UTC().Format(time.DateOnly))
		if c.Threshold == 0 {
			when = "has expired, on " + c.Certificate.NotAfter.UTC().Format(time.RFC3339)
		}
		out = append(out, fmt.Sprintf("%s %s %s", c.Name, Thumbprint(c.Certificate), when))
	}
	if !t.MetadataReadAt.IsZero() && now.Sub(t.MetadataReadAt) > MetadataAge {
		out = append(out, fmt.Sprintf("the gateway's metadata was last read on %s; what it said then is in force", t.MetadataReadAt.UTC().Format(time.RFC3339)))
	}
	return out
}

// Expiring is a certificate that has passed a threshold before its end.
type Expiring struct {
	Name        string // the property of the trust
	Certificate *x509.Certificate
	Threshold   int // days: 60, 30, 7, or 0 when it has expired
}

// Expiring lists the certificates in use that expire soon. The previous ones may.
func (t *Trust) Expiring(now time.Time) []Expiring {
	var out []Expiring
	add := func(name string, c *x509.Certificate) {
		if c == nil {
			return
		}
		if days, ok := ExpiryWarning(c, now); ok {
			out = append(out, Expiring{name, c, days})
		}
	}
	for _, k := range []struct {
		name string
		pair *KeyPair
	}{{"OrgCertificate", t.OrgCertificate}, {"OrgNextCertificate", t.OrgNextCertificate}} {
		if k.pair != nil {
			add(k.name, k.pair.Certificate)
		}
	}
	add("TokenIssuerCertificate", t.TokenIssuerCertificate)
	return out
}
