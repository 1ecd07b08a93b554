package admin

import (
	"context"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// Explain tells, step by step, what requester may see of a mailbox now, and which step cuts.
func (a *Admin) Explain(ctx context.Context, requester, target smtpaddr.Address) ([]availability.Finding, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return nil, err
	}
	in := availability.ExplainInput{Requester: requester, Mailbox: target,
		External: !cfg.Organization.Owns(requester.Domain()), OwnDomain: cfg.Organization.Owns(target.Domain())}
	partner := target.Domain()
	if in.External {
		partner = requester.Domain()
	}
	for _, r := range cfg.Relationships {
		if r.Covers(partner) {
			in.Relationship = r
		}
	}
	if !in.OwnDomain {
		return availability.Explain(in), nil
	}
	now := a.Now()
	q := mailbox.CalendarQuery{Addresses: []smtpaddr.Address{target}, Start: now, End: now.Add(24 * time.Hour), Limit: availability.DefaultLimits().Entries}
	if in.External && in.Relationship != nil {
		q.Scope = in.Relationship.FreeBusyAccessScope
	}
	calendars, err := a.Store.CalendarView(ctx, q)
	if err != nil {
		return nil, problem(err)
	}
	in.Calendar = calendars[0]
	if c := in.Calendar.Contact; c != nil && !in.External {
		for _, r := range cfg.Relationships {
			if r.Covers(c.Target.Domain()) {
				in.Relationship = r
			}
		}
	}
	if m, err := a.Store.Mailbox(ctx, requester); err == nil { // entries are under primary addresses
		in.Requester = m.Address
	}
	return availability.Explain(in), nil
}
