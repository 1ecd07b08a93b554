package ews

import (
	"context"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
)

// expandDL answers m:ExpandDL (EWS reference) with the direct members of a group of the address book. An ItemId names a
// private list, and there are none.
func (h *Handler) expandDL(ctx context.Context, env *soap.Envelope, _ orgrel.Requester) ([]byte, error) {
	name, err := readNamed(env.Payload, "Mailbox")
	if err != nil {
		return nil, err
	}
	members, err := h.o.Directory.Expand(ctx, name)
	failed, err := inAnswer(ctx, err)
	if err != nil {
		return nil, err
	}
	dst := []byte(`<ExpandDLResponse xmlns="` + nsMessages + `" xmlns:t="` + nsTypes + `"><ResponseMessages>`)
	dst = appendStatus(dst, "ExpandDLResponseMessage", failed)
	if failed == nil {
		dst = append(appendRange(append(dst, "<DLExpansion"...), len(members), false), '>')
		for _, m := range members {
			dst = appendEntry(dst, "Mailbox", m)
		}
		dst = append(dst, "</DLExpansion>"...)
	}
	return append(dst, "</ExpandDLResponseMessage></ResponseMessages></ExpandDLResponse>"...), nil
}
