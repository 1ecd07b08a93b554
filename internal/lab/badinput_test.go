package lab_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// internals are marks of what must never go out: Go's and the store's own words, and places in the file system.
var internals = regexp.MustCompile(`(?i)panic|goroutine|\.go:\d|github\.com|strconv|unexpected EOF|parsing time|invalid character|xmlsec|sqlite|postgres|pgx|SELECT |INSERT |no such (table|host)|/tmp/|/etc/|/home/`)

const (
	soapType   = "text/xml; charset=utf-8"
	securityNS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
)

func wsseFault(code, text string) string {
	return `<faultcode xmlns:a="` + securityNS + `">a:` + code + `</faultcode><faultstring xml:lang="en-US">` + text + `</faultstring></s:Fault>`
}

// badInput is one request as nobody should send it, and what it gets.
type badInput struct {
	name, method, path string
	header             http.Header
	body               string
	status             int
	want               string
}

func typed(contentType string, more ...string) http.Header {
	h := http.Header{"Content-Type": {contentType}}
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

func login(user smtpaddr.Address, password string) http.Header {
	r := http.Request{Header: typed(soapType)}
	r.SetBasicAuth(user.String(), password)
	return r.Header
}

func httpInputs(tom smtpaddr.Address) []badInput {
	const own, partners, discover = "/EWS/Exchange.asmx", "/EWS/Exchange.asmx/wssecurity", "/Autodiscover/Autodiscover.svc"
	good, basic, plain := request("Detailed", tom.String()), login(tom, lab.Password), typed(soapType)
	with := func(k, v string) http.Header { h := basic.Clone(); h.Set(k, v); return h }
	return []badInput{
		{"no credentials", "POST", own, plain, good, 401, "Credentials are missing or wrong."},
		{"wrong password", "POST", own, login(tom, "wrong"), good, 401, "Credentials are missing or wrong."},
		{"unknown user", "POST", own, login(smtpaddr.MustAddress("nobody@contoso.example"), lab.Password), good, 401, "Credentials are missing or wrong."},
		{"bearer", "POST", own, typed(soapType, "Authorization", "Bearer abc"), good, 401, "Credentials are missing or wrong."},
		{"gzip", "POST", own, with("Content-Encoding", "gzip"), "\x1f\x8b\x08\x00", 415, "The content type or encoding is not supported."},
		{"form", "POST", own, with("Content-Type", "application/x-www-form-urlencoded"), "a=b", 415, "The content type or encoding is not supported."},
		{"SOAP 1.2 type", "POST", own, with("Content-Type", "application/soap+xml; charset=utf-8"), good, 415, "The content type or encoding is not supported."},
		{"latin-1", "POST", own, with("Content-Type", "text/xml; charset=iso-8859-1"), good, 415, "The content type or encoding is not supported."},
		{"500 kB", "POST", own, basic, good + strings.Repeat(" ", 500<<10), 413, "The request is too large."},
		{"500 kB to partners", "POST", partners, plain, good + strings.Repeat(" ", 500<<10), 413, "The request is too large."},
		{"PUT", "PUT", own, basic, good, 405, ""},
		{"PUT to partners", "PUT", partners, plain, good, 405, ""},
		{"TRACE", "TRACE", partners, nil, "", 405, ""},
		{"PUT to Autodiscover", "PUT", discover, plain, good, 405, "The method is not allowed."},
		{"GET without credentials", "GET", own, nil, "", 401, "Credentials are missing or wrong."},
		{"GET", "GET", own, basic, "", 200, "answers SOAP requests by POST"},
		{"GET of partners", "GET", partners, nil, "", 200, "answers SOAP requests by POST"},
		{"GET of Autodiscover", "GET", discover, nil, "", 200, "answers SOAP requests by POST"},
		{"symmetrickey", "POST", partners + "/symmetrickey", plain, good, 404, ""},
		{"x509cert", "POST", partners + "/x509cert", plain, good, 404, ""},
		{"two slashes", "POST", "//EWS/Exchange.asmx", basic, good, 404, ""},
		{"two trailing slashes", "POST", own + "//", basic, good, 404, ""},
		{"traversal", "POST", "/EWS/../EWS/Exchange.asmx", basic, good, 404, ""},
		{"escaped traversal", "POST", "/Autodiscover/%2e%2e/EWS/Exchange.asmx", basic, good, 404, ""},
		{"other path", "GET", "/owa/", nil, "", 404, ""},
		{"metrics", "GET", "/metrics", nil, "", 404, ""},
		{"pprof", "GET", "/debug/pprof/", nil, "", 404, ""},
		{"root", "GET", "/", nil, "", 404, ""},
		{"other case", "POST", "/ews/EXCHANGE.ASMX", basic, good, 200, "<ResponseCode>NoError</ResponseCode>"},
		{"trailing slash", "POST", own + "/", basic, good, 200, "<ResponseCode>NoError</ResponseCode>"},
		{"other case of partners", "POST", "/EWS/exchange.ASMX/WSSecurity/", plain, good, 500, wsseFault("InvalidSecurity", "An error occurred when verifying security for the message.")},
		{"no token", "POST", partners, plain, good, 500, wsseFault("InvalidSecurity", "An error occurred when verifying security for the message.")},
		{"Basic to partners", "POST", partners, basic, good, 500, wsseFault("InvalidSecurity", "An error occurred when verifying security for the message.")},
	}
}

// bodyInputs are refused with a fault of EWS after a good login.
func bodyInputs(tom smtpaddr.Address) (out []badInput) {
	good := request("Detailed", tom.String())
	day, end := nextMonday().Format("2006-01-02"), nextMonday().AddDate(0, 0, 1).Format("2006-01-02")
	inHeader := func(h string) func(string) string { return replace("<s:Header>", "<s:Header>"+h) }
	const types = ` xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"`
	for _, c := range []struct {
		name string
		edit func(string) string
		want string
	}{
		{"not XML", func(string) string { return "nonsense" }, "ErrorSchemaValidation"},
		{"nothing", func(string) string { return "" }, "ErrorSchemaValidation"},
		{"cut off", func(s string) string { return s[:len(s)/2] }, "ErrorSchemaValidation"},
		{"DOCTYPE", func(s string) string { return `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + s }, "ErrorSchemaValidation"},
		{"empty body", func(s string) string { return cut(s, "<m:GetUser", "</m:GetUserAvailabilityRequest>") }, "ErrorInvalidRequest"},
		{"other operation", func(s string) string { return strings.ReplaceAll(s, "GetUserAvailabilityRequest", "CreateItem") }, "ErrorInvalidOperation"},
		{"reversed window", replace(end, "2001-01-01"), "ErrorInvalidTimeInterval"},
		{"huge window", replace(end, "9998-01-01"), "ErrorTimeIntervalTooBig"},
		{"30 February", replace(day, "2026-02-30"), "ErrorSchemaValidation"},
		{"since the year 10^9", replace(day, "1000000000-01-01"), "ErrorInvalidTimeInterval"},
		{"until the year 10^9", replace(end, "1000000000-01-01"), "ErrorTimeIntervalTooBig"},
		{"interval 4", replace(">60<", ">4<"), "ErrorInvalidMergedFreeBusyInterval"},
		{"interval 2^31", replace(">60<", ">2147483648<"), "ErrorSchemaValidation"},
		{"unknown view", replace("Detailed</t:RequestedView>", "All</t:RequestedView>"), "ErrorSchemaValidation"},
		{"view None", replace("Detailed</t:RequestedView>", "None</t:RequestedView>"), "ErrorInvalidFreeBusyViewType"},
		{"month 13", replace("<t:Month>0<", "<t:Month>13<"), "ErrorTimeZone"},
		{"bias 2^31", replace("<t:Bias>0<", "<t:Bias>2147483648<"), "ErrorSchemaValidation"},
		{"zone incomplete", without("<t:DaylightTime>", "</t:DaylightTime>"), "ErrorSchemaValidation"},
		{"zone-less times", without("<t:TimeZone>", "</t:TimeZone>"), "ErrorTimeZone"},
		{"no mailbox", without("<t:MailboxData>", "</t:MailboxData>"), "ErrorMailboxDataArrayEmpty"},
		{"101 mailboxes", replace("<m:MailboxDataArray>", "<m:MailboxDataArray>"+strings.Repeat(fmt.Sprintf(mailboxData, "a@contoso.example"), 100)), "ErrorMailboxDataArrayTooBig"},
		{"must understand", inHeader(`<x:y xmlns:x="urn:x" s:mustUnderstand="1"/>`), "s:MustUnderstand"},
		{"impersonation", inHeader(`<t:ExchangeImpersonation` + types + `/>`), "ErrorAccessDenied"},
		{"proxy header", inHeader(`<t:ProxySecurityContext` + types + `>AAAA</t:ProxySecurityContext>`), "ErrorProxyRequestNotAllowed"},
		{"unknown version", inHeader(`<t:RequestServerVersion` + types + ` Version="Exchange1996"/>`), "ErrorInvalidServerVersion"},
		{"SOAP 1.2", replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"), "s:VersionMismatch"},
	} {
		out = append(out, badInput{c.name, "POST", "/EWS/Exchange.asmx", login(tom, lab.Password), c.edit(good), 500, c.want})
	}
	return out
}

func TestBadInputGetsItsAnswerAndServingGoesOn(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		tom := l.User(t, l.Contoso, "tom", mailbox.Reviewer, busy(9))
		for _, c := range append(httpInputs(tom), bodyInputs(tom)...) {
			u, err := url.Parse(l.Contoso.URL + c.path)
			must(t, err)
			status, header, body := send(t, l, c.method, u.String(), c.header, c.body)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%s: HTTP %d %s", c.name, status, body)
			}
			if leak := internals.FindString(body + fmt.Sprint(header)); leak != "" {
				t.Errorf("%s shows %q: %s", c.name, leak, body)
			}
			if status == http.StatusUnauthorized && header.Get("WWW-Authenticate") == "" || status == http.StatusMethodNotAllowed && header.Get("Allow") == "" {
				t.Errorf("%s: HTTP %d without its header: %v", c.name, status, header)
			}
			if status, body := post(t, l, l.Contoso.URL, tom.String(), lab.Password, request("FreeBusy", tom.String())); status != http.StatusOK {
				t.Fatalf("after %s: HTTP %d %s", c.name, status, body)
			}
		}
	})
}

// TestLengthThatLiesEndsItsConnection writes bytes that an HTTP client would not.
func TestLengthThatLiesEndsItsConnection(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		host := strings.TrimPrefix(l.Contoso.URL, "https://")
		message := request("FreeBusy", "tom@contoso.example")
		for name, c := range map[string]struct {
			length, body, want string
		}{
			"longer than the body":  {fmt.Sprint(len(message) + 1000), message, "HTTP/1.1 500"},
			"shorter than the body": {"100", message, "HTTP/1.1 500"},
			"ten gigabytes":         {"10000000000", "", "HTTP/1.1 413"}, // the last three are refused before a body is read
			"negative":              {"-1", "", "HTTP/1.1 400"},
			"twice":                 {"5\r\nContent-Length: 6", "", "HTTP/1.1 400"},
		} {
			conn, err := tls.Dial("tcp", host, l.TLS())
			must(t, err)
			must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
			_, err = fmt.Fprintf(conn, "POST /EWS/Exchange.asmx/wssecurity HTTP/1.1\r\nHost: %s\r\nContent-Type: text/xml\r\nContent-Length: %s\r\n\r\n%s", host, c.length, c.body)
			must(t, err, conn.CloseWrite())
			answer, err := io.ReadAll(conn)
			conn.Close()
			if !strings.HasPrefix(string(answer), c.want) || strings.Contains(string(answer), "HTTP/1.1 200") {
				t.Errorf("%s: %v %s", name, err, answer)
			}
			if leak := internals.FindString(string(answer)); leak != "" {
				t.Errorf("%s shows %q: %s", name, leak, answer)
			}
		}
	})
}

func TestTokenForAnotherOrganizationIsRefused(t *testing.T) {
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		rita := l.User(t, l.Fabrikam, "rita", mailbox.AvailabilityOnly)
		asking := &caller{l: l, token: token(t, l, rita, l.Fabrikam.Trust.ApplicationUri, orgrel.ActionFreeBusy)}
		status, body := asking.post(t, l.Contoso.URL, payload("FreeBusy", "tom@contoso.example"))
		if want := wsseFault("InvalidSecurityToken", "An error occurred when processing the security tokens in the message."); status != http.StatusInternalServerError || !strings.Contains(body, want) {
			t.Errorf("HTTP %d %s", status, body)
		}
	})
}
