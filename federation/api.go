// Package federation is the federation trust and its delegation tokens: verify what arrives, obtain what we send.
package federation

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"net/http"
	"time"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Profile says which algorithms a trust's peers use.
type Profile string

// The profiles.
const (
	ProfileModern   Profile = "modern"   // rsa-sha256, aes256-cbc
	ProfileExchange Profile = "exchange" // rsa-sha1 and tripledes-cbc are accepted too
)

// ProofPolicy says whether a message must prove possession of the token's key.
type ProofPolicy string

// The policies.
const (
	ProofRequired  ProofPolicy = "require"
	ProofIfPresent ProofPolicy = "if-present"
)

// KeyPair is an organization certificate with its private key.
type KeyPair struct {
	Certificate *x509.Certificate
	Key         *rsa.PrivateKey
}

// Trust is the federation trust (Exchange's FederationTrust); one per installation.
type Trust struct {
	Name                       string
	ApplicationUri             string //nolint:revive // Exchange's spelling
	ApplicationIdentifier      string
	TokenIssuerUri             string //nolint:revive // Exchange's spelling
	TokenIssuerEpr             string
	TokenIssuerMetadataEpr     string
	TokenIssuerCertificate     *x509.Certificate
	TokenIssuerPrevCertificate *x509.Certificate
	WebRequestorRedirectEpr    string
	PolicyReferenceUri         string //nolint:revive // Exchange's spelling
	OrgCertificate             *KeyPair
	OrgPrevCertificate         *KeyPair
	OrgNextCertificate         *KeyPair
	Profile                    Profile
	Proof                      ProofPolicy
	CAFile                     string // roots for the gateway's TLS; "" = the system's
	AllowPrivate               bool   // the gateway may lie on a private or loopback address
}

// Organization is the federated organization identifier.
type Organization struct {
	Enabled          bool              `json:"Enabled"`
	AccountNamespace smtpaddr.Domain   `json:"AccountNamespace"`
	DefaultDomain    smtpaddr.Domain   `json:"DefaultDomain"`
	Domains          []smtpaddr.Domain `json:"Domains"`         // federated
	AcceptedDomains  []smtpaddr.Domain `json:"AcceptedDomains"` // ours; federated ones are among them
	Contact          string            `json:"OrganizationContact"`
}

// Trusts reads the configuration; nil, nil when there is no trust yet.
type Trusts interface {
	FederationTrust(ctx context.Context) (*Trust, error)
	Organization(ctx context.Context) (*Organization, error)
}

// Replays remembers messages until they expire; shared by all nodes.
type Replays interface {
	// ClaimReplay stores key until expires and tells whether it was new. An error means refuse (fail closed).
	ClaimReplay(ctx context.Context, key [32]byte, expires time.Time) (fresh bool, err error)
}

// Verifier checks delegation tokens (federation-tokens.md 6.1).
type Verifier struct {
	Trusts  Trusts
	Replays Replays
	Now     func() time.Time
	Paths   func(to string) error // nil, or refuses a wsa:To that is not one of ours
	// + unexported token cache
}

// Authenticate runs the checks in order and returns the requester. Errors: *fault.Error InvalidSecurity, InvalidSecurityToken, FailedAuthentication, ServerBusy.
// It does not decide about actions beyond collecting them: the endpoint does (Requester.May).
func (v *Verifier) Authenticate(ctx context.Context, env *soap.Envelope) (orgrel.Requester, error) {
	panic("not built yet")
}

// TokenRequest names what the token is for.
type TokenRequest struct {
	User                 smtpaddr.Address // whom we speak for (already mapped to a federated domain by Client)
	TargetApplicationUri string           //nolint:revive // Exchange's spelling
	Action               orgrel.Action
}

// DelegationToken is a token as the gateway sent it, with its proof key. It prints redacted.
type DelegationToken struct {
	// unexported: encrypted []byte, proofKey []byte, assertionID string, profile
	Expires time.Time
}

// Headers returns the header blocks for a message with this token to url (see wssecurity.ProofHeaders).
func (t *DelegationToken) Headers(to, action string, now time.Time) ([]byte, error) {
	panic("not built yet")
}

// Client obtains tokens from the gateway and caches them per user, target and action.
type Client struct {
	Trusts Trusts
	HTTP   *http.Client // for the gateway
	Now    func() time.Time
}

// DelegationToken returns a cached or fresh token. Errors wrap *soap.Fault, *soap.HTTPError or a network error with the text
// "Failed to communicate with URL., inner exception: …".
func (c *Client) DelegationToken(ctx context.Context, r TokenRequest) (*DelegationToken, error) {
	panic("not built yet")
}

// Forget drops a cached token (after a partner's security fault).
func (c *Client) Forget(r TokenRequest) { panic("not built yet") }

// Metadata is what a gateway publishes.
type Metadata struct {
	TokenIssuerUri          string //nolint:revive // Exchange's spelling
	TokenIssuerEpr          string
	WebRequestorRedirectEpr string
	Certificates            []*x509.Certificate // current, then previous
}

// FetchMetadata reads and checks the document at url; trusted (may be empty on first contact) are the certificates one of which must have signed it.
func FetchMetadata(ctx context.Context, c *http.Client, url string, trusted []*x509.Certificate) (*Metadata, error) {
	panic("not built yet")
}

// AppendMetadata appends the signed 2006-12 document of a gateway (federation-tokens.md 1.5).
// NewOrganizationCertificate makes a self-signed RSA-2048 certificate with a random 16-byte SKI, NotBefore backdated 24 h, client-auth EKU.
func NewOrganizationCertificate(now time.Time, days int) (*KeyPair, error) { panic("not built yet") }
