// Command fedgateway is a federation gateway: it registers organizations and issues delegation tokens.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/gatewaystore"
	"github.com/availd/availd/internal/listen"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "fedgateway:", message(err))
		os.Exit(exitStatus(err)) //nolint:gocritic // nothing is deferred that matters
	}
}

func message(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Cause == nil {
		return e.Text()
	}
	return err.Error()
}

func exitStatus(err error) int {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Kind.Row().Exit
	}
	return 1
}

func root() *cobra.Command {
	cmd := &cobra.Command{Use: "fedgateway", Short: "A federation gateway: organizations in, delegation tokens out", SilenceErrors: true, SilenceUsage: true}
	cmd.PersistentFlags().String("data", envOr("FEDGATEWAY_DATA", "."), "folder of the registry and the signing key")
	cmd.AddCommand(serveCommand(), orgCommand(), devCACommand())
	return cmd
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

func openRegistry(cmd *cobra.Command) (*gatewaystore.Store, string, error) {
	dir, _ := cmd.Flags().GetString("data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", err
	}
	s, err := gatewaystore.Open(cmd.Context(), filepath.Join(dir, "gateway.db"))
	return s, dir, err
}

func serveCommand() *cobra.Command {
	var c listen.Config
	var publicURL, issuer, profile, tokenCipher string
	var lifetime, issueAt time.Duration
	cmd := &cobra.Command{Use: "serve", Short: "Serve the security token service and the metadata", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		store, dir, err := openRegistry(cmd)
		if err != nil {
			return err
		}
		defer store.Close()
		c.Log = slog.New(slog.NewJSONHandler(os.Stderr, nil))
		signing, err := signingKey(dir)
		if err != nil {
			return err
		}
		cipher, err := parseCipher(tokenCipher, federation.Profile(profile))
		if err != nil {
			return err
		}
		if issueAt != 0 {
			c.Log.Warn("tokens are issued with a wrong clock", "offset", issueAt.String())
		}
		g, err := gateway.New(gateway.Options{Issuer: issuer, PublicURL: strings.TrimSuffix(publicURL, "/"), Signing: signing, Profile: federation.Profile(profile),
			TokenCipher: cipher, Lifetime: lifetime, Registry: store, Now: time.Now, IssueAt: issueAt, Log: c.Log})
		if err != nil {
			return err
		}
		return listen.Serve(cmd.Context(), c, g.Handler(), func(a net.Addr) { c.Log.Info("ready", "address", a.String(), "issuer", issuer) })
	}}
	f := cmd.Flags()
	f.StringVar(&c.Addr, "listen", envOr("FEDGATEWAY_LISTEN", "127.0.0.1:8443"), "address to listen on")
	f.StringVar(&c.CertFile, "tls-cert", envOr("FEDGATEWAY_TLS_CERT", ""), "TLS certificate (PEM)")
	f.StringVar(&c.KeyFile, "tls-key", envOr("FEDGATEWAY_TLS_KEY", ""), "TLS private key (PEM, mode 0600)")
	f.StringVar(&publicURL, "public-url", envOr("FEDGATEWAY_PUBLIC_URL", "https://localhost:8443"), "URL under which organizations reach the gateway")
	f.StringVar(&issuer, "issuer", envOr("FEDGATEWAY_ISSUER", "urn:federation:availd"), "TokenIssuerUri")
	f.StringVar(&profile, "profile", envOr("FEDGATEWAY_PROFILE", "modern"), "modern (rsa-sha256, aes256-cbc) or exchange (rsa-sha1, tripledes-cbc)")
	f.StringVar(&tokenCipher, "token-cipher", envOr("FEDGATEWAY_TOKEN_CIPHER", ""), "aes256-cbc or tripledes-cbc (default: by profile)")
	f.DurationVar(&lifetime, "token-lifetime", 8*time.Hour, "lifetime of tokens, at most 24h")
	f.DurationVar(&issueAt, "issue-at", 0, "add this to the clock when tokens are written (tests)")
	_ = f.MarkHidden("issue-at")
	return cmd
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

// signingKey reads the gateway's key or makes it at the first start.
func signingKey(dir string) (*federation.KeyPair, error) {
	certFile, keyFile := filepath.Join(dir, "signing.pem"), filepath.Join(dir, "signing.key")
	keyPEM, err := os.ReadFile(keyFile)
	if errors.Is(err, os.ErrNotExist) {
		pair, err := federation.NewSigningCertificate(time.Now(), 3650)
		if err != nil {
			return nil, err
		}
		certPEM, keyPEM, err := pair.MarshalPEM()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(certFile, certPEM, 0o644); err != nil { //nolint:gosec // public
			return nil, err
		}
		return pair, os.WriteFile(keyFile, keyPEM, 0o600)
	}
	if err != nil {
		return nil, err
	}
	if err := listen.CheckKeyFile(keyFile); err != nil {
		return nil, err
	}
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	pair, err := federation.ParseKeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", certFile, keyFile, err)
	}
	return pair, nil
}

func orgCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "org", Short: "Registered organizations"}
	var o gateway.Organization
	var namespace, certFile string
	var domains []string
	add := &cobra.Command{Use: "add NAME", Short: "Register an organization: this is the administrator's approval of its domains", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		o.Name = args[0]
		pem, err := os.ReadFile(certFile)
		if err != nil {
			return err
		}
		if o.Certificate, err = federation.ParseCertificate(pem); err != nil {
			return fault.New(fault.Invalid, "%s: %v", certFile, err)
		}
		if o.AccountNamespace, err = smtpaddr.ParseDomainIDN(namespace); err != nil {
			return fault.New(fault.Invalid, "account namespace: %v", err)
		}
		if len(domains) == 0 || o.ApplicationUri == "" {
			return fault.New(fault.Invalid, "an organization needs --application-uri and at least one --domain")
		}
		for _, d := range domains {
			domain, err := smtpaddr.ParseDomainIDN(d)
			if err != nil {
				return fault.New(fault.Invalid, "%v", err)
			}
			o.Domains = append(o.Domains, domain)
		}
		store, _, err := openRegistry(cmd)
		if err != nil {
			return err
		}
		defer store.Close()
		return store.Add(cmd.Context(), &o)
	}}
	add.Flags().StringVar(&o.ApplicationUri, "application-uri", "", "the organization's ApplicationUri: issuer of its requests, audience of its tokens")
	add.Flags().StringVar(&namespace, "account-namespace", "", "namespace of its users' immutable ids")
	add.Flags().StringVar(&certFile, "certificate", "", "its organization certificate (PEM)")
	add.Flags().StringArrayVar(&domains, "domain", nil, "a domain for whose users it may speak (repeatable)")
	list := &cobra.Command{Use: "list", Short: "List organizations", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		store, _, err := openRegistry(cmd)
		if err != nil {
			return err
		}
		defer store.Close()
		orgs, err := store.Organizations(cmd.Context())
		for _, o := range orgs {
			fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\t%v\tcertificate until %s\n", o.Name, o.ApplicationUri, o.Domains, o.Certificate.NotAfter.Format(time.DateOnly))
		}
		return err
	}}
	remove := &cobra.Command{Use: "remove NAME", Short: "Forget an organization", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		store, _, err := openRegistry(cmd)
		if err != nil {
			return err
		}
		defer store.Close()
		return store.Remove(cmd.Context(), args[0])
	}}
	roll := &cobra.Command{Use: "set-certificate NAME FILE", Short: "Make FILE the organization's current certificate", Args: cobra.ExactArgs(2), RunE: func(cmd *cobra.Command, args []string) error {
		pem, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		cert, err := federation.ParseCertificate(pem)
		if err != nil {
			return fault.New(fault.Invalid, "%s: %v", args[1], err)
		}
		store, _, err := openRegistry(cmd)
		if err != nil {
			return err
		}
		defer store.Close()
		return store.SetCertificate(cmd.Context(), args[0], cert)
	}}
	cmd.AddCommand(add, list, remove, roll)
	return cmd
}

func devCACommand() *cobra.Command {
	var out string
	var hosts []string
	cmd := &cobra.Command{Use: "dev-ca", Short: "Make a throw-away CA and a server certificate for tests and demonstrations", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		return listen.WriteDevCA(out, hosts, time.Now())
	}}
	cmd.Flags().StringVar(&out, "out", ".", "folder for ca.pem, server.pem and server.key")
	cmd.Flags().StringArrayVar(&hosts, "host", []string{"localhost"}, "host name or address (repeatable)")
	return cmd
}
