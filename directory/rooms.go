package directory

import (
	"context"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// RoomLists are the lists of rooms, by name (GetRoomLists), without those hidden from address lists.
func (s *Service) RoomLists(ctx context.Context) ([]Entry, error) {
	groups, err := s.Store.RoomLists(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	list := make([]Entry, len(groups))
	for i, g := range groups {
		list[i] = Recipient{Group: g}.entry(smtpaddr.Address{})
	}
	return list, nil
}

// Rooms are the rooms of a list in its order (GetRooms), without those hidden from address lists; who or what else is a
// member is left out. list is named as a group is for [Service.Expand]; a group that is no list of rooms is not found.
func (s *Service) Rooms(ctx context.Context, list string) ([]Entry, error) {
	g, err := s.group(ctx, list)
	if err != nil {
		return nil, err
	}
	if !g.RoomList {
		return nil, fault.Because(fault.NameResolutionNoResults, nil)
	}
	members, err := s.members(ctx, g)
	if err != nil {
		return nil, err
	}
	var rooms []Entry
	for i, m := range members {
		if m.Mailbox != nil && m.Mailbox.ResourceType == mailbox.Room && !m.Mailbox.HiddenFromAddressListsEnabled {
			rooms = append(rooms, m.entry(g.Members[i]))
		}
	}
	return distinct(rooms), nil
}
