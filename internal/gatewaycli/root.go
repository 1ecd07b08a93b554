// Package gatewaycli is the command line of fedgateway. Its verbs work on the data folder, beside a gateway that serves
// it; whoever may read the folder is the gateway's root, and every change is written down under her name.
package gatewaycli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/gatewayadmin"
	"github.com/availd/availd/internal/gatewaykeys"
	"github.com/availd/availd/internal/gatewaystore"
	"github.com/availd/availd/internal/listen"
	"github.com/availd/availd/internal/usage"
	"github.com/availd/availd/internal/wssecurity"
)

// maxLifetime is the longest lifetime that a token can have.
const maxLifetime = 24 * time.Hour

// Run runs one command line and returns its exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := &cli{stderr: stderr}
	cmd := c.root()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		fmt.Fprintln(stderr, "fedgateway:", err)
		return 1
	}
	text := e.Text()
	if e.Cause != nil {
		text += " (" + e.Cause.Error() + ")"
	}
	fmt.Fprintln(stderr, "fedgateway:", text)
	return e.Kind.Row().Exit
}

// cli holds the flags that every command knows.
type cli struct {
	data      string
	resolvers []string
	overlap   time.Duration
	grace     time.Duration
	output    string
	stderr    io.Writer
}

func (c *cli) root() *cobra.Command {
	cmd := &cobra.Command{Use: "fedgateway", Short: "A federation gateway: organizations in, delegation tokens out", SilenceErrors: true, SilenceUsage: true}
	f := cmd.PersistentFlags()
	f.StringVar(&c.data, "data", envOr("FEDGATEWAY_DATA", "."), "folder of the registry and the signing keys")
	f.StringArrayVar(&c.resolvers, "resolver", strings.Fields(os.Getenv("FEDGATEWAY_RESOLVERS")), "DNS server, host:port, for domain proofs; give two or more, all must agree (default: the system's)")
	f.DurationVar(&c.overlap, "signing-key-overlap", 7*24*time.Hour, "how long a next signing key is in the metadata before it may be published")
	f.DurationVar(&c.grace, "domain-grace", 4*24*time.Hour, "how long a domain stays proven after its TXT record has gone")
	f.StringVar(&c.output, "output", "table", "table or json")
	cmd.AddCommand(c.serveCommand(), c.orgCommand(), c.domainCommand(), c.certificateCommand(), c.signingKeyCommand(), c.auditCommand(), devCACommand())
	usage.Strict(cmd)
	return cmd
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

func (c *cli) registry() string { return filepath.Join(c.data, "gateway.db") }

func (c *cli) prover() *gateway.Prover {
	var p gateway.Prover
	for _, r := range c.resolvers {
		p.Resolvers = append(p.Resolvers, federation.NewResolver(r))
	}
	if len(p.Resolvers) == 0 {
		p.Resolvers = []federation.TXTResolver{net.DefaultResolver}
	}
	return &p
}

// open opens the data folder for one command.
func (c *cli) open(ctx context.Context) (*gatewayadmin.Admin, error) {
	for _, r := range c.resolvers {
		if _, _, err := net.SplitHostPort(r); err != nil {
			return nil, fault.New(fault.Invalid, "--resolver %q is not host:port", r)
		}
	}
	if err := os.MkdirAll(c.data, 0o700); err != nil {
		return nil, err
	}
	store, err := gatewaystore.Open(ctx, c.registry())
	if err != nil {
		return nil, err
	}
	domains := &gateway.Domains{Store: store, Prover: c.prover(), Grace: c.grace, Now: time.Now, Log: slog.New(slog.NewJSONHandler(c.stderr, nil))}
	return &gatewayadmin.Admin{Store: store, Domains: domains, Keys: gatewaykeys.Folder(c.data), Overlap: c.overlap, Accept: maxLifetime + 2*wssecurity.Skew, Now: time.Now}, nil
}

// verb makes the function of a command that works on the data folder under the operating system's user.
func (c *cli) verb(f func(ctx context.Context, a *gatewayadmin.Admin, args []string) (any, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a, err := c.open(cmd.Context())
		if err != nil {
			return err
		}
		defer a.Store.Close()
		result, err := f(gateway.WithActor(cmd.Context(), "os "+osUser()), a, args)
		if err != nil || result == nil {
			return err
		}
		return c.print(cmd.OutOrStdout(), result)
	}
}

func osUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprint(os.Getuid())
}

// table is a result that can be printed as columns.
type table struct {
	head []string
	rows [][]string
	of   any // what JSON shows
}

func (c *cli) print(w io.Writer, result any) error {
	t, isTable := result.(table)
	if isTable && c.output == "table" {
		tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		fmt.Fprintln(tw, strings.Join(t.head, "\t"))
		for _, r := range t.rows {
			fmt.Fprintln(tw, strings.Join(r, "\t"))
		}
		return tw.Flush()
	}
	if isTable {
		result = t.of
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(result)
}

func devCACommand() *cobra.Command {
	var out string
	var hosts []string
	cmd := &cobra.Command{Use: "dev-ca", Short: "Make a throw-away CA and a server certificate for tests and demonstrations", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		return listen.WriteDevCA(out, hosts, time.Now())
	}}
	cmd.Flags().StringVar(&out, "out", ".", "folder for ca.pem, server.pem and server.key")
	cmd.Flags().StringArrayVar(&hosts, "host", []string{"localhost"}, "host name or address (repeatable)")
	return cmd
}
