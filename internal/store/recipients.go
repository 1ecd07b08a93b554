package store

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/mailbox"
)

// RecipientRow is what lies in a store under one address; at most one of Mailbox, Contact and Group is not nil.
type RecipientRow struct {
	Position                     int // in the addresses that were asked for
	ID                           int64
	Mailbox, Contact, Group, Oof []byte
	InScope                      bool
}

// Recipient reads the row.
func (r RecipientRow) Recipient() (out directory.Recipient, err error) {
	out.InScope = r.InScope
	switch {
	case r.Mailbox != nil:
		out.Mailbox = &mailbox.Mailbox{ID: r.ID}
		err = json.Unmarshal(r.Mailbox, out.Mailbox)
	case r.Contact != nil:
		out.Contact = &mailbox.Contact{}
		err = json.Unmarshal(r.Contact, out.Contact)
	case r.Group != nil:
		out.Group = &mailbox.Group{}
		err = json.Unmarshal(r.Group, out.Group)
	}
	if err == nil && r.Oof != nil {
		out.Oof, err = OofSettings(r.Oof)
	}
	return out, err
}

// OofSettings reads the automatic replies of a mailbox; nil are those that were never set, with Exchange's defaults
// (Set-MailboxAutoReplyConfiguration).
func OofSettings(data []byte) (*directory.OofSettings, error) {
	s := &directory.OofSettings{State: directory.OofDisabled, ExternalAudience: directory.AudienceAll}
	if data == nil {
		return s, nil
	}
	return s, json.Unmarshal(data, s)
}

// VisibleRoomLists are those of groups that are not hidden from address lists, by display name.
func VisibleRoomLists(groups []*mailbox.Group) []*mailbox.Group {
	groups = slices.DeleteFunc(groups, func(g *mailbox.Group) bool { return g.HiddenFromAddressListsEnabled })
	slices.SortFunc(groups, func(a, b *mailbox.Group) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName)), strings.Compare(a.Address.String(), b.Address.String()))
	})
	return groups
}

// PhotoTime reads the time of a photo, which stores keep in milliseconds.
func PhotoTime(milliseconds int64) time.Time { return time.UnixMilli(milliseconds).UTC() }
