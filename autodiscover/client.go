package autodiscover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// maxResponse bounds an answer: the longest published list of domains has 605 of them.
const maxResponse = 1 << 20

// Client asks Autodiscover services. Redirects stay within the registrable domain of the URL that was asked, and the
// TrustedHosts; every hop gets a message of its own, so that no token travels to a host that it was not addressed to. What
// the service refuses is an [*Error]; an answer that is no SOAP has an [HTTPStatus].
type Client struct {
	HTTP          *http.Client // its deadline, TLS and dialer; redirects are followed by the Client itself
	UserAgent     string
	RequestHeader http.Header // further HTTP headers
	// Header returns ready SOAP header blocks for a message: how a delegation token travels. nil: none.
	Header       func(ctx context.Context, to, action string) ([]byte, error)
	Username     string // Basic authentication where not empty
	Password     string
	TrustedHosts []string // hosts of other domains that a redirect or an SRV record may lead to
}

// HTTPStatus is the status of an answer that was no SOAP, such as 401 where the password is wrong; 0 for every other error.
func HTTPStatus(err error) int {
	if e, ok := errors.AsType[*soap.HTTPError](err); ok {
		return e.Status
	}
	return 0
}

// Error is a fault or an ErrorCode that the service answered.
type Error struct {
	Code     string // fault code, or ErrorCode
	Message  string
	Security bool // the token or its message was refused
	Fault    bool // a SOAP fault, not an ErrorCode

	// RedirectTarget is the address of Code RedirectAddress: in another domain, which needs another relationship and
	// other credentials, so that the caller must ask anew. With Code RedirectUrl it is a URL to which the Client does not
	// go by itself; the error unwraps to why not.
	RedirectTarget string
	cause          error
}

// Error returns the service's message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns why a redirect was not followed.
func (e *Error) Unwrap() error { return e.cause }

// call sends one operation along t and returns its Response.
func (c *Client) call(ctx context.Context, t *trail, operation string, body []byte) (xmlsec.Element, error) {
	for {
		env, err := c.post(ctx, t.url(), operation, body)
		if moved, ok := errors.AsType[*soap.HTTPError](err); ok && moved.Location != "" {
			if err = t.follow(moved.Location); err == nil {
				continue
			}
		}
		if f, ok := errors.AsType[*soap.Fault](err); ok {
			return xmlsec.Element{}, &Error{Code: f.Code, Message: f.String, Security: f.Security(), Fault: true}
		}
		if err != nil {
			return xmlsec.Element{}, err
		}
		if !env.Payload.Is(ns, operation+"ResponseMessage") {
			return xmlsec.Element{}, fmt.Errorf("the answer is a %.60q", env.Payload.Local())
		}
		r := env.Payload.Child(ns, "Response")
		return r, errorOf(r)
	}
}

// post sends one message, addressed to url.
func (c *Client) post(ctx context.Context, url, operation string, body []byte) (*soap.Envelope, error) {
	action := actionPrefix + operation
	headers := []byte(`<x:RequestedServerVersion xmlns:x="` + ns + `">Exchange2010</x:RequestedServerVersion>`)
	if c.Header != nil {
		h, err := c.Header(ctx, url, action)
		if err != nil {
			return nil, err
		}
		headers = append(headers, h...)
	} else {
		headers = append(headers, `<a:Action s:mustUnderstand="1">`+action+`</a:Action><a:To s:mustUnderstand="1">`...)
		headers = append(xmlsec.AppendText(headers, url), "</a:To>"...)
	}
	return soap.Post(ctx, c.unfollowing(), soap.Request{URL: url, Version: soap.V11, Action: action, UserAgent: c.UserAgent, Header: c.RequestHeader,
		Username: c.Username, Password: c.Password, MaxResponse: maxResponse,
		Body: soap.Append(nil, soap.V11, `xmlns:a="`+soap.NSWSA+`"`, headers, body)})
}

