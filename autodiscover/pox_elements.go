package autodiscover

import (
	"strings"
	"time"

	"github.com/availd/availd/internal/xmlsec"
)

// Namespaces of POX ([MS-OXDSCLI] 2.2.3, 2.2.4).
const (
	nsPOXRequest  = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
	nsPOXOutlook  = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	nsPOXResponse = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
)

// poxAccount is what an answer tells. Either redirect is set, or the rest.
type poxAccount struct {
	redirectAddr, redirectURL           string
	displayName, legacyDN, smtpAddress  string
	host, ews, authenticationForOutside string // host of ews; empty where no URL is published
}

// poxError is an Error element ([MS-OXDSCLI] 2.2.4.1.1.1).
type poxError struct{ code, message string }

// Error returns the message.
func (e *poxError) Error() string { return e.message }

// The errors of POX. They have no equal on the other wires.
const (
	poxNotFound   = "500"
	poxInvalid    = "600"
	poxNoProvider = "601"
)

func appendPOX(dst []byte, a poxAccount) []byte {
	dst = append(dst, `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="`+nsPOXResponse+`"><Response xmlns="`+nsPOXOutlook+`">`...)
	switch {
	case a.redirectAddr != "":
		dst = append(dst, "<Account><Action>redirectAddr</Action>"...)
		dst = appendElement(dst, "RedirectAddr", a.redirectAddr)
	case a.redirectURL != "":
		dst = append(dst, "<Account><Action>redirectUrl</Action>"...)
		dst = appendElement(dst, "RedirectUrl", a.redirectURL)
	default:
		dst = appendElement(append(dst, "<User>"...), "DisplayName", a.displayName)
		dst = appendElement(dst, "LegacyDN", a.legacyDN)
		dst = append(appendElement(dst, "AutoDiscoverSMTPAddress", a.smtpAddress), "</User><Account><AccountType>email</AccountType><Action>settings</Action>"...)
		if a.ews != "" {
			dst = appendPOXProtocols(dst, a)
		}
	}
	return append(dst, "</Account></Response></Autodiscover>"...)
}

// appendPOXProtocols tells where the Availability Service is, as seen from outside: Outlook without an ASUrl has no
// free/busy ("Failed to get ASURL. Error 8004010F").
func appendPOXProtocols(dst []byte, a poxAccount) []byte {
	dst = appendElement(append(dst, "<Protocol><Type>EXPR</Type>"...), "Server", a.host)
	dst = appendElement(append(dst, "<SSL>On</SSL>"...), "AuthPackage", a.authenticationForOutside)
	for _, name := range []string{"ASUrl", "EwsUrl", "OOFUrl"} {
		dst = appendElement(dst, name, a.ews)
	}
	dst = append(dst, "</Protocol><Protocol><Type>WEB</Type><External><Protocol><Type>EXPR</Type>"...)
	return append(appendElement(dst, "ASUrl", a.ews), "</Protocol></External></Protocol>"...)
}

// appendPOXError writes an error with the time and a number by which the log's record is found.
func appendPOXError(dst []byte, e *poxError, now time.Time, id string) []byte {
	dst = append(dst, `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="`+nsPOXResponse+`"><Response><Error Time="`...)
	dst = append(dst, now.UTC().Format("15:04:05.0000000")+`" Id="`...)
	dst = append(xmlsec.AppendAttr(dst, id), `">`...)
	dst = appendElement(appendElement(dst, "ErrorCode", e.code), "Message", e.message)
	return append(dst, "<DebugData/></Error></Response></Autodiscover>"...)
}

// readPOX finds the address that a request names. Requests come with and without the request's namespace.
func readPOX(root xmlsec.Element) (address string, err error) {
	invalid := &poxError{poxInvalid, "Invalid Request"}
	space := root.Space()
	if root.Local() != "Autodiscover" {
		return "", invalid
	}
	if space != nsPOXRequest && space != "" { // mobile devices ask in their own schema
		return "", &poxError{poxNoProvider, "Provider is not available"}
	}
	req := root.Child(space, "Request")
	if accepts := text(req.Child(space, "AcceptableResponseSchema")); accepts != nsPOXOutlook {
		if accepts == "" {
			return "", invalid
		}
		return "", &poxError{poxNoProvider, "Provider is not available"}
	}
	if address = strings.TrimSpace(text(req.Child(space, "EMailAddress"))); address == "" {
		return "", invalid
	}
	return address, nil
}
