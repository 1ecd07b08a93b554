package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/smtpaddr"
)

// putAddresses gives addresses to the mailbox, contact or group of an id, and takes from it those that it had.
func putAddresses(ctx context.Context, tx *sql.Tx, id int64, addresses ...smtpaddr.Address) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM proxy_address WHERE mailbox_id = ?`, id); err != nil {
		return err
	}
	for _, a := range addresses {
		res, err := tx.ExecContext(ctx, `INSERT INTO proxy_address (address, mailbox_id) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET mailbox_id = mailbox_id WHERE mailbox_id = excluded.mailbox_id`, a.String(), id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("address %s belongs to a mailbox, a contact or a group: %w", a, store.ErrExists))
		}
	}
	return nil
}

// list replaces what the mailbox, contact or group of an id is found by.
func list(ctx context.Context, tx *sql.Tx, id int64, l store.Listing) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM address_list WHERE id = ?`, id); err != nil {
		return err
	}
	terms, err := json.Marshal(l.Terms)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO address_list (term, address, id) SELECT value, ?2, ?3 FROM json_each(?1)`, string(terms), l.Address.String(), id)
	return err
}

// forget takes the addresses from an id, and what it is found by.
func forget(ctx context.Context, tx *sql.Tx, id int64) error {
	for _, q := range []string{`DELETE FROM proxy_address WHERE mailbox_id = ?`, `DELETE FROM address_list WHERE id = ?`} {
		if _, err := tx.ExecContext(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}

// idOf is the id that query finds for an address, or a new one.
func idOf(ctx context.Context, tx *sql.Tx, query string, a smtpaddr.Address) (id int64, err error) {
	err = tx.QueryRowContext(ctx, query, a.String()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return newID(), nil
	}
	return id, err
}

// fillAddressList makes the address list anew where older rules made it.
func (s *Store) fillAddressList(ctx context.Context) error {
	var rules int64
	if err := s.read.QueryRowContext(ctx, `SELECT version FROM counter WHERE name = 'address list'`).Scan(&rules); err != nil || rules >= store.AddressListRules {
		return err
	}
	return s.inTx(store.WithoutAudit(ctx), func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE counter SET version = ?1 WHERE name = 'address list' AND version < ?1`, store.AddressListRules)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM address_list`); err != nil {
			return err
		}
		for _, t := range store.ListedTables() {
			for after, n := int64(-1), 1; n > 0; {
				if after, n, err = listPage(ctx, tx, t, after); err != nil {
					return fmt.Errorf("address list: %w", err)
				}
			}
		}
		return nil
	})
}

// listPage lists the next rows of a table, and says which was the last and how many there were.
func listPage(ctx context.Context, tx *sql.Tx, t store.ListedTable, after int64) (last int64, n int, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, data FROM `+t.Name+` WHERE id > ? ORDER BY id LIMIT 1000`, after) // #nosec G202 -- a name of our own
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	page := map[int64]store.Listing{}
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&last, &data); err != nil {
			return 0, 0, err
		}
		if page[last], err = t.Listing(data); err != nil {
			return 0, 0, err
		}
	}
	if err := rows.Err(); err != nil {
		return 0, 0, err
	}
	for id, l := range page {
		if err := list(ctx, tx, id, l); err != nil {
			return 0, 0, err
		}
	}
	return last, len(page), nil
}
