package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// CreateMailbox stores a mailbox under a new id.
func (s *Store) CreateMailbox(ctx context.Context, m *mailbox.Mailbox) error {
	id := rand.Int64N(1<<53-1) + 1
	err := s.inTx(ctx, func(tx *sql.Tx) error { return putMailbox(ctx, tx, id, m) })
	if err == nil {
		m.ID = id
	}
	return err
}

// UpdateMailbox replaces a mailbox; a new zone expands its calendar anew.
func (s *Store) UpdateMailbox(ctx context.Context, m *mailbox.Mailbox) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		old, err := mailboxByID(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		if err := putMailbox(ctx, tx, m.ID, m); err != nil || old.Zone == m.Zone {
			return err
		}
		return s.expandAnew(ctx, tx, m)
	})
}

func putMailbox(ctx context.Context, tx *sql.Tx, id int64, m *mailbox.Mailbox) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM proxy_address WHERE mailbox_id = ?`, id); err != nil {
		return err
	}
	for _, a := range append([]smtpaddr.Address{m.Address}, m.Aliases...) {
		res, err := tx.ExecContext(ctx, `INSERT INTO proxy_address (address, mailbox_id) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET mailbox_id = mailbox_id WHERE mailbox_id = excluded.mailbox_id`, a.String(), id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("address %s belongs to a mailbox: %w", a, store.ErrExists))
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO mailbox (id, address, data, password_hash) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET address = excluded.address, data = excluded.data, password_hash = excluded.password_hash`, id, m.Address.String(), data, m.PasswordHash)
	return err
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func scanMailbox(row interface{ Scan(...any) error }, what string) (*mailbox.Mailbox, error) {
	var m mailbox.Mailbox
	var data []byte
	err := row.Scan(&m.ID, &data, &m.PasswordHash)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("mailbox %s: %w", what, store.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return &m, json.Unmarshal(data, &m)
}

func mailboxByID(ctx context.Context, q queryer, id int64) (*mailbox.Mailbox, error) {
	return scanMailbox(q.QueryRowContext(ctx, `SELECT id, data, password_hash FROM mailbox WHERE id = ?`, id), fmt.Sprint(id))
}

// Mailbox finds a mailbox by any of its addresses.
func (s *Store) Mailbox(ctx context.Context, a smtpaddr.Address) (*mailbox.Mailbox, error) {
	return scanMailbox(s.read.QueryRowContext(ctx, `SELECT m.id, m.data, m.password_hash FROM proxy_address p JOIN mailbox m ON m.id = p.mailbox_id WHERE p.address = ?`, a.String()), a.String())
}

// Mailboxes lists by primary address.
func (s *Store) Mailboxes(ctx context.Context, after smtpaddr.Address, limit int) ([]*mailbox.Mailbox, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, data, password_hash FROM mailbox WHERE address > ? ORDER BY address LIMIT ?`, after.String(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*mailbox.Mailbox
	for rows.Next() {
		m, err := scanMailbox(rows, "")
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// DeleteMailbox removes a mailbox with its calendar.
func (s *Store) DeleteMailbox(ctx context.Context, a smtpaddr.Address) error {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{`DELETE FROM occurrence WHERE mailbox_id = ?`, `DELETE FROM object WHERE mailbox_id = ?`,
			`DELETE FROM proxy_address WHERE mailbox_id = ?`, `DELETE FROM mailbox WHERE id = ?`} {
			if _, err := tx.ExecContext(ctx, q, m.ID); err != nil {
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
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO mail_group (address, data) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET data = excluded.data`, g.Address.String(), data); err != nil {
			return err
		}
		return flatten(ctx, tx)
	})
}

// DeleteGroup removes a group.
func (s *Store) DeleteGroup(ctx context.Context, a smtpaddr.Address) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM mail_group WHERE address = ?`, a.String())
		if err := oneRow(res, err, "group "+a.String()); err != nil {
			return err
		}
		return flatten(ctx, tx)
	})
}

// flatten writes every group's members with those of the groups inside it; a cycle ends where it began.
func flatten(ctx context.Context, tx *sql.Tx) error {
	groups, err := readGroups(ctx, tx)
	if err != nil {
		return err
	}
	byAddress := map[smtpaddr.Address]*mailbox.Group{}
	for _, g := range groups {
		byAddress[g.Address] = g
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM group_member`); err != nil {
		return err
	}
	for _, g := range groups {
		seen := map[smtpaddr.Address]bool{g.Address: true}
		for queue := g.Members; len(queue) > 0; queue = queue[1:] {
			m := queue[0]
			if seen[m] {
				continue
			}
			seen[m] = true
			if nested, ok := byAddress[m]; ok {
				queue = append(queue[:len(queue):len(queue)], nested.Members...)
				continue
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO group_member (group_address, member) VALUES (?, ?) ON CONFLICT DO NOTHING`, g.Address.String(), m.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func readGroups(ctx context.Context, q interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}) ([]*mailbox.Group, error) {
	rows, err := q.QueryContext(ctx, `SELECT data FROM mail_group ORDER BY address`)
	if err != nil {
		return nil, err
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
func (s *Store) Groups(ctx context.Context) ([]*mailbox.Group, error) { return readGroups(ctx, s.read) }

// Group finds one group.
func (s *Store) Group(ctx context.Context, a smtpaddr.Address) (*mailbox.Group, error) {
	groups, err := readGroups(ctx, s.read)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		if g.Address == a {
			return g, nil
		}
	}
	return nil, fmt.Errorf("group %s: %w", a, store.ErrNotFound)
}
