package ews_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/mailbox/timezone"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// special is what a name of contoso stands for that is no ordinary mailbox; nil, nil for others.
func special(name string, q mailbox.CalendarQuery) (*mailbox.Calendar, error) {
	crowd := make([]string, 101)
	for i := range crowd {
		crowd[i] = fmt.Sprintf("u%d@contoso.example", i)
	}
	groups := map[string]*mailbox.Group{}
	var all []*mailbox.Group
	for n, members := range map[string][]string{
		"team": {"tom@contoso.example", "sub@contoso.example"}, "sub": {"anna@contoso.example", "rita@fabrikam.example", "team@contoso.example"},
		"staff": {"tom@contoso.example", "anna@contoso.example"}, "mixed": {"tom@contoso.example", "hidden@contoso.example", "nobody@contoso.example"},
		"crowd": crowd, "club": {"tom@contoso.example", "crowd@contoso.example"},
	} {
		g := &mailbox.Group{Address: smtpaddr.MustAddress(n + "@contoso.example")}
		for _, m := range members {
			g.Members = append(g.Members, smtpaddr.MustAddress(m))
		}
		groups[n], all = g, append(all, g)
	}
	switch {
	case groups[name] != nil:
		return &mailbox.Calendar{Group: groups[name], Nested: all}, nil
	case name == "ashes" && q.End.Sub(q.Start) > 24*time.Hour: // a store that breaks when it must read much
		return nil, errors.New("disk on fire")
	case name != "ashes" && name != "full": // of entries
		return nil, nil //nolint:nilnil // documented
	}
	c := &mailbox.Calendar{Found: true, InScope: true, DefaultPermission: mailbox.Reviewer, Zone: timezone.UTC(), Mailbox: &mailbox.Mailbox{}}
	for i := range q.Limit + 1 {
		if name == "full" {
			c.Occurrences = append(c.Occurrences, mailbox.Occurrence{Start: q.Start.Add(time.Duration(i) * time.Second), End: q.End})
		}
	}
	return c, nil
}

// GetUserAvailability plays the partner Fabrikam: its people's names say how it answers for them.
func (contoso) GetUserAvailability(_ context.Context, _ *orgrel.OrganizationRelationship, q availability.Query) ([]availability.Result, error) {
	const node = "\r\n. Name of the server where exception originated: mail.contoso.example"
	out := make([]availability.Result, len(q.Mailboxes))
	for i, m := range q.Mailboxes {
		switch m.Address.Local() {
		case "slow":
			out[i].Err = fault.Because(fault.Timeout, nil)
		case "lost":
			out[i].Err = fault.New(fault.AutodiscoverFailed, "Autodiscover failed for email address %s with error The remote name could not be resolved: 'autodiscover.fabrikam.example'%s", m.Address, node)
		case "refused":
			out[i].Err = fault.New(fault.ProxyRequestFailed, "Proxy web request failed. , inner exception: The request failed with HTTP status 401: Unauthorized.%s", node)
		default:
			out[i].View = availability.Project(q, mailbox.Calendar{Occurrences: []mailbox.Occurrence{{Start: at(24, 8, 0), End: at(24, 9, 0), BusyType: mailbox.Busy}}}, orgrel.AvailabilityOnly)
		}
	}
	return out, nil
}
