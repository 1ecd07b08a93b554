package partner

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// eventProxyFailed is the number under which Exchange's administrators look for a failed proxy request.
const eventProxyFailed = 4002

// phase is the part of the way to a partner that failed.
type phase string

const (
	phaseToken        phase = "token"
	phaseAutodiscover phase = "autodiscover"
	phaseEWS          phase = "ews"
)

// failure is why a partner could not be asked.
type failure struct {
	phase phase
	url   string // what was asked, where it is known
	cause error
}

func (f *failure) Error() string { return fmt.Sprintf("%s at %s: %v", f.phase, f.url, f.cause) }

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.cause }

func failed(p phase, url string, err error) error {
	if err == nil {
		return nil
	}
	return &failure{p, url, err}
}

// faultFor is what our own user reads of the failure: Exchange's sentences, then the node that tried.
func (f *failure) faultFor(user smtpaddr.Address, node string) *fault.Error {
	origin := "\r\n. Name of the server where exception originated: " + node
	switch {
	case errors.Is(f.cause, context.DeadlineExceeded):
		return &fault.Error{Kind: fault.Timeout, Message: fault.Timeout.Row().Text + origin, Cause: f}
	case f.phase == phaseAutodiscover:
		return &fault.Error{Kind: fault.AutodiscoverFailed, Message: fmt.Sprintf("Autodiscover failed for email address %s with error %s", user, causeText(f.cause)) + origin, Cause: f}
	}
	return &fault.Error{Kind: fault.ProxyRequestFailed, Message: "Proxy web request failed. , inner exception: " + causeText(f.cause) + origin, Cause: f}
}

// security tells whether the partner refused the token or its message.
func security(err error) bool {
	if a, ok := errors.AsType[*autodiscover.Error](err); ok {
		return a.Security
	}
	e, ok := errors.AsType[*ews.Error](err)
	return ok && e.Security
}

// causeText is an inner exception in the words that administrators search for, without the addresses of our own network.
func causeText(err error) string {
	const gateway, xml = "Failed to communicate with ", "Response is not well-formed XML"
	if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(err.Error(), gateway) {
		return strings.TrimSuffix(err.Error(), inner.Error()) + causeText(inner)
	}
	if text := answered(err); text != "" {
		return text
	}
	if text := unanswered(err); text != "" {
		return text
	}
	if strings.HasPrefix(err.Error(), xml) {
		return xml
	}
	if u, ok := errors.AsType[*url.Error](err); ok { // its own text repeats the URL
		err = u.Err
	}
	return fmt.Sprintf("%.300s", err.Error())
}

// answered is the text of what a peer answered; "" when err is no answer.
func answered(err error) string {
	if e, ok := errors.AsType[*ews.Error](err); ok {
		return e.Message
	}
	if e, ok := errors.AsType[*autodiscover.Error](err); ok {
		return e.Message
	}
	if e, ok := errors.AsType[*soap.Fault](err); ok {
		return e.String
	}
	if e, ok := errors.AsType[*soap.HTTPError](err); ok {
		return e.Error()
	}
	if errors.Is(err, errRedirect) {
		return errRedirect.Error()
	}
	return ""
}

// unanswered is the text for a peer that could not be spoken to; "" when err is none of that.
func unanswered(err error) string {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("The remote name could not be resolved: '%s'", e.Name)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel."
	}
	if errors.Is(err, syscall.ECONNRESET) {
		return "An existing connection was forcibly closed by the remote host"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return "Unable to connect to the remote server"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "The operation has timed out"
	}
	return ""
}

// report writes the event of a failed leg.
func (r *Remote) report(ctx context.Context, f *failure, who orgrel.Requester, rel *orgrel.OrganizationRelationship, mailboxes []smtpaddr.Address) {
	names := make([]string, len(mailboxes))
	for i, a := range mailboxes {
		names[i] = a.String()
	}
	r.o.Log.LogAttrs(context.WithoutCancel(ctx), slog.LevelWarn, "a partner could not be asked", slog.Int("event", eventProxyFailed),
		slog.String("requester", who.Address.String()), slog.String("mailbox", strings.Join(names, " ")), slog.String("relationship", rel.Name),
		slog.String("phase", string(f.phase)), slog.String("url", f.url), slog.String("node", r.o.Node), slog.String("cause", f.cause.Error()),
		slog.String("client_request_id", record.From(ctx).CorrelationID()))
}
