package autodiscover

import (
	"strconv"

	"github.com/availd/availd/internal/xmlsec"
)

// status begins the response and each of its entries ([MS-OXWSADISC] 2.2.4, AutodiscoverResponse).
type status struct{ code, message string }

// settingError is one UserSettingError or DomainSettingError.
type settingError struct {
	status
	name string
}

// setting is one StringSetting or DomainStringSetting.
type setting struct{ name, value string }

// settingsResponse is one UserResponse or DomainResponse.
type settingsResponse struct {
	status
	redirectTarget string
	errors         []settingError
	settings       []setting
}

// responseHeaders are the header blocks of every answer; the reference client reads them unconditionally.
func responseHeaders(operation, relatesTo string) []byte {
	b := []byte(`<a:Action s:mustUnderstand="1">` + actionPrefix + operation + `Response</a:Action>`)
	if relatesTo != "" {
		b = append(xmlsec.AppendText(append(b, "<a:RelatesTo>"...), relatesTo), "</a:RelatesTo>"...)
	}
	return append(b, serverVersionInfo...)
}

const serverVersionInfo = `<h:ServerVersionInfo xmlns:h="` + ns + `"><h:MajorVersion>15</h:MajorVersion><h:MinorVersion>2</h:MinorVersion><h:MajorBuildNumber>1118</h:MajorBuildNumber><h:MinorBuildNumber>7</h:MinorBuildNumber><h:Version>Exchange2016</h:Version></h:ServerVersionInfo>`

func appendElement(dst []byte, name, text string) []byte {
	dst = append(append(append(dst, '<'), name...), '>')
	return append(append(append(xmlsec.AppendText(dst, text), "</"...), name...), '>')
}

func appendBool(dst []byte, name string, v bool) []byte {
	return appendElement(dst, name, strconv.FormatBool(v))
}

// appendNillable writes an empty value as nil.
func appendNillable(dst []byte, name, text string) []byte {
	if text == "" {
		return append(append(append(dst, '<'), name...), ` i:nil="true"/>`...)
	}
	return appendElement(dst, name, text)
}

func appendStatus(dst []byte, s status) []byte {
	return appendElement(appendElement(dst, "ErrorCode", s.code), "ErrorMessage", s.message)
}

// appendMessage writes the body of an answer around its members after the status.
func appendMessage(dst []byte, operation string, s status, members []byte) []byte {
	dst = append(append(append(dst, '<'), operation...), `ResponseMessage xmlns="`+ns+`"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">`...)
	dst = append(appendStatus(dst, s), members...)
	return append(append(append(dst, "</Response></"...), operation...), "ResponseMessage>"...)
}

// appendUserResponse and appendDomainResponse write the same members; what differs is their order and names.
func appendUserResponse(dst []byte, r settingsResponse) []byte {
	dst = appendStatus(append(dst, "<UserResponse>"...), r.status)
	dst = appendNillable(dst, "RedirectTarget", r.redirectTarget)
	dst = appendSettings(dst, "User", "StringSetting", r)
	return append(dst, "</UserResponse>"...)
}

func appendDomainResponse(dst []byte, r settingsResponse) []byte {
	dst = appendStatus(append(dst, "<DomainResponse>"...), r.status)
	dst = appendSettings(dst, "Domain", "DomainStringSetting", r)
	dst = appendNillable(dst, "RedirectTarget", r.redirectTarget)
	return append(dst, "</DomainResponse>"...)
}

// appendSettings writes UserSettingErrors and UserSettings, or those of a domain. The type is written without a prefix:
// clients compare its text.
func appendSettings(dst []byte, of, xsiType string, r settingsResponse) []byte {
	dst = append(dst, "<"+of+"SettingErrors>"...)
	for _, e := range r.errors {
		dst = appendStatus(append(dst, "<"+of+"SettingError>"...), e.status)
		dst = append(appendElement(dst, "SettingName", e.name), "</"+of+"SettingError>"...)
	}
	dst = append(dst, "</"+of+"SettingErrors><"+of+"Settings>"...)
	for _, s := range r.settings {
		dst = append(dst, "<"+of+`Setting i:type="`+xsiType+`">`...)
		dst = append(appendElement(appendElement(dst, "Name", s.name), "Value", s.value), "</"+of+"Setting>"...)
	}
	return append(dst, "</"+of+"Settings>"...)
}
