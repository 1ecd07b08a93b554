package soap

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/internal/xmlsec"
)

// Fault is a fault that a peer answered.
type Fault struct {
	HTTPStatus   int
	Code         string // local name (SOAP 1.2: of the innermost subcode)
	String       string
	ResponseCode string        // detail e:ResponseCode of EWS
	BackOff      time.Duration // how long the peer wants not to be asked: BackOffMilliseconds, or Retry-After
}

func (f *Fault) Error() string { return f.String }

// Security tells whether the peer refused the token or its message.
func (f *Fault) Security() bool {
	switch f.Code {
	case "InvalidSecurity", "InvalidSecurityToken", "FailedAuthentication":
		return true
	}
	return false
}

// HTTPError is an answer that is no SOAP at all.
type HTTPError struct {
	Status   int
	Location string        // where a redirect leads, absolute; "" for other answers
	BackOff  time.Duration // Retry-After
}

func (e *HTTPError) Error() string {
	return fmt.Sprintf("The request failed with HTTP status %d: %s.", e.Status, http.StatusText(e.Status))
}

// Request is one call to a peer.
type Request struct {
	URL         string
	Version     Version
	Action      string // SOAPAction (1.1) or action parameter (1.2)
	Body        []byte // whole envelope
	UserAgent   string
	Header      http.Header // further headers
	Username    string      // Basic authentication where not empty
	Password    string
	MaxResponse int64 // 0 = 4 MB
}

// Post sends r and parses the answer. A fault becomes *Fault, any other answer that is no envelope *HTTPError.
// Redirects must not be followed by c.
func Post(ctx context.Context, c *http.Client, r Request) (*Envelope, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	if r.Version == V12 {
		req.Header.Set("Content-Type", fmt.Sprintf("application/soap+xml; charset=utf-8; action=%q", r.Action))
	} else {
		req.Header.Set("Content-Type", "text/xml; charset=utf-8")
		req.Header.Set("SOAPAction", `"`+r.Action+`"`)
	}
	req.Header.Set("Accept", "text/xml, application/soap+xml")
	if r.UserAgent != "" {
		req.Header.Set("User-Agent", r.UserAgent)
	}
	if r.Username != "" {
		req.SetBasicAuth(r.Username, r.Password)
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if at, err := resp.Location(); err == nil && resp.StatusCode/100 == 3 {
		return nil, &HTTPError{Status: resp.StatusCode, Location: at.String()}
	}
	limits := xmlsec.DocumentLimits()
	if r.MaxResponse > 0 {
		limits.Bytes = int(r.MaxResponse)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, int64(limits.Bytes)+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusInternalServerError && resp.StatusCode != http.StatusBadRequest {
		return nil, &HTTPError{Status: resp.StatusCode, BackOff: retryAfter(resp.Header)}
	}
	env, err := Parse(raw, r.Version, limits, func(string, string) bool { return true })
	if err != nil {
		if resp.StatusCode != http.StatusOK {
			return nil, &HTTPError{Status: resp.StatusCode, BackOff: retryAfter(resp.Header)}
		}
		return nil, fmt.Errorf("Response is not well-formed XML: %w", err) //nolint:staticcheck // the text administrators know
	}
	if f := env.Payload; f.Is(r.Version.Namespace(), "Fault") {
		out := readFault(f, r.Version, resp.StatusCode)
		out.BackOff = max(out.BackOff, retryAfter(resp.Header))
		return nil, out
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &HTTPError{Status: resp.StatusCode, BackOff: retryAfter(resp.Header)}
	}
	return env, nil
}

// retryAfter reads the seconds of Retry-After; its date form is not used by servers of this kind.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.ParseUint(h.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

func readFault(f xmlsec.Element, v Version, status int) *Fault {
	out := &Fault{HTTPStatus: status}
	if v == V12 {
		ns := v.Namespace()
		code := f.Child(ns, "Code")
		for sub := code.Child(ns, "Subcode"); !sub.IsZero(); sub = sub.Child(ns, "Subcode") {
			code = sub
		}
		out.Code = localOf(Said(code.Child(ns, "Value")))
		out.String = Said(f.Child(ns, "Reason").Child(ns, "Text"))
		return out
	}
	out.Code = localOf(Said(f.Child("", "faultcode")))
	out.String = Said(f.Child("", "faultstring"))
	for d := range f.Child("", "detail").Children() {
		if d.Local() == "ResponseCode" {
			out.ResponseCode = Said(d)
		}
		for v := range d.Children() { // t:Value of MessageXml
			if name, _ := v.Attr("Name"); name == "BackOffMilliseconds" {
				n, _ := strconv.ParseUint(Said(v), 10, 31)
				out.BackOff = time.Duration(n) * time.Millisecond
			}
		}
	}
	return out
}

// maxSaid is longer than the texts of Exchange that carry other texts inside them.
const maxSaid = 2000

// Said is what a peer says of a failure in e: a code or a text, "" where e holds anything else. It is cut after 2000 bytes:
// one answer can be about many people, and what it says is told of each of them, logged and remembered.
func Said(e xmlsec.Element) string {
	s, err := e.Text()
	if err != nil {
		return ""
	}
	if s = strings.TrimSpace(s); len(s) > maxSaid {
		s = strings.ToValidUTF8(s[:maxSaid], "") // a character may have been cut
	}
	return s
}

func localOf(qname string) string {
	if i := strings.LastIndexByte(qname, ':'); i >= 0 {
		return qname[i+1:]
	}
	return qname
}
