package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

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
	names, err := json.Marshal(addresses)
	if err != nil {
		return nil, err
	}
	err = s.readRecipients(ctx, func(r store.RecipientRow) (err error) {
		out[r.Position], err = r.Recipient()
		return err
	}, `SELECT r.position, r.id, m.data, c.data, g.data, o.data, ?2 = '' OR g.id IS NOT NULL
			OR EXISTS (SELECT 1 FROM proxy_address a JOIN group_member s ON s.group_address = ?2 AND s.member = a.address WHERE a.mailbox_id = r.id)
		FROM (SELECT j.key AS position, p.mailbox_id AS id FROM json_each(?1) j CROSS JOIN proxy_address p ON p.address = j.value) r`+recipientOf,
		string(names), scope.String())
	return out, err
}

// findQuery reads the terms that begin with the rarest of the words, filters by the other words, adds those whose address
// fits, and looks up only the first by address.
const findQuery = `WITH lead AS (SELECT w.value AS word FROM json_each(?1) w
		ORDER BY (SELECT count(*) FROM (SELECT 1 FROM address_list WHERE term >= w.value AND term < w.value || ?2 LIMIT ?3)) LIMIT 1)
	SELECT 0, r.id, m.data, c.data, g.data, o.data, true FROM (SELECT DISTINCT id, address FROM (
			SELECT l.id, l.address FROM address_list l WHERE l.term >= (SELECT word FROM lead) AND l.term < (SELECT word || ?2 FROM lead)
				AND NOT EXISTS (SELECT 1 FROM json_each(?1) w WHERE w.value <> (SELECT word FROM lead)
					AND NOT EXISTS (SELECT 1 FROM address_list x WHERE x.id = l.id AND x.term >= w.value AND x.term < w.value || ?2))
			UNION ALL SELECT id, address FROM address_list WHERE term >= ?4 AND term < ?5)
		ORDER BY address, id LIMIT ?6) r` + recipientOf + ` ORDER BY r.address, r.id`

// FindRecipients implements directory.Store.
func (s *Store) FindRecipients(ctx context.Context, words []string, prefix string, limit int) ([]directory.Recipient, error) {
	q := store.NewSearch(words, prefix)
	terms, err := json.Marshal(q.Words)
	if err != nil {
		return nil, err
	}
	var out []directory.Recipient
	err = s.readRecipients(ctx, func(r store.RecipientRow) error {
		recipient, err := r.Recipient()
		out = append(out, recipient)
		return err
	}, findQuery, string(terms), store.EndOfPrefix, store.CommonWord, q.Address, q.AddressEnd, limit)
	return out, err
}

func (s *Store) readRecipients(ctx context.Context, visit func(store.RecipientRow) error, query string, args ...any) error {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%w: recipients: %w", store.ErrUnavailable, err)
	}
	defer rows.Close()
	for rows.Next() {
		var r store.RecipientRow
		if err := rows.Scan(&r.Position, &r.ID, &r.Mailbox, &r.Contact, &r.Group, &r.Oof, &r.InScope); err != nil {
			return err
		}
		if err := visit(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// RoomLists implements directory.Store.
func (s *Store) RoomLists(ctx context.Context) ([]*mailbox.Group, error) {
	groups, err := readGroups(ctx, s.read, `SELECT data FROM mail_group WHERE room_list`)
	return store.VisibleRoomLists(groups), err
}

const mailboxOf = ` FROM proxy_address p JOIN mailbox m ON m.id = p.mailbox_id `

// OofSettings implements directory.Store.
func (s *Store) OofSettings(ctx context.Context, a smtpaddr.Address) (*directory.OofSettings, error) {
	var data []byte
	err := found(s.read.QueryRowContext(ctx, `SELECT o.data`+mailboxOf+`LEFT JOIN oof o ON o.mailbox_id = m.id WHERE p.address = ?`, a.String()).Scan(&data), "mailbox", a)
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
	return s.mailboxTx(ctx, a, func(tx *sql.Tx, id int64) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO oof (mailbox_id, data) VALUES (?, ?) ON CONFLICT (mailbox_id) DO UPDATE SET data = excluded.data`, id, data)
		return err
	})
}

// Photo implements directory.Store.
func (s *Store) Photo(ctx context.Context, a smtpaddr.Address) (*directory.Photo, error) {
	var data []byte
	var changed sql.NullInt64
	err := found(s.read.QueryRowContext(ctx, `SELECT f.data, f.changed_at`+mailboxOf+`LEFT JOIN photo f ON f.mailbox_id = m.id WHERE p.address = ?`, a.String()).Scan(&data, &changed), "mailbox", a)
	if err != nil || !changed.Valid {
		return nil, err
	}
	return &directory.Photo{Data: data, WhenChanged: store.PhotoTime(changed.Int64)}, nil
}

// PutPhoto implements directory.Store.
func (s *Store) PutPhoto(ctx context.Context, a smtpaddr.Address, p *directory.Photo) error {
	return s.mailboxTx(ctx, a, func(tx *sql.Tx, id int64) error {
		if p == nil {
			_, err := tx.ExecContext(ctx, `DELETE FROM photo WHERE mailbox_id = ?`, id)
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO photo (mailbox_id, data, changed_at) VALUES (?, ?, ?)
			ON CONFLICT (mailbox_id) DO UPDATE SET data = excluded.data, changed_at = excluded.changed_at`, id, p.Data, p.WhenChanged.UnixMilli())
		return err
	})
}

// mailboxTx runs f with the id of the mailbox that has the address.
func (s *Store) mailboxTx(ctx context.Context, a smtpaddr.Address, f func(tx *sql.Tx, id int64) error) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		var id int64
		if err := found(tx.QueryRowContext(ctx, `SELECT m.id`+mailboxOf+`WHERE p.address = ?`, a.String()).Scan(&id), "mailbox", a); err != nil {
			return err
		}
		return f(tx, id)
	})
}
