package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
)

func proxyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "proxy", Short: "The web proxy through which the nodes go out"}
	set := &cobra.Command{Use: "set URL", Short: `Set the web proxy of every node that was not told one by serve --proxy; "": none`, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.SetWebProxy(ctx, args[0]) })
	}}
	show := &cobra.Command{Use: "show", Short: "Show the web proxy", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			u, err := a.WebProxy(ctx)
			if err != nil {
				return err
			}
			return printOne(cmd, []property{{"InternetWebProxy", u}})
		})
	}}
	cmd.AddCommand(set, show)
	return cmd
}
