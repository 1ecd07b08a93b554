// Package autodiscover is Autodiscover, both ends: the SOAP service ([MS-OXWSADISC]) with GetUserSettings,
// GetDomainSettings, GetFederationInformation and GetOrganizationRelationshipSettings, its plain XML form for Outlook
// ([MS-OXDSCLI], POX) and its JSON form; and a [Client] that calls the first and discovers where they are.
//
// Not covered: SCP records (there is no Active Directory), the partner-token and X.509 endpoints, and the schema of
// mobile devices, which POX answers with error 601.
package autodiscover

const (
	ns           = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
	actionPrefix = ns + "/Autodiscover/"

	opUserSettings          = "GetUserSettings"
	opDomainSettings        = "GetDomainSettings"
	opFederationInformation = "GetFederationInformation"
	opRelationshipSettings  = "GetOrganizationRelationshipSettings"

	maxRequest    = 64 << 10
	maxPerRequest = 100 // users, domains, settings
)
