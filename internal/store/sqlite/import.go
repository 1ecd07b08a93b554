package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// load is one import: what it reads is staged in short transactions and becomes visible in the last one.
type load struct {
	s       *Store
	m       *mailbox.Mailbox
	id      string
	version int64 // where > 0: the calendar's version that is replaced, and no other
}

// discardTimeout bounds the cleaning after an import.
const discardTimeout = 10 * time.Second

// ImportCalendar stores what src yields: all of it, or nothing. The newest import of a mailbox ends those before it.
func (s *Store) ImportCalendar(ctx context.Context, a smtpaddr.Address, src store.ImportSource, o store.ImportOptions) (store.ImportResult, error) {
	m, err := s.Mailbox(ctx, a)
	if err != nil {
		return store.ImportResult{}, err
	}
	return (&load{s: s, m: m, id: store.NewID()}).run(ctx, src, o)
}

func (l *load) run(ctx context.Context, src store.ImportSource, o store.ImportOptions) (res store.ImportResult, err error) {
	if _, err := store.Zone(l.m.Zone); err != nil { // before it ends another import
		return res, err
	}
	if err := l.begin(ctx); err != nil {
		return res, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
		defer cancel()
		_ = l.s.discard(ctx, l.m.ID, l.id) // what stays is swept away later; whether the import succeeded is decided already
	}()
	horizon := store.Horizon(l.s.now())
	res, err = store.Stage(ctx, src, l.m, horizon, o.Progress, func(batch []*store.Prepared) error { return l.put(ctx, batch) })
	if err != nil {
		return store.ImportResult{}, err
	}
	res.Removed, err = l.publish(ctx, horizon, o.Replace)
	if err != nil {
		return store.ImportResult{}, err
	}
	return res, nil
}

// begin ends what other imports of the mailbox have staged, which may be what is left of a crash. Expanding anew ends
// nobody's import.
func (l *load) begin(ctx context.Context) error {
	if l.version == 0 {
		if err := l.s.discard(ctx, l.m.ID, ""); err != nil {
			return err
		}
	}
	_, err := l.s.write.ExecContext(ctx, `INSERT INTO import (mailbox_id, id, alive_at) VALUES (?, ?, ?)`, l.m.ID, l.id, l.s.now().Unix())
	return err
}

// stagingTx runs f in a short transaction that no audit entry goes with: nothing becomes visible.
func (s *Store) stagingTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	return s.inTx(store.WithoutAudit(ctx), f)
}

// alive refuses to go on where a newer import has ended this one.
func (l *load) alive(ctx context.Context, tx *sql.Tx) error {
	res, err := tx.ExecContext(ctx, `UPDATE import SET alive_at = ? WHERE mailbox_id = ? AND id = ?`, l.s.now().Unix(), l.m.ID, l.id)
	return oneRow(res, err, "another import of "+l.m.Address.String()+" has ended this one")
}

