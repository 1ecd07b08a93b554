package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"
)

// ReplayKey is one key to be claimed.
type ReplayKey struct {
	Key     [32]byte
	Expires time.Time
}

// Bounds of Replays.
const (
	replayQueue   = 1024            // claims that wait; more are refused
	replayBatch   = 256             // keys of one insert
	replayTimeout = 2 * time.Second // of one insert
)

// Replays claims replay keys for a node by group commit: one multi-row insert is in flight at a time, and what arrives
// meanwhile goes into the next one, so that the cost of a commit is shared. It fails closed: an insert that fails
// refuses all its claims, and so does a full queue.
type Replays struct {
	insert func(ctx context.Context, keys []ReplayKey) (fresh [][]byte, err error)
	queue  chan replayClaim
	stop   context.CancelFunc
	ctx    context.Context
	done   chan struct{}
}

type replayClaim struct {
	ReplayKey
	verdict chan<- replayVerdict // room for one, so that nobody is waited for
}

type replayVerdict struct {
	fresh bool
	err   error
}

// NewReplays begins to claim. insert stores the keys that are not there yet, in one commit, and returns exactly those;
// the keys come sorted and without doubles, so that inserts of several nodes cannot block each other.
func NewReplays(insert func(ctx context.Context, keys []ReplayKey) ([][]byte, error)) *Replays {
	r := &Replays{insert: insert, queue: make(chan replayClaim, replayQueue), done: make(chan struct{})}
	r.ctx, r.stop = context.WithCancel(context.Background())
	go r.run()
	return r
}

// Close ends it; what waits is refused.
func (r *Replays) Close() {
	r.stop()
	<-r.done
}

// Claim stores a key and says whether it was new. An error means that nothing is known: refuse.
func (r *Replays) Claim(ctx context.Context, key [32]byte, expires time.Time) (bool, error) {
	verdict := make(chan replayVerdict, 1)
	select {
	case r.queue <- replayClaim{ReplayKey{key, expires}, verdict}:
	default:
		return false, fmt.Errorf("%w: %d replay keys wait already", ErrUnavailable, replayQueue)
	}
	select {
	case v := <-verdict:
		return v.fresh, v.err
	case <-ctx.Done():
		return false, fmt.Errorf("%w: replay key: %w", ErrUnavailable, ctx.Err())
	case <-r.done:
		return false, fmt.Errorf("%w: the store is closed", ErrUnavailable)
	}
}

// Waiting is how many claims wait for the next insert.
func (r *Replays) Waiting() int { return len(r.queue) }

func (r *Replays) run() {
	defer close(r.done)
	for {
		select {
		case <-r.ctx.Done():
			return
		case first := <-r.queue:
			r.commit(r.gather(first))
		}
	}
}

// gather takes what waits, sorted by key.
func (r *Replays) gather(first replayClaim) []replayClaim {
	claims := []replayClaim{first}
	for len(claims) < replayBatch {
		select {
		case c := <-r.queue:
			claims = append(claims, c)
			continue
		default:
		}
		break
	}
	slices.SortStableFunc(claims, func(a, b replayClaim) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return claims
}

// commit inserts the keys of claims and gives each its verdict; of equal keys the first only can be fresh.
func (r *Replays) commit(claims []replayClaim) {
	ctx, cancel := context.WithTimeout(r.ctx, replayTimeout)
	defer cancel()
	keys := make([]ReplayKey, 0, len(claims))
	for i, c := range claims {
		if i == 0 || c.Key != claims[i-1].Key {
			keys = append(keys, c.ReplayKey)
		} else if last := &keys[len(keys)-1]; c.Expires.After(last.Expires) {
			last.Expires = c.Expires
		}
	}
	inserted, err := r.insert(ctx, keys)
	fresh := map[string]bool{}
	for _, k := range inserted {
		fresh[string(k)] = true
	}
	for _, c := range claims {
		c.verdict <- replayVerdict{err == nil && fresh[string(c.Key[:])], err}
		delete(fresh, string(c.Key[:]))
	}
}
