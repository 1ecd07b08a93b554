package lab_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/doctor"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

type stepTest func(c *clinic) ([]string, []doctor.TestResult)

func federationTrust(c *clinic) (lines []string, results []doctor.TestResult) {
	results = doctor.TestFederationTrust(c.Context(), c.options, func(s string) { lines = append(lines, s) })
	return lines, results
}

func organizationRelationship(c *clinic) (lines []string, results []doctor.TestResult) {
	c.options.Partner = "contoso.example"
	results = doctor.TestOrganizationRelationship(c.Context(), c.options, func(s string) { lines = append(lines, s) })
	return lines, results
}

// hold compares the whole text, in which * stands for anything at the end of a line.
func hold(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) {
			t.Errorf("%d lines instead of %d: %q", len(got), len(want), got[min(i, len(got)):])
			return
		}
		if prefix, open := strings.CutSuffix(want[i], "*"); got[i] != want[i] && (!open || !strings.HasPrefix(got[i], prefix)) {
			t.Errorf("line %d: %q instead of %q", i+1, got[i], want[i])
		}
	}
}

func TestFederationTrustIsTestedInTheStepsThatAdministratorsKnow(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	lines, results := federationTrust(c)
	hold(t, lines, []string{"Begin process.",
		"STEP 1 of 6: Getting ADUser information for rita@fabrikam.example...", "RESULT: Success.",
		"STEP 2 of 6: Getting FederationTrust object for rita@fabrikam.example...", "RESULT: Success.",
		"STEP 3 of 6: Validating that the FederationTrust has the same STS certificates as the actual certificates published by the STS in the federation metadata.", "RESULT: Success.",
		"STEP 4 of 6: Getting STS and Organization certificates from the federation trust object...", "RESULT: Success.",
		"Validating current configuration for exchangedelegation.fabrikam.example...", "Validation successful.",
		"STEP 5 of 6: Requesting delegation token...", "RESULT: Success. Token retrieved.",
		"STEP 6 of 6: Validating delegation token...", "RESULT: Success.",
		"Closing Test-FederationTrust..."})
	var ids []string
	for _, r := range results {
		ids = append(ids, r.ID)
		if r.Outcome != doctor.Success {
			t.Errorf("%+v", r)
		}
	}
	known := []string{"FederationTrustConfiguration", "FederationMetadata", "StsCertificate", "OrganizationCertificate", "TokenRequest", "TokenValidation"}
	if !slices.Equal(ids[:min(len(ids), len(known))], known) {
		t.Errorf("result objects %v", ids)
	}
}

func TestOrganizationRelationshipIsTestedInTheStepsThatAdministratorsKnow(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	settle()
	lines, results := organizationRelationship(c)
	hold(t, lines, []string{"Begin testing for organization relationship contoso.example, enabled state True.",
		"Exchange D-Auth Federation Authentication STS Client Identities are urn:federation:lab/exchangedelegation.fabrikam.example;",
		"STEP 1: Validating user configuration", "RESULT: Success.",
		"STEP 2: Getting federation information from remote organization...", "RESULT: Success.",
		"STEP 3: Validating consistency in returned federation information", "RESULT: Success.",
		"STEP 4: Requesting delegation token from the STS...", "RESULT: Success.",
		"Retrieved token for target https://autodiscover.contoso.example/autodiscover/autodiscover.svc/WSSecurity for offer Name=MSExchange.Autodiscover,Duration=28800(secs)",
		"STEP 5: Getting organization relationship setting from remote partner...", "RESULT: Success.",
		"STEP 6: Validating organization relationships returned from remote partner", "RESULT: Success.",
		"STEP 7: Requesting free/busy of tom@contoso.example...", "RESULT: Success. token for Autodiscover *",
		"LAST STEP: Writing results...", "No Significant Issues to Report", "COMPLETE."})
	if len(results) != 0 {
		t.Errorf("%+v", results)
	}
}

