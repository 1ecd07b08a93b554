package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/storetest"
	"github.com/availd/availd/migrations"
)

func exec(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range statements {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(q, err)
		}
	}
}

func TestWhatALowerLevelKeptIsInTheAddressBook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations.SQLite())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	db.Close()
	exec(t, path, storetest.LevelTwo()...)
	s := openAt(t, path, store.Options{})
	storetest.HoldsLevelTwo(t, s)
	exec(t, path, `UPDATE mailbox SET data = '{' WHERE address <> 'zoe@contoso.example'`)
	storetest.FindsOneOfMany(t, s)
}
