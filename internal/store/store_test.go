package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/internal/store"
)

func TestABinaryRefusesOnlyWhatItMayNotRunOn(t *testing.T) {
	for _, c := range []struct {
		state store.SchemaState
		known int64
		want  string
	}{
		{store.SchemaState{Level: 3, Oldest: 3}, 3, ""},
		{store.SchemaState{Level: 4, Oldest: 3}, 3, ""},
		{store.SchemaState{Level: 4, Oldest: 4}, 3, "level 4, which needs a binary that knows level 4, and this one knows 3"},
		{store.SchemaState{Level: 2, Oldest: 1}, 3, "level 2 and this binary needs 3, run availd migrate"},
		{store.SchemaState{}, 1, "level 0 and this binary needs 1"},
	} {
		err := c.state.Fits(c.known)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v with %d: %v", c.state, c.known, err)
		}
	}
}

func TestAMasterKeyIsNeverOverwrittenNorReadByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := store.CreateMasterKey(path); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CreateMasterKey(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("%v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the key was overwritten")
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	if _, err := store.LoadMasterKey(path, false); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := store.LoadMasterKey(path, false); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a key that others can read is taken: %v", err)
	}
}
