package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/smtpaddr"
)

// ImportCalendar stores what src yields: all of it, or nothing.
func (s *Store) ImportCalendar(ctx context.Context, a smtpaddr.Address, src store.ImportSource, o store.ImportOptions) (store.ImportResult, error) {
	var res store.ImportResult
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return res, err
	}
	zone, err := store.Zone(m.Zone)
	if err != nil {
		return res, err
	}
	objects, err := store.PrepareAll(src, zone, s.now())
	if err != nil {
		return res, err
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		if o.Replace {
			r, err := tx.ExecContext(ctx, `DELETE FROM object WHERE mailbox_id = ?`, m.ID)
			if err != nil {
				return err
			}
			n, _ := r.RowsAffected()
			res.Removed = int(n)
			if _, err := tx.ExecContext(ctx, `DELETE FROM occurrence WHERE mailbox_id = ?`, m.ID); err != nil {
				return err
			}
		}
		for _, p := range objects {
			if err := putObject(ctx, tx, m, p); err != nil {
				return err
			}
			res.Objects++
			res.Occurrences += len(p.Occurrences)
			if o.Progress != nil && res.Objects%100 == 0 {
				o.Progress(res.Objects, res.Occurrences)
			}
		}
		return nil
	})
	return res, err
}

func putObject(ctx context.Context, tx *sql.Tx, m *mailbox.Mailbox, p *store.Prepared) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM occurrence WHERE mailbox_id = ? AND uid = ?`, m.ID, p.UID); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO object (mailbox_id, uid, data, first_start, last_end, expanded_from, expanded_until, zone) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (mailbox_id, uid) DO UPDATE SET data = excluded.data, first_start = excluded.first_start, last_end = excluded.last_end,
		expanded_from = excluded.expanded_from, expanded_until = excluded.expanded_until, zone = excluded.zone`,
		m.ID, p.UID, p.Data, p.First.Unix(), p.Last.Unix(), p.From.Unix(), p.Until.Unix(), m.Zone); err != nil {
		return err
	}
	for _, o := range p.Occurrences {
		long := 0
		if o.End.Sub(o.Start) > store.LongItem {
			long = 1
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO occurrence (mailbox_id, long, start, uid, end, busy, flags, subject, location) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			m.ID, long, o.Start.Unix(), p.UID, o.End.Unix(), o.BusyType, store.Flags(o), o.Subject, o.Location); err != nil {
			return err
		}
	}
	return nil
}

type objectRow struct {
	uid  string
	data []byte
}

