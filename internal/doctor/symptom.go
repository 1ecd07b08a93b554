package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
)

// place is where on the way a question is asked.
type place uint8

const (
	atGateway place = iota
	atAutodiscover
	atEWS
	ownAutodiscover // as the partner finds it
	ownEWS
)

func (p place) String() string {
	return [...]string{"the gateway", "the partner's Autodiscover", "the partner's EWS", "our own Autodiscover, as partners find it", "our own EWS, as partners find it"}[p]
}

// unknownCase is an error that none of the published cases describes.
const unknownCase = "LOOKUP"

// caseOf tells which published case an error at a place is.
func caseOf(p place, err error) string {
	if id := proxyCase(err); id != "" {
		return id
	}
	if id := unansweredCase(p, err); id != "" {
		return id
	}
	if status, ok := httpStatus(err); ok {
		return statusCase(p, status)
	}
	if moved, ok := errors.AsType[*autodiscover.UntrustedHostError](err); ok && moved != nil {
		return "AD-05"
	}
	if code, security, ok := faultCode(err); ok {
		return faultCase(p, code, security)
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return kindCase(p, e.Kind)
	}
	return unknownCase
}

// proxyCase is about what stands between us and everybody.
func proxyCase(err error) string {
	if status, ok := httpStatus(err); ok && status == http.StatusProxyAuthRequired || strings.Contains(err.Error(), http.StatusText(http.StatusProxyAuthRequired)) {
		return "TOK-06" // the transport has no type for a refused CONNECT
	}
	return ""
}

// unansweredCase is about a peer that could not be spoken to.
func unansweredCase(p place, err error) string {
	id := map[bool]string{true: "TOK-05"}[p == atGateway]
	own := map[place]string{ownEWS: "EWS-03"}[p]
	first := func(ids ...string) string {
		for _, s := range ids {
			if s != "" {
				return s
			}
		}
		return ""
	}
	_, dns := errors.AsType[*net.DNSError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	// A TLS alert has no exported type, and net/http makes a text of an answer in plain HTTP.
	handshake := strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
	op, dial := errors.AsType[*net.OpError](err)
	timed, _ := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || timed != nil && timed.Timeout():
		return "EWS-07"
	case dns:
		return first(id, own, "AD-04")
	case certificate:
		return first(id, "AD-08")
	case handshake:
		return first(id, "AD-09")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return first(id, own, "EWS-02")
	case dial && op.Op == "dial":
		return first(id, own, "EWS-01")
	case strings.HasPrefix(err.Error(), "Response is not well-formed XML"):
		return map[place]string{atGateway: "TOK-05", atAutodiscover: "EWS-05", atEWS: "EWS-05", ownAutodiscover: "AD-02", ownEWS: "AD-02"}[p]
	}
	return ""
}

// statusCase is about an answer that is no SOAP.
func statusCase(p place, status int) string {
	switch {
	case p == atGateway:
		return "TOK-05"
	case status/100 == 3 && (p == atEWS || p == ownEWS):
		return "EWS-04"
	case status/100 == 3, status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "AD-02"
	case status == http.StatusMethodNotAllowed:
		return "AD-03"
	case status == http.StatusNotFound && (p == atAutodiscover || p == ownAutodiscover):
		return "AD-01"
	case status == http.StatusNotFound:
		return "EWS-03"
	case status == http.StatusOK:
		return "EWS-05"
	}
	return "EWS-06"
}

// faultCase is about a peer that speaks our language and refuses.
func faultCase(p place, code string, security bool) string {
	switch {
	case p == atGateway && code == "InvalidScope":
		return "TOK-03"
	case p == atGateway && code == "ExpiredData":
		return "TIME-01"
	case p == atGateway:
		return "TOK-04"
	case code == "InvalidSecurity":
		return "TOK-02"
	case security:
		return "TOK-01"
	case code == "InvalidUser", code == "InvalidDomain":
		return "AD-06"
	case code == "SettingIsNotAvailable":
		return "AD-07"
	case code == "RedirectAddress":
		return "REL-06"
	case code == "ServerBusy":
		return "EWS-06"
	}
	return unknownCase
}

// kindCase is about one mailbox in an answer.
func kindCase(p place, k fault.Kind) string {
	switch k {
	case fault.NoFreeBusyAccess, fault.MailRecipientNotFound:
		return "REL-04"
	case fault.ProxyRequestNotAllowed:
		return "REL-06"
	case fault.ResultSetTooBig:
		return "EWS-08"
	case fault.Timeout:
		return "EWS-07"
	case fault.ServerBusy:
		return "EWS-06"
	}
	if p == atGateway {
		return "TOK-04"
	}
	return unknownCase
}

func httpStatus(err error) (int, bool) {
	if e, ok := errors.AsType[*soap.HTTPError](err); ok {
		return e.Status, true
	}
	return 0, false
}

// faultCode is the code of a fault or of an Autodiscover error, and whether it refuses the token or its message.
func faultCode(err error) (code string, security, ok bool) {
	if e, ok := errors.AsType[*autodiscover.Error](err); ok {
		return e.Code, e.Security, true
	}
	if e, ok := errors.AsType[*ews.Error](err); ok && e.Code != "" { // without one it is a mailbox's, which has a kind
		return e.Code, e.Security, true
	}
	if e, ok := errors.AsType[*soap.Fault](err); ok {
		return e.Code, e.Security(), true
	}
	return "", false, false
}

// causeText is an error in the words that administrators search for.
func causeText(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Kind.Row().EWS + ": " + e.Text()
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("The remote name could not be resolved: '%s' (%s)", e.Name, e.Err)
	}
	if code, _, ok := faultCode(err); ok {
		return fmt.Sprintf("%v (%s)", err, code)
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "Could not establish trust relationship for the SSL/TLS secure channel: " + e.Err.Error()
	}
	if e, ok := errors.AsType[*url.Error](err); ok && e.Err != nil {
		return fmt.Sprintf("%.300v", e.Err)
	}
	return fmt.Sprintf("%.300v", err)
}
