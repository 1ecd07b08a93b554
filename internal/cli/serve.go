package cli

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/server"
)

func serveCommand() *cobra.Command {
	var o server.Options
	var private []string
	cmd := &cobra.Command{Use: "serve", Short: "Serve partners and own users", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		o.Database, _ = cmd.Flags().GetString("database")
		o.MasterKeyFile, _ = cmd.Flags().GetString("master-key-file")
		for _, s := range private {
			p, err := netip.ParsePrefix(s)
			if err != nil {
				return fault.New(fault.Invalid, "--allow-private %q is no address range", s)
			}
			o.AllowPrivate = append(o.AllowPrivate, p)
		}
		if o.TLSCert == "" || o.TLSKey == "" {
			return fault.New(fault.Invalid, "serve needs --tls-cert and --tls-key (availd dev-ca makes a pair for a trial)")
		}
		o.Log = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
		return server.Run(cmd.Context(), o)
	}}
	f := cmd.Flags()
	f.StringVar(&o.Listen, "listen", ":443", "public address")
	f.StringVar(&o.AdminListen, "admin-listen", "127.0.0.1:9443", "address of health, metrics and profiles; loopback only; empty: none")
	f.StringVar(&o.TLSCert, "tls-cert", "", "TLS certificate (PEM), read anew when it changes")
	f.StringVar(&o.TLSKey, "tls-key", "", "TLS private key (PEM, mode 0600)")
	f.StringArrayVar(&o.Hosts, "host", nil, "name under which partners reach us (repeatable); wsa:To is held to it")
	f.StringArrayVar(&private, "allow-private", nil, "private address range that may be dialled (repeatable)")
	f.DurationVar(&o.DrainDelay, "drain-delay", time.Second, "how long to go on accepting after SIGTERM")
	return cmd
}
