package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/internal/store"
)

// shelf is a table of replay keys whose inserts wait for step.
type shelf struct {
	step    chan error
	entered chan int // the keys of each insert, as it begins
	mu      sync.Mutex
	keys    map[[32]byte]bool
}

func newShelf() *shelf {
	return &shelf{step: make(chan error), entered: make(chan int, 100), keys: map[[32]byte]bool{}}
}

func (s *shelf) insert(_ context.Context, keys []store.ReplayKey) (fresh [][]byte, err error) {
	s.entered <- len(keys)
	if err := <-s.step; err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		if !s.keys[k.Key] {
			fresh = append(fresh, k.Key[:])
		}
		s.keys[k.Key] = true
	}
	return fresh, nil
}

type verdict struct {
	fresh bool
	err   error
}

// claim claims keys at once, all within the insert that follows the one in flight.
func claim(t *testing.T, r *store.Replays, keys ...byte) <-chan verdict {
	out := make(chan verdict, len(keys))
	for _, k := range keys {
		go func() {
			fresh, err := r.Claim(t.Context(), [32]byte{k}, time.Unix(1, 0))
			out <- verdict{fresh, err}
		}()
	}
	return out
}

func TestClaimsThatArriveDuringAnInsertShareTheNextOne(t *testing.T) {
	s := newShelf()
	r := store.NewReplays(s.insert)
	defer r.Close()
	first := claim(t, r, 1)
	<-s.entered
	rest := claim(t, r, 2, 3, 2, 1)
	for r.Waiting() < 4 {
		time.Sleep(time.Millisecond)
	}
	s.step <- nil
	if n := <-s.entered; n != 3 {
		t.Errorf("%d keys in the second insert, want 3 without the double", n)
	}
	s.step <- nil
	if v := <-first; !v.fresh || v.err != nil {
		t.Errorf("%+v", v)
	}
	fresh := 0
	for range 4 {
		if v := <-rest; v.err != nil {
			t.Error(v.err)
		} else if v.fresh {
			fresh++
		}
	}
	if fresh != 2 { // 3, and 2 once; 1 was there
		t.Errorf("%d of 2, 3, 2, 1 are fresh, want 2", fresh)
	}
}

func TestAnInsertThatFailsRefusesItsClaimsAndNoOthers(t *testing.T) {
	s := newShelf()
	r := store.NewReplays(s.insert)
	defer r.Close()
	broken := errors.New("disk full")
	first := claim(t, r, 1)
	<-s.entered
	s.step <- broken
	if v := <-first; v.fresh || !errors.Is(v.err, broken) {
		t.Errorf("%+v", v)
	}
	again := claim(t, r, 1)
	<-s.entered
	s.step <- nil
	if v := <-again; !v.fresh || v.err != nil {
		t.Errorf("%+v", v)
	}
}

func TestAFullQueueRefuses(t *testing.T) {
	s := newShelf()
	r := store.NewReplays(s.insert)
	claim(t, r, 1)
	<-s.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // these wait in the queue though nobody waits for them
	for range 1024 {
		if _, err := r.Claim(ctx, [32]byte{2}, time.Unix(1, 0)); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if _, err := r.Claim(t.Context(), [32]byte{3}, time.Unix(1, 0)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	close(s.step)
	r.Close()
}

func TestAClosedStoreRefusesWhatWaits(t *testing.T) {
	r := store.NewReplays(func(ctx context.Context, _ []store.ReplayKey) ([][]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	waiting := claim(t, r, 1, 2)
	r.Close()
	for range 2 {
		if v := <-waiting; v.fresh || v.err == nil {
			t.Errorf("%+v", v)
		}
	}
}
