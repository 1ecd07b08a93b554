package ews

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
)

// Recipients tells senders of those whom they write to.
type Recipients interface {
	MailTips(ctx context.Context, q directory.MailTipsQuery) ([]directory.MailTipsResult, error)
	UserPhoto(ctx context.Context, q directory.PhotoQuery) (*directory.Picture, error)
}

// mailTipNames are the tips by the schema's names, in its order.
var mailTipNames = []struct {
	name string
	tip  directory.MailTipTypes
}{
	{"OutOfOfficeMessage", directory.OutOfOfficeMessage}, {"MailboxFullStatus", directory.MailboxFullStatus}, {"CustomMailTip", directory.CustomMailTip},
	{"ExternalMemberCount", directory.ExternalMemberCount}, {"TotalMemberCount", directory.TotalMemberCount}, {"MaxMessageSize", directory.MaxMessageSize},
	{"DeliveryRestriction", directory.DeliveryRestriction}, {"ModerationStatus", directory.ModerationStatus}, {"InvalidRecipient", directory.InvalidRecipient},
	// Known and never told: nobody has them here.
	{"Scope", 0}, {"RecipientSuggestions", 0}, {"PreferAccessibleContent", 0},
}

// readMailTipTypes reads a list of the schema's names.
func readMailTipTypes(e xmlsec.Element) (tips directory.MailTipTypes, err error) {
	text, err := textOf(e)
	if err != nil {
		return 0, err
	}
	known := map[string]directory.MailTipTypes{"All": directory.AllMailTips}
	for _, n := range mailTipNames {
		known[n.name] = n.tip
	}
	for name := range strings.FieldsSeq(text) {
		tip, ok := known[name]
		if !ok {
			return 0, soap.Schema(e, fmt.Sprintf("The MailTip '%.40s' is not known.", name))
		}
		tips |= tip
	}
	return tips, nil
}

// appendMailTipTypes writes a list of the schema's names.
func appendMailTipTypes(dst []byte, tips directory.MailTipTypes) []byte {
	var names []string
	for _, n := range mailTipNames {
		if tips&n.tip != 0 {
			names = append(names, n.name)
		}
	}
	return append(dst, strings.Join(names, " ")...)
}

// getMailTips answers m:GetMailTips (EWS reference). What senders are told is for whoever has logged in: SendingAs, who
// may be anybody, is not asked.
func (h *Handler) getMailTips(ctx context.Context, env *soap.Envelope, who orgrel.Requester) ([]byte, error) {
	q, err := readMailTips(env.Payload)
	if err != nil {
		return nil, err
	}
	q.Requester = who
	results, err := h.o.Recipients.MailTips(ctx, q)
	refusal, err := inAnswer(ctx, err)
	if err != nil {
		return nil, err
	}
	codes := map[string]int{}
	dst := appendStatus(nil, `GetMailTipsResponse xmlns="`+nsMessages+`" xmlns:t="`+nsTypes+`"`, refusal)
	if refusal != nil {
		codes[ResponseCode(refusal)] = len(q.Recipients)
	} else {
		dst = append(dst, "<ResponseMessages>"...)
		for i, r := range results {
			codes[ResponseCode(r.Err)]++
			dst = appendStatus(dst, "MailTipsResponseMessageType", fault.As(r.Err))
			if r.Err == nil {
				dst = appendMailTips(dst, q.Recipients[i], &r.Tips)
			}
			dst = append(dst, "</MailTipsResponseMessageType>"...)
		}
		dst = append(dst, "</ResponseMessages>"...)
	}
	record.From(ctx).Set(slog.Int("mailboxes", len(q.Recipients)), slog.Any("codes", codes))
	return append(dst, "</GetMailTipsResponse>"...), nil
}

func readMailTips(req xmlsec.Element) (q directory.MailTipsQuery, err error) {
	if err := order(req, nsMessages+" SendingAs", nsMessages+" Recipients", nsMessages+" MailTipsRequested"); err != nil {
		return q, err
	}
	for _, name := range []string{"SendingAs", "Recipients", "MailTipsRequested"} {
		if _, err := required(req, nsMessages, name); err != nil {
			return q, err
		}
	}
	for e := range req.Child(nsMessages, "Recipients").Children() {
		if !e.Is(nsTypes, "Mailbox") {
			return q, soap.Schema(e, "A Mailbox is expected.")
		}
		a, err := readAddressee(e)
		if err != nil {
			return q, err
		}
		q.Recipients = append(q.Recipients, a)
	}
	q.Requested, err = readMailTipTypes(req.Child(nsMessages, "MailTipsRequested"))
	return q, err
}

// readAddressee reads an EmailAddressType.
func readAddressee(e xmlsec.Element) (a directory.Addressee, err error) {
	for _, f := range []struct {
		name string
		into *string
	}{{"Name", &a.Name}, {"EmailAddress", &a.Raw}, {"RoutingType", &a.RoutingType}} {
		if *f.into, err = textOf(e.Child(nsTypes, f.name)); err != nil {
			return a, err
		}
	}
	if smtp(e.Child(nsTypes, "RoutingType")) {
		a.Address = addressee(a.Raw).Address
	}
	return a, nil
}

func appendMailTips(dst []byte, r directory.Addressee, tips *directory.MailTips) []byte {
	dst = append(dst, "<MailTips><t:RecipientAddress><t:Name>"...)
	dst = append(xmlsec.AppendText(dst, r.Name), "</t:Name><t:EmailAddress>"...)
	dst = append(xmlsec.AppendText(dst, r.Address.String()), "</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:RecipientAddress><t:PendingMailTips>"...)
	dst = append(appendMailTipTypes(dst, tips.Pending), "</t:PendingMailTips>"...)
	if tips.OutOfOffice != nil {
		dst = appendOofTip(dst, tips.OutOfOffice)
	}
	dst = appendFlag(dst, "MailboxFull", tips.MailboxFull)
	if tips.CustomMailTip != "" {
		dst = append(xmlsec.AppendText(append(dst, "<t:CustomMailTip>"...), tips.CustomMailTip), "</t:CustomMailTip>"...)
	}
	if tips.TotalMemberCount != nil {
		dst = appendInt(dst, "TotalMemberCount", *tips.TotalMemberCount)
	}
	if tips.ExternalMemberCount != nil {
		dst = appendInt(dst, "ExternalMemberCount", *tips.ExternalMemberCount)
	}
	if tips.MaxMessageSize > 0 {
		dst = appendInt(dst, "MaxMessageSize", int(min(tips.MaxMessageSize, 1<<31-1))) // xs:int
	}
	dst = appendFlag(dst, "DeliveryRestricted", tips.DeliveryRestricted)
	dst = appendFlag(dst, "IsModerated", tips.IsModerated)
	dst = appendFlag(dst, "InvalidRecipient", tips.InvalidRecipient)
	return append(dst, "</MailTips>"...)
}

func appendFlag(dst []byte, name string, value *bool) []byte {
	if value == nil {
		return dst
	}
	return append(strconv.AppendBool(append(dst, "<t:"+name+">"...), *value), "</t:"+name+">"...)
}

// appendOofTip writes an automatic reply; the empty message says that there is none.
func appendOofTip(dst []byte, tip *directory.OofTip) []byte {
	dst = appendReply(append(dst, "<t:OutOfOffice>"...), "ReplyBody", tip.Reply)
	if !tip.End.IsZero() {
		dst = appendSpan(dst, tip.Start, tip.End)
	}
	return append(dst, "</t:OutOfOffice>"...)
}
