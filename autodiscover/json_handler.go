package autodiscover

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/smtpaddr"
)

// JSONHandler is autodiscover.json (Autodiscover v2): where a protocol is served for a domain. It answers anybody, and
// the answer depends on the address's domain only, so nobody is shown to exist.
//
// The query is matched as a whole: a name that is not known, or stands twice, is not found. The path is matched by the
// router, which never decides on one path and serves another (CVE-2021-34473).
type JSONHandler struct{ o Options }

// NewJSONHandler makes the endpoint; Options.Authenticate is not used.
func NewJSONHandler(o Options) *JSONHandler { return &JSONHandler{o} }

type jsonAnswer struct {
	Protocol string `json:"Protocol"`
	URL      string `json:"Url"`
}

type jsonError struct {
	Code    string `json:"ErrorCode"`
	Message string `json:"ErrorMessage"`
}

// ServeHTTP answers one GET.
func (h *JSONHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := record.From(r.Context())
	rec.Set(slog.String("operation", "AutodiscoverV2"))
	email, protocol, ok := jsonQuery(r.URL.RawQuery)
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		writeJSON(w, http.StatusMethodNotAllowed, jsonError{"InvalidRequest", "Only GET is served."})
		return
	}
	if !h.o.Limiter.Allow(source(r)) {
		writeJSON(w, http.StatusTooManyRequests, jsonError{"ServerBusy", "Too many requests."})
		return
	}
	status, answer := h.answer(r, email, protocol)
	writeJSON(w, status, answer)
}

func (h *JSONHandler) answer(r *http.Request, email, protocol string) (int, any) {
	a, err := smtpaddr.ParseAddress(email)
	if err != nil {
		return http.StatusBadRequest, jsonError{"InvalidRequest", "The Email is not an SMTP address."}
	}
	ews := strings.EqualFold(protocol, "EWS")
	if !ews && !strings.EqualFold(protocol, "AutodiscoverV1") {
		return http.StatusBadRequest, jsonError{"ProtocolNotSupported", "The Protocol is not one of EWS, AutodiscoverV1."}
	}
	found, err := h.o.Directory.DomainSettings(r.Context(), []smtpaddr.Domain{a.Domain()})
	if err == nil {
		err = found[0].Err
	}
	switch f := fault.As(err); {
	case err != nil && f.Kind == fault.InvalidDomain:
		return http.StatusNotFound, jsonError{"InvalidDomain", f.Text()}
	case err != nil:
		record.From(r.Context()).Set(slog.String("cause", err.Error()))
		return http.StatusServiceUnavailable, jsonError{"ServerBusy", "The directory cannot be read at the moment."}
	case !ews:
		return http.StatusOK, jsonAnswer{"AutodiscoverV1", "https://" + r.Host + "/autodiscover/autodiscover.xml"}
	}
	address := found[0].Values[SettingExternalEwsUrl]
	if address == "" {
		return http.StatusNotFound, jsonError{"SettingIsNotAvailable", "No URL is published."}
	}
	return http.StatusOK, jsonAnswer{"EWS", address}
}

// jsonQuery reads Email and Protocol, once each; Outlook adds RedirectCount. Anything else is not our query.
func jsonQuery(raw string) (email, protocol string, ok bool) {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return "", "", false
	}
	for name, values := range q {
		if len(values) != 1 || name != "Email" && name != "Protocol" && name != "RedirectCount" {
			return "", "", false
		}
	}
	return q.Get("Email"), q.Get("Protocol"), q.Has("Email") && q.Has("Protocol")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
