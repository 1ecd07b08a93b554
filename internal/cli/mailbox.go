package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/schollz/progressbar/v3"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/login"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/smtpaddr"
)

func address(s string) (smtpaddr.Address, error) {
	a, err := smtpaddr.ParseAddress(s)
	if err != nil {
		return a, fault.New(fault.Invalid, "%v", err)
	}
	return a, nil
}

// password reads one line of a file or of standard input; a flag would show it in the list of processes.
func password(cmd *cobra.Command) (string, error) {
	path, _ := cmd.Flags().GetString("password-file")
	stdin, _ := cmd.Flags().GetBool("password-stdin")
	var b []byte
	var err error
	switch {
	case path != "":
		b, err = os.ReadFile(path)
	case stdin:
		b, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), 4096))
	default:
		return "", nil
	}
	if err != nil {
		return "", err
	}
	p := strings.TrimRight(string(b), "\r\n")
	if len(p) < 8 {
		return "", fault.New(fault.Invalid, "a password needs at least 8 characters")
	}
	return p, nil
}

func passwordFlags(cmd *cobra.Command) {
	cmd.Flags().String("password-file", "", "file that holds the password")
	cmd.Flags().Bool("password-stdin", false, "read the password from standard input")
}

func mailboxCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "mailbox", Short: "Mailboxes and their calendars"}
	create := &cobra.Command{Use: "create ADDRESS", Short: "Create a mailbox; its calendar's Default permission is AvailabilityOnly", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		a, err := address(args[0])
		if err != nil {
			return err
		}
		return change(cmd, a.String(), func(ctx context.Context, st store.Store) error {
			m := &mailbox.Mailbox{Address: a, DisplayName: a.Local(), Zone: "UTC", WorkingHours: mailbox.DefaultWorkingHours(), DefaultPermission: mailbox.AvailabilityOnly}
			if err := applyMailbox(cmd, m); err != nil {
				return err
			}
			return st.CreateMailbox(ctx, m)
		})
	}}
	set := &cobra.Command{Use: "set ADDRESS", Short: "Change a mailbox", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return editMailbox(cmd, args[0], func(m *mailbox.Mailbox) error { return applyMailbox(cmd, m) })
	}}
	for _, c := range []*cobra.Command{create, set} {
		c.Flags().String("name", "", "display name")
		c.Flags().String("time-zone", "", "IANA or Windows name")
		c.Flags().StringArray("alias", nil, "further address (repeatable)")
		passwordFlags(c)
	}
	show := &cobra.Command{Use: "show ADDRESS", Short: "Show a mailbox", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		a, err := address(args[0])
		if err != nil {
			return err
		}
		return withStore(cmd, func(ctx context.Context, st store.Store) error {
			m, err := st.Mailbox(ctx, a)
			if err != nil {
				return err
			}
			return print(cmd, 0, mailboxProperties(m))
		})
	}}
	list := &cobra.Command{Use: "list", Short: "List mailboxes", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd, func(ctx context.Context, st store.Store) error {
			var out [][]property
			for after := (smtpaddr.Address{}); ; {
				page, err := st.Mailboxes(ctx, after, 1000)
				if err != nil {
					return err
				}
				for _, m := range page {
					out = append(out, mailboxProperties(m))
					after = m.Address
				}
				if len(page) < 1000 {
					return print(cmd, 0, out...)
				}
			}
		})
	}}
	remove := &cobra.Command{Use: "remove ADDRESS", Short: "Remove a mailbox with its calendar", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		a, err := address(args[0])
		if err != nil {
			return err
		}
		return change(cmd, a.String(), func(ctx context.Context, st store.Store) error { return st.DeleteMailbox(ctx, a) })
	}}
	permission := &cobra.Command{Use: "permission", Short: "Calendar permissions"}
	permissionSet := &cobra.Command{Use: "set ADDRESS", Short: "Set the calendar's Default permission", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		s, _ := cmd.Flags().GetString("default")
		p, err := mailbox.ParsePermission(s)
		if err != nil {
			return fault.New(fault.Invalid, "%v", err)
		}
		return editMailbox(cmd, args[0], func(m *mailbox.Mailbox) error { m.DefaultPermission = p; return nil })
	}}
	permissionSet.Flags().String("default", "", "None, AvailabilityOnly, LimitedDetails, Reviewer, …")
	permission.AddCommand(permissionSet)
	cmd.AddCommand(create, set, show, list, remove, permission, importCommand(), exportCommand())
	return cmd
}

func mailboxProperties(m *mailbox.Mailbox) []property {
	return []property{{"PrimarySmtpAddress", m.Address}, {"DisplayName", m.DisplayName}, {"EmailAddresses", m.Aliases}, {"TimeZone", m.Zone}, {"DefaultPermission", m.DefaultPermission}}
}

