package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
)

func permissionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "permission", Short: "Calendar permissions", Long: `Calendar permissions: Default, which bounds what partners see too, and entries for own users by name.

The calendar is named by an address or a name, with or without :\Calendar behind it.`}
	set := &cobra.Command{Use: "set ADDRESS", Short: "Set an entry of a calendar's permissions", Args: cobra.ExactArgs(1), RunE: setPermission}
	set.Flags().String("default", "", "the rights of Default: the same as --user Default --access-rights …")
	set.Flags().String("access-rights", "", "None, AvailabilityOnly, LimitedDetails, Reviewer, …")
	show := &cobra.Command{Use: "show ADDRESS", Short: "Show a calendar's permissions", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		user, _ := cmd.Flags().GetString("user")
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			entries, err := a.Permissions(ctx, args[0], user)
			if err != nil {
				return err
			}
			p := newPrinter(cmd, 0)
			for _, e := range entries {
				p.add([]property{{"Identity", e.Identity}, {"User", e.User}, {"AccessRights", e.AccessRights}})
			}
			return p.close()
		})
	}}
	remove := &cobra.Command{Use: "remove ADDRESS", Short: "Remove an own user's entry", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		user, _ := cmd.Flags().GetString("user")
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.RemovePermission(ctx, args[0], user) })
	}}
	for _, c := range []*cobra.Command{set, show, remove} {
		c.Flags().String("user", "", "Default, or an own user's address or name")
	}
	set.MarkFlagsOneRequired("default", "access-rights")
	set.MarkFlagsMutuallyExclusive("default", "access-rights")
	set.MarkFlagsMutuallyExclusive("default", "user")
	_ = remove.MarkFlagRequired("user")
	cmd.AddCommand(set, show, remove)
	return cmd
}

func setPermission(cmd *cobra.Command, args []string) error {
	g := &given{flags: cmd.Flags()}
	rights, user := parsed(g, "default", mailbox.ParsePermission), g.text("user")
	if rights == nil {
		rights = parsed(g, "access-rights", mailbox.ParsePermission)
	} else {
		user = new(admin.DefaultUser)
	}
	switch {
	case g.err != nil:
		return g.err
	case user == nil || *user == "":
		return fault.New(fault.Invalid, "give --user: Default, or an own user's address or name")
	}
	return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
		_, err := a.SetPermission(ctx, args[0], *user, *rights)
		return err
	})
}
