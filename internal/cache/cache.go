// Package cache is a bounded cache whose entries can be listed and flushed: what availd remembers, an administrator can see
// and make it forget.
package cache

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Entry is one remembered thing as an administrator sees it: its key and age, never its value.
type Entry struct {
	Key     string        `json:"Key"`
	Age     time.Duration `json:"Age"`
	Expires time.Time     `json:"Expires"` // when it is asked anew; errors may lengthen its use
}

// Listable is a cache without its types. Flush forgets the entries whose key matches (all where match is nil) and
// returns how many there were.
type Listable interface {
	List() []Entry
	Flush(match func(key string) bool) int
}

// Cache remembers values for a time. When it is full, the entry that expires first gives way. It is safe for concurrent
// use.
type Cache[K comparable, V any] struct {
	size int
	now  func() time.Time

	mu      sync.Mutex
	entries map[K]entry[V]
}

type entry[V any] struct {
	value                V
	put, expires, usable time.Time
}

// New makes a cache of at most size entries. now tells the time.
func New[K comparable, V any](size int, now func() time.Time) *Cache[K, V] {
	return &Cache[K, V]{size: size, now: now, entries: map[K]entry[V]{}}
}

// Get returns an entry that has not expired.
func (c *Cache[K, V]) Get(k K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok || !c.now().Before(e.expires) {
		return v, false
	}
	return e.value, true
}

// Stale returns an entry that may still be used when asking anew has failed.
func (c *Cache[K, V]) Stale(k K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok || !c.now().Before(e.usable) {
		return v, false
	}
	return e.value, true
}

// Put remembers v until ttl has passed; [Cache.Stale] finds it for staleFor longer.
func (c *Cache[K, V]) Put(k K, v V, ttl, staleFor time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if _, ok := c.entries[k]; !ok && len(c.entries) >= c.size {
		c.makeRoom(now)
	}
	c.entries[k] = entry[V]{v, now, now.Add(ttl), now.Add(ttl + staleFor)}
}

// Delete forgets an entry.
func (c *Cache[K, V]) Delete(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, k)
}

// makeRoom drops what is of no more use, else the entry that expires first.
func (c *Cache[K, V]) makeRoom(now time.Time) {
	var first K
	var when time.Time
	for k, e := range c.entries {
		if !now.Before(e.usable) {
			delete(c.entries, k)
		} else if when.IsZero() || e.expires.Before(when) {
			first, when = k, e.expires
		}
	}
	if len(c.entries) >= c.size {
		delete(c.entries, first)
	}
}

// List implements [Listable]; keys print as fmt prints them, in their order.
func (c *Cache[K, V]) List() []Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	out := make([]Entry, 0, len(c.entries))
	for k, e := range c.entries {
		if now.Before(e.usable) {
			out = append(out, Entry{fmt.Sprint(k), now.Sub(e.put), e.expires})
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// Flush implements [Listable].
func (c *Cache[K, V]) Flush(match func(key string) bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for k := range c.entries {
		if match == nil || match(fmt.Sprint(k)) {
			delete(c.entries, k)
			n++
		}
	}
	return n
}
