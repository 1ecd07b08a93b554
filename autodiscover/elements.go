package autodiscover

import (
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/xmlsec"
)

// responseHeaders are the header blocks of every answer; the reference client reads them unconditionally.
func responseHeaders(operation, relatesTo string) []byte {
	b := []byte(`<a:Action s:mustUnderstand="1">` + actionPrefix + operation + `Response</a:Action>`)
	if relatesTo != "" {
		b = append(xmlsec.AppendText(append(b, "<a:RelatesTo>"...), relatesTo), "</a:RelatesTo>"...)
	}
	return append(b, `<h:ServerVersionInfo xmlns:h="`+ns+`"><h:MajorVersion>15</h:MajorVersion><h:MinorVersion>2</h:MinorVersion><h:MajorBuildNumber>1118</h:MajorBuildNumber><h:MinorBuildNumber>7</h:MinorBuildNumber><h:Version>Exchange2016</h:Version></h:ServerVersionInfo>`...)
}

func appendElement(dst []byte, name, text string) []byte {
	dst = append(append(append(dst, '<'), name...), '>')
	return append(append(append(xmlsec.AppendText(dst, text), "</"...), name...), '>')
}

func appendCode(dst []byte, f *fault.Error, ok string) []byte {
	code, message := "NoError", ok
	if f != nil {
		code, message = f.Kind.Row().Autodiscover, f.Text()
	}
	return appendElement(appendElement(dst, "ErrorCode", code), "ErrorMessage", message)
}

// appendFederationInformation writes members in alphabetical order, as data-contract readers need.
func appendFederationInformation(dst []byte, info *FederationInformation, f *fault.Error) []byte {
	dst = append(dst, `<GetFederationInformationResponseMessage xmlns="`+ns+`"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">`...)
	dst = appendCode(dst, f, "")
	if f == nil {
		dst = append(appendElement(dst, "ApplicationUri", info.ApplicationUri), "<Domains>"...)
		for _, d := range info.Domains {
			dst = appendElement(dst, "Domain", d.String())
		}
		dst = append(dst, "</Domains><TokenIssuers><TokenIssuer>"...)
		dst = appendElement(appendElement(dst, "Endpoint", info.TokenIssuerEndpoint), "Uri", info.TokenIssuerUri)
		dst = append(dst, "</TokenIssuer></TokenIssuers>"...)
	}
	return append(dst, "</Response></GetFederationInformationResponseMessage>"...)
}

func appendUserSettings(dst []byte, results []userResult, f *fault.Error) []byte {
	dst = append(dst, `<GetUserSettingsResponseMessage xmlns="`+ns+`"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">`...)
	dst = append(appendCode(dst, f, ""), "<UserResponses>"...)
	for _, r := range results {
		dst = appendUser(dst, r)
	}
	return append(dst, "</UserResponses></Response></GetUserSettingsResponseMessage>"...)
}

func appendUser(dst []byte, r userResult) []byte {
	dst = append(appendCode(append(dst, "<UserResponse>"...), r.err, "No error."), `<RedirectTarget i:nil="true"></RedirectTarget><UserSettingErrors>`...)
	if r.err == nil {
		for _, name := range r.names {
			if r.settings[name] != "" {
				continue
			}
			kind := fault.SettingIsNotAvailable
			if !knownSettings[name] {
				kind = fault.InvalidSetting
			}
			dst = appendCode(append(dst, "<UserSettingError>"...), fault.Because(kind, nil), "")
			dst = append(appendElement(dst, "SettingName", name), "</UserSettingError>"...)
		}
	}
	dst = append(dst, "</UserSettingErrors><UserSettings>"...)
	for _, name := range r.names {
		if v := r.settings[name]; r.err == nil && v != "" {
			dst = append(dst, `<UserSetting i:type="StringSetting">`...)
			dst = append(appendElement(appendElement(dst, "Name", name), "Value", v), "</UserSetting>"...)
		}
	}
	return append(dst, "</UserSettings></UserResponse>"...)
}

// knownSettings are the documented names: what tells InvalidSetting from SettingIsNotAvailable. It is never changed.
var knownSettings = func() map[string]bool {
	m := map[string]bool{}
	for n := range strings.FieldsSeq(settingNames) {
		m[n] = true
	}
	return m
}()

const settingNames = `
UserDisplayName UserDN UserDeploymentId InternalMailboxServer InternalRpcClientServer InternalMailboxServerDN
InternalEcpUrl InternalEcpVoicemailUrl InternalEcpEmailSubscriptionsUrl InternalEcpTextMessagingUrl
InternalEcpDeliveryReportUrl InternalEcpRetentionPolicyTagsUrl InternalEcpPublishingUrl InternalEcpPhotoUrl
InternalEcpConnectUrl InternalEcpTeamMailboxUrl InternalEcpTeamMailboxCreatingUrl InternalEcpTeamMailboxEditingUrl
InternalEcpTeamMailboxHidingUrl InternalEcpExtensionInstallationUrl InternalEwsUrl InternalEmwsUrl InternalOABUrl
InternalPhotosUrl InternalUMUrl InternalWebClientUrls MailboxDN PublicFolderServer ActiveDirectoryServer
ExternalMailboxServer ExternalMailboxServerRequiresSSL ExternalMailboxServerAuthenticationMethods
EcpVoicemailUrlFragment EcpEmailSubscriptionsUrlFragment EcpTextMessagingUrlFragment EcpDeliveryReportUrlFragment
EcpRetentionPolicyTagsUrlFragment EcpPublishingUrlFragment EcpPhotoUrlFragment EcpConnectUrlFragment
EcpTeamMailboxUrlFragment EcpTeamMailboxCreatingUrlFragment EcpTeamMailboxEditingUrlFragment
EcpExtensionInstallationUrlFragment ExternalEcpUrl ExternalEcpVoicemailUrl ExternalEcpEmailSubscriptionsUrl
ExternalEcpTextMessagingUrl ExternalEcpDeliveryReportUrl ExternalEcpRetentionPolicyTagsUrl ExternalEcpPublishingUrl
ExternalEcpPhotoUrl ExternalEcpConnectUrl ExternalEcpTeamMailboxUrl ExternalEcpTeamMailboxCreatingUrl
ExternalEcpTeamMailboxEditingUrl ExternalEcpTeamMailboxHidingUrl ExternalEcpExtensionInstallationUrl ExternalEwsUrl
ExternalEmwsUrl ExternalOABUrl ExternalPhotosUrl ExternalUMUrl ExternalWebClientUrls CrossOrganizationSharingEnabled
AlternateMailboxes CasVersion EwsSupportedSchemas InternalPop3Connections ExternalPop3Connections
InternalImap4Connections ExternalImap4Connections InternalSmtpConnections ExternalSmtpConnections
InternalServerExclusiveConnect ExternalServerExclusiveConnect ExternalEwsVersion MobileMailboxPolicy
MobileMailboxPolicyInterop DocumentSharingLocations UserMSOnline InternalMailboxServerAuthenticationMethods
MailboxVersion SPMySiteHostURL SiteMailboxCreationURL InternalRpcHttpServer InternalRpcHttpConnectivityRequiresSsl
InternalRpcHttpAuthenticationMethod ExchangeRpcUrl ShowGalAsDefaultView AutoDiscoverSMTPAddress
InteropExternalEwsUrl InteropExternalEwsVersion PublicFolderInformation RedirectUrl EwsPartnerUrl CertPrincipalName
GroupingInformation InternalOutlookServiceUrl ExternalOutlookServiceUrl MapiHttpEnabled`
