// Package sqlite is the embedded store: nothing to install, one node.
package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/migrations"
	"github.com/availd/availd/orgrel"
)

// Store implements store.Store in one database file, with the replay keys in a second one beside it.
type Store struct {
	path    string
	write   *sql.DB // one connection
	read    *sql.DB
	replays *sql.DB
	key     *store.MasterKey
	now     func() time.Time
}

var _ store.Store = (*Store)(nil)

const pragmas = "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(NORMAL)&_txlock=immediate"

// Open opens or creates the database at path (mode 0600) and brings its schema up to date.
func Open(ctx context.Context, path string, key *store.MasterKey, now func() time.Time) (*Store, error) {
	s := &Store{path: path, key: key, now: now}
	for _, f := range []struct {
		db   **sql.DB
		path string
		n    int
	}{{&s.write, path, 1}, {&s.read, path, 8}, {&s.replays, path + ".replay", 1}} {
		file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		file.Close()
		if *f.db, err = sql.Open("sqlite", "file:"+f.path+pragmas); err != nil {
			return nil, err
		}
		(*f.db).SetMaxOpenConns(f.n)
		(*f.db).SetMaxIdleConns(f.n)
	}
	if err := s.Migrate(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Migrate brings the schema up to date.
func (s *Store) Migrate(ctx context.Context) error {
	p, err := s.provider()
	if err == nil {
		var db, known int64
		if db, err = p.GetDBVersion(ctx); err == nil {
			known = p.ListSources()[len(p.ListSources())-1].Version
			if db > known {
				return fmt.Errorf("database %s has schema level %d and this binary knows %d: %w", s.path, db, known, store.ErrSchema)
			}
			_, err = p.Up(ctx)
		}
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

func (s *Store) provider() (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectSQLite3, s.write, migrations.SQLite())
}

// SchemaLevel is the number of the last migration.
func (s *Store) SchemaLevel(ctx context.Context) (int64, error) {
	p, err := s.provider()
	if err != nil {
		return 0, err
	}
	return p.GetDBVersion(ctx)
}

// Close closes all files.
func (s *Store) Close() error {
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

// ConfigVersion reads the counter.
func (s *Store) ConfigVersion(ctx context.Context) (v int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT version FROM counter WHERE name = 'config'`).Scan(&v)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return v, nil
}

// LoadConfig reads one consistent snapshot.
func (s *Store) LoadConfig(ctx context.Context) (*store.Config, error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer tx.Rollback()
	c := &store.Config{Settings: map[string]string{}, Organization: &federation.Organization{}}
	if err := tx.QueryRowContext(ctx, `SELECT version FROM counter WHERE name = 'config'`).Scan(&c.Version); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if err := s.loadNamed(ctx, tx, c); err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT data FROM relationship ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		var r orgrel.OrganizationRelationship
		if err := rows.Scan(&data); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, err
		}
		c.Relationships = append(c.Relationships, &r)
	}
	return c, rows.Err()
}

func (s *Store) loadNamed(ctx context.Context, tx *sql.Tx, c *store.Config) error {
	rows, err := tx.QueryContext(ctx, `SELECT name, data FROM config`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var data []byte
		if err := rows.Scan(&name, &data); err != nil {
			return err
		}
		switch name {
		case "trust":
			if c.Trust, err = store.DecodeTrust(data, s.key); err != nil {
				return err
			}
		case "organization":
			if err := json.Unmarshal(data, c.Organization); err != nil {
				return err
			}
		default:
			c.Settings[name] = string(data)
		}
	}
	return rows.Err()
}

func putConfig(ctx context.Context, tx *sql.Tx, name string, data []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO config (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET data = excluded.data`, name, data)
	return err
}

// PutTrust stores the trust with its keys sealed; nil removes it.
func (s *Store) PutTrust(ctx context.Context, t *federation.Trust) error {
	return s.configTx(ctx, func(tx *sql.Tx) error {
		if t == nil {
			_, err := tx.ExecContext(ctx, `DELETE FROM config WHERE name = 'trust'`)
			return err
		}
		data, err := store.EncodeTrust(t, s.key)
		if err != nil {
			return err
		}
		return putConfig(ctx, tx, "trust", data)
	})
}

// PutOrganization stores the organization identifier.
func (s *Store) PutOrganization(ctx context.Context, o *federation.Organization) error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return s.configTx(ctx, func(tx *sql.Tx) error { return putConfig(ctx, tx, "organization", data) })
}

// PutSetting stores one setting.
func (s *Store) PutSetting(ctx context.Context, name, value string) error {
	return s.configTx(ctx, func(tx *sql.Tx) error { return putConfig(ctx, tx, name, []byte(value)) })
}

// PutRelationship creates (ID "") or replaces a relationship; a name or domain of another one is ErrExists.
func (s *Store) PutRelationship(ctx context.Context, r *orgrel.OrganizationRelationship) error {
	if r.ID == "" {
		r.ID, r.WhenCreated = store.NewID(), s.now().UTC()
	}
	r.WhenChanged = s.now().UTC()
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.configTx(ctx, func(tx *sql.Tx) error {
		var other string
		err := tx.QueryRowContext(ctx, `SELECT name FROM relationship WHERE name = ? AND id <> ?`, r.Name, r.ID).Scan(&other)
		if err == nil {
			return fmt.Errorf("organization relationship %q: %w", other, store.ErrExists)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM relationship_domain WHERE relationship_id = ?`, r.ID); err != nil {
			return err
		}
		for _, d := range r.DomainNames {
			err := tx.QueryRowContext(ctx, `SELECT r.name FROM relationship_domain d JOIN relationship r ON r.id = d.relationship_id WHERE d.domain = ?`, d.String()).Scan(&other)
			if err == nil {
				return fmt.Errorf("domain %q already belongs to relationship %q: %w", d, other, store.ErrExists)
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO relationship_domain (domain, relationship_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, d.String(), r.ID); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO relationship (id, name, data) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, data = excluded.data`, r.ID, r.Name, data)
		return err
	})
}

// DeleteRelationship removes a relationship.
func (s *Store) DeleteRelationship(ctx context.Context, id string) error {
	return s.configTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM relationship_domain WHERE relationship_id = ?`, id); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM relationship WHERE id = ?`, id)
		return oneRow(res, err, "organization relationship "+id)
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

// ClaimReplay implements federation.Replays.
func (s *Store) ClaimReplay(ctx context.Context, key [32]byte, expires time.Time) (bool, error) {
	res, err := s.replays.ExecContext(ctx, `INSERT INTO replay (key, expires) VALUES (?, ?) ON CONFLICT DO NOTHING`, key[:], expires.Unix())
	if err != nil {
		return false, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// PurgeReplays drops what expired before a time.
func (s *Store) PurgeReplays(ctx context.Context, before time.Time) error {
	_, err := s.replays.ExecContext(ctx, `DELETE FROM replay WHERE expires < ?`, before.Unix())
	return err
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
