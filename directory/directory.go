// Package directory is the organization's address book beside its calendars: who can be found, groups and rooms, automatic
// replies, MailTips and photos, at the level that the requester may see. It knows no XML, HTTP, SQL or metrics.
package directory

import (
	"context"
	"time"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// Recipient is what one address stands for: one of Mailbox, Group and Contact, or none of them.
type Recipient struct {
	Mailbox *mailbox.Mailbox
	Group   *mailbox.Group
	Contact *mailbox.Contact
	Oof     *OofSettings // of Mailbox, where it has any
	InScope bool         // a member of the scope that was asked for, or none was; a scope does not affect groups
}

// Found tells whether the address is anybody's.
func (r Recipient) Found() bool { return r.Mailbox != nil || r.Group != nil || r.Contact != nil }

// Store is what the address book reads and writes. Addresses are any of a mailbox's.
type Store interface {
	// Recipients tells what the addresses stand for, by position: one read for all. scope is a group whose (nested)
	// members only are InScope; zero: everyone.
	Recipients(ctx context.Context, addresses []smtpaddr.Address, scope smtpaddr.Address) ([]Recipient, error)
	// FindRecipients finds mailboxes, contacts and groups of which each of words begins a word of the display name, or an
	// address begins with prefix; by address, without those hidden from address lists. words are in lower case, as of
	// Words; so is prefix. At most limit come.
	FindRecipients(ctx context.Context, words []string, prefix string, limit int) ([]Recipient, error)
	// RoomLists are the groups that are lists of rooms, by display name, without those hidden from address lists.
	RoomLists(ctx context.Context) ([]*mailbox.Group, error)

	// OofSettings are the automatic replies of a mailbox; never set, they are disabled, and for All. store.ErrNotFound where there is
	// no such mailbox.
	OofSettings(ctx context.Context, a smtpaddr.Address) (*OofSettings, error)
	PutOofSettings(ctx context.Context, a smtpaddr.Address, s *OofSettings) error
	// Photo is the picture of a mailbox; nil, nil where it has none. store.ErrNotFound where there is no such mailbox.
	Photo(ctx context.Context, a smtpaddr.Address) (*Photo, error)
	PutPhoto(ctx context.Context, a smtpaddr.Address, p *Photo) error // nil removes it
}

// OofState is OofState of the EWS schema.
type OofState string

// The states of automatic replies.
const (
	OofDisabled  OofState = "Disabled"
	OofEnabled   OofState = "Enabled"
	OofScheduled OofState = "Scheduled"
)

// ExternalAudience is who outside the organization gets an automatic reply.
type ExternalAudience string

// The audiences. Known are the owner's contacts: nobody has any here, so that they are as None for whoever asks.
const (
	AudienceNone  ExternalAudience = "None"
	AudienceKnown ExternalAudience = "Known"
	AudienceAll   ExternalAudience = "All"
)

// OofReply is the text of an automatic reply, HTML where the client made it so.
type OofReply struct {
	Message string `json:"Message"`
	Lang    string `json:"Lang,omitempty"` // xml:lang of the text
}

// OofSettings are the automatic replies of a mailbox (Get-MailboxAutoReplyConfiguration).
type OofSettings struct {
	State            OofState         `json:"AutoReplyState"`
	ExternalAudience ExternalAudience `json:"ExternalAudience"`
	Start            time.Time        `json:"StartTime,omitzero"` // of OofScheduled, half-open
	End              time.Time        `json:"EndTime,omitzero"`
	InternalReply    OofReply         `json:"InternalMessage"`
	ExternalReply    OofReply         `json:"ExternalMessage"`
}

// Active tells whether replies are sent at the instant now.
func (s *OofSettings) Active(now time.Time) bool {
	if s == nil {
		return false
	}
	return s.State == OofEnabled || s.State == OofScheduled && !now.Before(s.Start) && now.Before(s.End)
}

// Photo is the picture of a person: a JPEG.
type Photo struct {
	Data        []byte
	WhenChanged time.Time
}
