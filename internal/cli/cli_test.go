package cli_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/internal/cli"
)

type line struct {
	typed  string // ' quotes a blank
	status int
	want   string
}

func fields(s string) (out []string) {
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

func run(t *testing.T, database, typed string) (status int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	args := fields(typed)
	if !strings.Contains(typed, "--database") {
		args = append([]string{"--database", database}, args...)
	}
	status = cli.Run(t.Context(), args, strings.NewReader("correct horse\n"), &o, &e)
	return status, o.String(), e.String()
}

func writeFile(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCommandLine types commands in order against one database: exit status, and what must be said.
func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	good := writeFile(t, dir, "good.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20261124T090000Z\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n")
	bad := writeFile(t, dir, "bad.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20261124T090000Z\nRRULE:FREQ=SECONDLY\nEND:VEVENT\nEND:VCALENDAR\n")
	open := writeFile(t, dir, "open.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n")
	password := writeFile(t, dir, "password", "correct horse\n")
	short := writeFile(t, dir, "short", "x\n")
	key, public := filepath.Join(dir, "new.key"), writeFile(t, dir, "public.key", strings.Repeat("0", 64))
	if err := os.Chmod(public, 0o644); err != nil { //nolint:gosec // what is tested
		t.Fatal(err)
	}
	database := filepath.Join(dir, "a.db")
	for _, c := range []line{
		{"migrate --output tabel", 1, `output "tabel" is not table, list or json`},
		{"migrate", 0, "schema level"},
		{"version", 0, "go1"},
		{"--version", 0, "go1"},
		{"migrate --database " + dir + "/missing/a.db", 1, "no such file or directory"},
		{"migrate --master-key-file " + public, 1, "can be read by others"},

		{"org set --enabled", 1, "give --account-namespace"},
		{"org set --contact nobody", 1, "has no @"},
		{"org set --account-namespace exchangedelegation.contoso.example --enabled", 1, "exchangedelegation.contoso.example is not an accepted domain"},
		{"accepted-domain add contoso.example", 0, ""},
		{"accepted-domain add exchangedelegation.contoso.example --name 'Federation Namespace'", 0, ""},
		{"accepted-domain add more.example --name 'federation namespace'", 3, "there is an accepted domain exchangedelegation.contoso.example already"},
		{"accepted-domain list", 0, "Federation Namespace  exchangedelegation.contoso.example  Authoritative  false"},
		{"org set --trust Gateway --account-namespace exchangedelegation.contoso.example", 3, "there is no federation trust"},
		{"org set --account-namespace exchangedelegation.contoso.example --auto-namespace contoso.example", 1, "exclude each other"},
		{"org set --domain contoso.example --account-namespace exchangedelegation.contoso.example --enabled", 0, "warning: there is no federation trust"},
		{"accepted-domain remove 'Federation Namespace'", 3, "is federated"},
		{"accepted-domain remove nobody.example", 3, "there is no accepted domain"},
		{"domain list", 0, "exchangedelegation.contoso.example  true              false"},
		{"domain remove exchangedelegation.contoso.example", 3, "goes last; remove these first: contoso.example"},
		{"domain add more.example", 1, "No Federation trust is configured for this organization or no domain is federated as the account namespace."},
		{"domain proof contoso.example", 1, "No Federation trust is configured for this organization"},
		{"domain verify contoso.example", 3, "there is no federation trust"},
		{"org set --default-domain other.example", 1, "not a federated domain"},
		{"org set --publish-domains some", 1, `"some" is not all or queried`},
		{"org set --publish-domains all", 0, ""},
		{"org show --output list", 0, "AccountNamespace    : exchangedelegation.contoso.example"},
		{"org show --output json", 0, `"PublishDomains": "all"`},
		{"org show", 0, "contoso.example, exchangedelegation.contoso.example"},
		{"org show --extended --resolver 127.0.0.1:1", 0, "contoso.example (Unknown)"},

		{"cert list --output json", 0, "[]"},
		{"cert create --days 0", 1, "valid for 1 to"},
		{"cert create --days 20", 0, "Exchange Federated Delegation"},
		{"cert list", 0, "unused"},
		{"cert check", 3, "there is no federation trust"},
		{"cert remove AA11", 3, "Federation certificate with the thumbprint \"AA11\" cannot be found."},
		{"trust create X --metadata-url https://gateway.example/x --thumbprint AA11", 3, "Federation certificate with the thumbprint \"AA11\" cannot be found."},
		{"trust set-next-cert", 3, "there is no federation trust"},
		{"trust publish-cert", 3, "there is no federation trust"},
		{"trust show", 3, "there is no federation trust"},
		{"trust remove", 3, "there is no federation trust"},
		{"trust create X --metadata-url https://127.0.0.1:1/x --application-uri a", 4, "127.0.0.1"},
		{"trust create X --metadata-url http://gateway.example/x --application-uri a", 1, "not https"},
		{"trust create X --metadata-url https://gateway.example/x --application-uri a --profile old", 1, `"old" is not modern or exchange`},
		{"trust create X --metadata-url https://gateway.example/x --application-uri a --ca-file /missing.pem", 1, "CA file: open /missing.pem"},
		{"url set --ews-external http://x", 1, "not https"},
		{"url set", 1, "ews-external ews-internal"},
		{"url set --ews-internal https://ews.contoso.example/EWS/Exchange.asmx", 0, ""},
		{"url show", 0, "InternalUrl              : https://ews.contoso.example/EWS/Exchange.asmx"},
		{"endpoint wssecurity off", 0, ""},
		{"endpoint show", 0, "WSSecurityAuthentication : false"},
		{"endpoint wssecurity maybe", 1, "is not on, off or reset"},
		{"endpoint wssecurity reset", 0, ""},
		{"endpoint show", 0, "WSSecurityAuthentication : true"},
		{"url set --ews-external https://mail.contoso.example/EWS/Exchange.asmx", 0, ""},
		{"url show --output json", 0, `"ExternalEwsUrl": "https://mail.contoso.example/EWS/Exchange.asmx"`},

		{"mailbox create tom@contoso.example --time-zone Nowhere/Land", 1, "Nowhere/Land"},
		{"mailbox create not-an-address", 1, "has no @"},
		{"mailbox create tom@exchangedelegation.contoso.example", 1, "account namespace"},
		{"mailbox create tom@contoso.example --password-file " + short, 1, "at least 8 characters"},
		{"mailbox create tom@contoso.example --password-file " + dir + "/missing", 1, "no such file"},
		{"mailbox create tom@contoso.example --password", 1, "no terminal"},
		{"mailbox create tom@contoso.example --alias t@contoso.example --password-file " + password, 0, ""},
		{"mailbox create anna@contoso.example --password-stdin", 0, ""},
		{"mailbox create t@contoso.example", 3, "t@contoso.example belongs to a mailbox"},
		{"mailbox create zoe@other.example", 0, "warning: other.example is not one of our domains"},
		{"mailbox remove zoe@other.example", 0, ""},
		{"mailbox set tom@contoso.example --working-hours 'Mon-Fri'", 1, "not of the form"},
		{"mailbox set tom@contoso.example --working-hours 'Mon-Thu 09:00-17:00; Fri 09:00-13:00' --name 'Tom Thumb'", 0, ""},
		{"mailbox show t@contoso.example", 0, "Mon-Thu 09:00-17:00; Fri 09:00-13:00"},
		{"mailbox show t@contoso.example --output json", 0, `"DefaultPermission": "AvailabilityOnly"`},
		{"mailbox show nobody@contoso.example", 3, "not found"},
		{"mailbox permission set tom@contoso.example --default Everything", 1, `"Everything" is not one of`},
		{"mailbox permission set tom@contoso.example --default reviewer", 0, ""},
		{"mailbox import tom@contoso.example " + bad, 1, "FREQ=SECONDLY"},
		{"mailbox import tom@contoso.example --dry-run " + bad, 1, "FREQ=SECONDLY"},
		{"mailbox import tom@contoso.example " + open, 1, "line 3: the file ends inside of VEVENT"},
		{"mailbox import tom@contoso.example " + dir + "/missing.ics", 1, "no such file"},
		{"mailbox import tom@contoso.example --dry-run " + good, 0, "1 events would be imported"},
		{"mailbox import tom@contoso.example " + good, 0, "1 events"},
		{"mailbox export tom@contoso.example", 0, "DTSTART:20261124T090000Z"},
		{"mailbox import nobody@contoso.example " + good, 3, "not found"},
		{"mailbox list", 0, "Tom Thumb"},

		{"group set all@contoso.example --name Everybody", 3, "not found"},
		{"group create all@contoso.example --member tom@contoso.example --member anna@contoso.example", 0, ""},
		{"group set all@contoso.example --name Everybody", 0, ""},
		{"group create all@contoso.example", 3, "there is a group all@contoso.example already"},
		{"group create tom@contoso.example", 3, "tom@contoso.example belongs to a mailbox, a contact or a group"},
		{"group show all@contoso.example", 0, "tom@contoso.example, anna@contoso.example"},
		{"group show none@contoso.example", 3, "not found"},
		{"group list --output json", 0, `"DisplayName": "Everybody"`},

		{"orgrel create Fabrikam --free-busy-access", 1, "1 to 238 domains and not 0"},
		{"orgrel create Fabrikam --domain *.fabrikam.example", 1, "--domain: domain"},
		{"orgrel create Fabrikam --domain contoso.example", 1, "our own domain"},
		{"orgrel create Fabrikam --domain fabrikam.example --free-busy-access-level Much", 1, "AvailabilityOnly"},
		{"orgrel create Fabrikam --domain fabrikam.example --free-busy-access-scope none@contoso.example", 3, "not found"},
		{"orgrel create Fabrikam --domain fabrikam.example --target-owa-url http://x", 1, "TargetOwaURL \"http://x\" is not https"},
		{"orgrel create Fabrikam --domain fabrikam.example --mail-tips-access-level Some", 1, "None, Limited, All"},
		{"orgrel create Fabrikam --domain fabrikam.example --allow-address 10.1.2.3.4", 1, "no address range"},
		{"orgrel create " + strings.Repeat("x", 65) + " --domain fabrikam.example", 1, "1 to 64 characters"},
		{"orgrel create Fabrikam --domain fabrikam.example --free-busy-access --free-busy-access-level LimitedDetails", 0, "warning: the partner cannot be asked"},
		{"orgrel create FABRIKAM --domain other.example", 3, `there is an organization relationship "Fabrikam" already`},
		{"orgrel create Other --domain fabrikam.example", 3, `domain "fabrikam.example" already belongs to relationship "Fabrikam"`},
		{"org set --accepted-domain fabrikam.example", 3, `organization relationship "Fabrikam"`},
		{"explain --as rita@fabrikam.example --mailbox tom@contoso.example", 0, "LimitedDetails"},
		{"mailbox permission set tom@contoso.example --default AvailabilityOnly", 0, ""},
		{"explain --as rita@fabrikam.example --mailbox tom@contoso.example", 0, "cut by the owner's Default"},
		{"explain --as rita@stranger.example --mailbox tom@contoso.example", 0, "none has the domain stranger.example"},
		{"explain --as rita@fabrikam.example --mailbox tom@elsewhere.example", 0, "elsewhere.example is not one of our domains"},
		{"explain --as rita --mailbox tom@contoso.example", 1, "has no @"},
		{"orgrel set Fabrikam --free-busy-access-scope all@contoso.example --photos --contact it@fabrikam.example --add-domain corp.fabrikam.example", 0, ""},
		{"explain --as rita@corp.fabrikam.example --mailbox tom@contoso.example", 0, "a member of all@contoso.example"},
		{"group remove all@contoso.example", 3, `scope of organization relationship "Fabrikam"`},
		{"orgrel set Fabrikam --remove-domain other.example", 3, "does not have the domain other.example"},
		{"orgrel set fabrikam --enabled=false", 0, ""},
		{"orgrel show Fabrikam", 0, "Enabled               : false"},
		{"orgrel show Fabrikam --output json", 0, `"PhotosEnabled": true`},
		{"orgrel list", 0, "fabrikam.example, corp.fabrikam.example"},
		{"orgrel set Nobody --enabled", 3, `no organization relationship "Nobody"`},
		{"orgrel remove Nobody", 3, `no organization relationship "Nobody"`},
		{"orgrel remove Fabrikam", 0, ""},
		{"group remove all@contoso.example", 0, ""},

		{"key create --out " + key, 0, ""},
		{"key create --out " + key, 1, "file exists"},
		{"key reseal --new-master-key-file " + dir + "/missing", 1, "no such file"},
		{"key reseal --new-master-key-file " + key, 0, ""},
		{"freebusy tom@contoso.example --view Everything", 1, "not MergedOnly"},
		{"freebusy tom@contoso.example --from yesterday", 1, "is not a time"},
		{"freebusy tom@contoso.example --as tom@contoso.example", 1, "no terminal"},
		{"freebusy tom@contoso.example --as tom@contoso.example --server http://localhost/", 1, "is not https"},
		{"serve", 1, "needs --tls-cert"},
		{"serve --max-in-flight=-3", 1, "--max-in-flight -3"},
		{"serve --max-window 0", 1, "--max-window 0s"},
		{"dev-ca --out " + dir, 0, ""},
		{"serve --listen 127.0.0.1:0 --admin-listen 0.0.0.0:0 --tls-cert " + dir + "/server.pem --tls-key " + dir + "/server.key", 1, "loopback addresses only"},
		{"serve --listen 127.0.0.1:0 --admin-listen '' --tls-cert " + dir + "/server.pem --tls-key " + dir + "/server.pem", 1, "found a certificate rather than a key"},
		{"frobnicate", 1, "unknown command"},
		{"mailbox frobnicate", 1, `unknown command "frobnicate" for "availd mailbox"`},
		{"mailbox permission st", 1, "did you mean set?"},
		{"mailbox create", 1, "an argument is missing: availd mailbox create ADDRESS [flags]"},
		{"mailbox create a@contoso.example b@contoso.example", 1, "the arguments do not fit: availd mailbox create ADDRESS [flags]"},
		{"mailbox", 0, "Available Commands"},
		{"org set --frobnicate", 1, "unknown flag"},
		{"audit --output list", 0, `FreeBusyAccessLevel: "LimitedDetails"`},
		{"audit --output list", 0, "Enabled: true → false"},
		{"audit --output list", 0, `DomainNames: +"corp.fabrikam.example"`},
		{"audit --output list", 0, "mailbox import"},
	} {
		status, out, errOut := run(t, database, c.typed)
		if status != c.status || !strings.Contains(out+errOut, c.want) {
			t.Errorf("availd %s: exit %d, want %d and %q\n%s%s", c.typed, status, c.status, c.want, out, errOut)
		}
		if strings.Count(errOut, "\n") > 1 && status != 0 {
			t.Errorf("availd %s: more than one sentence:\n%s", c.typed, errOut)
		}
	}
	_, audit, _ := run(t, database, "audit --limit 1000 --output json")
	if strings.Contains(audit, "argon2") || strings.Contains(audit, "correct horse") {
		t.Error("a password stands in the audit")
	}
}

func TestShowIsAnObjectAndListIsAnArray(t *testing.T) {
	database := filepath.Join(t.TempDir(), "a.db")
	for _, typed := range []string{"group list", "mailbox list", "orgrel list", "audit"} {
		var list []map[string]any
		_, out, _ := run(t, database, typed+" --output json")
		if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 0 {
			t.Errorf("%s of an empty installation: %v\n%s", typed, err, out)
		}
	}
	for _, typed := range []string{"mailbox create tom@contoso.example", "mailbox create anna@contoso.example"} {
		if status, _, errOut := run(t, database, typed); status != 0 {
			t.Fatal(errOut)
		}
	}
	var list []map[string]any
	_, out, _ := run(t, database, "mailbox list --output json")
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2 || list[1]["PrimarySmtpAddress"] != "tom@contoso.example" {
		t.Errorf("%v\n%s", err, out)
	}
	var one map[string]any
	_, out, _ = run(t, database, "mailbox show tom@contoso.example --output json")
	if err := json.Unmarshal([]byte(out), &one); err != nil || one["WorkingHours"] != "Mon-Fri 08:00-17:00" || len(one["EmailAddresses"].([]any)) != 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWrongPasswordIsCredentialsAndNotANetworkThatFailed(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer server.Close()
	dir := t.TempDir()
	ca := writeFile(t, dir, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	status, _, errOut := run(t, filepath.Join(dir, "a.db"), "freebusy tom@contoso.example --as rita@contoso.example --password-stdin --server "+server.URL+" --ca-file "+ca)
	if status != 5 || !strings.Contains(errOut, `the password of "rita@contoso.example"`) {
		t.Errorf("exit %d: %s", status, errOut)
	}
}
