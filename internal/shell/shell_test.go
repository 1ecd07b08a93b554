package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestFormsOfTheField types the lines that the field's articles have, typographic quotes, dashes, line breaks and
// misspellings included.
func TestFormsOfTheField(t *testing.T) {
	for _, c := range []struct{ typed, want string }{
		{"Get-Federationtrust|Set-Federationtrust -Refreshmetadata", "trust show json / trust refresh-metadata table"},
		{"Test-OrganizationRelationship -identity “To_OnPremise” -UserIdentity johan@domain.com", "test organization-relationship --user johan@domain.com To_OnPremise table"},
		{"Get-FederatedOrganizationIdentifier", "org show table"},
		{"Get-FederationOrganizationIdentifier", "did you mean: Get-FederatedOrganizationIdentifier"},
		{"Get-FederationInformation –DomainName domain.com", "discover domain.com table"},
		{"Get-FederationTrust", "trust show table"},
		{"Get-FederationTrust |FL", "trust show list"},
		{"Get-OrganizationRelationship", "orgrel show table"},
		{"Get-OrganizationRelationShop –Identity TrustedDomain", "did you mean: Get-OrganizationRelationship -Identity TrustedDomain"},
		{"Test-OrganizationRelationship –UserIdentity johan@domain.com –Identity domain.com –Confirm", "test organization-relationship --user johan@domain.com domain.com table"},
		{"Test-FederationTrust –UserIdentity johan@domain.com", "test federation-trust --user johan@domain.com table"},
		{"New-TestCasConnectivityUser.ps1", "test-user create table"},
		{`.\New-TestCasConnectivityUser.ps1`, "test-user create table"},
		{"Set-WebServicesVirtualDirectory -Identity Server\\EWS* -ExternalUrl https://mail.domain.com/EWS/exchange.asmx", "url set --ews-external https://mail.domain.com/EWS/exchange.asmx table"},
		{"Get-ExchangeCertificate | ?{$_.friendlyname -eq “Exchange Federated Delegation”} | New-FederationTrust -Name “Microsoft Federation Gateway”",
			"cert list json / trust create --thumbprint AA11 Microsoft Federation Gateway table"},
		{"Get-FederatedDomainProof –DomainName domain.com", "domain proof domain.com table"},
		{"New-AcceptedDomain -DomainName exchangedelegation.domain.com -Name FederationDomain", "accepted-domain add --name FederationDomain exchangedelegation.domain.com table"},
		{"Set-FederatedOrganizationIdentifier -DelegationFederationTrust “Microsoft Federation Gateway” -AccountNamespace exchangedelegation.domain.com -Enabled $True",
			"org set --trust Microsoft Federation Gateway --account-namespace exchangedelegation.domain.com --enabled=true table"},
		{"Add-FederatedDomain -DomainName domain.com", "domain add domain.com table"},
		{"New-OrganizationRelationship -Name “External Company” -DomainNames “exchangedelegation.domain.com”,”domain.com” -FreeBusyAccessEnabled $true \n-FreeBusyAccessLevel LimitedDetails -TargetAutodiscoverEpr “https://autodiscover.domain.com/autodiscover/autodiscover.svc/wssecurity” -TargetApplicationUri “exchangedelegation.domain.com",
			`did you mean: New-OrganizationRelationship -Name "External Company" -DomainNames "exchangedelegation.domain.com","domain.com" -FreeBusyAccessEnabled $true -FreeBusyAccessLevel LimitedDetails -TargetAutodiscoverEpr "https://autodiscover.domain.com/autodiscover/autodiscover.svc/wssecurity" -TargetApplicationUri "exchangedelegation.domain.com"`},
		{"New-OrganizationRelationship -Name “External Company” -DomainNames “exchangedelegation.domain.com”,”domain.com” -FreeBusyAccessEnabled $true \n-FreeBusyAccessLevel LimitedDetails -TargetApplicationUri “exchangedelegation.domain.com”",
			"orgrel create --domain exchangedelegation.domain.com --domain domain.com --free-busy-access=true --free-busy-access-level LimitedDetails --target-application-uri exchangedelegation.domain.com External Company table"},
		{"Get-FederationInformation -DomainName domain.com | New-OrganizationRelationship -Name “External Company” -FreeBusyAccessEnabled $true -FreeBusyAccessLevel -LimitedDetails",
			`did you mean: Get-FederationInformation -DomainName domain.com | New-OrganizationRelationship -Name "External Company" -FreeBusyAccessEnabled $true -FreeBusyAccessLevel LimitedDetails`},
		{"Get-FederationInformation -DomainName domain.com | New-OrganizationRelationship -Name “External Company” -FreeBusyAccessEnabled $true -FreeBusyAccessLevel LimitedDetails",
			"discover domain.com json / orgrel create --free-busy-access=true --free-busy-access-level LimitedDetails --target-application-uri app.domain.com --domain domain.com --domain mail.domain.com External Company table"},
		// and what is typed besides
		{"Set-OrganizationRelationship Contoso -DomainNames @{Add=\"a.example\",'b.example'; Remove=c.example}", "orgrel set --add-domain a.example --add-domain b.example --remove-domain c.example Contoso table"},
		{"set-organizationrelationship -id Contoso -Enabled:$false", "orgrel set --enabled=false Contoso table"},
		{"Set-OrganizationRelationship -Identity Contoso -FreeBusyAccessScope $null", "orgrel set --free-busy-access-scope  Contoso table"},
		{"Set-OrganizationRelationship -Identity Contoso -Enabled:", "error: -Enabled: has an empty value: your shell ate $true"},
		{"Set-OrganizationRelationship -Identity Contoso -Enabled", "did you mean: Set-OrganizationRelationship -Identity Contoso -Enabled $true"},
		{"Set-OrganizationRelationship -Identity Contoso -Enabled maybe", "error: -Enabled is $true or $false"},
		{"Set-OrganizationRelationship -Identity Contoso -FreeBusyAccessLevel LimitedDetail", "did you mean: Set-OrganizationRelationship -Identity Contoso -FreeBusyAccessLevel LimitedDetails"},
		{"New-OrganizationRelationship -Name X -TargetAutodiscoverExpr https://x", "did you mean: New-OrganizationRelationship -Name X -TargetAutodiscoverEpr https://x"},
		{"New-OrganizationRelationship -Name X -Target https://x", "error: -Target can mean"},
		{"Set-FederationTrust -Identity X -PublishFederationCertificate", "trust publish-cert table"},
		{"Set-WebServicesVirtualDirectory EWS -WSSecurityAuthentication $true -ExternalUrl https://x", "error: \"EWS\" belongs to no parameter"},
		{"Set-WebServicesVirtualDirectory -Identity EWS -WSSecurityAuthentication $true -ExternalUrl https://x", "endpoint wssecurity on table / url set --ews-external https://x table"},
		{`Set-MailboxFolderPermission tom@contoso.example:\Calendar -User Default -AccessRights LimitedDetails`, `mailbox permission set --user Default --access-rights LimitedDetails tom@contoso.example:\Calendar table`},
		{"New-Mailbox -Name “Room 1” -PrimarySmtpAddress room1@contoso.example -Room", "mailbox create --name Room 1 --resource-type Room room1@contoso.example table"},
		{"New-Mailbox -Name Beamer -PrimarySmtpAddress beamer@contoso.example -Equipment -Room:$false", "mailbox create --name Beamer --resource-type Equipment beamer@contoso.example table"},
		{"Set-Mailbox tom@contoso.example -MailTip “I read mail on Mondays” -MaxReceiveSize 10MB -AcceptMessagesOnlyFrom ann@contoso.example,zoe@contoso.example -ModerationEnabled $true",
			"mailbox set --mail-tip I read mail on Mondays --max-receive-size 10MB --accept-messages-only-from ann@contoso.example --accept-messages-only-from zoe@contoso.example --moderation=true tom@contoso.example table"},
		{"Set-Mailbox room1 -Type Romm", "did you mean: Set-Mailbox room1 -Type Room"},
		{"Set-Mailbox tom@contoso.example -MailTip $null -HiddenFromAddressListsEnabled $true", "mailbox set --mail-tip  --hidden=true tom@contoso.example table"},
		{"New-DistributionGroup -Name Berlin -PrimarySmtpAddress berlin@contoso.example -Members room1@contoso.example,room2@contoso.example -RoomList",
			"group create --name Berlin --member room1@contoso.example --member room2@contoso.example --room-list=true berlin@contoso.example table"},
		{"Get-DistributionGroup -RecipientTypeDetails RoomList", "group show --type RoomList table"},
		{"Set-MailboxAutoReplyConfiguration -Identity tom -AutoReplyState Scheduled -StartTime “2026-12-24” -EndTime “2027-01-02T08:00” -InternalMessage “Away” -ExternalAudience Known",
			"mailbox oof set --state Scheduled --start 2026-12-24 --end 2027-01-02T08:00 --internal-message Away --external-audience Known tom table"},
		{"Set-MailboxAutoReplyConfiguration tom -AutoReplyState Enable", "did you mean: Set-MailboxAutoReplyConfiguration tom -AutoReplyState Enabled"},
		{`Set-UserPhoto “Tom Thumb” -PictureData ([System.IO.File]::ReadAllBytes("C:\My Pictures\tom.jpg")) -Confirm:$false`, `mailbox photo set --file C:\My Pictures\tom.jpg Tom Thumb table`},
		{"Set-UserPhoto tom -PictureData tom.jpg", "mailbox photo set --file tom.jpg tom table"},
		{"Set-UserPhoto tom -PictureData", "error: -PictureData has no value"},
		{"Get-OrganizationRelationship | ?{$_.Enabled -eq $true -and $_.Name -like 'Con*'} | fl Name,DomainNames", "orgrel show json / print list Name=Contoso DomainNames=contoso.example,b.example"},
		{"Get-OrganizationRelationship | where { $_.Name -eq 'nobody' } | Remove-OrganizationRelationship", "orgrel show json"},
		{"Get-OrganizationRelationship; Get-FederationTrust # both", "orgrel show table / trust show table"},
		{"Get-OrganizationRelationship | Remove-OrganizationRelationship", "orgrel show json / orgrel remove Contoso table / orgrel remove Fabrikam table"},
		{"Get-FederationTrust; Get-FederationTrust | Set-FederationTrust -Nme x", "did you mean: Get-FederationTrust; Get-FederationTrust | Set-FederationTrust -Name x"},
		{"Get-FederationTrust | ?{$_.Name -gt 3}", "error: the filter knows -eq, -ne and -like"},
		{"?{$_.Name -eq 'x'}", "error: a filter needs something in front of it"},
		{"Get-FederationTrust | fl | Set-FederationTrust", "error: there is no cmdlet fl"},
		{"Get-OrganizationRelationship |", "error: nothing stands behind"},
		{"Get-Wombat", "error: there is no cmdlet Get-Wombat"},
	} {
		var ran []string
		h := &Host{Out: io.Discard, Run: func(_ context.Context, verb []string, format string, out io.Writer) error {
			ran = append(ran, strings.Join(verb, " ")+" "+format)
			if format == "json" {
				_, _ = io.WriteString(out, answers[strings.Join(verb, " ")])
			}
			return nil
		}, Print: func(format string, objects []Object, _ bool, _ io.Writer) error {
			for _, o := range objects {
				line := "print " + format
				for _, p := range o {
					line += " " + p.Name + "=" + strings.Join(p.Values, ",")
				}
				ran = append(ran, line)
			}
			return nil
		}}
		var got string
		for _, line := range Lines(c.typed) {
			err := h.Line(t.Context(), line.Text)
			if s, ok := errors.AsType[*SyntaxError](err); ok && s.Corrected != "" {
				got = "did you mean: " + s.Corrected
			} else if err != nil {
				got = "error: " + err.Error()
			}
		}
		if got == "" {
			got = strings.Join(ran, " / ")
		} else if len(ran) > 0 {
			t.Errorf("%s: %v ran although the line is not understood", c.typed, ran)
		}
		if got != c.want && (!strings.HasPrefix(c.want, "error: ") || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s\n got %s\nwant %s", c.typed, got, c.want)
		}
	}
}

