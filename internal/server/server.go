// Package server assembles availd: routes, request records, metrics, lifecycle.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/listen"
	"github.com/availd/availd/internal/login"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/open"
)

// Options of a server.
type Options struct {
	Database      string
	MasterKeyFile string
	Listen        string
	AdminListen   string
	TLSCert       string
	TLSKey        string
	Hosts         []string // names under which partners reach us; empty: any
	AllowPrivate  []netip.Prefix
	DrainDelay    time.Duration
	Log           *slog.Logger
}

// Server is one node.
type Server struct {
	o        Options
	store    store.Store
	config   *config
	service  *availability.Service
	verifier *federation.Verifier
	basic    *login.Basic
	metrics  *metrics
	name     string
}

// New assembles a node around an open store.
func New(o Options, st store.Store) *Server {
	cfg := &config{store: st, log: o.Log}
	cl := &clients{}
	name, err := os.Hostname()
	if err != nil {
		name = "availd"
	}
	s := &Server{o: o, store: st, config: cfg, metrics: newMetrics(), name: name}
	tokens := &federation.Client{Trusts: cfg, Now: time.Now, HTTP: func(t *federation.Trust) (*http.Client, error) {
		allowed := append(PrivateIf(t.AllowPrivate), o.AllowPrivate...)
		return cl.get(t.CAFile, allowed)
	}}
	s.service = &availability.Service{Calendars: st, Relationships: cfg, Organization: cfg, Limits: availability.DefaultLimits(),
		Remote: &remote{config: cfg, store: st, tokens: tokens, clients: cl, private: o.AllowPrivate}}
	s.verifier = &federation.Verifier{Trusts: cfg, Replays: st, Now: time.Now, Paths: s.checkTo}
	s.basic = &login.Basic{Mailboxes: st, Missing: func(err error) bool { return errors.Is(err, store.ErrNotFound) }}
	return s
}

// checkTo compares the path of wsa:To, and its host with the configured names.
func (s *Server) checkTo(to string) error {
	u, err := url.Parse(to)
	if err != nil {
		return fmt.Errorf("wsa:To %.100q is no URL", to)
	}
	path := strings.TrimSuffix(strings.ToLower(u.Path), "/")
	if path != pathEWS+"/wssecurity" && path != pathAutodiscover+"/wssecurity" {
		return fmt.Errorf("wsa:To %.100q is not one of our paths", to)
	}
	if len(s.o.Hosts) == 0 {
		return nil
	}
	for _, h := range s.o.Hosts {
		if strings.EqualFold(u.Hostname(), h) {
			return nil
		}
	}
	return fmt.Errorf("wsa:To %.100q is not one of our hosts %v", to, s.o.Hosts)
}

// Run opens the store and serves until ctx ends.
func Run(ctx context.Context, o Options) error {
	st, err := open.Open(ctx, o.Database, open.Options{MasterKeyFile: o.MasterKeyFile})
	if err != nil {
		return err
	}
	defer st.Close()
	s := New(o, st)
	if _, err := s.config.refresh(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.config.follow(ctx); return nil })
	g.Go(func() error { s.periodic(ctx); return nil })
	g.Go(func() error {
		return listen.Serve(ctx, listen.Config{Addr: o.Listen, CertFile: o.TLSCert, KeyFile: o.TLSKey, Log: o.Log, DrainDelay: o.DrainDelay}, s.Public(),
			func(a net.Addr) { o.Log.Info("ready", "address", a.String()) })
	})
	if o.AdminListen != "" {
		g.Go(func() error {
			return listen.Serve(ctx, listen.Config{Addr: o.AdminListen, Plain: true, Log: o.Log, DrainDelay: o.DrainDelay}, s.Admin(ctx), nil)
		})
	}
	return g.Wait()
}

// Follow keeps the node's copy of the configuration up to date until ctx ends; Run does it by itself.
func (s *Server) Follow(ctx context.Context) { s.config.follow(ctx) }

// periodic drops old replay keys and keeps the horizon ahead.
func (s *Server) periodic(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.store.PurgeReplays(ctx, time.Now()); err != nil {
			s.o.Log.Error("replay keys cannot be dropped", "error", err.Error())
		}
		if n%60 != 0 {
			continue
		}
		if _, err := s.store.ExtendHorizon(ctx, time.Now().Add(store.HorizonAhead*3/4)); err != nil {
			s.o.Log.Error("occurrences cannot be expanded", "error", err.Error())
		}
	}
}
