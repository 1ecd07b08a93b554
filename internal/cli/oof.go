package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox/timezone"
)

func oofCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "oof", Short: "Automatic replies", Long: `Automatic replies: what senders are told while the owner is out of office.

availd sends no mail: clients and partners show the text to who is about to write.`}
	show := &cobra.Command{Use: "show ADDRESS", Short: "Show the automatic replies of a mailbox", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
			address, s, err := a.OofSettings(ctx, args[0])
			if err != nil {
				return err
			}
			return printOne(cmd, []property{{"Identity", address}, {"AutoReplyState", string(s.State)}, {"ExternalAudience", string(s.ExternalAudience)}, {"StartTime", whenSet(s.Start)}, {"EndTime", whenSet(s.End)},
				{"InternalMessage", s.InternalReply.Message}, {"ExternalMessage", s.ExternalReply.Message}})
		})
	}}
	set := &cobra.Command{Use: "set ADDRESS", Short: "Change the automatic replies of a mailbox", Args: cobra.ExactArgs(1), RunE: setOof}
	f := set.Flags()
	f.String("state", "", "Disabled, Enabled or Scheduled")
	f.String("external-audience", "", "who outside the organization is told: None, Known or All")
	f.String("start", "", "start where scheduled, in the mailbox's time zone: 2026-11-24 or 2026-11-24T09:00")
	f.String("end", "", "end where scheduled")
	for _, who := range []string{"internal", "external"} {
		f.String(who+"-message", "", "text or HTML; empty: none")
		f.String(who+"-message-file", "", "file that holds it")
		set.MarkFlagsMutuallyExclusive(who+"-message", who+"-message-file")
	}
	cmd.AddCommand(show, set)
	return cmd
}

// whenSet is a time, or nil for none.
func whenSet(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

func setOof(cmd *cobra.Command, args []string) error {
	g := &given{flags: cmd.Flags()}
	p := admin.OofParams{State: parsed(g, "state", admin.ParseOofState), ExternalAudience: parsed(g, "external-audience", admin.ParseExternalAudience),
		InternalMessage: g.textOrFile("internal-message"), ExternalMessage: g.textOrFile("external-message")}
	if g.err != nil {
		return g.err
	}
	return withAdmin(cmd, func(ctx context.Context, a *admin.Admin) error {
		m, err := a.MailboxNamed(ctx, args[0])
		if err != nil {
			return err
		}
		zone, err := store.Zone(m.Zone)
		if err != nil {
			return err
		}
		p.Start, p.End = g.moment("start", zone), g.moment("end", zone)
		if g.err != nil {
			return g.err
		}
		return a.SetOofSettings(ctx, m.Address.String(), p)
	})
}

// moment reads a time in a zone; an empty one is none.
func (g *given) moment(name string, z *timezone.Zone) *time.Time {
	return parsed(g, name, orEmpty(func(s string) (time.Time, error) { return moment(s, time.Time{}, z) }))
}

// textOrFile is the flag's text, or what the file holds that the flag with -file names.
func (g *given) textOrFile(name string) *string {
	if path := g.text(name + "-file"); path != nil {
		b, err := readBounded(*path, directory.MaxReply)
		if err != nil {
			g.err = err
			return nil
		}
		return new(string(b))
	}
	return g.text(name)
}
