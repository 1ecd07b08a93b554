package cli_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/internal/cli"
	"github.com/availd/availd/internal/shell"
)

func TestEveryCmdletHasItsVerbAndFlags(t *testing.T) {
	root := cli.Root()
	for verb, flags := range shell.Verbs() {
		cmd, _, err := root.Find(strings.Fields(verb))
		if err != nil || cmd.CommandPath() != "availd "+verb || cmd.RunE == nil {
			t.Errorf("there is no verb %s", verb)
			continue
		}
		for _, f := range flags {
			if cmd.Flags().Lookup(f) == nil {
				t.Errorf("there is no %s --%s", verb, f)
			}
		}
	}
}

// shellRun runs the words in a new process's place, with stdin.
func shellRun(t *testing.T, stdin string, args ...string) (status int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	status = cli.Run(t.Context(), args, strings.NewReader(stdin), &o, &e)
	return status, o.String(), e.String()
}

// installation makes a database with an organization and two relationships.
func installation(t *testing.T) string {
	t.Helper()
	database := filepath.Join(t.TempDir(), "a.db")
	for _, typed := range []string{"org set --domain domain.com --enabled", "orgrel create To_OnPremise --domain premises.example", "orgrel create TrustedDomain --domain trusted.example --free-busy-access --free-busy-access-level LimitedDetails",
		"mailbox create johan@domain.com --name 'Johan Veldhuis'", "mailbox create anna@domain.com"} {
		if status, _, errOut := run(t, database, typed); status != 0 {
			t.Fatal(typed, errOut)
		}
	}
	return database
}

func TestShellRunsBothSpellings(t *testing.T) {
	database := installation(t)
	for _, c := range []struct {
		typed  string
		status int
		want   string
	}{
		{"orgrel list", 0, "To_OnPremise"},
		{"availd orgrel list --output json", 0, `"Name": "To_OnPremise"`},
		{"availd Set-OrganizationRelationship To_OnPremise '-Enabled:$false'", 0, ""},
		{"Get-OrganizationRelationship | ?{$_.Enabled -eq $false} | ft Name", 0, "Name\nTo_OnPremise"},
		{"Get-OrganizationRelationship | ?{$_.Enabled -eq $false} | Set-OrganizationRelationship -Enabled $true", 0, ""},
		{"Get-OrganizationRelationship | ?{$_.Enabled -eq $false}", 0, ""},
		{"Get-OrganizationRelationship | ?{$_.Name -like 'to*'}", 0, "Name          DomainNames"},
		{"Set-OrganizationRelationship TrustedDomain -DomainNames @{Add=\"corp.trusted.example\"}; Get-X", 1, "there is no cmdlet Get-X"},
		{"orgrel show TrustedDomain # as it is now", 0, "trusted.example"},
		{"orgrel list | fl", 1, "a pipe stands between cmdlets"},
		{"frobnicate", 1, "unknown command"},
		{"shell", 1, "the shell already"},
		{"exit\nfrobnicate", 0, ""},
	} {
		status, out, errOut := shellRun(t, "", "--database", database, "shell", "-c", c.typed)
		if status != c.status || !strings.Contains(out+errOut, c.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", c.typed, status, c.status, c.want, out, errOut)
		}
	}
}

func TestAFileStopsAtTheLineThatFails(t *testing.T) {
	database := installation(t)
	script := writeFile(t, t.TempDir(), "setup.ps1", "# three statements\norgrel set To_OnPremise --contact it@premises.example\n\nGet-OrganizationRelationship `\n  nobody\norgrel set To_OnPremise --photos\n")
	status, _, errOut := shellRun(t, "", "--database", database, "shell", "-f", script)
	if status != 3 || !strings.Contains(errOut, "setup.ps1:4: there is no organization relationship \"nobody\"") {
		t.Errorf("exit %d: %s", status, errOut)
	}
	photos := func() bool {
		_, out, _ := shellRun(t, "", "--database", database, "orgrel", "show", "To_OnPremise")
		if !strings.Contains(out, "it@premises.example") {
			t.Error("the line before it did not run")
		}
		return strings.Contains(out, "PhotosEnabled         : true")
	}
	if photos() {
		t.Error("the line behind it ran")
	}
	if status, _, _ = shellRun(t, "", "--database", database, "shell", "-f", script, "--keep-going"); status != 3 || !photos() {
		t.Errorf("--keep-going: exit %d, the line behind it ran: %t", status, photos())
	}
}

