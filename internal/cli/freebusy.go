package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/server"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
)

func freebusyCommand() *cobra.Command {
	var as, url, from, until, view, zone, caFile, requestID string
	var interval time.Duration
	cmd := &cobra.Command{Use: "freebusy ADDRESS...", Short: "Ask a running availd as one of its users", Args: cobra.MinimumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		z, err := timezone.Lookup(zone)
		if err != nil {
			return fault.New(fault.Invalid, "%v", err)
		}
		q := availability.Query{MergedInterval: interval, Zone: z}
		day := z.Wall(time.Now()).Truncate(24 * time.Hour)
		if q.Window.Start, err = moment(from, day, z); err != nil {
			return err
		}
		if q.Window.End, err = moment(until, z.Wall(q.Window.Start).AddDate(0, 0, 1), z); err != nil {
			return err
		}
		var ok bool
		if q.View, ok = availability.ParseView(view); !ok {
			return fault.New(fault.Invalid, "--view %q is not MergedOnly, FreeBusy, FreeBusyMerged, Detailed or DetailedMerged", view)
		}
		for _, s := range args {
			a, err := address(s)
			if err != nil {
				return err
			}
			q.Mailboxes = append(q.Mailboxes, availability.Attendee{Raw: s, Address: a})
		}
		secret, err := password(cmd)
		if err != nil {
			return err
		}
		client, err := server.NewHTTPClient(caFile, []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})
		if err != nil {
			return err
		}
		c := &ews.Client{URL: url, HTTP: client, UserAgent: "availd-freebusy", Username: as, Password: secret}
		if requestID != "" {
			c.RequestHeader = http.Header{"Client-Request-Id": {requestID}}
		}
		results, err := c.GetUserAvailability(cmd.Context(), q)
		if err != nil {
			return &fault.Error{Kind: fault.Unavailable, Message: err.Error(), Cause: err}
		}
		return printResults(cmd, q, results)
	}}
	f := cmd.Flags()
	f.StringVar(&as, "as", "", "own user who asks")
	passwordFlags(cmd)
	f.StringVar(&url, "server", "https://localhost/EWS/Exchange.asmx", "EWS URL of the running availd")
	f.StringVar(&from, "from", "", "start, 2026-11-24 or 2026-11-24T09:00 (default: today)")
	f.StringVar(&until, "to", "", "end (default: a day later)")
	f.StringVar(&view, "view", "DetailedMerged", "MergedOnly, FreeBusy, FreeBusyMerged, Detailed or DetailedMerged")
	f.StringVar(&zone, "zone", "UTC", "time zone of what is typed and printed")
	f.DurationVar(&interval, "interval", 30*time.Minute, "length of a slot")
	f.StringVar(&caFile, "ca-file", "", "roots for TLS (PEM)")
	f.StringVar(&requestID, "request-id", "", "id to find the request by in the logs")
	return cmd
}

func moment(s string, fallback time.Time, z *timezone.Zone) (time.Time, error) {
	if s == "" {
		return z.Instant(fallback), nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return z.Instant(t), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	return time.Time{}, fault.New(fault.Invalid, "%q is not a time such as 2026-11-24T09:00", s)
}

type answerJSON struct {
	Address        string      `json:"Address"`
	ResponseCode   string      `json:"ResponseCode"`
	MessageText    string      `json:"MessageText,omitempty"`
	View           string      `json:"FreeBusyViewType"`
	MergedFreeBusy string      `json:"MergedFreeBusy,omitempty"`
	Events         []eventJSON `json:"CalendarEvents,omitempty"`
}

type eventJSON struct {
	Start, End        time.Time
	BusyType          string
	Subject, Location string `json:",omitempty"`
}

// printResults writes JSON, or for people a bar of the window and the entries below.
func printResults(cmd *cobra.Command, q availability.Query, results []availability.Result) error {
	out := cmd.OutOrStdout()
	format, _ := cmd.Flags().GetString("output")
	var list []answerJSON
	for i, r := range results {
		a := answerJSON{Address: q.Mailboxes[i].Address.String(), ResponseCode: "NoError", View: r.View.Type.String(), MergedFreeBusy: r.View.Merged}
		if r.Err != nil {
			e := fault.As(r.Err)
			a.ResponseCode, a.MessageText = e.Kind.Row().EWS, e.Text()
		}
		for _, e := range r.View.Events {
			a.Events = append(a.Events, eventJSON{e.Start, e.End, e.BusyType.String(), e.Subject, e.Location})
		}
		list = append(list, a)
	}
	if format == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	for _, a := range list {
		if a.ResponseCode != "NoError" {
			fmt.Fprintf(out, "%s: %s: %s\n", a.Address, a.ResponseCode, a.MessageText)
			continue
		}
		fmt.Fprintf(out, "%s (%s)\n", a.Address, a.View)
		if a.MergedFreeBusy != "" {
			fmt.Fprintf(out, "  %s\n  %s\n", strings.NewReplacer("0", "·", "1", "░", "2", "█", "3", "▓", "4", "?").Replace(a.MergedFreeBusy), a.MergedFreeBusy)
		}
		for _, e := range a.Events {
			fmt.Fprintf(out, "  %s – %s  %-16s %s", q.Zone.Wall(e.Start).Format("2006-01-02 15:04"), q.Zone.Wall(e.End).Format("15:04"), e.BusyType, e.Subject)
			if e.Location != "" {
				fmt.Fprintf(out, " (%s)", e.Location)
			}
			fmt.Fprintln(out)
		}
	}
	return nil
}

// explainCommand prints how availd decides what a requester may see of a mailbox.
func explainCommand() *cobra.Command {
	var as, target string
	cmd := &cobra.Command{Use: "explain", Short: "Say what somebody may see of a mailbox, and why", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		who, err := address(as)
		if err != nil {
			return err
		}
		box, err := address(target)
		if err != nil {
			return err
		}
		return withStore(cmd, func(ctx context.Context, st store.Store) error {
			cfg, err := st.LoadConfig(ctx)
			if err != nil {
				return err
			}
			return print(cmd, 0, decisions(ctx, st, cfg, who.String(), availability.ExplainInput{Requester: who, Mailbox: box})...)
		})
	}}
	cmd.Flags().StringVar(&as, "as", "", "who asks")
	cmd.Flags().StringVar(&target, "mailbox", "", "about whom")
	return cmd
}

func decisions(ctx context.Context, st store.Store, cfg *store.Config, _ string, in availability.ExplainInput) [][]property {
	in.External = !cfg.Organization.Owns(in.Requester.Domain())
	for _, r := range cfg.Relationships {
		if r.Covers(in.Requester.Domain()) {
			in.Relationship = r
		}
	}
	now := time.Now()
	q := mailbox.CalendarQuery{Addresses: in.Addresses(), Start: now, End: now.Add(time.Hour), Limit: 1}
	if in.Relationship != nil && in.External {
		q.Scope = in.Relationship.FreeBusyAccessScope
	}
	calendars, err := st.CalendarView(ctx, q)
	if err == nil {
		in.Calendar = calendars[0]
	}
	var out [][]property
	for _, line := range availability.Explain(in) {
		out = append(out, []property{{"Step", line.What}, {"Finding", line.Finding}})
	}
	return out
}
