package gateway

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// State is whether an organization may have tokens.
type State string

// The states.
const (
	Pending  State = "pending"  // asked to be registered; waits for the administrator
	Approved State = "approved" // has tokens, and others have tokens for it
	Disabled State = "disabled"
)

// DomainState is what the gateway knows of a domain's owner.
type DomainState string

// The states of a domain.
const (
	Reserved DomainState = "reserved" // for one organization, which has not proven it
	Proven   DomainState = "proven"   // the organization may speak for its users
	Lapsed   DomainState = "lapsed"   // the proof disappeared from DNS
)

// How a domain was proven.
const (
	ByTXT           = "txt"
	ByAdministrator = "administrator"
)

// Domain is a domain reserved for one organization.
type Domain struct {
	Name         smtpaddr.Domain
	Organization string
	State        DomainState
	How          string // "", ByTXT or ByAdministrator
	CheckedAt    time.Time
	Failures     int       // checks in a row that did not find the proof
	FailingSince time.Time // of the first of them
}

// Organization is one registered organization.
type Organization struct {
	Name                  string
	ApplicationIdentifier string // AppID: given by the gateway at registration
	ApplicationUri        string
	AccountNamespace      smtpaddr.Domain
	Instance              string // the instance it belongs to; "" = the first
	State                 State  // "" counts as Approved when added by the administrator
	Contact               string
	Domains               []smtpaddr.Domain // proven or approved, of one organization only; the STS asks Registry.Speaks instead
	Certificate           *x509.Certificate // current: tokens are encrypted to it
	Previous              *x509.Certificate // still signs requests; may be nil
	Next                  *x509.Certificate // installed; signs requests, and nothing is encrypted to it yet; may be nil
}

// signers are the certificates that may sign for the organization. The next one is among them: an organization may use
// it before the gateway was told to publish it.
func (o *Organization) signers() []*x509.Certificate {
	out := []*x509.Certificate{o.Certificate}
	for _, c := range []*x509.Certificate{o.Previous, o.Next} {
		if c != nil {
			out = append(out, c)
		}
	}
	return out
}

// Registry knows the organizations and remembers what was asked. Every read is an indexed one: its cost does not grow
// with the number of organizations.
type Registry interface {
	// OrganizationsByKey returns those one of whose certificates the hint may mean: none, one, or several
	// that share a certificate. Domains is left empty.
	OrganizationsByKey(ctx context.Context, hint xmlsec.KeyHint) ([]*Organization, error)
	// OrganizationByURI finds by the normalized ApplicationUri; nil when there is none. Domains is left empty.
	OrganizationByURI(ctx context.Context, uri string) (*Organization, error)
	// Speaks tells whether d is proven for the organization.
	Speaks(ctx context.Context, organization string, d smtpaddr.Domain) (bool, error)
	// Lists tells whether the target's published partner list has the ApplicationUri or the domain.
	Lists(ctx context.Context, target, uri string, d smtpaddr.Domain) (bool, error)
	// Issue writes down the ids of a request and the token in one step; fresh is false, and nothing is written, when one
	// of the ids is known. Ids are kept until expires.
	Issue(ctx context.Context, i Issued, ids []string, expires time.Time) (fresh bool, err error)
	// SetPartners replaces the partner list of an organization by that of a statement; a statement that is not newer
	// than the list in force is refused (fault.Conflict).
	SetPartners(ctx context.Context, organization string, l federation.PartnerList, created time.Time) error
	// TakeStatement notes a statement of an organization made at created, and tells whether it is newer than the last.
	TakeStatement(ctx context.Context, organization string, created time.Time) (bool, error)
	// NextCertificate installs an organization's next certificate, PublishCertificate makes it the current one.
	NextCertificate(ctx context.Context, organization string, c *x509.Certificate) error
	PublishCertificate(ctx context.Context, organization string) error
	// Register stores a pending organization with reserved domains, or an approved one with proven domains.
	Register(ctx context.Context, o *Organization, domains []Domain, limit int) error
	// Counts are for the status page.
	Counts(ctx context.Context) (Counts, error)
}

// Counts says how many organizations and domains are registered.
type Counts struct{ Approved, Pending, Disabled, ProvenDomains int }

// Issued is one issued token, for the audit.
type Issued struct {
	When         time.Time `json:"when"`
	Organization string    `json:"organization"`
	User         string    `json:"user"`
	Target       string    `json:"target"`
	Action       string    `json:"action"`
	Assertion    string    `json:"assertion"`
}

// actorKey carries who makes a change.
type actorKey struct{}

// WithActor returns a context under which changes of the registry are written down as made by actor.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// Actor is who makes a change, for the audit.
func Actor(ctx context.Context) string {
	if a, ok := ctx.Value(actorKey{}).(string); ok {
		return a
	}
	return "unknown"
}
