package directory

import (
	"context"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// maxCounted bounds the addresses that are looked up to count the members of one request's groups: of more, the counts
// stay pending.
const maxCounted = 10_000

// countMembers tells the members of groups, with those of the groups inside them, each once. It reads once for each level
// of nesting, whatever the number of groups.
func (t *tipping) countMembers(ctx context.Context, groups map[int]*mailbox.Group) {
	known, err := t.expand(ctx, groups)
	for i, g := range groups {
		tips := &t.out[i].Tips
		if err != nil || known == nil {
			tips.Pending |= t.asked & memberCounts
			continue
		}
		total, external := count(g, known)
		if t.q.Requester.External { // to her all of ours are outside
			external = total
		}
		if t.asked&TotalMemberCount != 0 {
			tips.TotalMemberCount = &total
		}
		if t.asked&ExternalMemberCount != 0 {
			tips.ExternalMemberCount = &external
		}
	}
}

// member is what is known of an address inside a group.
type member struct {
	group    *mailbox.Group // where it is one
	external bool
	self     smtpaddr.Address // the primary address: members are counted once under it
}

// expand looks up all that is inside of groups; nil where there are too many.
func (t *tipping) expand(ctx context.Context, groups map[int]*mailbox.Group) (map[smtpaddr.Address]member, error) {
	known := map[smtpaddr.Address]member{}
	var level []*mailbox.Group
	for _, g := range groups {
		level = append(level, g)
	}
	for len(level) > 0 {
		var ours []smtpaddr.Address
		for _, g := range level {
			for _, a := range g.Members {
				if _, ok := known[a]; ok {
					continue
				}
				if len(known) == maxCounted {
					return nil, nil
				}
				own, err := t.Organization.OwnDomain(ctx, a.Domain())
				if err != nil {
					return nil, err
				}
				if known[a] = (member{external: !own, self: a}); own {
					ours = append(ours, a)
				}
			}
		}
		var err error
		if level, err = t.identify(ctx, ours, known); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// identify learns what own addresses stand for and returns the groups among them.
func (t *tipping) identify(ctx context.Context, ours []smtpaddr.Address, known map[smtpaddr.Address]member) (nested []*mailbox.Group, err error) {
	if len(ours) == 0 {
		return nil, nil
	}
	found, err := t.Store.Recipients(ctx, ours, smtpaddr.Address{})
	if err != nil {
		return nil, err
	}
	for k, r := range found {
		m := member{self: ours[k]}
		switch {
		case r.Group != nil:
			m.group, nested = r.Group, append(nested, r.Group)
		case r.Contact != nil:
			own, err := t.Organization.OwnDomain(ctx, r.Contact.Target.Domain())
			if err != nil {
				return nil, err
			}
			m.self, m.external = r.Contact.Target, !own
		case r.Mailbox != nil:
			m.self = r.Mailbox.Address
		}
		known[ours[k]] = m
	}
	return nested, nil
}

// count counts who gets a message to g; a group inside of itself ends there.
func count(g *mailbox.Group, known map[smtpaddr.Address]member) (total, external int) {
	entered, counted := map[smtpaddr.Address]bool{g.Address: true}, map[smtpaddr.Address]bool{}
	queue := []*mailbox.Group{g}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, a := range queue[0].Members {
			m := known[a]
			switch {
			case m.group != nil && !entered[m.group.Address]:
				entered[m.group.Address] = true
				queue = append(queue, m.group)
			case m.group == nil && !counted[m.self]:
				counted[m.self] = true
				total++
				if m.external {
					external++
				}
			}
		}
	}
	return total, external
}
