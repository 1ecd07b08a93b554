package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEachDecisionHasANumberOfItsOwnAndStandsInTheList reads the heading of every decision: a reader who follows "decision
// 74" finds one, from the list too.
func TestEachDecisionHasANumberOfItsOwnAndStandsInTheList(t *testing.T) {
	list, err := os.ReadFile("decisions/README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("decisions/[0-9]*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	heading, of := regexp.MustCompile(`^# ([0-9]+)\. (.+)\n`), map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name, m := filepath.Base(f), heading.FindStringSubmatch(string(b))
		if m == nil {
			t.Errorf("%s begins with no number and name", name)
			continue
		}
		if !strings.HasPrefix(strings.TrimLeft(name, "0"), m[1]+"-") {
			t.Errorf("%s says that it is decision %s", name, m[1])
		}
		if of[m[1]] != "" {
			t.Errorf("%s and %s have one number", of[m[1]], name)
		}
		of[m[1]] = name
		if row := fmt.Sprintf("| %s | [%s](%s) |", m[1], m[2], name); !strings.Contains(string(list), row) {
			t.Errorf("the list lacks %s", row)
		}
	}
}
