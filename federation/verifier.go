package federation

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
)

const (
	cacheSize    = 4096
	cacheTTL     = time.Hour
	failureLimit = 5 // failures with one EncryptedKey within failureSpan, then no decryption any more
	failureSpan  = time.Hour
)

// Verifier checks the delegation token and the message signature of every request. A validated token is cached until
// it expires or until trust, keys or own domains change; time, message signature and replay are checked every time.
type Verifier struct {
	Trusts  Trusts
	Replays Replays
	Now     func() time.Time
	Paths   func(to string) error // nil, or refuses a wsa:To that is not one of ours
	// UnknownIssuer is told, when it is not nil, that a token came which no certificate of the trust's issuer has signed:
	// the gateway may have a new key. It must return at once; the token is refused all the same.
	UnknownIssuer func()

	mu         sync.Mutex
	basis      basis  // what the cached tokens were validated against
	generation uint64 // counts the changes of basis
	cache      map[[32]byte]cached
	failures   map[[32]byte]failure
	flight     singleflight.Group // one decryption per token at a time
}

type cached struct {
	claims *claims
	until  time.Time
}

type failure struct {
	n     int
	since time.Time
}

// Authenticate runs the checks in the order of the threat model and returns who asks. What the requester may do with
// its actions, and whether its domain has a relationship, is decided by the endpoint and by the Availability Service. An
// address that can be no partner's gives an external Requester without address and actions: it may see nothing.
// Errors: *fault.Error InvalidSecurity, InvalidSecurityToken, FailedAuthentication, ServerBusy.
func (v *Verifier) Authenticate(ctx context.Context, env *soap.Envelope) (orgrel.Requester, error) {
	start := time.Now()
	rec := record.From(ctx)
	c, fromCache, bearer, err := v.authenticate(ctx, env)
	if err != nil {
		rec.Failed(record.StepTokenValidated, start, fault.As(err).Error())
		rec.Set(slog.String("refused", fault.KindOf(err).Row().Name))
		return orgrel.Requester{}, err
	}
	source := "decrypted and verified"
	if fromCache {
		source = "known"
	}
	if c.nobody != "" { // answered like a partner without a relationship, so that nobody learns which names are special
		rec.Failed(record.StepTokenValidated, start, c.nobody)
		rec.Set(slog.String("refused", "address_of_nobody"), slog.String("cause", c.nobody))
		return orgrel.Requester{External: true}, nil
	}
	proof := "message signature and replay checked"
	if bearer {
		proof = "no message signature: a bearer, as the trust allows"
	}
	rec.Done(record.StepTokenValidated, start, fmt.Sprintf("token %s: issuer %s, for %s, speaks for %s, until %s; %s",
		source, c.issuer, env.To, c.email.Domain(), c.expires.UTC().Format(time.TimeOnly), proof))
	rec.Set(slog.String("requester_domain", c.email.Domain().String()), slog.Bool("token_cached", fromCache), slog.Bool("token_bearer", bearer),
		slog.String("issuer_key", c.issuerKey), slog.String("organization_key", c.organizationKey))
	return orgrel.Requester{Address: c.email, Domain: c.email.Domain(), Actions: c.actions, External: true}, nil
}

func (v *Verifier) authenticate(ctx context.Context, env *soap.Envelope) (c *claims, fromCache, bearer bool, err error) {
	now := v.Now()
	h, err := wssecurity.Read(env, now, true)
	if err != nil {
		return nil, false, false, err
	}
	bearer = h.Signature.IsZero()
	trust, org, err := v.configuration(ctx)
	if err != nil {
		return nil, false, bearer, err
	}
	if v.Paths != nil && env.To != "" {
		if err := v.Paths(env.To); err != nil {
			return nil, false, bearer, fault.Because(fault.InvalidSecurity, err)
		}
	}
	if c, fromCache, err = v.token(h, trust, org, now); err != nil {
		return nil, false, bearer, err
	}
	if err := v.message(h, env, trust, c); err != nil {
		return nil, false, bearer, err
	}
	return c, fromCache, bearer, v.claimReplay(ctx, h, env, now)
}

func (v *Verifier) claimReplay(ctx context.Context, h *wssecurity.Header, env *soap.Envelope, now time.Time) error {
	key, ok := h.ReplayKey(env)
	if !ok {
		return nil // a bearer message without Timestamp and MessageID
	}
	expires := h.Expires
	if h.Timestamp.IsZero() {
		expires = now.Add(wssecurity.MaxSpan)
	}
	fresh, err := v.Replays.ClaimReplay(ctx, key, expires.Add(wssecurity.Skew))
	if err != nil {
		return fault.Because(fault.ServerBusy, fmt.Errorf("replay store: %w", err))
	}
	if !fresh {
		return fault.Because(fault.InvalidSecurity, errors.New("the message is a replay"))
	}
	return nil
}

func (v *Verifier) configuration(ctx context.Context) (*Trust, *Organization, error) {
	trust, err := v.Trusts.FederationTrust(ctx)
	if err != nil {
		return nil, nil, fault.Because(fault.ServerBusy, err)
	}
	org, err := v.Trusts.Organization(ctx)
	if err != nil {
		return nil, nil, fault.Because(fault.ServerBusy, err)
	}
	if !trust.Configured() || trust.TokenIssuerCertificate == nil || org == nil || !org.Enabled {
		return nil, nil, fault.Because(fault.InvalidSecurityToken, errors.New("federation is not configured or not enabled"))
	}
	return trust, org, nil
}

