package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/postgres"
	"github.com/availd/availd/internal/store/storetest"
	"github.com/availd/availd/internal/testpg"
	"github.com/availd/availd/migrations"
)

func TestWhatALowerLevelKeptIsInTheAddressBook(t *testing.T) {
	dsn := testpg.Database(t)
	exec(t, dsn, `DROP SCHEMA public CASCADE; CREATE SCHEMA public`)
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*c)
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Postgres())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	db.Close()
	exec(t, dsn, strings.Join(storetest.LevelTwo(), ";"))
	if err := postgres.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, dsn, store.Options{})
	storetest.HoldsLevelTwo(t, s)
	exec(t, dsn, `UPDATE mailbox SET data = '{' WHERE address <> 'zoe@contoso.example'`)
	storetest.FindsOneOfMany(t, s)
}
