// Package postgres is the store for several nodes. Its SQL is plain: calendar keys begin with the mailbox, ids are made
// by us, and there are no extensions, range types, triggers or foreign keys, so that it runs on engines that shard.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/migrations"
)

// Store implements store.Store in a Postgres database.
type Store struct {
	serve  *pgxpool.Pool // short statements that requests wait for
	work   *pgxpool.Pool // administration and imports, so that these keep no request waiting
	claims *store.Replays
	key    *store.MasterKey
	now    func() time.Time
	tzdata string
}

var _ store.Store = (*Store)(nil)

const (
	connectTimeout = time.Second
	serveTimeout   = 2 * time.Second // of a statement that a request waits for, on the server and here
	acquireTimeout = time.Second     // for a connection
)

// Open connects to a database that Migrate has brought up to date; it refuses another with store.ErrSchema.
func Open(ctx context.Context, dsn string, o store.Options) (*Store, error) {
	o = o.WithDefaults()
	s := &Store{key: o.Key, now: o.Now, tzdata: o.TZData}
	var err error
	// Planning the query of a view takes longer than running it, and every plan is the same: ranges of primary keys.
	if s.serve, err = connect(ctx, dsn, map[string]string{"statement_timeout": "2s", "plan_cache_mode": "force_generic_plan"}); err != nil {
		return nil, err
	}
	if s.work, err = connect(ctx, dsn, map[string]string{"statement_timeout": "0"}); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	state, err := s.schema(ctx)
	if err == nil {
		err = state.Fits(migrations.Last(migrations.Postgres()))
	}
	if err == nil {
		err = s.sweep(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.claims = store.NewReplays(s.insertReplays)
	return s, nil
}

// connect makes a pool; its errors never show the password.
func connect(ctx context.Context, dsn string, settings map[string]string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the Postgres connection string cannot be read") // the library's text repeats parts of it
	}
	maps.Copy(c.ConnConfig.RuntimeParams, settings)
	if c.ConnConfig.RuntimeParams["application_name"] == "" {
		c.ConnConfig.RuntimeParams["application_name"] = "availd"
	}
	if c.ConnConfig.ConnectTimeout == 0 || c.ConnConfig.ConnectTimeout > connectTimeout {
		c.ConnConfig.ConnectTimeout = connectTimeout
	}
	c.MaxConns = max(c.MaxConns, 8)
	return pgxpool.NewWithConfig(ctx, c)
}

// Migrate brings the schema of a database up to date. Several nodes may call it at once: one works, the others wait. A
// schema that is ahead of this binary stays, if it allows this binary.
func Migrate(ctx context.Context, dsn string) error {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return errors.New("the Postgres connection string cannot be read")
	}
	if c.ConnectTimeout == 0 || c.ConnectTimeout > connectTimeout {
		c.ConnectTimeout = connectTimeout
	}
	return migrate(ctx, c)
}

func migrate(ctx context.Context, c *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*c)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // asks each second, for five minutes
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Postgres(), goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	known := migrations.Last(migrations.Postgres())
	level, err := p.GetDBVersion(ctx)
	if err == nil && level < known {
		_, err = p.Up(ctx)
	}
	if err == nil {
		err = fillAddressList(ctx, c)
	}
	var state store.SchemaState
	if err == nil {
		err = db.QueryRowContext(ctx, schemaQuery).Scan(&state.Level, &state.Oldest)
	}
	if err != nil {
		return fmt.Errorf("migration: %w", classify(err))
	}
	return state.Fits(known)
}

// Migrate brings the schema up to date.
func (s *Store) Migrate(ctx context.Context) error { return migrate(ctx, s.work.Config().ConnConfig) }

const schemaQuery = `SELECT max(level), max(oldest_binary) FROM schema_level`

func (s *Store) schema(ctx context.Context) (st store.SchemaState, err error) {
	err = s.serve.QueryRow(ctx, schemaQuery).Scan(&st.Level, &st.Oldest)
	if state(err) == "42P01" { // there is no such table
		return st, nil
	}
	return st, classify(err)
}

// SchemaLevel is the number of the last migration.
func (s *Store) SchemaLevel(ctx context.Context) (int64, error) {
	st, err := s.schema(ctx)
	return st.Level, err
}

// Close closes all connections.
func (s *Store) Close() error {
	if s.claims != nil {
		s.claims.Close()
	}
	for _, p := range []*pgxpool.Pool{s.serve, s.work} {
		if p != nil {
			p.Close()
		}
	}
	return nil
}

// Ping reads one row.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.ConfigVersion(ctx)
	return err
}

// state is the SQLSTATE of an error of the server, else "".
func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// classify wraps store.ErrUnavailable around errors that say nothing of the statement: the server is gone, going, full,
// read-only after a failover, or too slow. What the store itself refused stays as it is.
func classify(err error) error {
	if err == nil || errors.Is(err, store.ErrUnavailable) {
		return err
	}
	var connect *pgconn.ConnectError
	switch code := state(err); {
	case errors.As(err, &connect): // whatever the server says
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case code == "":
		if pgconn.Timeout(err) || pgconn.SafeToRetry(err) || errors.Is(err, context.DeadlineExceeded) || isIO(err) {
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		return err
	case code[:2] == "08", code[:2] == "53", code[:2] == "57", code == "25006", code == "40001", code == "40P01":
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

// isIO says that the connection broke.
func isIO(err error) bool {
	var e net.Error
	return errors.As(err, &e) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// served runs f on a connection under the deadline of what requests wait for.
func (s *Store) served(ctx context.Context, f func(ctx context.Context, c *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, serveTimeout)
	defer cancel()
	acquire, stop := context.WithTimeout(ctx, acquireTimeout)
	defer stop()
	c, err := s.serve.Acquire(acquire)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer c.Release()
	return classify(f(ctx, c))
}

// inTx runs f in a write transaction, again where the server gave up because of others.
func (s *Store) inTx(ctx context.Context, f func(tx pgx.Tx) error) error {
	var err error
	for range 3 {
		err = pgx.BeginFunc(ctx, s.work, func(tx pgx.Tx) error {
			if err := f(tx); err != nil {
				return err
			}
			if e, ok := store.AuditFrom(ctx); ok {
				return audit(ctx, tx, e)
			}
			return nil
		})
		if code := state(err); code != "40001" && code != "40P01" {
			break
		}
	}
	return classify(err)
}

func oneRow(tag pgconn.CommandTag, err error, what string) error {
	if err == nil && tag.RowsAffected() == 0 {
		err = fmt.Errorf("%s: %w", what, store.ErrNotFound)
	}
	return err
}

// Audit writes one entry.
func (s *Store) Audit(ctx context.Context, e store.AuditEntry) error {
	return classify(audit(ctx, s.work, e))
}

type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func audit(ctx context.Context, db execer, e store.AuditEntry) error {
	_, err := db.Exec(ctx, `INSERT INTO audit (at, who, verb, object, detail) VALUES ($1, $2, $3, $4, $5)`, e.When.Unix(), e.Who, e.Verb, e.Object, e.Detail)
	return err
}

// AuditLog reads the newest entries.
func (s *Store) AuditLog(ctx context.Context, limit int) ([]store.AuditEntry, error) {
	rows, err := s.work.Query(ctx, `SELECT at, who, verb, object, detail FROM audit ORDER BY id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, classify(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e store.AuditEntry, err error) {
		var at int64
		err = row.Scan(&at, &e.Who, &e.Verb, &e.Object, &e.Detail)
		e.When = time.Unix(at, 0).UTC()
		return e, err
	})
	return list, classify(err)
}
