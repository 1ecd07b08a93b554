// Package login knows own users: passwords, Basic authentication, the cache of verified credentials.
package login

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/limit"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const (
	credentialTTL = 5 * time.Minute
	cacheSize     = 10000

	hashesAtOnce = 4               // of 19 MiB each, and never more than half of the processors
	hashWait     = 5 * time.Second // then the server is busy

	// Wrong passwords a minute, and as many at once: of one source for one account (T90), and of one source in all. An
	// account has no budget of its own, or anybody could lock its owner out.
	wrongOfAccount, wrongOfSource = 5, 60
)

// Challenge is the WWW-Authenticate header of every answer to nobody.
const Challenge = `Basic realm="availd", charset="UTF-8"`

// Mailboxes finds the user.
type Mailboxes interface {
	Mailbox(ctx context.Context, a smtpaddr.Address) (*mailbox.Mailbox, error)
}

// Basic authenticates own users. Verified credentials are remembered for five minutes under a keyed hash that includes
// the stored password hash, so that a new password ends the old one at once. Whoever has given too many wrong passwords is
// told that the server is busy, unless his credentials are remembered.
type Basic struct {
	Mailboxes Mailboxes
	Missing   func(error) bool           // tells an unknown user from a broken store
	Source    func(*http.Request) string // whom wrong passwords count for; nil: the peer
	Now       func() time.Time           // nil: time.Now
	// Bound finds the relationship whose OrgWideAccount has one of m's addresses; nil, nil for everybody else. Without Bound
	// nobody's login is a partner's.
	Bound func(ctx context.Context, m *mailbox.Mailbox) (*orgrel.OrganizationRelationship, error)

	once    sync.Once
	key     [32]byte
	dummy   string
	hashes  chan struct{}
	account *limit.Budgets // by source and address
	source  *limit.Budgets
	mu      sync.Mutex
	known   map[[32]byte]time.Time
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
	b.once.Do(b.begin)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := r.BasicAuth()
		if !ok {
			challenge(w)
			return
		}
		who, err := b.check(r.Context(), b.Source(r), user, password)
		if err != nil {
			f := fault.As(err)
			record.From(r.Context()).Set(slog.String("code", f.Kind.Row().Name), slog.String("cause", f.Error()))
			if f.Kind == fault.ServerBusy {
				soap.WriteFault(w, soap.StyleEWS, f, nil)
				return
			}
			challenge(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, who)))
	})
}

func (b *Basic) begin() {
	_, _ = rand.Read(b.key[:])
	b.dummy = HashPassword(rand.Text()) // nobody can know it: a hit would be remembered and tell unknown users by their speed
	b.hashes = make(chan struct{}, min(hashesAtOnce, max(1, runtime.GOMAXPROCS(0)/2)))
	b.account = limit.NewBudgets(wrongOfAccount, time.Minute, wrongOfAccount)
	b.source = limit.NewBudgets(wrongOfSource, time.Minute, wrongOfSource)
	b.known = map[[32]byte]time.Time{}
	if b.Now == nil {
		b.Now = time.Now
	}
	if b.Source == nil {
		b.Source = func(r *http.Request) string { return limit.Source(r, nil).String() }
	}
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

func (b *Basic) check(ctx context.Context, source, user, password string) (orgrel.Requester, error) {
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
	ok, err := b.verify(ctx, source, a, phc, password)
	if err != nil {
		return orgrel.Requester{}, err
	}
	if !ok || phc == b.dummy {
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

// verify compares a password with a hash. *fault.Error ServerBusy when too many were wrong before, or too many are
// compared at the moment.
func (b *Basic) verify(ctx context.Context, source string, a smtpaddr.Address, phc, password string) (bool, error) {
	mac := hmac.New(sha256.New, b.key[:])
	fmt.Fprintf(mac, "%d %s %s", len(phc), phc, password)
	key := [32]byte(mac.Sum(nil))
	b.mu.Lock()
	until, ok := b.known[key]
	b.mu.Unlock()
	now := b.Now()
	if ok && now.Before(until) {
		return true, nil
	}
	back, err := b.spend(source, a, now)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case b.hashes <- struct{}{}:
		defer func() { <-b.hashes }()
	case <-ctx.Done():
		back()
		return false, fault.Because(fault.ServerBusy, errors.New("too many passwords are being checked"))
	}
	if !CheckPassword(phc, password) {
		return false, nil
	}
	back()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= cacheSize {
		clear(b.known)
	}
	b.known[key] = now.Add(credentialTTL)
	return true, nil
}

// spend takes a try from both budgets before the hash is made, so that tries side by side count too; back returns it when
// the password was right.
func (b *Basic) spend(source string, a smtpaddr.Address, now time.Time) (back func(), err error) {
	name := source + " " + a.String()
	busy := &fault.Error{Kind: fault.ServerBusy, BackOff: time.Minute / wrongOfAccount}
	if !b.source.Take(source, now) {
		busy.Cause = fmt.Errorf("too many wrong passwords from %s", source)
		return nil, busy
	}
	if !b.account.Take(name, now) {
		b.source.Give(source, now) // who insists on one account does not use up the tries of his neighbours
		busy.Cause = fmt.Errorf("too many wrong passwords for one account from %s", source)
		return nil, busy
	}
	return func() { b.source.Give(source, b.Now()); b.account.Give(name, b.Now()) }, nil
}
