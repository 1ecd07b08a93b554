package cli

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/partner"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox/timezone"
)

const freebusyHelp = `Ask a running availd as one of its users, and draw the day.

A mailbox that cannot be answered says why in its own place. The exit status is 0 as long as one mailbox was answered,
and 2 when none was. Colours are used on a terminal only, and not where NO_COLOR is set.`

func freebusyCommand() *cobra.Command {
	var as, url, from, until, view, zone, caFile, requestID string
	var interval time.Duration
	cmd := &cobra.Command{Use: "freebusy ADDRESS...", Short: "Ask a running availd as one of its users", Long: freebusyHelp, Args: cobra.MinimumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
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
		if !strings.HasPrefix(url, "https://") {
			return fault.New(fault.Invalid, "--server %q is not https: the password would be readable on the way", url)
		}
		secret, err := askedPassword(cmd)
		if err != nil {
			return err
		}
		client, err := new(partner.Clients).Get(partner.Profile{CAFile: caFile, Allowed: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}})
		if err != nil {
			return err
		}
		c := &ews.Client{URL: url, HTTP: client, UserAgent: "availd-freebusy", Username: as, Password: secret}
		if requestID != "" {
			c.RequestHeader = http.Header{"Client-Request-Id": {requestID}}
		}
		inUTC := q // q's zone is that of what is printed: on the way no time shall be ambiguous
		inUTC.Zone = nil
		answer, err := c.GetUserAvailability(cmd.Context(), inUTC)
		if err != nil {
			return refused(err, as)
		}
		return printResults(cmd, q, answer.Results)
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

// refused is what the whole request failed of.
func refused(err error, as string) error {
	if e, ok := errors.AsType[*soap.HTTPError](err); ok && e.Status == http.StatusUnauthorized {
		return fault.New(fault.Unauthorized, "the server does not take the password of %q", as)
	}
	return &fault.Error{Kind: fault.Unavailable, Message: err.Error(), Cause: err}
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
	WorkingHours   string      `json:"WorkingHours,omitempty"`
}

type eventJSON struct {
	Start, End        time.Time
	BusyType          string
	Subject, Location string `json:",omitempty"`
}

// askedPassword is the user's password from a file, standard input or the terminal.
func askedPassword(cmd *cobra.Command) (string, error) {
	p, err := typedPassword(cmd)
	if err != nil {
		return "", err
	}
	if p != nil {
		return *p, nil
	}
	return prompt(cmd, "Password: ")
}

// printResults writes JSON for programs or a picture for people. That nobody could be answered is a failed check.
func printResults(cmd *cobra.Command, q availability.Query, results []availability.Result) error {
	failed := 0
	for _, r := range results {
		if r.Err != nil {
			failed++
		}
	}
	if format(cmd) == formatJSON {
		if err := printJSON(cmd.OutOrStdout(), answers(q, results)); err != nil {
			return err
		}
	} else {
		newPicture(cmd.OutOrStdout(), q).draw(results)
	}
	if failed == len(results) {
		return errAllFailed
	}
	return nil
}

func answers(q availability.Query, results []availability.Result) []answerJSON {
	list := make([]answerJSON, len(results))
	for i, r := range results {
		a := answerJSON{Address: q.Mailboxes[i].Address.String(), ResponseCode: "NoError", View: r.View.Type.String(), MergedFreeBusy: r.View.Merged}
		if r.Err != nil {
			e := fault.As(r.Err)
			a.ResponseCode, a.MessageText = e.Kind.Row().EWS, e.Text()
		}
		for _, e := range r.View.Events {
			a.Events = append(a.Events, eventJSON{e.Start, e.End, e.BusyType.String(), e.Subject, e.Location})
		}
		if r.View.WorkingHours != nil {
			a.WorkingHours = r.View.WorkingHours.String()
		}
		list[i] = a
	}
	return list
}
