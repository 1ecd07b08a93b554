package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/smtpaddr"
)

const progressFrom = 4 << 20 // bytes of a file whose reading takes long enough to be watched

// counted counts what is read, for the progress bar.
type counted struct {
	io.Reader
	bar *progressbar.ProgressBar
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if c.bar != nil {
		_ = c.bar.Add(n)
	}
	return n, err
}

func importCommand() *cobra.Command {
	var replace, dry bool
	cmd := &cobra.Command{Use: "import ADDRESS FILE...", Short: "Import iCalendar files: each whole or not at all", Args: cobra.MinimumNArgs(2), RunE: func(cmd *cobra.Command, args []string) error {
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, m smtpaddr.Address) error {
			for i, path := range args[1:] {
				p := admin.ImportParams{Mailbox: m, Name: path, Replace: replace && i == 0, DryRun: dry}
				if err := importFile(ctx, cmd, a, p); err != nil {
					return err
				}
			}
			return nil
		})
	}}
	cmd.Flags().BoolVar(&replace, "replace", false, "remove first what the calendar holds")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check the files only")
	return cmd
}

func importFile(ctx context.Context, cmd *cobra.Command, a *admin.Admin, p admin.ImportParams) error {
	f, err := os.Open(p.Name)
	if err != nil {
		return err
	}
	defer f.Close()
	r := counted{Reader: f}
	if info, err := f.Stat(); err == nil && info.Size() > progressFrom && term.IsTerminal(int(os.Stderr.Fd())) {
		r.bar = progressbar.DefaultBytes(info.Size(), p.Name)
	}
	p.Source = icalendar.NewReader(r)
	res, err := a.ImportCalendar(ctx, p)
	switch {
	case err != nil:
		return err
	case p.DryRun:
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d events would be imported\n", p.Name, res.Objects)
	default:
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d events, %d occurrences around today, %d removed\n", p.Name, res.Objects, res.Occurrences, res.Removed)
	}
	return nil
}

func exportCommand() *cobra.Command {
	return &cobra.Command{Use: "export ADDRESS", Short: "Write the calendar as it was put", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withMailbox(cmd, args, func(ctx context.Context, a *admin.Admin, m smtpaddr.Address) error {
			return a.ExportCalendar(ctx, m, cmd.OutOrStdout())
		})
	}}
}
