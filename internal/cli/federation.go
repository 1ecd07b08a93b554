package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/server"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/smtpaddr"
)

func domains(names []string) (out []smtpaddr.Domain, err error) {
	for _, n := range names {
		for part := range strings.SplitSeq(n, ",") {
			d, err := smtpaddr.ParseDomainIDN(strings.TrimSpace(part))
			if err != nil {
				return nil, fault.New(fault.Invalid, "%v", err)
			}
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	return out, nil
}

func orgCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "org", Short: "The federated organization identifier"}
	var namespace, defaultDomain, contact, publish string
	var federated, accepted []string
	var enabled bool
	set := &cobra.Command{Use: "set", Short: "Set domains, account namespace and the switch of all federation", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return change(cmd, "organization", func(ctx context.Context, st store.Store) error {
			cfg, err := st.LoadConfig(ctx)
			if err != nil {
				return err
			}
			o, f := cfg.Organization, cmd.Flags()
			for name, into := range map[string]*smtpaddr.Domain{"account-namespace": &o.AccountNamespace, "default-domain": &o.DefaultDomain} {
				if f.Changed(name) {
					v, _ := f.GetString(name)
					if *into, err = smtpaddr.ParseDomainIDN(v); err != nil {
						return fault.New(fault.Invalid, "--%s: %v", name, err)
					}
				}
			}
			if f.Changed("domain") {
				if o.Domains, err = domains(federated); err != nil {
					return err
				}
			}
			if f.Changed("accepted-domain") {
				if o.AcceptedDomains, err = domains(accepted); err != nil {
					return err
				}
			}
			for _, d := range o.Domains {
				if !slices.Contains(o.AcceptedDomains, d) {
					o.AcceptedDomains = append(o.AcceptedDomains, d)
				}
			}
			if f.Changed("contact") {
				o.Contact = contact
			}
			if f.Changed("enabled") {
				o.Enabled = enabled
			}
			switch {
			case !o.DefaultDomain.IsZero() && !slices.Contains(o.Domains, o.DefaultDomain):
				return fault.New(fault.Invalid, "the default domain %s is not a federated domain", o.DefaultDomain)
			case o.Enabled && len(o.Domains) == 0:
				return fault.New(fault.Invalid, "an organization without a federated domain cannot be enabled; give --domain")
			case publish != "" && publish != "all" && publish != "queried":
				return fault.New(fault.Invalid, "--publish-domains %q is not all or queried", publish)
			}
			if publish != "" {
				if err := st.PutSetting(ctx, store.SettingPublishDomains, publish); err != nil {
					return err
				}
			}
			return st.PutOrganization(ctx, o)
		})
	}}
	f := set.Flags()
	f.StringVar(&namespace, "account-namespace", "", "namespace of users' immutable ids at the gateway")
	f.StringVar(&defaultDomain, "default-domain", "", "domain of the addresses in tokens")
	f.StringArrayVar(&federated, "domain", nil, "federated domain (repeatable)")
	f.StringArrayVar(&accepted, "accepted-domain", nil, "accepted domain (repeatable)")
	f.StringVar(&contact, "contact", "", "address of whoever looks after the federation")
	f.BoolVar(&enabled, "enabled", true, "false stops all federation")
	f.StringVar(&publish, "publish-domains", "", "all or queried: what GetFederationInformation tells")
	show := &cobra.Command{Use: "show", Short: "Show the organization identifier", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd, func(ctx context.Context, st store.Store) error {
			cfg, err := st.LoadConfig(ctx)
			if err != nil {
				return err
			}
			o := cfg.Organization
			link := ""
			if cfg.Trust != nil {
				link = cfg.Trust.Name
			}
			return print(cmd, 0, []property{{"AccountNamespace", o.AccountNamespace}, {"Domains", o.Domains}, {"AcceptedDomains", o.AcceptedDomains}, {"DefaultDomain", o.DefaultDomain},
				{"DelegationTrustLink", link}, {"Enabled", o.Enabled}, {"OrganizationContact", o.Contact}})
		})
	}}
	cmd.AddCommand(set, show)
	return cmd
}

func urlCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "url", Short: "The URLs that partners are told"}
	var url string
	set := &cobra.Command{Use: "set", Short: "Set the external URL of our web services", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if url != "" && !strings.HasPrefix(url, "https://") {
			return fault.New(fault.Invalid, "--ews-external %q is not https", url)
		}
		return change(cmd, "ExternalEwsUrl", func(ctx context.Context, st store.Store) error {
			return st.PutSetting(ctx, store.SettingExternalEwsURL, url)
		})
	}}
	set.Flags().StringVar(&url, "ews-external", "", "https URL of Exchange.asmx; empty: not available")
	show := &cobra.Command{Use: "show", Short: "Show the URLs", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd, func(ctx context.Context, st store.Store) error {
			cfg, err := st.LoadConfig(ctx)
			if err != nil {
				return err
			}
			return print(cmd, 0, []property{{"ExternalEwsUrl", cfg.Settings[store.SettingExternalEwsURL]}})
		})
	}}
	cmd.AddCommand(set, show)
	return cmd
}

func trustCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "trust", Short: "The federation trust with the gateway"}
	cmd.AddCommand(trustCreate(), trustShow(), trustExport(), trustRefresh(), trustRemove())
	return cmd
}

func fingerprint(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func trustCreate() *cobra.Command {
	var t federation.Trust
	var profile, proof, certFile, keyFile, want string
	var days int
	cmd := &cobra.Command{Use: "create NAME", Short: "Create the trust: read the gateway's metadata, make or take the organization certificate", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		t.Name, t.Profile, t.Proof = args[0], federation.Profile(profile), federation.ProofPolicy(proof)
		switch {
		case t.Profile != federation.ProfileModern && t.Profile != federation.ProfileExchange:
			return fault.New(fault.Invalid, "--profile %q is not modern or exchange", profile)
		case t.Proof != federation.ProofRequired && t.Proof != federation.ProofIfPresent:
			return fault.New(fault.Invalid, "--proof %q is not require or if-present", proof)
		case t.ApplicationUri == "" || t.TokenIssuerMetadataEpr == "":
			return fault.New(fault.Invalid, "a trust needs --metadata-url and --application-uri")
		case (certFile == "") != (keyFile == ""):
			return fault.New(fault.Invalid, "--certificate and --key belong together")
		}
		return change(cmd, t.Name, func(ctx context.Context, st store.Store) error {
			cfg, err := st.LoadConfig(ctx)
			if err != nil {
				return err
			}
			if cfg.Trust != nil {
				return fault.New(fault.Conflict, "there is a federation trust already: %q", cfg.Trust.Name)
			}
			if err := readMetadata(ctx, &t, nil); err != nil {
				return err
			}
			if got := fingerprint(t.TokenIssuerCertificate.Raw); want != "" && !strings.EqualFold(want, got) {
				return fault.New(fault.Invalid, "the gateway's signing certificate has the SHA-256 fingerprint %s and not %s", got, want)
			}
			if certFile == "" {
				t.OrgCertificate, err = federation.NewOrganizationCertificate(time.Now(), days)
			} else {
				t.OrgCertificate, err = readPair(certFile, keyFile)
			}
			if err != nil {
				return err
			}
			return st.PutTrust(ctx, &t)
		})
	}}
	f := cmd.Flags()
	f.StringVar(&t.TokenIssuerMetadataEpr, "metadata-url", "", "https URL of the gateway's metadata document")
	f.StringVar(&t.ApplicationUri, "application-uri", "", "our name at the gateway")
	f.StringVar(&profile, "profile", "modern", "modern, or exchange: SHA-1 and 3DES are accepted too")
	f.StringVar(&proof, "proof", "require", "require, or if-present: messages without proof of possession are accepted")
	f.StringVar(&certFile, "certificate", "", "organization certificate (PEM); without it a self-signed one is made")
	f.StringVar(&keyFile, "key", "", "its private key (PEM)")
	f.IntVar(&days, "days", 1825, "validity of a self-signed certificate")
	f.StringVar(&want, "fingerprint", "", "SHA-256 fingerprint that the gateway's signing certificate must have")
	f.StringVar(&t.CAFile, "ca-file", "", "roots for the gateway's TLS (PEM)")
	f.BoolVar(&t.AllowPrivate, "allow-private", false, "the gateway may have a private address")
	return cmd
}

func readPair(certFile, keyFile string) (*federation.KeyPair, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	pair, err := federation.ParseKeyPair(cert, key)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s and %s: %v", certFile, keyFile, err)
	}
	return pair, nil
}

