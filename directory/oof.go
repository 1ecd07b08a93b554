package directory

import (
	"context"
	"errors"
	"time"

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
	if len(settings.InternalReply.Message) > MaxReply || len(settings.ExternalReply.Message) > MaxReply {
		return fault.New(fault.InvalidUserOofSettings, "A reply has more than %d bytes.", MaxReply)
	}
	if settings.State != OofScheduled {
		settings.Start, settings.End = time.Time{}, time.Time{}
	} else if !settings.End.After(settings.Start) || !settings.End.After(s.now()) {
		return fault.Because(fault.InvalidScheduledOofDuration, nil)
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
