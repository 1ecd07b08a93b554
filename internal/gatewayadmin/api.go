package gatewayadmin

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
)

const maxBody = 64 << 10

// API serves the verbs as JSON. tokens tells who a bearer token belongs to; without tokens (nil) only requests by way of
// a loopback address are served, and none that a web page could make.
func (a *Admin) API(tokens *Tokens, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			actor, err := caller(r, tokens)
			var body any
			if err == nil {
				r.Body = http.MaxBytesReader(w, r.Body, maxBody)
				body, err = f(r.WithContext(gateway.WithActor(r.Context(), actor)))
			}
			log.LogAttrs(r.Context(), slog.LevelInfo, "admin", slog.String("actor", actor), slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("error", err))
			answer(w, body, err)
		})
	}
	a.organizationRoutes(handle)
	a.otherRoutes(handle)
	return mux
}

type routes func(pattern string, f func(r *http.Request) (any, error))

func (a *Admin) organizationRoutes(handle routes) {
	handle("GET /v1/organizations", func(r *http.Request) (any, error) { return a.Organizations(r.Context()) })
	handle("POST /v1/organizations", func(r *http.Request) (any, error) {
		var n NewOrganization
		if err := decode(r, &n); err != nil {
			return nil, err
		}
		return a.AddOrganization(r.Context(), n)
	})
	const one = "/v1/organizations/{name}"
	handle("GET "+one, func(r *http.Request) (any, error) { return a.Organization(r.Context(), r.PathValue("name")) })
	handle("DELETE "+one, func(r *http.Request) (any, error) { return nil, a.Store.Remove(r.Context(), r.PathValue("name")) })
	handle("POST "+one+"/approve", func(r *http.Request) (any, error) {
		return nil, a.ApproveOrganization(r.Context(), r.PathValue("name"), r.URL.Query().Get("domains") == "true")
	})
	handle("POST "+one+"/disable", func(r *http.Request) (any, error) {
		return nil, a.Store.SetState(r.Context(), r.PathValue("name"), gateway.Disabled)
	})
	handle("GET "+one+"/domains", func(r *http.Request) (any, error) { return a.DomainList(r.Context(), r.PathValue("name")) })
	handle("POST "+one+"/domains/{domain}/{verb}", func(r *http.Request) (any, error) {
		return nil, a.OnDomain(r.Context(), r.PathValue("verb"), r.PathValue("name"), r.PathValue("domain"))
	})
	handle("POST "+one+"/certificate/next", func(r *http.Request) (any, error) {
		var body struct {
			Certificate string `json:"certificate"`
		}
		if err := decode(r, &body); err != nil {
			return nil, err
		}
		return nil, a.NextCertificate(r.Context(), r.PathValue("name"), body.Certificate)
	})
	handle("POST "+one+"/certificate/publish", func(r *http.Request) (any, error) {
		return nil, a.Store.PublishCertificate(r.Context(), r.PathValue("name"))
	})
	handle("DELETE "+one+"/certificate/{role}", func(r *http.Request) (any, error) {
		return nil, a.Store.RemoveCertificate(r.Context(), r.PathValue("name"), r.PathValue("role"))
	})
}

func (a *Admin) otherRoutes(handle routes) {
	handle("GET /v1/domains", func(r *http.Request) (any, error) { return a.DomainList(r.Context(), "") })
	handle("GET /v1/signing-keys", func(r *http.Request) (any, error) { return a.SigningKeys(r.Context()) })
	handle("POST /v1/signing-keys/next", func(r *http.Request) (any, error) { return nil, a.NextSigningKey(r.Context()) })
	handle("POST /v1/signing-keys/publish", func(r *http.Request) (any, error) {
		return nil, a.PublishSigningKey(r.Context(), r.URL.Query().Get("force") == "true")
	})
	handle("GET /v1/audit/changes", func(r *http.Request) (any, error) { return a.Store.Changes(r.Context(), limit(r)) })
	handle("GET /v1/audit/issued", func(r *http.Request) (any, error) {
		return a.Store.IssuedTokens(r.Context(), r.URL.Query().Get("organization"), limit(r))
	})
}

func limit(r *http.Request) int {
	if n, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil && n > 0 && n <= 10000 {
		return n
	}
	return 100
}

func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fault.New(fault.Invalid, "the body: %v", err)
	}
	return nil
}

// caller is who sent the request. A browser sends Origin with what a page asks for, and a page that has rebound its
// name to a loopback address sends that name as Host: neither is an administrator.
func caller(r *http.Request, tokens *Tokens) (string, error) {
	if tokens != nil {
		return tokens.Caller(r)
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	host, _, hostErr := net.SplitHostPort(r.Host)
	if hostErr != nil {
		host = r.Host
	}
	addr, hostAddrErr := netip.ParseAddr(host)
	local := host == "localhost" || hostAddrErr == nil && addr.IsLoopback()
	if err != nil || !from.Addr().IsLoopback() || !local || r.Header.Get("Origin") != "" {
		return "nobody", fault.New(fault.Unauthorized, "without a token file the API serves local programs only")
	}
	return "api loopback", nil
}

func answer(w http.ResponseWriter, body any, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		f := fault.As(err)
		if f.Kind == fault.Unauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="fedgateway"`)
		}
		w.WriteHeader(f.Kind.Row().HTTP)
		_ = json.NewEncoder(w).Encode(map[string]string{"code": f.Kind.Row().Name, "message": f.Text()})
		return
	}
	if body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_ = json.NewEncoder(w).Encode(body)
}
