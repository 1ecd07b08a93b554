// Package gatewaystore is the gateway's registry and audit, in SQLite. It is never linked into availd.
package gatewaystore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/migrations"
)

// Store implements gateway.Registry, and the administrator's side of the registry.
type Store struct {
	db  *sql.DB
	now func() time.Time
}

// Open opens or creates the registry at path and brings its schema up to date. Any number of processes may open it;
// who serves must also Lock.
func Open(ctx context.Context, path string) (*Store, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations.Gateway())
	if err == nil {
		_, err = p.Up(ctx)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("registry %s: %w", path, err)
	}
	return &Store{db, time.Now}, nil
}

// Close closes the registry.
func (s *Store) Close() error { return s.db.Close() }

// Lock makes this process the one that serves the registry, until release is called or the process ends. A second
// one is refused with a sentence: the gateway is one active instance.
func Lock(ctx context.Context, path string) (release func(), err error) {
	db, err := sql.Open("sqlite", "file:"+path+".lock?_pragma=busy_timeout(0)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, `BEGIN EXCLUSIVE`)
	}
	if err != nil {
		db.Close()
		return nil, fault.New(fault.Conflict, "another fedgateway serves the registry %s already; one process at a time may", path)
	}
	return func() { conn.Close(); db.Close() }, nil
}

// change runs f in a transaction that also writes the audit entry, so that there is never one without the other.
func (s *Store) change(ctx context.Context, verb, object, detail string, f func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO change (at, actor, verb, object, detail) VALUES (?, ?, ?, ?, ?)`,
		s.now().Unix(), gateway.Actor(ctx), verb, object, detail); err != nil {
		return err
	}
	return tx.Commit()
}

// one runs a statement that must change a row; missing says what there is not.
func one(ctx context.Context, tx *sql.Tx, missing error, query string, args ...any) error {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 0 {
		return err
	}
	return missing
}

func noOrganization(name string) error {
	return fault.New(fault.NotFound, "there is no organization %q", name)
}

// found runs a query for one value; ok is false without a row.
func found[T any](ctx context.Context, q queryer, into *T, query string, args ...any) (ok bool, err error) {
	err = q.QueryRowContext(ctx, query, args...).Scan(into)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func at(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}
