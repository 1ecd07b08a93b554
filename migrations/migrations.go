// Package migrations holds the schemas: forward only, the same numbers for both stores.
package migrations

import (
	"embed"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed sqlite/*.sql postgres/*.sql gateway/*.sql
var files embed.FS

// SQLite is availd's embedded schema.
func SQLite() fs.FS { return sub("sqlite") }

// Postgres is availd's schema for several nodes.
func Postgres() fs.FS { return sub("postgres") }

// Gateway is fedgateway's registry.
func Gateway() fs.FS { return sub("gateway") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return f
}

// Last is the number of the last migration of a schema: the level that the binary knows.
func Last(schema fs.FS) (level int64) {
	names, err := fs.Glob(schema, "*.sql")
	if err != nil {
		panic(err) // the pattern is well formed
	}
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			panic(err) // a test reads all names
		}
		level = max(level, n)
	}
	return level
}
