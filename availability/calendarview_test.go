package availability

import (
	"errors"
	"testing"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

var day = Window{monday, monday.Add(24 * time.Hour)}

func own(address string) orgrel.Requester {
	a := smtpaddr.MustAddress(address)
	return orgrel.Requester{Address: a, Domain: a.Domain()}
}

// TestACalendarIsReadByTheRuleOfFreeBusy: whoever is shown the details of free/busy may read the entries, and nobody else,
// whether by Default or by an entry under his name.
func TestACalendarIsReadByTheRuleOfFreeBusy(t *testing.T) {
	anna := own("anna@contoso.example")
	for p := mailbox.PermissionNone; p <= mailbox.Owner; p++ {
		for _, named := range []bool{false, true} {
			w := newWorld()
			c := w.calendars[tom]
			c.DefaultPermission = p
			if named {
				c.DefaultPermission = mailbox.Owner - p
				c.Mailbox.CalendarPermissions = []mailbox.CalendarPermission{{User: anna.Address, AccessRights: p}}
			}
			c.Mailbox.DefaultPermission = c.DefaultPermission
			w.calendars[tom] = c
			v, err := w.service().CalendarView(t.Context(), anna, tom, day)
			shown := one(t, w, ask(Detailed, anna, tom.String())).View.Type == Detailed
			if (err == nil) != shown || shown != (p >= mailbox.LimitedDetails) {
				t.Errorf("%s, by name %t: free/busy with details %t, entries %v", p, named, shown, err)
			}
			if err != nil && (fault.KindOf(err) != fault.AccessDenied || v.Entries != nil) {
				t.Errorf("%s, by name %t: %v with %d entries", p, named, err, len(v.Entries))
			}
		}
	}
}

func TestThePrivateEntryOfAnotherIsBare(t *testing.T) {
	for who, want := range map[string]string{"anna@contoso.example": "", tom.String(): "secret"} {
		v, err := newWorld().service().CalendarView(t.Context(), own(who), tom, day)
		if err != nil {
			t.Fatal(err)
		}
		if v.Mailbox != tom || v.Own != (who == tom.String()) || len(v.Entries) != 2 || v.Entries[0].Subject != "canary" {
			t.Errorf("%s: %+v", who, v)
		}
		if p := v.Entries[1]; p.Subject != want || p.Location != want || !p.IsPrivate || p.BusyType != mailbox.OOF {
			t.Errorf("%s sees %+v", who, p)
		}
	}
}

func TestACalendarThatCannotBeReadSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		who    orgrel.Requester
		change func(w *world)
		want   fault.Kind
	}{
		"a partner, whatever Default is": {partner, func(*world) {}, fault.AccessDenied},
		"no mailbox":                     {own(tom.String()), func(w *world) { w.calendars = nil }, fault.MailRecipientNotFound},
		"the store is gone":              {own(tom.String()), func(w *world) { w.err = errors.New("gone") }, fault.Unavailable},
		"the calendar is broken": {own(tom.String()), func(w *world) {
			c := w.calendars[tom]
			c.Err = errors.New("broken")
			w.calendars[tom] = c
		}, fault.FreeBusyGenerationFailed},
		"too many entries": {own(tom.String()), func(w *world) {
			c := w.calendars[tom]
			c.Occurrences = make([]mailbox.Occurrence, DefaultLimits().Entries*moreEntries+1)
			w.calendars[tom] = c
		}, fault.ResultSetTooBig},
	} {
		w := newWorld()
		c.change(w)
		if v, err := w.service().CalendarView(t.Context(), c.who, tom, day); fault.KindOf(err) != c.want || v.Entries != nil {
			t.Errorf("%s: %v with %d entries", name, err, len(v.Entries))
		}
	}
}
