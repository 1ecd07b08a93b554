package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/availd/availd/internal/store"
)

// ClaimReplay implements federation.Replays.
func (s *Store) ClaimReplay(ctx context.Context, key [32]byte, expires time.Time) (bool, error) {
	return s.claims.Claim(ctx, key, expires)
}

func (s *Store) insertReplays(ctx context.Context, keys []store.ReplayKey) (fresh [][]byte, err error) {
	list, expires := make([][]byte, len(keys)), make([]int64, len(keys))
	for i := range keys {
		list[i], expires[i] = keys[i].Key[:], keys[i].Expires.Unix()
	}
	err = s.served(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, `INSERT INTO replay (key, expires) SELECT * FROM unnest($1::bytea[], $2::bigint[]) ON CONFLICT DO NOTHING RETURNING key`, list, expires)
		if err != nil {
			return err
		}
		fresh, err = pgx.CollectRows(rows, pgx.RowTo[[]byte])
		return err
	})
	return fresh, err
}

// PurgeReplays drops what expired before a time.
func (s *Store) PurgeReplays(ctx context.Context, before time.Time) error {
	_, err := s.work.Exec(ctx, `DELETE FROM replay WHERE expires < $1`, before.Unix())
	return classify(err)
}

// Lease implements store.Store; the database's clock decides for all nodes.
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (held bool, err error) {
	err = s.served(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		tag, err := c.Exec(ctx, `INSERT INTO lease AS l (name, holder, until) SELECT $1, $2, t.now + $3 FROM (SELECT (extract(epoch FROM now()) * 1000)::bigint AS now) t
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
			WHERE l.holder = excluded.holder OR l.until <= (extract(epoch FROM now()) * 1000)::bigint`, name, holder, ttl.Milliseconds())
		held = tag.RowsAffected() == 1
		return err
	})
	return held, err
}
