package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/orgrel"
)

// TestOrganizationRelationship tests the relationship o.Partner in the steps, the words and the result objects of
// Test-OrganizationRelationship, which writes an object only for what is wrong or noteworthy. o.User is an own user. With
// o.Mailbox, a seventh step asks the partner for that person's free/busy, which Exchange's test does not do.
func TestOrganizationRelationship(ctx context.Context, o Options, say func(line string)) []TestResult {
	o.Direction = Out
	x := newExamination(o)
	p := &protocol{say: say}
	rel, err := x.relationship(ctx)
	if err != nil {
		return one(Error, "OrganizationRelationshipNotFound", "%v", err)
	}
	say(fmt.Sprintf("Begin testing for organization relationship %s, enabled state %s.", rel.Name, capital(rel.Enabled)))
	if t, err := x.FederationTrust(ctx); err == nil && t != nil {
		say(fmt.Sprintf("Exchange D-Auth Federation Authentication STS Client Identities are %s/%s;", t.TokenIssuerUri, x.namespace(ctx, t)))
	}
	p.step("STEP 1: Validating user configuration", func() (string, []TestResult) { return "", append(x.testUser(ctx), testUsable(rel)...) })
	var found discovery
	if p.step("STEP 2: Getting federation information from remote organization...", func() (_ string, r []TestResult) {
		found, r = x.testDiscovery(ctx)
		return "", r
	}) {
		p.step("STEP 3: Validating consistency in returned federation information", func() (string, []TestResult) { return "", x.testConsistency(ctx, rel, found.info) })
	}
	x.testRemote(ctx, p, rel)
	if !o.Mailbox.IsZero() {
		p.step(fmt.Sprintf("STEP 7: Requesting free/busy of %s...", o.Mailbox), func() (string, []TestResult) { return x.testFreeBusy(ctx) })
	}
	say("LAST STEP: Writing results...")
	if len(p.results) == 0 {
		say("No Significant Issues to Report")
	}
	say("COMPLETE.")
	return p.results
}

