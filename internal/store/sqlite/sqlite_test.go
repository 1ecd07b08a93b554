package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/sqlite"
	"github.com/availd/availd/internal/store/storetest"
)

func create(t testing.TB) storetest.Opener {
	path := filepath.Join(t.TempDir(), "a.db")
	return func(t testing.TB, o store.Options) store.Store { return openAt(t, path, o) }
}

func openAt(t testing.TB, path string, o store.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, o)
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

func TestNoPrivateKeyLiesOpenInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := store.CreateMasterKey(path + ".key"); err != nil {
		t.Fatal(err)
	}
	key, err := store.LoadMasterKey(path+".key", false)
	if err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path, store.Options{Key: key})
	pair, err := federation.NewOrganizationCertificate(storetest.Today(), 30)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutTrust(t.Context(), &federation.Trust{Name: "x", OrgCertificate: pair}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	found := false
	for _, suffix := range []string{"", "-wal"} {
		b, _ := os.ReadFile(path + suffix)
		found = found || bytes.Contains(b, []byte("BEGIN CERTIFICATE"))
		if bytes.Contains(b, []byte("PRIVATE KEY")) {
			t.Errorf("a private key lies open in %s", path+suffix)
		}
	}
	if !found {
		t.Error("the test looks in the wrong place")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestASchemaAheadRunsIfItAllowsThisBinary(t *testing.T) {
	for _, c := range []struct {
		insert string
		want   error
	}{{`INSERT INTO schema_level (level, oldest_binary) VALUES (1000, 1)`, nil}, {`INSERT INTO schema_level (level, oldest_binary) VALUES (1000, 999)`, store.ErrSchema}} {
		path := filepath.Join(t.TempDir(), "a.db")
		openAt(t, path, store.Options{}).Close()
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), c.insert); err != nil {
			t.Fatal(err)
		}
		db.Close()
		s, err := sqlite.Open(t.Context(), path, store.Options{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.insert, err)
		}
		if err == nil {
			s.Close()
		}
	}
}
