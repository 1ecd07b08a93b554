package migrations_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/migrations"
)

func names(t *testing.T, schema fs.FS) []string {
	t.Helper()
	n, err := fs.Glob(schema, "*.sql")
	if err != nil || len(n) == 0 {
		t.Fatal(n, err)
	}
	return n
}

func TestBothStoresHaveTheSameMigrations(t *testing.T) {
	if a, b := names(t, migrations.SQLite()), names(t, migrations.Postgres()); !slices.Equal(a, b) {
		t.Errorf("sqlite %v, postgres %v", a, b)
	}
}

func TestEachMigrationNamesTheOldestBinaryAndOnlyGoesForward(t *testing.T) {
	for _, schema := range []fs.FS{migrations.SQLite(), migrations.Postgres()} {
		for i, name := range names(t, schema) {
			b, err := fs.ReadFile(schema, name)
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("INSERT INTO schema_level (level, oldest_binary) VALUES (%d, ", i+1); !strings.Contains(string(b), want) {
				t.Errorf("%s lacks %q", name, want)
			}
			if strings.Contains(string(b), "+goose Down") {
				t.Errorf("%s goes back", name)
			}
		}
	}
}
