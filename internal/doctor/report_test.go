package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
)

func hostile() *Report {
	return &Report{When: time.Date(2026, 11, 24, 22, 28, 31, 0, time.UTC), Organization: "contoso.example", Partner: "<script>alert(1)</script>", User: "rita@fabrikam.example",
		Findings:  []Finding{{ID: "AD-04", Title: "t", Severity: Fail, Evidence: `"><img src=http://evil.example/x> tom@contoso.example at 10.1.2.3:443, [2001:db8::1]:443 and fe80::2 at 22:28:31`, Cause: "c", Fix: "f"}},
		Exchanges: []Exchange{{Method: "POST", URL: "https://192.0.2.7/EWS/Exchange.asmx", Error: "dial tcp 192.0.2.7:443: connect: connection refused"}}}
}

// A report is opened in a browser and forwarded by mail: it must run nothing and load nothing, whatever a partner answered.
func TestPageRunsNothingAndLoadsNothing(t *testing.T) {
	var b bytes.Buffer
	if err := hostile().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, bad := range []string{"<script", "<img", "<link", "src=\"", "http-equiv=\"refresh\"", "url("} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	for _, want := range []string{"AD-04", "&lt;script&gt;", "default-src 'none'"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
}

func TestRedactedReportNamesNoUserAndNoAddress(t *testing.T) {
	full := hostile()
	r := full.Redacted()
	text := fmt.Sprintf("%+v", r)
	for _, secret := range []string{"rita", "tom@", "10.1.2.3", "192.0.2.7", "2001:db8", "fe80"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in %s", secret, text)
		}
	}
	for _, kept := range []string{"user@fabrikam.example", "user@contoso.example", "22:28:31", "connection refused"} {
		if !strings.Contains(text, kept) {
			t.Errorf("%s is missing in %s", kept, text)
		}
	}
	if !strings.Contains(full.Findings[0].Evidence, "tom@contoso.example") {
		t.Error("the report itself was changed")
	}
}

func TestErrorsAreTakenForTheCaseThatTheyAre(t *testing.T) {
	wrapped := func(err error) error { return &url.Error{Op: "Post", URL: "https://mail.contoso.example/", Err: err} }
	dial := func(err error) error { return wrapped(&net.OpError{Op: "dial", Net: "tcp", Err: err}) }
	for _, c := range []struct {
		id  string
		at  place
		err error
	}{
		{"AD-04", atAutodiscover, dial(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true})},
		{"EWS-03", ownEWS, dial(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true})},
		{"TOK-05", atGateway, dial(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true})},
		{"EWS-01", atEWS, dial(syscall.ECONNREFUSED)},
		{"TOK-05", atGateway, dial(syscall.ECONNREFUSED)},
		{"TOK-06", atGateway, wrapped(errors.New("Proxy Authentication Required"))},
		{"TOK-06", atEWS, &soap.HTTPError{Status: 407}},
		{"EWS-02", atEWS, wrapped(&net.OpError{Op: "read", Err: syscall.ECONNRESET})},
		{"EWS-02", atAutodiscover, wrapped(io.EOF)},
		{"AD-08", atAutodiscover, wrapped(&tls.CertificateVerificationError{Err: x509.HostnameError{Host: "x", Certificate: &x509.Certificate{}}})},
		{"AD-09", atAutodiscover, wrapped(&net.OpError{Op: "remote error", Err: errors.New("tls: protocol version not supported")})},
		{"EWS-07", atEWS, wrapped(context.DeadlineExceeded)},
		{"AD-01", atAutodiscover, &soap.HTTPError{Status: 404}},
		{"EWS-03", atEWS, &soap.HTTPError{Status: 404}},
		{"AD-02", atEWS, &soap.HTTPError{Status: 401}},
		{"AD-02", ownAutodiscover, &soap.HTTPError{Status: 302, Location: "/login"}},
		{"EWS-04", atEWS, &soap.HTTPError{Status: 302, Location: "/login"}},
		{"AD-03", ownEWS, &soap.HTTPError{Status: 405}},
		{"EWS-06", atEWS, &soap.HTTPError{Status: 504}},
		{"EWS-05", atEWS, errors.New("Response is not well-formed XML: …")},
		{"AD-02", ownEWS, errors.New("Response is not well-formed XML: …")},
		{"AD-05", atAutodiscover, fmt.Errorf("x: %w", &autodiscover.UntrustedHostError{Host: "h"})},
		{"TOK-01", atAutodiscover, &autodiscover.Error{Code: "InvalidSecurityToken", Security: true, Fault: true}},
		{"TOK-02", atEWS, &ews.Error{Code: "InvalidSecurity", Security: true}},
		{"TOK-03", atGateway, fmt.Errorf("x: %w", &soap.Fault{Code: "InvalidScope"})},
		{"TOK-04", atGateway, &soap.Fault{Code: "FailedAuthentication"}},
		{"TIME-01", atGateway, &soap.Fault{Code: "ExpiredData"}},
		{"AD-06", atAutodiscover, &autodiscover.Error{Code: "InvalidUser"}},
		{"AD-07", atAutodiscover, &autodiscover.Error{Code: "SettingIsNotAvailable"}},
		{"REL-06", atAutodiscover, &autodiscover.Error{Code: "RedirectAddress", RedirectTarget: "a@b.example"}},
		{"REL-04", atEWS, fault.New(fault.NoFreeBusyAccess, "")},
		{"EWS-08", atEWS, fault.New(fault.ResultSetTooBig, "")},
		{unknownCase, atEWS, errors.New("something else")},
	} {
		if got := caseOf(c.at, c.err); got != c.id {
			t.Errorf("%v at %s: %s instead of %s", c.err, c.at, got, c.id)
		}
	}
}

// The registry is what docs/doctor.md lists, and every check tells what to do.
func TestEveryCheckHasACauseAndAFix(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range checks() {
		if c.id == "" || c.title == "" || c.cause == "" || c.fix == "" || c.direction == 0 || c.run == nil {
			t.Errorf("%s is not complete", c.id)
		}
		if seen[c.id] {
			t.Errorf("%s is there twice", c.id)
		}
		seen[c.id] = true
	}
}
