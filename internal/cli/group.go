package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

func groupCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "group", Short: "Groups, for mail, for lists of rooms, and for the scope of relationships"}
	create := &cobra.Command{Use: "create ADDRESS", Short: "Create a group; groups may hold groups", Args: cobra.ExactArgs(1), RunE: withGroup((*admin.Admin).CreateGroup)}
	set := &cobra.Command{Use: "set ADDRESS", Short: "Change a group", Args: cobra.ExactArgs(1), RunE: withGroup((*admin.Admin).SetGroup)}
	for _, c := range []*cobra.Command{create, set} {
		recipientFlags(c)
		c.Flags().StringArray("member", nil, "member (repeatable), instead of those it has; empty: none")
		c.Flags().Bool("room-list", false, "its members are rooms, for room finders")
	}
	show := &cobra.Command{Use: "show [ADDRESS]", Short: "Show a group; without an address, all", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return listGroups(cmd)
		}
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, address smtpaddr.Address) error {
			g, err := a.Group(ctx, address)
			if err != nil {
				return err
			}
			return printOne(cmd, groupProperties(g))
		})
	}}
	list := &cobra.Command{Use: "list", Short: "List groups", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return listGroups(cmd) }}
	for _, c := range []*cobra.Command{show, list} {
		c.Flags().String("type", "", "only "+typeGroup+" or "+typeRoomList)
	}
	remove := &cobra.Command{Use: "remove ADDRESS", Short: "Remove a group", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, group smtpaddr.Address) error {
			return a.RemoveGroup(ctx, group)
		})
	}}
	cmd.AddCommand(create, set, show, list, remove)
	return cmd
}

// withGroup runs a verb that makes or changes the group which the first argument names.
func withGroup(verb func(*admin.Admin, context.Context, smtpaddr.Address, admin.GroupParams) (*mailbox.Group, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		g := &given{flags: cmd.Flags()}
		p := admin.GroupParams{DisplayName: g.text("name"), Members: g.addresses("member"), RoomList: g.bool("room-list"), Hidden: g.bool("hidden"), Delivery: deliveryParams(g)}
		if g.err != nil {
			return g.err
		}
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, group smtpaddr.Address) error {
			_, err := verb(a, ctx, group, p)
			return err
		})
	}
}

func listGroups(cmd *cobra.Command) error {
	ofType, err := recipientType(cmd, typeGroup, typeRoomList)
	if err != nil {
		return err
	}
	return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
		groups, err := a.Groups(ctx)
		if err != nil {
			return err
		}
		p := newPrinter(cmd, 4)
		for _, g := range groups {
			if ofType(groupType(g)) {
				p.add(groupProperties(g))
			}
		}
		return p.close()
	})
}

func groupProperties(g *mailbox.Group) []property {
	return append([]property{{"PrimarySmtpAddress", g.Address}, {"DisplayName", g.DisplayName}, {"Members", g.Members}, {"RecipientTypeDetails", groupType(g)},
		{"HiddenFromAddressListsEnabled", g.HiddenFromAddressListsEnabled}}, deliveryProperties(g.Delivery)...)
}
