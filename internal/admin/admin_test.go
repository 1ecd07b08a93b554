package admin_test

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/open"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func openStore(t *testing.T, database, key string) store.Store {
	t.Helper()
	st, err := open.Open(t.Context(), database, open.Options{MasterKeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func newAdmin(t *testing.T, st store.Store) *admin.Admin {
	t.Helper()
	signing, err := federation.NewSigningCertificate(time.Now(), 30)
	if err != nil {
		t.Fatal(err)
	}
	return &admin.Admin{Store: st, Who: "root", Now: time.Now, Metadata: func(context.Context, *federation.Trust, []*x509.Certificate) (*federation.Metadata, error) {
		return &federation.Metadata{TokenIssuerUri: "urn:federation:test", TokenIssuerEpr: "https://gateway.example/extSTS.srf", Certificates: []*x509.Certificate{signing.Certificate}}, nil
	}}
}

func createTrust(t *testing.T, a *admin.Admin) {
	t.Helper()
	_, err := a.CreateTrust(t.Context(), admin.TrustParams{Name: "Gateway", ApplicationUri: "contoso.example", TokenIssuerMetadataEpr: "https://gateway.example/metadata.xml",
		Profile: federation.ProfileModern, ProofOfPossession: federation.ProofRequired, Days: 30})
	if err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestKeysResealedUnderANewMasterKeyOpenWithNoOther(t *testing.T) {
	dir := t.TempDir()
	database, newKey := filepath.Join(dir, "a.db"), filepath.Join(dir, "new.key")
	st := openStore(t, database, "")
	a := newAdmin(t, st)
	createTrust(t, a)
	unused, err := a.CreateCertificate(t.Context(), 30)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.PutRelationship(t.Context(), &orgrel.OrganizationRelationship{Name: "Fabrikam", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("fabrikam.example")}, OrgWidePassword: "secret"}); err != nil {
		t.Fatal(err)
	}
	if err := store.CreateMasterKey(newKey); err != nil {
		t.Fatal(err)
	}
	resealed := openStore(t, database, newKey)
	if err := a.Reseal(t.Context(), resealed); err != nil {
		t.Fatal(err)
	}
	if cfg, err := resealed.LoadConfig(t.Context()); err != nil || cfg.Trust.OrgCertificate == nil || federation.Thumbprint(cfg.Certificates[0].Certificate) != unused.Thumbprint || cfg.Relationships[0].OrgWidePassword != "secret" {
		t.Errorf("the new key does not open what was sealed: %v", err)
	}
	if _, err := st.LoadConfig(t.Context()); err == nil {
		t.Error("the old key still opens the trust")
	}
	if err := store.ReplaceMasterKey(database+".key", newKey); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(t, database, "").LoadConfig(t.Context()); err != nil {
		t.Errorf("after the key file was replaced: %v", err)
	}
	if info, err := os.Stat(database + ".key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v %v", info.Mode(), err)
	}
}

// TestTrustLeavesNoPrivateKeyInTheAudit also holds what the audit must have: verb, who, values.
func TestTrustLeavesNoPrivateKeyInTheAudit(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	createTrust(t, a)
	pem, err := a.ExportCertificate(t.Context(), admin.ExportParams{Private: true})
	if err != nil || !strings.Contains(string(pem), "PRIVATE KEY") {
		t.Fatalf("%v\n%s", err, pem)
	}
	if err := a.RemoveTrust(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	log, err := a.AuditLog(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var verbs []string
	for _, e := range log {
		verbs = append(verbs, e.Verb)
		if e.Who != "root" || e.Object != "Gateway" || strings.Contains(e.Detail, "PRIVATE KEY") || len(e.Detail) > 4096 {
			t.Errorf("%+v", e)
		}
	}
	if got := strings.Join(verbs, ", "); got != "trust remove, trust export-certificate, trust create" {
		t.Errorf("the audit has %s", got)
	}
}

func TestTrustOfAnEnabledOrganizationIsNotRemoved(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	createTrust(t, a)
	own := []smtpaddr.Domain{smtpaddr.MustDomain("contoso.example")}
	if err := a.SetOrganization(t.Context(), admin.OrganizationParams{Domains: &own, Enabled: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveTrust(t.Context(), ""); fault.KindOf(err) != fault.Conflict {
		t.Errorf("removed, or %v", err)
	}
}

func TestNotGivenLeavesWhatIsThereAndEmptyEmptiesIt(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	partner := []smtpaddr.Domain{smtpaddr.MustDomain("fabrikam.example")}
	p := admin.RelationshipParams{DomainNames: &partner, FreeBusyAccessEnabled: ptr(true), FreeBusyAccessLevel: ptr(orgrel.LimitedDetails), TargetApplicationUri: ptr("fabrikam.example"), OrganizationContact: ptr("it@fabrikam.example")}
	if _, err := a.CreateRelationship(t.Context(), "Fabrikam", p); err != nil {
		t.Fatal(err)
	}
	r, err := a.SetRelationship(t.Context(), "fabrikam", admin.RelationshipParams{OrganizationContact: ptr("")})
	if err != nil || r.OrganizationContact != "" || r.TargetApplicationUri != "fabrikam.example" || r.FreeBusyAccessLevel != orgrel.LimitedDetails {
		t.Errorf("%+v %v", r, err)
	}
	before, _ := a.AuditLog(t.Context(), 10)
	if _, err := a.SetRelationship(t.Context(), "Fabrikam", admin.RelationshipParams{OrganizationContact: ptr("")}); err != nil {
		t.Fatal(err)
	}
	if after, _ := a.AuditLog(t.Context(), 10); len(after) != len(before) {
		t.Error("a change that changes nothing stands in the audit")
	}
}

func TestRefusedChangeLeavesNoAuditEntry(t *testing.T) {
	a := newAdmin(t, openStore(t, filepath.Join(t.TempDir(), "a.db"), ""))
	tom, t2 := smtpaddr.MustAddress("tom@contoso.example"), smtpaddr.MustAddress("t@contoso.example")
	if _, err := a.CreateMailbox(t.Context(), tom, admin.MailboxParams{EmailAddresses: &[]smtpaddr.Address{t2}, Password: ptr("correct horse")}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.CreateMailbox(t.Context(), t2, admin.MailboxParams{}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("an address was given twice: %v", err)
	}
	if _, err := a.SetPermission(t.Context(), t2.String(), admin.DefaultUser, mailbox.Reviewer); err != nil {
		t.Fatal(err)
	}
	log, _ := a.AuditLog(t.Context(), 10)
	if len(log) != 2 || log[0].Object != "tom@contoso.example" || log[0].Detail != `DefaultPermission: "AvailabilityOnly" → "Reviewer"` || !strings.Contains(log[1].Detail, `Password: "new"`) {
		t.Errorf("%+v", log)
	}
}
