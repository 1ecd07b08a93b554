package availability

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// roster is a group among the mailboxes of a request.
type roster struct {
	group      *mailbox.Group
	nested     []*mailbox.Group
	positions  []int // of its members in the inquiry
	unexpanded int   // groups inside it that would have made it too big
}

// members puts the members of the groups behind the mailboxes of the request, each once, and answers those that are ours:
// one read for all. A group that is too big is answered as that.
func (s *Service) members(ctx context.Context, in *inquiry) error {
	at := map[smtpaddr.Address]int{}
	for i, m := range in.q.Mailboxes {
		at[m.Address] = i
	}
	for _, i := range slices.Sorted(maps.Keys(in.groups)) {
		g := in.groups[i]
		members, unexpanded, ok := expand(g.group, g.nested, s.Limits.Members)
		if !ok || len(in.q.Mailboxes)-in.asked+len(members) > s.Limits.AllMembers {
			in.results[i].Err = s.tooBig(in)
			delete(in.groups, i)
			continue
		}
		g.unexpanded = unexpanded
		for _, m := range members {
			k, known := at[m]
			if !known {
				k = len(in.q.Mailboxes)
				at[m] = k
				in.q.Mailboxes = append(in.q.Mailboxes, Attendee{Raw: m.String(), Address: m})
			}
			g.positions = append(g.positions, k)
		}
	}
	local, err := s.place(ctx, in, in.asked)
	if err == nil && len(local) > 0 {
		s.read(ctx, in, local)
	}
	return err
}

// tooBig is the answer to a group of too many members; who is held to a scope does not learn that there is one.
func (s *Service) tooBig(in *inquiry) error {
	if !in.scope.IsZero() {
		return fault.Because(fault.NoFreeBusyAccess, errors.New("the group is too big to see whether its members are in the relationship's scope"))
	}
	return fault.New(fault.FreeBusyDLLimitReached, "The distribution group has more members than can be expanded. The allowed size = %d.", s.Limits.Members)
}

// expand lists the members of a group with those of the groups inside it, each once, in the order of the lists. A group
// inside it that would make more than limit of them stays whole and counts as one; a group that has more than limit by
// itself is not expanded: ok is false.
func expand(g *mailbox.Group, groups []*mailbox.Group, limit int) (members []smtpaddr.Address, unexpanded int, ok bool) {
	byAddress := map[smtpaddr.Address]*mailbox.Group{}
	for _, n := range groups {
		byAddress[n.Address] = n
	}
	seen := map[smtpaddr.Address]bool{g.Address: true}
	unseen := func(list []smtpaddr.Address) (out []smtpaddr.Address) { // more than limit are too many, however many
		for _, m := range list {
			if len(out) > limit {
				break
			}
			if !seen[m] && !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
		return out
	}
	queue := unseen(g.Members)
	count := len(queue)
	for _, m := range queue {
		seen[m] = true
	}
	for ; len(queue) > 0 && count <= limit; queue = queue[1:] {
		nested := byAddress[queue[0]]
		if nested == nil {
			members = append(members, queue[0])
			continue
		}
		inner := unseen(nested.Members)
		if count-1+len(inner) > limit {
			unexpanded++
			continue
		}
		count += len(inner) - 1
		for _, m := range inner {
			seen[m] = true
		}
		queue = append(queue[:len(queue):len(queue)], inner...)
	}
	return members, unexpanded, count <= limit
}

// merged is the one answer of a group, as where nothing but merged data may be shown: of each slot the highest digit of
// all members. A member without data is the digit 4, the highest, in all of them. A partner who may see no member is not
// told that there is a group.
func (in *inquiry) merged(g *roster) Result {
	digits := bytes.Repeat([]byte{'0'}, slots(in.q.Window, in.q.MergedInterval))
	seen, unknown := false, g.unexpanded > 0
	for _, i := range g.positions {
		own := digitsOf(in.results[i], in.q)
		if len(own) != len(digits) {
			unknown = true
			continue
		}
		seen = true
		for k := range digits {
			digits[k] = max(digits[k], own[k])
		}
	}
	if !seen && in.q.Requester.External {
		return Result{Err: fault.Because(fault.NoFreeBusyAccess, errors.New("no member of the group may be seen"))}
	}
	if unknown || !seen {
		digits = bytes.Repeat([]byte{'4'}, len(digits))
	}
	return Result{View: FreeBusyView{Type: MergedOnly, Merged: string(digits)}}
}

// digitsOf are an answer's digits; "" where it has no data.
func digitsOf(r Result, q Query) string {
	switch {
	case r.Err != nil || r.View.Type == ViewNone:
		return ""
	case r.View.Type.HasMerged():
		return r.View.Merged
	}
	return Merge(r.View.Events, q.Window, q.MergedInterval)
}
