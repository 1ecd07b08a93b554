package gatewaycli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/gatewayadmin"
	"github.com/availd/availd/internal/gatewaystore"
	"github.com/availd/availd/internal/listen"
	"github.com/availd/availd/internal/xmlsec"
)

// serving is what `serve` is told.
type serving struct {
	listen                      listen.Config
	adminListen, adminTokenFile string
	publicURL, issuer           string
	secondName, secondIssuer    string
	profile, tokenCipher        string
	registration                string
	lifetime, issueAt           time.Duration
	limits                      gateway.Limits
	requireMutual, listOrgs     bool
	chaos                       bool
	chaosSeed                   uint64
	trustedProxies              []string
}

func (c *cli) serveCommand() *cobra.Command {
	var s serving
	cmd := &cobra.Command{Use: "serve", Short: "Serve the security token service, the metadata and the status page", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return c.serve(cmd.Context(), s)
	}}
	f := cmd.Flags()
	f.StringVar(&s.listen.Addr, "listen", envOr("FEDGATEWAY_LISTEN", "127.0.0.1:8443"), "address to listen on")
	f.StringVar(&s.listen.CertFile, "tls-cert", envOr("FEDGATEWAY_TLS_CERT", ""), "TLS certificate (PEM)")
	f.StringVar(&s.listen.KeyFile, "tls-key", envOr("FEDGATEWAY_TLS_KEY", ""), "TLS private key (PEM, mode 0600)")
	f.StringVar(&s.adminListen, "admin-listen", envOr("FEDGATEWAY_ADMIN_LISTEN", ""), "address of the JSON admin API (default: none); loopback unless there is a token file")
	f.StringVar(&s.adminTokenFile, "admin-token-file", envOr("FEDGATEWAY_ADMIN_TOKEN_FILE", ""), "bearer tokens of the admin API, a name and a token on each line (mode 0600)")
	f.StringVar(&s.publicURL, "public-url", envOr("FEDGATEWAY_PUBLIC_URL", "https://localhost:8443"), "URL under which organizations reach the gateway")
	f.StringVar(&s.issuer, "issuer", envOr("FEDGATEWAY_ISSUER", "urn:federation:availd"), "TokenIssuerUri")
	f.StringVar(&s.secondName, "second-instance", "", "serve a second instance under /NAME/, with a TokenIssuerUri of its own")
	f.StringVar(&s.secondIssuer, "second-issuer", "", "TokenIssuerUri of the second instance")
	f.StringVar(&s.profile, "profile", envOr("FEDGATEWAY_PROFILE", "modern"), "modern (rsa-sha256, aes256-cbc) or exchange (rsa-sha1, tripledes-cbc)")
	f.StringVar(&s.tokenCipher, "token-cipher", envOr("FEDGATEWAY_TOKEN_CIPHER", ""), "aes256-cbc or tripledes-cbc (default: by profile)")
	f.StringVar(&s.registration, "registration", envOr("FEDGATEWAY_REGISTRATION", "off"), "self-registration of organizations: off, approval (they wait for the administrator) or proof (with the TXT proof of every domain)")
	f.DurationVar(&s.lifetime, "token-lifetime", 8*time.Hour, "lifetime of tokens, at most 24h")
	f.BoolVar(&s.requireMutual, "require-mutual", false, "issue a token only when the target's published partner list has the requester")
	f.BoolVar(&s.listOrgs, "list-organizations", false, "show the organizations' names on the status page")
	f.Float64Var(&s.limits.TokensPerOrganization, "organization-rate", 0, "tokens a second and organization (default 50)")
	f.Float64Var(&s.limits.FailuresPerSource, "failure-rate", 0, "refused requests a second and source address (default 5)")
	f.StringArrayVar(&s.trustedProxies, "trusted-proxy", nil, "network (CIDR) of reverse proxies whose X-Forwarded-For names the source address (repeatable)")
	f.BoolVar(&s.chaos, "chaos", false, "TESTS ONLY: refuse, delay and cut requests, use a wrong clock, roll the signing key")
	f.Uint64Var(&s.chaosSeed, "chaos-seed", 1, "seed of --chaos")
	f.DurationVar(&s.issueAt, "issue-at", 0, "add this to the clock when tokens are written (tests)")
	_ = f.MarkHidden("issue-at")
	return cmd
}

