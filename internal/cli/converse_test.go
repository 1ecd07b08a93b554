package cli

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/term"
)

// TestPromptRunsWhatIsTypedAndPasted types into a terminal's line editor: keys, arrows and bracketed pastes.
func TestPromptRunsWhatIsTypedAndPasted(t *testing.T) {
	const (
		up         = "\x1b[A"
		pasteBegin = "\x1b[200~"
		pasteEnd   = "\x1b[201~"
	)
	database := filepath.Join(t.TempDir(), "a.db")
	if status := Run(t.Context(), []string{"--database", database, "orgrel", "create", "Fabrikam", "--domain", "fabrikam.example"}, nil, io.Discard, io.Discard); status != 0 {
		t.Fatal(status)
	}
	for name, c := range map[string]struct{ keys, wants, wantsNot string }{
		"a line":                      {"orgrel list\r", "Fabrikam", ""},
		"a cmdlet that goes on":       {"Get-OrganizationRelationship |\rft Name\r", "Name\nFabrikam", "DomainNames"},
		"history":                     {"orgrel show Nobody\r" + up + "\b\b\b\b\b\bFabrikam\r", "fabrikam.example", ""},
		"exit":                        {"exit\rorgrel list\r", "", "Fabrikam"},
		"a mistake ends nothing":      {"frobnicate\rorgrel list\r", "Fabrikam", ""},
		"the end in a line":           {"orgrel list", "", "Fabrikam"},
		"a paste waits for Enter":     {pasteBegin + "orgrel list\r" + pasteEnd, "", "Fabrikam"},
		"a paste of a broken line":    {pasteBegin + "Get-OrganizationRelationship\r–Identity Fabrikam\r" + pasteEnd + "\r", "Name                  : Fabrikam", ""},
		"a paste ends where it fails": {pasteBegin + "orgrel show Nobody\rorgrel list\r" + pasteEnd + "\r", "", "Fabrikam"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			s := &session{in: strings.NewReader(""), out: &out, errOut: &errOut, format: formatTable, globals: []string{"--database=" + database}}
			keyboard := struct {
				io.Reader
				io.Writer
			}{strings.NewReader(c.keys), io.Discard}
			if err := s.converse(t.Context(), term.NewTerminal(keyboard, "")); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), c.wants) || c.wantsNot != "" && strings.Contains(out.String(), c.wantsNot) {
				t.Errorf("%q: %s%s", c.keys, out.String(), errOut.String())
			}
		})
	}
}