// readMetadata fills in what the gateway publishes. A changed issuer name is never taken by a refresh.
func readMetadata(ctx context.Context, t *federation.Trust, old *federation.Trust) error {
	client, err := server.NewHTTPClient(t.CAFile, server.PrivateIf(t.AllowPrivate))
	if err != nil {
		return err
	}
	m, err := federation.FetchMetadata(ctx, client, t.TokenIssuerMetadataEpr, old.TrustedIssuers(), time.Now())
	if err != nil {
		return &fault.Error{Kind: fault.Unavailable, Message: err.Error(), Cause: err}
	}
	if old != nil && m.TokenIssuerUri != old.TokenIssuerUri {
		return fault.New(fault.Conflict, "the gateway calls itself %q now and not %q; a new issuer needs a new trust", m.TokenIssuerUri, old.TokenIssuerUri)
	}
	t.TokenIssuerUri, t.TokenIssuerEpr, t.WebRequestorRedirectEpr = m.TokenIssuerUri, m.TokenIssuerEpr, m.WebRequestorRedirectEpr
	t.TokenIssuerCertificate, t.TokenIssuerPrevCertificate, t.PolicyReferenceUri = m.Certificates[0], nil, "EX_MBI_FED_SSL"
	if len(m.Certificates) > 1 {
		t.TokenIssuerPrevCertificate = m.Certificates[1]
	}
	return nil
}

func withTrust(cmd *cobra.Command, changes bool, f func(ctx context.Context, st store.Store, t *federation.Trust) error) error {
	inner := func(ctx context.Context, st store.Store) error {
		cfg, err := st.LoadConfig(ctx)
		if err != nil {
			return err
		}
		if cfg.Trust == nil {
			return fault.New(fault.NotFound, "there is no federation trust; create one with availd trust create")
		}
		return f(ctx, st, cfg.Trust)
	}
	if changes {
		return change(cmd, "trust", inner)
	}
	return withStore(cmd, inner)
}

func trustShow() *cobra.Command {
	return &cobra.Command{Use: "show", Short: "Show the trust", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withTrust(cmd, false, func(_ context.Context, _ store.Store, t *federation.Trust) error {
			return print(cmd, 3, []property{{"Name", t.Name}, {"ApplicationUri", t.ApplicationUri}, {"TokenIssuerUri", t.TokenIssuerUri}, {"TokenIssuerEpr", t.TokenIssuerEpr},
				{"TokenIssuerMetadataEpr", t.TokenIssuerMetadataEpr}, {"TokenIssuerCertificate", fingerprint(t.TokenIssuerCertificate.Raw)},
				{"OrgCertificate", t.OrgCertificate.String()}, {"OrgPrevCertificate", t.OrgPrevCertificate.String()}, {"OrgNextCertificate", t.OrgNextCertificate.String()},
				{"Profile", t.Profile}, {"ProofOfPossession", t.Proof}})
		})
	}}
}

func trustExport() *cobra.Command {
	var out string
	var private bool
	cmd := &cobra.Command{Use: "export-certificate", Short: "Write the organization certificate, for the gateway's administrator", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withTrust(cmd, private, func(_ context.Context, _ store.Store, t *federation.Trust) error {
			cert, key, err := t.OrgCertificate.MarshalPEM()
			if err != nil {
				return err
			}
			if private {
				cert = append(cert, key...)
			}
			if out == "" {
				_, err = cmd.OutOrStdout().Write(cert)
				return err
			}
			return os.WriteFile(out, cert, 0o600)
		})
	}}
	cmd.Flags().StringVar(&out, "out", "", "file to write (default: standard output)")
	cmd.Flags().BoolVar(&private, "with-private-key", false, "write the private key too")
	return cmd
}

func trustRefresh() *cobra.Command {
	return &cobra.Command{Use: "refresh-metadata", Short: "Read the gateway's metadata again", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withTrust(cmd, true, func(ctx context.Context, st store.Store, t *federation.Trust) error {
			old := *t
			if err := readMetadata(ctx, t, &old); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "issuer certificate %s\n", fingerprint(t.TokenIssuerCertificate.Raw))
			return st.PutTrust(ctx, t)
		})
	}}
}

func trustRemove() *cobra.Command {
	return &cobra.Command{Use: "remove", Short: "Remove the trust and its keys", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withTrust(cmd, true, func(ctx context.Context, st store.Store, _ *federation.Trust) error { return st.PutTrust(ctx, nil) })
	}}
}
