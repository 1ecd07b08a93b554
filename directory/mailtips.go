package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/availd/availd/internal/fanout"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// MaxMailTipsRecipients is how many recipients one request may have (MaxRecipientsPerGetMailTipsRequest of Exchange).
const MaxMailTipsRecipients = 50

// MailTipTypes is a set of MailTips, MailTipTypes of the EWS schema.
type MailTipTypes uint16

// The MailTips.
const (
	OutOfOfficeMessage MailTipTypes = 1 << iota
	MailboxFullStatus
	CustomMailTip
	ExternalMemberCount
	TotalMemberCount
	MaxMessageSize
	DeliveryRestriction
	ModerationStatus
	InvalidRecipient

	AllMailTips = InvalidRecipient<<1 - 1
	// LimitedMailTips are those of MailTipsAccessLevel Limited: what prevents a non-delivery report, and automatic replies
	// (Set-OrganizationRelationship).
	LimitedMailTips = OutOfOfficeMessage | MailboxFullStatus | MaxMessageSize | DeliveryRestriction | InvalidRecipient
	memberCounts    = ExternalMemberCount | TotalMemberCount
)

// Addressee is one recipient as a sender wrote it. A malformed Raw has a zero Address.
type Addressee struct {
	Name        string
	Raw         string // as the request had it, for error texts
	RoutingType string // "", "SMTP", "EX" ...
	Address     smtpaddr.Address
}

// MailTipsQuery asks what the requester is told before she sends.
type MailTipsQuery struct {
	Requester  orgrel.Requester
	Recipients []Addressee
	Requested  MailTipTypes
}

// OofTip is the automatic reply that the sender would get; without a message she gets none.
type OofTip struct {
	Reply      OofReply
	Start, End time.Time // of scheduled replies; zero: not known
}

// MailTips are what is told of one recipient. What is nil, empty or zero is not told: it was not asked, is not known or
// is not for the requester.
type MailTips struct {
	Pending             MailTipTypes // were asked, and could not be found out
	OutOfOffice         *OofTip
	MailboxFull         *bool
	CustomMailTip       string
	TotalMemberCount    *int
	ExternalMemberCount *int
	MaxMessageSize      int64 // bytes
	DeliveryRestricted  *bool // the requester's message would be refused
	IsModerated         *bool
	InvalidRecipient    *bool // there is no such recipient
}

// MailTipsResult is the answer about one recipient, at its position.
type MailTipsResult struct {
	Tips MailTips
	Err  error // why there are no Tips; as that of an [availability.Result]
}

// MailTips answers each recipient at its position (EWS reference, GetMailTips): own ones from one read for all, those of
// partners by asking there, on behalf of own users only. An error refuses the whole request.
func (s *Service) MailTips(ctx context.Context, q MailTipsQuery) ([]MailTipsResult, error) {
	switch n := len(q.Recipients); {
	case n == 0:
		return nil, fault.New(fault.InvalidRequest, "There is no recipient.")
	case n > MaxMailTipsRecipients:
		return nil, fault.New(fault.InvalidRequest, "There are %d recipients; the maximum is %d.", n, MaxMailTipsRecipients)
	}
	allowed, scope, err := s.mailTipsFor(ctx, q.Requester)
	if err != nil {
		return nil, err
	}
	q.Recipients = slices.Clone(q.Recipients)
	out := make([]MailTipsResult, len(q.Recipients))
	foreign := fanout.People{}
	var own []int
	for i, r := range q.Recipients {
		if r.Address.IsZero() {
			out[i].Err = notSMTP(r)
			continue
		}
		ours, err := s.Organization.OwnDomain(ctx, r.Address.Domain())
		switch {
		case err != nil:
			return nil, fault.Because(fault.ServerBusy, err)
		case ours:
			own = append(own, i)
		case q.Requester.External:
			out[i].Err = notForwarded(r)
		default:
			foreign[r.Address.Domain()] = append(foreign[r.Address.Domain()], i)
		}
	}
	if len(own) > 0 {
		t := tipping{Service: s, q: q, asked: q.Requested & allowed, scope: scope, out: out}
		for i, to := range t.own(ctx, own) {
			q.Recipients[i].Address, q.Recipients[i].Raw = to, to.String()
			foreign[to.Domain()] = append(foreign[to.Domain()], i)
		}
	}
	if len(foreign) > 0 {
		s.askMailTips(ctx, q, foreign, out)
	}
	return out, nil
}

// mailTipsFor is what the requester may be told at all, and the group whose members alone it is told of.
func (s *Service) mailTipsFor(ctx context.Context, r orgrel.Requester) (allowed MailTipTypes, scope smtpaddr.Address, err error) {
	if !r.External {
		return AllMailTips, scope, nil
	}
	rel, err := s.granting(ctx, r, "MailTips", fault.MailTipsDisabled, func(rel *orgrel.OrganizationRelationship) string {
		if tipsAt(rel.GrantsMailTips()) == 0 {
			return ""
		}
		return "MailTipsAccessLevel " + rel.GrantsMailTips()
	})
	if err != nil {
		return 0, scope, err
	}
	return tipsAt(rel.GrantsMailTips()), rel.MailTipsAccessScope, nil
}

// tipsAt are the MailTips of a MailTipsAccessLevel.
func tipsAt(level string) MailTipTypes {
	switch level {
	case orgrel.MailTipsLimited:
		return LimitedMailTips
	case orgrel.MailTipsAll:
		return AllMailTips
	}
	return 0
}

// askMailTips asks each partner once for its people.
func (s *Service) askMailTips(ctx context.Context, q MailTipsQuery, foreign fanout.People, out []MailTipsResult) {
	s.partners(mailTipsUsable, func(at []int, err error) {
		for _, i := range at {
			out[i] = MailTipsResult{Err: err}
		}
	}, func(ctx context.Context, rel *orgrel.OrganizationRelationship, at []int) (func(), error) {
		sub := q
		sub.Recipients = make([]Addressee, len(at))
		for k, i := range at {
			sub.Recipients[k] = q.Recipients[i]
		}
		results, err := s.Remote.GetMailTips(ctx, rel, sub)
		if err == nil && len(results) != len(at) {
			err = fault.New(fault.ProxyRequestFailed, "Proxy web request failed. , inner exception: the partner answered %d recipients of %d", len(results), len(at))
		}
		return func() {
			for k, i := range at {
				out[i] = results[k]
			}
		}, err
	}).Run(ctx, foreign)
}

// mailTipsUsable tells that MailTips are switched off by that name; what else is wrong with the relationship is for its
// administrator.
func mailTipsUsable(rel *orgrel.OrganizationRelationship) error {
	err := rel.UsableForMailTips()
	if err != nil && rel.Enabled && !rel.MailTipsAccessEnabled {
		return fault.Because(fault.MailTipsDisabled, err)
	}
	return err
}

// notSMTP is the error of a recipient that is no SMTP address, with the sentences of free/busy.
func notSMTP(r Addressee) error {
	return fault.New(fault.InvalidSMTPAddress, "E-mail address <%s>SMTP:%s is not a valid SMTP address.", r.Name, r.Raw)
}

// notForwarded is the error of a recipient elsewhere whom a partner asks us about.
func notForwarded(r Addressee) error {
	return &fault.Error{Kind: fault.ProxyRequestNotAllowed, Cause: errors.New("an external request is never forwarded"),
		Message: fmt.Sprintf("The cross-organization request for mailbox <%s>SMTP:%s is not allowed because the requester is from a different organization", r.Name, r.Address)}
}
