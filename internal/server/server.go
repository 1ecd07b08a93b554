// Package server assembles availd: routes, request records, metrics, lifecycle.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/directory"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/limit"
	"github.com/availd/availd/internal/listen"
	"github.com/availd/availd/internal/login"
	"github.com/availd/availd/internal/partner"
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
	Proxy         *url.URL       // web proxy for all outgoing calls; nil: none
	Proxies       []netip.Prefix // reverse proxies whose X-Forwarded-For is believed
	Limits        Limits
	Availability  availability.Limits // zero: the defaults
	Timeouts      listen.Timeouts     // of the public listener
	DrainDelay    time.Duration
	Log           *slog.Logger
	Now           func() time.Time // nil: time.Now
}

// Server is one node.
type Server struct {
	o         Options
	store     store.Store
	config    *config
	service   *availability.Service
	directory *directory.Service
	verifier  *federation.Verifier
	basic     *login.Basic
	metrics   *metrics
	log       *requestLog
	admission *admission
	clients   *partner.Clients
	caches    cache.Set // of tokens and Autodiscover answers
	name      string
	holder    string // of leases: this process, not this machine
	// gateway makes the client for the gateway of a trust.
	gateway       func(t *federation.Trust) (*http.Client, error)
	unknownIssuer chan struct{} // full: a token came that no known key of the gateway signed
}

// New assembles a node around an open store.
func New(o Options, st store.Store) *Server {
	cfg := &config{store: st, log: o.Log}
	cl := &partner.Clients{Proxy: o.Proxy, Setting: cfg.webProxy}
	name, err := os.Hostname()
	if err != nil {
		name = "availd"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Availability == (availability.Limits{}) {
		o.Availability = availability.DefaultLimits()
	}
	m := newMetrics(cfg)
	s := &Server{o: o, store: st, config: cfg, clients: cl, metrics: m, log: newRequestLog(o.Log, o.Now),
		admission: newAdmission(o.Limits, o.Proxies, m, o.Now), name: name, holder: fmt.Sprintf("%s/%d", name, os.Getpid())}
	s.gateway = func(t *federation.Trust) (*http.Client, error) {
		return cl.Get(partner.Profile{CAFile: t.CAFile, Allowed: append(partner.PrivateIf(t.AllowPrivate), o.AllowPrivate...)})
	}
	s.unknownIssuer = make(chan struct{}, 1)
	tokens := &federation.Client{Trusts: cfg, Now: o.Now, HTTP: s.gateway}
	s.caches.Register("tokens", tokens)
	remote := partner.New(partner.Options{Organization: cfg, Relationships: cfg, Mailboxes: st, Tokens: tokens, Clients: cl, AllowPrivate: o.AllowPrivate,
		Caches: &s.caches, Node: name, Now: o.Now, Log: o.Log})
	s.service = &availability.Service{Calendars: measuredCalendars{st, m}, Relationships: cfg, Organization: cfg, Limits: o.Availability,
		Remote: measuredRemote{remote, m}}
	scaler := directory.NewScaler(o.Now)
	s.caches.Register("photos", scaler)
	s.directory = &directory.Service{Store: st, Relationships: cfg, Organization: cfg, Remote: measuredRemote{remote, m}, Scaler: scaler, Now: o.Now}
	s.verifier = &federation.Verifier{Trusts: cfg, Replays: measuredReplays{st, m}, Now: o.Now, Paths: s.checkTo, UnknownIssuer: s.noteUnknownIssuer}
	s.basic = &login.Basic{Mailboxes: st, Missing: func(err error) bool { return errors.Is(err, store.ErrNotFound) }, Bound: cfg.RelationshipForAccount,
		Source: func(r *http.Request) string { return limit.Source(r, o.Proxies).String() }, Now: o.Now}
	return s
}

// Caches are what this node remembers of the gateway and of partners, for the verbs that list and flush them.
func (s *Server) Caches() *cache.Set { return &s.caches }

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
	if _, err := s.config.read(ctx); err != nil {
		return err
	}
	listeners, err := s.open(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.Follow(ctx); return nil })
	g.Go(func() error { s.periodic(ctx); return nil })
	g.Go(func() error { s.watchPartners(ctx); return nil })
	for i, l := range listeners {
		h := s.Public()
		if i > 0 {
			h = s.Admin(ctx)
		}
		g.Go(func() error { return l.Serve(ctx, h) })
	}
	o.Log.Info("ready", "address", listeners[0].Addr().String())
	err = g.Wait()
	o.Log.Info("ended")
	return err
}

// open opens the public listener and, where there is one, the admin listener.
func (s *Server) open(ctx context.Context) (out []*listen.Listener, err error) {
	o := s.o
	configs := []listen.Config{{Addr: o.Listen, CertFile: o.TLSCert, KeyFile: o.TLSKey, Log: o.Log, DrainDelay: o.DrainDelay, Timeouts: o.Timeouts,
		MaxInFlight: -1, CertificateLoaded: s.metrics.tlsLoaded}}
	if o.AdminListen != "" {
		configs = append(configs, listen.Config{Addr: o.AdminListen, Plain: true, Log: o.Log, DrainDelay: o.DrainDelay, Timeouts: listen.Timeouts{Write: profileTime}})
	}
	for _, c := range configs {
		l, err := listen.Open(ctx, c)
		if err != nil {
			for _, l := range out {
				l.Close()
			}
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// Follow keeps the node's copy of the configuration up to date, and the trust when the gateway's key is unknown, until
// ctx ends; Run does it by itself.
func (s *Server) Follow(ctx context.Context) {
	go s.refreshUnknownIssuer(ctx)
	s.config.follow(ctx)
}
