package availability

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Limits of a request (availability service; each is documented by Exchange).
type Limits struct {
	Mailboxes  int
	Window     time.Duration
	Entries    int           // calendar entries per mailbox
	Remote     time.Duration // deadline of a partner
	Members    int           // of one group, with those of the groups inside it
	AllMembers int           // of all groups of a request; this one is ours
}

// DefaultLimits are 100 mailboxes, 62 days, 1000 entries, 25 seconds, 100 members of a group and 1000 of all.
func DefaultLimits() Limits {
	return Limits{Mailboxes: 100, Window: 62 * 24 * time.Hour, Entries: 1000, Remote: 25 * time.Second, Members: 100, AllMembers: 1000}
}

// Service is the Availability Service.
type Service struct {
	Calendars     Calendars
	Relationships Relationships
	Organization  Organization
	Remote        Remote // nil: no partner can be asked
	Limits        Limits
	Now           func() time.Time // nil: time.Now
}

// check refuses what is wrong with the request as a whole ([MS-OXWAVLS] 3.1.4.1).
func (s *Service) check(q *Query) error {
	if q.MergedInterval == 0 {
		q.MergedInterval = 30 * time.Minute
	}
	switch {
	case len(q.Mailboxes) == 0:
		return fault.New(fault.MailboxDataArrayEmpty, "The MailboxDataArray is empty.")
	case len(q.Mailboxes) > s.Limits.Mailboxes:
		return fault.New(fault.MailboxDataArrayTooBig, "The MailboxDataArray has %d entries; the maximum is %d.", len(q.Mailboxes), s.Limits.Mailboxes)
	case q.View == ViewNone && q.Suggestions == nil || q.View > DetailedMerged:
		return fault.Because(fault.InvalidFreeBusyViewType, nil)
	case q.MergedInterval < 5*time.Minute || q.MergedInterval > 1440*time.Minute:
		return fault.Because(fault.InvalidMergedFreeBusyInterval, nil)
	}
	if q.Suggestions != nil {
		if err := s.checkWindow(q.Suggestions.Window); err != nil {
			return err
		}
	}
	if q.View == ViewNone {
		return nil
	}
	return s.checkWindow(q.Window)
}

func (s *Service) checkWindow(w Window) error {
	switch length := w.End.Sub(w.Start); {
	case length <= 0:
		return fault.Because(fault.InvalidTimeInterval, nil)
	case length > s.Limits.Window:
		return fault.New(fault.TimeIntervalTooBig, "The time window is longer than %d days.", int(s.Limits.Window/(24*time.Hour)))
	}
	return nil
}

// GetUserAvailability answers each mailbox at its position, suggests times for a meeting, or both. An error refuses the
// whole request; what concerns one mailbox is its Result's Err, and what concerns the suggestions is theirs.
func (s *Service) GetUserAvailability(ctx context.Context, q Query) (a Answer, err error) {
	if err := s.check(&q); err != nil {
		return a, err
	}
	var wg sync.WaitGroup
	if q.Suggestions != nil { // at the same time: a slow partner must not be waited for twice
		wg.Go(func() { a.Suggestions = s.suggestions(ctx, q) })
	}
	if q.View != ViewNone {
		a.Results, err = s.results(ctx, q)
	}
	wg.Wait()
	if err != nil {
		return Answer{}, err
	}
	return a, nil
}

// inquiry is one window being asked for: the mailboxes of the request and, behind them, the members of its groups.
type inquiry struct {
	q       Query                     // Mailboxes grow by the members, and contacts become their targets
	asked   int                       // mailboxes of the request
	results []Result                  // by position in q.Mailboxes
	foreign map[smtpaddr.Domain][]int // positions that are left to partners
	groups  map[int]*roster           // positions that are groups
	level   orgrel.AccessLevel        // the most that the requester may see of anybody here
	scope   smtpaddr.Address          // the group that she is held to
	err     error                     // why no calendar of ours could be read
}

