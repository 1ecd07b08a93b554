// Package admin does every administrative verb once: validated, and written down in the audit by the transaction that makes
// the change. The command line is one face of it; others need no rules of their own.
//
// In parameter structs a nil pointer means "not given" and leaves what is there; a pointer to an empty value empties it.
// Every error is a [fault.Error] whose message is a sentence for an administrator: Invalid for a bad value, NotFound,
// Conflict, Unavailable when the store or the network is gone.
package admin

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/smtpaddr"
)

// Admin performs verbs for one administrator.
type Admin struct {
	Store store.Store
	Who   string // for the audit: the operating system's user, or an administrator's name
	Now   func() time.Time
	// Metadata reads the document at the trust's TokenIssuerMetadataEpr; one of trusted must have signed it, and on first
	// contact, with none, its own certificate.
	Metadata func(ctx context.Context, t *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error)
	// HTTP makes the client for the gateway of a trust; it follows no redirects.
	HTTP func(t *federation.Trust) (*http.Client, error)
	// NameServers finds who is asked for the proof of a domain.
	NameServers func(ctx context.Context, d smtpaddr.Domain) ([]federation.NameServer, error)
	// Find looks for a partner's federation information as the parameters say; the tries tell where, also when it fails.
	Find func(ctx context.Context, d smtpaddr.Domain, p DiscoverParams) (*autodiscover.FederationInformation, []autodiscover.Try, error)
	Warn func(sentence string) // what is done all the same but most likely not meant; may be nil
}

func (a *Admin) warn(sentences ...string) {
	for _, s := range sentences {
		if a.Warn != nil {
			a.Warn(s)
		}
	}
}

// problem gives what a store or a domain package refuses its kind.
func problem(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	kind := fault.Internal
	switch {
	case errors.Is(err, store.ErrNotFound):
		kind = fault.NotFound
	case errors.Is(err, store.ErrExists):
		kind = fault.Conflict
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrSchema):
		kind = fault.Unavailable
	}
	return &fault.Error{Kind: kind, Message: err.Error(), Cause: err}
}

// invalid makes a bad value of a domain package's complaint.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Message: err.Error(), Cause: err}
}

// set takes a value that was given.
func set[T any](into, given *T) {
	if given != nil {
		*into = *given
	}
}

func (a *Admin) config(ctx context.Context) (*store.Config, error) {
	cfg, err := a.Store.LoadConfig(ctx)
	if err == nil && cfg.Organization == nil {
		cfg.Organization = &federation.Organization{}
	}
	return cfg, problem(err)
}
