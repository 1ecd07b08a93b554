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
	Mailboxes int
	Window    time.Duration
	Entries   int           // calendar entries per mailbox
	Remote    time.Duration // deadline of a partner
}

// DefaultLimits are 100 mailboxes, 62 days, 1000 entries, 25 seconds.
func DefaultLimits() Limits { return Limits{100, 62 * 24 * time.Hour, 1000, 25 * time.Second} }

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
	if q.View != ViewNone {
		if a.Results, err = s.results(ctx, q); err != nil {
			return Answer{}, err
		}
	}
	if q.Suggestions != nil {
		a.Suggestions = s.suggestions(ctx, q)
	}
	return a, nil
}

// results answers each mailbox at its position.
func (s *Service) results(ctx context.Context, q Query) ([]Result, error) {
	results := make([]Result, len(q.Mailboxes))
	var local []int
	foreign := map[smtpaddr.Domain][]int{}
	for i, m := range q.Mailboxes {
		if m.Address.IsZero() {
			results[i].Err = unresolved(m)
			continue
		}
		own, err := s.Organization.OwnDomain(ctx, m.Address.Domain())
		switch {
		case err != nil:
			return nil, fault.Because(fault.ServerBusy, err)
		case own:
			local = append(local, i)
		case q.Requester.External:
			results[i].Err = notForwarded(m)
		default:
			foreign[m.Address.Domain()] = append(foreign[m.Address.Domain()], i)
		}
	}
	// Ours first: what turns out to be a contact is asked for in the same call as its partner's other mailboxes.
	if len(local) > 0 {
		q.Mailboxes = slices.Clone(q.Mailboxes)
		for i, to := range s.local(ctx, q, local, results) {
			q.Mailboxes[i].Address, q.Mailboxes[i].Raw = to, to.String()
			foreign[to.Domain()] = append(foreign[to.Domain()], i)
		}
	}
	if len(foreign) > 0 {
		s.foreign(ctx, q, foreign, results)
	}
	return results, nil
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

// ceiling is the most that the requester may see of anybody here, and the group it is held to.
func (s *Service) ceiling(ctx context.Context, r orgrel.Requester) (level orgrel.AccessLevel, scope smtpaddr.Address, err error) {
	if !r.External {
		return orgrel.LimitedDetails, smtpaddr.Address{}, nil
	}
	start, rec := time.Now(), record.From(ctx)
	if !r.May(orgrel.ActionFreeBusy) {
		rec.Failed(record.StepRelationshipFound, start, fmt.Sprintf("the token is for %v and not for free/busy", r.Actions))
		return orgrel.None, scope, nil
	}
	rel, err := s.relationshipOf(ctx, r)
	switch {
	case err != nil:
		rec.Failed(record.StepRelationshipFound, start, err.Error())
		return orgrel.None, scope, fault.Because(fault.ServerBusy, err)
	case rel == nil:
		rec.Failed(record.StepRelationshipFound, start, fmt.Sprintf("no organization relationship has the domain %s", r.Domain))
		return orgrel.None, scope, nil
	case !rel.Enabled || !rel.FreeBusyAccessEnabled:
		rec.Failed(record.StepRelationshipFound, start, fmt.Sprintf("organization relationship %q is disabled, or its free/busy access is", rel.Name))
		return orgrel.None, scope, nil
	}
	rec.Done(record.StepRelationshipFound, start, fmt.Sprintf("%q is the relationship of %s: FreeBusyAccessLevel %s", rel.Name, r.Address, rel.Grants()))
	return rel.Grants(), rel.FreeBusyAccessScope, nil
}

// relationshipOf is the one that a partner's account is bound to, else the one of the requester's domain.
func (s *Service) relationshipOf(ctx context.Context, r orgrel.Requester) (*orgrel.OrganizationRelationship, error) {
	if r.Relationship != nil {
		return r.Relationship, nil
	}
	return s.Relationships.RelationshipForDomain(ctx, r.Domain)
}

// local answers our own mailboxes: one read for all. It returns the targets of those that are contacts, by position: they
// are left to their partners.
func (s *Service) local(ctx context.Context, q Query, positions []int, results []Result) map[int]smtpaddr.Address {
	fail := func(err error) {
		for _, i := range positions {
			results[i].Err = err
		}
	}
	level, scope, err := s.ceiling(ctx, q.Requester)
	if err != nil {
		fail(err)
		return nil
	}
	if level == orgrel.None {
		fail(fault.Because(fault.NoFreeBusyAccess, errors.New("no access by the relationship")))
		return nil
	}
	start, rec := time.Now(), record.From(ctx)
	query := mailbox.CalendarQuery{Start: q.Window.Start, End: q.Window.End, Scope: scope, Limit: s.Limits.Entries}
	for _, i := range positions {
		query.Addresses = append(query.Addresses, q.Mailboxes[i].Address)
	}
	calendars, err := s.Calendars.CalendarView(ctx, query)
	took := time.Since(start)
	if err == nil && len(calendars) != len(positions) {
		err = fmt.Errorf("%d calendars for %d addresses", len(calendars), len(positions))
	}
	if err != nil {
		rec.Done(record.StepAccessDecided, start, fmt.Sprintf("at most %s", level))
		rec.Failed(record.StepCalendarRead, start, err.Error())
		fail(fault.Because(fault.FreeBusyGenerationFailed, err))
		return nil
	}
	events, granted := 0, orgrel.None
	var refused error
	targets := map[int]smtpaddr.Address{}
	for k, i := range positions {
		c := calendars[k]
		if c.Contact != nil && !q.Requester.External {
			targets[i] = c.Contact.Target
			continue
		}
		var given orgrel.AccessLevel
		results[i], given = s.answer(q, q.Mailboxes[i], c, level)
		granted = max(granted, given)
		events += len(c.Occurrences)
		if results[i].Err != nil && refused == nil {
			refused = results[i].Err
		}
	}
	switch {
	case len(targets) == len(positions): // nothing was decided here
		return targets
	case granted == orgrel.None && refused != nil:
		rec.Failed(record.StepAccessDecided, start, fault.As(refused).Error())
		return targets
	}
	rec.Done(record.StepAccessDecided, start.Add(took), fmt.Sprintf("%s: the least of what was asked, the relationship (%s) and the owner's Default", granted, level))
	rec.Done(record.StepCalendarRead, start, fmt.Sprintf("%d mailboxes, %d calendar entries", len(positions)-len(targets), events))
	return targets
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

// ownerGrants is what the owner of a calendar lets the requester see, and by which of its entries: for own users the one
// under their name, where there is one, else Default. For partners only Default counts, whoever asks there.
func ownerGrants(r orgrel.Requester, c mailbox.Calendar) (level orgrel.AccessLevel, by string) {
	if !r.External && c.Mailbox != nil {
		if r.Address == c.Mailbox.Address || slices.Contains(c.Mailbox.Aliases, r.Address) {
			return orgrel.LimitedDetails, "the owner, who sees everything"
		}
		if p, named := c.Mailbox.PermissionFor(r.Address); named {
			return Contributes(p), fmt.Sprintf("the owner's permission for %s: %s", r.Address, p)
		}
	}
	return Contributes(c.DefaultPermission), fmt.Sprintf("the owner's Default permission: %s", c.DefaultPermission)
}

// Contributes is what a calendar permission lets its holder see of free/busy.
func Contributes(p mailbox.Permission) orgrel.AccessLevel {
	switch {
	case p <= mailbox.Contributor:
		return orgrel.None
	case p == mailbox.AvailabilityOnly:
		return orgrel.AvailabilityOnly
	}
	return orgrel.LimitedDetails
}

// leg is one partner of a request, with the positions of its mailboxes.
type leg struct {
	rel       *orgrel.OrganizationRelationship
	positions []int
}

// foreign asks each partner once, in parallel; a broken partner costs only its own mailboxes an error, a slow one no more
// than the deadline.
func (s *Service) foreign(ctx context.Context, q Query, domains map[smtpaddr.Domain][]int, results []Result) {
	record.From(ctx).Done(record.StepAddressGiven, time.Now(), fmt.Sprintf("%d addresses of %d other organizations", len(q.Mailboxes), len(domains)))
	var wg sync.WaitGroup
	for _, l := range s.legs(ctx, domains, results) {
		wg.Go(func() { s.ask(ctx, q, l, results) })
	}
	wg.Wait()
}

// legs groups the mailboxes by relationship; where there is none that can be used, their results say so.
func (s *Service) legs(ctx context.Context, domains map[smtpaddr.Domain][]int, results []Result) map[string]*leg {
	start, rec := time.Now(), record.From(ctx)
	legs := map[string]*leg{}
	for d, positions := range domains {
		rel, err := RelationshipToAsk(ctx, s.Relationships, d)
		if err == nil && s.Remote == nil {
			err = fault.Because(fault.ProxyRequestFailed, errors.New("no way to partners is configured"))
		}
		if err != nil {
			rec.Failed(record.StepFederationUsable, start, fault.As(err).Error())
			fill(results, positions, err)
			continue
		}
		rec.Done(record.StepFederationUsable, start, fmt.Sprintf("organization relationship %q has the domain %s", rel.Name, d))
		l := legs[rel.ID]
		if l == nil {
			l = &leg{rel: rel}
			legs[rel.ID] = l
		}
		l.positions = append(l.positions, positions...)
	}
	return legs
}

func fill(results []Result, positions []int, err error) {
	for _, i := range positions {
		results[i] = Result{Err: err}
	}
}

// RelationshipToAsk is the relationship by which mailboxes of d are asked for; a *fault.Error where there is none, or none
// that can be used.
func RelationshipToAsk(ctx context.Context, among Relationships, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error) {
	rel, err := among.RelationshipForDomain(ctx, d)
	switch {
	case err != nil:
		return nil, fault.Because(fault.ServerBusy, err)
	case rel == nil:
		return nil, fault.New(fault.AddressSpaceNotFound, "Configuration information for forest/domain %s could not be found in Active Directory.", d)
	case rel.Usable() != nil:
		return nil, &fault.Error{Kind: fault.RelationshipUnusable, Cause: rel.Usable(),
			Message: fmt.Sprintf("The organization relationship %s can't be used. Please confirm that the organization relationship is configured correctly.", rel.Name)}
	}
	return rel, nil
}

// ask asks one partner. When the deadline passes it does not wait for the transport to notice: what is missing is
// ErrorTimeoutExpired.
func (s *Service) ask(ctx context.Context, q Query, l *leg, results []Result) {
	ctx, cancel := context.WithTimeout(ctx, s.Limits.Remote)
	defer cancel()
	sub := q
	sub.Mailboxes = nil
	for _, i := range l.positions {
		sub.Mailboxes = append(sub.Mailboxes, q.Mailboxes[i])
	}
	type reply struct {
		results []Result
		err     error
	}
	done := make(chan reply, 1) // with room, so that a late answer finds its end
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- reply{nil, fmt.Errorf("panic: %v", p)}
			}
		}()
		answers, err := s.Remote.GetUserAvailability(ctx, l.rel, sub)
		done <- reply{answers, err}
	}()
	var r reply
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	switch {
	case errors.Is(r.err, context.DeadlineExceeded):
		r.err = fault.Because(fault.Timeout, r.err)
	case r.err == nil && len(r.results) != len(l.positions):
		r.err = fault.New(fault.ProxyRequestFailed, "Proxy web request failed. , inner exception: the partner answered %d mailboxes of %d", len(r.results), len(l.positions))
	}
	if r.err != nil {
		fill(results, l.positions, r.err)
		return
	}
	for k, i := range l.positions {
		results[i] = r.results[k]
	}
}