// serve runs the gateway until ctx ends.
func (c *cli) serve(ctx context.Context, s serving) error {
	log := slog.New(slog.NewJSONHandler(c.stderr, nil))
	s.listen.Log = log
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer a.Store.Close()
	release, err := gatewaystore.Lock(ctx, c.registry())
	if err != nil {
		return err
	}
	defer release()
	gateways, err := s.gateways(ctx, a, log)
	if err != nil {
		return err
	}
	adminListen, tokens, err := s.admin()
	if err != nil {
		return err
	}
	if s.listen.CertFile == "" || s.listen.KeyFile == "" {
		return fault.New(fault.Invalid, "serve needs --tls-cert and --tls-key (fedgateway dev-ca makes a pair for a trial)")
	}
	public, err := listen.Open(ctx, s.listen)
	if err != nil {
		return err
	}
	defer public.Close()
	var admin *listen.Listener
	if s.adminListen != "" {
		if admin, err = listen.Open(ctx, adminListen); err != nil {
			return err
		}
		defer admin.Close()
	}
	if s.chaos {
		log.Warn("CHAOS: this gateway refuses, delays and cuts requests on purpose, and its clock is wrong; it is for tests only", "seed", s.chaosSeed)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return public.Serve(ctx, mount(gateways, s.secondName)) })
	if admin != nil {
		group.Go(func() error { return admin.Serve(ctx, a.API(tokens, log)) })
	}
	log.Info("ready", "address", public.Addr().String(), "issuer", s.issuer)
	group.Go(func() error { a.Domains.Run(ctx); return nil })
	if s.chaos {
		group.Go(func() error { return s.rollAll(ctx, gateways) })
	} else {
		group.Go(func() error { return followKeys(ctx, a, gateways, log) })
	}
	group.Go(func() error { warnExpiry(ctx, a, log); return nil })
	return group.Wait()
}

func (s *serving) rollAll(ctx context.Context, gateways []*gateway.Gateway) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, g := range gateways {
		group.Go(func() error { return gateway.NewChaos(s.chaosSeed).RollKeys(ctx, g) })
	}
	return group.Wait()
}

