package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/availd/availd/internal/fault"
)

func docsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "docs", Short: "Documentation of the command line"}
	var out string
	man := &cobra.Command{Use: "man", Short: "Write a manual page for each verb", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // manual pages are for everybody
			return fault.New(fault.Invalid, "%v", err)
		}
		return writeManual(cmd.Root(), out)
	}}
	man.Flags().StringVar(&out, "out", "", "folder to write into")
	_ = man.MarkFlagRequired("out")
	cmd.AddCommand(man)
	return cmd
}

// writeManual writes the page of a command and of all below it: availd-orgrel-create.1. Pages hold neither a date nor a
// version, so that the same tree makes the same pages.
func writeManual(cmd *cobra.Command, dir string) error {
	path := filepath.Join(dir, manName(cmd)+".1")
	if err := os.WriteFile(path, manPage(cmd), 0o644); err != nil { //nolint:gosec // as above
		return err
	}
	for _, c := range visible(cmd) {
		if err := writeManual(c, dir); err != nil {
			return err
		}
	}
	return nil
}

func visible(cmd *cobra.Command) (out []*cobra.Command) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			out = append(out, c)
		}
	}
	return out
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// roff escapes text for a manual page, which is ASCII.
func roff(s string) string {
	var b strings.Builder
	begins := true
	for _, r := range s {
		switch {
		case begins && (r == '.' || r == '\''): // would be a request
			b.WriteString(`\&` + string(r))
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r > 0x7e:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
		begins = r == '\n'
	}
	return b.String()
}

// manPage writes one page in man(7).
func manPage(cmd *cobra.Command) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, ".TH %s 1 \"\" availd\n", roff(strings.ToUpper(manName(cmd))))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(cmd)), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(strings.TrimSuffix(cmd.UseLine(), " [flags]")))
	if cmd.HasAvailableFlags() {
		b.WriteString("[\\fIoptions\\fR]\n")
	}
	if cmd.Long != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", strings.ReplaceAll(roff(cmd.Long), "\n\n", "\n.PP\n"))
	}
	manFlags(&b, "OPTIONS", cmd.NonInheritedFlags())
	manFlags(&b, "GLOBAL OPTIONS", cmd.InheritedFlags())
	if children := visible(cmd); len(children) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range children {
			fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(manName(c)), roff(c.Short))
		}
	}
	if !cmd.HasParent() {
		b.WriteString(".SH ENVIRONMENT\nAVAILD_NAME gives the option \\-\\-name its value where it is not typed; AVAILD_NAME_FILE names a file that holds it.\n")
		b.WriteString(".SH EXIT STATUS\n0 done, 1 usage, 2 a check failed, 3 conflict or missing object, 4 network or store, 5 credentials.\n")
	} else {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(cmd.Parent())))
	}
	return b.Bytes()
}

func manFlags(b *bytes.Buffer, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		b.WriteString(".TP\n")
		if f.Shorthand != "" {
			fmt.Fprintf(b, `\fB\-%s\fR, `, f.Shorthand)
		}
		fmt.Fprintf(b, `\fB\-\-%s\fR`, roff(f.Name))
		if value != "" {
			fmt.Fprintf(b, ` \fI%s\fR`, roff(value))
		}
		fmt.Fprintf(b, "\n%s", roff(usage))
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			fmt.Fprintf(b, " (default: %s)", roff(f.DefValue))
		}
		b.WriteByte('\n')
	})
}
