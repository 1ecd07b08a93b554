package admin

import (
	"cmp"
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

// OofParams are the settable properties of automatic replies (Set-MailboxAutoReplyConfiguration).
type OofParams struct {
	State            *directory.OofState
	ExternalAudience *directory.ExternalAudience
	Start, End       *time.Time
	InternalMessage  *string // text or HTML
	ExternalMessage  *string
}

func (p OofParams) apply(s *directory.OofSettings) {
	set(&s.State, p.State)
	set(&s.ExternalAudience, p.ExternalAudience)
	set(&s.Start, p.Start)
	set(&s.End, p.End)
	set(&s.InternalReply.Message, p.InternalMessage)
	set(&s.ExternalReply.Message, p.ExternalMessage)
}

// checkOof refuses settings that make no sense at the instant now, as SetUserOofSettings does, and replies without a text
// for colleagues, which mail programs may set: whoever types a command has forgotten it.
func checkOof(s *directory.OofSettings, now time.Time) error {
	if s.State != directory.OofDisabled && s.InternalReply.Message == "" {
		return fault.New(fault.Invalid, "automatic replies that are %s need an internal message", s.State)
	}
	return invalid(cmp.Or(s.CheckReplies(), s.CheckDuration(now)))
}

// OofSettings are the automatic replies of a mailbox, with its primary address (Get-MailboxAutoReplyConfiguration).
func (a *Admin) OofSettings(ctx context.Context, identity string) (smtpaddr.Address, *directory.OofSettings, error) {
	m, err := a.MailboxNamed(ctx, identity)
	if err != nil {
		return smtpaddr.Address{}, nil, err
	}
	s, err := a.Store.OofSettings(ctx, m.Address)
	return m.Address, s, problem(err)
}

// SetOofSettings changes what p gives.
func (a *Admin) SetOofSettings(ctx context.Context, identity string, p OofParams) error {
	address, s, err := a.OofSettings(ctx, identity)
	if err != nil {
		return err
	}
	old := *s
	p.apply(s)
	if err := checkOof(s, a.Now()); err != nil {
		return err
	}
	detail := changes(auditedReplies(&old, nil), auditedReplies(s, &old))
	if detail == "" {
		return nil
	}
	if s.State != directory.OofDisabled && s.ExternalAudience != directory.AudienceNone && s.ExternalReply.Message == "" {
		a.warn(fmt.Sprintf("the external message is empty: nobody outside is told that %s is away", address))
	}
	return problem(a.Store.PutOofSettings(a.audited(ctx, "mailbox oof set", address.String(), detail), address, s))
}

// auditedOof are automatic replies as the audit has them: of the messages the length, for what they say is the owner's.
type auditedOof struct {
	AutoReplyState   directory.OofState
	ExternalAudience directory.ExternalAudience
	StartTime        time.Time `json:",omitzero"`
	EndTime          time.Time `json:",omitzero"`
	InternalMessage  string
	ExternalMessage  string
}

func auditedReplies(s, old *directory.OofSettings) auditedOof {
	v := auditedOof{s.State, s.ExternalAudience, s.Start.UTC(), s.End.UTC(), length(s.InternalReply.Message), length(s.ExternalReply.Message)}
	if old != nil && old.InternalReply.Message != s.InternalReply.Message && length(old.InternalReply.Message) == v.InternalMessage {
		v.InternalMessage += ", others"
	}
	if old != nil && old.ExternalReply.Message != s.ExternalReply.Message && length(old.ExternalReply.Message) == v.ExternalMessage {
		v.ExternalMessage += ", others"
	}
	return v
}

func length(message string) string {
	if message == "" {
		return ""
	}
	return fmt.Sprintf("(%d characters)", utf8.RuneCountInString(message))
}

// ParseOofState reads Disabled, Enabled or Scheduled.
func ParseOofState(s string) (directory.OofState, error) {
	return oneOf(s, directory.OofDisabled, directory.OofEnabled, directory.OofScheduled)
}

// ParseExternalAudience reads None, Known or All.
func ParseExternalAudience(s string) (directory.ExternalAudience, error) {
	return oneOf(s, directory.AudienceNone, directory.AudienceKnown, directory.AudienceAll)
}
