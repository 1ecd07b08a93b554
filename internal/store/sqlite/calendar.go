package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// CalendarView answers all addresses from one snapshot: one read of the mailboxes with scope, and one of the occurrences
// of those whose window they hold; the others are expanded from their objects.
func (s *Store) CalendarView(ctx context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer tx.Rollback()
	v := store.NewView(q, s.tzdata)
	for _, read := range []func(context.Context, *sql.Tx, mailbox.CalendarQuery, *store.View) error{viewMailboxes, viewContacts, viewGroups, viewOccurrences, viewObjects} {
		if err := read(ctx, tx, q, v); err != nil {
			return nil, fmt.Errorf("%w: calendars: %w", store.ErrUnavailable, err)
		}
	}
	return v.Calendars(), nil
}

func viewMailboxes(ctx context.Context, tx *sql.Tx, q mailbox.CalendarQuery, v *store.View) error {
	names, err := json.Marshal(q.Addresses)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT j.key, m.id, m.data, m.calendar_version, m.expanded_from, m.expanded_until, m.tzdata,
		?2 = '' OR EXISTS (SELECT 1 FROM proxy_address a JOIN group_member g ON g.group_address = ?2 AND g.member = a.address WHERE a.mailbox_id = m.id)
		FROM json_each(?1) j JOIN proxy_address p ON p.address = j.value JOIN mailbox m ON m.id = p.mailbox_id`, string(names), q.Scope.String())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r store.MailboxRow
		if err := rows.Scan(&r.Position, &r.ID, &r.Data, &r.Version, &r.From, &r.Until, &r.TZData, &r.InScope); err != nil {
			return err
		}
		if err := v.Mailbox(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// occurrencesOf is the scan of one class; it begins no earlier than the longest of the class can reach into the window.
const occurrencesOf = `SELECT o.mailbox_id, o.start_at, o.end_at, o.busy, o.flags, o.subject, o.location, o.uid
	FROM json_each(?1) j CROSS JOIN occurrence o ON o.mailbox_id = j.value AND o.class = `

const viewQuery = occurrencesOf + `0 AND o.start_at >= ?2 - ?4 AND o.start_at < ?3 AND (o.end_at > ?2 OR o.start_at = o.end_at AND o.start_at >= ?2)
	UNION ALL ` + occurrencesOf + `1 AND o.start_at >= ?2 - ?5 AND o.start_at < ?3 AND o.end_at > ?2
	UNION ALL ` + occurrencesOf + `2 AND o.start_at < ?3 AND o.end_at > ?2`

func viewOccurrences(ctx context.Context, tx *sql.Tx, _ mailbox.CalendarQuery, v *store.View) error {
	if len(v.Near) == 0 {
		return nil
	}
	ids, err := json.Marshal(v.Near)
	if err != nil {
		return err
	}
	start, end, limit := v.Bounds()
	rows, err := tx.QueryContext(ctx, viewQuery, string(ids), start, end, store.LongestOfDay, store.LongestOfMonth)
	if err != nil {
		return err
	}
	defer rows.Close()
	read := map[int64]int{} // of all classes: what is over the limit is stepped over
	for rows.Next() {
		var id, start, end int64
		var flags int
		var o mailbox.Occurrence
		if err := rows.Scan(&id, &start, &end, &o.BusyType, &flags, &o.Subject, &o.Location, &o.UID); err != nil {
			return err
		}
		if read[id]++; read[id] <= 3*limit {
			v.Occurrence(id, start, end, flags, o)
		}
	}
	return rows.Err()
}

// slack is by how much a floating time can move when its mailbox changes zones, in seconds: the object's span may have
// been computed for the old one.
const slack = 2 * 24 * 60 * 60

func viewObjects(ctx context.Context, tx *sql.Tx, _ mailbox.CalendarQuery, v *store.View) error {
	if len(v.Far) == 0 {
		return nil
	}
	ids, err := json.Marshal(v.Far)
	if err != nil {
		return err
	}
	start, end, _ := v.Bounds()
	rows, err := tx.QueryContext(ctx, `SELECT o.mailbox_id, o.data FROM json_each(?1) j CROSS JOIN object o ON o.mailbox_id = j.value AND o.first_start < ?2 AND o.last_end > ?3`,
		string(ids), end+slack, start-slack)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var data []byte
		if err := rows.Scan(&id, &data); err != nil {
			return err
		}
		v.Object(id, data)
	}
	return rows.Err()
}

// ExportCalendar writes every object as it was put.
func (s *Store) ExportCalendar(ctx context.Context, a smtpaddr.Address, w io.Writer) error {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return err
	}
	rows, err := s.read.QueryContext(ctx, `SELECT data FROM object WHERE mailbox_id = ? ORDER BY uid`, m.ID)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return rows.Err()
}

// DeleteObject removes one object.
func (s *Store) DeleteObject(ctx context.Context, a smtpaddr.Address, uid string) error {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE mailbox SET calendar_version = calendar_version + 1 WHERE id = ?`, m.ID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM occurrence WHERE mailbox_id = ? AND uid = ?`, m.ID, uid); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM object WHERE mailbox_id = ? AND uid = ?`, m.ID, uid)
		return oneRow(res, err, "event "+uid)
	})
}
