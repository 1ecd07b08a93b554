package ews

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Directory is the organization's address book, as [directory.Service] is one. The kinds of its errors that a mailbox can
// have become part of an answer, all others a fault.
type Directory interface {
	Resolve(ctx context.Context, text string, limit int) (list []directory.Entry, more bool, err error)
	Expand(ctx context.Context, name string) ([]directory.Entry, error)
	RoomLists(ctx context.Context) ([]directory.Entry, error)
	Rooms(ctx context.Context, list string) ([]directory.Entry, error)
	Oof(ctx context.Context, who orgrel.Requester, of smtpaddr.Address) (*directory.OofSettings, error)
	SetOof(ctx context.Context, who orgrel.Requester, of smtpaddr.Address, settings directory.OofSettings) error
	MailTipsConfiguration(ctx context.Context) (directory.MailTipsConfiguration, error)
}

// inAnswer returns the failure that the answer tells of, nil where there is none; err where the request is refused.
func inAnswer(ctx context.Context, err error) (*fault.Error, error) {
	if err == nil {
		return nil, nil
	}
	f := fault.As(err)
	if f.Kind.Row().HTTP != http.StatusOK {
		return nil, err
	}
	record.From(ctx).Set(slog.String("code", f.Kind.Row().Name), slog.String("cause", f.Error()))
	return f, nil
}

// appendStatus opens an element of a ResponseMessageType and writes whether it is a success (f is nil) or an error. The
// element may be a name with attributes behind it.
func appendStatus(dst []byte, element string, f *fault.Error) []byte {
	if f == nil {
		dst = append(append(dst, '<'), element...)
		return append(dst, ` ResponseClass="Success"><ResponseCode>NoError</ResponseCode>`...)
	}
	return appendFailure(dst, element, "Error", f)
}

// appendFailure opens an element of a ResponseMessageType of the class Error or Warning.
func appendFailure(dst []byte, element, class string, f *fault.Error) []byte {
	return appendProblem(dst, element, class, f.Text(), ResponseCode(f))
}

func appendProblem(dst []byte, element, class, text, code string) []byte {
	dst = append(dst, "<"+element+` ResponseClass="`+class+`"><MessageText>`...)
	dst = xmlsec.AppendText(dst, text)
	return append(dst, "</MessageText><ResponseCode>"+code+"</ResponseCode><DescriptiveLinkKey>0</DescriptiveLinkKey>"...)
}

// appendRange writes the paging attributes of a whole list, or of the beginning of one.
func appendRange(dst []byte, n int, more bool) []byte {
	return attr(attr(dst, "TotalItemsInView", strconv.Itoa(n)), "IncludesLastItemInRange", strconv.FormatBool(!more))
}

// appendEntry writes an EmailAddressType.
func appendEntry(dst []byte, name string, e directory.Entry) []byte {
	dst = xmlsec.AppendText(append(dst, "<t:"+name+"><t:Name>"...), e.Name)
	dst = xmlsec.AppendText(append(dst, "</t:Name><t:EmailAddress>"...), e.Address.String())
	return append(dst, "</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>"+string(e.Type)+"</t:MailboxType></t:"+name+">"...)
}

// readEmailAddress reads the name or address of an EmailAddressType; "" where it has none, or one that is not routed by SMTP.
func readEmailAddress(e xmlsec.Element) (string, error) {
	if err := order(e, nsTypes+" Name", nsTypes+" EmailAddress", nsTypes+" RoutingType", nsTypes+" MailboxType", nsTypes+" ItemId", nsTypes+" OriginalDisplayName"); err != nil {
		return "", err
	}
	address, routing := e.Child(nsTypes, "EmailAddress"), e.Child(nsTypes, "RoutingType")
	for _, c := range []xmlsec.Element{address, routing} {
		if text, err := textOf(c); err != nil || text == "" && !c.IsZero() {
			return "", soap.Schema(c, fmt.Sprintf("The element '%s' must not be empty.", c.Local()))
		}
	}
	if err := oneOf(e.Child(nsTypes, "MailboxType"), mailboxTypes...); err != nil {
		return "", err
	}
	if !smtp(routing) {
		return "", nil
	}
	return textOf(address)
}

// mailboxTypes are MailboxTypeType; they are never changed.
var mailboxTypes = []string{"Unknown", "OneOff", "Mailbox", "PublicDL", "PrivateDL", "Contact", "PublicFolder", "GroupMailbox", "ImplicitContact"}

// smtp tells whether a RoutingType is that of addresses as they are here; one that is left out is.
func smtp(routing xmlsec.Element) bool {
	text, _ := textOf(routing)
	return routing.IsZero() || strings.EqualFold(text, "SMTP")
}

// oneOf refuses an element of an enumeration that has another value; it may be left out.
func oneOf(e xmlsec.Element, values ...string) error {
	if e.IsZero() {
		return nil
	}
	text, err := textOf(e)
	if err != nil {
		return err
	}
	if !slices.Contains(values, text) {
		return soap.Schema(e, fmt.Sprintf("The value '%.60s' of %s is not known.", text, e.Local()))
	}
	return nil
}

// required finds a child that must be there.
func required(e xmlsec.Element, space, name string) (xmlsec.Element, error) {
	c := e.Child(space, name)
	if c.IsZero() {
		return c, soap.Schema(e, "The element '"+name+"' is missing.")
	}
	return c, nil
}
