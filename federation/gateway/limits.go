package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits protect the gateway from those who cannot authenticate, and organizations from each other.
type Limits struct {
	TokensPerOrganization float64 // a second; 0 = 50. Ten seconds' worth may come at once
	FailuresPerSource     float64 // refused requests a second from one address; 0 = 5
	RegistrationsPerHour  float64 // from one address; 0 = 10
	PendingRegistrations  int     // in all; 0 = 100
}

func (l Limits) orDefaults() Limits {
	set := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	set(&l.TokensPerOrganization, 50)
	set(&l.FailuresPerSource, 5)
	set(&l.RegistrationsPerHour, 10)
	if l.PendingRegistrations == 0 {
		l.PendingRegistrations = 100
	}
	return l
}

// buckets are token buckets by name. Those that are full again are forgotten, so that there are never many.
type buckets struct {
	perSecond, burst float64

	mu sync.Mutex
	m  map[string]bucket
}

type bucket struct {
	level float64 // what may still be taken
	at    time.Time
}

const maxBuckets = 10000

// newBuckets lets rate be taken in each period, and ten times as much at once where the period is a second.
func newBuckets(rate float64, period time.Duration) *buckets {
	b := &buckets{perSecond: rate / period.Seconds(), burst: rate, m: map[string]bucket{}}
	if period == time.Second {
		b.burst = 10 * rate
	}
	return b
}

func (b *buckets) level(name string, now time.Time) float64 {
	k, ok := b.m[name]
	if !ok {
		return b.burst
	}
	return min(b.burst, k.level+max(0, now.Sub(k.at).Seconds())*b.perSecond)
}

// left tells whether one may still be taken.
func (b *buckets) left(name string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.level(name, now) >= 1
}

// take takes one and tells whether it was there.
func (b *buckets) take(name string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	level := b.level(name, now)
	if level < 1 {
		return false
	}
	if len(b.m) >= maxBuckets {
		for k := range b.m {
			if b.level(k, now) >= b.burst {
				delete(b.m, k)
			}
		}
		if len(b.m) >= maxBuckets {
			clear(b.m)
		}
	}
	b.m[name] = bucket{level - 1, now}
	return true
}

// source is the address that a request came from: where a trusted proxy sent it, the last in X-Forwarded-For that is
// not a trusted proxy's. An IPv6 network of 64 bits counts as one address.
func (g *Gateway) source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && g.trustsProxy(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
	}
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

func (g *Gateway) trustsProxy(a netip.Addr) bool {
	return slices.ContainsFunc(g.o.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