// gateways makes the first instance, and the second where there is one.
func (s *serving) gateways(ctx context.Context, a *gatewayadmin.Admin, log *slog.Logger) ([]*gateway.Gateway, error) {
	keys, err := a.CurrentKeys(gateway.WithActor(ctx, "serve"))
	if err != nil {
		return nil, err
	}
	cipher, err := parseCipher(s.tokenCipher, federation.Profile(s.profile))
	if err != nil {
		return nil, err
	}
	switch r := gateway.Registration(s.registration); {
	case r != gateway.RegisterOff && r != gateway.RegisterByApproval && r != gateway.RegisterByProof:
		return nil, fault.New(fault.Invalid, "--registration %q is not off, approval or proof", r)
	case (s.secondName == "") != (s.secondIssuer == "") || s.secondName != "" && s.secondIssuer == s.issuer || strings.ContainsAny(s.secondName, "/?#% "):
		return nil, fault.New(fault.Invalid, "--second-instance and --second-issuer go together, and the issuers differ")
	}
	proxies, err := parsePrefixes(s.trustedProxies)
	if err != nil {
		return nil, err
	}
	if s.issueAt != 0 {
		log.Warn("tokens are issued with a wrong clock", "offset", s.issueAt.String())
	}
	o := gateway.Options{Issuer: s.issuer, PublicURL: strings.TrimSuffix(s.publicURL, "/"), Signing: keys.Current, Profile: federation.Profile(s.profile),
		TokenCipher: cipher, Lifetime: s.lifetime, Registry: a.Store, Now: time.Now, IssueAt: s.issueAt, Log: log, RequireMutual: s.requireMutual, Limits: s.limits,
		Registration: gateway.Registration(s.registration), Domains: a.Domains, Version: version(), TrustedProxies: proxies}
	if s.chaos {
		o.Chaos = gateway.NewChaos(s.chaosSeed)
	}
	if s.listOrgs {
		o.ListOrganizations = func(ctx context.Context) (names []string, err error) {
			orgs, err := a.Store.Organizations(ctx)
			for _, org := range orgs {
				names = append(names, org.Name)
			}
			return names, err
		}
	}
	instances := []gateway.Options{o}
	if s.secondName != "" {
		o.Instance, o.Issuer, o.PublicURL = s.secondName, s.secondIssuer, o.PublicURL+"/"+s.secondName
		instances = append(instances, o)
	}
	var out []*gateway.Gateway
	for _, o := range instances {
		g, err := gateway.New(o)
		if err == nil {
			err = g.SetKeys(keys)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}

func parsePrefixes(texts []string) (out []netip.Prefix, err error) {
	for _, t := range texts {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			return nil, fault.New(fault.Invalid, "--trusted-proxy %q is no network", t)
		}
		out = append(out, p)
	}
	return out, nil
}

func mount(gateways []*gateway.Gateway, second string) http.Handler {
	if len(gateways) == 1 {
		return gateways[0].Handler()
	}
	mux := http.NewServeMux()
	mux.Handle("/", gateways[0].Handler())
	mux.Handle("/"+second+"/", http.StripPrefix("/"+second, gateways[1].Handler()))
	return mux
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// admin is the admin listener: plain on loopback; anywhere else with TLS and tokens.
func (s *serving) admin() (listen.Config, *gatewayadmin.Tokens, error) {
	config := s.listen
	config.Addr, config.MaxInFlight = s.adminListen, 16
	if s.adminListen == "" {
		return config, nil, nil
	}
	host, _, err := net.SplitHostPort(s.adminListen)
	if err != nil {
		return config, nil, fault.New(fault.Invalid, "--admin-listen %q is not host:port", s.adminListen)
	}
	ip := net.ParseIP(host)
	config.Plain = host == "localhost" || ip != nil && ip.IsLoopback()
	if s.adminTokenFile == "" {
		if !config.Plain {
			return config, nil, errors.New("the admin API listens on loopback addresses only, unless there is an --admin-token-file")
		}
		return config, nil, nil
	}
	tokens, err := gatewayadmin.NewTokens(s.adminTokenFile)
	return config, tokens, err
}

func parseCipher(name string, p federation.Profile) (xmlsec.BlockAlgorithm, error) {
	switch {
	case p != federation.ProfileModern && p != federation.ProfileExchange:
		return 0, fault.New(fault.Invalid, "profile %q is not modern or exchange", p)
	case name == "aes256-cbc", name == "" && p == federation.ProfileModern:
		return xmlsec.AES256CBC, nil
	case name == "tripledes-cbc" && p == federation.ProfileModern:
		return 0, fault.New(fault.Invalid, "tripledes-cbc needs the profile exchange")
	case name == "tripledes-cbc", name == "":
		return xmlsec.TripleDESCBC, nil
	}
	return 0, fault.New(fault.Invalid, "token cipher %q is not aes256-cbc or tripledes-cbc", name)
}

// followKeys serves with what is in the folder: a key that was made or published by a command is in force within a second.
func followKeys(ctx context.Context, a *gatewayadmin.Admin, gateways []*gateway.Gateway, log *slog.Logger) error {
	ctx = gateway.WithActor(ctx, "serve")
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	stamp, looked := a.Keys.Stamp(), a.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		seen := a.Keys.Stamp() // before reading, so that a change while it is read is seen the next time
		if seen == stamp && a.Now().Sub(looked) < time.Minute {
			continue
		}
		keys, err := a.CurrentKeys(ctx)
		for _, g := range gateways {
			if err == nil {
				err = g.SetKeys(keys)
			}
		}
		if err != nil { // the keys in force stay
			log.Error("signing keys", "cause", err)
			continue
		}
		stamp, looked = seen, a.Now()
	}
}

// warnExpiry looks once a day at every certificate.
func warnExpiry(ctx context.Context, a *gatewayadmin.Admin, log *slog.Logger) {
	warned := map[string]int{}
	for {
		list, err := a.Expiring(ctx)
		if err != nil && ctx.Err() == nil {
			log.Error("certificates", "cause", err)
		}
		for _, e := range list {
			if warned[e.SHA256] != e.Threshold {
				warned[e.SHA256] = e.Threshold
				log.Warn("a certificate expires", "of", e.Of, "role", e.Role, "in", fmt.Sprintf("%d days", e.DaysLeft), "notAfter", e.NotAfter, "threshold", e.Threshold)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(24 * time.Hour):
		}
	}
}
