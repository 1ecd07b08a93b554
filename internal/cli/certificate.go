package cli

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
)

func certificateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "cert", Short: "Organization certificates, those of the trust and those that a trust may take"}
	list := &cobra.Command{Use: "list", Short: "List the organization certificates", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			certificates, err := a.Certificates(ctx)
			if err != nil {
				return err
			}
			p := newPrinter(cmd, 5)
			for _, c := range certificates {
				p.add(certificateProperties(&c))
			}
			return p.close()
		})
	}}
	remove := &cobra.Command{Use: "remove THUMBPRINT", Short: "Remove a certificate that no trust uses, with its private key", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.RemoveCertificate(ctx, args[0]) })
	}}
	cmd.AddCommand(list, certificateCreate(), certificateCheck(), remove)
	return cmd
}

// certificateProperties are those of Get-ExchangeCertificate that say something here.
func certificateProperties(c *admin.OrganizationCertificate) []property {
	return []property{{"Thumbprint", c.Thumbprint}, {"FriendlyName", admin.FriendlyName}, {"NotAfter", c.NotAfter}, {"Services", admin.CertificateUses}, {"Role", c.Role},
		{"DaysLeft", c.DaysLeft}, {"NotBefore", c.NotBefore}, {"Subject", c.Subject}, {"SubjectKeyIdentifier", c.SubjectKeyIdentifier}, {"HasPrivateKey", true}, {"Fingerprint", c.Fingerprint}}
}

func certificateCreate() *cobra.Command {
	var days int
	cmd := &cobra.Command{Use: "create", Short: "Make a self-signed organization certificate that a trust may take", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			c, err := a.CreateCertificate(ctx, days)
			if err != nil {
				return err
			}
			return printOne(cmd, certificateProperties(c))
		})
	}}
	cmd.Flags().IntVar(&days, "days", selfSignedDays, "validity")
	return cmd
}

func certificateCheck() *cobra.Command {
	return &cobra.Command{Use: "check", Short: "Check on this node that the trust's certificates are there and fit for use", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			checks, err := a.CheckCertificates(ctx)
			if err != nil {
				return err
			}
			site, err := os.Hostname()
			if err != nil {
				return err
			}
			p, unfit := newPrinter(cmd, 0), 0
			for _, c := range checks {
				p.add([]property{{"Site", site}, {"State", c.State}, {"Thumbprint", c.Thumbprint}, {"Role", c.Role}, {"Detail", c.Detail}})
				if c.State == admin.StateUnfit {
					unfit++
				}
			}
			if err := p.close(); err != nil || unfit == 0 {
				return err
			}
			return fault.New(fault.Internal, "%d of %d certificates are unfit", unfit, len(checks))
		})
	}}
}
