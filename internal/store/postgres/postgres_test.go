package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/postgres"
	"github.com/availd/availd/internal/store/storetest"
	"github.com/availd/availd/internal/testpg"
	"github.com/availd/availd/mailbox"
)

func create(t testing.TB) storetest.Opener {
	dsn := testpg.Database(t)
	return func(t testing.TB, o store.Options) store.Store { return openAt(t, dsn, o) }
}

func openAt(t testing.TB, dsn string, o store.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) { storetest.Run(t, create) }

func BenchmarkCalendarView(b *testing.B) { storetest.BenchmarkCalendarView(b, create) }
func BenchmarkClaimReplay(b *testing.B)  { storetest.BenchmarkClaimReplay(b, create) }
func BenchmarkImport(b *testing.B)       { storetest.BenchmarkImport(b, create) }
func BenchmarkAddressBook(b *testing.B)  { storetest.BenchmarkAddressBook(b, create) }

func exec(t *testing.T, dsn, sql string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.WithoutCancel(t.Context()))
	if _, err := c.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesASchemaThatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		sql  string
		want error
	}{
		{`INSERT INTO schema_level (level, oldest_binary) VALUES (1000, 1)`, nil},
		{`INSERT INTO schema_level (level, oldest_binary) VALUES (1000, 999)`, store.ErrSchema},
		{`DELETE FROM schema_level WHERE level > 1`, store.ErrSchema},
		{`DROP TABLE schema_level`, store.ErrSchema},
	} {
		dsn := testpg.Database(t)
		exec(t, dsn, c.sql)
		s, err := postgres.Open(t.Context(), dsn, store.Options{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.sql, err)
		}
		if err == nil {
			s.Close()
		}
	}
}

func TestSeveralNodesMigrateAtOnce(t *testing.T) {
	dsn := testpg.Database(t)
	exec(t, dsn, `DROP SCHEMA public CASCADE; CREATE SCHEMA public`)
	if _, err := postgres.Open(t.Context(), dsn, store.Options{}); !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "availd migrate") {
		t.Errorf("an empty database is opened: %v", err)
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := postgres.Migrate(t.Context(), dsn); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	openAt(t, dsn, store.Options{})
}

func TestADatabaseThatGoesIsUnavailableAndComesBack(t *testing.T) {
	dsn := testpg.Database(t)
	s := openAt(t, dsn, store.Options{Now: storetest.Today})
	name := pgxName(t, dsn)
	other := testpg.Database(t)
	exec(t, other, `ALTER DATABASE `+name+` ALLOW_CONNECTIONS false`)
	exec(t, other, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '`+name+`'`)
	for what, call := range map[string]func() error{
		"view":   func() error { _, err := s.CalendarView(t.Context(), mailbox.CalendarQuery{}); return err },
		"config": func() error { _, err := s.LoadConfig(t.Context()); return err },
		"write":  func() error { return s.PutSetting(t.Context(), "x", "y") },
		"replay": func() error { _, err := s.ClaimReplay(t.Context(), [32]byte{1}, time.Now()); return err },
	} {
		if err := call(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	exec(t, other, `ALTER DATABASE `+name+` ALLOW_CONNECTIONS true`)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

func TestAStatementThatHangsIsUnavailable(t *testing.T) {
	dsn := testpg.Database(t)
	s := openAt(t, dsn, store.Options{Now: storetest.Today})
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.WithoutCancel(t.Context()))
	if _, err := c.Exec(t.Context(), `BEGIN; LOCK TABLE counter IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ConfigVersion(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestAPasswordNeverAppearsInAnError(t *testing.T) {
	for _, dsn := range []string{
		"postgres://availd:hunter2@127.0.0.1:1/availd",
		"host=127.0.0.1 port=1 user=availd password=hunter2 dbname=availd",
		"postgres://availd:hunter2@127.0.0.1:port/availd",
		"host=127.0.0.1 password=hunter2 sslmode=nonsense",
	} {
		_, err := postgres.Open(t.Context(), dsn, store.Options{})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
		if err := postgres.Migrate(t.Context(), dsn); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}

func pgxName(t *testing.T, dsn string) string {
	t.Helper()
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return c.Database
}
