package admin_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func TestAnAddressSpacesPasswordIsChangedAndAuditedButNeverShown(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	domains := []smtpaddr.Domain{smtpaddr.MustDomain("fabrikam.example")}
	p := admin.RelationshipParams{DomainNames: &domains, FreeBusyAccessEnabled: ptr(true), AccessMethod: ptr(orgrel.OrgWideFB), OrgWideUser: ptr("lookup"), OrgWidePassword: ptr(orgrel.Password("canary one"))}
	if _, err := a.CreateRelationship(t.Context(), "Fabrikam", p); err != nil {
		t.Fatal(err)
	}
	if _, err := a.SetRelationship(t.Context(), "Fabrikam", admin.RelationshipParams{OrgWidePassword: ptr(orgrel.Password("canary two"))}); err != nil {
		t.Fatal(err)
	}
	r, err := a.Relationship(t.Context(), "Fabrikam")
	if err != nil || r.OrgWidePassword != "canary two" || r.Usable() != nil {
		t.Errorf("%#v %v", r.OrgWidePassword, err)
	}
	log, err := a.AuditLog(t.Context(), 10)
	if err != nil || log[0].Detail != "OrgWidePassword changed" {
		t.Errorf("%+v %v", log, err)
	}
	for _, e := range log {
		if strings.Contains(e.Detail, "canary") {
			t.Errorf("the audit shows %q", e.Detail)
		}
	}
}

func TestAnAccountIsOneRelationshipsAndOneOfOurMailboxes(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	account := smtpaddr.MustAddress("lookup@contoso.example")
	bind := func(name string) error {
		domains := []smtpaddr.Domain{smtpaddr.MustDomain(name)}
		_, err := a.CreateRelationship(t.Context(), name, admin.RelationshipParams{DomainNames: &domains, OrgWideAccount: &account})
		return err
	}
	if err := bind("fabrikam.example"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("without a mailbox: %v", err)
	}
	if _, err := a.CreateMailbox(t.Context(), account, admin.MailboxParams{}); err != nil {
		t.Fatal(err)
	}
	if err := bind("fabrikam.example"); err != nil {
		t.Error(err)
	}
	if err := bind("tailspin.example"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("for a second relationship: %v", err)
	}
}