// results answers each mailbox at its position.
func (s *Service) results(ctx context.Context, q Query) ([]Result, error) {
	in, err := s.inquire(ctx, q)
	if err != nil {
		return nil, err
	}
	for i, g := range in.groups {
		in.results[i] = in.merged(g)
	}
	return in.results[:in.asked], nil
}

// inquire asks for all mailboxes. Ours first: what turns out to be a contact, and whoever of a group is elsewhere, is asked
// for in the same call as its partner's other mailboxes.
func (s *Service) inquire(ctx context.Context, q Query) (*inquiry, error) {
	in := &inquiry{q: q, asked: len(q.Mailboxes), foreign: map[smtpaddr.Domain][]int{}, groups: map[int]*roster{}}
	in.q.Mailboxes = slices.Clone(q.Mailboxes)
	local, err := s.place(ctx, in, 0)
	if err != nil {
		return nil, err
	}
	if len(local) > 0 {
		s.local(ctx, in, local)
	}
	if len(in.groups) > 0 {
		if err := s.members(ctx, in); err != nil {
			return nil, err
		}
	}
	if len(in.foreign) > 0 {
		s.foreign(ctx, in)
	}
	return in, nil
}

// place makes room for the results of the mailboxes from a position on, and leaves each to its partner or to us: ours are
// returned.
func (s *Service) place(ctx context.Context, in *inquiry, from int) (local []int, err error) {
	in.results = append(in.results, make([]Result, len(in.q.Mailboxes)-from)...)
	for i := from; i < len(in.q.Mailboxes); i++ {
		m := in.q.Mailboxes[i]
		if m.Address.IsZero() {
			in.results[i].Err = unresolved(m)
			continue
		}
		own, err := s.Organization.OwnDomain(ctx, m.Address.Domain())
		switch {
		case err != nil:
			return nil, fault.Because(fault.ServerBusy, err)
		case own:
			local = append(local, i)
		case in.q.Requester.External:
			in.results[i].Err = notForwarded(m)
		default:
			in.leave(i)
		}
	}
	return local, nil
}

// leave leaves a mailbox to its partner.
func (in *inquiry) leave(i int) {
	d := in.q.Mailboxes[i].Address.Domain()
	in.foreign[d] = append(in.foreign[d], i)
}

// notForwarded is the error of a mailbox elsewhere that a partner asks us for.
func notForwarded(m Attendee) error {
	return fault.New(fault.ProxyRequestNotAllowed, "The cross-organization request for mailbox <%s>SMTP:%s is not allowed because the requester is from a different organization", m.DisplayName, m.Address)
}

// unresolved is the error of an entry without an SMTP address: malformed, or of another address type, as Outlook sends
// a legacy distinguished name for an entry that it could not resolve.
func unresolved(m Attendee) error {
	if m.RoutingType != "" && !strings.EqualFold(m.RoutingType, "SMTP") {
		return fault.New(fault.MailRecipientNotFound, "Unable to resolve e-mail address <%s>%s:%s to an Active Directory object.", m.DisplayName, m.RoutingType, m.Raw)
	}
	return fault.New(fault.InvalidSMTPAddress, "E-mail address <%s>SMTP:%s is not a valid SMTP address.", m.DisplayName, m.Raw)
}

// local answers our own mailboxes, or finds that the requester may see nobody.
func (s *Service) local(ctx context.Context, in *inquiry, positions []int) {
	level, scope, err := s.ceiling(ctx, in.q.Requester)
	switch {
	case err != nil:
		fill(in.results, positions, err)
	case level == orgrel.None:
		fill(in.results, positions, fault.Because(fault.NoFreeBusyAccess, errors.New("no access by the relationship")))
	default:
		in.level, in.scope = level, scope
		s.read(ctx, in, positions)
	}
}