// A step's text once said Success where its object said Error; here the one is made of the other.
func TestTextAndObjectsOfATestAgree(t *testing.T) {
	t.Parallel()
	for _, s := range []struct {
		story, step, id string
		outcome         doctor.Outcome
		test            stepTest
		bring           func(c *clinic)
	}{
		{"stale trust", "STEP 3 of 6", "FederationMetadata", doctor.Error, federationTrust, func(c *clinic) { c.RollIssuerKey(c); c.RollIssuerKey(c) }},
		{"unknown user", "STEP 1 of 6", "UserConfiguration", doctor.Error, federationTrust, func(c *clinic) { c.options.User = smtpaddr.MustAddress("nobody@fabrikam.example") }},
		{"expired certificate", "STEP 4 of 6", "OrganizationCertificate", doctor.Error, federationTrust, func(c *clinic) { ailmentOf(c, "CERT-03") }},
		{"unknown organization", "STEP 5 of 6", "TokenRequest", doctor.Error, federationTrust, func(c *clinic) { must(c, c.Registry.Remove(c.Context(), "fabrikam.example")) }},
		{"other gateway", "STEP 3:", "MismatchedFederation", doctor.Error, organizationRelationship, func(c *clinic) { ailmentOf(c, "TOK-03") }},
		{"partner not to be found", "STEP 2:", "FederationInformationNotReceived", doctor.Error, organizationRelationship, func(c *clinic) { c.net.Forget(contosoAutodiscover) }},
		{"partner without a relationship", "STEP 6:", "RemoteOrganizationRelationshipIsMissing", doctor.Error, organizationRelationship, func(c *clinic) {
			c.relate(c.Contoso, func(r *orgrel.OrganizationRelationship) {
				r.DomainNames = []smtpaddr.Domain{smtpaddr.MustDomain("tailspin.example")}
			})
			settle()
		}},
		{"missing domain", "STEP 6:", "LocalFederatedDomainsAreMissingFromTheRemoteOrganizationRelationsipDomains", doctor.Warning, organizationRelationship, func(c *clinic) { ailmentOf(c, "REL-08") }},
		{"no access to the calendar", "STEP 7:", "FreeBusy", doctor.Error, organizationRelationship, func(c *clinic) {
			c.options.Mailbox = smtpaddr.MustAddress("nobody@contoso.example")
		}},
	} {
		t.Run(s.story, func(t *testing.T) {
			t.Parallel()
			c := newClinic(t)
			s.bring(c)
			lines, results := s.test(c)
			i := slices.IndexFunc(results, func(r doctor.TestResult) bool { return r.ID == s.id })
			at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, s.step) })
			if i < 0 || at < 0 || results[i].Outcome != s.outcome {
				t.Fatalf("%+v\n%s", results, strings.Join(lines, "\n"))
			}
			if !strings.HasPrefix(lines[at+1], "RESULT: "+string(s.outcome)+".") || !strings.Contains(lines[at+1], results[i].Text) {
				t.Errorf("the object says %+v, the text %q", results[i], lines[at+1])
			}
			if doctor.Failed(results) != (s.outcome == doctor.Error) {
				t.Errorf("failed: %t", doctor.Failed(results))
			}
		})
	}
}

// ailmentOf brings about the first ailment of a case, and waits until every node has noticed.
func ailmentOf(c *clinic, id string) {
	for _, a := range ailments() {
		if a.id == id {
			a.bring(c)
			settle()
			return
		}
	}
	c.Fatalf("no ailment %s", id)
}

// With mutual partner lists the gateway issues no token for ourselves; the test then asks for one for a partner, and says
// that it cannot look into it.
func TestFederationTrustIsTestedWhereTheGatewayWantsMutualLists(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.RequireMutual(t)
	must(t, c.Registry.SetPartners(t.Context(), "contoso.example", federation.PartnerList{Domains: []smtpaddr.Domain{c.Fabrikam.Domain}}, c.options.Now()))
	lines, results := federationTrust(c)
	if doctor.Failed(results) || !slices.Contains(lines, "RESULT: Success. Token retrieved.") {
		t.Errorf("%+v\n%s", results, strings.Join(lines, "\n"))
	}
	i := slices.IndexFunc(results, func(r doctor.TestResult) bool { return r.ID == "TokenValidation" })
	if i < 0 || results[i].Outcome != doctor.Warning {
		t.Errorf("%+v", results)
	}
}
