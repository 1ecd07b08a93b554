package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/smtpaddr"
)

// putAddresses gives addresses to the mailbox, contact or group of an id, and takes from it those that it had.
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
			return fmt.Errorf("address %s belongs to a mailbox, a contact or a group: %w", a, store.ErrExists)
		}
	}
	return nil
}

// list replaces what the mailbox, contact or group of an id is found by.
func list(ctx context.Context, tx pgx.Tx, id int64, l store.Listing) error {
	if _, err := tx.Exec(ctx, `DELETE FROM address_list WHERE id = $1`, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO address_list (term, address, id) SELECT term, $2::text, $3::bigint FROM unnest($1::text[]) AS t (term)`, l.Terms, l.Address.String(), id)
	return err
}

// forget takes the addresses from an id, and what it is found by.
func forget(ctx context.Context, tx pgx.Tx, id int64) error {
	for _, q := range []string{`DELETE FROM proxy_address WHERE mailbox_id = $1`, `DELETE FROM address_list WHERE id = $1`} {
		if _, err := tx.Exec(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}

// idOf is the id that query finds for an address, or a new one.
func idOf(ctx context.Context, tx pgx.Tx, query string, a smtpaddr.Address) (id int64, err error) {
	err = tx.QueryRow(ctx, query, a.String()).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return newID(), nil
	}
	return id, err
}

// fillAddressList makes the address list anew where older rules made it; who calls it at the same time waits.
func fillAddressList(ctx context.Context, c *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE counter SET version = $1 WHERE name = 'address list' AND version < $1`, int64(store.AddressListRules))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM address_list`); err != nil {
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
func listPage(ctx context.Context, tx pgx.Tx, t store.ListedTable, after int64) (last int64, n int, err error) {
	rows, err := tx.Query(ctx, `SELECT id, data FROM `+t.Name+` WHERE id > $1 ORDER BY id LIMIT 1000`, after)
	if err != nil {
		return 0, 0, err
	}
	var data []byte
	var entries [][]any
	_, err = pgx.ForEachRow(rows, []any{&last, &data}, func() error {
		l, err := t.Listing(data)
		for _, term := range l.Terms {
			entries = append(entries, []any{term, l.Address.String(), last})
		}
		n++
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"address_list"}, []string{"term", "address", "id"}, pgx.CopyFromRows(entries))
	return last, n, err
}
