package soap

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/xmlsec"
)

// Append appends an envelope with ready header blocks and ready body content. extraNS is written on the Envelope
// element as it is. The prefix of the envelope's namespace is s.
func Append(dst []byte, v Version, extraNS string, headers, body []byte) []byte {
	dst = append(dst, `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="`...)
	dst = append(append(dst, v.Namespace()...), '"')
	if extraNS != "" {
		dst = append(append(dst, ' '), extraNS...)
	}
	dst = append(dst, "><s:Header>"...)
	dst = append(append(dst, headers...), "</s:Header><s:Body>"...)
	return append(append(dst, body...), "</s:Body></s:Envelope>"...)
}

// Write writes a whole answer.
func Write(w http.ResponseWriter, v Version, status int, envelope []byte) {
	h := w.Header()
	h.Set("Content-Type", v.ContentType())
	h.Set("Content-Length", strconv.Itoa(len(envelope)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(envelope)
}

// FaultStyle is the way in which an endpoint's family writes faults.
type FaultStyle uint8

// The styles.
const (
	StyleEWS          FaultStyle = iota // SOAP 1.1, ServerVersionInfo, code in the types namespace, with detail; security kinds in wsse form
	StyleAutodiscover                   // SOAP 1.1, WS-Addressing action; security kinds in wsse form
	StyleSTS                            // SOAP 1.2, WS-Trust subcodes, psf detail
)

const (
	nsTypes  = "http://schemas.microsoft.com/exchange/services/2006/types"
	nsErrors = "http://schemas.microsoft.com/exchange/services/2006/errors"
	nsPSF    = "http://schemas.microsoft.com/Passport/SoapServices/SOAPFault"
)

// ServerVersionInfo is the header block of every EWS answer, faults too whoever writes them: clients give up without it.
const ServerVersionInfo = `<h:ServerVersionInfo xmlns:h="` + nsTypes + `" MajorVersion="15" MinorVersion="2" MajorBuildNumber="1118" MinorBuildNumber="7" Version="V2017_07_11"></h:ServerVersionInfo>`

// WriteFault writes err with its HTTP status. Kinds that come before SOAP (method, media type, size, credentials) are
// plain HTTP. headers are ready header blocks. The cause of err is never written.
func WriteFault(w http.ResponseWriter, style FaultStyle, err *fault.Error, headers []byte) {
	row := err.Kind.Row()
	switch err.Kind {
	case fault.MethodNotAllowed:
		w.Header().Set("Allow", "POST")
		fallthrough
	case fault.UnsupportedMediaType, fault.TooLarge, fault.Unauthorized:
		if err.Kind == fault.TooLarge {
			w.Header().Set("Connection", "close")
		}
		http.Error(w, row.Text, row.HTTP)
		return
	case fault.ServerBusy:
		w.Header().Set("Retry-After", strconv.Itoa(int(max(backOff(err), time.Second)/time.Second)))
	}
	v := V11
	var body []byte
	switch {
	case style == StyleSTS:
		v, body = V12, appendSTSFault(nil, row, err)
	case row.WSSE != "":
		body = appendFault(nil, "a", xmlsec.NSWSSE, row.WSSE, row.Text, nil)
	case err.Kind == fault.MustUnderstand:
		body = appendFault(nil, "", "", "s:MustUnderstand", row.Text, nil)
	case err.Kind == fault.VersionMismatch:
		body = appendFault(nil, "", "", "s:VersionMismatch", row.Text, nil)
	case style == StyleAutodiscover && err.Kind == fault.UnknownOperation:
		body = appendFault(nil, "w", NSWSA, "ActionNotSupported", "The message cannot be processed at the receiver.", nil)
	case style == StyleAutodiscover && row.EWS != "" && row.HTTP == http.StatusInternalServerError && err.Kind != fault.Internal && err.Kind != fault.ServerBusy:
		body = appendFault(nil, "", "", "s:Client", err.Text(), nil)
	case style == StyleAutodiscover:
		body = appendFault(nil, "", "", "s:Server", err.Text(), nil)
	default:
		body = appendFault(nil, "a", nsTypes, row.EWS, err.Text(), appendEWSDetail(nil, row, err))
	}
	switch style {
	case StyleEWS:
		headers = append([]byte(ServerVersionInfo), headers...)
	case StyleAutodiscover:
		headers = append([]byte(`<a:Action xmlns:a="`+NSWSA+`" s:mustUnderstand="1">`+NSWSA+`/soap/fault</a:Action>`), headers...)
	}
	status := row.HTTP
	if status < 400 {
		status = http.StatusInternalServerError
	}
	Write(w, v, status, Append(nil, v, "", headers, body))
}

func backOff(err *fault.Error) time.Duration {
	if err.BackOff > 0 {
		return err.BackOff
	}
	return time.Second
}

func appendFault(dst []byte, prefix, space, code, text string, detail []byte) []byte {
	dst = append(dst, "<s:Fault><faultcode"...)
	if prefix != "" {
		dst = fmt.Appendf(dst, ` xmlns:%s="%s">%s:%s`, prefix, space, prefix, code)
	} else {
		dst = append(append(dst, '>'), code...)
	}
	dst = append(dst, `</faultcode><faultstring xml:lang="en-US">`...)
	dst = xmlsec.AppendText(dst, text)
	dst = append(dst, "</faultstring>"...)
	if detail != nil {
		dst = append(append(append(dst, "<detail>"...), detail...), "</detail>"...)
	}
	return append(dst, "</s:Fault>"...)
}

func appendEWSDetail(dst []byte, row fault.Row, err *fault.Error) []byte {
	dst = fmt.Appendf(dst, `<e:ResponseCode xmlns:e="%s">%s</e:ResponseCode><e:Message xmlns:e="%s">`, nsErrors, row.EWS, nsErrors)
	message := err.Text()
	if err.Kind == fault.SchemaValidation || err.Kind == fault.MalformedXML {
		message = row.Text
	}
	dst = append(xmlsec.AppendText(dst, message), "</e:Message>"...)
	switch {
	case err.Kind == fault.ServerBusy:
		dst = fmt.Appendf(dst, `<t:MessageXml xmlns:t="%s"><t:Value Name="BackOffMilliseconds">%d</t:Value></t:MessageXml>`, nsTypes, backOff(err).Milliseconds())
	case err.Line > 0:
		dst = fmt.Appendf(dst, `<t:MessageXml xmlns:t="%s"><t:LineNumber>%d</t:LineNumber><t:LinePosition>%d</t:LinePosition><t:Violation>`, nsTypes, err.Line, err.Col)
		dst = append(xmlsec.AppendText(dst, strings.TrimPrefix(err.Text(), schemaFailed)), "</t:Violation></t:MessageXml>"...)
	}
	return dst
}

func appendSTSFault(dst []byte, row fault.Row, err *fault.Error) []byte {
	party := "Sender"
	if err.Kind == fault.Internal || err.Kind == fault.ServerBusy {
		party = "Receiver"
	}
	dst = fmt.Appendf(dst, `<s:Fault><s:Code><s:Value>s:%s</s:Value><s:Subcode><s:Value xmlns:wst="%s">wst:%s</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">`,
		party, xmlsec.NSWST, row.WSTrust)
	dst = append(xmlsec.AppendText(dst, row.Text), "</s:Text></s:Reason>"...)
	if err.Kind == fault.STSFailedAuthentication {
		dst = fmt.Appendf(dst, `<s:Detail><psf:error xmlns:psf="%s"><psf:value>0x80048821</psf:value><psf:internalerror><psf:code>0x80041012</psf:code><psf:text>The organization could not be authenticated.</psf:text></psf:internalerror></psf:error></s:Detail>`, nsPSF)
	}
	return append(dst, "</s:Fault>"...)
}
