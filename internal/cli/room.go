package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/smtpaddr"
)

func roomCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "room", Short: "Rooms, which are mailboxes of --resource-type Room"}
	cmd.AddCommand(&cobra.Command{Use: "list [GROUP]", Short: "List all rooms, or those of a list of rooms", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		var list smtpaddr.Address
		if len(args) > 0 {
			var err error
			if list, err = address(args[0]); err != nil {
				return err
			}
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			rooms, err := a.Rooms(ctx, list)
			if err != nil {
				return err
			}
			p := newPrinter(cmd, 4)
			for _, m := range rooms {
				p.add(mailboxProperties(m))
			}
			return p.close()
		})
	}})
	return cmd
}
