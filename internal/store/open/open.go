// Package open opens the store that a database name means.
package open

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/sqlite"
)

// Options of Open.
type Options struct {
	MasterKeyFile string // "" = the database's path with .key, made when missing
	Now           func() time.Time
}

// Open opens the SQLite database at a path, which may be written as sqlite:PATH.
func Open(ctx context.Context, database string, o Options) (store.Store, error) {
	path := strings.TrimPrefix(database, "sqlite:")
	if scheme, _, ok := strings.Cut(path, "://"); ok {
		return nil, fmt.Errorf("database %s://…: this version of availd keeps its data in SQLite; give a path", scheme)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	keyFile := o.MasterKeyFile
	if keyFile == "" {
		keyFile = path + ".key"
	}
	key, err := store.LoadMasterKey(keyFile, o.MasterKeyFile == "")
	if err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, path, key, o.Now)
}
