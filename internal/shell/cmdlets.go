package shell

// form says how a parameter of a cmdlet becomes words of a verb.
type form uint8

const (
	text     form = iota // --flag value
	boolean              // --flag=true or --flag=false; needs $true or $false
	toggle               // a switch: stands alone, or -Name:$false
	choice               // a switch that stands for the only value of a flag: --flag value
	list                 // --flag value, once for each; @{Add=…} and @{Remove=…} become --add-flag and --remove-flag
	argument             // a word of the verb itself
	onOff                // the word on or off
	file                 // --flag path; also ([System.IO.File]::ReadAllBytes("path")), as a picture is given
	ignored              // understood, and without meaning here
)

// param is one parameter of a cmdlet by Exchange's name.
type param struct {
	name   string
	form   form
	flag   string   // of the verb, without dashes
	verb   string   // the verb that this parameter asks for, where it is not the cmdlet's own
	values []string // what it may be; nil: anything
}

// cmdlet is one cmdlet and the verb that does its work.
type cmdlet struct {
	name   string
	verb   string
	params []param
}

var levels = []string{"None", "AvailabilityOnly", "LimitedDetails"}

// common are the parameters that every cmdlet of Exchange takes.
var common = []param{{name: "Confirm", form: ignored}, {name: "WhatIf", form: ignored}, {name: "Verbose", form: ignored}, {name: "Debug", form: ignored},
	{name: "ErrorAction", form: ignored}, {name: "WarningAction", form: ignored}, {name: "DomainController", form: ignored}, {name: "Server", form: ignored}}

var relationship = []param{
	{name: "DomainNames", form: list, flag: "domain"}, {name: "Enabled", form: boolean, flag: "enabled"},
	{name: "FreeBusyAccessEnabled", form: boolean, flag: "free-busy-access"}, {name: "FreeBusyAccessLevel", flag: "free-busy-access-level", values: levels},
	{name: "FreeBusyAccessScope", flag: "free-busy-access-scope"}, {name: "MailTipsAccessEnabled", form: boolean, flag: "mail-tips-access"},
	{name: "MailTipsAccessLevel", flag: "mail-tips-access-level", values: []string{"None", "Limited", "All"}}, {name: "MailTipsAccessScope", flag: "mail-tips-access-scope"},
	{name: "DeliveryReportEnabled", form: boolean, flag: "delivery-report"}, {name: "PhotosEnabled", form: boolean, flag: "photos"}, {name: "MailboxMoveEnabled", form: boolean, flag: "mailbox-move"},
	{name: "TargetApplicationUri", flag: "target-application-uri"}, {name: "TargetAutodiscoverEpr", flag: "target-autodiscover-epr"}, {name: "TargetSharingEpr", flag: "target-sharing-epr"},
	{name: "TargetOwaURL", flag: "target-owa-url"}, {name: "OrganizationContact", flag: "contact"}, {name: "Force", form: ignored},
}

// recipient are what Set-Mailbox and Set-DistributionGroup have in common.
var recipient = []param{
	{name: "DisplayName", flag: "name"}, {name: "HiddenFromAddressListsEnabled", form: boolean, flag: "hidden"}, {name: "MailTip", flag: "mail-tip"},
	{name: "MaxReceiveSize", flag: "max-receive-size"}, {name: "ModerationEnabled", form: boolean, flag: "moderation"},
	{name: "RequireSenderAuthenticationEnabled", form: boolean, flag: "require-sender-authentication"},
	{name: "AcceptMessagesOnlyFrom", form: list, flag: "accept-messages-only-from"}, {name: "Force", form: ignored},
}

func withRecipient(first ...param) []param { return append(first, recipient...) }

func with(first ...param) []param { return append(first, relationship...) }

