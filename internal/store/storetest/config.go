package storetest

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func version(t testing.TB, s store.Store) int64 {
	t.Helper()
	v, err := s.ConfigVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func masterKey(t testing.TB) *store.MasterKey {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := store.CreateMasterKey(path); err != nil {
		t.Fatal(err)
	}
	key, err := store.LoadMasterKey(path, false)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var configTests = []test{
	{"a domain is in one relationship, and names differ in more than case", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		d := smtpaddr.MustDomain("fabrikam.example")
		r := &orgrel.OrganizationRelationship{Name: "Fabrikam", DomainNames: []smtpaddr.Domain{d}, Enabled: true}
		if err := s.PutRelationship(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		before := version(t, s)
		for _, other := range []*orgrel.OrganizationRelationship{{Name: "Other", DomainNames: []smtpaddr.Domain{d}}, {Name: "FABRIKAM", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("x.example")}}} {
			if err := s.PutRelationship(t.Context(), other); !errors.Is(err, store.ErrExists) || !strings.Contains(err.Error(), "Fabrikam") {
				t.Errorf("%v", err)
			}
		}
		if version(t, s) != before {
			t.Error("a refused change moved the configuration's version")
		}
	}},
	{"the password of an address space comes back", func(t *testing.T, open Opener) {
		s := open(t, store.Options{Now: Today, Key: masterKey(t)})
		r := &orgrel.OrganizationRelationship{Name: "Fabrikam", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("fabrikam.example")}, OrgWidePassword: "secret"}
		if err := s.PutRelationship(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		cfg, err := s.LoadConfig(t.Context())
		if err != nil || cfg.Relationships[0].OrgWidePassword != "secret" {
			t.Errorf("%+v %v", cfg, err)
		}
	}},
	{"every change moves the version exactly once", func(t *testing.T, open Opener) {
		s := open(t, store.Options{Now: Today, Key: masterKey(t)})
		r := &orgrel.OrganizationRelationship{Name: "Fabrikam", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("fabrikam.example")}}
		for _, change := range []struct {
			name string
			run  func() error
		}{
			{"create", func() error { return s.PutRelationship(t.Context(), r) }},
			{"change", func() error { r.Enabled = true; return s.PutRelationship(t.Context(), r) }},
			{"setting", func() error { return s.PutSetting(t.Context(), store.SettingPublishDomains, "all") }},
			{"organization", func() error { return s.PutOrganization(t.Context(), &federation.Organization{}) }},
			{"trust", func() error { return s.PutTrust(t.Context(), &federation.Trust{Name: "x"}) }},
			{"certificates", func() error { return s.PutCertificates(t.Context(), nil) }},
			{"no trust", func() error { return s.PutTrust(t.Context(), nil) }},
			{"delete", func() error { return s.DeleteRelationship(t.Context(), r.ID) }},
		} {
			before := version(t, s)
			if err := change.run(); err != nil {
				t.Fatal(err)
			}
			if after := version(t, s); after != before+1 {
				t.Errorf("%s: %d after %d", change.name, after, before)
			}
		}
		c, err := s.LoadConfig(t.Context())
		if err != nil || c.Version != version(t, s) || len(c.Relationships) != 0 || c.Trust != nil || c.Settings[store.SettingPublishDomains] != "all" {
			t.Errorf("%+v %v", c, err)
		}
	}},
	{"the trust's keys come back with the master key, and with no other", func(t *testing.T, open Opener) {
		s := open(t, store.Options{Now: Today, Key: masterKey(t)})
		pair, err := federation.NewOrganizationCertificate(Today(), 30)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutTrust(t.Context(), &federation.Trust{Name: "x", OrgCertificate: pair, TokenIssuerCertificate: pair.Certificate}); err != nil {
			t.Fatal(err)
		}
		cfg, err := s.LoadConfig(t.Context())
		if err != nil || !cfg.Trust.OrgCertificate.Key.Equal(pair.Key) {
			t.Fatalf("%v", err)
		}
		if _, err := open(t, store.Options{Now: Today, Key: masterKey(t)}).LoadConfig(t.Context()); err == nil {
			t.Error("another master key opens the trust")
		}
	}},
	{"certificates of no trust come back in their order, with the master key and with no other", func(t *testing.T, open Opener) {
		s := open(t, store.Options{Now: Today, Key: masterKey(t)})
		var pairs []*federation.KeyPair
		for range 2 {
			pair, err := federation.NewOrganizationCertificate(Today(), 30)
			if err != nil {
				t.Fatal(err)
			}
			pairs = append(pairs, pair)
		}
		if err := s.PutCertificates(t.Context(), pairs); err != nil {
			t.Fatal(err)
		}
		cfg, err := s.LoadConfig(t.Context())
		if err != nil || len(cfg.Certificates) != 2 || !cfg.Certificates[0].Key.Equal(pairs[0].Key) || !cfg.Certificates[1].Key.Equal(pairs[1].Key) {
			t.Fatalf("%v %v", cfg, err)
		}
		_, err = open(t, store.Options{Now: Today, Key: masterKey(t)}).LoadConfig(t.Context())
		if want := "Federation certificate with the thumbprint \"" + federation.Thumbprint(pairs[0].Certificate) + "\" cannot be found"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("another master key: %v", err)
		}
	}},
	{"an audit entry is written with its change, and only with it", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		entry := store.AuditEntry{When: Today(), Who: "root", Verb: "Set-Thing", Object: "thing", Detail: "a -> b"}
		ctx := store.WithAudit(t.Context(), entry)
		m := &mailbox.Mailbox{Address: address("tom@contoso.example"), Zone: "UTC"}
		log := func() int {
			list, err := s.AuditLog(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				if e != entry {
					t.Errorf("%+v", e)
				}
			}
			return len(list)
		}
		for i, change := range []func() error{
			func() error { return s.PutSetting(ctx, "x", "y") },
			func() error { return s.CreateMailbox(ctx, m) },
			func() error {
				g := &gate{objects: 450, step: make(chan struct{})}
				close(g.step)
				_, err := s.ImportCalendar(ctx, m.Address, g, store.ImportOptions{})
				return err
			},
			func() error { m.Zone = "Europe/Berlin"; return s.UpdateMailbox(ctx, m) },
			func() error { return s.PutGroup(ctx, &mailbox.Group{Address: address("g@contoso.example")}) },
			func() error { return s.DeleteObject(ctx, m.Address, "new1") },
		} {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if n := log(); n != i+1 {
				t.Fatalf("%d entries after change %d", n, i+1)
			}
		}
		before := log()
		if err := s.CreateMailbox(ctx, &mailbox.Mailbox{Address: m.Address}); err == nil || log() != before {
			t.Errorf("a refused change left an entry: %v", err)
		}
	}},
	{"the audit log begins with the newest", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		for _, verb := range []string{"first", "second", "third"} {
			if err := s.Audit(t.Context(), store.AuditEntry{When: Today(), Verb: verb}); err != nil {
				t.Fatal(err)
			}
		}
		list, err := s.AuditLog(t.Context(), 2)
		if err != nil || len(list) != 2 || list[0].Verb != "third" || list[1].Verb != "second" {
			t.Errorf("%+v %v", list, err)
		}
	}},
	{"a schema that is up to date can be migrated again", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		if err := s.Migrate(t.Context()); err != nil {
			t.Error(err)
		}
		if level, err := s.SchemaLevel(t.Context()); err != nil || level < 1 {
			t.Errorf("%d %v", level, err)
		}
	}},
}
