// Package store says what a store of availd does; postgres and sqlite do it, storetest makes them equal.
package store

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Errors of a store; test with errors.Is. Their wrapping text names the object.
var (
	ErrNotFound    = errors.New("not found")
	ErrExists      = errors.New("exists already")
	ErrSchema      = errors.New("schema level does not fit this binary")
	ErrUnavailable = errors.New("store is unavailable")
)

// Config is everything that changes at run time and is read on every request; one consistent snapshot.
type Config struct {
	Version       int64
	Trust         *federation.Trust     // nil before New-FederationTrust; private keys unsealed
	Certificates  []*federation.KeyPair // those that no trust uses; private keys unsealed
	Organization  *federation.Organization
	Relationships []*orgrel.OrganizationRelationship
	Settings      map[string]string // by the names below
}

// Names of Settings.
const (
	SettingExternalEwsURL = "ExternalEwsUrl"           // what partners are told; empty = SettingIsNotAvailable
	SettingWSSecurity     = "WSSecurityAuthentication" // "false" closes the wssecurity paths
	SettingWebProxy       = "InternetWebProxy"         // URL of the web proxy for outgoing calls; empty: none
	SettingPublishDomains = "PublishDomains"           // "queried" (default) or "all"
	// SettingPublishedPartners is the digest of the partner list that the gateway has.
	SettingPublishedPartners = "PublishedPartners"
	SettingInternalEwsURL    = "InternalEwsUrl" // what own users are told; empty = the external one
)

// Options of opening a store.
type Options struct {
	Key    *MasterKey       // seals private keys and passwords; may be nil where none is read or written
	Now    func() time.Time // nil = time.Now
	TZData string           // names the time zone rules in use; "" = timezone.DataVersion
}

// WithDefaults fills in what is not said.
func (o Options) WithDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TZData == "" {
		o.TZData = timezone.DataVersion()
	}
	return o
}

// ImportSource yields calendar objects one after the other; io.EOF ends it. Any other error aborts the import with nothing kept.
type ImportSource interface {
	Next() (uid string, object []byte, err error) // object: a complete VCALENDAR with all components of one UID
}

// ImportOptions of ImportCalendar.
type ImportOptions struct {
	Replace  bool                           // remove what the source does not have
	Progress func(objects, occurrences int) // may be nil; called now and then
}

// ImportResult counts what an import did; Removed are the objects that the source did not have.
type ImportResult struct{ Objects, Occurrences, Removed int }

// Store is the whole contract. Every method is safe for concurrent use; every write of configuration bumps Config.Version last in its transaction.
type Store interface {
	Close() error
	Ping(ctx context.Context) error
	SchemaLevel(ctx context.Context) (int64, error)
	Migrate(ctx context.Context) error // under a lock; several nodes may call it at once

	CreateMailbox(ctx context.Context, m *mailbox.Mailbox) error                                  // sets m.ID; ErrExists names the taken address
	UpdateMailbox(ctx context.Context, m *mailbox.Mailbox) error                                  // by ID
	DeleteMailbox(ctx context.Context, a smtpaddr.Address) error                                  // with all that is its own: calendar, automatic replies, photo
	Mailbox(ctx context.Context, a smtpaddr.Address) (*mailbox.Mailbox, error)                    // by any of its addresses
	Mailboxes(ctx context.Context, after smtpaddr.Address, limit int) ([]*mailbox.Mailbox, error) // by primary address

	PutContacts(ctx context.Context, list []*mailbox.Contact) error // create or replace, all or none; ErrExists names the taken address
	DeleteContact(ctx context.Context, a smtpaddr.Address) error
	Contact(ctx context.Context, a smtpaddr.Address) (*mailbox.Contact, error)                   // by own address
	Contacts(ctx context.Context, after smtpaddr.Address, limit int) ([]*mailbox.Contact, error) // by own address

	PutGroup(ctx context.Context, g *mailbox.Group) error // create or replace; memberships are flattened at write; ErrExists names the taken address
	Group(ctx context.Context, a smtpaddr.Address) (*mailbox.Group, error)
	Groups(ctx context.Context) ([]*mailbox.Group, error)
	DeleteGroup(ctx context.Context, a smtpaddr.Address) error

	directory.Store // the address book

	CalendarView(ctx context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error)
	ImportCalendar(ctx context.Context, a smtpaddr.Address, src ImportSource, o ImportOptions) (ImportResult, error)
	ExportCalendar(ctx context.Context, a smtpaddr.Address, w io.Writer) error // one VCALENDAR after the other, byte for byte as put
	DeleteObject(ctx context.Context, a smtpaddr.Address, uid string) error
	// ExtendHorizon expands the calendars anew whose occurrences end before until or were derived under other time zone
	// rules, and removes what abandoned imports left; called by a periodic job. A calendar that fails does not keep the
	// others waiting: it is answered from its objects, and named in the error.
	ExtendHorizon(ctx context.Context, until time.Time) (objects int, err error)

	LoadConfig(ctx context.Context) (*Config, error)
	ConfigVersion(ctx context.Context) (int64, error)
	PutTrust(ctx context.Context, t *federation.Trust) error                // nil removes it
	PutCertificates(ctx context.Context, pairs []*federation.KeyPair) error // replaces Config.Certificates
	PutOrganization(ctx context.Context, o *federation.Organization) error
	PutRelationship(ctx context.Context, r *orgrel.OrganizationRelationship) error // by ID; "" creates; a domain in another relationship is ErrExists naming both
	DeleteRelationship(ctx context.Context, id string) error
	PutSetting(ctx context.Context, name, value string) error

	ClaimReplay(ctx context.Context, key [32]byte, expires time.Time) (fresh bool, err error)
	PurgeReplays(ctx context.Context, before time.Time) error

	// Lease takes or keeps the named lease for ttl and says whether holder has it now: of several nodes one does the work.
	Lease(ctx context.Context, name, holder string, ttl time.Duration) (held bool, err error)

	Audit(ctx context.Context, e AuditEntry) error
	AuditLog(ctx context.Context, limit int) ([]AuditEntry, error)
}

// AuditEntry is one administrative change.
type AuditEntry struct {
	When   time.Time
	Who    string // the operating system's user, or an administrator's name
	Verb   string
	Object string
	Detail string // old and new values; no secrets
}

// NewID makes a random identifier in the form of a GUID.
func NewID() string {
	return strings.TrimPrefix(federation.NewURN(), "urn:uuid:")
}
