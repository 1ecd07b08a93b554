package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// recipientOf joins what an id (of r) stands for.
const recipientOf = ` LEFT JOIN mailbox m ON m.id = r.id LEFT JOIN contact c ON c.id = r.id LEFT JOIN mail_group g ON g.id = r.id LEFT JOIN oof o ON o.mailbox_id = r.id`

// Recipients implements directory.Store.
func (s *Store) Recipients(ctx context.Context, addresses []smtpaddr.Address, scope smtpaddr.Address) ([]directory.Recipient, error) {
	out := make([]directory.Recipient, len(addresses))
	names := make([]string, len(addresses))
	for i, a := range addresses {
		names[i] = a.String()
	}
	err := s.readRecipients(ctx, func(r store.RecipientRow) (err error) {
		out[r.Position], err = r.Recipient()
		return err
	}, `SELECT r.position, r.id, m.data, c.data, g.data, o.data, $2 = '' OR g.id IS NOT NULL
			OR EXISTS (SELECT 1 FROM proxy_address a JOIN group_member s ON s.group_address = $2 AND s.member = a.address WHERE a.mailbox_id = r.id)
		FROM (SELECT j.position - 1 AS position, p.mailbox_id AS id FROM unnest($1::text[]) WITH ORDINALITY AS j (address, position) JOIN proxy_address p ON p.address = j.address) r`+recipientOf,
		names, scope.String())
	return out, err
}

// findQuery reads the terms that begin with the rarest of the words, filters by the other words, adds those whose address
// fits, and looks up only the first by address.
const findQuery = `WITH lead AS (SELECT w.word FROM unnest($1::text[]) AS w (word)
		ORDER BY (SELECT count(*) FROM (SELECT 1 FROM address_list WHERE term >= w.word AND term < w.word || $2::text LIMIT $3::bigint) n) LIMIT 1)
	SELECT 0, r.id, m.data, c.data, g.data, o.data, true FROM (SELECT DISTINCT address, id FROM (
			SELECT l.address, l.id FROM address_list l WHERE l.term >= (SELECT word FROM lead) AND l.term < (SELECT word || $2 FROM lead)
				AND NOT EXISTS (SELECT 1 FROM unnest($1) AS w (word) WHERE w.word <> (SELECT word FROM lead)
					AND NOT EXISTS (SELECT 1 FROM address_list x WHERE x.id = l.id AND x.term >= w.word AND x.term < w.word || $2))
			UNION ALL SELECT address, id FROM address_list WHERE term >= $4 AND term < $5) f
		ORDER BY address, id LIMIT $6::bigint) r` + recipientOf + ` ORDER BY r.address, r.id`

// FindRecipients implements directory.Store.
func (s *Store) FindRecipients(ctx context.Context, words []string, prefix string, limit int) ([]directory.Recipient, error) {
	q := store.NewSearch(words, prefix)
	var out []directory.Recipient
	err := s.readRecipients(ctx, func(r store.RecipientRow) error {
		recipient, err := r.Recipient()
		out = append(out, recipient)
		return err
	}, findQuery, q.Words, store.EndOfPrefix, store.CommonWord, q.Address, q.AddressEnd, limit)
	return out, err
}

func (s *Store) readRecipients(ctx context.Context, visit func(store.RecipientRow) error, query string, args ...any) error {
	return s.served(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("recipients: %w", err)
		}
		var r store.RecipientRow
		_, err = pgx.ForEachRow(rows, []any{&r.Position, &r.ID, &r.Mailbox, &r.Contact, &r.Group, &r.Oof, &r.InScope}, func() error { return visit(r) })
		return err
	})
}

// RoomLists implements directory.Store.
func (s *Store) RoomLists(ctx context.Context) (list []*mailbox.Group, err error) {
	err = s.served(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, `SELECT data FROM mail_group WHERE room_list`)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scanGroup)
		return err
	})
	return store.VisibleRoomLists(list), err
}

const mailboxOf = ` FROM proxy_address p JOIN mailbox m ON m.id = p.mailbox_id `

// OofSettings implements directory.Store.
func (s *Store) OofSettings(ctx context.Context, a smtpaddr.Address) (*directory.OofSettings, error) {
	var data []byte
	err := s.served(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		return found(c.QueryRow(ctx, `SELECT o.data`+mailboxOf+`LEFT JOIN oof o ON o.mailbox_id = m.id WHERE p.address = $1`, a.String()).Scan(&data), "mailbox", a)
	})
	if err != nil {
		return nil, err
	}
	return store.OofSettings(data)
}

// PutOofSettings implements directory.Store.
func (s *Store) PutOofSettings(ctx context.Context, a smtpaddr.Address, o *directory.OofSettings) error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return s.mailboxTx(ctx, a, func(tx pgx.Tx, id int64) error {
		_, err := tx.Exec(ctx, `INSERT INTO oof (mailbox_id, data) VALUES ($1, $2) ON CONFLICT (mailbox_id) DO UPDATE SET data = excluded.data`, id, string(data))
		return err
	})
}

// Photo implements directory.Store.
func (s *Store) Photo(ctx context.Context, a smtpaddr.Address) (*directory.Photo, error) {
	var data []byte
	var changed *int64
	err := s.served(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		return found(c.QueryRow(ctx, `SELECT f.data, f.changed_at`+mailboxOf+`LEFT JOIN photo f ON f.mailbox_id = m.id WHERE p.address = $1`, a.String()).Scan(&data, &changed), "mailbox", a)
	})
	if err != nil || changed == nil {
		return nil, err
	}
	return &directory.Photo{Data: data, WhenChanged: store.PhotoTime(*changed)}, nil
}

// PutPhoto implements directory.Store.
func (s *Store) PutPhoto(ctx context.Context, a smtpaddr.Address, p *directory.Photo) error {
	return s.mailboxTx(ctx, a, func(tx pgx.Tx, id int64) error {
		if p == nil {
			_, err := tx.Exec(ctx, `DELETE FROM photo WHERE mailbox_id = $1`, id)
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO photo (mailbox_id, data, changed_at) VALUES ($1, $2, $3)
			ON CONFLICT (mailbox_id) DO UPDATE SET data = excluded.data, changed_at = excluded.changed_at`, id, p.Data, p.WhenChanged.UnixMilli())
		return err
	})
}

// mailboxTx runs f with the id of the mailbox that has the address; a deletion of it waits.
func (s *Store) mailboxTx(ctx context.Context, a smtpaddr.Address, f func(tx pgx.Tx, id int64) error) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		var id int64
		if err := found(tx.QueryRow(ctx, `SELECT m.id`+mailboxOf+`WHERE p.address = $1 FOR UPDATE OF m`, a.String()).Scan(&id), "mailbox", a); err != nil {
			return err
		}
		return f(tx, id)
	})
}
