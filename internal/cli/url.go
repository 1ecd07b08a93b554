package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
)

func urlCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "url", Short: "The URLs that clients and partners are told"}
	set := &cobra.Command{Use: "set", Short: "Set the URLs of our web services", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		g := &given{flags: cmd.Flags()}
		p := admin.URLParams{ExternalEwsURL: g.text("ews-external"), InternalEwsURL: g.text("ews-internal")}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.SetURLs(ctx, p) })
	}}
	set.Flags().String("ews-external", "", "https URL of Exchange.asmx for partners; empty: not available")
	set.Flags().String("ews-internal", "", "https URL of Exchange.asmx for own users; empty: the external one")
	set.MarkFlagsOneRequired("ews-external", "ews-internal")
	show := &cobra.Command{Use: "show", Short: "Show the URLs", Args: cobra.NoArgs, RunE: showURLs}
	cmd.AddCommand(set, show)
	return cmd
}

func showURLs(cmd *cobra.Command, _ []string) error {
	return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
		u, err := a.URLs(ctx)
		if err != nil {
			return err
		}
		return printOne(cmd, []property{{"Name", "EWS (Default Web Site)"}, {"ExternalUrl", u.ExternalEwsURL}, {"ExternalEwsUrl", u.ExternalEwsURL}, {"InternalUrl", u.InternalEwsURL}, {"WSSecurityAuthentication", u.WSSecurityAuthentication}})
	})
}

func endpointCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "endpoint", Short: "The endpoints on which partners come"}
	security := &cobra.Command{Use: "wssecurity on|off|reset", Short: "Open or close the wssecurity endpoints; reset is the default, open", Args: cobra.ExactArgs(1), ValidArgs: []string{"on", "off", "reset"}, RunE: func(cmd *cobra.Command, args []string) error {
		switch args[0] {
		case "on", "off", "reset":
		default:
			return fault.New(fault.Invalid, "%q is not on, off or reset", args[0])
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error { return a.SetWSSecurity(ctx, args[0] != "off") })
	}}
	cmd.AddCommand(security, &cobra.Command{Use: "show", Short: "Show whether they are open", Args: cobra.NoArgs, RunE: showURLs})
	return cmd
}