// token returns the claims of the message's token, from the cache or by decrypting and verifying it. However many
// messages bring the same new token at once, it is decrypted once.
func (v *Verifier) token(h *wssecurity.Header, trust *Trust, org *Organization, now time.Time) (*claims, bool, error) {
	key := sha256.Sum256(h.EncryptedData.Outer())
	hit, ok, generation := v.lookup(key, trust, org)
	if ok && now.Before(hit.until) {
		return hit.claims, true, nil
	}
	c, err, _ := v.flight.Do(fmt.Sprintf("%d %s", generation, key), func() (any, error) {
		c, until, err := v.open(h.EncryptedData, trust, org, now)
		if err == nil && !c.doNotCache {
			v.keep(key, cached{c, earlier(until, now.Add(cacheTTL))}, generation, now)
		}
		return c, err
	})
	if err != nil {
		return nil, false, err
	}
	return c.(*claims), false, nil
}

// lookup forgets everything first when trust, keys or own domains have changed.
func (v *Verifier) lookup(key [32]byte, trust *Trust, org *Organization) (hit cached, ok bool, generation uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := basisOf(trust, org); !now.equal(v.basis) {
		clear(v.cache)
		v.basis = now
		v.generation++
	}
	hit, ok = v.cache[key]
	return hit, ok, v.generation
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (v *Verifier) keep(key [32]byte, c cached, generation uint64, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if generation != v.generation { // validated against a configuration that is no more
		return
	}
	if v.cache == nil {
		v.cache = map[[32]byte]cached{}
	}
	if len(v.cache) >= cacheSize {
		for k, old := range v.cache { // whoever has expired, else anybody
			if !now.Before(old.until) || len(v.cache) >= cacheSize {
				delete(v.cache, k)
			}
		}
	}
	v.cache[key] = c
}

// Flush forgets every validated token.
func (v *Verifier) Flush() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.cache)
}

// open decrypts, verifies and decodes a token that is not known yet. until is when its validation ends: with the token,
// or with the certificate that signed it.
func (v *Verifier) open(data xmlsec.Element, trust *Trust, org *Organization, now time.Time) (c *claims, until time.Time, err error) {
	budget := sha256.Sum256(xmlsec.WrappedKey(data))
	if !v.spend(budget, now) {
		return nil, until, fault.Because(fault.InvalidSecurityToken, errors.New("too many failures with this encrypted key"))
	}
	exchange := trust.Profile == ProfileExchange
	ring := &keyRing{Trust: trust}
	plain, err := xmlsec.Decrypt(data, ring, xmlsec.DecryptPolicy{AllowTripleDES: exchange})
	if err != nil {
		return nil, until, fault.Because(fault.InvalidSecurityToken, err)
	}
	verified, issuer, err := xmlsec.VerifyEnveloped(plain.Root(), "AssertionID", trust.issuers(), xmlsec.VerifyPolicy{AllowSHA1: exchange, Now: now})
	if err != nil {
		if v.UnknownIssuer != nil && errors.Is(err, xmlsec.ErrSignature) {
			v.UnknownIssuer()
		}
		return nil, until, fault.Because(fault.InvalidSecurityToken, err)
	}
	v.refund(budget)
	opened := ring.used // readClaims asks the ring for the proof key's
	if c, err = readClaims(verified, trust, ring, now); err != nil {
		return nil, until, err
	}
	c.issuerKey, c.organizationKey = Thumbprint(issuer), Thumbprint(opened.Certificate)
	if c.nobody == "" && org.Owns(c.email.Domain()) {
		c.nobody = fmt.Sprintf("the token speaks for our own domain %s", c.email.Domain())
	}
	return c, earlier(c.expires, issuer.NotAfter), nil
}

// message checks that the sender holds the token's key.
func (v *Verifier) message(h *wssecurity.Header, env *soap.Envelope, trust *Trust, c *claims) error {
	if !h.Signature.IsZero() && c.proofKey != nil {
		// Published clients of Exchange sign the Timestamp only; ours cover To as well, so that the message serves one endpoint.
		return h.VerifyProof(env, c.proofKey, c.assertionID, trust.Profile != ProfileExchange)
	}
	if trust.Proof == ProofIfPresent && h.Signature.IsZero() {
		return nil
	}
	if c.proofKey == nil {
		return refuse("the token has no proof key")
	}
	return fault.Because(fault.InvalidSecurity, errors.New("the message is not signed with the token's key"))
}

// spend takes one of the decryptions that an encrypted key has; refund gives it back when the token was genuine. Taking
// it beforehand keeps many variants at once from being tried before the first has failed (slow CBC oracle).
func (v *Verifier) spend(key [32]byte, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failures == nil {
		v.failures = map[[32]byte]failure{}
	}
	f, known := v.failures[key]
	if !known && len(v.failures) >= cacheSize {
		v.forgetFailure(now)
	}
	if now.Sub(f.since) > failureSpan {
		f = failure{since: now}
	}
	if f.n >= failureLimit {
		return false
	}
	f.n++
	v.failures[key] = f
	return true
}

// forgetFailure drops the entry that matters least: junk of one failure each cannot wash out a key under attack.
func (v *Verifier) forgetFailure(now time.Time) {
	var least [32]byte
	n := failureLimit + 1
	for k, f := range v.failures {
		if now.Sub(f.since) > failureSpan {
			f.n = 0
		}
		if f.n < n {
			least, n = k, f.n
		}
		if n <= 1 {
			break
		}
	}
	delete(v.failures, least)
}

func (v *Verifier) refund(key [32]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := v.failures[key]
	if f.n--; f.n <= 0 {
		delete(v.failures, key)
		return
	}
	v.failures[key] = f
}
