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

// PutContacts creates or replaces contacts, all or none.
func (s *Store) PutContacts(ctx context.Context, list []*mailbox.Contact) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, c := range list {
			if err := putContact(ctx, tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func putContact(ctx context.Context, tx *sql.Tx, c *mailbox.Contact) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	id, err := idOf(ctx, tx, `SELECT id FROM contact WHERE address = ?`, c.Address)
	if err != nil {
		return err
	}
	if err := putAddresses(ctx, tx, id, c.Address); err != nil {
		return err
	}
	if err := list(ctx, tx, id, store.ListContact(c)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO contact (id, address, data) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data`, id, c.Address.String(), data)
	return err
}

// DeleteContact removes a contact.
func (s *Store) DeleteContact(ctx context.Context, a smtpaddr.Address) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		var id int64
		if err := found(tx.QueryRowContext(ctx, `DELETE FROM contact WHERE address = ? RETURNING id`, a.String()).Scan(&id), "contact", a); err != nil {
			return err
		}
		return forget(ctx, tx, id)
	})
}

// Contact finds a contact by its own address.
func (s *Store) Contact(ctx context.Context, a smtpaddr.Address) (*mailbox.Contact, error) {
	var c mailbox.Contact
	var data []byte
	if err := found(s.read.QueryRowContext(ctx, `SELECT data FROM contact WHERE address = ?`, a.String()).Scan(&data), "contact", a); err != nil {
		return nil, err
	}
	return &c, json.Unmarshal(data, &c)
}

// Contacts lists by own address.
func (s *Store) Contacts(ctx context.Context, after smtpaddr.Address, limit int) ([]*mailbox.Contact, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT data FROM contact WHERE address > ? ORDER BY address LIMIT ?`, after.String(), limit)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer rows.Close()
	var out []*mailbox.Contact
	for rows.Next() {
		var data []byte
		var c mailbox.Contact
		if err := rows.Scan(&data); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &c); err != nil {
			return nil, err
		}
		out = append(out, &c)
	}
	return out, rows.Err()
}

// viewContacts looks among the contacts for the addresses that no mailbox has.
func viewContacts(ctx context.Context, tx *sql.Tx, q mailbox.CalendarQuery, v *store.View) error {
	missing := v.Missing()
	if len(missing) == 0 {
		return nil
	}
	names, err := json.Marshal(missing)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT c.data, ?2 = '' OR EXISTS (SELECT 1 FROM group_member g WHERE g.group_address = ?2 AND g.member = c.address)
		FROM json_each(?1) j CROSS JOIN contact c ON c.address = j.value`, string(names), q.Scope.String())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		var inScope bool
		if err := rows.Scan(&data, &inScope); err != nil {
			return err
		}
		if err := v.Contact(data, inScope); err != nil {
			return err
		}
	}
	return rows.Err()
}
