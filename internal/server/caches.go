package server

import (
	"context"
	"encoding/json"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/smtpaddr"
)

// Paths of the admin listener about what the node remembers.
const (
	PathCaches = "/caches"       // GET, with the members of a CacheSelection as the query's cache and domain: a list of CacheEntry
	PathFlush  = "/caches/flush" // POST of a CacheSelection: a FlushAnswer
)

const rereadTime = 10 * time.Second // for the store to tell the configuration to an administrator who waits

// CacheEntry is one thing that the node remembers, never its value.
type CacheEntry struct {
	Cache   string    `json:"Cache"`
	Key     string    `json:"Key"`
	Age     float64   `json:"Age"` // seconds
	Expires time.Time `json:"Expires"`
}

// CacheSelection says which entries are meant.
type CacheSelection struct {
	Caches []string        `json:"Caches"` // by name; empty: all
	Domain smtpaddr.Domain `json:"Domain"` // only entries about it; zero: all
}

// FlushAnswer says what was done.
type FlushAnswer struct {
	Flushed       int   `json:"Flushed"`       // entries
	ConfigVersion int64 `json:"ConfigVersion"` // of the configuration that was read anew
}

func (s *Server) routeCaches(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(forThisHost)
		r.Get(PathCaches, s.listCaches)
		r.Post(PathFlush, s.flushCaches)
	})
}

// forThisHost refuses requests that a browser was led to make: the name in its address bar is not ours then, and only
// JSON is taken, which no form sends.
func forThisHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if host != "localhost" && (err != nil || !ip.IsLoopback()) {
			http.Error(w, "this listener is asked by its loopback address", http.StatusForbidden)
			return
		}
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method != http.MethodGet && kind != "application/json" {
			http.Error(w, "JSON is expected", http.StatusUnsupportedMediaType)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// selected calls f for each cache that is meant, with the function that tells its entries; nil: all of them.
func (s *Server) selected(sel CacheSelection, f func(name string, c cache.Listable, match func(key string) bool)) error {
	if len(sel.Caches) == 0 {
		sel.Caches = s.caches.Names()
	}
	var match func(key string) bool
	if !sel.Domain.IsZero() {
		match = func(key string) bool { return isAbout(key, sel.Domain) }
	}
	for _, name := range sel.Caches {
		c, err := s.caches.Get(name)
		if err != nil {
			return err
		}
		f(name, c, match)
	}
	return nil
}

func (s *Server) listCaches(w http.ResponseWriter, r *http.Request) {
	sel := CacheSelection{Caches: r.URL.Query()["cache"]}
	if err := sel.Domain.UnmarshalText([]byte(r.URL.Query().Get("domain"))); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out := []CacheEntry{}
	err := s.selected(sel, func(name string, c cache.Listable, match func(key string) bool) {
		for _, e := range c.List() {
			if match == nil || match(e.Key) {
				out = append(out, CacheEntry{name, e.Key, e.Age.Seconds(), e.Expires})
			}
		}
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	answer(w, out)
}

// flushCaches forgets what was asked for, and validated tokens in any case; the configuration is read anew, also where its
// counter does not tell of a change made by hand.
func (s *Server) flushCaches(w http.ResponseWriter, r *http.Request) {
	var sel CacheSelection
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&sel); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var out FlushAnswer
	if err := s.selected(sel, func(_ string, c cache.Listable, match func(key string) bool) { out.Flushed += c.Flush(match) }); err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	s.verifier.Flush()
	ctx, cancel := context.WithTimeout(r.Context(), rereadTime)
	defer cancel()
	cfg, err := s.config.reread(ctx)
	if err != nil {
		http.Error(w, "the caches are flushed, but the configuration cannot be read: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	out.ConfigVersion = cfg.Version
	answer(w, out)
}

// isAbout tells whether a key names the domain, a part of it or an address in it.
func isAbout(key string, d smtpaddr.Domain) bool {
	for word := range strings.FieldsSeq(strings.ToLower(key)) {
		name := word[strings.LastIndexByte(word, '@')+1:]
		if name == d.String() || strings.HasSuffix(name, "."+d.String()) {
			return true
		}
	}
	return false
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
