package cli

import (
	"cmp"
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/orgrel"
)

func orgrelCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "orgrel", Short: "Organization relationships: who may see how much, and whom we can ask"}
	var found discovery
	create := &cobra.Command{Use: "create NAME", Short: "Create a relationship", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		p, err := relationshipParams(cmd.Flags())
		if err != nil {
			return err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			return found.create(ctx, a, args[0], p)
		})
	}}
	set := &cobra.Command{Use: "set NAME", Short: "Change a relationship; it takes effect within a second", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		p, err := relationshipParams(cmd.Flags())
		if err != nil {
			return err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			_, err := a.SetRelationship(ctx, args[0], p)
			return err
		})
	}}
	for _, c := range []*cobra.Command{create, set} {
		relationshipFlags(c.Flags())
	}
	found.flags(create)
	set.Flags().String("name", "", "new name")
	set.Flags().StringArray("add-domain", nil, "one more domain of the partner (repeatable)")
	set.Flags().StringArray("remove-domain", nil, "domain that is no longer the partner's (repeatable)")
	show := &cobra.Command{Use: "show [NAME]", Short: "Show a relationship by name (with * and ?), GUID or domain; without one, all", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			identity := strings.Join(args, "")
			found, err := a.RelationshipsLike(ctx, cmp.Or(identity, "*"))
			if err != nil {
				return err
			}
			return printFound(cmd, identity, found, relationshipProperties)
		})
	}}
	list := &cobra.Command{Use: "list", Short: "List relationships", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			all, err := a.Relationships(ctx)
			if err != nil {
				return err
			}
			p := newPrinter(cmd, 5)
			for _, r := range all {
				p.add(relationshipProperties(r))
			}
			return p.close()
		})
	}}
	remove := &cobra.Command{Use: "remove NAME", Short: "Remove a relationship", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.RemoveRelationship(ctx, args[0]) })
	}}
	cmd.AddCommand(create, set, show, list, remove, refreshCommand(), testRelationshipCommand("test NAME"))
	return cmd
}

func relationshipFlags(f *pflag.FlagSet) {
	f.StringArray("domain", nil, "domain of the partner (repeatable); exact, subdomains are not covered")
	f.Bool("enabled", true, "false stops everything over this relationship")
	f.Bool("free-busy-access", false, "free/busy in both directions")
	f.String("free-busy-access-level", "", "None, AvailabilityOnly or LimitedDetails: the most that the partner is shown")
	f.String("free-busy-access-scope", "", "group whose members only are shown; empty: everyone")
	f.Bool("mail-tips-access", false, "MailTips for the partner")
	f.String("mail-tips-access-level", "", "None, Limited or All")
	f.String("mail-tips-access-scope", "", "group whose members only have MailTips; empty: everyone")
	f.Bool("delivery-report", false, "message tracking for the partner; both sides need it")
	f.Bool("photos", false, "user photos for the partner")
	f.Bool("mailbox-move", false, "mailbox moves from and to the partner; kept, not done")
	f.String("target-application-uri", "", "the partner's name at the gateway")
	f.String("target-autodiscover-epr", "", "https URL of the partner's Autodiscover service")
	f.String("target-sharing-epr", "", "https URL of the partner's EWS; then Autodiscover is not asked")
	f.String("target-owa-url", "", "https URL of the partner's Outlook on the web")
	f.String("contact", "", "address of whom to ask there")
	f.StringArray("allow-address", nil, "private address range where the partner's servers may lie (repeatable)")
	f.String("ca-file", "", "roots for the partner's TLS (PEM)")
	f.String("min-tls", "", "least TLS version towards the partner: 1.2 or 1.3")
	f.String("org-wide-account", "", "mailbox of ours by whose login the partner asks (availability address space); it sees nothing else any more")
	f.String("access-method", "", "how the partner is asked: Federated or OrgWideFB")
	f.String("org-wide-user", "", "our login at the partner, for OrgWideFB")
	f.String("org-wide-password-file", "", "file that holds its password")
}

