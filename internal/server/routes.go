package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/login"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
)

const (
	pathEWS          = "/ews/exchange.asmx"
	pathDescription  = "/ews/"
	pathPhoto        = pathEWS + "/s/getuserphoto"
	pathAutodiscover = "/autodiscover/autodiscover.svc"
)

// Public is the handler of the public listener. Paths match in any case, with or without one trailing slash.
func (s *Server) Public() http.Handler {
	ours := ews.Options{Service: s.service, Authenticate: s.authenticateUser, Recipients: s.directory, Directory: s.directory, Calendar: s.service, ServerName: s.name}
	own := ews.NewHandler(ours)
	partners := ews.NewHandler(ews.Options{Service: s.service, Authenticate: s.authenticatePartner, Recipients: s.directory, ServerName: s.name})
	r := chi.NewRouter()
	r.Method(http.MethodPost, pathEWS, s.basic.Wrap(own))
	description := ews.NewDescriptionHandler()
	r.Method(http.MethodGet, pathEWS, s.basic.Wrap(described(description, http.HandlerFunc(hello))))
	for _, name := range ews.DescriptionNames() {
		r.Method(http.MethodGet, pathDescription+name, s.basic.Wrap(description))
	}
	photos := s.basic.Wrap(ews.NewPhotoHandler(ours))
	r.Method(http.MethodGet, pathPhoto, photos)
	r.Method(http.MethodHead, pathPhoto, photos)
	r.Method(http.MethodGet, pathEWS+"/wssecurity", http.HandlerFunc(hello))
	r.Method(http.MethodPost, pathEWS+"/wssecurity", s.securityOpen(partners))
	s.routeAutodiscover(r)
	return s.recorded(s.admission.wrap(sized(r)))
}

// authenticateUser finds the own user that the login left, who from now on counts as known.
func (s *Server) authenticateUser(ctx context.Context, env *soap.Envelope) (orgrel.Requester, error) {
	who, err := login.Authenticate(ctx, env)
	if err != nil {
		return who, err
	}
	share := ""
	if who.Relationship != nil { // a partner's account takes a place among those of its relationship
		share = who.Relationship.ID
	}
	return who, ticketFrom(ctx).verified(share)
}

// authenticatePartner verifies the token; the request then takes a place among those of its relationship. Partners
// without a relationship share the places of one.
func (s *Server) authenticatePartner(ctx context.Context, env *soap.Envelope) (orgrel.Requester, error) {
	who, err := s.verifier.Authenticate(ctx, env)
	if err != nil {
		return who, s.admission.backOff.busy(err)
	}
	rel, err := s.config.RelationshipForDomain(ctx, who.Domain)
	if err != nil {
		return who, s.admission.backOff.busy(err)
	}
	share := "none"
	if rel != nil {
		share = rel.ID
	}
	return who, ticketFrom(ctx).verified(share)
}

// sized refuses what says to be larger than any request, before anything of it is read.
func sized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > ews.MaxRequest {
			f := fault.Because(fault.TooLarge, fmt.Errorf("Content-Length %d", r.ContentLength))
			record.From(r.Context()).Set(slog.String("code", f.Kind.Row().Name), slog.String("cause", f.Error()))
			soap.WriteFault(w, soap.StyleEWS, f, nil)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// described answers ?wsdl, by which generic clients ask for the description, and leaves the rest to next.
func described(description, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.URL.RawQuery, "wsdl") {
			description.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "availd: this is an Exchange Web Services endpoint. It is published and answers SOAP requests by POST.")
}

// securityOpen closes the wssecurity paths where an administrator has switched them off.
func (s *Server) securityOpen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		cfg, err := s.config.get(r.Context())
		if err != nil {
			record.From(r.Context()).Failed(record.StepTokenValidated, start, "the store cannot be read: "+err.Error())
			soap.WriteFault(w, soap.StyleEWS, fault.As(s.admission.backOff.busy(err)), nil)
			return
		}
		if cfg.Settings[store.SettingWSSecurity] == "false" {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// recorded gives each request its record, writes it as one log line, and survives a panic.
func (s *Server) recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var id [8]byte
		_, _ = rand.Read(id[:])
		rec := record.New(hex.EncodeToString(id[:]), time.Now())
		if c := r.Header.Get("client-request-id"); c != "" && len(c) <= 64 && !strings.ContainsFunc(c, func(r rune) bool { return r < 0x21 || r > 0x7E }) {
			rec.ClientRequestID = c
			if strings.EqualFold(r.Header.Get("return-client-request-id"), "true") {
				w.Header().Set("client-request-id", c)
			}
		}
		w.Header().Set("X-Diagnostics-Id", rec.ID)
		ctx, cancel := context.WithTimeout(record.With(r.Context(), rec), 50*time.Second)
		defer cancel()
		sw := &statusWriter{ResponseWriter: w}
		path := strings.ToLower(r.URL.Path)
		if len(path) > 1 {
			path = strings.TrimSuffix(path, "/")
		}
		defer func() {
			if p := recover(); p != nil {
				s.metrics.panics.Inc()
				rec.Set(slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
				if sw.status == 0 {
					soap.WriteFault(sw, soap.StyleEWS, fault.Because(fault.Internal, errors.New("panic")), nil)
				}
			}
			endpoint := endpointOf(path)
			rec.Set(slog.String("endpoint", endpoint), slog.Int("status", sw.status), slog.String("remote", r.RemoteAddr), slog.String("user_agent", r.UserAgent()[:min(maxAgent, len(r.UserAgent()))]))
			s.log.write(ctx, endpoint, sw.status, rec)
			s.metrics.observe(endpoint, sw.status, rec)
		}()
		u := *r.URL
		u.Path, u.RawPath = path, ""
		r2 := r.WithContext(ctx)
		r2.URL = &u
		next.ServeHTTP(sw, r2)
	})
}

// endpointOf is the closed set of names for logs and metrics.
func endpointOf(path string) string {
	switch path {
	case pathEWS:
		return "ews"
	case pathEWS + "/wssecurity":
		return "ews_wssecurity"
	case pathPhoto:
		return "ews_photo"
	case pathAutodiscover:
		return "autodiscover"
	case pathAutodiscover + "/wssecurity":
		return "autodiscover_wssecurity"
	case pathPOX:
		return "autodiscover_pox"
	case pathJSON:
		return "autodiscover_json"
	}
	if name, ok := strings.CutPrefix(path, pathDescription); ok && slices.Contains(ews.DescriptionNames(), name) {
		return "ews_description"
	}
	return "other"
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
