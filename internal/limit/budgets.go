// Package limit counts what one caller may do: budgets that fill up again with time, and whom a request counts for.
package limit

import (
	"sync"
	"time"
)

// Budgets are token buckets by name. Those that are full again are forgotten, so that there are never many.
type Budgets struct {
	perSecond, burst float64

	mu sync.Mutex
	m  map[string]bucket
}

type bucket struct {
	level float64 // what may still be taken
	at    time.Time
}

const maxBudgets = 10000

// NewBudgets lets rate be taken in each period, and burst at once.
func NewBudgets(rate float64, period time.Duration, burst float64) *Budgets {
	return &Budgets{perSecond: rate / period.Seconds(), burst: burst, m: map[string]bucket{}}
}

func (b *Budgets) level(name string, now time.Time) float64 {
	k, ok := b.m[name]
	if !ok {
		return b.burst
	}
	return min(b.burst, k.level+max(0, now.Sub(k.at).Seconds())*b.perSecond)
}

// Left tells whether one may still be taken.
func (b *Budgets) Left(name string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.level(name, now) >= 1
}

// Take takes one and tells whether it was there.
func (b *Budgets) Take(name string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	level := b.level(name, now)
	if level < 1 {
		return false
	}
	b.makeRoom(now)
	b.m[name] = bucket{level - 1, now}
	return true
}

// Give puts back one that was taken and should not count.
func (b *Budgets) Give(name string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.m[name]; ok {
		b.m[name] = bucket{b.level(name, now) + 1, now} // level caps what is too much
	}
}

func (b *Budgets) makeRoom(now time.Time) {
	if len(b.m) < maxBudgets {
		return
	}
	for k := range b.m {
		if b.level(k, now) >= b.burst {
			delete(b.m, k)
		}
	}
	if len(b.m) >= maxBudgets {
		clear(b.m)
	}
}
