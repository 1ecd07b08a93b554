// Package login knows own users: passwords, Basic authentication, the cache of verified credentials.
package login

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const (
	credentialTTL = 5 * time.Minute
	cacheSize     = 10000
	hashesAtOnce  = 4
)

// Challenge is the WWW-Authenticate header of every answer to nobody.
const Challenge = `Basic realm="availd", charset="UTF-8"`

// Mailboxes finds the user.
type Mailboxes interface {
	Mailbox(ctx context.Context, a smtpaddr.Address) (*mailbox.Mailbox, error)
}

// Basic authenticates own users. Verified credentials are remembered for five minutes under a keyed hash that includes
// the stored password hash, so that a new password ends the old one at once.
type Basic struct {
	Mailboxes Mailboxes
	Missing   func(error) bool // tells an unknown user from a broken store
	// Bound finds the relationship whose OrgWideAccount has one of m's addresses; nil, nil for everybody else. Without Bound
	// nobody's login is a partner's.
	Bound func(ctx context.Context, m *mailbox.Mailbox) (*orgrel.OrganizationRelationship, error)

	once   sync.Once
	key    [32]byte
	dummy  string
	hashes chan struct{}
	mu     sync.Mutex
	known  map[[32]byte]time.Time
}

type contextKey struct{}

// RequesterFrom returns the user that the middleware has authenticated.
func RequesterFrom(ctx context.Context) (orgrel.Requester, bool) {
	r, ok := ctx.Value(contextKey{}).(orgrel.Requester)
	return r, ok
}

// Authenticate is RequesterFrom in the form that the endpoints take.
func Authenticate(ctx context.Context, _ *soap.Envelope) (orgrel.Requester, error) {
	if r, ok := RequesterFrom(ctx); ok {
		return r, nil
	}
	return orgrel.Requester{}, fault.Because(fault.Unauthorized, errors.New("nobody is logged in"))
}

// Wrap answers 401 before the body is read, or hands over with the requester in the context.
func (b *Basic) Wrap(next http.Handler) http.Handler {
	b.once.Do(func() {
		_, _ = rand.Read(b.key[:])
		b.dummy = HashPassword(rand.Text()) // nobody can know it: a hit would be remembered and tell unknown users by their speed
		b.hashes = make(chan struct{}, hashesAtOnce)
		b.known = map[[32]byte]time.Time{}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := r.BasicAuth()
		if !ok {
			challenge(w)
			return
		}
		who, err := b.check(r.Context(), user, password)
		if err != nil {
			if fault.KindOf(err) == fault.ServerBusy {
				soap.WriteFault(w, soap.StyleEWS, fault.As(err), nil)
				return
			}
			challenge(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, who)))
	})
}

// Optional lets requests without credentials pass, for endpoints that serve something to anybody; those with credentials
// must have right ones.
func (b *Basic) Optional(next http.Handler) http.Handler {
	known := b.Wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			next.ServeHTTP(w, r)
			return
		}
		known.ServeHTTP(w, r)
	})
}

func challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", Challenge)
	http.Error(w, "Credentials are missing or wrong.", http.StatusUnauthorized)
}

func (b *Basic) check(ctx context.Context, user, password string) (orgrel.Requester, error) {
	wrong := fault.Because(fault.Unauthorized, errors.New("wrong user or password"))
	a, err := smtpaddr.ParseAddress(user)
	if err != nil || len(password) > maxPassword {
		return orgrel.Requester{}, wrong
	}
	phc := b.dummy
	m, err := b.Mailboxes.Mailbox(ctx, a)
	switch {
	case err == nil && m.PasswordHash != "":
		phc = m.PasswordHash
	case err != nil && !b.Missing(err):
		return orgrel.Requester{}, fault.Because(fault.ServerBusy, err)
	}
	if !b.verify(ctx, phc, password) || phc == b.dummy {
		return orgrel.Requester{}, wrong
	}
	return b.requester(ctx, m)
}

// requester is the own user, or the partner whose account this is: from outside, and held to its relationship.
func (b *Basic) requester(ctx context.Context, m *mailbox.Mailbox) (orgrel.Requester, error) {
	who := orgrel.Requester{Address: m.Address, Domain: m.Address.Domain(), Actions: []orgrel.Action{orgrel.ActionFreeBusy, orgrel.ActionAutodiscover}}
	if b.Bound == nil {
		return who, nil
	}
	rel, err := b.Bound(ctx, m)
	if err != nil {
		return orgrel.Requester{}, fault.Because(fault.ServerBusy, err)
	}
	who.External, who.Relationship = rel != nil, rel
	return who, nil
}

func (b *Basic) verify(ctx context.Context, phc, password string) bool {
	mac := hmac.New(sha256.New, b.key[:])
	fmt.Fprintf(mac, "%d %s %s", len(phc), phc, password)
	key := [32]byte(mac.Sum(nil))
	b.mu.Lock()
	until, ok := b.known[key]
	b.mu.Unlock()
	if ok && time.Now().Before(until) {
		return true
	}
	select {
	case b.hashes <- struct{}{}:
		defer func() { <-b.hashes }()
	case <-ctx.Done():
		return false
	}
	if !CheckPassword(phc, password) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= cacheSize {
		clear(b.known)
	}
	b.known[key] = time.Now().Add(credentialTTL)
	return true
}
