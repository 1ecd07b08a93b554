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
	id := newID()
	err := s.inTx(ctx, func(tx *sql.Tx) error { return s.putMailbox(ctx, tx, id, m) })
	if err == nil {
		m.ID = id
	}
	return err
}

// UpdateMailbox replaces a mailbox. A new zone or address makes its occurrences void at once: the calendar is answered from its
// objects until they are derived anew, here or by ExtendHorizon.
func (s *Store) UpdateMailbox(ctx context.Context, m *mailbox.Mailbox) error {
	moved := false
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		old, err := mailboxByID(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		moved = store.Moved(old, m)
		if err := s.putMailbox(ctx, tx, m.ID, m); err != nil || !moved {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE mailbox SET tzdata = '', calendar_version = calendar_version + 1 WHERE id = ?`, m.ID)
		return err
	})
	if err == nil && moved {
		_ = s.expandAnew(ctx, m.ID) // the change stands either way; ExtendHorizon tries again, and reports
	}
	return err
}

func (s *Store) putMailbox(ctx context.Context, tx *sql.Tx, id int64, m *mailbox.Mailbox) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := putAddresses(ctx, tx, id, m.Addresses()...); err != nil {
		return err
	}
	if err := list(ctx, tx, id, store.ListMailbox(m)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO mailbox (id, address, data, password_hash, zone, calendar_version, expanded_from, expanded_until, tzdata) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET address = excluded.address, data = excluded.data, password_hash = excluded.password_hash, zone = excluded.zone`,
		id, m.Address.String(), data, m.PasswordHash, m.Zone, store.OpenFrom, store.OpenUntil, s.tzdata)
	return err
}

// newID makes the id of a mailbox, contact or group.
func newID() int64 { return rand.Int64N(1<<53-1) + 1 }

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func scanMailbox(row interface{ Scan(...any) error }, what string) (*mailbox.Mailbox, error) {
	var m mailbox.Mailbox
	var data []byte
	if err := found(row.Scan(&m.ID, &data, &m.PasswordHash), "mailbox", what); err != nil {
		return nil, err
	}
	return &m, json.Unmarshal(data, &m)
}

// found is the error of reading one row: store.ErrNotFound with the object's kind and name where there is none.
func found(err error, kind string, name any) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s %s: %w", kind, name, store.ErrNotFound)
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
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

// DeleteMailbox removes a mailbox with all that is its own.
func (s *Store) DeleteMailbox(ctx context.Context, a smtpaddr.Address) error {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{`DELETE FROM occurrence WHERE mailbox_id = ?`, `DELETE FROM object WHERE mailbox_id = ?`, `DELETE FROM import WHERE mailbox_id = ?`,
			`DELETE FROM import_object WHERE mailbox_id = ?`, `DELETE FROM import_occurrence WHERE mailbox_id = ?`,
			`DELETE FROM oof WHERE mailbox_id = ?`, `DELETE FROM photo WHERE mailbox_id = ?`, `DELETE FROM mailbox WHERE id = ?`} {
			if _, err := tx.ExecContext(ctx, q, m.ID); err != nil {
				return err
			}
		}
		return forget(ctx, tx, m.ID)
	})
}
