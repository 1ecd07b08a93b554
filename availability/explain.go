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
	External           bool                             // the requester's domain is not ours
	OwnDomain          bool                             // the mailbox's domain is ours
	Relationship       *orgrel.OrganizationRelationship // of the partner that asks or is asked; nil without one
	Calendar           mailbox.Calendar
}

// Finding is one step of a decision.
type Finding struct {
	Step    string `json:"Step"`
	Finding string `json:"Finding"`
}

// explanation collects findings; level is what is left of the access so far.
type explanation struct {
	findings []Finding
	level    orgrel.AccessLevel
}

func (e *explanation) add(step, format string, args ...any) {
	e.findings = append(e.findings, Finding{step, fmt.Sprintf(format, args...)})
}

// refuse adds the step that ends the decision and the answer that the requester gets.
func (e *explanation) refuse(code, step, format string, args ...any) []Finding {
	e.add(step, format, args...)
	e.add("effective level", "None: %s", code)
	return e.findings
}

// Explain walks the decision of [Service.GetUserAvailability] and says what each step gives and which one cuts. It ends at
// the step that refuses.
func Explain(in ExplainInput) []Finding {
	e := &explanation{level: orgrel.LimitedDetails}
	if !in.OwnDomain {
		return e.foreign(in)
	}
	if in.External {
		r := in.Relationship
		switch {
		case r == nil:
			return e.refuse("ErrorNoFreeBusyAccess", "organization relationship", "none has the domain %s", in.Requester.Domain())
		case r.Grants() == orgrel.None:
			return e.refuse("ErrorNoFreeBusyAccess", "organization relationship", "%q: Enabled %t, FreeBusyAccessEnabled %t, FreeBusyAccessLevel %s", r.Name, r.Enabled, r.FreeBusyAccessEnabled, r.FreeBusyAccessLevel)
		}
		e.level = r.Grants()
		e.add("organization relationship", "%q grants %s", r.Name, e.level)
	} else {
		e.add("requester", "one of our own users")
	}
	return e.local(in)
}

// foreign is the part of a decision about a mailbox that is not ours: whom it would be asked of.
func (e *explanation) foreign(in ExplainInput) []Finding {
	if in.External {
		return e.refuse("ErrorProxyRequestNotAllowed", "domain", "%s is not one of our domains, and a partner's request is never forwarded", in.Mailbox.Domain())
	}
	switch r := in.Relationship; {
	case r == nil:
		return e.refuse("ErrorAddressSpaceNotFound", "domain", "%s is not one of our domains, and no organization relationship has it", in.Mailbox.Domain())
	case r.Usable() != nil:
		return e.refuse("ErrorMailRecipientNotFound", "organization relationship", "%v", r.Usable())
	default:
		e.add("organization relationship", "%q has the domain %s", r.Name, in.Mailbox.Domain())
		e.add("effective level", "decided by the partner, who is asked")
	}
	return e.findings
}

// local is the part that the mailbox decides; the order is that of [Service.answer].
func (e *explanation) local(in ExplainInput) []Finding {
	c := in.Calendar
	if c.Contact != nil && !in.External {
		e.add("contact", "%s stands for %s", in.Mailbox, c.Contact.Target)
		in.Mailbox = c.Contact.Target
		return e.foreign(in)
	}
	if c.Group != nil {
		return e.group(in)
	}
	if !c.Found && c.Contact == nil {
		code := "ErrorMailRecipientNotFound"
		if in.External {
			code = "ErrorNoFreeBusyAccess"
		}
		return e.refuse(code, "mailbox", "%s is not known", in.Mailbox)
	}
	if c.Contact == nil {
		e.add("mailbox", "%s", c.Mailbox.Address)
	}
	if in.External && !in.Relationship.FreeBusyAccessScope.IsZero() {
		if !c.InScope {
			return e.refuse("ErrorNoFreeBusyAccess", "scope", "cut by FreeBusyAccessScope: not a member of %s", in.Relationship.FreeBusyAccessScope)
		}
		e.add("scope", "a member of %s", in.Relationship.FreeBusyAccessScope)
	} else if in.External {
		e.add("scope", "everyone")
	}
	if c.Contact != nil {
		return e.refuse("ErrorProxyRequestNotAllowed", "contact", "%s is a contact, and a partner's request is never forwarded", in.Mailbox)
	}
	switch own, by := ownerGrants(orgrel.Requester{Address: in.Requester, External: in.External}, c); {
	case own == orgrel.None:
		return e.refuse("ErrorNoFreeBusyAccess", "calendar permission", "cut by %s", by)
	case own < e.level:
		e.add("calendar permission", "cut by %s", by)
		e.level = own
	case e.level < own:
		e.add("calendar permission", "cut by the relationship's FreeBusyAccessLevel; the owner would show %s", own)
	default:
		e.add("calendar permission", "%s", by)
	}
	if c.Err != nil {
		return e.refuse("ErrorFreeBusyGenerationFailed", "calendar", "cannot be read: %v", c.Err)
	}
	e.add("effective level", "%s", e.level)
	return e.findings
}

// group is the part of a decision about a group: each member is decided by itself.
func (e *explanation) group(in ExplainInput) []Finding {
	c, most := in.Calendar, DefaultLimits().Members
	members, unexpanded, ok := expand(c.Group, c.Nested, most)
	if !ok {
		code := "ErrorFreeBusyDLLimitReached"
		if in.External && !in.Relationship.FreeBusyAccessScope.IsZero() {
			code = "ErrorNoFreeBusyAccess"
		}
		return e.refuse(code, "group", "%s has more than %d members", c.Group.Address, most)
	}
	e.add("group", "%s has %d members, and %d groups that are too big to look into; each member is decided by itself", c.Group.Address, len(members), unexpanded)
	e.add("effective level", "merged data only, of the members that may be seen")
	return e.findings
}