func TestCmdletsInAnOrdinaryShell(t *testing.T) {
	database := installation(t)
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"New-OrganizationRelationship", "-Name", "External Company", "-DomainNames", "a.example,b.example", "-FreeBusyAccessEnabled:$true"}, 0, ""},
		{[]string{"Get-OrganizationRelationship", "External Company"}, 0, "a.example, b.example"},
		{[]string{"--output", "json", "Get-OrganizationRelationship", "-Identity", "External Company"}, 0, `"FreeBusyAccessEnabled": true`},
		{[]string{"get-organizationrelationship | ft name"}, 0, "External Company"},
		{[]string{"Set-OrganizationRelationship", "External Company", "-Enabled:"}, 1, "your shell ate $true"},
		{[]string{"Set-OrganizationRelationship", "External Company", "-Enabled", ""}, 1, "your shell ate $true"},
		{[]string{"Get-OrganizationRelationShop"}, 1, "did you mean"},
		{[]string{"--output", "yaml", "Get-OrganizationRelationship"}, 1, "not table, list or json"},
		{[]string{"dev-ca", "--help"}, 0, "throw-away CA"},
	} {
		status, out, errOut := shellRun(t, "", append([]string{"--database", database}, c.args...)...)
		if status != c.status || !strings.Contains(out+errOut, c.want) {
			t.Errorf("%q: exit %d, want %d and %q\n%s%s", c.args, status, c.status, c.want, out, errOut)
		}
	}
}

func TestIdentitiesAreNamesPatternsGuidsAndDomains(t *testing.T) {
	database := installation(t)
	_, out, _ := run(t, database, "orgrel show to_onpremise --output json")
	_, rest, _ := strings.Cut(out, `"Guid": "`)
	guid, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatal(out)
	}
	for _, c := range []line{
		{"orgrel show", 0, "TrustedDomain"},
		{"orgrel show t*", 0, "TrustedDomain"},
		{"orgrel show T?_on*", 0, "premises.example"},
		{"orgrel show x*", 0, ""},
		{"orgrel show " + strings.ToUpper(guid), 0, "premises.example"},
		{"orgrel show TRUSTED.example", 0, "Name                  : TrustedDomain"},
		{"orgrel show corp.trusted.example", 3, "there is no organization relationship"},
		{"orgrel set trusted.example --name Partner", 0, ""},
		{"orgrel set To* --enabled=false", 1, "may name several relationships; pipe them"},
		{"orgrel set partner --add-domain a.example --add-domain b.example --remove-domain trusted.example", 0, ""},
		{"orgrel show Partner", 0, ": a.example, b.example"},
		{"orgrel remove " + guid, 0, ""},
		{"orgrel show To_OnPremise", 3, "there is no organization relationship"},
		{"mailbox show", 0, "Johan Veldhuis"},
		{"mailbox show JOHAN", 0, "johan@domain.com"},
		{"mailbox show 'Johan V*'", 0, "johan@domain.com"},
		{"mailbox show *@domain.com", 0, "anna@domain.com"},
		{"mailbox show nobody", 3, "not found"},
		{"mailbox show n*", 0, ""},
	} {
		status, out, errOut := run(t, database, c.typed)
		if status != c.status || !strings.Contains(out+errOut, c.want) || c.want == "" && out != "" {
			t.Errorf("availd %s: exit %d, want %d and %q\n%s%s", c.typed, status, c.status, c.want, out, errOut)
		}
	}
}

