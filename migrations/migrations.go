// Package migrations holds the schemas: forward only, the same numbers for both stores.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed sqlite/*.sql gateway/*.sql
var files embed.FS

// SQLite is availd's embedded schema.
func SQLite() fs.FS { return sub("sqlite") }

// Gateway is fedgateway's registry.
func Gateway() fs.FS { return sub("gateway") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return f
}
