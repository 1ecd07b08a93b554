package availability

import (
	"context"
	"errors"
	"fmt"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// CalendarView are the entries of one calendar as a reader inside the organization may see them.
type CalendarView struct {
	Mailbox smtpaddr.Address // the owner's primary address
	Own     bool             // the reader is the owner
	Zone    *timezone.Zone   // the owner's
	// Entries overlap the window, by start, then end. Private ones of other owners have no Subject and no Location.
	Entries []mailbox.Occurrence
}

// CalendarView reads the entries of an own calendar. Who may not see the details of free/busy there may not read it: it is
// the rule of GetUserAvailability, and the error is AccessDenied. An empty window asks for nothing but the right.
func (s *Service) CalendarView(ctx context.Context, r orgrel.Requester, owner smtpaddr.Address, w Window) (CalendarView, error) {
	if r.External {
		return CalendarView{}, fault.Because(fault.AccessDenied, errors.New("calendars are not opened to partners"))
	}
	limit := s.Limits.Entries * moreEntries
	calendars, err := s.Calendars.CalendarView(ctx, mailbox.CalendarQuery{Addresses: []smtpaddr.Address{owner}, Start: w.Start, End: w.End, Limit: limit})
	if err == nil && len(calendars) != 1 {
		err = fmt.Errorf("%d calendars for one address", len(calendars))
	}
	if err != nil {
		return CalendarView{}, fault.Because(fault.Unavailable, err)
	}
	c := calendars[0]
	if !c.Found {
		return CalendarView{}, fault.New(fault.MailRecipientNotFound, "The SMTP address has no mailbox associated with it.")
	}
	level, by := ownerGrants(r, c)
	switch {
	case level != orgrel.LimitedDetails:
		return CalendarView{}, fault.Because(fault.AccessDenied, fmt.Errorf("cut by %s", by))
	case c.Err != nil:
		return CalendarView{}, fault.Because(fault.FreeBusyGenerationFailed, c.Err)
	case len(c.Occurrences) > limit:
		return CalendarView{}, fault.New(fault.ResultSetTooBig, "The calendar has more than %d entries in this time.", limit)
	}
	v := CalendarView{Mailbox: c.Mailbox.Address, Own: owns(r, c.Mailbox), Zone: c.Zone, Entries: c.Occurrences}
	for i := range v.Entries {
		if e := &v.Entries[i]; e.IsPrivate && !v.Own {
			e.Subject, e.Location = "", ""
		}
	}
	return v, nil
}
