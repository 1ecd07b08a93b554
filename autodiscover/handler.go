package autodiscover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Options of the handlers.
type Options struct {
	Directory Directory
	// Authenticate tells who asks. At the base endpoint it is called for everything but GetFederationInformation, also
	// with a nil envelope: who is nobody learns not even that the request was malformed.
	Authenticate func(ctx context.Context, env *soap.Envelope) (orgrel.Requester, error)
	Challenge    string       // WWW-Authenticate of answers to nobody
	Limiter      *RateLimiter // of anonymous requests, per source; nil: unlimited
}

// Handler is one Autodiscover.svc endpoint.
type Handler struct {
	o       Options
	secured bool
}

// NewHandler makes the base endpoint: own users, and GetFederationInformation for anybody.
func NewHandler(o Options) *Handler { return &Handler{o: o} }

// NewWSSecurityHandler makes the endpoint that takes delegation tokens. Everything there wants one.
func NewWSSecurityHandler(o Options) *Handler { return &Handler{o: o, secured: true} }

// SetProbeHeaders says which endpoints there are; generic clients read them from any answer, 401 included.
func SetProbeHeaders(h http.Header, s Status) {
	h.Set("X-SOAP-Enabled", "True")
	if s.WSSecurity { // any value counts as yes
		h.Set("X-WSSecurity-Enabled", "True")
	}
}

// ServeHTTP answers one request; a GET gets a page for the administrator who opens the URL in a browser.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		h.page(w, r)
		return
	}
	rec := record.From(r.Context())
	env, operation, body, err := h.serve(w, r)
	if err != nil {
		f := fault.As(err)
		rec.Set(slog.String("code", f.Kind.Row().Name), slog.String("cause", f.Error()))
		if f.Kind == fault.Unauthorized && h.o.Challenge != "" {
			w.Header().Set("WWW-Authenticate", h.o.Challenge)
		}
		soap.WriteFault(w, soap.StyleAutodiscover, f, nil)
		return
	}
	soap.Write(w, soap.V11, http.StatusOK, soap.Append(nil, soap.V11, `xmlns:a="`+soap.NSWSA+`"`, responseHeaders(operation, env.MessageID), body))
}

func (h *Handler) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if q := strings.ToLower(r.URL.RawQuery); !h.secured && (q == "wsdl" || q == "singlewsdl") {
		soap.Write(w, soap.V11, http.StatusOK, appendWSDL(nil, "https://"+r.Host+r.URL.Path))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if h.secured {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintln(w, "This is the Autodiscover service for federation partners. It is published. It expects a SOAP message with a WS-Security header, by POST.")
		return
	}
	s, err := h.o.Directory.Status(r.Context())
	federation := "disabled"
	switch {
	case err != nil:
		federation = "not known at the moment"
	case s.Federated:
		federation = "enabled"
	}
	fmt.Fprintf(w, "%s: the Autodiscover service. It is published and answers SOAP requests by POST; ?wsdl describes them.\nFederation: %s\n", s.Product, federation)
}

// serve returns the message's body, or the error that becomes a fault.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (env *soap.Envelope, operation string, body []byte, err error) {
	ctx := r.Context()
	rec := record.From(ctx)
	env, err = soap.ReadRequest(w, r, soap.V11, maxRequest, func(space, local string) bool { return space == ns && local == "RequestedServerVersion" })
	switch f := fault.As(err); {
	case f == nil:
		operation, err = operationOf(env, r.Header.Get("SOAPAction"))
	case h.secured, f.Kind == fault.MethodNotAllowed, f.Kind == fault.TooLarge:
		return nil, "", nil, err
	}
	rec.Set(slog.String("operation", cmp.Or(operation, "other")))
	requester, allowed, refused := h.admit(r, env, operation)
	if refused != nil {
		return nil, "", nil, refused
	}
	if operation == opRelationshipSettings && !h.secured {
		err = fault.Because(fault.UnknownOperation, errors.New("relationships are told to partners, at /wssecurity"))
	}
	if err != nil {
		return nil, "", nil, err
	}
	var members []byte
	if allowed {
		members, err = h.call(ctx, requester, operation, env.Payload.Child(ns, "Request"))
	} else {
		err = fault.Because(fault.ServerBusy, errors.New("too many anonymous requests from this source"))
	}
	if f := fault.As(err); f != nil {
		if f.Kind.Row().Autodiscover == "" {
			return nil, "", nil, f
		}
		rec.Set(slog.String("code", f.Kind.Row().Name), slog.String("cause", f.Error()))
	}
	return env, operation, appendMessage(nil, operation, statusOf(err, ""), members), nil
}

// admit tells who asks. Anybody may ask for federation information at the base endpoint, so often.
func (h *Handler) admit(r *http.Request, env *soap.Envelope, operation string) (who orgrel.Requester, allowed bool, err error) {
	if operation == opFederationInformation && !h.secured {
		return who, h.o.Limiter.Allow(source(r)), nil
	}
	if who, err = h.o.Authenticate(r.Context(), env); err != nil {
		return who, false, err
	}
	if !who.May(orgrel.ActionAutodiscover) && !who.May(orgrel.ActionFreeBusy) {
		return who, false, fault.Because(fault.FailedAuthentication, fmt.Errorf("a token for %v opens nothing here", who.Actions))
	}
	return who, true, nil
}

