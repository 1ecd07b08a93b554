// Package autodiscover is SOAP Autodiscover ([MS-OXWSADISC]) as federation needs it: GetFederationInformation without
// credentials, GetUserSettings with a delegation token, and the client end of both. Redirects, GetDomainSettings and
// the JSON and POX forms are not covered yet.
package autodiscover

const (
	ns            = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
	actionPrefix  = ns + "/Autodiscover/"
	maxRequest    = 64 << 10
	maxPerRequest = 100
)
