package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// PutGroup creates or replaces a group; the members of nested groups are written flat.
func (s *Store) PutGroup(ctx context.Context, g *mailbox.Group) error {
	data, err := json.Marshal(g)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		id, err := idOf(ctx, tx, `SELECT id FROM mail_group WHERE address = ?`, g.Address)
		if err != nil {
			return err
		}
		if err := putAddresses(ctx, tx, id, g.Address); err != nil {
			return err
		}
		if err := list(ctx, tx, id, store.ListGroup(g)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO mail_group (address, data, id, room_list) VALUES (?, ?, ?, ?)
			ON CONFLICT (address) DO UPDATE SET data = excluded.data, room_list = excluded.room_list`, g.Address.String(), data, id, g.RoomList)
		if err != nil {
			return err
		}
		return flatten(ctx, tx)
	})
}

// DeleteGroup removes a group.
func (s *Store) DeleteGroup(ctx context.Context, a smtpaddr.Address) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		var id int64
		if err := found(tx.QueryRowContext(ctx, `DELETE FROM mail_group WHERE address = ? RETURNING id`, a.String()).Scan(&id), "group", a); err != nil {
			return err
		}
		if err := forget(ctx, tx, id); err != nil {
			return err
		}
		return flatten(ctx, tx)
	})
}

// flatten writes every group's members anew.
func flatten(ctx context.Context, tx *sql.Tx) error {
	groups, err := readGroups(ctx, tx, allGroups)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM group_member`); err != nil {
		return err
	}
	for _, m := range store.Flatten(groups) {
		if _, err := tx.ExecContext(ctx, `INSERT INTO group_member (group_address, member) VALUES (?, ?)`, m.Group.String(), m.Member.String()); err != nil {
			return err
		}
	}
	return nil
}

const allGroups = `SELECT data FROM mail_group ORDER BY address`

func readGroups(ctx context.Context, q interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, query string) ([]*mailbox.Group, error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer rows.Close()
	var out []*mailbox.Group
	for rows.Next() {
		var data []byte
		var g mailbox.Group
		if err := rows.Scan(&data); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &g); err != nil {
			return nil, err
		}
		out = append(out, &g)
	}
	return out, rows.Err()
}

// Groups lists all groups.
func (s *Store) Groups(ctx context.Context) ([]*mailbox.Group, error) {
	return readGroups(ctx, s.read, allGroups)
}

// Group finds one group.
func (s *Store) Group(ctx context.Context, a smtpaddr.Address) (*mailbox.Group, error) {
	var g mailbox.Group
	var data []byte
	if err := found(s.read.QueryRowContext(ctx, `SELECT data FROM mail_group WHERE address = ?`, a.String()).Scan(&data), "group", a); err != nil {
		return nil, err
	}
	return &g, json.Unmarshal(data, &g)
}

// viewGroups looks among the groups for the addresses that no mailbox and no contact has, and reads those inside them.
func viewGroups(ctx context.Context, tx *sql.Tx, _ mailbox.CalendarQuery, v *store.View) error {
	missing := v.Missing()
	if len(missing) == 0 {
		return nil
	}
	names, err := json.Marshal(missing)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `WITH RECURSIVE asked (address, data) AS (
		SELECT g.address, g.data FROM json_each(?1) j CROSS JOIN mail_group g ON g.address = j.value
		UNION SELECT g.address, g.data FROM asked CROSS JOIN json_each(CAST(asked.data AS TEXT), '$.Members') m CROSS JOIN mail_group g ON g.address = m.value)
		SELECT data FROM asked LIMIT ?2`, string(names), store.MaxGroups)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return err
		}
		if err := v.Group(data); err != nil {
			return err
		}
	}
	return rows.Err()
}
