package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDiagnosticVerbs(t *testing.T) {
	dir := t.TempDir()
	database, page := filepath.Join(dir, "a.db"), filepath.Join(dir, "report.html")
	for _, l := range []line{
		{"test federation-trust", 3, "there is no test user; make one with availd test-user create, or name a user with --user"},
		{"test-user create", 1, "there is no federated domain for the test user; give --org DOMAIN"},
		{"org set --domain contoso.example --enabled", 0, ""},
		{"test-user create", 0, "extest_"},
		{"test federation-trust", 2, "STEP 2 of 6: Getting FederationTrust object for extest_"},
		{"trust test", 2, "RESULT: Error. The FederationTrust object can't be read"},
		{"test organization-relationship Fabrikam", 3, `there is no organization relationship "Fabrikam"`},
		{"orgrel create Fabrikam --domain fabrikam.example", 0, ""},
		{"orgrel test Fabrikam --user nobody@contoso.example", 2, "RESULT: Error. The user nobody@contoso.example can't be found"},
		{"orgrel show Fabrikam", 0, "Source"},
		{"orgrel refresh", 0, ""},
		{"orgrel refresh Tailspin", 3, "there is no organization relationship"},
		{"orgrel refresh --apply --dry-run", 1, "apply"},
		{"orgrel create X --domain a.example --from-discovery b.example", 1, "from-discovery"},
		{"doctor --direction sideways", 1, `direction "sideways" is not out, in or both`},
		{"doctor --direction out --html " + page, 2, "no federation trust is configured for this organization"},
		{"discover contoso..example", 1, "contoso..example"},
		{"discover contoso.example --proxy nonsense", 1, "--proxy is no http or https URL"},
	} {
		status, out, errOut := run(t, database, l.typed)
		if status != l.status || !strings.Contains(out+errOut, l.want) {
			t.Errorf("%s: status %d\n%s%s", l.typed, status, out, errOut)
		}
	}
	if b, err := os.ReadFile(page); err != nil || !strings.Contains(string(b), "CERT-01") {
		t.Errorf("the page: %v", err)
	}
}

func TestDiagnosticsSpeakJSON(t *testing.T) {
	database := filepath.Join(t.TempDir(), "a.db")
	run(t, database, "org set --domain contoso.example --enabled")
	var user struct{ PrimarySmtpAddress, Password string }
	_, out, errOut := run(t, database, "test-user create --output json")
	if err := json.Unmarshal([]byte(out), &user); err != nil || !strings.HasPrefix(user.PrimarySmtpAddress, "extest_") || len(user.Password) < 20 {
		t.Fatalf("%v %s%s", err, out, errOut)
	}
	var results []struct{ Id, Type, Message string } //nolint:revive // Exchange's spelling
	if _, out, _ = run(t, database, "test federation-trust --output json"); json.Unmarshal([]byte(out), &results) != nil || results[0].Type != "Error" {
		t.Errorf("%s", out)
	}
	var report struct {
		Findings []struct{ Id, Severity, Evidence, Cause, Fix string } //nolint:revive // likewise
	}
	if _, out, _ = run(t, database, "doctor --output json"); json.Unmarshal([]byte(out), &report) != nil || report.Findings[0].Id != "CERT-01" || report.Findings[0].Severity != "fail" || report.Findings[0].Fix == "" {
		t.Errorf("%s", out)
	}
	_, out, _ = run(t, database, "mailbox show "+user.PrimarySmtpAddress)
	if strings.Contains(out, user.Password) {
		t.Error("the password is shown again")
	}
}
