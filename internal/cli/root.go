// Package cli is availd's command line: the verbs of an Exchange administrator under short names.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/listen"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/open"
	"github.com/availd/availd/internal/usage"
)

// Run executes the command line and returns the exit status: 0 done, 1 usage, 2 check failed, 3 conflict or missing
// object, 4 network or store, 5 credentials.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	s, line, err := cmdletIn(args, in, out, errOut)
	switch {
	case err != nil:
	case s != nil:
		err = s.pipeline(ctx, line)
	default:
		cmd := Root()
		cmd.SetArgs(args)
		cmd.SetIn(in)
		cmd.SetOut(out)
		cmd.SetErr(errOut)
		err = cmd.ExecuteContext(ctx)
	}
	return report(errOut, "", err)
}

// report says what went wrong, and where, and returns the exit status.
func report(errOut io.Writer, where string, err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errAllFailed), errors.Is(err, errCheckFailed): // said in its own place
		return fault.Internal.Row().Exit
	}
	if s, ok := errors.AsType[exitStatus](err); ok {
		return int(s)
	}
	fmt.Fprintf(errOut, "availd: %s%s\n", where, sentence(err))
	return status(err)
}

// errAllFailed ends freebusy when no mailbox was answered.
var errAllFailed = errors.New("no mailbox was answered")

// sentence is what the administrator reads: a message, or the cause where there is none.
func sentence(err error) string {
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok:
		return err.Error()
	case e.Message == "" && e.Cause != nil:
		return e.Cause.Error()
	}
	return e.Text()
}

func status(err error) int {
	switch {
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrSchema):
		return fault.Unavailable.Row().Exit
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Kind.Row().Exit
	}
	return 1
}

// Root is the command tree.
func Root() *cobra.Command {
	cmd := &cobra.Command{Use: "availd", Short: "Free/busy across organizations, for calendars that are not in Exchange", SilenceErrors: true, SilenceUsage: true, Version: buildVersion()}
	f := cmd.PersistentFlags()
	f.String("database", "availd.db", "SQLite database file")
	f.String("master-key-file", "", "key that seals the organization keys (default: the database's path with .key)")
	f.String("output", formatTable, "table, list or json")
	cmd.AddCommand(serveCommand(), readyCommand(), migrateCommand(), devCACommand(), orgCommand(), acceptedDomainCommand(), domainCommand(), urlCommand(), endpointCommand(), trustCommand(), certificateCommand(), orgrelCommand(), mailboxCommand(),
		groupCommand(), keyCommand(), freebusyCommand(), explainCommand(), discoverCommand(), testCommand(), testUserCommand(), doctorCommand(), auditCommand(), versionCommand())
	usage.Strict(cmd)
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := fromEnvironment(cmd.Flags()); err != nil {
			return err
		}
		return checkFormat(format(cmd))
	}
	cmd.AddCommand(contactCommand(), roomCommand(), proxyCommand(), cacheCommand(), shellCommand(), docsCommand())
	completeTree(cmd)
	return cmd
}

// fromEnvironment gives every flag that was not typed its AVAILD_* default; AVAILD_*_FILE names a file that holds it.
func fromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "AVAILD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if f.Changed || err != nil || f.Name == "password" { // AVAILD_PASSWORD would be a secret where a switch is meant
			return
		}
		v, ok := os.LookupEnv(name)
		if path := os.Getenv(name + "_FILE"); !ok && path != "" && !strings.HasSuffix(f.Name, "-file") {
			var b []byte
			if b, err = os.ReadFile(path); err != nil {
				return
			}
			v, ok = strings.TrimSpace(string(b)), true
		}
		if ok {
			if e := flags.Set(f.Name, v); e != nil {
				err = fault.New(fault.Invalid, "%s: %v", name, e)
			}
		}
	})
	return err
}

// openStore is where every verb gets its store.
func openStore(cmd *cobra.Command, masterKeyFile string) (store.Store, error) {
	database, _ := cmd.Flags().GetString("database")
	return open.Open(cmd.Context(), database, open.Options{MasterKeyFile: masterKeyFile})
}

func masterKeyFile(cmd *cobra.Command) string {
	path, _ := cmd.Flags().GetString("master-key-file")
	return path
}

// withStore opens the store for one verb.
func withStore(cmd *cobra.Command, f func(ctx context.Context, st store.Store) error) error {
	st, err := openStore(cmd, masterKeyFile(cmd))
	if err != nil {
		return err
	}
	defer st.Close()
	return f(cmd.Context(), st)
}

// withAdmin runs one administrative verb as the operating system's user.
func withAdmin(cmd *cobra.Command, f func(ctx context.Context, a *admin.Admin) error) error {
	return withStore(cmd, func(ctx context.Context, st store.Store) error {
		who := "unknown"
		if u, err := user.Current(); err == nil {
			who = u.Username
		}
		gateway := gatewayClients(ctx, st)
		return f(ctx, &admin.Admin{Store: st, Who: who, Now: time.Now, Metadata: metadataThrough(gateway), HTTP: gateway, NameServers: nameServers(cmd), Find: new(network).find,
			Warn: func(s string) { fmt.Fprintln(cmd.ErrOrStderr(), "warning:", s) }})
	})
}

func migrateCommand() *cobra.Command {
	return &cobra.Command{Use: "migrate", Short: "Bring the database's schema up to date", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		database, _ := cmd.Flags().GetString("database")
		st, err := open.Open(cmd.Context(), database, open.Options{MasterKeyFile: masterKeyFile(cmd), Migrate: true})
		if err != nil {
			return err
		}
		defer st.Close()
		level, err := st.SchemaLevel(cmd.Context())
		fmt.Fprintf(cmd.OutOrStdout(), "schema level %d\n", level)
		return err
	}}
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

func auditCommand() *cobra.Command {
	var n int
	cmd := &cobra.Command{Use: "audit", Short: "Show the newest administrative changes, with old and new values", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			entries, err := a.AuditLog(ctx, n)
			if err != nil {
				return err
			}
			p := newPrinter(cmd, 0)
			for _, e := range entries {
				p.add([]property{{"When", e.When}, {"Who", e.Who}, {"Verb", e.Verb}, {"Object", e.Object}, {"Detail", e.Detail}})
			}
			return p.close()
		})
	}}
	cmd.Flags().IntVar(&n, "limit", 50, "how many")
	return cmd
}

// buildVersion is the module's version, or the commit that the binary was built from.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && !strings.Contains(v, s.Value[:min(12, len(s.Value))]) {
			v += " " + s.Value
		}
	}
	return strings.TrimSpace(v + " " + info.GoVersion)
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Say which build this is", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		fmt.Fprintln(cmd.OutOrStdout(), "availd", buildVersion())
		return nil
	}}
}
