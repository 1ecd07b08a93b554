package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/login"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/store"
)

const (
	pathEWS          = "/ews/exchange.asmx"
	pathAutodiscover = "/autodiscover/autodiscover.svc"
)

// Public is the handler of the public listener. Paths match in any case, with or without one trailing slash.
func (s *Server) Public() http.Handler {
	own := ews.NewHandler(ews.Options{Service: s.service, Authenticate: login.Authenticate, ServerName: s.name})
	partners := ews.NewHandler(ews.Options{Service: s.service, Authenticate: s.verifier.Authenticate, ServerName: s.name})
	discover := autodiscover.NewHandler(autodiscover.Options{Directory: s.config})
	discoverPartners := autodiscover.NewHandler(autodiscover.Options{Directory: s.config, Authenticate: s.verifier.Authenticate})
	r := chi.NewRouter()
	r.Method(http.MethodPost, pathEWS, s.basic.Wrap(own))
	r.Method(http.MethodGet, pathEWS, s.basic.Wrap(http.HandlerFunc(hello)))
	r.Method(http.MethodGet, pathEWS+"/wssecurity", http.HandlerFunc(hello))
	r.Method(http.MethodPost, pathEWS+"/wssecurity", s.securityOpen(partners))
	r.Handle(pathAutodiscover, discover)
	r.Handle(pathAutodiscover+"/wssecurity", s.securityOpen(discoverPartners))
	return s.recorded(r)
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
			soap.WriteFault(w, soap.StyleEWS, fault.Because(fault.ServerBusy, err), nil)
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
				rec.Set(slog.String("panic", fmt.Sprint(p)))
				if sw.status == 0 {
					soap.WriteFault(sw, soap.StyleEWS, fault.Because(fault.Internal, errors.New("panic")), nil)
				}
			}
			endpoint := endpointOf(path)
			rec.Set(slog.String("endpoint", endpoint), slog.Int("status", sw.status), slog.String("remote", r.RemoteAddr), slog.String("user_agent", r.UserAgent()))
			s.o.Log.LogAttrs(context.WithoutCancel(ctx), slog.LevelInfo, "request", rec.LogAttrs()...)
			s.metrics.requests.WithLabelValues(endpoint, http.StatusText(sw.status)).Inc()
			s.metrics.seconds.WithLabelValues(endpoint).Observe(time.Since(rec.Start).Seconds())
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
	case pathAutodiscover:
		return "autodiscover"
	case pathAutodiscover + "/wssecurity":
		return "autodiscover_wssecurity"
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

type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "availd_requests_total", Help: "Requests by endpoint and HTTP status."}, []string{"endpoint", "status"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "availd_request_seconds", Help: "Duration of requests by endpoint.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}, []string{"endpoint"})}
	m.registry.MustRegister(m.requests, m.seconds)
	return m
}

// Admin is the handler of the admin listener: health, metrics, profiles. It stops being ready when ctx ends.
func (s *Server) Admin(ctx context.Context) http.Handler {
	r := chi.NewRouter()
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	r.Get("/readyz", func(w http.ResponseWriter, r *http.Request) {
		err := ctx.Err()
		if err == nil {
			err = s.store.Ping(r.Context())
		}
		if err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	r.Handle("/metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	r.HandleFunc("/debug/pprof/", pprof.Index)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	return r
}
