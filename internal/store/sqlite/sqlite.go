// Package sqlite is the embedded store: nothing to install, one node.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/migrations"
)

// Store implements store.Store in one database file, with the replay keys in a second one beside it.
type Store struct {
	path    string
	write   *sql.DB // one connection
	read    *sql.DB
	replays *sql.DB
	claims  *store.Replays
	key     *store.MasterKey
	now     func() time.Time
	tzdata  string
}

var _ store.Store = (*Store)(nil)

// A change that was acknowledged survives a power loss: the main file is synced with every commit. A replay key is worth
// less than its disk sync: one that a power loss takes back belongs to a message that the machine answered in the last
// moments before it stopped, and it may be answered once more within the minutes until it expires.
const (
	pragmas       = "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_txlock=immediate"
	replayPragmas = "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(NORMAL)&_txlock=immediate"
)

// Open opens or creates the database at path (mode 0600) and brings its schema up to date.
func Open(ctx context.Context, path string, o store.Options) (*Store, error) {
	o = o.WithDefaults()
	s := &Store{path: path, key: o.Key, now: o.Now, tzdata: o.TZData}
	for _, f := range []struct {
		db            **sql.DB
		path, pragmas string
		n             int
	}{{&s.write, path, pragmas, 1}, {&s.read, path, pragmas, 8}, {&s.replays, path + ".replay", replayPragmas, 1}} {
		file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("database: %w", err), s.Close())
		}
		file.Close()
		if *f.db, err = sql.Open("sqlite", "file:"+f.path+f.pragmas); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		(*f.db).SetMaxOpenConns(f.n)
		(*f.db).SetMaxIdleConns(f.n)
	}
	if err := s.Migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.sweep(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.claims = store.NewReplays(s.insertReplays)
	return s, nil
}

// Migrate brings the schema up to date. A schema that is ahead of this binary stays, if it allows this binary.
func (s *Store) Migrate(ctx context.Context) error {
	known := migrations.Last(migrations.SQLite())
	state, err := s.schema(ctx)
	if err == nil && state.Level < known {
		var p *goose.Provider
		if p, err = goose.NewProvider(goose.DialectSQLite3, s.write, migrations.SQLite()); err == nil {
			_, err = p.Up(ctx)
		}
		if err == nil {
			state, err = s.schema(ctx)
		}
	}
	if err == nil {
		err = state.Fits(known)
	}
	if err == nil {
		err = s.fillAddressList(ctx)
	}
	if err != nil {
		return fmt.Errorf("database %s: %w", s.path, err)
	}
	_, err = s.replays.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS replay (key BLOB PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID`)
	if err != nil {
		return fmt.Errorf("database %s.replay: %w", s.path, err)
	}
	return nil
}

func (s *Store) schema(ctx context.Context) (st store.SchemaState, err error) {
	var tables int
	err = s.write.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_level'`).Scan(&tables)
	if err != nil || tables == 0 {
		return st, err
	}
	err = s.write.QueryRowContext(ctx, `SELECT max(level), max(oldest_binary) FROM schema_level`).Scan(&st.Level, &st.Oldest)
	return st, err
}

// SchemaLevel is the number of the last migration.
func (s *Store) SchemaLevel(ctx context.Context) (int64, error) {
	st, err := s.schema(ctx)
	return st.Level, err
}

// Close closes all files.
func (s *Store) Close() error {
	if s.claims != nil {
		s.claims.Close()
	}
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write, s.replays} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Ping reads one row.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.ConfigVersion(ctx)
	return err
}

// inTx runs f in a write transaction.
func (s *Store) inTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	if e, ok := store.AuditFrom(ctx); ok {
		if err := audit(ctx, tx, e); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// configTx runs f and moves the configuration's counter last.
func (s *Store) configTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE counter SET version = version + 1 WHERE name = 'config'`)
		return err
	})
}

func oneRow(res sql.Result, err error, what string) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fmt.Errorf("%s: %w", what, store.ErrNotFound)
}

// Audit writes one entry.
func (s *Store) Audit(ctx context.Context, e store.AuditEntry) error { return audit(ctx, s.write, e) }

func audit(ctx context.Context, db interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, e store.AuditEntry) error {
	_, err := db.ExecContext(ctx, `INSERT INTO audit (at, who, verb, object, detail) VALUES (?, ?, ?, ?, ?)`, e.When.Unix(), e.Who, e.Verb, e.Object, e.Detail)
	return err
}

// AuditLog reads the newest entries.
func (s *Store) AuditLog(ctx context.Context, limit int) ([]store.AuditEntry, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT at, who, verb, object, detail FROM audit ORDER BY id DESC LIMIT ?`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []store.AuditEntry
	for rows.Next() {
		var e store.AuditEntry
		var at int64
		if err := rows.Scan(&at, &e.Who, &e.Verb, &e.Object, &e.Detail); err != nil {
			return nil, err
		}
		e.When = time.Unix(at, 0).UTC()
		out = append(out, e)
	}
	return out, rows.Err()
}
