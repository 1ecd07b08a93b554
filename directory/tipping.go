package directory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// tipping is one request being answered from the address book.
type tipping struct {
	*Service
	q      MailTipsQuery
	asked  MailTipTypes     // that the requester may be told
	scope  smtpaddr.Address // zero: everyone
	sender []smtpaddr.Address
	told   int // bytes of automatic replies so far
	out    []MailTipsResult
}

// maxTold bounds the automatic replies of one answer, in bytes: a partner reads no more than 4 MB, and text may grow to
// five times its length on the way.
const maxTold = 512 << 10

// read reads the recipients at some positions, and what is to be known of the sender: one read for all.
func (t *tipping) read(ctx context.Context, at []int) ([]Recipient, error) {
	addresses := make([]smtpaddr.Address, len(at), len(at)+1)
	for k, i := range at {
		addresses[k] = t.q.Recipients[i].Address
	}
	found, err := t.Store.Recipients(ctx, append(addresses, t.q.Requester.Address), t.scope)
	switch {
	case err != nil:
		return nil, err
	case len(found) != len(at)+1:
		return nil, fmt.Errorf("%d recipients for %d addresses", len(found), len(at)+1)
	}
	return found[:len(at)], t.knowSender(ctx, found[:len(at)], found[len(at)])
}

// own answers our own recipients. It returns the targets of those that are contacts, by position: they are left to their
// partners.
func (t *tipping) own(ctx context.Context, at []int) map[int]smtpaddr.Address {
	start, rec := time.Now(), record.From(ctx)
	found, err := t.read(ctx, at)
	if err != nil {
		rec.Failed(record.StepAccessDecided, start, err.Error())
		for _, i := range at {
			t.out[i].Err = fault.Because(fault.Unavailable, err)
		}
		return nil
	}
	targets, groups := map[int]smtpaddr.Address{}, map[int]*mailbox.Group{}
	for k, i := range at {
		r := found[k]
		switch {
		case t.hidden(r): // no tips: neither that she exists nor that she does not
		case r.Contact != nil && t.q.Requester.External:
			t.out[i].Err = notForwarded(t.q.Recipients[i])
		case r.Contact != nil:
			targets[i] = r.Contact.Target
		default:
			t.out[i].Tips = t.tips(r)
			if r.Group != nil {
				groups[i] = r.Group
			}
		}
	}
	if t.asked&memberCounts != 0 && len(groups) > 0 {
		t.countMembers(ctx, groups)
	}
	rec.Done(record.StepAccessDecided, start, fmt.Sprintf("%d recipients", len(at)-len(targets)))
	return targets
}

// knowSender collects the addresses under which recipients may have named the sender: all of an own user's; of a
// partner's, also those of the contacts that stand for her, which takes a read where somebody has a list of senders.
func (t *tipping) knowSender(ctx context.Context, recipients []Recipient, own Recipient) error {
	t.sender = []smtpaddr.Address{t.q.Requester.Address}
	if !t.q.Requester.External {
		if own.Mailbox != nil {
			t.sender = own.Mailbox.Addresses()
		}
		return nil
	}
	var named []smtpaddr.Address
	for _, r := range recipients {
		if r.Mailbox != nil {
			named = append(named, r.Mailbox.Delivery.AcceptMessagesOnlyFrom...)
		}
		if r.Group != nil {
			named = append(named, r.Group.Delivery.AcceptMessagesOnlyFrom...)
		}
	}
	if len(named) == 0 || t.asked&DeliveryRestriction == 0 {
		return nil
	}
	found, err := t.Store.Recipients(ctx, named, smtpaddr.Address{})
	for _, r := range found {
		if r.Contact != nil && r.Contact.Target == t.q.Requester.Address {
			t.sender = append(t.sender, r.Contact.Address)
		}
	}
	return err
}

// hidden tells whom the relationship's scope keeps from the requester. Groups it does not affect; who does not exist
// looks as one who is not in it.
func (t *tipping) hidden(r Recipient) bool {
	return !t.scope.IsZero() && r.Group == nil && (!r.Found() || !r.InScope)
}

// tips are what the address book says of a mailbox, a group, or of nobody; the members of a group are not counted yet.
func (t *tipping) tips(r Recipient) (out MailTips) {
	asked := func(tip MailTipTypes) bool { return t.asked&tip != 0 }
	if asked(InvalidRecipient) {
		out.InvalidRecipient = new(!r.Found())
	}
	var d mailbox.Delivery
	switch {
	case r.Mailbox != nil:
		d = r.Mailbox.Delivery
		t.mailboxTips(&out, r)
	case r.Group != nil:
		d = r.Group.Delivery
	default:
		return out
	}
	if asked(CustomMailTip) {
		out.CustomMailTip = d.MailTip
	}
	if asked(MaxMessageSize) {
		out.MaxMessageSize = d.MaxReceiveSize
	}
	if asked(DeliveryRestriction) {
		out.DeliveryRestricted = new(t.restricted(d))
	}
	if asked(ModerationStatus) {
		out.IsModerated = new(d.ModerationEnabled)
	}
	return out
}

func (t *tipping) mailboxTips(out *MailTips, r Recipient) {
	if t.asked&OutOfOfficeMessage != 0 {
		tip := t.oof(r.Oof)
		if t.told += len(tip.Reply.Message); t.told <= maxTold {
			out.OutOfOffice = tip
		} else {
			out.Pending |= OutOfOfficeMessage
		}
	}
	if t.asked&MailboxFullStatus != 0 {
		out.MailboxFull = new(r.Mailbox.Delivery.MailboxFull)
	}
	if t.asked&TotalMemberCount != 0 {
		out.TotalMemberCount = new(1)
	}
	if t.asked&ExternalMemberCount != 0 {
		external := 0
		if t.q.Requester.External { // to her all of ours are outside
			external = 1
		}
		out.ExternalMemberCount = &external
	}
}

// oof is the reply that the requester would get now: inside of the organization the internal one, outside the external
// one, where everybody gets that.
func (t *tipping) oof(o *OofSettings) *OofTip {
	tip := &OofTip{}
	if !o.Active(t.now()) {
		return tip
	}
	switch {
	case !t.q.Requester.External:
		tip.Reply = o.InternalReply
	case o.ExternalAudience == AudienceAll:
		tip.Reply = o.ExternalReply
	}
	if o.State == OofScheduled && tip.Reply.Message != "" {
		tip.Start, tip.End = o.Start, o.End
	}
	return tip
}

func (t *tipping) restricted(d mailbox.Delivery) bool {
	if t.q.Requester.External && d.RequireSenderAuthenticationEnabled {
		return true
	}
	return len(d.AcceptMessagesOnlyFrom) > 0 && !slices.ContainsFunc(d.AcceptMessagesOnlyFrom, func(a smtpaddr.Address) bool { return slices.Contains(t.sender, a) })
}
