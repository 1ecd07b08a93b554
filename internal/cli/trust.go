package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/partner"
)

// fetchMetadata reads the gateway's document with the trust's own roots and address rules.
func fetchMetadata(ctx context.Context, t *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error) {
	client, err := new(partner.Clients).Get(partner.Profile{CAFile: t.CAFile, Allowed: partner.PrivateIf(t.AllowPrivate)})
	if err != nil {
		return nil, err
	}
	return federation.FetchMetadata(ctx, client, t.TokenIssuerMetadataEpr, trusted, time.Now())
}

func trustCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "trust", Short: "The federation trust with the gateway"}
	refresh := &cobra.Command{Use: "refresh-metadata", Short: "Read the gateway's metadata again", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			t, err := a.RefreshTrust(ctx)
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "issuer certificate %s\n", t.TokenIssuerCertificate)
			}
			return err
		})
	}}
	show := &cobra.Command{Use: "show", Short: "Show the trust", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			t, err := a.Trust(ctx)
			if err != nil {
				return err
			}
			return printOne(cmd, []property{{"Name", t.Name}, {"ApplicationUri", t.ApplicationUri}, {"TokenIssuerUri", t.TokenIssuerUri}, {"TokenIssuerEpr", t.TokenIssuerEpr},
				{"TokenIssuerMetadataEpr", t.TokenIssuerMetadataEpr}, {"WebRequestorRedirectEpr", t.WebRequestorRedirectEpr}, {"PolicyReferenceUri", t.PolicyReferenceUri},
				{"TokenIssuerCertificate", t.TokenIssuerCertificate}, {"TokenIssuerPrevCertificate", t.TokenIssuerPrevCertificate},
				{"OrgCertificate", t.OrgCertificate}, {"OrgPrevCertificate", t.OrgPrevCertificate}, {"OrgNextCertificate", t.OrgNextCertificate},
				{"Profile", t.Profile}, {"ProofOfPossession", t.ProofOfPossession}, {"CAFile", t.CAFile}, {"AllowPrivate", t.AllowPrivate}})
		})
	}}
	remove := &cobra.Command{Use: "remove", Short: "Remove the trust and its keys; the organization must be disabled first", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.RemoveTrust(ctx) })
	}}
	cmd.AddCommand(trustCreate(), show, trustExport(), refresh, remove)
	return cmd
}

func trustCreate() *cobra.Command {
	var p admin.TrustParams
	var profile, proof, certFile, keyFile string
	cmd := &cobra.Command{Use: "create NAME", Short: "Create the trust: read the gateway's metadata, make or take the organization certificate", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) (err error) {
		p.Name, p.Profile, p.ProofOfPossession = args[0], federation.Profile(profile), federation.ProofPolicy(proof)
		if certFile != "" || keyFile != "" {
			if p.OrgCertificate, err = readPair(certFile, keyFile); err != nil {
				return err
			}
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			_, err := a.CreateTrust(ctx, p)
			return err
		})
	}}
	f := cmd.Flags()
	f.StringVar(&p.TokenIssuerMetadataEpr, "metadata-url", "", "https URL of the gateway's metadata document")
	f.StringVar(&p.ApplicationUri, "application-uri", "", "our name at the gateway")
	f.StringVar(&profile, "profile", string(federation.ProfileModern), "modern, or exchange: SHA-1 and 3DES are accepted too")
	f.StringVar(&proof, "proof", string(federation.ProofRequired), "require, or if-present: messages without proof of possession are accepted")
	f.StringVar(&certFile, "certificate", "", "organization certificate (PEM); without it a self-signed one is made")
	f.StringVar(&keyFile, "key", "", "its private key (PEM)")
	f.IntVar(&p.Days, "days", 1825, "validity of a self-signed certificate")
	f.StringVar(&p.Fingerprint, "fingerprint", "", "SHA-256 fingerprint that the gateway's signing certificate must have")
	f.StringVar(&p.CAFile, "ca-file", "", "roots for the gateway's TLS (PEM)")
	f.BoolVar(&p.AllowPrivate, "allow-private", false, "the gateway may have a private address")
	cmd.MarkFlagsRequiredTogether("certificate", "key")
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

func trustExport() *cobra.Command {
	var out string
	var private bool
	cmd := &cobra.Command{Use: "export-certificate", Short: "Write the organization certificate, for the gateway's administrator", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			pem, err := a.ExportCertificate(ctx, private)
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
	cmd.Flags().BoolVar(&private, "with-private-key", false, "write the private key too")
	return cmd
}
