package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

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
	return s.groupTx(ctx, func(tx pgx.Tx) error {
		id, err := idOf(ctx, tx, `SELECT id FROM mail_group WHERE address = $1`, g.Address)
		if err != nil {
			return err
		}
		if err := putAddresses(ctx, tx, id, g.Address); err != nil {
			return err
		}
		if err := list(ctx, tx, id, store.ListGroup(g)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO mail_group (address, data, id, room_list) VALUES ($1, $2, $3, $4)
			ON CONFLICT (address) DO UPDATE SET data = excluded.data, room_list = excluded.room_list`, g.Address.String(), string(data), id, g.RoomList)
		return err
	})
}

// DeleteGroup removes a group.
func (s *Store) DeleteGroup(ctx context.Context, a smtpaddr.Address) error {
	return s.groupTx(ctx, func(tx pgx.Tx) error {
		var id int64
		if err := found(tx.QueryRow(ctx, `DELETE FROM mail_group WHERE address = $1 RETURNING id`, a.String()).Scan(&id), "group", a); err != nil {
			return err
		}
		return forget(ctx, tx, id)
	})
}

// groupTx runs f and writes every group's members anew; changes of groups wait for each other.
func (s *Store) groupTx(ctx context.Context, f func(tx pgx.Tx) error) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `LOCK TABLE mail_group IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		if err := f(tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, groupsQuery)
		if err != nil {
			return err
		}
		groups, err := pgx.CollectRows(rows, scanGroup)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM group_member`); err != nil {
			return err
		}
		members := store.Flatten(groups)
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"group_member"}, []string{"group_address", "member"}, pgx.CopyFromSlice(len(members), func(i int) ([]any, error) {
			return []any{members[i].Group.String(), members[i].Member.String()}, nil
		}))
		return err
	})
}

const groupsQuery = `SELECT data FROM mail_group ORDER BY address`

func scanGroup(row pgx.CollectableRow) (*mailbox.Group, error) {
	var data string
	var g mailbox.Group
	if err := row.Scan(&data); err != nil {
		return nil, err
	}
	return &g, json.Unmarshal([]byte(data), &g)
}

// Groups lists all groups.
func (s *Store) Groups(ctx context.Context) ([]*mailbox.Group, error) {
	rows, err := s.work.Query(ctx, groupsQuery)
	if err != nil {
		return nil, classify(err)
	}
	list, err := pgx.CollectRows(rows, scanGroup)
	return list, classify(err)
}

// Group finds one group.
func (s *Store) Group(ctx context.Context, a smtpaddr.Address) (g *mailbox.Group, err error) {
	err = s.served(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, `SELECT data FROM mail_group WHERE address = $1`, a.String())
		if err != nil {
			return err
		}
		g, err = pgx.CollectExactlyOneRow(rows, scanGroup)
		return found(err, "group", a)
	})
	return g, err
}
