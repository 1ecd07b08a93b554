package fences

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestClientsServeAnotherModule runs the tests of testdata/outside as a module of its own, which may import nothing
// internal: what it cannot name, no user of the client ends can need.
func TestClientsServeAnotherModule(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for from, edit := range map[string]func(string) string{
		"internal/fences/testdata/outside/outside_test.go": nil,
		"go.sum": nil,
		"go.mod": func(s string) string { // the same versions of everything else, so that nothing is looked up
			name := strings.TrimSuffix(module, "/")
			return strings.Replace(s, "module "+name+"\n", "module outside.example/outside\n", 1) + "\nrequire " + name + " v0.0.0\n\nreplace " + name + " => " + root + "\n"
		},
	} {
		b, err := os.ReadFile(filepath.Join(root, from))
		if err != nil {
			t.Fatal(err)
		}
		if edit != nil {
			b = []byte(edit(string(b)))
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(from)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-mod=mod", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
