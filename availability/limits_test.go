package availability

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// TestLimitsHoldAtTheirEdge asks for what is just allowed and for one more.
func TestLimitsHoldAtTheirEdge(t *testing.T) {
	const fine = fault.Internal // no refusal
	repeat := func(n int) func(q *Query) {
		return func(q *Query) {
			for len(q.Mailboxes) < n {
				q.Mailboxes = append(q.Mailboxes, q.Mailboxes[0])
			}
		}
	}
	window := func(d time.Duration) func(q *Query) {
		return func(q *Query) { q.Window.End, q.MergedInterval = q.Window.Start.Add(d), 0 }
	}
	interval := func(d time.Duration) func(q *Query) { return func(q *Query) { q.MergedInterval = d } }
	for _, c := range []struct {
		name string
		edit func(q *Query)
		want fault.Kind
	}{
		{"100 mailboxes", repeat(100), fine},
		{"101 mailboxes", repeat(101), fault.MailboxDataArrayTooBig},
		{"62 days", window(62 * 24 * time.Hour), fine},
		{"62 days and a second", window(62*24*time.Hour + time.Second), fault.TimeIntervalTooBig},
		{"one second", window(time.Second), fine},
		{"no time", window(0), fault.InvalidTimeInterval},
		{"reversed", window(-time.Hour), fault.InvalidTimeInterval},
		{"5 minutes", interval(5 * time.Minute), fine},
		{"4 minutes", interval(4 * time.Minute), fault.InvalidMergedFreeBusyInterval},
		{"1440 minutes", interval(1440 * time.Minute), fine},
		{"1441 minutes", interval(1441 * time.Minute), fault.InvalidMergedFreeBusyInterval},
		{"negative interval", interval(-time.Hour), fault.InvalidMergedFreeBusyInterval},
	} {
		q := ask(FreeBusyMerged, partner, tom.String())
		c.edit(&q)
		a, err := newWorld().service().GetUserAvailability(t.Context(), q)
		if c.want == fine && (err != nil || len(a.Results) != len(q.Mailboxes)) || c.want != fine && (err == nil || fault.KindOf(err) != c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestThousandEntriesAreAnsweredAndOneMoreIsTooBig(t *testing.T) {
	for n, tooBig := range map[int]bool{1000: false, 1001: true} {
		w := newWorld()
		c := w.calendars[tom]
		c.Occurrences = make([]mailbox.Occurrence, n)
		for i := range c.Occurrences {
			c.Occurrences[i] = mailbox.Occurrence{Start: monday, End: monday.Add(time.Hour)}
		}
		w.calendars[tom] = c
		r := one(t, w, ask(FreeBusy, partner, tom.String()))
		if tooBig && (r.Err == nil || fault.KindOf(r.Err) != fault.ResultSetTooBig || fault.As(r.Err).Text() != fmt.Sprintf("The result set contains too many calendar entries. The allowed size = 1000; the actual size = %d.", n)) {
			t.Errorf("%d entries: %v", n, r.Err)
		}
		if !tooBig && (r.Err != nil || len(r.View.Events) != n) {
			t.Errorf("%d entries: %v", n, r.Err)
		}
	}
}

func TestEntryThatIsNotSMTPIsNotFound(t *testing.T) {
	q := ask(FreeBusy, partner, "/o=First/cn=Recipients/cn=tom")
	q.Mailboxes[0].RoutingType = "EX"
	if r := one(t, newWorld(), q); r.Err == nil || fault.KindOf(r.Err) != fault.MailRecipientNotFound || !strings.Contains(fault.As(r.Err).Text(), "EX:/o=First") {
		t.Error(r.Err)
	}
}

// slow is a partner that answers nothing before its deadline.
type slow struct{ *world }

func (slow) GetUserAvailability(ctx context.Context, _ *orgrel.OrganizationRelationship, _ Query) ([]Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestSlowPartnerCostsOnlyItsOwnMailboxesATimeout(t *testing.T) {
	w := newWorld()
	s := w.service()
	s.Remote, s.Limits.Remote = slow{w}, 20*time.Millisecond
	own := orgrel.Requester{Address: smtpaddr.MustAddress("ann@contoso.example"), Domain: tom.Domain()}
	a, err := s.GetUserAvailability(t.Context(), ask(FreeBusy, own, rita.String(), tom.String()))
	if err != nil || a.Results[0].Err == nil || fault.KindOf(a.Results[0].Err) != fault.Timeout || a.Results[1].Err != nil {
		t.Errorf("%v %+v", err, a.Results)
	}
}