var answers = map[string]string{
	"trust show":          `{"Name":"Gateway","ApplicationUri":"x"}`,
	"cert list":           `[{"Thumbprint":"AA11","FriendlyName":"Exchange Federated Delegation"},{"Thumbprint":"BB22","FriendlyName":"TLS"}]`,
	"discover domain.com": `{"TargetApplicationUri":"app.domain.com","DomainNames":["domain.com","mail.domain.com"],"TargetAutodiscoverEpr":"","IsValid":true}`,
	"orgrel show":         `[{"Name":"Contoso","Enabled":true,"DomainNames":["contoso.example","b.example"]},{"Name":"Fabrikam","Enabled":false,"DomainNames":[]}]`,
}

// TestACorrectedLineIsUnderstood: what is proposed must work when it is typed.
func TestACorrectedLineIsUnderstood(t *testing.T) {
	for _, typed := range []string{"Get-FederationOrganizationIdentifier", "Get-OrganizationRelationShop –Identity X", "New-OrganizationRelationship -Name X -FreeBusyAccessLevel -LimitedDetails",
		"Set-OrganizationRelationship X -Enabled", "Set-OrganizationRelationship X -TargetAutodiscoverExpr https://y", "Add-FederatedDomain -DomainName “x.example"} {
		h := &Host{Out: io.Discard, Run: func(context.Context, []string, string, io.Writer) error { return nil }}
		s, ok := errors.AsType[*SyntaxError](h.Line(t.Context(), typed))
		if !ok || s.Corrected == "" {
			t.Errorf("%s: nothing is proposed", typed)
			continue
		}
		if err := h.Line(t.Context(), s.Corrected); err != nil {
			t.Errorf("%s: the proposed line is not understood: %v", s.Corrected, err)
		}
	}
}

