package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/orgrel"
)

func relationshipChecks() []check {
	return []check{
		{id: "REL-01", title: "An organization relationship has the domain", direction: Out,
			cause: "No organization relationship lists the domain of the address. Where a contact stands for the person, it is the domain of its target address that counts. Subdomains are not covered.",
			fix:   "availd orgrel create NAME --from-discovery DOMAIN, or availd orgrel set NAME --add-domain DOMAIN.",
			run:   checkListed},
		{id: "REL-02", title: "The relationship lets us ask", direction: Out,
			cause: "The relationship, or its free/busy access, is switched off. Exchange tells its users then that it is unable to resolve the e-mail address to an Active Directory object.",
			fix:   "availd orgrel set NAME --enabled --free-busy-access.",
			run:   checkEnabled},
		{id: "REL-03", title: "The relationship says where the partner is", direction: Out,
			cause: "TargetApplicationUri is empty, or both TargetAutodiscoverEpr and TargetSharingEpr are.",
			fix:   "availd orgrel refresh NAME --apply, or set them by hand with availd orgrel set.",
			run:   checkComplete},
		{id: "REL-07", title: "The relationship is what the partner says of itself", direction: Both,
			cause: "The relationship is a copy of what the partner told once, and the partner has changed since.",
			fix:   "availd orgrel refresh NAME shows the drift, availd orgrel refresh NAME --apply takes it.",
			run:   checkDrift},
	}
}

func checkListed(ctx context.Context, x *examination) verdict {
	rel, err := x.relationship(ctx)
	switch {
	case err != nil && fault.KindOf(err) == fault.AddressSpaceNotFound:
		return fail("%s", fault.As(err).Text())
	case err != nil:
		return skip("%s", fault.As(err).Text())
	}
	if d, ok := x.partnerDomain(ctx); ok && !rel.Covers(d) {
		return fail("organization relationship %q has %s and not %s", rel.Name, domains(rel), d)
	}
	return pass("organization relationship %q has %s", rel.Name, domains(rel))
}

func domains(rel *orgrel.OrganizationRelationship) string {
	names := make([]string, len(rel.DomainNames))
	for i, d := range rel.DomainNames {
		names[i] = d.String()
	}
	return list(names)
}

// withRelationship is a check of the relationship's own properties.
func withRelationship(f func(rel *orgrel.OrganizationRelationship) verdict) func(context.Context, *examination) verdict {
	return func(ctx context.Context, x *examination) verdict {
		rel, err := x.relationship(ctx)
		if err != nil {
			return skip("%s", fault.As(err).Text())
		}
		return f(rel)
	}
}

func checkEnabled(ctx context.Context, x *examination) verdict {
	return withRelationship(func(rel *orgrel.OrganizationRelationship) verdict {
		if !rel.Enabled || !rel.FreeBusyAccessEnabled {
			return fail("organization relationship %q: Enabled %t, FreeBusyAccessEnabled %t", rel.Name, rel.Enabled, rel.FreeBusyAccessEnabled)
		}
		return pass("organization relationship %q: Enabled, FreeBusyAccessEnabled", rel.Name)
	})(ctx, x)
}

func checkComplete(ctx context.Context, x *examination) verdict {
	return withRelationship(func(rel *orgrel.OrganizationRelationship) verdict {
		if rel.AccessMethod == orgrel.OrgWideFB {
			if rel.OrgWideUser == "" || rel.OrgWidePassword == "" {
				return fail("organization relationship %q: AccessMethod OrgWideFB without OrgWideUser and its password", rel.Name).but("availd orgrel set %q --org-wide-user USER and the password", rel.Name)
			}
			return pass("AccessMethod OrgWideFB as %s", rel.OrgWideUser)
		}
		if rel.TargetApplicationUri == "" || rel.TargetAutodiscoverEpr == "" && rel.TargetSharingEpr == "" {
			return fail("organization relationship %q: TargetApplicationUri %q, TargetAutodiscoverEpr %q, TargetSharingEpr %q", rel.Name, rel.TargetApplicationUri, rel.TargetAutodiscoverEpr, rel.TargetSharingEpr)
		}
		if rel.TargetSharingEpr != "" {
			return pass("TargetApplicationUri %s; TargetSharingEpr %s, so Autodiscover is not asked", rel.TargetApplicationUri, rel.TargetSharingEpr)
		}
		return pass("TargetApplicationUri %s, TargetAutodiscoverEpr %s", rel.TargetApplicationUri, rel.TargetAutodiscoverEpr)
	})(ctx, x)
}

// checkDrift fails where the copy leads to nowhere: a token for another name, or a way that is broken.
func checkDrift(ctx context.Context, x *examination) verdict {
	rel, err := x.relationship(ctx)
	if err != nil {
		return skip("%s", fault.As(err).Text())
	}
	found, err := x.federationInformation(ctx)
	if err != nil {
		return skip("the partner does not tell: %s", tried(found.tries))
	}
	if rel.TargetApplicationUri != "" && federation.NormalizeURI(found.info.ApplicationUri) != federation.NormalizeURI(rel.TargetApplicationUri) {
		return fail("TargetApplicationUri is %q, and the partner says %q", rel.TargetApplicationUri, found.info.ApplicationUri)
	}
	if rel.TargetAutodiscoverEpr == "" || strings.EqualFold(secured(rel.TargetAutodiscoverEpr), found.info.TargetAutodiscoverEpr) {
		return pass("the partner says %q and %s", found.info.ApplicationUri, found.info.TargetAutodiscoverEpr)
	}
	drift := fmt.Sprintf("TargetAutodiscoverEpr is %s, and the partner answers at %s", rel.TargetAutodiscoverEpr, found.info.TargetAutodiscoverEpr)
	if x.o.Direction&Out == 0 {
		return warn("%s", drift)
	}
	if l, _, broken := x.outbound(ctx).broken(); broken && l.place == atAutodiscover {
		return fail("%s; %s", drift, l)
	}
	return warn("%s", drift)
}