// unfollowing is the HTTP client without its own redirects: it would carry a message, token and all, to where it was not
// addressed.
func (c *Client) unfollowing() *http.Client {
	h := http.Client{}
	if c.HTTP != nil {
		h = *c.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}

func errorOf(e xmlsec.Element) error {
	code, message := soap.Said(e.Child(ns, "ErrorCode")), soap.Said(e.Child(ns, "ErrorMessage"))
	if code == "" || code == "NoError" {
		return nil
	}
	return &Error{Code: code, Message: fmt.Sprintf("%s: %s", code, message)}
}

// GetUserSettings asks at url for one user's settings. A first setting that is missing in the answer is an *Error with
// the code that the service gave for it; further ones are left out. RedirectUrl is followed, RedirectAddress within the
// user's domain.
func (c *Client) GetUserSettings(ctx context.Context, url string, user smtpaddr.Address, settings ...string) (map[string]string, error) {
	return c.userSettings(ctx, newTrail(url, c.TrustedHosts), user, settings)
}

func (c *Client) userSettings(ctx context.Context, t *trail, user smtpaddr.Address, settings []string) (map[string]string, error) {
	for range maxRedirects {
		b := append(xmlsec.AppendText([]byte("<Users><User><Mailbox>"), user.String()), "</Mailbox></User></Users>"...)
		u, err := c.askSettings(ctx, t, opUserSettings, b, settings, "User")
		if err != nil {
			return nil, err
		}
		target := text(u.Child(ns, "RedirectTarget"))
		switch text(u.Child(ns, "ErrorCode")) {
		case codeRedirectURL:
			if err := followURL(t, target); err != nil {
				return nil, err
			}
		case codeRedirectAddress:
			next, err := smtpaddr.ParseProxyAddress(target)
			if err != nil {
				return nil, fmt.Errorf("redirect to %.100q: %w", target, err)
			}
			if next.Domain() != user.Domain() {
				return nil, &Error{Code: codeRedirectAddress, Message: fmt.Sprintf("%s has the address %s in another domain", user, next), RedirectTarget: next.String()}
			}
			user = next
		default:
			return readSettings(u, "User", t.url(), settings)
		}
	}
	return nil, fmt.Errorf("more than %d redirects", maxRedirects)
}

// followURL goes where a RedirectUrl leads, or hands it to the caller.
func followURL(t *trail, target string) error {
	if err := t.follow(target); err != nil {
		return &Error{Code: codeRedirectURL, Message: err.Error(), RedirectTarget: target, cause: err}
	}
	return nil
}

// GetDomainSettings asks at url for settings of a domain: ExternalEwsUrl and ExternalEwsVersion are all there are. What
// is missing is as in GetUserSettings.
func (c *Client) GetDomainSettings(ctx context.Context, url string, d smtpaddr.Domain, settings ...string) (map[string]string, error) {
	t := newTrail(url, c.TrustedHosts)
	for range maxRedirects {
		b := append(appendElement([]byte("<Domains>"), "Domain", d.String()), "</Domains>"...)
		e, err := c.askSettings(ctx, t, opDomainSettings, b, settings, "Domain")
		if err != nil {
			return nil, err
		}
		if text(e.Child(ns, "ErrorCode")) != codeRedirectURL {
			return readSettings(e, "Domain", t.url(), settings)
		}
		if err := followURL(t, text(e.Child(ns, "RedirectTarget"))); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("more than %d redirects", maxRedirects)
}

// askSettings asks for settings of one subject and returns its entry in the answer. The answer does not name the
// subject: there must be exactly one entry.
func (c *Client) askSettings(ctx context.Context, t *trail, operation string, subject []byte, settings []string, of string) (xmlsec.Element, error) {
	b := []byte("<" + operation + `RequestMessage xmlns="` + ns + `"><Request>`)
	b = append(append(b, subject...), "<RequestedSettings>"...)
	for _, s := range settings {
		b = appendElement(b, "Setting", s)
	}
	b = append(b, "</RequestedSettings></Request></"+operation+"RequestMessage>"...)
	r, err := c.call(ctx, t, operation, b)
	if err != nil {
		return xmlsec.Element{}, err
	}
	e, err := r.Child(ns, of+"Responses").Only(ns, of+"Response")
	if err != nil {
		return xmlsec.Element{}, fmt.Errorf("the answer: %w", err)
	}
	return e, nil
}

// readSettings reads the settings of an entry, whatever their order and type; those that are no string have no Value.
func readSettings(entry xmlsec.Element, of, url string, asked []string) (map[string]string, error) {
	failed := func(name, code string) error {
		return &Error{Code: code, Message: fmt.Sprintf("The response from the Autodiscover service at '%s' failed due to an error in user setting '%s'. Error message: %s.", url, name, code)}
	}
	var first string
	if len(asked) > 0 {
		first = asked[0]
	}
	if e, ok := errors.AsType[*Error](errorOf(entry)); ok {
		return nil, failed(first, e.Code)
	}
	out := map[string]string{}
	for s := range entry.Child(ns, of+"Settings").Children() {
		if v := text(s.Child(ns, "Value")); v != "" {
			out[text(s.Child(ns, "Name"))] = v
		}
	}
	if first == "" || out[first] != "" {
		return out, nil
	}
	for e := range entry.Child(ns, of+"SettingErrors").Children() {
		if text(e.Child(ns, "SettingName")) == first {
			return nil, failed(first, cmp.Or(soap.Said(e.Child(ns, "ErrorCode")), "SettingIsNotAvailable"))
		}
	}
	return nil, failed(first, "SettingIsNotAvailable")
}

// GetFederationInformation asks at url, without credentials, for a domain's federation.
func (c *Client) GetFederationInformation(ctx context.Context, url string, d smtpaddr.Domain) (*FederationInformation, error) {
	return c.federationInformation(ctx, newTrail(url, c.TrustedHosts), d)
}

func (c *Client) federationInformation(ctx context.Context, t *trail, d smtpaddr.Domain) (*FederationInformation, error) {
	anonymous := *c
	anonymous.Header, anonymous.Username, anonymous.Password = nil, "", ""
	b := []byte("<" + opFederationInformation + `RequestMessage xmlns="` + ns + `"><Request>`)
	b = append(appendElement(b, "Domain", d.String()), "</Request></"+opFederationInformation+"RequestMessage>"...)
	r, err := anonymous.call(ctx, t, opFederationInformation, b)
	if err != nil {
		return nil, err
	}
	return readFederationInformation(r)
}

// GetOrganizationRelationshipSettings asks a partner, with a token for Autodiscover at its wssecurity endpoint, what it
// has set for domains of our own.
func (c *Client) GetOrganizationRelationshipSettings(ctx context.Context, url string, domains ...smtpaddr.Domain) ([]OrganizationRelationshipSettings, error) {
	b := []byte("<" + opRelationshipSettings + `RequestMessage xmlns="` + ns + `"><Request><Domains>`)
	for _, d := range domains {
		b = appendElement(b, "Domain", d.String())
	}
	b = append(b, "</Domains></Request></"+opRelationshipSettings+"RequestMessage>"...)
	r, err := c.call(ctx, newTrail(url, c.TrustedHosts), opRelationshipSettings, b)
	if err != nil {
		return nil, err
	}
	var out []OrganizationRelationshipSettings
	for e := range r.Child(ns, "OrganizationRelationshipSettingsCollection").Children() {
		s, err := readRelationship(e)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
