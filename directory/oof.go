package directory

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// MaxReply is what an automatic reply may have, in bytes: 128 KB, as in Exchange.
const MaxReply = 128 << 10

// Oof are the automatic replies of the mailbox that has the address of (GetUserOofSettings, [MS-OXWOOF] 3.1.4.1): its
// owner only may read them, anybody else's error is AccessDenied, whether there is such a mailbox or not.
func (s *Service) Oof(ctx context.Context, who orgrel.Requester, of smtpaddr.Address) (*OofSettings, error) {
	a, err := s.owned(ctx, who, of)
	if err != nil {
		return nil, err
	}
	settings, err := s.Store.OofSettings(ctx, a)
	return settings, unavailable(err)
}

// SetOof replaces the automatic replies of the mailbox that has the address of (SetUserOofSettings, [MS-OXWOOF]
// 3.1.4.2), which its owner only may do. Start and End are kept while the state is OofScheduled. Errors:
// AccessDenied, InvalidUserOofSettings where a reply is longer than MaxReply, InvalidScheduledOofDuration.
func (s *Service) SetOof(ctx context.Context, who orgrel.Requester, of smtpaddr.Address, settings OofSettings) error {
	a, err := s.owned(ctx, who, of)
	if err != nil {
		return err
	}
	if settings.State != OofScheduled {
		settings.Start, settings.End = time.Time{}, time.Time{}
	}
	if err := settings.CheckDuration(s.now()); err != nil {
		return fault.Because(fault.InvalidScheduledOofDuration, err)
	}
	if err := settings.CheckReplies(); err != nil {
		return &fault.Error{Kind: fault.InvalidUserOofSettings, Message: "The user's Out of Office settings are not valid: " + err.Error() + ".", Cause: err}
	}
	return unavailable(s.Store.PutOofSettings(ctx, a, &settings))
}

// owned is the primary address of the mailbox that has the address of, where it is the requester's own.
func (s *Service) owned(ctx context.Context, who orgrel.Requester, of smtpaddr.Address) (smtpaddr.Address, error) {
	if who.External {
		return smtpaddr.Address{}, fault.Because(fault.AccessDenied, errors.New("automatic replies are the owner's"))
	}
	both, err := s.Store.Recipients(ctx, []smtpaddr.Address{who.Address, of}, smtpaddr.Address{})
	if err != nil {
		return smtpaddr.Address{}, unavailable(err)
	}
	if both[0].Mailbox == nil || both[1].Mailbox == nil || both[0].Mailbox.Address != both[1].Mailbox.Address {
		return smtpaddr.Address{}, fault.Because(fault.AccessDenied, errors.New("automatic replies are the owner's"))
	}
	return both[0].Mailbox.Address, nil
}

// CheckReplies says in one sentence why the texts of the replies are not kept, or nil.
func (s *OofSettings) CheckReplies() error {
	for _, r := range []struct {
		which string
		OofReply
	}{{"internal", s.InternalReply}, {"external", s.ExternalReply}} {
		if len(r.Message) > MaxReply {
			return fmt.Errorf("the %s message has %d bytes, and at most %d are kept", r.which, len(r.Message), MaxReply)
		}
		if !utf8.ValidString(r.Message) { // of a file in another encoding letters would be lost
			return fmt.Errorf("the %s message is not UTF-8", r.which)
		}
	}
	return nil
}

// CheckDuration says in one sentence why replies that are scheduled at the instant now would never be sent, or nil; of
// other states it says nothing.
func (s *OofSettings) CheckDuration(now time.Time) error {
	switch {
	case s.State != OofScheduled:
		return nil
	case s.Start.IsZero() || s.End.IsZero():
		return errors.New("scheduled automatic replies need a start and an end")
	case !s.End.After(s.Start):
		return fmt.Errorf("automatic replies cannot end at %s, before they start at %s", s.End.UTC().Format(time.RFC3339), s.Start.UTC().Format(time.RFC3339))
	case !s.End.After(now):
		return fmt.Errorf("automatic replies cannot end at %s, which is past", s.End.UTC().Format(time.RFC3339))
	}
	return nil
}
