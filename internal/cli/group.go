package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

func groupCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "group", Short: "Groups, for the scope of relationships"}
	set := &cobra.Command{Use: "set ADDRESS", Short: "Create a group or replace its members; groups may hold groups", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		g := &given{flags: cmd.Flags()}
		p := admin.GroupParams{DisplayName: g.text("name"), Members: g.addresses("member")}
		if g.err != nil {
			return g.err
		}
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, group smtpaddr.Address) error {
			_, err := a.SetGroup(ctx, group, p)
			return err
		})
	}}
	set.Flags().String("name", "", "display name")
	set.Flags().StringArray("member", nil, "member (repeatable); empty: none")
	show := &cobra.Command{Use: "show ADDRESS", Short: "Show a group", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, address smtpaddr.Address) error {
			g, err := a.Group(ctx, address)
			if err != nil {
				return err
			}
			return printOne(cmd, groupProperties(g))
		})
	}}
	list := &cobra.Command{Use: "list", Short: "List groups", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			groups, err := a.Groups(ctx)
			if err != nil {
				return err
			}
			p := newPrinter(cmd, 0)
			for _, g := range groups {
				p.add(groupProperties(g))
			}
			return p.close()
		})
	}}
	remove := &cobra.Command{Use: "remove ADDRESS", Short: "Remove a group", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, group smtpaddr.Address) error {
			return a.RemoveGroup(ctx, group)
		})
	}}
	cmd.AddCommand(set, show, list, remove)
	return cmd
}

func groupProperties(g *mailbox.Group) []property {
	return []property{{"PrimarySmtpAddress", g.Address}, {"DisplayName", g.DisplayName}, {"Members", g.Members}}
}
