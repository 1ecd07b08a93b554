package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// profileTime leaves room for a CPU profile or a trace of some minutes.
const profileTime = 10 * time.Minute

// Admin is the handler of the admin listener: health, metrics, caches, profiles. It stops being ready when ctx ends.
func (s *Server) Admin(ctx context.Context) http.Handler {
	r := chi.NewRouter()
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	r.Get("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if why := s.notReady(r.Context(), ctx.Err() != nil); len(why) > 0 {
			http.Error(w, "not ready: "+strings.Join(why, "; "), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	r.Handle("/metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	s.routeCaches(r)
	r.HandleFunc("/debug/pprof/", pprof.Index)
	r.HandleFunc("/debug/pprof/{profile}", pprof.Index) // goroutine, heap, allocs, block, mutex, threadcreate
	r.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	r.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	r.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return r
}

// notReady lists, in one line each, why no balancer should send requests here.
func (s *Server) notReady(ctx context.Context, draining bool) (why []string) {
	if draining {
		why = append(why, "draining")
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	if err := s.store.Ping(ctx); err != nil {
		why = append(why, "store: "+strings.ReplaceAll(err.Error(), "\n", " "))
	}
	if s.config.current.Load() == nil {
		why = append(why, "configuration: never read")
	} else if age := s.config.age(); age >= staleness {
		why = append(why, fmt.Sprintf("configuration: not confirmed for %s", age.Round(100*time.Millisecond)))
	}
	return why
}