// read answers our own mailboxes: one read for all. It leaves contacts to their partners, and groups among those asked for
// to [Service.members].
func (s *Service) read(ctx context.Context, in *inquiry, positions []int) {
	start, rec := time.Now(), record.From(ctx)
	query := mailbox.CalendarQuery{Start: in.q.Window.Start, End: in.q.Window.End, Scope: in.scope, Limit: s.Limits.Entries}
	for _, i := range positions {
		query.Addresses = append(query.Addresses, in.q.Mailboxes[i].Address)
	}
	calendars, err := s.Calendars.CalendarView(ctx, query)
	took := time.Since(start)
	if err == nil && len(calendars) != len(positions) {
		err = fmt.Errorf("%d calendars for %d addresses", len(calendars), len(positions))
	}
	if err != nil {
		rec.Done(record.StepAccessDecided, start, fmt.Sprintf("at most %s", in.level))
		rec.Failed(record.StepCalendarRead, start, err.Error())
		in.err = fault.Because(fault.FreeBusyGenerationFailed, err)
		fill(in.results, positions, in.err)
		return
	}
	answered, events, granted := 0, 0, orgrel.None
	var refused error
	for k, i := range positions {
		c := calendars[k]
		if in.elsewhere(i, c) {
			continue
		}
		var given orgrel.AccessLevel
		in.results[i], given = s.answer(in.q, in.q.Mailboxes[i], c, in.level)
		granted = max(granted, given)
		answered, events = answered+1, events+len(c.Occurrences)
		if in.results[i].Err != nil && refused == nil {
			refused = in.results[i].Err
		}
	}
	switch {
	case answered == 0: // nothing was decided here
	case granted == orgrel.None && refused != nil:
		rec.Failed(record.StepAccessDecided, start, fault.As(refused).Error())
	default:
		rec.Done(record.StepAccessDecided, start.Add(took), fmt.Sprintf("%s: the least of what was asked, the relationship (%s) and the owner's Default", granted, in.level))
		rec.Done(record.StepCalendarRead, start, fmt.Sprintf("%d mailboxes, %d calendar entries", answered, events))
	}
}

// elsewhere tells that an address stands for other calendars: a contact's, for our own users, and a group's. Groups inside
// of groups are none here: they have been expanded, or must not be.
func (in *inquiry) elsewhere(i int, c mailbox.Calendar) bool {
	switch {
	case c.Contact != nil && !in.q.Requester.External:
		in.q.Mailboxes[i].Address, in.q.Mailboxes[i].Raw = c.Contact.Target, c.Contact.Target.String()
		in.leave(i)
	case c.Group != nil && i < in.asked:
		in.groups[i] = &roster{group: c.Group, nested: c.Nested}
	default:
		return false
	}
	return true
}

// answer decides access and projects one calendar.
func (s *Service) answer(q Query, m Attendee, c mailbox.Calendar, level orgrel.AccessLevel) (Result, orgrel.AccessLevel) {
	unknown := fault.New(fault.MailRecipientNotFound, "Unable to resolve e-mail address <%s>SMTP:%s to an Active Directory object.", m.DisplayName, m.Address)
	if q.Requester.External {
		unknown = fault.Because(fault.NoFreeBusyAccess, errors.New("there is no such mailbox"))
	}
	if !c.Found && c.Contact == nil {
		return Result{Err: unknown}, orgrel.None
	}
	if !c.InScope {
		return Result{Err: fault.Because(fault.NoFreeBusyAccess, errors.New("the mailbox is not in the relationship's scope"))}, orgrel.None
	}
	if c.Contact != nil {
		return Result{Err: notForwarded(m)}, orgrel.None
	}
	granted, by := ownerGrants(q.Requester, c)
	switch level = min(level, granted); {
	case level == orgrel.None:
		return Result{Err: fault.Because(fault.NoFreeBusyAccess, fmt.Errorf("cut by %s", by))}, level
	case c.Err != nil:
		return Result{Err: fault.Because(fault.FreeBusyGenerationFailed, c.Err)}, level
	case len(c.Occurrences) > s.Limits.Entries:
		return Result{Err: fault.New(fault.ResultSetTooBig, "The result set contains too many calendar entries. The allowed size = %d; the actual size = %d.", s.Limits.Entries, len(c.Occurrences))}, level
	}
	return Result{View: Project(q, c, level)}, level
}
