// Package open opens the store that a database name means.
package open

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/postgres"
	"github.com/availd/availd/internal/store/sqlite"
)

// Options of Open.
type Options struct {
	MasterKeyFile string // "" = for SQLite the database's path with .key, made when missing; Postgres needs one
	Migrate       bool   // bring a Postgres schema up to date first; SQLite always is
	Now           func() time.Time
}

// IsPostgres says whether a database name means a Postgres server: a URL, or keywords and values such as host=db.
func IsPostgres(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://") ||
		regexp.MustCompile(`^\s*(host|hostaddr|port|user|password|dbname|service|sslmode)\s*=`).MatchString(database)
}

// Open opens a Postgres database, or the SQLite database at a path, which may be written as sqlite:PATH.
func Open(ctx context.Context, database string, o Options) (store.Store, error) {
	if IsPostgres(database) {
		return openPostgres(ctx, database, o)
	}
	path := strings.TrimPrefix(database, "sqlite:")
	if scheme, _, ok := strings.Cut(path, "://"); ok {
		return nil, fmt.Errorf("database %s://…: availd keeps its data in Postgres (postgres://…) or in SQLite (a path)", scheme)
	}
	key, err := sqliteKey(path, o.MasterKeyFile)
	if err != nil {
		return nil, err
	}
	s, err := sqlite.Open(ctx, path, store.Options{Key: key, Now: o.Now})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// sqliteKey makes the key of a new database. A database that is there already was sealed with another one, which nothing
// new may stand in for.
func sqliteKey(path, keyFile string) (*store.MasterKey, error) {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	if keyFile != "" {
		return store.LoadMasterKey(keyFile, false)
	}
	keyFile = path + ".key"
	info, err := os.Stat(path)
	found := err == nil && info.Size() > 0
	key, err := store.LoadMasterKey(keyFile, !found)
	if found && errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("database %s is there, but its master key file %s is not: put it back", path, keyFile)
	}
	return key, err
}

// openPostgres wants a key file that is there: every node needs the same one.
func openPostgres(ctx context.Context, dsn string, o Options) (store.Store, error) {
	const hint = "make one with availd key create --out FILE, and give every node the same"
	if o.MasterKeyFile == "" {
		return nil, errors.New("a Postgres database needs a master key file: " + hint)
	}
	key, err := store.LoadMasterKey(o.MasterKeyFile, false)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("master key file %s is not there: %s: %w", o.MasterKeyFile, hint, err)
	}
	if err != nil {
		return nil, err
	}
	if o.Migrate {
		if err := postgres.Migrate(ctx, dsn); err != nil {
			return nil, err
		}
	}
	s, err := postgres.Open(ctx, dsn, store.Options{Key: key, Now: o.Now})
	if err != nil {
		return nil, err
	}
	return s, nil
}
