package autodiscover

import (
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

// FederationInformation is what partners may know of us without credentials.
type FederationInformation struct {
	ApplicationUri      string
	Domains             []smtpaddr.Domain
	TokenIssuerUri      string
	TokenIssuerEndpoint string
}

// Directory is what the handler asks.
type Directory interface {
	// FederationInformation answers for a domain; *fault.Error InvalidDomain or NotFederated.
	FederationInformation(ctx context.Context, d smtpaddr.Domain) (*FederationInformation, error)
	// UserSettings are the values for a user that the requester may ask about, by setting name; *fault.Error InvalidUser.
	UserSettings(ctx context.Context, r orgrel.Requester, user smtpaddr.Address) (map[string]string, error)
}

// Options of a Handler.
type Options struct {
	Directory Directory
	// Authenticate tells who asks for user settings; nil where only GetFederationInformation is served.
	Authenticate func(ctx context.Context, env *soap.Envelope) (orgrel.Requester, error)
}

// Handler is one Autodiscover.svc endpoint.
type Handler struct{ o Options }

// NewHandler makes an endpoint.
func NewHandler(o Options) *Handler { return &Handler{o} }

// SetProbeHeaders says which endpoints there are, as generic clients ask for.
func SetProbeHeaders(h http.Header) {
	h.Set("X-SOAP-Enabled", "True")
	h.Set("X-WSSecurity-Enabled", "True")
}

// ServeHTTP answers one request; a GET gets a line for the administrator who opens the URL in a browser.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	SetProbeHeaders(w.Header())
	rec := record.From(r.Context())
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "availd: this is the Autodiscover service. It is published and answers SOAP requests by POST.")
		return
	}
	env, err := soap.ReadRequest(w, r, soap.V11, maxRequest, func(space, local string) bool { return space == ns && local == "RequestedServerVersion" })
	var body []byte
	var operation string
	if err == nil {
		operation, body, err = h.dispatch(r.Context(), env)
	}
	if err != nil {
		f := fault.As(err)
		rec.Set(slog.String("code", f.Kind.Row().Name), slog.String("cause", f.Error()))
		soap.WriteFault(w, soap.StyleAutodiscover, f, nil)
		return
	}
	soap.Write(w, soap.V11, http.StatusOK, soap.Append(nil, soap.V11, `xmlns:a="`+soap.NSWSA+`"`, responseHeaders(operation, env.MessageID), body))
}

func (h *Handler) dispatch(ctx context.Context, env *soap.Envelope) (operation string, body []byte, err error) {
	p := env.Payload
	operation = strings.TrimSuffix(p.Local(), "RequestMessage")
	rec := record.From(ctx)
	switch {
	case p.Is(ns, "GetFederationInformationRequestMessage"):
		rec.Set(slog.String("operation", operation))
		body, err = h.federationInformation(ctx, p.Child(ns, "Request"))
	case p.Is(ns, "GetUserSettingsRequestMessage"):
		rec.Set(slog.String("operation", operation))
		if h.o.Authenticate == nil {
			return operation, nil, fault.Because(fault.UnknownOperation, errors.New("user settings are asked at /wssecurity"))
		}
		var requester orgrel.Requester
		if requester, err = h.o.Authenticate(ctx, env); err != nil {
			return operation, nil, err
		}
		body, err = h.userSettings(ctx, requester, p.Child(ns, "Request"))
	default:
		rec.Set(slog.String("operation", "other"))
		err = fault.Because(fault.UnknownOperation, fmt.Errorf("operation %.60q", p.Local()))
	}
	return operation, body, err
}

func (h *Handler) federationInformation(ctx context.Context, req xmlsec.Element) ([]byte, error) {
	domain := req.Child(ns, "Domain")
	if domain.IsZero() {
		return appendFederationInformation(nil, nil, fault.New(fault.InvalidRequest, "A Domain is required.")), nil
	}
	text, err := domain.Text()
	if err != nil {
		return nil, soap.Schema(domain, err.Error())
	}
	var info *FederationInformation
	d, err := smtpaddr.ParseDomain(strings.TrimSpace(text))
	if err != nil {
		err = fault.Because(fault.InvalidDomain, err)
	} else {
		info, err = h.o.Directory.FederationInformation(ctx, d)
	}
	f := fault.As(err)
	if f != nil && f.Kind.Row().Autodiscover == "" {
		return nil, f
	}
	return appendFederationInformation(nil, info, f), nil
}

// userResult is one user's answer.
type userResult struct {
	err      *fault.Error
	names    []string
	settings map[string]string
}

func (h *Handler) userSettings(ctx context.Context, r orgrel.Requester, req xmlsec.Element) ([]byte, error) {
	var names []string
	for s := range req.Child(ns, "RequestedSettings").Children() {
		text, err := s.Text()
		if err != nil || !s.Is(ns, "Setting") {
			return nil, soap.Schema(s, "a Setting is expected")
		}
		names = append(names, strings.TrimSpace(text))
	}
	var results []userResult
	for u := range req.Child(ns, "Users").Children() {
		text, err := u.Child(ns, "Mailbox").Text()
		if err != nil || !u.Is(ns, "User") {
			return nil, soap.Schema(u, "a User with a Mailbox is expected")
		}
		res := userResult{names: names}
		addr, err := smtpaddr.ParseProxyAddress(text)
		if err != nil {
			err = fault.Because(fault.InvalidUser, err)
		} else {
			res.settings, err = h.o.Directory.UserSettings(ctx, r, addr)
		}
		res.err = fault.As(err)
		results = append(results, res)
		if len(results) > maxPerRequest {
			break
		}
	}
	if len(results) == 0 || len(results) > maxPerRequest || len(names) == 0 || len(names) > maxPerRequest {
		return appendUserSettings(nil, nil, fault.New(fault.InvalidRequest, "A request holds 1 to %d users and settings.", maxPerRequest)), nil
	}
	return appendUserSettings(nil, results, nil), nil
}
