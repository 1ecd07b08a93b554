package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/partner"
	"github.com/availd/availd/internal/store"
)

const selfSignedDays = 1825 // five years, as Exchange makes them

// gatewayClients calls the gateway of a trust under the trust's own roots and address rules, through the web proxy that is
// set; it follows no redirects.
func gatewayClients(ctx context.Context, st store.Store) func(*federation.Trust) (*http.Client, error) {
	return func(t *federation.Trust) (*http.Client, error) {
		cfg, err := st.LoadConfig(ctx)
		if err != nil {
			return nil, err
		}
		var clients partner.Clients
		if proxy := cfg.Settings[store.SettingWebProxy]; proxy != "" {
			if clients.Proxy, err = url.Parse(proxy); err != nil {
				return nil, err
			}
		}
		return clients.Get(partner.Profile{CAFile: t.CAFile, Allowed: partner.PrivateIf(t.AllowPrivate)})
	}
}

func metadataThrough(client func(*federation.Trust) (*http.Client, error)) func(context.Context, *federation.Trust, []*x509.Certificate) (*federation.Metadata, error) {
	return func(ctx context.Context, t *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error) {
		c, err := client(t)
		if err != nil {
			return nil, err
		}
		return federation.FetchMetadata(ctx, c, t.TokenIssuerMetadataEpr, trusted, time.Now())
	}
}

func trustCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "trust", Short: "The federation trust with the gateway"}
	remove := &cobra.Command{Use: "remove [NAME]", Short: "Remove the trust and its keys; the organization must be disabled first", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.RemoveTrust(ctx, optional(args)) })
	}}
	cmd.AddCommand(trustCreate(), trustSet(), trustShow(), trustExport(), trustRefresh(), trustSetNext(), trustPublish(), remove, testTrustCommand("test"))
	return cmd
}

// optional is the one argument, or "".
func optional(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func trustCreate() *cobra.Command {
	var p admin.TrustParams
	var profile, proof, provisioner, certFile, keyFile string
	cmd := &cobra.Command{Use: "create NAME", Short: "Create the trust: read the gateway's metadata, make or take the organization certificate", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) (err error) {
		p.Name, p.Profile, p.ProofOfPossession, p.NamespaceProvisioner = args[0], federation.Profile(profile), federation.ProofPolicy(proof), federation.NamespaceProvisioner(provisioner)
		if p.OrgCertificate, err = readPair(certFile, keyFile); err != nil {
			return err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			_, err := a.CreateTrust(ctx, p)
			return err
		})
	}}
	trustFlags(cmd, &p.TokenIssuerMetadataEpr, &p.ApplicationUri, &provisioner, &profile, &proof, &p.CAFile, &p.AllowPrivate)
	certificateFlags(cmd, &p.Thumbprint, &certFile, &keyFile, &p.Days)
	cmd.Flags().StringVar(&p.Fingerprint, "fingerprint", "", "SHA-256 fingerprint that the gateway's signing certificate must have")
	return cmd
}

// trustFlags are the properties of a trust that an administrator chooses.
func trustFlags(cmd *cobra.Command, metadata, uri, provisioner, profile, proof, caFile *string, private *bool) {
	f := cmd.Flags()
	f.StringVar(metadata, "metadata-url", "", "https URL of the gateway's metadata document")
	f.StringVar(uri, "application-uri", "", "our name at the gateway; without it, the account namespace")
	f.StringVar(provisioner, "namespace-provisioner", string(federation.ExternalProcess), "ExternalProcess: the gateway's administrator enters our domains and certificates; Statements: we tell the gateway")
	f.StringVar(profile, "profile", string(federation.ProfileModern), "modern, or exchange: SHA-1 and 3DES are accepted too")
	f.StringVar(proof, "proof", string(federation.ProofRequired), "require, or if-present: messages without proof of possession are accepted")
	f.StringVar(caFile, "ca-file", "", "roots for the gateway's TLS (PEM)")
	f.BoolVar(private, "allow-private", false, "the gateway may have a private address")
}

// certificateFlags choose an organization certificate.
func certificateFlags(cmd *cobra.Command, thumbprint, certFile, keyFile *string, days *int) {
	f := cmd.Flags()
	f.StringVar(thumbprint, "thumbprint", "", "organization certificate of availd cert list; without it a self-signed one is made")
	f.StringVar(certFile, "certificate", "", "organization certificate (PEM) from elsewhere")
	f.StringVar(keyFile, "key", "", "its private key (PEM)")
	f.IntVar(days, "days", selfSignedDays, "validity of a self-signed certificate")
	cmd.MarkFlagsRequiredTogether("certificate", "key")
	cmd.MarkFlagsMutuallyExclusive("certificate", "thumbprint")
}

// readPair reads a certificate and its key; nil where no file is named.
func readPair(certFile, keyFile string) (*federation.KeyPair, error) {
	if certFile == "" && keyFile == "" {
		return nil, nil
	}
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

func trustSet() *cobra.Command {
	cmd := &cobra.Command{Use: "set [NAME]", Short: "Change the trust", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		g := &given{flags: cmd.Flags()}
		p := admin.TrustChange{Name: g.text("name"), ApplicationUri: g.text("application-uri"), TokenIssuerMetadataEpr: g.text("metadata-url"), CAFile: g.text("ca-file"), AllowPrivate: g.bool("allow-private"),
			NamespaceProvisioner: parsed(g, "namespace-provisioner", func(s string) (federation.NamespaceProvisioner, error) {
				return federation.NamespaceProvisioner(s), nil
			}),
			Profile:           parsed(g, "profile", func(s string) (federation.Profile, error) { return federation.Profile(s), nil }),
			ProofOfPossession: parsed(g, "proof", func(s string) (federation.ProofPolicy, error) { return federation.ProofPolicy(s), nil })}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			_, err := a.SetTrust(ctx, optional(args), p)
			return err
		})
	}}
	trustFlags(cmd, new(string), new(string), new(string), new(string), new(string), new(string), new(bool))
	cmd.Flags().String("name", "", "new name")
	return cmd
}

