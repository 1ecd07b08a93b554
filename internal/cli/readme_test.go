package cli_test

import (
	"os"
	"strings"
	"testing"
)

// TestFirstInstallationOfTheReadmeCanBeTyped runs its lines as they are printed, but those that need a gateway or serve;
// the demo and the walkthrough have these.
func TestFirstInstallationOfTheReadmeCanBeTyped(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "## A first installation\n\n```sh\n")
	text, _, _ = strings.Cut(text, "```")
	t.Chdir(t.TempDir())
	writeFile(t, ".", "tom.password", "correct horse\n")
	writeFile(t, ".", "tom.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20261124T090000Z\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n")
	typed := 0
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "  #")
		verb, ok := strings.CutPrefix(line, "availd ")
		if !ok || strings.HasPrefix(verb, "trust ") || strings.HasPrefix(verb, "serve ") {
			continue
		}
		if status, out, errOut := run(t, "a.db", verb); status != 0 {
			t.Errorf("%s: exit %d\n%s%s", line, status, out, errOut)
		}
		typed++
	}
	if typed < 6 {
		t.Errorf("%d lines were found", typed)
	}
}
