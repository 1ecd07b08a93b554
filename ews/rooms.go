package ews

import (
	"context"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
)

// getRoomLists answers m:GetRoomLists (EWS reference).
func (h *Handler) getRoomLists(ctx context.Context, env *soap.Envelope, _ orgrel.Requester) ([]byte, error) {
	if err := order(env.Payload); err != nil {
		return nil, err
	}
	lists, err := h.o.Directory.RoomLists(ctx)
	if err != nil {
		return nil, err
	}
	dst := append(appendStatus(nil, `GetRoomListsResponse xmlns="`+nsMessages+`" xmlns:t="`+nsTypes+`"`, nil), "<RoomLists>"...)
	for _, l := range lists {
		dst = appendEntry(dst, "Address", l)
	}
	return append(dst, "</RoomLists></GetRoomListsResponse>"...), nil
}

// getRooms answers m:GetRooms (EWS reference).
func (h *Handler) getRooms(ctx context.Context, env *soap.Envelope, _ orgrel.Requester) ([]byte, error) {
	list, err := readNamed(env.Payload, "RoomList")
	if err != nil {
		return nil, err
	}
	rooms, err := h.o.Directory.Rooms(ctx, list)
	failed, err := inAnswer(ctx, err)
	if err != nil {
		return nil, err
	}
	dst := appendStatus(nil, `GetRoomsResponse xmlns="`+nsMessages+`" xmlns:t="`+nsTypes+`"`, failed)
	if failed == nil {
		dst = append(dst, "<Rooms>"...)
		for _, r := range rooms {
			dst = append(appendEntry(append(dst, "<t:Room>"...), "Id", r), "</t:Room>"...)
		}
		dst = append(dst, "</Rooms>"...)
	}
	return append(dst, "</GetRoomsResponse>"...), nil
}

// readNamed reads a request that is the name or the address of one group.
func readNamed(req xmlsec.Element, element string) (string, error) {
	if err := order(req, nsMessages+" "+element); err != nil {
		return "", err
	}
	e, err := required(req, nsMessages, element)
	if err != nil {
		return "", err
	}
	return readEmailAddress(e)
}