// capital writes a truth as PowerShell does.
func capital(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func testUsable(rel *orgrel.OrganizationRelationship) []TestResult {
	if err := usable(rel); err != nil {
		return one(Error, "OrganizationRelationshipNotUsable", "%v", err)
	}
	return nil
}

func (x *examination) testDiscovery(ctx context.Context) (discovery, []TestResult) {
	found, err := x.federationInformation(ctx)
	if err != nil {
		return found, one(Error, "FederationInformationNotReceived", "Federation information could not be received from the external organization. %s", tried(found.tries))
	}
	return found, nil
}

// testConsistency compares the relationship, and our gateway, with what the partner says of itself.
func (x *examination) testConsistency(ctx context.Context, rel *orgrel.OrganizationRelationship, info *autodiscover.FederationInformation) (out []TestResult) {
	t, err := x.trust(ctx)
	if err != nil {
		return one(Error, "MismatchedFederation", "%v", err)
	}
	same := func(i autodiscover.TokenIssuer) bool {
		return federation.NormalizeURI(i.Uri) == federation.NormalizeURI(t.TokenIssuerUri)
	}
	if len(info.TokenIssuers) > 0 && !slices.ContainsFunc(info.TokenIssuers, same) {
		out = append(out, result(Error, "MismatchedFederation", "Our token issuer is %s, and the remote organization's is %s.", t.TokenIssuerUri, info.TokenIssuers[0].Uri))
	}
	if federation.NormalizeURI(info.ApplicationUri) != federation.NormalizeURI(rel.TargetApplicationUri) {
		out = append(out, result(Error, "TargetApplicationUriDiffers", "The relationship has the TargetApplicationUri %q, and the remote organization's ApplicationUri is %q.", rel.TargetApplicationUri, info.ApplicationUri))
	}
	if rel.TargetAutodiscoverEpr != "" && !strings.EqualFold(secured(rel.TargetAutodiscoverEpr), info.TargetAutodiscoverEpr) {
		out = append(out, result(Warning, "TargetAutodiscoverEprDiffers", "The relationship has the TargetAutodiscoverEpr %s, and the remote organization answers at %s.", rel.TargetAutodiscoverEpr, info.TargetAutodiscoverEpr))
	}
	var unknown []string
	for _, d := range rel.DomainNames {
		if !slices.Contains(info.Domains, d) {
			unknown = append(unknown, d.String())
		}
	}
	if len(unknown) > 0 && len(info.Domains) > 1 { // one that tells only the domain it was asked about says nothing of the others
		out = append(out, result(Warning, "RelationshipDomainsAreMissingFromTheRemoteOrganization", "The relationship has domains that the remote organization does not name: %s.", list(unknown)))
	}
	if rel.TargetSharingEpr != "" {
		out = append(out, result(Warning, "AutodiscoverIsNotUsed", "TargetSharingEpr is set: lookups do not use Autodiscover."))
	}
	return out
}

// testRemote is steps 4 to 6: a token, and with it the partner's relationship with us.
func (x *examination) testRemote(ctx context.Context, p *protocol, rel *orgrel.OrganizationRelationship) {
	var tok *federation.DelegationToken
	if !p.step("STEP 4: Requesting delegation token from the STS...", func() (_ string, found []TestResult) {
		tok, found = x.testDelegation(ctx, rel)
		return "", found
	}) {
		return
	}
	p.say(fmt.Sprintf("Retrieved token for target %s for offer Name=%s,Duration=%d(secs)", rel.TargetAutodiscoverEpr, orgrel.ActionAutodiscover, int(tok.Expires.Sub(x.o.Now()).Round(time.Minute).Seconds())))
	if rel.TargetAutodiscoverEpr == "" {
		return
	}
	var theirs []autodiscover.OrganizationRelationshipSettings
	if !p.step("STEP 5: Getting organization relationship setting from remote partner...", func() (string, []TestResult) {
		var err error
		if theirs, err = x.partnerSettings(ctx); err != nil {
			return "", one(Error, "RemoteOrganizationRelationshipNotReceived", "%s", causeText(err))
		}
		return "", nil
	}) {
		return
	}
	p.step("STEP 6: Validating organization relationships returned from remote partner", func() (string, []TestResult) { return "", x.testTheirs(ctx, theirs) })
}

func (x *examination) testDelegation(ctx context.Context, rel *orgrel.OrganizationRelationship) (*federation.DelegationToken, []TestResult) {
	user, err := x.speaker(ctx)
	if err == nil && rel.TargetApplicationUri == "" {
		err = errors.New("the relationship has no TargetApplicationUri")
	}
	var tok *federation.DelegationToken
	if err == nil {
		tok, err = x.tokens.DelegationToken(ctx, federation.TokenRequest{User: user, TargetApplicationUri: rel.TargetApplicationUri, Action: orgrel.ActionAutodiscover})
	}
	if err != nil {
		return nil, one(Error, "TokenRequest", "Failed to request delegation token. %s", causeText(err))
	}
	return tok, nil
}

// testTheirs compares what the partner has set for us with what we are.
func (x *examination) testTheirs(ctx context.Context, theirs []autodiscover.OrganizationRelationshipSettings) (out []TestResult) {
	if len(theirs) == 0 {
		return one(Error, "RemoteOrganizationRelationshipIsMissing", "The remote organization has no organization relationship with our domains.")
	}
	if v := checkMirror(ctx, x); v.severity == Warn {
		out = append(out, result(Warning, "LocalFederatedDomainsAreMissingFromTheRemoteOrganizationRelationsipDomains", "%s", v.evidence)) // the identifier is spelt so
	}
	t, err := x.trust(ctx)
	if err != nil {
		return out
	}
	for _, s := range theirs {
		if !s.FreeBusyAccessEnabled || s.FreeBusyAccessLevel == orgrel.None.String() {
			out = append(out, result(Warning, "RemoteOrganizationRelationshipGrantsNothing", "The remote relationship %q: FreeBusyAccessEnabled %s, FreeBusyAccessLevel %s.", s.Name, capital(s.FreeBusyAccessEnabled), s.FreeBusyAccessLevel))
		}
		if s.TargetApplicationUri != "" && federation.NormalizeURI(s.TargetApplicationUri) != federation.NormalizeURI(t.ApplicationUri) {
			out = append(out, result(Warning, "RemoteTargetApplicationUriDiffers", "The remote relationship %q has the TargetApplicationUri %q, and our ApplicationUri is %q.", s.Name, s.TargetApplicationUri, t.ApplicationUri))
		}
	}
	return out
}

// testFreeBusy goes the whole way of a lookup.
func (x *examination) testFreeBusy(ctx context.Context) (string, []TestResult) {
	w := x.outbound(ctx)
	if w.unbegun != nil {
		return "", one(Error, "FreeBusy", "%v", w.unbegun)
	}
	if l, id, broken := w.broken(); broken {
		return "", one(Error, "FreeBusy", "%s (availd doctor: %s)", l, id)
	}
	return " " + w.String(), nil
}
