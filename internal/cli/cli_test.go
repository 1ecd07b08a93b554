package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/internal/cli"
)

// TestCommandLine types commands in order against one database: exit status, and what must be said.
func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20261124T090000Z\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n")
	bad := file("bad.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20261124T090000Z\nRRULE:FREQ=SECONDLY\nEND:VEVENT\nEND:VCALENDAR\n")
	open := file("open.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n")
	password := file("password", "correct horse\n")
	short := file("short", "x\n")
	for _, c := range []struct {
		line   string
		status int
		want   string
	}{
		{"migrate", 0, "schema level 1"},
		{"org set --enabled", 1, "give --domain"},
		{"org set --domain contoso.example --account-namespace exchangedelegation.contoso.example --enabled", 0, ""},
		{"org set --default-domain other.example", 1, "not a federated domain"},
		{"org show --output list", 0, "AccountNamespace    : exchangedelegation.contoso.example"},
		{"trust show", 3, "there is no federation trust"},
		{"trust create X --metadata-url https://127.0.0.1:1/x --application-uri a", 4, "127.0.0.1"},
		{"trust create X --metadata-url http://gateway.example/x --application-uri a", 4, "not https"},
		{"url set --ews-external http://x", 1, "not https"},
		{"mailbox create tom@contoso.example --time-zone Nowhere/Land", 1, "Nowhere/Land"},
		{"mailbox create not-an-address", 1, "has no @"},
		{"mailbox create tom@contoso.example --password-file " + short, 1, "at least 8 characters"},
		{"mailbox create tom@contoso.example --alias t@contoso.example --password-file " + password, 0, ""},
		{"mailbox create t@contoso.example", 3, "t@contoso.example belongs to a mailbox"},
		{"mailbox show t@contoso.example --output json", 0, `"DefaultPermission": "AvailabilityOnly"`},
		{"mailbox permission set tom@contoso.example --default Everything", 1, `"Everything" is not one of`},
		{"mailbox permission set tom@contoso.example --default reviewer", 0, ""},
		{"mailbox import tom@contoso.example " + bad, 1, "FREQ=SECONDLY"},
		{"mailbox import tom@contoso.example " + open, 1, "line 3: the file ends inside of VEVENT"},
		{"mailbox import tom@contoso.example " + good, 0, "1 events"},
		{"mailbox export tom@contoso.example", 0, "DTSTART:20261124T090000Z"},
		{"mailbox import nobody@contoso.example " + good, 3, "not found"},
		{"group set all@contoso.example --member tom@contoso.example", 0, ""},
		{"orgrel create Fabrikam --free-busy-access", 1, "give --domain"},
		{"orgrel create Fabrikam --domain contoso.example", 1, "our own domain"},
		{"orgrel create Fabrikam --domain fabrikam.example --free-busy-access-level Much", 1, "AvailabilityOnly"},
		{"orgrel create Fabrikam --domain fabrikam.example --free-busy-access-scope none@contoso.example", 3, "not found"},
		{"orgrel create Fabrikam --domain fabrikam.example --free-busy-access --free-busy-access-level LimitedDetails", 0, ""},
		{"orgrel create Other --domain fabrikam.example", 3, `domain "fabrikam.example" already belongs to relationship "Fabrikam"`},
		{"explain --as rita@fabrikam.example --mailbox tom@contoso.example", 0, "LimitedDetails"},
		{"mailbox permission set tom@contoso.example --default AvailabilityOnly", 0, ""},
		{"explain --as rita@fabrikam.example --mailbox tom@contoso.example", 0, "cut by the owner's Default"},
		{"explain --as rita@stranger.example --mailbox tom@contoso.example", 0, "none has the domain stranger.example"},
		{"orgrel set fabrikam --enabled=false", 0, ""},
		{"orgrel show Fabrikam", 0, "false"},
		{"orgrel remove Nobody", 3, `no organization relationship "Nobody"`},
		{"freebusy tom@contoso.example --view Everything", 1, "not MergedOnly"},
		{"freebusy tom@contoso.example --from yesterday", 1, "is not a time"},
		{"serve", 1, "needs --tls-cert"},
		{"frobnicate", 1, "unknown command"},
		{"org set --frobnicate", 1, "unknown flag"},
		{"audit", 0, "orgrel set"},
	} {
		var out, errOut bytes.Buffer
		args := append(strings.Fields(c.line), "--database", filepath.Join(dir, "a.db"))
		status := cli.Run(t.Context(), args, strings.NewReader(""), &out, &errOut)
		if status != c.status || !strings.Contains(out.String()+errOut.String(), c.want) {
			t.Errorf("availd %s: exit %d, want %d\n%s%s", c.line, status, c.status, out.String(), errOut.String())
		}
	}
}
