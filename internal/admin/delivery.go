package admin

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/smtpaddr"
)

// DeliveryParams are what senders are told of a mailbox or group before they send, under Exchange's names (Set-Mailbox,
// Set-DistributionGroup).
type DeliveryParams struct {
	MailTip                            *string // a line of text, shown as it is
	MaxReceiveSize                     *int64  // bytes; 0: unlimited
	MailboxFull                        *bool   // of a mailbox
	ModerationEnabled                  *bool
	RequireSenderAuthenticationEnabled *bool
	AcceptMessagesOnlyFrom             *[]smtpaddr.Address // own mailboxes and contacts; empty: everybody
}

// maxMailTip is how many characters of a custom MailTip are shown (Set-Mailbox -MailTip).
const maxMailTip = 175

func (a *Admin) applyDelivery(ctx context.Context, d *mailbox.Delivery, p DeliveryParams) error {
	if p.MailTip != nil {
		switch tip := *p.MailTip; {
		case strings.ContainsAny(tip, "\r\n"):
			return fault.New(fault.Invalid, "a MailTip is one line")
		case utf8.RuneCountInString(tip) > maxMailTip:
			return fault.New(fault.Invalid, "a MailTip has at most %d characters, and this one %d", maxMailTip, utf8.RuneCountInString(tip))
		}
	}
	if p.AcceptMessagesOnlyFrom != nil {
		senders, err := a.senders(ctx, *p.AcceptMessagesOnlyFrom)
		if err != nil {
			return err
		}
		d.AcceptMessagesOnlyFrom = senders
	}
	set(&d.MailTip, p.MailTip)
	set(&d.MaxReceiveSize, p.MaxReceiveSize)
	set(&d.MailboxFull, p.MailboxFull)
	set(&d.ModerationEnabled, p.ModerationEnabled)
	set(&d.RequireSenderAuthenticationEnabled, p.RequireSenderAuthenticationEnabled)
	return nil
}

// senders are the primary addresses of senders. It refuses who is nobody, and groups, which Exchange has under another
// parameter.
func (a *Admin) senders(ctx context.Context, named []smtpaddr.Address) ([]smtpaddr.Address, error) {
	list, err := a.Store.Recipients(ctx, named, smtpaddr.Address{})
	if err != nil {
		return nil, problem(err)
	}
	var out []smtpaddr.Address
	for i, r := range list {
		switch {
		case r.Mailbox != nil:
			out = append(out, r.Mailbox.Address)
		case r.Contact != nil:
			out = append(out, r.Contact.Address)
		case r.Group != nil:
			return nil, fault.New(fault.Invalid, "%s is a group; name the senders in it", named[i])
		default:
			return nil, fault.New(fault.NotFound, "sender %s: not found", named[i])
		}
	}
	return out, nil
}

// ParseResourceType reads what a mailbox is: Room, Equipment, or Regular for a person.
func ParseResourceType(s string) (mailbox.ResourceType, error) {
	const regular mailbox.ResourceType = "Regular"
	t, err := oneOf(s, mailbox.Room, mailbox.Equipment, regular)
	if t == regular {
		t = mailbox.Person
	}
	return t, err
}

// oneOf finds s among the values, without regard to case.
func oneOf[T ~string](s string, values ...T) (T, error) {
	var names []string
	for _, v := range values {
		if strings.EqualFold(s, string(v)) {
			return v, nil
		}
		names = append(names, string(v))
	}
	return "", fmt.Errorf("%q is not one of %s", s, strings.Join(names, ", "))
}

// units are those of a size, each 1024 times the one before.
var units = [...]string{"B", "KB", "MB", "GB", "TB"}

var size = regexp.MustCompile(`(?i)^([0-9]{1,15})\s*([KMGT]?B)?(\s*\(.*\))?$`)

// ParseSize reads a size as Exchange takes and prints it (10MB, "10 MB (10,485,760 bytes)", 10485760, Unlimited), in
// bytes; unlimited is 0.
func ParseSize(s string) (int64, error) {
	if s == "" || strings.EqualFold(s, "unlimited") {
		return 0, nil
	}
	m := size.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, fmt.Errorf("%q is no size such as 10MB or unlimited", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	factor := int64(1)
	for _, u := range units {
		if m[2] == "" || strings.EqualFold(m[2], u) {
			break
		}
		factor *= 1024
	}
	if err != nil || n == 0 || n > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is no size such as 10MB or unlimited", s)
	}
	return n * factor, nil
}

// FormatSize writes a size as Exchange does.
func FormatSize(bytes int64) string {
	if bytes == 0 {
		return "Unlimited"
	}
	value, unit := float64(bytes), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	digits := strconv.FormatInt(bytes, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return fmt.Sprintf("%s %s (%s bytes)", strconv.FormatFloat(math.Round(value*1000)/1000, 'f', -1, 64), units[unit], digits)
}
