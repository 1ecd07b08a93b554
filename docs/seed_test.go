// Package docs holds a test of the pages' tables.
package docs

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Rows that need no test: those for which the table gives a reason, and those that a later part of the product does.
var (
	withReason = []string{"30", "37", "47", "91"}
	later      = map[string]string{"31": "pages", "52": "pages", "53": "pages", "89": "packaging"}
)

// TestEverySubjectOfTheSeedHasATestThatExists reads seed.tsv: each subject of the articles that the product answers, what to
// type or where to look, and the test that shows it. That the tests have run is checked where all run (.ci/test.sh).
func TestEverySubjectOfTheSeedHasATestThatExists(t *testing.T) {
	f, err := os.Open("seed.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var want []string
	for n := range 91 {
		want = append(want, fmt.Sprint(n+1))
	}
	for n := range 20 {
		want = append(want, fmt.Sprintf("B3-%d", n+1))
	}
	var got []string
	lines := bufio.NewScanner(f)
	lines.Scan() // the heads
	for lines.Scan() {
		columns := strings.Split(lines.Text(), "\t")
		if len(columns) != 3 {
			t.Fatalf("%q has %d columns", lines.Text(), len(columns))
		}
		got = append(got, columns[0])
		if problem := checkRow(t, columns[0], columns[1], columns[2]); problem != "" {
			t.Errorf("row %s: %s", columns[0], problem)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rows are %v", got)
	}
}

func checkRow(t *testing.T, row, look, test string) string {
	t.Helper()
	if part, ok := later[row]; ok && test == part {
		return ""
	}
	if reason, ok := strings.CutPrefix(test, "reason: "); ok {
		if reason == "" || !slices.Contains(withReason, row) {
			return "a reason is not enough"
		}
		return ""
	}
	room, name, _ := strings.Cut(test, " ")
	switch {
	case look == "":
		return "there is nothing to type and nowhere to look"
	case room == "acceptance":
		return missing(t, "../.ci/acceptance.sh", "^check '"+regexp.QuoteMeta(name)+"' ")
	}
	return missing(t, filepath.Join("..", filepath.FromSlash(room), "*_test.go"), "^func "+regexp.QuoteMeta(name)+`\(t \*testing\.T\)`)
}

// missing says that no line of the files has the pattern.
func missing(t *testing.T, files, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(files)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("(?m)" + pattern)
	for _, path := range found {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if line.Match(b) {
			return ""
		}
	}
	return fmt.Sprintf("nothing in %s is %s", files, pattern)
}