// cmdlets are those that the field uses around federation and free/busy, in the alphabet's order of their nouns.
var cmdlets = []cmdlet{
	{"Get-AcceptedDomain", "accepted-domain list", nil},
	{"New-AcceptedDomain", "accepted-domain add", []param{{name: "DomainName", form: argument}, {name: "Name", flag: "name"}, {name: "DomainType", form: ignored}}},
	{"Remove-AcceptedDomain", "accepted-domain remove", []param{{name: "Identity", form: argument}}},
	{"Get-AutodiscoverVirtualDirectory", "url show", []param{{name: "Identity", form: ignored}}},
	{"Set-AutodiscoverVirtualDirectory", "url set", []param{{name: "Identity", form: ignored}, {name: "WSSecurityAuthentication", form: onOff, verb: "endpoint wssecurity"}, {name: "ExternalUrl", form: ignored}, {name: "InternalUrl", form: ignored}}},
	{"Get-ExchangeCertificate", "cert list", []param{{name: "Thumbprint", form: ignored}}},
	{"Get-ExchangeServer", "proxy show", []param{{name: "Identity", form: ignored}}},
	{"New-ExchangeCertificate", "cert create", []param{{name: "FriendlyName", form: ignored}, {name: "SubjectName", form: ignored}, {name: "Services", form: ignored}, {name: "KeySize", form: ignored},
		{name: "PrivateKeyExportable", form: ignored}, {name: "SubjectKeyIdentifier", form: ignored}, {name: "DomainName", form: ignored}}},
	{"Set-ExchangeServer", "proxy set", []param{{name: "Identity", form: ignored}, {name: "InternetWebProxy", form: argument}}},
	{"Add-FederatedDomain", "domain add", []param{{name: "DomainName", form: argument}, {name: "Force", form: ignored}}},
	{"Remove-FederatedDomain", "domain remove", []param{{name: "DomainName", form: argument}, {name: "Force", form: toggle, flag: "force"}}},
	{"Get-FederatedDomainProof", "domain proof", []param{{name: "DomainName", form: argument}, {name: "Thumbprint", flag: "thumbprint"}}},
	{"Get-FederatedOrganizationIdentifier", "org show", []param{{name: "Identity", form: ignored}, {name: "IncludeExtendedDomainInfo", form: toggle, flag: "extended"}}},
	{"Set-FederatedOrganizationIdentifier", "org set", []param{{name: "Identity", form: ignored}, {name: "DelegationFederationTrust", flag: "trust"}, {name: "AccountNamespace", flag: "account-namespace"},
		{name: "DefaultDomain", flag: "default-domain"}, {name: "Enabled", form: boolean, flag: "enabled"}, {name: "OrganizationContact", flag: "contact"}}},
	{"Get-FederationInformation", "discover", []param{{name: "DomainName", form: argument}, {name: "TrustedHostnames", form: list, flag: "trusted-hostname"}, {name: "Force", form: toggle, flag: "force"},
		{name: "BypassAdditionalDomainValidation", form: toggle, flag: "no-validation"}}},
	{"Get-FederationTrust", "trust show", []param{{name: "Identity", form: argument}}},
	{"New-FederationTrust", "trust create", []param{{name: "Name", form: argument}, {name: "Thumbprint", flag: "thumbprint"}, {name: "MetadataUrl", flag: "metadata-url"}, {name: "ApplicationUri", flag: "application-uri"},
		{name: "ApplicationIdentifier", form: ignored}, {name: "AdministratorProvisioningId", form: ignored}, {name: "SkipNamespaceProviderProvisioning", form: ignored},
		{name: "SuppressDnsWarning", form: ignored}, {name: "UseLegacyProvisioningService", form: ignored}}},
	{"Remove-FederationTrust", "trust remove", []param{{name: "Identity", form: ignored}}},
	{"Set-FederationTrust", "trust set", []param{{name: "Identity", form: ignored}, {name: "RefreshMetadata", form: toggle, verb: "trust refresh-metadata"},
		{name: "PublishFederationCertificate", form: toggle, verb: "trust publish-cert"}, {name: "Thumbprint", flag: "thumbprint", verb: "trust set-next-cert"},
		{name: "MetadataUrl", flag: "metadata-url"}, {name: "Name", flag: "name"}, {name: "ApplicationUri", flag: "application-uri"}}},
	{"Test-FederationTrust", "test federation-trust", []param{{name: "UserIdentity", flag: "user"}, {name: "MonitoringContext", form: ignored}}},
	{"Test-FederationTrustCertificate", "cert check", nil},
	{"Get-DistributionGroup", "group show", []param{{name: "Identity", form: argument}, {name: "RecipientTypeDetails", flag: "type", values: []string{"RoomList", "MailUniversalDistributionGroup"}}, {name: "ResultSize", form: ignored}}},
	{"New-DistributionGroup", "group create", []param{{name: "Name", flag: "name"}, {name: "DisplayName", flag: "name"}, {name: "PrimarySmtpAddress", form: argument}, {name: "Members", form: list, flag: "member"},
		{name: "RoomList", form: toggle, flag: "room-list"}, {name: "Type", form: ignored}, {name: "Alias", form: ignored}}},
	{"Remove-DistributionGroup", "group remove", []param{{name: "Identity", form: argument}}},
	{"Set-DistributionGroup", "group set", withRecipient(param{name: "Identity", form: argument}, param{name: "RoomList", form: toggle, flag: "room-list"})},
	{"Get-Mailbox", "mailbox show", []param{{name: "Identity", form: argument}, {name: "RecipientTypeDetails", flag: "type", values: []string{"UserMailbox", "RoomMailbox", "EquipmentMailbox"}}, {name: "ResultSize", form: ignored}}},
	{"New-Mailbox", "mailbox create", []param{{name: "Name", flag: "name"}, {name: "DisplayName", flag: "name"}, {name: "PrimarySmtpAddress", form: argument}, {name: "Room", form: choice, flag: "resource-type", values: []string{"Room"}},
		{name: "Equipment", form: choice, flag: "resource-type", values: []string{"Equipment"}}, {name: "Alias", form: ignored}, {name: "UserPrincipalName", form: ignored}, {name: "Password", form: ignored}}},
	{"Remove-Mailbox", "mailbox remove", []param{{name: "Identity", form: argument}}},
	{"Set-Mailbox", "mailbox set", withRecipient(param{name: "Identity", form: argument}, param{name: "Type", flag: "resource-type", values: []string{"Regular", "Room", "Equipment"}})},
	{"Get-MailboxAutoReplyConfiguration", "mailbox oof show", []param{{name: "Identity", form: argument}}},
	{"Set-MailboxAutoReplyConfiguration", "mailbox oof set", []param{{name: "Identity", form: argument}, {name: "AutoReplyState", flag: "state", values: []string{"Disabled", "Enabled", "Scheduled"}},
		{name: "ExternalAudience", flag: "external-audience", values: []string{"None", "Known", "All"}}, {name: "StartTime", flag: "start"}, {name: "EndTime", flag: "end"},
		{name: "InternalMessage", flag: "internal-message"}, {name: "ExternalMessage", flag: "external-message"}}},
	{"New-MailContact", "contact add", []param{{name: "Name", flag: "name"}, {name: "ExternalEmailAddress", flag: "target"}, {name: "PrimarySmtpAddress", form: argument}}},
	{"Get-MailContact", "contact list", []param{{name: "Identity", form: argument}}},
	{"Remove-MailContact", "contact remove", []param{{name: "Identity", form: argument}}},
	{"Get-MailboxFolderPermission", "mailbox permission show", []param{{name: "Identity", form: argument}, {name: "User", flag: "user"}}},
	{"Set-MailboxFolderPermission", "mailbox permission set", []param{{name: "Identity", form: argument}, {name: "User", flag: "user"}, {name: "AccessRights", flag: "access-rights"}}},
	{"Add-MailboxFolderPermission", "mailbox permission set", []param{{name: "Identity", form: argument}, {name: "User", flag: "user"}, {name: "AccessRights", flag: "access-rights"}}},
	{"Remove-MailboxFolderPermission", "mailbox permission remove", []param{{name: "Identity", form: argument}, {name: "User", flag: "user"}}},
	{"Get-OrganizationRelationship", "orgrel show", []param{{name: "Identity", form: argument}}},
	{"New-OrganizationRelationship", "orgrel create", with(param{name: "Name", form: argument}, param{name: "TokenIssuerUris", form: list, flag: "token-issuer"})}, // of Get-FederationInformation
	{"Remove-OrganizationRelationship", "orgrel remove", []param{{name: "Identity", form: argument}}},
	{"Set-OrganizationRelationship", "orgrel set", with(param{name: "Identity", form: argument}, param{name: "Name", flag: "name"})},
	{"Test-OrganizationRelationship", "test organization-relationship", []param{{name: "Identity", form: argument}, {name: "UserIdentity", flag: "user"}}},
	{"New-TestCasConnectivityUser.ps1", "test-user create", []param{{name: "OU", form: ignored}, {name: "UMDialPlan", form: ignored}}},
	{"Get-UserPhoto", "mailbox photo show", []param{{name: "Identity", form: argument}}},
	{"Remove-UserPhoto", "mailbox photo remove", []param{{name: "Identity", form: argument}}},
	{"Set-UserPhoto", "mailbox photo set", []param{{name: "Identity", form: argument}, {name: "PictureData", form: file, flag: "file"}}},
	{"Get-WebServicesVirtualDirectory", "url show", []param{{name: "Identity", form: ignored}}},
	{"Set-WebServicesVirtualDirectory", "url set", []param{{name: "Identity", form: ignored}, {name: "ExternalUrl", flag: "ews-external"}, {name: "InternalUrl", flag: "ews-internal"},
		{name: "WSSecurityAuthentication", form: onOff, verb: "endpoint wssecurity"}, {name: "BasicAuthentication", form: ignored}, {name: "WindowsAuthentication", form: ignored}, {name: "Force", form: ignored}}},
}

// Verbs lists every verb that a cmdlet becomes, with the flags it may get: the command line's test walks them.
func Verbs() map[string][]string {
	out := map[string][]string{}
	for _, c := range cmdlets {
		if _, ok := out[c.verb]; !ok {
			out[c.verb] = nil
		}
		for _, p := range c.params {
			verb := c.verb
			if p.verb != "" {
				verb = p.verb
			}
			if _, ok := out[verb]; !ok {
				out[verb] = nil
			}
			if p.flag != "" {
				out[verb] = append(out[verb], p.flag)
			}
		}
	}
	return out
}
