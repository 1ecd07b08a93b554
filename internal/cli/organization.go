package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
)

func orgCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "org", Short: "The federated organization identifier"}
	set := &cobra.Command{Use: "set", Short: "Set domains, account namespace and the switch of all federation", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		g := &given{flags: cmd.Flags()}
		p := admin.OrganizationParams{AccountNamespace: g.domain("account-namespace"), DefaultDomain: g.domain("default-domain"), Domains: g.domains("domain"),
			AcceptedDomains: g.domains("accepted-domain"), Enabled: g.bool("enabled"), OrganizationContact: g.text("contact"), PublishDomains: g.text("publish-domains")}
		if g.err != nil {
			return g.err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.SetOrganization(ctx, p) })
	}}
	f := set.Flags()
	f.String("account-namespace", "", "namespace of users' immutable ids at the gateway")
	f.String("default-domain", "", "domain of the addresses in tokens; empty: each user's own")
	f.StringArray("domain", nil, "federated domain (repeatable)")
	f.StringArray("accepted-domain", nil, "accepted domain (repeatable)")
	f.String("contact", "", "address of whoever looks after the federation")
	f.Bool("enabled", true, "false stops all federation")
	f.String("publish-domains", "", "all or queried: what GetFederationInformation tells")
	show := &cobra.Command{Use: "show", Short: "Show the organization identifier", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			o, err := a.Organization(ctx)
			if err != nil {
				return err
			}
			return printOne(cmd, []property{{"AccountNamespace", o.AccountNamespace}, {"Domains", o.Domains}, {"AcceptedDomains", o.AcceptedDomains}, {"DefaultDomain", o.DefaultDomain},
				{"DelegationTrustLink", o.DelegationTrustLink}, {"Enabled", o.Enabled}, {"OrganizationContact", o.Contact}, {"PublishDomains", o.PublishDomains}})
		})
	}}
	cmd.AddCommand(set, show)
	return cmd
}

func urlCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "url", Short: "The URLs that partners are told"}
	var url string
	set := &cobra.Command{Use: "set", Short: "Set the external URL of our web services", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.SetExternalEwsURL(ctx, url) })
	}}
	set.Flags().StringVar(&url, "ews-external", "", "https URL of Exchange.asmx; empty: not available")
	show := &cobra.Command{Use: "show", Short: "Show the URLs", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			u, err := a.URLs(ctx)
			if err != nil {
				return err
			}
			return printOne(cmd, []property{{"ExternalEwsUrl", u.ExternalEwsURL}})
		})
	}}
	_ = set.MarkFlagRequired("ews-external")
	cmd.AddCommand(set, show)
	return cmd
}
