package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/limit"
)

// Limits of what is served at once; zero means the default.
type Limits struct {
	InFlight     int           // requests of the whole server; 256
	QueueWait    time.Duration // how long a request waits for its turn; 500 ms
	Relationship int           // requests of one organization relationship; 27, as Exchange throttles a partner
	Source       int           // requests of one address whose caller is not known yet; 20
}

func (l Limits) withDefaults() Limits {
	for _, v := range []struct {
		at        *int
		otherwise int
	}{{&l.InFlight, 256}, {&l.Relationship, 27}, {&l.Source, 20}} {
		if *v.at <= 0 {
			*v.at = v.otherwise
		}
	}
	if l.QueueWait <= 0 {
		l.QueueWait = 500 * time.Millisecond
	}
	return l
}

// Why a request was shed; the closed set of the metric's label.
const (
	shedCapacity     = "capacity"
	shedAnonymous    = "anonymous"
	shedSource       = "source"
	shedRelationship = "relationship"
)

// admission decides what is served while there is more than can be. Who has shown no credentials goes first: such
// requests never wait and have half of the server at most; one address has few requests whose caller is not known yet;
// one relationship has its share and no more.
type admission struct {
	limits  Limits
	trusted []netip.Prefix // proxies whose X-Forwarded-For is believed
	metrics *metrics
	backOff backOff

	slots     chan struct{}
	anonymous chan struct{}
	waiting   atomic.Int64

	mu            sync.Mutex
	sources       map[netip.Prefix]int
	relationships map[string]int
}

func newAdmission(l Limits, trusted []netip.Prefix, m *metrics, now func() time.Time) *admission {
	l = l.withDefaults()
	return &admission{limits: l, trusted: trusted, metrics: m, backOff: backOff{now: now, random: rand.Float64},
		slots: make(chan struct{}, l.InFlight), anonymous: make(chan struct{}, max(1, l.InFlight/2)),
		sources: map[netip.Prefix]int{}, relationships: map[string]int{}}
}

// ticket is one admitted request.
type ticket struct {
	admission    *admission
	source       netip.Prefix
	known        bool // the caller has been verified: the source no longer counts
	relationship string
	counted      bool // relationship holds a place
}

type ticketKey struct{}

func ticketFrom(ctx context.Context) *ticket {
	t, _ := ctx.Value(ticketKey{}).(*ticket)
	return t
}

// wrap admits a request or answers 503 before anything of its body is read.
func (a *admission) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &ticket{admission: a, source: limit.Source(r, a.trusted)}
		if !add(&a.mu, a.sources, t.source, a.limits.Source) {
			a.shed(w, shedSource)
			return
		}
		defer t.release()
		leave, reason := a.enter(r.Context(), mayAuthenticate(r))
		if reason != "" {
			a.shed(w, reason)
			return
		}
		defer leave()
		a.metrics.inFlight.Inc()
		defer a.metrics.inFlight.Dec()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), ticketKey{}, t)))
	})
}

// mayAuthenticate tells whether a request shows, or may hold in its body, credentials.
func mayAuthenticate(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || strings.HasSuffix(r.URL.Path, "/wssecurity") && r.Method == http.MethodPost
}

// enter takes a place of the whole server, and waits for one where that is due. reason is empty when it has one.
func (a *admission) enter(ctx context.Context, credentials bool) (leave func(), reason string) {
	if !credentials {
		select {
		case a.anonymous <- struct{}{}:
		default:
			return nil, shedAnonymous
		}
		select {
		case a.slots <- struct{}{}:
			return func() { <-a.slots; <-a.anonymous }, ""
		default:
			<-a.anonymous
			return nil, shedAnonymous
		}
	}
	leave = func() { <-a.slots }
	select {
	case a.slots <- struct{}{}:
		return leave, ""
	default:
	}
	if a.waiting.Add(1) > int64(a.limits.InFlight) {
		a.waiting.Add(-1)
		return nil, shedCapacity
	}
	defer a.waiting.Add(-1)
	timer := time.NewTimer(a.limits.QueueWait)
	defer timer.Stop()
	select {
	case a.slots <- struct{}{}:
		return leave, ""
	case <-ctx.Done():
	case <-timer.C:
	}
	return nil, shedCapacity
}

func (a *admission) shed(w http.ResponseWriter, reason string) {
	a.metrics.shed.WithLabelValues(reason).Inc()
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(a.backOff.next().Round(time.Second)/time.Second))))
	w.Header().Set("Connection", "close")
	http.Error(w, "The server cannot service this request right now. Try again later.", http.StatusServiceUnavailable)
}

// verified says that the request's caller is known, and of which relationship he is ("" for own users, who have no
// share). *fault.Error ServerBusy when the relationship has as many requests in flight as it may.
func (t *ticket) verified(relationship string) error {
	if t == nil { // a handler used without the front
		return nil
	}
	a := t.admission
	if !t.known {
		t.known = true
		remove(&a.mu, a.sources, t.source)
	}
	if relationship == "" || t.counted {
		return nil
	}
	if !add(&a.mu, a.relationships, relationship, a.limits.Relationship) {
		a.metrics.shed.WithLabelValues(shedRelationship).Inc()
		return &fault.Error{Kind: fault.ServerBusy, BackOff: a.backOff.next(),
			Cause: fmt.Errorf("the relationship has %d requests in flight", a.limits.Relationship)}
	}
	t.relationship, t.counted = relationship, true
	return nil
}

func (t *ticket) release() {
	a := t.admission
	if !t.known {
		remove(&a.mu, a.sources, t.source)
	}
	if t.counted {
		remove(&a.mu, a.relationships, t.relationship)
	}
}

func add[K comparable](mu *sync.Mutex, counts map[K]int, k K, limit int) bool {
	mu.Lock()
	defer mu.Unlock()
	if counts[k] >= limit {
		return false
	}
	counts[k]++
	return true
}

func remove[K comparable](mu *sync.Mutex, counts map[K]int, k K) {
	mu.Lock()
	defer mu.Unlock()
	if counts[k]--; counts[k] == 0 {
		delete(counts, k)
	}
}

// backOff is how long a caller is asked to stay away: as long as the overload has lasted, from 1 s to 60 s, ±20 % so
// that callers do not come back together.
type backOff struct {
	now    func() time.Time
	random func() float64 // 0 to 1

	mu          sync.Mutex
	since, last time.Time
}

// calm is how long nothing must have been refused for an overload to be over.
const calm = 5 * time.Second

func (b *backOff) next() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if now.Sub(b.last) > calm {
		b.since = now
	}
	b.last = now
	d := min(max(now.Sub(b.since), time.Second), time.Minute)
	return time.Duration(float64(d) * (0.8 + 0.4*b.random()))
}

// busy gives a refusal for want of the store the back-off of the moment.
func (b *backOff) busy(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.ServerBusy && f.BackOff == 0 {
		waiting := *f
		waiting.BackOff = b.next()
		return &waiting
	}
	return err
}
