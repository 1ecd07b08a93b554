package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/availd/availd/internal/store"
)

var nodeTests = []test{
	{"a replay key is claimed once by twenty at once on two nodes, and after a restart", func(t *testing.T, open Opener) {
		nodes := []store.Store{node(t, open, 0), node(t, open, 0)}
		key, expires := [32]byte{1}, Today().Add(time.Hour)
		var fresh atomic.Int32
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				ok, err := nodes[i%2].ClaimReplay(t.Context(), key, expires)
				if err != nil {
					t.Error(err)
				}
				if ok {
					fresh.Add(1)
				}
			})
		}
		wg.Wait()
		nodes[0].Close()
		nodes[1].Close()
		again, err := node(t, open, 0).ClaimReplay(t.Context(), key, expires)
		if fresh.Load() != 1 || again || err != nil {
			t.Errorf("claimed %d times, after a restart %t %v", fresh.Load(), again, err)
		}
	}},
	{"a purge drops only what has expired", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		claim := func(key byte, expires time.Time) bool {
			ok, err := s.ClaimReplay(t.Context(), [32]byte{key}, expires)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		claim(1, Today().Add(-time.Hour))
		claim(2, Today().Add(time.Hour))
		if err := s.PurgeReplays(t.Context(), Today()); err != nil {
			t.Fatal(err)
		}
		if !claim(1, Today()) || claim(2, Today()) {
			t.Error("the wrong key went")
		}
	}},
	{"a closed store claims nothing", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		s.Close()
		if ok, err := s.ClaimReplay(t.Context(), [32]byte{1}, Today()); ok || err == nil {
			t.Errorf("%t %v", ok, err)
		}
	}},
	{"one node holds a lease until it lets it run out", func(t *testing.T, open Opener) {
		a, b := node(t, open, 0), node(t, open, 0)
		lease := func(s store.Store, holder string, ttl time.Duration) bool {
			held, err := s.Lease(t.Context(), "horizon", holder, ttl)
			if err != nil {
				t.Fatal(err)
			}
			return held
		}
		if !lease(a, "a", time.Hour) || lease(b, "b", time.Hour) || !lease(a, "a", time.Hour) {
			t.Error("the lease is not with its holder alone")
		}
		if held, err := b.Lease(t.Context(), "other work", "b", time.Hour); !held || err != nil {
			t.Errorf("another lease: %t %v", held, err)
		}
		if !lease(a, "a", 0) || !lease(b, "b", time.Hour) || lease(a, "a", time.Hour) {
			t.Error("a lease that ran out stays")
		}
	}},
}
