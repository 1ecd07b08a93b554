package autodiscover

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const maxSources = 10000

// RateLimiter is a token bucket per source. The zero value and nil limit nothing.
type RateLimiter struct {
	now       func() time.Time
	perSecond float64
	burst     float64

	mu      sync.Mutex
	buckets map[netip.Prefix]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// NewRateLimiter allows each source burst requests at once and perSecond after that.
func NewRateLimiter(now func() time.Time, perSecond float64, burst int) *RateLimiter {
	return &RateLimiter{now: now, perSecond: perSecond, burst: float64(burst), buckets: map[netip.Prefix]bucket{}}
}

// Allow takes one token of the source and tells whether there was one.
func (l *RateLimiter) Allow(source netip.Prefix) bool {
	if l == nil || l.now == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b, ok := l.buckets[source]
	if !ok {
		l.makeRoom(now)
		b.tokens = l.burst
	} else {
		b.tokens = l.filled(b, now)
	}
	b.at = now
	allowed := b.tokens >= 1
	if allowed {
		b.tokens--
	}
	l.buckets[source] = b
	return allowed
}

func (l *RateLimiter) filled(b bucket, now time.Time) float64 {
	return min(l.burst, b.tokens+now.Sub(b.at).Seconds()*l.perSecond)
}

// makeRoom bounds the memory: full buckets say nothing and go first; where all are in use, everybody starts anew.
func (l *RateLimiter) makeRoom(now time.Time) {
	if len(l.buckets) < maxSources {
		return
	}
	for s, b := range l.buckets {
		if l.filled(b, now) >= l.burst {
			delete(l.buckets, s)
		}
	}
	if len(l.buckets) >= maxSources {
		clear(l.buckets)
	}
}

// source is the caller's address; an IPv6 network of 64 bits counts as one source, since one host owns it.
func source(r *http.Request) netip.Prefix {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	a := ap.Addr().Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
