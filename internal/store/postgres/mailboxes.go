package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// CreateMailbox stores a mailbox under a new id.
func (s *Store) CreateMailbox(ctx context.Context, m *mailbox.Mailbox) error {
	id := newID()
	err := s.inTx(ctx, func(tx pgx.Tx) error { return s.putMailbox(ctx, tx, id, m) })
	if err == nil {
		m.ID = id
	}
	return err
}

// UpdateMailbox replaces a mailbox. A new zone or address makes its occurrences void at once: the calendar is answered from its
// objects until they are derived anew, here or by ExtendHorizon.
func (s *Store) UpdateMailbox(ctx context.Context, m *mailbox.Mailbox) error {
	moved := false
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		var data []byte
		err := tx.QueryRow(ctx, `SELECT data FROM mailbox WHERE id = $1 FOR UPDATE`, m.ID).Scan(&data)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("mailbox %d: %w", m.ID, store.ErrNotFound)
		}
		if err != nil {
			return err
		}
		old := &mailbox.Mailbox{}
		if err := json.Unmarshal(data, old); err != nil {
			return err
		}
		moved = store.Moved(old, m)
		if err := s.putMailbox(ctx, tx, m.ID, m); err != nil || !moved {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE mailbox SET tzdata = '', calendar_version = calendar_version + 1 WHERE id = $1`, m.ID)
		return err
	})
	if err == nil && moved {
		_ = s.expandAnew(ctx, m.ID) // the change stands either way; ExtendHorizon tries again, and reports
	}
	return err
}

func (s *Store) putMailbox(ctx context.Context, tx pgx.Tx, id int64, m *mailbox.Mailbox) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := putAddresses(ctx, tx, id, append([]smtpaddr.Address{m.Address}, m.Aliases...)...); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO mailbox (id, address, data, password_hash, zone, calendar_version, expanded_from, expanded_until, tzdata) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET address = excluded.address, data = excluded.data, password_hash = excluded.password_hash, zone = excluded.zone`,
		id, m.Address.String(), string(data), m.PasswordHash, m.Zone, int64(store.OpenFrom), int64(store.OpenUntil), s.tzdata)
	return err
}

// newID makes the id of a mailbox or of a contact.
func newID() int64 { return rand.Int64N(1<<53-1) + 1 }

// putAddresses gives addresses to the mailbox or contact of an id, and takes from it those that it had.
func putAddresses(ctx context.Context, tx pgx.Tx, id int64, addresses ...smtpaddr.Address) error {
	if _, err := tx.Exec(ctx, `DELETE FROM proxy_address WHERE mailbox_id = $1`, id); err != nil {
		return err
	}
	for _, a := range addresses {
		tag, err := tx.Exec(ctx, `INSERT INTO proxy_address (address, mailbox_id) VALUES ($1, $2)
			ON CONFLICT (address) DO UPDATE SET mailbox_id = excluded.mailbox_id WHERE proxy_address.mailbox_id = excluded.mailbox_id`, a.String(), id)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fmt.Errorf("address %s belongs to a mailbox or a contact: %w", a, store.ErrExists)
		}
	}
	return nil
}

func scanMailbox(row pgx.Row, what string) (*mailbox.Mailbox, error) {
	var m mailbox.Mailbox
	var data string
	err := row.Scan(&m.ID, &data, &m.PasswordHash)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("mailbox %s: %w", what, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return &m, json.Unmarshal([]byte(data), &m)
}

// Mailbox finds a mailbox by any of its addresses.
func (s *Store) Mailbox(ctx context.Context, a smtpaddr.Address) (m *mailbox.Mailbox, err error) {
	err = s.served(ctx, func(ctx context.Context, c *pgxpool.Conn) (err error) {
		m, err = scanMailbox(c.QueryRow(ctx, `SELECT m.id, m.data, m.password_hash FROM proxy_address p JOIN mailbox m ON m.id = p.mailbox_id WHERE p.address = $1`, a.String()), a.String())
		return err
	})
	return m, err
}

// Mailboxes lists by primary address.
func (s *Store) Mailboxes(ctx context.Context, after smtpaddr.Address, limit int) ([]*mailbox.Mailbox, error) {
	rows, err := s.work.Query(ctx, `SELECT id, data, password_hash FROM mailbox WHERE address > $1 ORDER BY address LIMIT $2`, after.String(), limit)
	if err != nil {
		return nil, classify(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*mailbox.Mailbox, error) { return scanMailbox(row, "") })
	return list, classify(err)
}

// DeleteMailbox removes a mailbox with its calendar.
func (s *Store) DeleteMailbox(ctx context.Context, a smtpaddr.Address) error {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx pgx.Tx) error {
		// The mailbox's row first: an import that is about to become visible waits for it, and finds it gone.
		for _, q := range []string{`DELETE FROM mailbox WHERE id = $1`, `DELETE FROM proxy_address WHERE mailbox_id = $1`,
			`DELETE FROM occurrence WHERE mailbox_id = $1`, `DELETE FROM object WHERE mailbox_id = $1`, `DELETE FROM import WHERE mailbox_id = $1`,
			`DELETE FROM import_object WHERE mailbox_id = $1`, `DELETE FROM import_occurrence WHERE mailbox_id = $1`} {
			if _, err := tx.Exec(ctx, q, m.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// PutGroup creates or replaces a group; the members of nested groups are written flat.
func (s *Store) PutGroup(ctx context.Context, g *mailbox.Group) error {
	data, err := json.Marshal(g)
	if err != nil {
		return err
	}
	return s.groupTx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO mail_group (address, data) VALUES ($1, $2) ON CONFLICT (address) DO UPDATE SET data = excluded.data`, g.Address.String(), string(data))
		return err
	})
}

// DeleteGroup removes a group.
func (s *Store) DeleteGroup(ctx context.Context, a smtpaddr.Address) error {
	return s.groupTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM mail_group WHERE address = $1`, a.String())
		return oneRow(tag, err, "group "+a.String())
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
func (s *Store) Group(ctx context.Context, a smtpaddr.Address) (*mailbox.Group, error) {
	rows, err := s.work.Query(ctx, `SELECT data FROM mail_group WHERE address = $1`, a.String())
	if err != nil {
		return nil, classify(err)
	}
	g, err := pgx.CollectExactlyOneRow(rows, scanGroup)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("group %s: %w", a, store.ErrNotFound)
	}
	return g, classify(err)
}