func accessChecks() []check {
	return []check{
		{id: "REL-06", title: "The address belongs to the partner itself", direction: Both,
			cause: "The address is of a third organization, and a request of a partner is never forwarded.",
			fix:   "Make an organization relationship with the organization to which the address belongs, and ask for the address there.",
			run:   symptom("REL-06", atAutodiscover, atEWS)},
		{id: "REL-05", title: "The users concerned are those whom the relationship is for", direction: Both,
			cause: "One user works and another does not: membership in FreeBusyAccessScope, or the domain of the address under which the user asks.",
			fix:   "availd group set of the scope, or the domain of the users in the partner's DomainNames.",
			run:   checkScope},
		{id: "REL-04", title: "The one who is asked grants free/busy", direction: Both,
			cause: "The target grants nothing: the caller's domain is in no enabled relationship there, its level is None, or the owner's Default permission is None.",
			fix:   "The target's administrator: availd explain --as USER --mailbox MAILBOX tells which step cuts.",
			run:   checkGranted},
	}
}

// explained is the decision path for a partner's user and one of our mailboxes: the step that cuts, and how.
func (x *examination) explained(ctx context.Context) (step, path string, known bool) {
	if x.o.Direction&In == 0 || x.o.User.IsZero() || x.o.Mailbox.IsZero() || !x.owns(ctx, x.o.Mailbox.Domain()) {
		return "", "", false
	}
	findings, err := (&admin.Admin{Store: x.o.Store, Now: x.o.Now}).Explain(ctx, x.o.User, x.o.Mailbox)
	if err != nil || len(findings) == 0 {
		return "", "", false
	}
	parts := make([]string, len(findings))
	for i, f := range findings {
		parts[i] = f.Step + ": " + f.Finding
	}
	if last := findings[len(findings)-1]; strings.HasPrefix(last.Finding, "None:") && len(findings) > 1 {
		step = findings[len(findings)-2].Step
	}
	return step, strings.Join(parts, "; "), true
}

func checkScope(ctx context.Context, x *examination) verdict {
	if step, path, known := x.explained(ctx); known {
		if step == "scope" {
			return fail("%s", path)
		}
		return pass("%s", path)
	}
	if x.o.Direction&Out == 0 {
		return skip("no partner's user and own mailbox were named")
	}
	theirs, err := x.partnerSettings(ctx)
	if err != nil {
		return skip("the partner's relationships are not known: %s", causeText(err))
	}
	user, err := x.speaker(ctx)
	if err != nil {
		return skip("%v", err)
	}
	for _, s := range theirs {
		if slices.Contains(s.DomainNames, user.Domain()) {
			return pass("the partner's relationship %q has %s", s.Name, user.Domain())
		}
	}
	return skip("the partner tells of no relationship with %s", user.Domain())
}

func checkGranted(ctx context.Context, x *examination) verdict {
	if step, path, known := x.explained(ctx); known && step != "scope" {
		if step != "" {
			return fail("%s", path)
		}
		return pass("%s", path)
	}
	if v := x.look(ctx, "REL-04", atEWS); v.severity == Fail || x.o.Direction == Out && v.severity == Skip {
		return v
	}
	if x.o.Direction&Out != 0 {
		if v, told := x.partnerGrants(ctx); told {
			return v
		}
	}
	if x.o.Direction&In == 0 {
		return pass("the partner answered")
	}
	return withRelationship(func(rel *orgrel.OrganizationRelationship) verdict {
		if rel.Grants() == orgrel.None {
			return fail("our relationship %q grants its partner nothing: Enabled %t, FreeBusyAccessEnabled %t, FreeBusyAccessLevel %s", rel.Name, rel.Enabled, rel.FreeBusyAccessEnabled, rel.FreeBusyAccessLevel).but("availd orgrel set %q --enabled --free-busy-access --free-busy-access-level LimitedDetails", rel.Name)
		}
		return pass("our relationship %q grants its partner %s", rel.Name, rel.Grants())
	})(ctx, x)
}

// partnerGrants fails where the partner's own settings grant us nothing.
func (x *examination) partnerGrants(ctx context.Context) (v verdict, told bool) {
	theirs, err := x.partnerSettings(ctx)
	if err != nil {
		return v, false
	}
	if len(theirs) == 0 {
		return fail("the partner has no organization relationship with our domains"), true
	}
	for _, s := range theirs {
		if !s.FreeBusyAccessEnabled || s.FreeBusyAccessLevel == orgrel.None.String() {
			return fail("the partner's relationship %q: FreeBusyAccessEnabled %t, FreeBusyAccessLevel %s", s.Name, s.FreeBusyAccessEnabled, s.FreeBusyAccessLevel), true
		}
	}
	return v, false
}

// checkMirror compares the partner's relationship with ourselves.
func checkMirror(ctx context.Context, x *examination) verdict {
	theirs, err := x.partnerSettings(ctx)
	if err != nil {
		return skip("the partner's relationships are not known: %s", causeText(err))
	}
	org, err := x.Organization(ctx)
	if err != nil {
		return skip("%v", err)
	}
	var missing []string
	for _, d := range org.Domains {
		covered := false
		for _, s := range theirs {
			covered = covered || slices.Contains(s.DomainNames, d)
		}
		if !covered {
			missing = append(missing, d.String())
		}
	}
	if len(missing) > 0 {
		return warn("There are locally federated domains that aren't present in the list of domains for the remote organization relationship object: %s", list(missing))
	}
	return pass("the partner's relationship has all of our domains")
}