func TestPermissionsByNameAreSetAsInTheField(t *testing.T) {
	database := installation(t)
	for _, c := range []struct {
		typed  string
		status int
		want   string
	}{
		{`Set-MailboxFolderPermission johan@domain.com:\Calendar -User Default -AccessRights AvailabilityOnly`, 0, ""},
		{`Set-MailboxFolderPermission johan:\Calendar -User anna -AccessRights Reviewer`, 0, ""},
		{`Get-MailboxFolderPermission "Johan Veldhuis:\Kalender" | ft User,AccessRights`, 0, "Default          AvailabilityOnly\nanna@domain.com  Reviewer"},
		{`Get-MailboxFolderPermission johan:\calendar -User anna@domain.com | fl`, 0, "AccessRights : Reviewer"},
		{`Get-MailboxFolderPermission johan:\Inbox`, 3, "there is no folder \"Inbox\""},
		{`explain --as anna@domain.com --mailbox johan@domain.com`, 0, "the owner's permission for anna@domain.com: Reviewer"},
		{`explain --as anna@trusted.example --mailbox johan@domain.com`, 0, "cut by the owner's Default permission: AvailabilityOnly"},
		{`Add-MailboxFolderPermission johan:\Calendar -User anna -AccessRights None`, 0, ""},
		{`explain --as anna@domain.com --mailbox johan@domain.com`, 0, "cut by the owner's permission for anna@domain.com: None"},
		{`Remove-MailboxFolderPermission johan:\Calendar -User anna`, 0, ""},
		{`Remove-MailboxFolderPermission johan:\Calendar -User anna`, 3, "has no permission for anna@domain.com"},
		{`Get-MailboxFolderPermission johan -User anna`, 3, "has no permission for anna@domain.com"},
		{`Remove-MailboxFolderPermission johan:\Calendar -User Default`, 1, "set it to None"},
		{`Set-MailboxFolderPermission johan:\Calendar -User johan -AccessRights None`, 1, "is the calendar's owner"},
		{`Set-MailboxFolderPermission johan:\Calendar -User Anonymous -AccessRights None`, 1, "no Anonymous entry"},
		{`Set-MailboxFolderPermission johan:\Calendar -User zoe -AccessRights None`, 3, "zoe: not found"},
		{`Set-MailboxFolderPermission johan:\Calendar -AccessRights None`, 1, "give --user"},
		{`mailbox permission set johan --user anna --access-rights Everything`, 1, "is not one of"},
		{`mailbox permission set johan --user anna --access-rights Editor`, 0, ""},
		{`mailbox remove anna@domain.com`, 0, ""},
		{`mailbox create anna@domain.com`, 0, ""},
		{`Get-MailboxFolderPermission johan -User anna`, 3, "has no permission for anna@domain.com"}, // the namesake inherits nothing
		{`audit --output list`, 0, `CalendarPermissions: +{"User":"anna@domain.com","AccessRights":"Editor"}`},
	} {
		status, out, errOut := shellRun(t, "", "--database", database, "shell", "-c", c.typed)
		if status != c.status || !strings.Contains(out+errOut, c.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", c.typed, status, c.status, c.want, out, errOut)
		}
	}
}

func TestTheWebProxyIsSetAsInTheField(t *testing.T) {
	database := installation(t)
	for _, c := range []struct {
		typed  string
		status int
		want   string
	}{
		{"Set-ExchangeServer -Identity CAS01 -InternetWebProxy http://proxy.domain.com:8080", 0, ""},
		{"Get-ExchangeServer CAS01 | fl", 1, "belongs to no parameter"},
		{"Get-ExchangeServer -Identity CAS01 | fl", 0, "InternetWebProxy : http://proxy.domain.com:8080"},
		{"Set-ExchangeServer -Identity CAS01 -InternetWebProxy proxy.domain.com", 1, "not an http or https URL"},
		{"proxy set http://me:secret@proxy.domain.com", 1, "without a user"},
		{"Set-ExchangeServer -Identity CAS01 -InternetWebProxy $null", 0, ""},
		{"proxy show", 0, "InternetWebProxy : \n"},
		{"Set-ExchangeServer -Identity CAS01", 1, "accepts 1 arg"},
	} {
		status, out, errOut := shellRun(t, "", "--database", database, "shell", "-c", c.typed)
		if status != c.status || !strings.Contains(out+errOut, c.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", c.typed, status, c.status, c.want, out, errOut)
		}
	}
}