func readObjects(ctx context.Context, q interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, query string, args ...any) ([]objectRow, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []objectRow
	for rows.Next() {
		var o objectRow
		if err := rows.Scan(&o.uid, &o.data); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// expandAnew derives all occurrences of a mailbox again.
func (s *Store) expandAnew(ctx context.Context, tx *sql.Tx, m *mailbox.Mailbox) error {
	zone, err := store.Zone(m.Zone)
	if err != nil {
		return err
	}
	objects, err := readObjects(ctx, tx, `SELECT uid, data FROM object WHERE mailbox_id = ?`, m.ID)
	if err != nil {
		return err
	}
	for _, o := range objects {
		p, err := store.Prepare(o.uid, o.data, zone, s.now())
		if err != nil {
			return err
		}
		if err := putObject(ctx, tx, m, p); err != nil {
			return err
		}
	}
	return nil
}

// ExtendHorizon expands the mailboxes again whose objects end before until.
func (s *Store) ExtendHorizon(ctx context.Context, until time.Time) (int, error) {
	ids, err := s.expiring(ctx, until)
	if err != nil {
		return 0, err
	}
	for i, id := range ids {
		err := s.inTx(ctx, func(tx *sql.Tx) error {
			m, err := mailboxByID(ctx, tx, id)
			if err != nil {
				return err
			}
			return s.expandAnew(ctx, tx, m)
		})
		if err != nil {
			return i, err
		}
	}
	return len(ids), nil
}

func (s *Store) expiring(ctx context.Context, until time.Time) (ids []int64, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT DISTINCT mailbox_id FROM object WHERE expanded_until < ? LIMIT 1000`, until.Unix())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// ExportCalendar writes every object as it was put.
func (s *Store) ExportCalendar(ctx context.Context, a smtpaddr.Address, w io.Writer) error {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return err
	}
	objects, err := readObjects(ctx, s.read, `SELECT uid, data FROM object WHERE mailbox_id = ? ORDER BY uid`, m.ID)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if _, err := w.Write(o.data); err != nil {
			return err
		}
	}
	return nil
}

// DeleteObject removes one object.
func (s *Store) DeleteObject(ctx context.Context, a smtpaddr.Address, uid string) error {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM occurrence WHERE mailbox_id = ? AND uid = ?`, m.ID, uid); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM object WHERE mailbox_id = ? AND uid = ?`, m.ID, uid)
		return oneRow(res, err, "event "+uid)
	})
}

// CalendarView answers all addresses with two reads: mailboxes with scope, and occurrences. Parts of the window that
// lie outside the horizon are expanded from the objects.
func (s *Store) CalendarView(ctx context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error) {
	out := make([]mailbox.Calendar, len(q.Addresses))
	byID, err := s.resolve(ctx, q, out)
	if err != nil || len(byID) == 0 {
		return out, err
	}
	ids := make([]int64, 0, len(byID))
	for id := range byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	now := s.now()
	from, until := now.Add(-store.HorizonBack/2), now.Add(store.HorizonAhead/2) // what every object surely holds
	if q.Start.Before(from) || q.End.After(until) {
		return out, s.fromObjects(ctx, q, byID, string(list), out)
	}
	return out, s.fromOccurrences(ctx, q, byID, string(list), out)
}

// resolve fills in the mailboxes and returns the positions of each id.
func (s *Store) resolve(ctx context.Context, q mailbox.CalendarQuery, out []mailbox.Calendar) (map[int64][]int, error) {
	names := make([]string, len(q.Addresses))
	for i, a := range q.Addresses {
		names[i] = a.String()
	}
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	rows, err := s.read.QueryContext(ctx, `SELECT j.key, m.id, m.data, ?2 = '' OR EXISTS (SELECT 1 FROM group_member g JOIN proxy_address a ON a.address = g.member WHERE g.group_address = ?2 AND a.mailbox_id = m.id)
		FROM json_each(?1) j JOIN proxy_address p ON p.address = j.value JOIN mailbox m ON m.id = p.mailbox_id`, string(list), q.Scope.String())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer rows.Close()
	byID := map[int64][]int{}
	for rows.Next() {
		var i int
		var m mailbox.Mailbox
		var data []byte
		c := mailbox.Calendar{Found: true, Mailbox: &m}
		if err := rows.Scan(&i, &m.ID, &data, &c.InScope); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, err
		}
		c.DefaultPermission = m.DefaultPermission
		if c.Zone, err = store.Zone(m.Zone); err != nil {
			c.Zone, c.Err = timezone.UTC(), err
		}
		out[i] = c
		byID[m.ID] = append(byID[m.ID], i)
	}
	return byID, rows.Err()
}

func (s *Store) fromOccurrences(ctx context.Context, q mailbox.CalendarQuery, byID map[int64][]int, ids string, out []mailbox.Calendar) error {
	limit := q.Limit
	if limit <= 0 {
		limit = 1 << 30
	}
	rows, err := s.read.QueryContext(ctx, `SELECT o.mailbox_id, o.start, o.end, o.busy, o.flags, o.subject, o.location, o.uid FROM json_each(?1) j CROSS JOIN occurrence o
		ON o.mailbox_id = j.value AND o.long = 0 AND o.start > ?2 AND o.start < ?3 AND (o.end > ?4 OR o.start = o.end AND o.start >= ?4)
		UNION ALL SELECT o.mailbox_id, o.start, o.end, o.busy, o.flags, o.subject, o.location, o.uid FROM json_each(?1) j CROSS JOIN occurrence o
		ON o.mailbox_id = j.value AND o.long = 1 AND o.start < ?3 AND o.end > ?4`,
		ids, q.Start.Add(-store.LongItem).Unix()-1, q.End.Unix(), q.Start.Unix())
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, start, end int64
		var flags int
		var o mailbox.Occurrence
		if err := rows.Scan(&id, &start, &end, &o.BusyType, &flags, &o.Subject, &o.Location, &o.UID); err != nil {
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		o.Start, o.End = time.Unix(start, 0).UTC(), time.Unix(end, 0).UTC()
		store.SetFlags(&o, flags)
		for _, i := range byID[id] {
			if len(out[i].Occurrences) <= limit {
				out[i].Occurrences = append(out[i].Occurrences, o)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	for _, positions := range byID {
		for _, i := range positions {
			sortOccurrences(out[i].Occurrences)
		}
	}
	return nil
}

func sortOccurrences(list []mailbox.Occurrence) {
	slices.SortStableFunc(list, func(a, b mailbox.Occurrence) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return a.End.Compare(b.End)
	})
}

// fromObjects expands on read; an object that cannot be expanded makes its mailbox's answer an error.
func (s *Store) fromObjects(ctx context.Context, q mailbox.CalendarQuery, byID map[int64][]int, ids string, out []mailbox.Calendar) error {
	rows, err := s.read.QueryContext(ctx, `SELECT o.mailbox_id, o.data FROM json_each(?1) j CROSS JOIN object o ON o.mailbox_id = j.value AND o.first_start < ?2 AND o.last_end > ?3`,
		ids, q.End.Unix(), q.Start.Unix())
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var data []byte
		if err := rows.Scan(&id, &data); err != nil {
			return err
		}
		for _, i := range byID[id] {
			list, err := store.ExpandOutside(data, q.Start, q.End, out[i].Zone)
			if err != nil {
				out[i].Err = err
				continue
			}
			out[i].Occurrences = append(out[i].Occurrences, list...)
		}
	}
	for _, positions := range byID {
		for _, i := range positions {
			sortOccurrences(out[i].Occurrences)
		}
	}
	return rows.Err()
}
