package federation

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

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

	mu       sync.Mutex
	cache    map[[32]byte]cached
	failures map[[32]byte]failure
}

type cached struct {
	claims     *claims
	generation [32]byte
	until      time.Time
}

type failure struct {
	n     int
	since time.Time
}

// Authenticate runs the checks in the order of the threat model and returns who asks. What the requester may do with
// its actions, and whether its domain has a relationship, is decided by the endpoint and by the Availability Service.
// Errors: *fault.Error InvalidSecurity, InvalidSecurityToken, FailedAuthentication, ServerBusy.
func (v *Verifier) Authenticate(ctx context.Context, env *soap.Envelope) (orgrel.Requester, error) {
	start := time.Now()
	rec := record.From(ctx)
	c, fromCache, err := v.authenticate(ctx, env)
	if err != nil {
		rec.Failed(record.StepTokenValidated, start, fault.As(err).Error())
		rec.Set(slog.String("refused", fault.KindOf(err).Row().Name))
		return orgrel.Requester{}, err
	}
	source := "decrypted and verified"
	if fromCache {
		source = "known"
	}
	rec.Done(record.StepTokenValidated, start, fmt.Sprintf("token %s: issuer %s, for %s, speaks for %s, until %s; message signature and replay checked",
		source, c.issuer, env.To, c.email.Domain(), c.expires.UTC().Format(time.TimeOnly)))
	rec.Set(slog.String("requester_domain", c.email.Domain().String()), slog.Bool("token_cached", fromCache))
	return orgrel.Requester{Address: c.email, Domain: c.email.Domain(), Actions: c.actions, External: true}, nil
}

func (v *Verifier) authenticate(ctx context.Context, env *soap.Envelope) (*claims, bool, error) {
	now := v.Now()
	h, err := wssecurity.Read(env, now, true)
	if err != nil {
		return nil, false, err
	}
	trust, org, err := v.configuration(ctx)
	if err != nil {
		return nil, false, err
	}
	if v.Paths != nil && env.To != "" {
		if err := v.Paths(env.To); err != nil {
			return nil, false, fault.Because(fault.InvalidSecurity, err)
		}
	}
	c, fromCache, err := v.token(h, trust, org, now)
	if err != nil {
		return nil, false, err
	}
	if err := v.message(h, env, trust, c); err != nil {
		return nil, false, err
	}
	expires := h.Expires
	if h.Timestamp.IsZero() {
		expires = now.Add(wssecurity.MaxSpan)
	}
	fresh, err := v.Replays.ClaimReplay(ctx, h.ReplayKey(env), expires.Add(wssecurity.Skew))
	if err != nil {
		return nil, false, fault.Because(fault.ServerBusy, fmt.Errorf("replay store: %w", err))
	}
	if !fresh {
		return nil, false, fault.Because(fault.InvalidSecurity, errors.New("the message is a replay"))
	}
	return c, fromCache, nil
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
	if trust == nil || trust.OrgCertificate == nil || trust.TokenIssuerCertificate == nil || org == nil || !org.Enabled {
		return nil, nil, fault.Because(fault.InvalidSecurityToken, errors.New("federation is not configured or not enabled"))
	}
	return trust, org, nil
}

// token returns the claims of the message's token, from the cache or by decrypting and verifying it.
func (v *Verifier) token(h *wssecurity.Header, trust *Trust, org *Organization, now time.Time) (*claims, bool, error) {
	key := sha256.Sum256(h.EncryptedData.Outer())
	generation := trust.generation(append(append(org.AcceptedDomains[:0:0], org.AcceptedDomains...), org.Domains...))
	v.mu.Lock()
	hit, ok := v.cache[key]
	v.mu.Unlock()
	if ok && hit.generation == generation && now.Before(hit.until) {
		return hit.claims, true, nil
	}
	c, err := v.open(h.EncryptedData, trust, org, now)
	if err != nil {
		return nil, false, err
	}
	if !c.doNotCache {
		v.keep(key, cached{c, generation, earlier(c.expires, now.Add(cacheTTL))}, now)
	}
	return c, false, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (v *Verifier) keep(key [32]byte, c cached, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
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

// open decrypts, verifies and decodes a token that is not known yet.
func (v *Verifier) open(data xmlsec.Element, trust *Trust, org *Organization, now time.Time) (*claims, error) {
	budget := sha256.Sum256(encryptedKeyOf(data))
	if !v.mayDecrypt(budget, now) {
		return nil, fault.Because(fault.InvalidSecurityToken, errors.New("too many failures with this encrypted key"))
	}
	exchange := trust.Profile == ProfileExchange
	plain, err := xmlsec.Decrypt(data, trust, xmlsec.DecryptPolicy{AllowTripleDES: exchange})
	if err != nil {
		v.failed(budget, now)
		return nil, fault.Because(fault.InvalidSecurityToken, err)
	}
	verified, _, err := xmlsec.VerifyEnveloped(plain.Root(), "AssertionID", trust.issuers(), xmlsec.VerifyPolicy{AllowSHA1: exchange, Now: now})
	if err != nil {
		v.failed(budget, now)
		return nil, fault.Because(fault.InvalidSecurityToken, err)
	}
	c, err := readClaims(verified, trust, trust, now)
	if err != nil {
		return nil, err
	}
	if org.Owns(c.email.Domain()) {
		return nil, refuse("the token speaks for our own domain %s", c.email.Domain())
	}
	return c, nil
}

func encryptedKeyOf(data xmlsec.Element) []byte {
	return data.Child(xmlsec.NSDS, "KeyInfo").Child(xmlsec.NSXENC, "EncryptedKey").Outer()
}

// message checks that the sender holds the token's key.
func (v *Verifier) message(h *wssecurity.Header, env *soap.Envelope, trust *Trust, c *claims) error {
	if !h.Signature.IsZero() && c.proofKey != nil {
		return h.VerifyProof(env, c.proofKey, c.assertionID, false)
	}
	if trust.Proof == ProofIfPresent && h.Signature.IsZero() {
		return nil
	}
	if c.proofKey == nil {
		return refuse("the token has no proof key")
	}
	return fault.Because(fault.InvalidSecurity, errors.New("the message is not signed with the token's key"))
}

func (v *Verifier) mayDecrypt(key [32]byte, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	f, ok := v.failures[key]
	return !ok || f.n < failureLimit || now.Sub(f.since) > failureSpan
}

func (v *Verifier) failed(key [32]byte, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failures == nil {
		v.failures = map[[32]byte]failure{}
	}
	if len(v.failures) >= cacheSize {
		clear(v.failures)
	}
	f := v.failures[key]
	if f.n == 0 || now.Sub(f.since) > failureSpan {
		f = failure{since: now}
	}
	f.n++
	v.failures[key] = f
}
