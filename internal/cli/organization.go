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
		p := admin.OrganizationParams{Trust: g.text("trust"), AutoNamespace: g.requiredDomain("auto-namespace"), AccountNamespace: g.domain("account-namespace"), DefaultDomain: g.domain("default-domain"), Domains: g.domains("domain"),
			AcceptedDomains: g.domains("accepted-domain"), Enabled: g.bool("enabled"), OrganizationContact: g.text("contact"), PublishDomains: g.text("publish-domains")}
		if g.err != nil {
			return g.err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.SetOrganization(ctx, p) })
	}}
	f := resolverFlag(set).Flags()
	f.String("trust", "", "name of the federation trust; it must be there")
	f.String("account-namespace", "", "namespace of users' immutable ids at the gateway: an accepted domain, and no mailbox's")
	f.String("auto-namespace", "", "domain to make the account namespace from; only this domain is proven")
	f.String("default-domain", "", "domain of the addresses in tokens; empty: each user's own")
	f.StringArray("domain", nil, "federated domain (repeatable)")
	f.StringArray("accepted-domain", nil, "accepted domain (repeatable)")
	f.String("contact", "", "address of whoever looks after the federation")
	f.Bool("enabled", true, "false stops all federation")
	f.String("publish-domains", "", "all or queried: what GetFederationInformation tells")
	cmd.AddCommand(set, organizationShow())
	return cmd
}

func organizationShow() *cobra.Command {
	var extended bool
	show := resolverFlag(&cobra.Command{Use: "show", Short: "Show the organization identifier", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			o, err := a.Organization(ctx)
			if err != nil {
				return err
			}
			var domains any = o.Domains
			if extended {
				if domains, err = a.DomainStates(ctx); err != nil {
					return err
				}
			}
			return printOne(cmd, []property{{"AccountNamespace", o.AccountNamespace}, {"Domains", domains}, {"AcceptedDomains", o.AcceptedDomains}, {"DefaultDomain", o.DefaultDomain},
				{"DelegationTrustLink", o.DelegationTrustLink}, {"Enabled", o.Enabled}, {"OrganizationContact", o.Contact}, {"PublishDomains", o.PublishDomains}})
		})
	}})
	show.Flags().BoolVar(&extended, "extended", false, "look in DNS for the proof of each domain")
	return show
}
