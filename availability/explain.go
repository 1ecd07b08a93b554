package availability

import (
	"fmt"

	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// ExplainInput is what a decision about one mailbox depends on.
type ExplainInput struct {
	Requester, Mailbox smtpaddr.Address
	External           bool
	Relationship       *orgrel.OrganizationRelationship // of the requester's domain; nil without one
	Calendar           mailbox.Calendar
}

// Addresses is the mailbox in the form of a CalendarQuery.
func (in ExplainInput) Addresses() []smtpaddr.Address { return []smtpaddr.Address{in.Mailbox} }

// Finding is one step of a decision.
type Finding struct{ What, Finding string }

// Explain walks the decision of [Service.GetUserAvailability] and says what each step gives. It ends at the step that
// refuses.
func Explain(in ExplainInput) []Finding {
	level := orgrel.LimitedDetails
	var out []Finding
	add := func(what, format string, args ...any) { out = append(out, Finding{what, fmt.Sprintf(format, args...)}) }
	refuse := func(what, format string, args ...any) []Finding {
		add(what, format, args...)
		add("effective level", "None: ErrorNoFreeBusyAccess")
		return out
	}
	if in.External {
		switch r := in.Relationship; {
		case r == nil:
			return refuse("organization relationship", "none has the domain %s", in.Requester.Domain())
		case r.Grants() == orgrel.None:
			return refuse("organization relationship", "%q: Enabled %t, FreeBusyAccessEnabled %t, FreeBusyAccessLevel %s", r.Name, r.Enabled, r.FreeBusyAccessEnabled, r.FreeBusyAccessLevel)
		default:
			level = r.Grants()
			add("organization relationship", "%q grants %s", r.Name, level)
		}
	} else {
		add("requester", "one of our own users")
	}
	if !in.Calendar.Found {
		return refuse("mailbox", "%s is not known", in.Mailbox)
	}
	add("mailbox", "%s", in.Calendar.Mailbox.Address)
	if in.External {
		if !in.Calendar.InScope {
			return refuse("scope", "not a member of %s", in.Relationship.FreeBusyAccessScope)
		}
		add("scope", "visible")
	}
	if !in.External && owns(in.Calendar.Mailbox, in.Requester) {
		add("owner", "the owner sees everything")
		return out
	}
	own := Contributes(in.Calendar.DefaultPermission)
	switch {
	case own == orgrel.None:
		return refuse("Default permission", "%s: cut by the owner's Default", in.Calendar.DefaultPermission)
	case own < level:
		add("Default permission", "%s: cut by the owner's Default", in.Calendar.DefaultPermission)
		level = own
	default:
		add("Default permission", "%s", in.Calendar.DefaultPermission)
	}
	add("effective level", "%s", level)
	return out
}
