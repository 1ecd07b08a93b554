package lab_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/lab"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/icalendar"
	"github.com/availd/availd/smtpaddr"
)

// TestSampleCalendarsThroughImportStoreAndService asks the service for what real calendars of others mean.
func TestSampleCalendarsThroughImportStoreAndService(t *testing.T) {
	dir := os.Getenv("CALENDAR_SAMPLES_DIR")
	if dir == "" {
		t.Skip("CALENDAR_SAMPLES_DIR is not set")
	}
	onEachStore(t, func(t *testing.T, l *lab.Lab) {
		expected, err := os.Open(filepath.Join(dir, "expected.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		defer expected.Close()
		lines := bufio.NewScanner(expected)
		lines.Buffer(nil, 4<<20)
		users := map[string]*ews.Client{}
		for lines.Scan() {
			var c struct {
				File        string
				Start       time.Time `json:"window_start"`
				End         time.Time `json:"window_end"`
				Zone        string    `json:"default_zone"`
				Occurrences []struct{ Start, End time.Time }
			}
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatal(err)
			}
			key := c.File + " " + c.Zone
			if users[key] == nil {
				a := l.User(t, l.Contoso, fmt.Sprintf("sample%d", len(users)), mailbox.Reviewer)
				m, err := l.Contoso.Store.Mailbox(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				m.Zone = c.Zone
				if err := l.Contoso.Store.UpdateMailbox(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				f, err := os.Open(filepath.Join(dir, "data", c.File))
				if err != nil {
					t.Fatal(err)
				}
				_, err = l.Contoso.Store.ImportCalendar(t.Context(), a, icalendar.NewReader(f), store.ImportOptions{})
				f.Close()
				if err != nil {
					t.Fatalf("%s: %v", c.File, err)
				}
				users[key] = &ews.Client{URL: l.Contoso.URL + "/EWS/Exchange.asmx", HTTP: l.Client, Username: a.String(), Password: lab.Password}
			}
			client := users[key]
			var want, got []string
			for _, o := range c.Occurrences {
				want = append(want, o.Start.UTC().Format(time.RFC3339)+" "+o.End.UTC().Format(time.RFC3339))
			}
			answer, err := client.GetUserAvailability(t.Context(), availability.Query{View: availability.Detailed, Window: availability.Window{Start: c.Start, End: c.End},
				Mailboxes: []availability.Attendee{{Raw: client.Username, Address: smtpaddr.MustAddress(client.Username)}}})
			r := answer.Results
			if err != nil || r[0].Err != nil {
				t.Errorf("%s %s: %v %v", c.File, c.Start, err, r)
				continue
			}
			for _, o := range r[0].View.Events {
				got = append(got, o.Start.UTC().Format(time.RFC3339)+" "+o.End.UTC().Format(time.RFC3339))
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(slices.Compact(want), slices.Compact(got)) {
				t.Errorf("%s %s:\n got %v\nwant %v", c.File, c.Start, got, want)
			}
		}
	})
}
