package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryOpenQuestionHasATestThatExists reads the first table of divergences.md: nine questions, each with a test.
func TestEveryOpenQuestionHasATestThatExists(t *testing.T) {
	b, err := os.ReadFile("divergences.md")
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(b), "## Where Exchange does otherwise")
	rows := regexp.MustCompile("(?m)^\\| (.*) \\| `(\\w+)` (\\w+) \\|$").FindAllStringSubmatch(table, -1)
	if len(rows) != 9 {
		t.Errorf("%d questions", len(rows))
	}
	for _, row := range rows {
		if problem := missing(t, filepath.Join("..", row[2], "*_test.go"), "^func "+row[3]+`\(t \*testing\.T\)`); problem != "" {
			t.Errorf("%s: %s", row[1], problem)
		}
	}
}
