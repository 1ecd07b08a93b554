package open_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/open"
	"github.com/availd/availd/internal/testpg"
)

func TestADatabaseNameMeansAStore(t *testing.T) {
	for name, postgres := range map[string]bool{
		"postgres://h/d": true, "postgresql://h/d": true, "host=/run dbname=availd": true, "dbname = availd": true,
		"availd.db": false, "sqlite:availd.db": false, "/var/lib/availd/a=b.db": false, "localhost=x.db": false,
	} {
		if got := open.IsPostgres(name); got != postgres {
			t.Errorf("%s: %t", name, got)
		}
	}
	if _, err := open.Open(t.Context(), "mysql://u:secret@h/d", open.Options{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

func TestSQLiteMakesItsMasterKeyOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	var keys []string
	for range 2 {
		s, err := open.Open(t.Context(), path, open.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		b, err := os.ReadFile(path + ".key")
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, string(b))
	}
	if keys[0] != keys[1] {
		t.Error("the key was made twice")
	}
	if _, err := open.Open(t.Context(), path, open.Options{MasterKeyFile: path + ".other"}); err == nil {
		t.Error("a key file that was named and is not there is made")
	}
}

func TestLostMasterKeyOfADatabaseIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil { // as mktemp leaves it: a new database
		t.Fatal(err)
	}
	s, err := open.Open(t.Context(), path, open.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := os.Remove(path + ".key"); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Open(t.Context(), path, open.Options{}); err == nil || !strings.Contains(err.Error(), "put it back") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path + ".key"); err == nil {
		t.Error("another key lies in its place")
	}
}

func TestPostgresNeedsANamedMasterKeyThatExists(t *testing.T) {
	const dsn = "postgres://availd:hunter2@127.0.0.1:1/availd"
	path := filepath.Join(t.TempDir(), "key")
	for _, file := range []string{"", path} {
		_, err := open.Open(t.Context(), dsn, open.Options{MasterKeyFile: file})
		if err == nil || !strings.Contains(err.Error(), "availd key create --out FILE") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", file, err)
		}
	}
	if err := store.CreateMasterKey(path); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Open(t.Context(), dsn, open.Options{MasterKeyFile: path}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	for _, migrate := range []bool{true, false} {
		s, err := open.Open(t.Context(), testpg.Database(t), open.Options{MasterKeyFile: path, Migrate: migrate})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}