// relationshipParams takes the flags that were typed.
func relationshipParams(f *pflag.FlagSet) (admin.RelationshipParams, error) {
	g := &given{flags: f}
	p := admin.RelationshipParams{Name: g.text("name"), DomainNames: g.domains("domain"), Enabled: g.bool("enabled"),
		FreeBusyAccessEnabled: g.bool("free-busy-access"), FreeBusyAccessLevel: parsed(g, "free-busy-access-level", orgrel.ParseAccessLevel), FreeBusyAccessScope: g.address("free-busy-access-scope"),
		MailTipsAccessEnabled: g.bool("mail-tips-access"), MailTipsAccessLevel: g.text("mail-tips-access-level"), MailTipsAccessScope: g.address("mail-tips-access-scope"),
		DeliveryReportEnabled: g.bool("delivery-report"), PhotosEnabled: g.bool("photos"), MailboxMoveEnabled: g.bool("mailbox-move"),
		TargetApplicationUri: g.text("target-application-uri"), TargetAutodiscoverEpr: g.text("target-autodiscover-epr"), TargetSharingEpr: g.text("target-sharing-epr"),
		TargetOwaURL: g.text("target-owa-url"), OrganizationContact: g.text("contact"), AllowAddresses: g.prefixes("allow-address"), CAFile: g.text("ca-file"),
		MinTLS: g.text("min-tls"), OrgWideAccount: g.address("org-wide-account"), AccessMethod: parsed(g, "access-method", orgrel.ParseAccessMethod),
		OrgWideUser: g.text("org-wide-user"), OrgWidePassword: parsed(g, "org-wide-password-file", passwordIn)}
	if add := g.domains("add-domain"); add != nil {
		p.AddDomains = *add
	}
	if remove := g.domains("remove-domain"); remove != nil {
		p.RemoveDomains = *remove
	}
	return p, g.err
}

// passwordIn reads a file; a flag would show the password in the list of processes.
func passwordIn(path string) (orgrel.Password, error) {
	b, err := os.ReadFile(path)
	return orgrel.Password(strings.TrimRight(string(b), "\r\n")), err
}

func relationshipProperties(r *orgrel.OrganizationRelationship) []property {
	return []property{{"Name", r.Name}, {"DomainNames", r.DomainNames}, {"Enabled", r.Enabled}, {"FreeBusyAccessEnabled", r.FreeBusyAccessEnabled},
		{"FreeBusyAccessLevel", r.FreeBusyAccessLevel}, {"FreeBusyAccessScope", r.FreeBusyAccessScope},
		{"MailTipsAccessEnabled", r.MailTipsAccessEnabled}, {"MailTipsAccessLevel", r.MailTipsAccessLevel}, {"MailTipsAccessScope", r.MailTipsAccessScope},
		{"DeliveryReportEnabled", r.DeliveryReportEnabled}, {"PhotosEnabled", r.PhotosEnabled}, {"MailboxMoveEnabled", r.MailboxMoveEnabled},
		{"TargetApplicationUri", r.TargetApplicationUri}, {"TargetAutodiscoverEpr", r.TargetAutodiscoverEpr}, {"TargetSharingEpr", r.TargetSharingEpr}, {"TargetOwaURL", r.TargetOwaURL},
		{"OrganizationContact", r.OrganizationContact}, {"AllowAddresses", r.AllowAddresses}, {"CAFile", r.CAFile}, {"MinTLS", r.MinTLS},
		{"OrgWideAccount", r.OrgWideAccount}, {"AccessMethod", r.AccessMethod}, {"OrgWideUser", r.OrgWideUser}, {"OrgWidePassword", r.OrgWidePassword}, {"Source", r.Source}, {"WhenCreated", r.WhenCreated}, {"WhenChanged", r.WhenChanged}, {"Guid", r.ID}}
}
