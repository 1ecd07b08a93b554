package gatewaystore

import (
	"context"
	"time"

	"github.com/availd/availd/federation/gateway"
)

// Issue implements gateway.Registry: the replay ids and the audit line in one transaction, so that a token that left
// is always written down. Ids that have expired are dropped by the way.
func (s *Store) Issue(ctx context.Context, i gateway.Issued, ids []string, expires time.Time) (bool, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `DELETE FROM seen WHERE expires < ?`, i.When.Unix()); err != nil {
		return false, err
	}
	for _, id := range ids {
		res, err := tx.ExecContext(ctx, `INSERT INTO seen (id, expires) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, expires.Unix())
		if err != nil {
			return false, err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return false, err
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO issued (at, organization, user, target, action, assertion) VALUES (?, ?, ?, ?, ?, ?)`,
		i.When.Unix(), i.Organization, i.User, i.Target, i.Action, i.Assertion); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

// Change is one change of the registry, as the audit has it.
type Change struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Verb   string    `json:"verb"`
	Object string    `json:"object"`
	Detail string    `json:"detail,omitempty"`
}

// Changes returns the last n changes, newest first.
func (s *Store) Changes(ctx context.Context, n int) ([]Change, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT at, actor, verb, object, detail FROM change ORDER BY id DESC LIMIT ?`, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Change{}
	for rows.Next() {
		var c Change
		var unix int64
		if err := rows.Scan(&unix, &c.Actor, &c.Verb, &c.Object, &c.Detail); err != nil {
			return nil, err
		}
		c.At = at(unix)
		out = append(out, c)
	}
	return out, rows.Err()
}

// IssuedTokens returns the last n issued tokens, newest first; of one organization unless name is "".
func (s *Store) IssuedTokens(ctx context.Context, name string, n int) ([]gateway.Issued, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT at, organization, user, target, action, assertion FROM issued WHERE ? IN ('', organization) ORDER BY id DESC LIMIT ?`, name, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []gateway.Issued{}
	for rows.Next() {
		var i gateway.Issued
		var unix int64
		if err := rows.Scan(&unix, &i.Organization, &i.User, &i.Target, &i.Action, &i.Assertion); err != nil {
			return nil, err
		}
		i.When = at(unix)
		out = append(out, i)
	}
	return out, rows.Err()
}
