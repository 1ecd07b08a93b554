package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/doctor"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/server"
)

const doctorHelp = `Find out why free/busy with a partner does not work.

Every published troubleshooting case that a tool can look for is looked for, in the order in which it breaks a lookup: the
first finding is where to begin. Nothing is changed anywhere. --direction out is our users asking the partner, in is the
partner's users asking us, who are looked for through DNS and our public names as the partner does. With --user of the
partner and --mailbox of ours, the decision about that one mailbox is explained. The exit status is 2 when a check fails.`

func doctorCommand() *cobra.Command {
	var d diagnosis
	var name, direction, page string
	var redact bool
	cmd := &cobra.Command{Use: "doctor", Short: "Find out why free/busy with a partner does not work", Long: doctorHelp, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		way, err := doctor.ParseDirection(direction)
		if err != nil {
			return err
		}
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			o, err := d.options(ctx, a)
			if err != nil {
				return err
			}
			o.Partner, o.Direction = name, way
			o.Caches = func(context.Context) (map[string][]cache.Entry, error) { return nodeCaches(cmd) }
			r := doctor.Examine(ctx, o)
			if redact {
				r = r.Redacted()
			}
			return printReport(cmd, r, page)
		})
	}}
	d.flags(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&name, "partner", "", "organization relationship (default: that of the foreign address, or the only one)")
	f.StringVar(&direction, "direction", "both", "out, in or both")
	f.StringVar(&d.publicResolver, "public-resolver", "", "DNS server outside, such as 9.9.9.9, to compare the system's answers with; it is told the names")
	f.StringVar(&page, "html", "", "file for the report as one self-contained page")
	f.BoolVar(&redact, "redact", false, "leave out users and network addresses, so that the report can be sent to the partner")
	f.String("admin-listen", adminListen, "admin listener of a running node whose caches are looked at")
	return cmd
}

func printReport(cmd *cobra.Command, r *doctor.Report, page string) error {
	if page != "" {
		var b bytes.Buffer
		if err := r.WriteHTML(&b); err != nil {
			return err
		}
		if err := os.WriteFile(page, b.Bytes(), 0o600); err != nil {
			return fault.New(fault.Invalid, "--html: %v", err)
		}
	}
	if format(cmd) == formatJSON {
		if err := printJSON(cmd.OutOrStdout(), r); err != nil {
			return err
		}
	} else {
		writeReport(cmd.OutOrStdout(), r)
	}
	if r.Count(doctor.Fail) > 0 {
		return errCheckFailed
	}
	return nil
}

// writeReport writes what is wrong at length and the rest in one line each.
func writeReport(w io.Writer, r *doctor.Report) {
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%-4s %-8s %s\n", f.Severity, f.ID, f.Title)
		if f.Severity == doctor.Fail || f.Severity == doctor.Warn {
			fmt.Fprintf(w, "     found: %s\n     cause: %s\n     fix:   %s\n", f.Evidence, f.Cause, f.Fix)
		} else {
			fmt.Fprintf(w, "              %s\n", f.Evidence)
		}
	}
	fmt.Fprintf(w, "%d failed, %d warnings, %d passed, %d not made\n", r.Count(doctor.Fail), r.Count(doctor.Warn), r.Count(doctor.Pass), r.Count(doctor.Skip))
}

// nodeCaches asks the node at --admin-listen what it remembers.
func nodeCaches(cmd *cobra.Command) (map[string][]cache.Entry, error) {
	var entries []server.CacheEntry
	if err := askNode(cmd, http.MethodGet, server.PathCaches, nil, &entries); err != nil {
		return nil, err
	}
	out := map[string][]cache.Entry{}
	for _, e := range entries {
		out[e.Cache] = append(out[e.Cache], cache.Entry{Key: e.Key, Age: time.Duration(e.Age * float64(time.Second)), Expires: e.Expires})
	}
	return out, nil
}
