package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// withMailbox runs a verb about the mailbox that the first argument names.
func withMailbox(cmd *cobra.Command, args []string, f func(ctx context.Context, a *admin.Admin, m smtpaddr.Address) error) error {
	m, err := address(args[0])
	if err != nil {
		return err
	}
	return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return f(ctx, a, m) })
}

func mailboxCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "mailbox", Short: "Mailboxes and their calendars"}
	create := &cobra.Command{Use: "create ADDRESS", Short: "Create a mailbox; its calendar's Default permission is AvailabilityOnly", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		p, err := mailboxParams(cmd)
		if err != nil {
			return err
		}
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, m smtpaddr.Address) error {
			_, err := a.CreateMailbox(ctx, m, p)
			return err
		})
	}}
	set := &cobra.Command{Use: "set ADDRESS", Short: "Change a mailbox", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		p, err := mailboxParams(cmd)
		if err != nil {
			return err
		}
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, m smtpaddr.Address) error {
			_, err := a.SetMailbox(ctx, m, p)
			return err
		})
	}}
	for _, c := range []*cobra.Command{create, set} {
		recipientFlags(c)
		c.Flags().String("resource-type", "", "Room, Equipment, or Regular for a person")
		c.Flags().Bool("mailbox-full", false, "tell senders that the mailbox is full")
		c.Flags().String("time-zone", "", "IANA or Windows name")
		c.Flags().String("working-hours", "", `such as "Mon-Thu 08:00-17:00; Fri 08:00-14:00"; empty: none`)
		c.Flags().StringArray("alias", nil, "further address (repeatable)")
		c.Flags().Bool("password", false, "ask for the password on the terminal")
		passwordFlags(c)
	}
	list := &cobra.Command{Use: "list", Short: "List mailboxes", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			p := newPrinter(cmd, 4)
			for m, err := range a.Mailboxes(ctx) {
				if err != nil {
					return err
				}
				p.add(mailboxProperties(m))
			}
			return p.close()
		})
	}}
	remove := &cobra.Command{Use: "remove ADDRESS", Short: "Remove a mailbox with its calendar", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, m smtpaddr.Address) error { return a.RemoveMailbox(ctx, m) })
	}}
	cmd.AddCommand(create, set, showMailboxCommand(), list, remove, permissionCommand(), oofCommand(), photoCommand(), importCommand(), exportCommand())
	return cmd
}

func showMailboxCommand() *cobra.Command {
	show := &cobra.Command{Use: "show [NAME]", Short: "Show a mailbox by address or name (with * and ?); without one, all", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		ofType, err := recipientType(cmd, typeUser, typeRoom, typeEquipment)
		if err != nil {
			return err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			identity := strings.Join(args, "")
			found, err := a.MailboxesLike(ctx, cmp.Or(identity, "*"))
			if err != nil {
				return err
			}
			found = slices.DeleteFunc(found, func(m *mailbox.Mailbox) bool { return !ofType(mailboxType(m)) })
			return printFound(cmd, identity, found, mailboxProperties)
		})
	}}
	show.Flags().String("type", "", "only "+typeUser+", "+typeRoom+" or "+typeEquipment)
	return show
}

func mailboxParams(cmd *cobra.Command) (admin.MailboxParams, error) {
	g := &given{flags: cmd.Flags()}
	p := admin.MailboxParams{DisplayName: g.text("name"), TimeZone: g.text("time-zone"), EmailAddresses: g.addresses("alias"),
		WorkingHours: parsed(g, "working-hours", mailbox.ParseWorkingHours), ResourceType: parsed(g, "resource-type", admin.ParseResourceType), Hidden: g.bool("hidden"), Delivery: deliveryParams(g)}
	p.Delivery.MailboxFull = g.bool("mailbox-full")
	if g.err != nil {
		return p, g.err
	}
	var err error
	p.Password, err = newPassword(cmd)
	return p, err
}

func mailboxProperties(m *mailbox.Mailbox) []property {
	return append([]property{{"PrimarySmtpAddress", m.Address}, {"DisplayName", m.DisplayName}, {"TimeZone", m.Zone}, {"DefaultPermission", m.DefaultPermission},
		{"EmailAddresses", m.Aliases}, {"WorkingHours", m.WorkingHours.String()}, {"PasswordLogin", m.PasswordHash != ""},
		{"RecipientTypeDetails", mailboxType(m)}, {"HiddenFromAddressListsEnabled", m.HiddenFromAddressListsEnabled}, {"MailboxFull", m.Delivery.MailboxFull}}, deliveryProperties(m.Delivery)...)
}
