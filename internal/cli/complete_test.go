package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/internal/cli"
)

func TestShellsCompleteWhatIsThere(t *testing.T) {
	database := installation(t)
	if status, _, errOut := run(t, database, "contact add rita@domain.com --target rita@trusted.example"); status != 0 {
		t.Fatal(errOut)
	}
	const files, noFiles = ":0", ":4"
	for _, c := range []struct{ typed, want, directive string }{
		{"orgrel show t", "To_OnPremise TrustedDomain", noFiles},
		{"orgrel set Tr", "TrustedDomain", noFiles},
		{"test organization-relationship tr", "TrustedDomain", noFiles},
		{"mailbox show j", "johan@domain.com", noFiles},
		{"mailbox permission show ''", "anna@domain.com johan@domain.com", noFiles},
		{"mailbox import johan@domain.com ''", "", files},
		{"contact remove r", "rita@domain.com", noFiles},
		{"orgrel create X --free-busy-access-level ''", "None AvailabilityOnly LimitedDetails", noFiles},
		{"mailbox permission set johan --access-rights ''", "None AvailabilityOnly LimitedDetails Reviewer Editor Owner", noFiles},
		{"orgrel list --output ''", "table list json", noFiles},
		{"orgrel sh", "show", noFiles},
	} {
		_, out, _ := shellRun(t, "", append([]string{"__complete", "--database", database}, fields(c.typed)...)...)
		var got []string
		for line := range strings.Lines(out) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			got = append(got, name)
		}
		if all := strings.Join(got, " "); all != strings.TrimSpace(c.want+" "+c.directive) {
			t.Errorf("%s: %s, want %s %s", c.typed, all, c.want, c.directive)
		}
	}
}

func TestCompletionScriptsAreWritten(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if status, out, errOut := shellRun(t, "", "completion", shell); status != 0 || !strings.Contains(out, "__complete") {
			t.Errorf("%s: exit %d %s", shell, status, errOut)
		}
	}
}

// TestEveryVerbHasAManualPage lets groff complain about what it does not understand.
func TestEveryVerbHasAManualPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	if status, _, errOut := shellRun(t, "", "docs", "man", "--out", dir); status != 0 {
		t.Fatal(errOut)
	}
	page, err := os.ReadFile(filepath.Join(dir, "availd-orgrel-create.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{".TH AVAILD\\-ORGREL\\-CREATE 1", "\\fB\\-\\-free\\-busy\\-access\\-level\\fR", ".BR availd\\-orgrel (1)", ".SH GLOBAL OPTIONS"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < len(cli.Root().Commands()) {
		t.Errorf("%d pages %v", len(pages), err)
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("groff is not installed")
	}
	out, err := exec.CommandContext(t.Context(), groff, append([]string{"-man", "-Tutf8", "-ww", "-z"}, pages...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
