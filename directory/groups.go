package directory

import (
	"context"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// namesakes is how many recipients are read to find a group by its name; one behind them is found by its address.
const namesakes = 1000

// Expand lists the direct members of a group in its order (ExpandDL): a group inside it is one entry, so that a circle of
// groups has an end, and an address that is nobody's here is a contact. name is an address of the group, the part of one
// before the @, or its display name. A group that is hidden from address lists is not found; hidden members are listed.
// Errors: NameResolutionNoResults, NameResolutionMultipleResults.
func (s *Service) Expand(ctx context.Context, name string) ([]Entry, error) {
	g, err := s.group(ctx, name)
	if err != nil {
		return nil, err
	}
	members, err := s.members(ctx, g)
	if err != nil {
		return nil, err
	}
	list := make([]Entry, len(members))
	for i, m := range members {
		list[i] = m.entry(g.Members[i])
	}
	return distinct(list), nil
}

// members are what the addresses of g stand for, by position: one read.
func (s *Service) members(ctx context.Context, g *mailbox.Group) ([]Recipient, error) {
	if len(g.Members) == 0 {
		return nil, nil
	}
	list, err := s.Store.Recipients(ctx, g.Members, smtpaddr.Address{})
	return list, unavailable(err)
}

// distinct leaves out who is listed again under another address.
func distinct(list []Entry) []Entry {
	seen := map[smtpaddr.Address]bool{}
	out := list[:0]
	for _, e := range list {
		if !seen[e.Address] {
			out = append(out, e)
		}
		seen[e.Address] = true
	}
	return out
}

// group is the visible group that name stands for.
func (s *Service) group(ctx context.Context, name string) (*mailbox.Group, error) {
	if a, err := smtpaddr.ParseProxyAddress(name); err == nil {
		r, err := s.recipient(ctx, a)
		if err != nil {
			return nil, err
		}
		if r.Group == nil || r.Group.HiddenFromAddressListsEnabled {
			return nil, fault.Because(fault.NameResolutionNoResults, nil)
		}
		return r.Group, nil
	}
	found, err := s.find(ctx, name, namesakes)
	if err != nil {
		return nil, err
	}
	var g *mailbox.Group
	for _, r := range found {
		if r.Group == nil || !strings.EqualFold(r.Group.DisplayName, strings.TrimSpace(name)) && !strings.EqualFold(r.Group.Address.Local(), strings.TrimSpace(name)) {
			continue
		}
		if g != nil {
			return nil, fault.Because(fault.NameResolutionMultipleResults, nil)
		}
		g = r.Group
	}
	if g == nil {
		return nil, fault.Because(fault.NameResolutionNoResults, nil)
	}
	return g, nil
}
