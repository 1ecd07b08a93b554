package postgres

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// CalendarView answers all addresses from one snapshot: one read of the mailboxes with scope, and one of the occurrences
// of those whose window they hold; the others are expanded from their objects.
func (s *Store) CalendarView(ctx context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error) {
	v := store.NewView(q, s.tzdata)
	err := s.served(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, c, snapshot(), func(tx pgx.Tx) error {
			for _, read := range []func(context.Context, pgx.Tx, mailbox.CalendarQuery, *store.View) error{viewMailboxes, viewContacts, viewGroups, viewOccurrences, viewObjects} {
				if err := read(ctx, tx, q, v); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("calendars: %w", err)
	}
	return v.Calendars(), nil
}

func viewMailboxes(ctx context.Context, tx pgx.Tx, q mailbox.CalendarQuery, v *store.View) error {
	names := make([]string, len(q.Addresses))
	for i, a := range q.Addresses {
		names[i] = a.String()
	}
	rows, err := tx.Query(ctx, `SELECT j.position - 1, m.id, m.data, m.calendar_version, m.expanded_from, m.expanded_until, m.tzdata,
		$2 = '' OR EXISTS (SELECT 1 FROM proxy_address a JOIN group_member g ON g.group_address = $2 AND g.member = a.address WHERE a.mailbox_id = m.id)
		FROM unnest($1::text[]) WITH ORDINALITY AS j (address, position) JOIN proxy_address p ON p.address = j.address JOIN mailbox m ON m.id = p.mailbox_id`, names, q.Scope.String())
	if err != nil {
		return err
	}
	var r store.MailboxRow
	_, err = pgx.ForEachRow(rows, []any{&r.Position, &r.ID, &r.Data, &r.Version, &r.From, &r.Until, &r.TZData, &r.InScope}, func() error { return v.Mailbox(r) })
	return err
}

// occurrencesOf is the scan of one class; it begins no earlier than the longest of the class can reach into the window.
const occurrencesOf = `(SELECT start_at, end_at, busy, flags, subject, location, uid FROM occurrence WHERE mailbox_id = m.id AND class = `

const viewQuery = `SELECT m.id, o.* FROM unnest($1::bigint[]) AS m (id) CROSS JOIN LATERAL (` +
	occurrencesOf + `0 AND start_at >= $2::bigint - $5::bigint AND start_at < $3::bigint AND (end_at > $2 OR start_at = end_at AND start_at >= $2) ORDER BY start_at LIMIT $4)
	UNION ALL ` + occurrencesOf + `1 AND start_at >= $2 - $6::bigint AND start_at < $3 AND end_at > $2 ORDER BY start_at LIMIT $4)
	UNION ALL ` + occurrencesOf + `2 AND start_at < $3 AND end_at > $2 ORDER BY start_at LIMIT $4)) o`

func viewOccurrences(ctx context.Context, tx pgx.Tx, _ mailbox.CalendarQuery, v *store.View) error {
	if len(v.Near) == 0 {
		return nil
	}
	start, end, limit := v.Bounds()
	rows, err := tx.Query(ctx, viewQuery, v.Near, start, end, limit, int64(store.LongestOfDay), int64(store.LongestOfMonth))
	if err != nil {
		return err
	}
	var id, from, until int64
	var busy, flags int
	var o mailbox.Occurrence
	_, err = pgx.ForEachRow(rows, []any{&id, &from, &until, &busy, &flags, &o.Subject, &o.Location, &o.UID}, func() error {
		o.BusyType = mailbox.BusyType(busy)
		v.Occurrence(id, from, until, flags, o)
		return nil
	})
	return err
}

// slack is by how much a floating time can move when its mailbox changes zones, in seconds: the object's span may have
// been computed for the old one.
const slack = 2 * 24 * 60 * 60

func viewObjects(ctx context.Context, tx pgx.Tx, _ mailbox.CalendarQuery, v *store.View) error {
	if len(v.Far) == 0 {
		return nil
	}
	start, end, _ := v.Bounds()
	rows, err := tx.Query(ctx, `SELECT mailbox_id, data FROM object WHERE mailbox_id = ANY($1) AND first_start < $2 AND last_end > $3`, v.Far, end+slack, start-slack)
	if err != nil {
		return err
	}
	var id int64
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &data}, func() error {
		v.Object(id, data)
		return ctx.Err()
	})
	return err
}

// ExportCalendar writes every object as it was put.
func (s *Store) ExportCalendar(ctx context.Context, a smtpaddr.Address, w io.Writer) error {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return err
	}
	rows, err := s.work.Query(ctx, `SELECT data FROM object WHERE mailbox_id = $1 ORDER BY uid`, m.ID)
	if err != nil {
		return classify(err)
	}
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&data}, func() error {
		_, err := w.Write(data)
		return err
	})
	return classify(err)
}

// DeleteObject removes one object.
func (s *Store) DeleteObject(ctx context.Context, a smtpaddr.Address, uid string) error {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE mailbox SET calendar_version = calendar_version + 1 WHERE id = $1`, m.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM occurrence WHERE mailbox_id = $1 AND uid = $2`, m.ID, uid); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM object WHERE mailbox_id = $1 AND uid = $2`, m.ID, uid)
		return oneRow(tag, err, "event "+uid)
	})
}
