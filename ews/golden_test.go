package ews_test

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

var update = flag.Bool("update", false, "write the responses anew")

// contoso is the data of the golden pairs: the asking colleague, three people, one of many entries, one whose calendar cannot be read, and one partner.
type contoso struct{}

func at(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC)
}

func (contoso) CalendarView(_ context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error) {
	berlin, err := timezone.Lookup("Europe/Berlin")
	if err != nil {
		return nil, err
	}
	items := []mailbox.Occurrence{
		{UID: "1", Start: at(23, 0, 0), End: at(24, 0, 0), BusyType: mailbox.Free, AllDay: true, Subject: "Birthday of <Rita> & Tom"},
		{UID: "2", Start: at(23, 9, 0), End: at(23, 10, 0), BusyType: mailbox.Busy, Subject: "Planning", Location: "Room 1", IsMeeting: true, IsRecurring: true, IsReminderSet: true},
		{UID: "3", Start: at(23, 9, 30), End: at(23, 11, 30), BusyType: mailbox.Tentative, Subject: "Übergabe", IsMeeting: true, IsRecurring: true, IsException: true},
		{UID: "4", Start: at(23, 13, 0), End: at(23, 14, 0), BusyType: mailbox.OOF, Subject: "Doctor", Location: "Main street", IsPrivate: true},
		{UID: "5", Start: at(23, 15, 0), End: at(23, 16, 0), BusyType: mailbox.WorkingElsewhere, Subject: "Focus"},
		{UID: "6", Start: time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), End: time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC), BusyType: mailbox.Busy, Subject: "Night watch"},
		{UID: "7", Start: time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC), End: time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC), BusyType: mailbox.Busy, Subject: "Night watch"},
	}
	permissions := map[string]mailbox.Permission{"tom": mailbox.Reviewer, "anna": mailbox.AvailabilityOnly, "hidden": mailbox.PermissionNone, "broken": mailbox.Reviewer, "colleague": mailbox.AvailabilityOnly, "crowded": mailbox.Reviewer}
	out := make([]mailbox.Calendar, len(q.Addresses))
	for i, a := range q.Addresses {
		if c, err := special(a.Local(), q); err != nil || c != nil {
			if err != nil {
				return nil, err
			}
			out[i] = *c
			continue
		}
		p, known := permissions[a.Local()]
		if !known {
			continue
		}
		c := mailbox.Calendar{Found: true, InScope: true, DefaultPermission: p, Zone: berlin, Mailbox: &mailbox.Mailbox{Address: a, WorkingHours: mailbox.DefaultWorkingHours()}}
		for n := 0; a.Local() == "crowded" && n < 1001; n++ {
			start := at(23, 0, 0).Add(time.Duration(n) * time.Minute)
			c.Occurrences = append(c.Occurrences, mailbox.Occurrence{UID: "crowd", Start: start, End: start.Add(time.Minute), BusyType: mailbox.Busy})
		}
		if a.Local() == "broken" {
			c.Err = errors.New("disk on fire")
		}
		for _, o := range items {
			if o.Start.Before(q.End) && o.End.After(q.Start) {
				c.Occurrences = append(c.Occurrences, o)
			}
		}
		out[i] = c
	}
	return out, nil
}

func (contoso) RelationshipForDomain(_ context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error) {
	r := &orgrel.OrganizationRelationship{ID: "1", Name: "Fabrikam", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("fabrikam.example")}, Enabled: true, FreeBusyAccessEnabled: true, FreeBusyAccessLevel: orgrel.LimitedDetails,
		TargetApplicationUri: "fabrikam.example", TargetSharingEpr: "https://mail.fabrikam.example/EWS/Exchange.asmx"}
	if d.String() == "litware.example" { // nobody said where it is
		r.Name, r.DomainNames, r.TargetApplicationUri = "Litware", []smtpaddr.Domain{d}, ""
	}
	if !r.Covers(d) {
		return nil, nil
	}
	return r, nil
}

func (contoso) OwnDomain(_ context.Context, d smtpaddr.Domain) (bool, error) {
	if d.String() == "unreadable.example" {
		return false, errors.New("the configuration cannot be read")
	}
	return d.String() == "contoso.example", nil
}

func (contoso) OwnDomains(context.Context) ([]smtpaddr.Domain, error) {
	return []smtpaddr.Domain{smtpaddr.MustDomain("contoso.example"), smtpaddr.MustDomain("contoso.org.example")}, nil
}

// requester is a partner's user for the stories that begin with partner or fault-partner, else one of our own: Tom
// for those that begin with tom.
func requester(story string) orgrel.Requester {
	external := strings.HasPrefix(strings.TrimPrefix(story, "fault-"), "partner")
	a := smtpaddr.MustAddress("colleague@contoso.example")
	if strings.HasPrefix(story, "tom-") {
		a = smtpaddr.MustAddress("tom@contoso.example")
	}
	if external {
		a = smtpaddr.MustAddress("rita@fabrikam.example")
	}
	return orgrel.Requester{Address: a, Domain: a.Domain(), Actions: []orgrel.Action{orgrel.ActionFreeBusy}, External: external}
}

// TestGoldenPairs answers each testdata/OPERATION/STORY.request.xml and compares with STORY.response.xml, byte for byte. The answers are valid by the official schema; faults are not, for their xml:lang, in Exchange's form either.
func TestGoldenPairs(t *testing.T) {
	service := &availability.Service{Calendars: contoso{}, Relationships: contoso{}, Organization: contoso{}, Remote: contoso{}, Limits: availability.DefaultLimits(),
		Now: func() time.Time { return at(23, 12, 0) }}
	requests, err := filepath.Glob("testdata/*/*.request.xml")
	if err != nil || len(requests) == 0 {
		t.Fatal("no stories", err)
	}
	shared := addressBook(t)
	var served []string
	for _, path := range requests {
		story := strings.TrimSuffix(filepath.Base(path), ".request.xml")
		t.Run(filepath.Base(filepath.Dir(path))+"/"+story, func(t *testing.T) {
			request, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			book := shared
			if strings.Contains(string(request), "OofSettings") { // what one story sets, no other reads
				book = addressBook(t)
			}
			h := ews.NewHandler(ews.Options{Service: service, Recipients: recipients(t, story), Directory: book, Calendar: service, ServerName: "mail.contoso.example", Now: func() time.Time { return at(23, 12, 0) },
				Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return requester(story), nil }})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/EWS/Exchange.asmx", strings.NewReader(string(request)))
			r.Header.Set("Content-Type", "text/xml; charset=utf-8")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			answer := strings.TrimSuffix(path, ".request.xml") + ".response.xml"
			if *update {
				if err := os.WriteFile(answer, w.Body.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(answer)
			if err != nil {
				t.Fatal(err)
			}
			status := http.StatusOK
			if strings.HasPrefix(story, "fault-") {
				status = http.StatusInternalServerError
			} else {
				served = append(served, answer)
			}
			if w.Code != status || w.Body.String() != string(want) {
				t.Errorf("HTTP %d\n got %s\nwant %s", w.Code, w.Body, want)
			}
		})
	}
	valid(t, served)
}

func valid(t *testing.T, files []string) {
	t.Helper()
	dir := os.Getenv("EWS_XSD_DIR")
	if dir == "" {
		return
	}
	out, err := exec.CommandContext(t.Context(), "xmllint", append([]string{"--noout", "--nonet", "--schema", filepath.Join(dir, "validate.xsd")}, files...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