// call does one operation and returns the members of its response after the status.
func (h *Handler) call(ctx context.Context, r orgrel.Requester, operation string, req xmlsec.Element) ([]byte, error) {
	switch operation {
	case opFederationInformation:
		return h.federationInformation(ctx, req)
	case opUserSettings:
		return h.userSettings(ctx, r, req)
	case opDomainSettings:
		return h.domainSettings(ctx, req)
	}
	return h.relationshipSettings(ctx, r, req)
}

func (h *Handler) federationInformation(ctx context.Context, req xmlsec.Element) ([]byte, error) {
	asked := text(req.Child(ns, "Domain"))
	if asked == "" {
		return nil, fault.New(fault.InvalidRequest, "A Domain is required.")
	}
	d, err := smtpaddr.ParseDomain(asked)
	if err != nil {
		return nil, fault.Because(fault.InvalidDomain, err)
	}
	info, err := h.o.Directory.FederationInformation(ctx, d)
	if err != nil {
		return nil, err
	}
	return appendFederationInformation(nil, info), nil
}

// userSettings answers for each user; a store that fails fails the whole response.
func (h *Handler) userSettings(ctx context.Context, r orgrel.Requester, req xmlsec.Element) ([]byte, error) {
	users, err := readUsers(req)
	if err != nil {
		return nil, err
	}
	names, err := readSettingNames(req)
	if err != nil {
		return nil, err
	}
	answers, err := each(users, smtpaddr.ParseProxyAddress, fault.InvalidUser, func(known []smtpaddr.Address) ([]Settings, error) {
		return h.o.Directory.UserSettings(ctx, r, known)
	})
	if err != nil {
		return nil, err
	}
	b := []byte("<UserResponses>")
	for _, s := range answers {
		b = appendUserResponse(b, responseOf(visible(s, r), names, func(n string) bool { return settingList(userSettings, n) }))
	}
	return append(b, "</UserResponses>"...), nil
}

// visible leaves a partner only the settings that partners may have.
func visible(s Settings, r orgrel.Requester) Settings {
	if !r.External || s.Values == nil {
		return s
	}
	values := map[string]string{}
	for name, v := range s.Values {
		if settingList(federatedSettings, name) {
			values[name] = v
		}
	}
	s.Values = values
	return s
}

func (h *Handler) domainSettings(ctx context.Context, req xmlsec.Element) ([]byte, error) {
	domains, err := readDomains(req)
	if err != nil {
		return nil, err
	}
	names, err := readSettingNames(req)
	if err != nil {
		return nil, err
	}
	answers, err := each(domains, smtpaddr.ParseDomain, fault.InvalidDomain, func(known []smtpaddr.Domain) ([]Settings, error) {
		return h.o.Directory.DomainSettings(ctx, known)
	})
	if err != nil {
		return nil, err
	}
	b := []byte("<DomainResponses>")
	for _, s := range answers {
		b = appendDomainResponse(b, responseOf(s, names, func(n string) bool { return settingList(domainSettings, n) }))
	}
	return append(b, "</DomainResponses>"...), nil
}

// each asks once for all texts that can be read and puts the answers back in order; the rest are invalid.
func each[T any](texts []string, parse func(string) (T, error), invalid fault.Kind, ask func([]T) ([]Settings, error)) ([]Settings, error) {
	out := make([]Settings, len(texts))
	var known []T
	var at []int
	for i, t := range texts {
		v, err := parse(t)
		if err != nil {
			out[i].Err = fault.Because(invalid, err)
			continue
		}
		known, at = append(known, v), append(at, i)
	}
	if len(known) == 0 {
		return out, nil
	}
	answers, err := ask(known)
	if err != nil {
		return nil, err
	}
	for j, i := range at {
		out[i] = answers[j]
	}
	return out, nil
}

// relationshipSettings tells a partner what we have set for it.
func (h *Handler) relationshipSettings(ctx context.Context, r orgrel.Requester, req xmlsec.Element) ([]byte, error) {
	if !r.May(orgrel.ActionAutodiscover) {
		return nil, fault.Because(fault.FailedAuthentication, fmt.Errorf("a token for %v does not open relationships", r.Actions))
	}
	texts, err := readDomains(req)
	if err != nil {
		return nil, err
	}
	var domains []smtpaddr.Domain
	for _, t := range texts {
		d, err := smtpaddr.ParseDomain(t)
		if err != nil {
			return nil, fault.Because(fault.InvalidDomain, err)
		}
		domains = append(domains, d)
	}
	found, err := h.o.Directory.OrganizationRelationships(ctx, r, domains)
	if err != nil {
		return nil, err
	}
	b := []byte("<OrganizationRelationshipSettingsCollection>")
	for _, s := range found {
		b = appendRelationship(b, s)
	}
	return append(b, "</OrganizationRelationshipSettingsCollection>"...), nil
}
