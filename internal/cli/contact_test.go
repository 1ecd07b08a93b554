package cli_test

import (
	"strings"
	"testing"
)

func TestContactsAreKeptByTheCommandLine(t *testing.T) {
	database := installation(t)
	dir := t.TempDir()
	cards := writeFile(t, dir, "cards.vcf", "BEGIN:VCARD\nFN:Rita Meter\nEMAIL:rita@trusted.example\nEND:VCARD\nBEGIN:VCARD\nFN:Nobody\nEND:VCARD\n")
	half := writeFile(t, dir, "half.csv", "PrimarySmtpAddress,ExternalEmailAddress\nzoe@domain.com,zoe@trusted.example\njohan@domain.com,j@trusted.example\n")
	twice := writeFile(t, dir, "twice.csv", "PrimarySmtpAddress,ExternalEmailAddress\nzoe@domain.com,zoe@trusted.example\nZOE@domain.com,j@trusted.example\n")
	for _, c := range []line{
		{"contact add max@domain.com", 1, "give --target"},
		{"contact add max@domain.com --target anna@domain.com", 1, "one of our own domains"},
		{"contact add max@elsewhere.example --target max@trusted.example", 1, "elsewhere.example is not one of our domains"},
		{"contact add johan@domain.com --target max@trusted.example", 3, "belongs to a mailbox"},
		{"contact add max@domain.com --target max@unknown.example", 0, "warning: no organization relationship has the domain unknown.example"},
		{"contact add max@domain.com --target max@trusted.example", 3, "is a contact already"},
		{"mailbox create max@domain.com", 3, "belongs to a mailbox, a contact or a group"},
		{"contact remove max@domain.com", 0, ""},
		{"contact remove max@domain.com", 3, "not found"},
		{"contact import " + cards + " --domain domain.com", 0, "1 contacts, 1 without an e-mail address left out"},
		{"contact import " + cards + " --domain domain.com", 0, "1 contacts"}, // again: replaced
		{"contact import " + half, 3, "belongs to a mailbox"},
		{"contact import " + twice, 3, "zoe@domain.com is there twice"},
		{"contact import " + dir + "/missing.csv", 1, "no such file"},
		{"contact list zoe*", 0, ""}, // nothing of what failed was kept
		{"contact list 'rita m*'", 0, "rita@domain.com     Rita Meter   rita@trusted.example"},
		{"contact export", 0, "PrimarySmtpAddress,DisplayName,ExternalEmailAddress\nrita@domain.com,Rita Meter,rita@trusted.example\n"},
		{"New-MailContact -Name Zoe -ExternalEmailAddress zoe@trusted.example", 0, ""},
		{"Get-MailContact zoe", 0, "zoe@trusted.example"},
		{"explain --as anna@domain.com --mailbox rita@domain.com", 0, "rita@trusted.example"},
		{"explain --as anna@trusted.example --mailbox rita@domain.com", 0, "ErrorProxyRequestNotAllowed"},
		{"audit --output list", 0, "contact import"},
	} {
		status, out, errOut := run(t, database, c.typed)
		if status != c.status || !strings.Contains(out+errOut, c.want) || strings.HasPrefix(c.typed, "contact list zoe") && out != "" {
			t.Errorf("availd %s: exit %d, want %d and %q\n%s%s", c.typed, status, c.status, c.want, out, errOut)
		}
	}
}