func TestLinesAreJoinedAsTheyWerePasted(t *testing.T) {
	got := Lines("# setup\nGet-X `\n  -Name y\n\nGet-A |\nGet-B\n–Force\nGet-C")
	if want := "[{2 Get-X -Name y} {5 Get-A | Get-B -Force} {8 Get-C}]"; fmt.Sprint(got) != want {
		t.Errorf("%v", got)
	}
	if len(got) != 3 {
		t.Errorf("%d statements", len(got))
	}
}

func TestWordsAreSplitAsTheyWereQuoted(t *testing.T) {
	for _, c := range []struct{ typed, want string }{
		{`orgrel  show "External Company"`, `["orgrel" "show" "External Company"]`},
		{"orgrel show “External Company” # ours", `["orgrel" "show" "External Company"]`},
		{`org set --contact='it@x'`, `["org" "set" "--contact=it@x"]`},
		{`org set --contact ""`, `["org" "set" "--contact" ""]`},
		{`orgrel show it"'"s`, `["orgrel" "show" "it's"]`},
		{`orgrel show "External`, `a " is not closed`},
		{`orgrel list | org show`, "pipe stands between cmdlets"},
	} {
		words, err := Words(c.typed)
		got := fmt.Sprintf("%q", words)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.typed, got, c.want)
		}
	}
}

