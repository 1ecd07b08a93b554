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
		if err := found(tx.QueryRow(ctx, `SELECT data FROM mailbox WHERE id = $1 FOR UPDATE`, m.ID).Scan(&data), "mailbox", m.Address); err != nil {
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
		_, err := tx.Exec(ctx, `UPDATE mailbox SET tzdata = '', calendar_version = calendar_version + 1 WHERE id = $1`, m.ID)
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
	if err := putAddresses(ctx, tx, id, m.Addresses()...); err != nil {
		return err
	}
	if err := list(ctx, tx, id, store.ListMailbox(m)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO mailbox (id, address, data, password_hash, zone, calendar_version, expanded_from, expanded_until, tzdata) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET address = excluded.address, data = excluded.data, password_hash = excluded.password_hash, zone = excluded.zone`,
		id, m.Address.String(), string(data), m.PasswordHash, m.Zone, int64(store.OpenFrom), int64(store.OpenUntil), s.tzdata)
	return err
}

// newID makes the id of a mailbox, contact or group.
func newID() int64 { return rand.Int64N(1<<53-1) + 1 }

// found is the error of reading one row: store.ErrNotFound with the object's kind and name where there is none.
func found(err error, kind string, name any) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("%s %s: %w", kind, name, store.ErrNotFound)
	}
	return err
}

func scanMailbox(row pgx.Row, what string) (*mailbox.Mailbox, error) {
	var m mailbox.Mailbox
	var data string
	if err := found(row.Scan(&m.ID, &data, &m.PasswordHash), "mailbox", what); err != nil {
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

// DeleteMailbox removes a mailbox with all that is its own.
func (s *Store) DeleteMailbox(ctx context.Context, a smtpaddr.Address) error {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx pgx.Tx) error {
		// The mailbox's row first: an import that is about to become visible waits for it, and finds it gone.
		for _, q := range []string{`DELETE FROM mailbox WHERE id = $1`, `DELETE FROM oof WHERE mailbox_id = $1`, `DELETE FROM photo WHERE mailbox_id = $1`,
			`DELETE FROM occurrence WHERE mailbox_id = $1`, `DELETE FROM object WHERE mailbox_id = $1`, `DELETE FROM import WHERE mailbox_id = $1`,
			`DELETE FROM import_object WHERE mailbox_id = $1`, `DELETE FROM import_occurrence WHERE mailbox_id = $1`} {
			if _, err := tx.Exec(ctx, q, m.ID); err != nil {
				return err
			}
		}
		return forget(ctx, tx, m.ID)
	})
}
