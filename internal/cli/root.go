// Package cli is availd's command line: the verbs of an Exchange administrator under short names.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/listen"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/open"
)

// Run executes the command line and returns the exit status: 0 done, 1 usage, 2 check failed, 3 conflict or missing
// object, 4 network or store, 5 credentials.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	cmd := Root()
	cmd.SetArgs(args)
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(errOut, "availd:", sentence(err))
	return status(err)
}

func sentence(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		if e.Cause == nil || e.Message != "" {
			return e.Text()
		}
	}
	return err.Error()
}

func status(err error) int {
	switch {
	case errors.Is(err, store.ErrExists), errors.Is(err, store.ErrNotFound):
		return fault.Conflict.Row().Exit
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
	cmd := &cobra.Command{Use: "availd", Short: "Free/busy across organizations, for calendars that are not in Exchange", SilenceErrors: true, SilenceUsage: true}
	f := cmd.PersistentFlags()
	f.String("database", "availd.db", "SQLite database file")
	f.String("master-key-file", "", "key that seals the organization keys (default: the database's path with .key)")
	f.String("output", "table", "table, list or json")
	cmd.AddCommand(serveCommand(), readyCommand(), migrateCommand(), devCACommand(), orgCommand(), urlCommand(), trustCommand(), orgrelCommand(), mailboxCommand(),
		groupCommand(), freebusyCommand(), explainCommand(), auditCommand())
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd.Flags()) }
	return cmd
}

// fromEnvironment gives every flag that was not typed its AVAILD_* default; AVAILD_*_FILE names a file that holds it.
func fromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "AVAILD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if f.Changed || err != nil {
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

// withStore opens the store for one verb and audits it when it changed something.
func withStore(cmd *cobra.Command, f func(ctx context.Context, st store.Store) error) error {
	database, _ := cmd.Flags().GetString("database")
	key, _ := cmd.Flags().GetString("master-key-file")
	st, err := open.Open(cmd.Context(), database, open.Options{MasterKeyFile: key})
	if err != nil {
		return err
	}
	defer st.Close()
	return f(cmd.Context(), st)
}

// change is withStore for verbs that change something: they leave a line in the audit.
func change(cmd *cobra.Command, object string, f func(ctx context.Context, st store.Store) error) error {
	return withStore(cmd, func(ctx context.Context, st store.Store) error {
		if err := f(ctx, st); err != nil {
			return err
		}
		who := "unknown"
		if u, err := user.Current(); err == nil {
			who = u.Username
		}
		var detail []string
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if !strings.Contains(f.Name, "password") && !strings.Contains(f.Name, "key") {
				detail = append(detail, f.Name+"="+f.Value.String())
			}
		})
		return st.Audit(ctx, store.AuditEntry{When: time.Now(), Who: who, Verb: cmd.CommandPath(), Object: object, Detail: strings.Join(detail, " ")})
	})
}

// property is one line of a list.
type property struct {
	name  string
	value any
}

// print writes objects as a table of the first columns, as a list of all properties, or as JSON.
func print(cmd *cobra.Command, columns int, objects ...[]property) error {
	format, _ := cmd.Flags().GetString("output")
	out := cmd.OutOrStdout()
	switch format {
	case "json":
		list := make([]map[string]any, 0, len(objects))
		for _, o := range objects {
			m := map[string]any{}
			for _, p := range o {
				m[p.name] = p.value
			}
			list = append(list, m)
		}
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	case "list":
		for _, o := range objects {
			w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
			for _, p := range o {
				fmt.Fprintf(w, "%s\t: %v\n", p.name, p.value)
			}
			w.Flush()
			fmt.Fprintln(out)
		}
		return nil
	case "table":
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for i, o := range objects {
			if columns > 0 && len(o) > columns {
				o = o[:columns]
			}
			for j, p := range o {
				if i == 0 {
					fmt.Fprint(w, sep(j), p.name)
				}
			}
			if i == 0 {
				fmt.Fprintln(w)
			}
			for j, p := range o {
				fmt.Fprint(w, sep(j), p.value)
			}
			fmt.Fprintln(w)
		}
		return w.Flush()
	}
	return fault.New(fault.Invalid, "output %q is not table, list or json", format)
}

func sep(j int) string {
	if j == 0 {
		return ""
	}
	return "\t"
}

func migrateCommand() *cobra.Command {
	return &cobra.Command{Use: "migrate", Short: "Bring the database's schema up to date", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd, func(ctx context.Context, st store.Store) error {
			if err := st.Migrate(ctx); err != nil {
				return err
			}
			level, err := st.SchemaLevel(ctx)
			fmt.Fprintf(cmd.OutOrStdout(), "schema level %d\n", level)
			return err
		})
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
	cmd := &cobra.Command{Use: "audit", Short: "Show the newest administrative changes", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd, func(ctx context.Context, st store.Store) error {
			entries, err := st.AuditLog(ctx, n)
			if err != nil {
				return err
			}
			var out [][]property
			for _, e := range entries {
				out = append(out, []property{{"When", e.When.Format(time.RFC3339)}, {"Who", e.Who}, {"Verb", e.Verb}, {"Object", e.Object}, {"Detail", e.Detail}})
			}
			return print(cmd, 0, out...)
		})
	}}
	cmd.Flags().IntVar(&n, "limit", 50, "how many")
	return cmd
}
