package ews

import (
	"context"
	"slices"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/xmlsec"
)

// GetMailTips asks what a sender is told of recipients before she writes: the address of q.Requester is the sender, of each
// recipient the Address is sent, and at most [directory.MaxMailTipsRecipients] of them may be asked. The answers have the
// recipients' positions; what failed of one is its Err, which unwraps to an [*Error]. What the endpoint answers is checked:
// count, names, numbers. A refused request has the code ErrorMailTipsDisabled where the endpoint gives nobody's MailTips to the
// sender's organization.
func (c *Client) GetMailTips(ctx context.Context, q directory.MailTipsQuery) ([]directory.MailTipsResult, error) {
	r, err := c.ask(ctx, "GetMailTips", mailTipsRequest(q))
	if err != nil {
		return nil, err
	}
	if err := succeeded(r); err != nil {
		return nil, err
	}
	rows, err := messagesIn(r, "MailTipsResponseMessageType", len(q.Recipients))
	if err != nil {
		return nil, err
	}
	return each(rows, func(err *Error) directory.MailTipsResult { return directory.MailTipsResult{Err: remoteError(err)} },
		func(m xmlsec.Element) (res directory.MailTipsResult, err error) {
			res.Tips, err = readTips(m.Child(nsMessages, "MailTips"))
			return res, err
		})
}

func mailTipsRequest(q directory.MailTipsQuery) []byte {
	mailbox := func(dst []byte, address string) []byte {
		dst = xmlsec.AppendText(append(dst, "<t:EmailAddress>"...), address)
		return append(dst, "</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>"...)
	}
	dst := append(openRequest("GetMailTips", ""), "<m:SendingAs>"...)
	dst = append(mailbox(dst, q.Requester.Address.String()), "</m:SendingAs><m:Recipients>"...)
	for _, r := range q.Recipients {
		dst = append(mailbox(append(dst, "<t:Mailbox>"...), r.Address.String()), "</t:Mailbox>"...)
	}
	dst = append(dst, "</m:Recipients><m:MailTipsRequested>"...)
	return append(appendMailTipTypes(dst, q.Requested), "</m:MailTipsRequested></m:GetMailTips>"...)
}

func readTips(e xmlsec.Element) (tips directory.MailTips, err error) {
	if e.IsZero() {
		return tips, lie("a recipient has no MailTips")
	}
	if pending := e.Child(nsTypes, "PendingMailTips"); !pending.IsZero() {
		if tips.Pending, err = readMailTipTypes(pending); err != nil {
			return tips, err
		}
	}
	if tips.OutOfOffice, err = readOofTip(e.Child(nsTypes, "OutOfOffice")); err != nil {
		return tips, err
	}
	if tips.CustomMailTip, err = textOf(e.Child(nsTypes, "CustomMailTip")); err != nil {
		return tips, err
	}
	for name, into := range map[string]**bool{"MailboxFull": &tips.MailboxFull, "DeliveryRestricted": &tips.DeliveryRestricted, "IsModerated": &tips.IsModerated, "InvalidRecipient": &tips.InvalidRecipient} {
		if *into, err = readFlag(e.Child(nsTypes, name)); err != nil {
			return tips, err
		}
	}
	var size *int
	for name, into := range map[string]**int{"TotalMemberCount": &tips.TotalMemberCount, "ExternalMemberCount": &tips.ExternalMemberCount, "MaxMessageSize": &size} {
		if *into, err = readCount(e.Child(nsTypes, name)); err != nil {
			return tips, err
		}
	}
	if size != nil {
		tips.MaxMessageSize = int64(*size)
	}
	return tips, nil
}

// readFlag reads a boolean; nil where there is none.
func readFlag(e xmlsec.Element) (*bool, error) {
	if e.IsZero() {
		return nil, nil
	}
	text, err := textOf(e)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"true", "false", "1", "0"}, text) {
		return nil, lie("%s is %.20q", e.Local(), text)
	}
	return new(isTrue(e)), nil
}

// readCount reads a number that is not negative; nil where there is none.
func readCount(e xmlsec.Element) (*int, error) {
	if e.IsZero() {
		return nil, nil
	}
	n, err := readInt(e)
	if err != nil {
		return nil, err
	}
	if n < 0 {
		return nil, lie("%s is %d", e.Local(), n)
	}
	return &n, nil
}

func readOofTip(e xmlsec.Element) (*directory.OofTip, error) {
	if e.IsZero() {
		return nil, nil
	}
	tip := &directory.OofTip{}
	var err error
	if tip.Reply, err = readReply(e.Child(nsTypes, "ReplyBody")); err != nil {
		return nil, err
	}
	if d := e.Child(nsTypes, "Duration"); !d.IsZero() {
		if tip.Start, tip.End, err = readSpan(d); err != nil {
			return nil, err
		}
	}
	return tip, nil
}
