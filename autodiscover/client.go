package autodiscover

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// Client asks an Autodiscover service.
type Client struct {
	HTTP          *http.Client
	UserAgent     string
	RequestHeader http.Header
	// Header returns ready SOAP header blocks for a message: how a delegation token travels. nil: no credentials.
	Header func(ctx context.Context, to, action string) ([]byte, error)
}

// Error is a fault or an ErrorCode that the service answered.
type Error struct {
	Code     string // fault code, or ErrorCode
	Message  string
	Security bool // the token or its message was refused
	Fault    bool // a SOAP fault, not an ErrorCode
	// RedirectTarget is where Code RedirectAddress (an address) or RedirectUrl (a URL) points.
	RedirectTarget string
}

func (e *Error) Error() string { return e.Message }

func (c *Client) call(ctx context.Context, url, operation string, body []byte) (xmlsec.Element, error) {
	action := actionPrefix + operation
	headers := []byte(`<x:RequestedServerVersion xmlns:x="` + ns + `">Exchange2010</x:RequestedServerVersion>`)
	if c.Header != nil {
		h, err := c.Header(ctx, url, action)
		if err != nil {
			return xmlsec.Element{}, err
		}
		headers = append(headers, h...)
	} else {
		headers = append(headers, `<a:Action s:mustUnderstand="1">`+action+`</a:Action><a:To s:mustUnderstand="1">`...)
		headers = append(xmlsec.AppendText(headers, url), "</a:To>"...)
	}
	env, err := soap.Post(ctx, c.HTTP, soap.Request{URL: url, Version: soap.V11, Action: action, UserAgent: c.UserAgent, Header: c.RequestHeader,
		Body: soap.Append(nil, soap.V11, `xmlns:a="`+soap.NSWSA+`"`, headers, body)})
	if f, ok := errors.AsType[*soap.Fault](err); ok {
		return xmlsec.Element{}, &Error{Code: f.Code, Message: f.String, Security: f.Security(), Fault: true}
	}
	if err != nil {
		return xmlsec.Element{}, err
	}
	if !env.Payload.Is(ns, operation+"ResponseMessage") {
		return xmlsec.Element{}, fmt.Errorf("the answer is a %.60s", env.Payload.Local())
	}
	r := env.Payload.Child(ns, "Response")
	return r, errorOf(r)
}

func text(e xmlsec.Element) string {
	s, err := e.Text()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

func errorOf(e xmlsec.Element) error {
	code, message := text(e.Child(ns, "ErrorCode")), text(e.Child(ns, "ErrorMessage"))
	if code == "" || code == "NoError" {
		return nil
	}
	return &Error{Code: code, Message: fmt.Sprintf("%s: %s", code, message)}
}

// GetUserSettings asks at url for one user's settings. A setting that is missing in the answer is an *Error with the
// code that the service gave for it.
func (c *Client) GetUserSettings(ctx context.Context, url string, user smtpaddr.Address, settings ...string) (map[string]string, error) {
	b := []byte(`<GetUserSettingsRequestMessage xmlns="` + ns + `"><Request><Users><User><Mailbox>`)
	b = append(xmlsec.AppendText(b, user.String()), "</Mailbox></User></Users><RequestedSettings>"...)
	for _, s := range settings {
		b = appendElement(b, "Setting", s)
	}
	b = append(b, "</RequestedSettings></Request></GetUserSettingsRequestMessage>"...)
	r, err := c.call(ctx, url, "GetUserSettings", b)
	if err != nil {
		return nil, err
	}
	u := r.Child(ns, "UserResponses").Child(ns, "UserResponse")
	if u.IsZero() {
		return nil, errors.New("the answer holds no UserResponse")
	}
	failed := func(code string) *Error {
		return &Error{Code: code, Message: fmt.Sprintf("The response from the Autodiscover service at '%s' failed due to an error in user setting '%s'. Error message: %s.", url, settings[0], code)}
	}
	if e, ok := errors.AsType[*Error](errorOf(u)); ok {
		err := failed(e.Code)
		err.RedirectTarget = text(u.Child(ns, "RedirectTarget"))
		return nil, err
	}
	for e := range u.Child(ns, "UserSettingErrors").Children() {
		if text(e.Child(ns, "SettingName")) == settings[0] {
			return nil, failed(text(e.Child(ns, "ErrorCode")))
		}
	}
	out := map[string]string{}
	for s := range u.Child(ns, "UserSettings").Children() {
		out[text(s.Child(ns, "Name"))] = text(s.Child(ns, "Value"))
	}
	return out, nil
}

// GetFederationInformation asks at url, without credentials, for a domain's federation.
func (c *Client) GetFederationInformation(ctx context.Context, url string, d smtpaddr.Domain) (*FederationInformation, error) {
	b := []byte(`<GetFederationInformationRequestMessage xmlns="` + ns + `"><Request>`)
	b = append(appendElement(b, "Domain", d.String()), "</Request></GetFederationInformationRequestMessage>"...)
	r, err := c.call(ctx, url, "GetFederationInformation", b)
	if err != nil {
		return nil, err
	}
	info := &FederationInformation{ApplicationUri: text(r.Child(ns, "ApplicationUri"))}
	for e := range r.Child(ns, "Domains").Children() {
		domain, err := smtpaddr.ParseDomain(text(e))
		if err != nil {
			return nil, err
		}
		info.Domains = append(info.Domains, domain)
	}
	issuer := r.Child(ns, "TokenIssuers").Child(ns, "TokenIssuer")
	info.TokenIssuerUri, info.TokenIssuerEndpoint = text(issuer.Child(ns, "Uri")), text(issuer.Child(ns, "Endpoint"))
	return info, nil
}
