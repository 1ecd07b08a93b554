package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// PutContacts creates or replaces contacts, all or none.
func (s *Store) PutContacts(ctx context.Context, list []*mailbox.Contact) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		for _, c := range list {
			if err := putContact(ctx, tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func putContact(ctx context.Context, tx pgx.Tx, c *mailbox.Contact) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	id, err := idOf(ctx, tx, `SELECT id FROM contact WHERE address = $1 FOR UPDATE`, c.Address)
	if err != nil {
		return err
	}
	if err := putAddresses(ctx, tx, id, c.Address); err != nil {
		return err
	}
	if err := list(ctx, tx, id, store.ListContact(c)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO contact (id, address, data) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET data = excluded.data`, id, c.Address.String(), string(data))
	return err
}

// DeleteContact removes a contact.
func (s *Store) DeleteContact(ctx context.Context, a smtpaddr.Address) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		var id int64
		if err := found(tx.QueryRow(ctx, `DELETE FROM contact WHERE address = $1 RETURNING id`, a.String()).Scan(&id), "contact", a); err != nil {
			return err
		}
		return forget(ctx, tx, id)
	})
}

func scanContact(row pgx.CollectableRow) (*mailbox.Contact, error) {
	var data string
	var c mailbox.Contact
	if err := row.Scan(&data); err != nil {
		return nil, err
	}
	return &c, json.Unmarshal([]byte(data), &c)
}

// Contact finds a contact by its own address.
func (s *Store) Contact(ctx context.Context, a smtpaddr.Address) (*mailbox.Contact, error) {
	rows, err := s.work.Query(ctx, `SELECT data FROM contact WHERE address = $1`, a.String())
	if err != nil {
		return nil, classify(err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanContact)
	return c, classify(found(err, "contact", a))
}

// Contacts lists by own address.
func (s *Store) Contacts(ctx context.Context, after smtpaddr.Address, limit int) ([]*mailbox.Contact, error) {
	rows, err := s.work.Query(ctx, `SELECT data FROM contact WHERE address > $1 ORDER BY address LIMIT $2`, after.String(), limit)
	if err != nil {
		return nil, classify(err)
	}
	list, err := pgx.CollectRows(rows, scanContact)
	return list, classify(err)
}

// viewContacts looks among the contacts for the addresses that no mailbox has.
func viewContacts(ctx context.Context, tx pgx.Tx, q mailbox.CalendarQuery, v *store.View) error {
	missing := v.Missing()
	if len(missing) == 0 {
		return nil
	}
	names := make([]string, len(missing))
	for i, a := range missing {
		names[i] = a.String()
	}
	rows, err := tx.Query(ctx, `SELECT c.data, $2 = '' OR EXISTS (SELECT 1 FROM group_member g WHERE g.group_address = $2 AND g.member = c.address)
		FROM contact c WHERE c.address = ANY($1::text[])`, names, q.Scope.String())
	if err != nil {
		return err
	}
	var data []byte
	var inScope bool
	_, err = pgx.ForEachRow(rows, []any{&data, &inScope}, func() error { return v.Contact(data, inScope) })
	return err
}

// viewGroups looks among the groups for the addresses that no mailbox and no contact has, and reads those inside them.
func viewGroups(ctx context.Context, tx pgx.Tx, _ mailbox.CalendarQuery, v *store.View) error {
	missing := v.Missing()
	if len(missing) == 0 {
		return nil
	}
	names := make([]string, len(missing))
	for i, a := range missing {
		names[i] = a.String()
	}
	rows, err := tx.Query(ctx, `WITH RECURSIVE asked (address, data) AS (
		SELECT address, data FROM mail_group WHERE address = ANY($1::text[])
		UNION SELECT g.address, g.data FROM asked
			CROSS JOIN LATERAL json_array_elements_text(CASE json_typeof(asked.data::json->'Members') WHEN 'array' THEN asked.data::json->'Members' ELSE '[]' END) m (member)
			JOIN mail_group g ON g.address = m.member)
		SELECT data FROM asked LIMIT $2`, names, store.MaxGroups)
	if err != nil {
		return err
	}
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&data}, func() error { return v.Group(data) })
	return err
}
