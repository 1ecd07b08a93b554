package store

import (
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// Membership says that a group has a member, by itself or through a group inside of it.
type Membership struct{ Group, Member smtpaddr.Address }

// Flatten lists the members of all groups with those of the groups inside them, who are no groups themselves. A cycle
// ends where it began.
func Flatten(groups []*mailbox.Group) (out []Membership) {
	byAddress := map[smtpaddr.Address]*mailbox.Group{}
	for _, g := range groups {
		byAddress[g.Address] = g
	}
	for _, g := range groups {
		seen := map[smtpaddr.Address]bool{g.Address: true}
		for queue := g.Members; len(queue) > 0; queue = queue[1:] {
			m := queue[0]
			if seen[m] {
				continue
			}
			seen[m] = true
			if nested, ok := byAddress[m]; ok {
				queue = append(queue[:len(queue):len(queue)], nested.Members...)
				continue
			}
			out = append(out, Membership{g.Address, m})
		}
	}
	return out
}