func (l *load) put(ctx context.Context, batch []*store.Prepared) error {
	return l.s.stagingTx(ctx, func(tx *sql.Tx) error {
		if err := l.alive(ctx, tx); err != nil {
			return err
		}
		object, err := tx.PrepareContext(ctx, `INSERT INTO import_object (mailbox_id, import_id, uid, data, first_start, last_end) VALUES (?, ?, ?, ?, ?, ?)`)
		if err != nil {
			return err
		}
		defer object.Close()
		occurrence, err := tx.PrepareContext(ctx, `INSERT INTO import_occurrence (mailbox_id, import_id, uid, n, class, start_at, end_at, busy, flags, subject, location) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
		if err != nil {
			return err
		}
		defer occurrence.Close()
		for _, p := range batch {
			if _, err := object.ExecContext(ctx, l.m.ID, l.id, p.UID, p.Data, p.First.Unix(), p.Last.Unix()); err != nil {
				return fmt.Errorf("event %.60q: %w", p.UID, err)
			}
			for n, o := range p.Occurrences {
				if _, err := occurrence.ExecContext(ctx, l.m.ID, l.id, p.UID, n, store.Class(o), o.Start.Unix(), o.End.Unix(), o.BusyType, store.Flags(o), o.Subject, o.Location); err != nil {
					return fmt.Errorf("event %.60q: %w", p.UID, err)
				}
			}
		}
		return nil
	})
}

// publish makes visible what is staged.
func (l *load) publish(ctx context.Context, r store.Range, replace bool) (removed int, err error) {
	err = l.s.inTx(ctx, func(tx *sql.Tx) error {
		if err := l.alive(ctx, tx); err != nil {
			return err
		}
		if err := l.stamp(ctx, tx, r, replace); err != nil {
			return err
		}
		if replace {
			err := tx.QueryRowContext(ctx, `SELECT count(*) FROM object o WHERE mailbox_id = ?1 AND NOT EXISTS
				(SELECT 1 FROM import_object i WHERE i.mailbox_id = ?1 AND i.import_id = ?2 AND i.uid = o.uid)`, l.m.ID, l.id).Scan(&removed)
			if err != nil {
				return err
			}
		}
		for _, query := range publishQueries() {
			if _, err := tx.ExecContext(ctx, query, l.m.ID, l.id, replace); err != nil {
				return err
			}
		}
		return nil
	})
	return removed, err
}

// publishQueries take the mailbox (?1), the import (?2) and whether the whole calendar is replaced (?3).
func publishQueries() []string {
	const staged = ` FROM import_object WHERE mailbox_id = ?1 AND import_id = ?2`
	const gone = ` WHERE mailbox_id = ?1 AND (?3 OR uid IN (SELECT uid` + staged + `))`
	return []string{
		`DELETE FROM occurrence` + gone,
		`DELETE FROM object` + gone,
		`INSERT INTO object (mailbox_id, uid, data, first_start, last_end) SELECT mailbox_id, uid, data, first_start, last_end` + staged + ` AND ?3 IS NOT NULL`,
		`INSERT INTO occurrence (mailbox_id, class, start_at, uid, n, end_at, busy, flags, subject, location)
			SELECT mailbox_id, class, start_at, uid, n, end_at, busy, flags, subject, location FROM import_occurrence
			WHERE mailbox_id = ?1 AND import_id = ?2 AND ?3 IS NOT NULL`, // ?3 is named so that all take the same arguments
	}
}

// stamp moves the calendar's version and says what its occurrences hold from now on: the new range where all objects
// are replaced, else what both have. It refuses where the zone is no longer the one that was expanded for.
func (l *load) stamp(ctx context.Context, tx *sql.Tx, r store.Range, replace bool) error {
	res, err := tx.ExecContext(ctx, `UPDATE mailbox SET calendar_version = calendar_version + 1,
		expanded_from = CASE WHEN ?1 THEN ?2 ELSE max(expanded_from, ?2) END,
		expanded_until = CASE WHEN ?1 THEN ?3 ELSE min(expanded_until, ?3) END,
		tzdata = CASE WHEN ?1 OR tzdata = ?4 THEN ?4 ELSE '' END
		WHERE id = ?5 AND zone = ?6 AND (?7 = 0 OR calendar_version = ?7)`, replace, r.From.Unix(), r.Until.Unix(), l.s.tzdata, l.m.ID, l.m.Zone, l.version)
	return oneRow(res, err, "mailbox "+l.m.Address.String()+" as it was when the import began")
}

// discard removes what is staged for one import of a mailbox, or for all (id "").
func (s *Store) discard(ctx context.Context, mailbox int64, id string) error {
	return s.stagingTx(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{
			`DELETE FROM import WHERE mailbox_id = ?1 AND (?2 = '' OR id = ?2)`,
			`DELETE FROM import_object WHERE mailbox_id = ?1 AND (?2 = '' OR import_id = ?2)`,
			`DELETE FROM import_occurrence WHERE mailbox_id = ?1 AND (?2 = '' OR import_id = ?2)`,
		} {
			if _, err := tx.ExecContext(ctx, q, mailbox, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweep discards imports that have not moved for so long that they are dead.
func (s *Store) sweep(ctx context.Context) error {
	ids, err := s.mailboxIDs(ctx, `SELECT DISTINCT mailbox_id FROM import WHERE alive_at < ?`, s.now().Add(-store.ImportIdle).Unix())
	for _, id := range ids {
		err = errors.Join(err, s.discard(ctx, id, ""))
	}
	return err
}

// expandAnew derives the occurrences of a mailbox from its objects again.
func (s *Store) expandAnew(ctx context.Context, id int64) error {
	l := &load{s: s, id: store.NewID()}
	err := s.read.QueryRowContext(ctx, `SELECT calendar_version FROM mailbox WHERE id = ?`, id).Scan(&l.version)
	if err == nil {
		l.m, err = mailboxByID(ctx, s.read, id)
	}
	if err != nil {
		return err
	}
	src := &store.Pages{Read: func(after string) ([]store.Object, error) { return s.objectsAfter(ctx, id, after) }}
	_, err = l.run(store.WithoutAudit(ctx), src, store.ImportOptions{Replace: true})
	return err
}

func (s *Store) objectsAfter(ctx context.Context, mailbox int64, uid string) ([]store.Object, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT uid, data FROM object WHERE mailbox_id = ? AND uid > ? ORDER BY uid LIMIT ?`, mailbox, uid, store.PageSize)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []store.Object
	for rows.Next() {
		var o store.Object
		if err := rows.Scan(&o.UID, &o.Data); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// ExtendHorizon implements store.Store.
func (s *Store) ExtendHorizon(ctx context.Context, until time.Time) (int, error) {
	err := s.sweep(ctx)
	ids, e := s.mailboxIDs(ctx, `SELECT id FROM mailbox WHERE expanded_until < ?1
		UNION SELECT id FROM mailbox WHERE tzdata < ?2 UNION SELECT id FROM mailbox WHERE tzdata > ?2`, until.Unix(), s.tzdata)
	err = errors.Join(err, e)
	done := 0
	for _, id := range ids {
		if e := s.expandAnew(ctx, id); e != nil {
			err = errors.Join(err, fmt.Errorf("mailbox %d: %w", id, e))
			continue
		}
		done++
	}
	return done, err
}

func (s *Store) mailboxIDs(ctx context.Context, query string, args ...any) (ids []int64, err error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
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
