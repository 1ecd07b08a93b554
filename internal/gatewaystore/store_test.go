package gatewaystore

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "gateway.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func organization(t testing.TB, domain string) *gateway.Organization {
	t.Helper()
	key, err := federation.NewOrganizationCertificate(time.Now(), 30)
	must(t, err)
	return &gateway.Organization{Name: domain, ApplicationUri: "exchangedelegation." + domain, AccountNamespace: smtpaddr.MustDomain(domain),
		Domains: []smtpaddr.Domain{smtpaddr.MustDomain(domain)}, Certificate: key.Certificate}
}

func byKey(t testing.TB, s *Store, h xmlsec.KeyHint) []*gateway.Organization {
	t.Helper()
	orgs, err := s.OrganizationsByKey(t.Context(), h)
	must(t, err)
	return orgs
}

func TestOneOwnerEach(t *testing.T) {
	s := open(t)
	contoso := organization(t, "contoso.example")
	must(t, s.Add(t.Context(), contoso))
	for what, change := range map[string]func(*gateway.Organization){
		"name":            func(o *gateway.Organization) { o.Name = "contoso.example" },
		"application URI": func(o *gateway.Organization) { o.ApplicationUri = "HTTPS://Exchangedelegation.Contoso.example/" },
		"domain":          func(o *gateway.Organization) { o.Domains = append(o.Domains, contoso.Domains...) },
		"key identifier":  func(o *gateway.Organization) { o.Certificate.SubjectKeyId = contoso.Certificate.SubjectKeyId },
	} {
		o := organization(t, "fabrikam.example")
		change(o)
		if err := s.Add(t.Context(), o); err == nil || fault.KindOf(err) != fault.Conflict {
			t.Errorf("a second owner of the %s: %v", what, err)
		}
		if _, err := s.Organization(t.Context(), "fabrikam.example"); err == nil {
			t.Errorf("%s: a refused registration left something behind", what)
		}
	}
}

func TestOrganizationIsFoundByEveryHint(t *testing.T) {
	s := open(t)
	o := organization(t, "contoso.example")
	must(t, s.Add(t.Context(), o), s.Add(t.Context(), organization(t, "fabrikam.example")))
	for what, h := range map[string]xmlsec.KeyHint{"SKI": {SubjectKeyID: o.Certificate.SubjectKeyId}, "certificate": {Certificate: o.Certificate.Raw},
		"serial": {IssuerName: "CN=x", SerialNumber: o.Certificate.SerialNumber.String()}} {
		if got := byKey(t, s, h); len(got) != 1 || got[0].Name != o.Name {
			t.Errorf("by %s: %v", what, got)
		}
	}
	if got := byKey(t, s, xmlsec.KeyHint{}); len(got) != 0 {
		t.Error("an empty hint names somebody")
	}
}

func TestCertificateRollover(t *testing.T) {
	s := open(t)
	o := organization(t, "contoso.example")
	next := organization(t, "x.example").Certificate
	must(t, s.Add(t.Context(), o), s.NextCertificate(t.Context(), o.Name, next))
	if len(byKey(t, s, xmlsec.KeyHint{SubjectKeyID: next.SubjectKeyId})) != 1 {
		t.Error("the next certificate does not sign before it is published: an organization could not switch first")
	}
	must(t, s.PublishCertificate(t.Context(), o.Name))
	got := byKey(t, s, xmlsec.KeyHint{SubjectKeyID: o.Certificate.SubjectKeyId})
	if len(got) != 1 || !got[0].Certificate.Equal(next) || !got[0].Previous.Equal(o.Certificate) || got[0].Next != nil {
		t.Error("after publication the next one is not current, or the old one does not sign any more")
	}
	must(t, s.RemoveCertificate(t.Context(), o.Name, "previous"))
	if len(byKey(t, s, xmlsec.KeyHint{SubjectKeyID: o.Certificate.SubjectKeyId})) != 0 {
		t.Error("a removed certificate signs")
	}
	if s.RemoveCertificate(t.Context(), o.Name, "current") == nil || s.PublishCertificate(t.Context(), o.Name) == nil {
		t.Error("the current certificate was removed, or nothing was published")
	}
}

func TestEveryChangeIsInTheAudit(t *testing.T) {
	s := open(t)
	ctx := gateway.WithActor(t.Context(), "os carol")
	o := organization(t, "contoso.example")
	d := smtpaddr.MustDomain("more.example")
	must(t, s.Add(ctx, o), s.SetState(ctx, o.Name, gateway.Disabled), s.ReserveDomain(ctx, o.Name, d), s.RemoveDomain(ctx, o.Name, d),
		s.SetPartners(ctx, o.Name, federation.PartnerList{}, time.Now()), s.Remove(ctx, o.Name))
	if s.Remove(ctx, "nobody") == nil {
		t.Error("removed nobody")
	}
	changes, err := s.Changes(ctx, 100)
	must(t, err)
	var verbs []string
	for _, c := range changes {
		verbs = append(verbs, c.Verb)
		if c.Actor != "os carol" || c.At.IsZero() {
			t.Errorf("%+v", c)
		}
	}
	if got, want := fmt.Sprint(verbs), "[org remove partners domain remove domain add org disable org add]"; got != want {
		t.Errorf("the audit has %s, want %s", got, want)
	}
}

func TestTokenIsIssuedOncePerRequest(t *testing.T) {
	s := open(t)
	now := time.Now()
	issue := func(ids ...string) bool {
		fresh, err := s.Issue(t.Context(), gateway.Issued{When: now, Organization: "contoso.example"}, ids, now.Add(time.Minute))
		must(t, err)
		return fresh
	}
	if !issue("message 1", "assertion 1") || issue("message 1", "assertion 2") || issue("message 2", "assertion 1") || !issue("message 2", "assertion 2") {
		t.Error("a request or an assertion counts twice, or a refused request left its other id behind")
	}
	now = now.Add(2 * time.Minute)
	if !issue("message 1", "assertion 1") {
		t.Error("ids are kept after they have expired")
	}
	if tokens, err := s.IssuedTokens(t.Context(), "contoso.example", 10); err != nil || len(tokens) != 3 {
		t.Errorf("the audit has %d tokens, %v", len(tokens), err)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	release, err := Lock(t.Context(), path)
	must(t, err)
	if _, err := Lock(t.Context(), path); err == nil || fault.KindOf(err) != fault.Conflict {
		t.Errorf("a second one may serve: %v", err)
	}
	release()
	again, err := Lock(t.Context(), path)
	must(t, err)
	again()
}

func TestStaleCheckOfADomainIsRefused(t *testing.T) {
	s := open(t)
	a, b := organization(t, "a.example"), organization(t, "b.example")
	d := smtpaddr.MustDomain("c.example")
	must(t, s.Add(t.Context(), a), s.Add(t.Context(), b), s.ReserveDomain(t.Context(), a.Name, d))
	was, err := s.Domain(t.Context(), d)
	must(t, err)
	first, second := was, was
	first.State, first.How = gateway.Proven, gateway.ByTXT
	second.Organization, second.State, second.How = b.Name, gateway.Proven, gateway.ByTXT
	must(t, s.PutDomain(t.Context(), "domain verify", was, first))
	if err := s.PutDomain(t.Context(), "domain verify", was, second); err == nil || fault.KindOf(err) != fault.Conflict {
		t.Errorf("two checks made two owners: %v", err)
	}
}