func TestWordsOfAnOrdinaryShell(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"New-OrganizationRelationship", "-Name", "External Company", "-DomainNames", "a.example,b.example", "-FreeBusyAccessEnabled:$true"},
			"orgrel create --domain a.example --domain b.example --free-busy-access=true External Company"},
		{[]string{"Set-OrganizationRelationship", "it's", "-DomainNames", `@{Add="a.example"}`}, "orgrel set --add-domain a.example it's"},
		{[]string{"Set-OrganizationRelationship", "X", "-Enabled:"}, "your shell ate $true"},
		{[]string{"Set-OrganizationRelationship", "X", "-Enabled", ""}, "your shell ate $true"},
		{[]string{"Get-Mailbox", "--database=x"}, "mailbox show -- --database=x"},
	} {
		line := FromArgs(c.args)
		var got string
		pipelines, err := Parse(line)
		if err == nil {
			var verbs [][]string
			if verbs, err = Translate(line, pipelines[0][0], nil); err == nil {
				got = strings.Join(verbs[0], " ")
			}
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%q: %s: %s", c.args, line, got)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("Get-ExchangeCertificate | ?{$_.friendlyname -eq “x”} | New-FederationTrust -Name “y”")
	f.Add(`Set-OrganizationRelationship X -DomainNames @{Add="a","b";Remove="c"} -Enabled:$true; Get-FederationTrust|fl Name`)
	f.Fuzz(func(t *testing.T, line string) {
		h := &Host{Out: io.Discard, Run: func(_ context.Context, _ []string, format string, out io.Writer) error {
			if format == "json" {
				_, _ = io.WriteString(out, `[{"Name":"a"}]`)
			}
			return nil
		}, Print: func(string, []Object, bool, io.Writer) error { return nil }}
		for _, l := range Lines(line) {
			_ = h.Line(t.Context(), l.Text)
		}
		_, _ = Decode(bytes.TrimSpace([]byte(line)))
	})
}
