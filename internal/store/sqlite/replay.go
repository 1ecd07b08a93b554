package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/internal/store"
)

// ClaimReplay implements federation.Replays.
func (s *Store) ClaimReplay(ctx context.Context, key [32]byte, expires time.Time) (bool, error) {
	return s.claims.Claim(ctx, key, expires)
}

func (s *Store) insertReplays(ctx context.Context, keys []store.ReplayKey) ([][]byte, error) {
	args := make([]any, 0, 2*len(keys))
	for i := range keys {
		args = append(args, keys[i].Key[:], keys[i].Expires.Unix())
	}
	values := strings.TrimSuffix(strings.Repeat("(?, ?),", len(keys)), ",")
	rows, err := s.replays.QueryContext(ctx, `INSERT INTO replay (key, expires) VALUES `+values+` ON CONFLICT DO NOTHING RETURNING key`, args...) // #nosec G202 -- placeholders only
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer rows.Close()
	var fresh [][]byte
	for rows.Next() {
		var key []byte
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		fresh = append(fresh, key)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return fresh, nil
}

// PurgeReplays drops what expired before a time.
func (s *Store) PurgeReplays(ctx context.Context, before time.Time) error {
	_, err := s.replays.ExecContext(ctx, `DELETE FROM replay WHERE expires < ?`, before.Unix())
	return err
}

// Lease implements store.Store.
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	now := s.now()
	res, err := s.write.ExecContext(ctx, `INSERT INTO lease (name, holder, until) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE holder = excluded.holder OR until <= ?`,
		name, holder, now.Add(ttl).UnixMilli(), now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