func trustShow() *cobra.Command {
	var document bool
	cmd := &cobra.Command{Use: "show [NAME]", Short: "Show the trust, with the days that its certificates have left", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			if document {
				b, err := a.MetadataDocument(ctx, optional(args))
				if err == nil {
					_, err = cmd.OutOrStdout().Write(append(b, '\n'))
				}
				return err
			}
			t, err := a.Trust(ctx, optional(args))
			if err != nil {
				return err
			}
			return printOne(cmd, trustProperties(t))
		})
	}}
	cmd.Flags().BoolVar(&document, "metadata-document", false, "show the gateway's metadata as it was last read instead")
	return cmd
}

// trustProperties are those of Get-FederationTrust, and then our own.
func trustProperties(t *admin.Trust) []property {
	thumbprint := func(c *admin.Certificate) string {
		if c == nil {
			return ""
		}
		return c.Thumbprint
	}
	reference := func(c *admin.Certificate) string {
		if c == nil {
			return ""
		}
		return c.SubjectKeyIdentifier
	}
	return []property{{"Name", t.Name}, {"ApplicationIdentifier", t.ApplicationIdentifier}, {"ApplicationUri", t.ApplicationUri}, {"NamespaceProvisioner", t.NamespaceProvisioner},
		{"OrgCertificate", t.OrgCertificate}, {"OrgPrevCertificate", t.OrgPrevCertificate}, {"OrgNextCertificate", t.OrgNextCertificate},
		{"OrgPrivCertificate", thumbprint(t.OrgCertificate)}, {"OrgPrevPrivCertificate", thumbprint(t.OrgPrevCertificate)}, {"OrgNextPrivCertificate", thumbprint(t.OrgNextCertificate)},
		{"TokenIssuerCertificate", t.TokenIssuerCertificate}, {"TokenIssuerPrevCertificate", t.TokenIssuerPrevCertificate},
		{"TokenIssuerCertReference", reference(t.TokenIssuerCertificate)}, {"TokenIssuerPrevCertReference", reference(t.TokenIssuerPrevCertificate)},
		{"TokenIssuerUri", t.TokenIssuerUri}, {"TokenIssuerEpr", t.TokenIssuerEpr}, {"TokenIssuerMetadataEpr", t.TokenIssuerMetadataEpr}, {"WebRequestorRedirectEpr", t.WebRequestorRedirectEpr},
		{"MetadataPollInterval", "1.00:00:00"}, {"MetadataReadAt", t.MetadataReadAt}, {"PolicyReferenceUri", t.PolicyReferenceUri},
		{"Profile", t.Profile}, {"ProofOfPossession", t.ProofOfPossession}, {"CAFile", t.CAFile}, {"AllowPrivate", t.AllowPrivate}, {"IsValid", t.IsValid}, {"Warnings", t.Warnings}}
}

func trustRefresh() *cobra.Command {
	var all bool
	cmd := &cobra.Command{Use: "refresh-metadata [NAME]", Short: "Read the gateway's metadata again; every node does so once a day by itself", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		if all && len(args) > 0 {
			return fault.New(fault.Invalid, "a name and --all exclude each other")
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			t, err := a.RefreshTrust(ctx, optional(args))
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "issuer certificate %s\n", t.TokenIssuerCertificate)
			}
			return err
		})
	}}
	cmd.Flags().BoolVar(&all, "all", false, "of every trust; there is one at most")
	return cmd
}

func trustSetNext() *cobra.Command {
	var p admin.NextCertificateParams
	var certFile, keyFile string
	cmd := &cobra.Command{Use: "set-next-cert", Short: "Install the organization certificate that will be the next one", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) (err error) {
		if p.OrgNextCertificate, err = readPair(certFile, keyFile); err != nil {
			return err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			t, err := a.SetNextCertificate(ctx, p)
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "next certificate %s\n", t.OrgNextCertificate)
			}
			return err
		})
	}}
	certificateFlags(cmd, &p.Thumbprint, &certFile, &keyFile, &p.Days)
	return cmd
}

func trustPublish() *cobra.Command {
	return &cobra.Command{Use: "publish-cert", Short: "Make the next organization certificate the current one; the old one still opens tokens", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			t, err := a.PublishCertificate(ctx)
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "current certificate %s\n", t.OrgCertificate)
			}
			return err
		})
	}}
}

func trustExport() *cobra.Command {
	var out string
	var p admin.ExportParams
	cmd := &cobra.Command{Use: "export-certificate", Short: "Write the organization certificate, for the gateway's administrator", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			pem, err := a.ExportCertificate(ctx, p)
			if err != nil {
				return err
			}
			if out == "" {
				_, err = cmd.OutOrStdout().Write(pem)
				return err
			}
			return os.WriteFile(out, pem, 0o600)
		})
	}}
	cmd.Flags().StringVar(&out, "out", "", "file to write (default: standard output)")
	cmd.Flags().BoolVar(&p.Next, "next", false, "the next certificate")
	cmd.Flags().BoolVar(&p.Private, "with-private-key", false, "write the private key too")
	return cmd
}