func applyMailbox(cmd *cobra.Command, m *mailbox.Mailbox) error {
	f := cmd.Flags()
	if f.Changed("name") {
		m.DisplayName, _ = f.GetString("name")
	}
	if f.Changed("time-zone") {
		m.Zone, _ = f.GetString("time-zone")
		if _, err := store.Zone(m.Zone); err != nil {
			return fault.New(fault.Invalid, "%v", err)
		}
	}
	if f.Changed("alias") {
		names, _ := f.GetStringArray("alias")
		m.Aliases = nil
		for _, n := range names {
			a, err := address(n)
			if err != nil {
				return err
			}
			m.Aliases = append(m.Aliases, a)
		}
	}
	p, err := password(cmd)
	if p != "" {
		m.PasswordHash = login.HashPassword(p)
	}
	return err
}

func editMailbox(cmd *cobra.Command, name string, edit func(m *mailbox.Mailbox) error) error {
	a, err := address(name)
	if err != nil {
		return err
	}
	return change(cmd, a.String(), func(ctx context.Context, st store.Store) error {
		m, err := st.Mailbox(ctx, a)
		if err != nil {
			return err
		}
		if err := edit(m); err != nil {
			return err
		}
		return st.UpdateMailbox(ctx, m)
	})
}

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
		a, err := address(args[0])
		if err != nil {
			return err
		}
		for i, path := range args[1:] {
			if err := importFile(cmd, a, path, replace && i == 0, dry); err != nil {
				return err
			}
		}
		return nil
	}}
	cmd.Flags().BoolVar(&replace, "replace", false, "remove first what the calendar holds")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check the files only")
	return cmd
}

func importFile(cmd *cobra.Command, a smtpaddr.Address, path string, replace, dry bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := counted{Reader: f}
	if info, err := f.Stat(); err == nil && info.Size() > 4<<20 && term.IsTerminal(int(os.Stderr.Fd())) {
		r.bar = progressbar.DefaultBytes(info.Size(), path)
	}
	source := icalendar.NewReader(r)
	if dry {
		n := 0
		for {
			_, object, err := source.Next()
			if errors.Is(err, io.EOF) {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d events would be imported\n", path, n)
				return nil
			}
			if err == nil {
				_, err = icalendar.Parse(object)
			}
			if err != nil {
				return fault.New(fault.Invalid, "%s: %v", path, err)
			}
			n++
		}
	}
	return change(cmd, a.String(), func(ctx context.Context, st store.Store) error {
		res, err := st.ImportCalendar(ctx, a, source, store.ImportOptions{Replace: replace})
		if err != nil {
			return fmt.Errorf("%s: nothing was imported: %w", path, err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d events, %d occurrences around today, %d removed\n", path, res.Objects, res.Occurrences, res.Removed)
		return nil
	})
}

func exportCommand() *cobra.Command {
	return &cobra.Command{Use: "export ADDRESS", Short: "Write the calendar as it was put", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		a, err := address(args[0])
		if err != nil {
			return err
		}
		return withStore(cmd, func(ctx context.Context, st store.Store) error { return st.ExportCalendar(ctx, a, cmd.OutOrStdout()) })
	}}
}

func groupCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "group", Short: "Groups, for the scope of relationships"}
	var name string
	var members []string
	set := &cobra.Command{Use: "set ADDRESS", Short: "Create a group or replace its members; groups may hold groups", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		g := &mailbox.Group{DisplayName: name}
		var err error
		if g.Address, err = address(args[0]); err != nil {
			return err
		}
		for _, m := range members {
			a, err := address(m)
			if err != nil {
				return err
			}
			g.Members = append(g.Members, a)
		}
		return change(cmd, g.Address.String(), func(ctx context.Context, st store.Store) error { return st.PutGroup(ctx, g) })
	}}
	set.Flags().StringVar(&name, "name", "", "display name")
	set.Flags().StringArrayVar(&members, "member", nil, "member (repeatable)")
	list := &cobra.Command{Use: "list", Short: "List groups", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd, func(ctx context.Context, st store.Store) error {
			groups, err := st.Groups(ctx)
			if err != nil {
				return err
			}
			var out [][]property
			for _, g := range groups {
				out = append(out, []property{{"PrimarySmtpAddress", g.Address}, {"DisplayName", g.DisplayName}, {"Members", g.Members}})
			}
			return print(cmd, 0, out...)
		})
	}}
	remove := &cobra.Command{Use: "remove ADDRESS", Short: "Remove a group", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		a, err := address(args[0])
		if err != nil {
			return err
		}
		return change(cmd, a.String(), func(ctx context.Context, st store.Store) error { return st.DeleteGroup(ctx, a) })
	}}
	cmd.AddCommand(set, list, remove)
	return cmd
}
