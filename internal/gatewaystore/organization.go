package gatewaystore

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // a certificate's thumbprint
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

const selectOrganization = `SELECT o.name, o.app_id, o.application_uri, o.account_namespace, o.instance, o.state, o.contact, c.role, c.der
	FROM organization o JOIN certificate c ON c.organization = o.name `

// organizations reads the rows of selectOrganization, one per certificate, ordered by name.
func organizations(ctx context.Context, q queryer, query string, args ...any) ([]*gateway.Organization, error) {
	rows, err := q.QueryContext(ctx, selectOrganization+query+` ORDER BY o.name`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*gateway.Organization
	for rows.Next() {
		var o gateway.Organization
		var namespace, role string
		var der []byte
		if err := rows.Scan(&o.Name, &o.ApplicationIdentifier, &o.ApplicationUri, &namespace, &o.Instance, &o.State, &o.Contact, &role, &der); err != nil {
			return nil, err
		}
		if len(out) == 0 || out[len(out)-1].Name != o.Name {
			if o.AccountNamespace, err = smtpaddr.ParseDomain(namespace); err != nil {
				return nil, err
			}
			out = append(out, &o)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		setCertificate(out[len(out)-1], role, c)
	}
	return out, rows.Err()
}

func setCertificate(o *gateway.Organization, role string, c *x509.Certificate) {
	switch role {
	case "current":
		o.Certificate = c
	case "previous":
		o.Previous = c
	case "next":
		o.Next = c
	}
}

// Organizations returns all, by name, with the domains they may speak for.
func (s *Store) Organizations(ctx context.Context) ([]*gateway.Organization, error) {
	orgs, err := organizations(ctx, s.db, ``)
	if err != nil {
		return nil, err
	}
	domains, err := s.domains(ctx, `WHERE state = 'proven'`)
	if err != nil {
		return nil, err
	}
	byName := map[string]*gateway.Organization{}
	for _, o := range orgs {
		byName[o.Name] = o
	}
	for _, d := range domains {
		if o := byName[d.Organization]; o != nil {
			o.Domains = append(o.Domains, d.Name)
		}
	}
	return orgs, nil
}

// Organization returns the one called name, with the domains it may speak for.
func (s *Store) Organization(ctx context.Context, name string) (*gateway.Organization, error) {
	orgs, err := organizations(ctx, s.db, `WHERE o.name = ?`, name)
	if err != nil {
		return nil, err
	}
	if len(orgs) == 0 {
		return nil, noOrganization(name)
	}
	domains, err := s.domains(ctx, `WHERE state = 'proven' AND organization = ?`, name)
	for _, d := range domains {
		orgs[0].Domains = append(orgs[0].Domains, d.Name)
	}
	return orgs[0], err
}

// Add registers an organization by the administrator's hand: it is approved, and so are its domains. A domain or
// application URI belongs to one organization only.
func (s *Store) Add(ctx context.Context, o *gateway.Organization) error {
	if o.State == "" {
		o.State = gateway.Approved
	}
	return s.change(ctx, "org add", o.Name, o.ApplicationUri, func(tx *sql.Tx) error {
		if err := s.insert(ctx, tx, o); err != nil {
			return err
		}
		for _, d := range o.Domains {
			if err := reserve(ctx, tx, gateway.Domain{Name: d, Organization: o.Name, State: gateway.Proven, How: gateway.ByAdministrator}, s.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) insert(ctx context.Context, tx *sql.Tx, o *gateway.Organization) error {
	var other string
	key := federation.NormalizeURI(o.ApplicationUri)
	if ok, err := found(ctx, tx, &other, `SELECT name FROM organization WHERE name = ? OR uri_key = ?`, o.Name, key); err != nil {
		return err
	} else if ok {
		return fault.New(fault.Conflict, "organization %q has that name or application URI already", other)
	}
	var id [8]byte
	_, _ = rand.Read(id[:])
	o.ApplicationIdentifier = hex.EncodeToString(id[:])
	if _, err := tx.ExecContext(ctx, `INSERT INTO organization (name, app_id, application_uri, uri_key, account_namespace, instance, state, contact, registered_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, o.Name, o.ApplicationIdentifier, o.ApplicationUri, key, o.AccountNamespace.String(), o.Instance, o.State, o.Contact, s.now().Unix()); err != nil {
		return err
	}
	return putCertificate(ctx, tx, o.Name, "current", o.Certificate)
}

// putCertificate stores c in a role that is empty. A Subject Key Identifier names one key: a second certificate with
// the same identifier is refused, so that nobody can hide another organization's key behind her own.
func putCertificate(ctx context.Context, tx *sql.Tx, name, role string, c *x509.Certificate) error {
	var other string
	ok, err := found(ctx, tx, &other, `SELECT organization FROM certificate WHERE ski = ? AND der <> ?`, c.SubjectKeyId, c.Raw)
	if err != nil {
		return err
	}
	if ok {
		return fault.New(fault.Conflict, "another certificate with this Subject Key Identifier is registered, for organization %q", other)
	}
	sum := sha1.Sum(c.Raw) //nolint:gosec // a thumbprint
	_, err = tx.ExecContext(ctx, `INSERT INTO certificate (organization, role, der, ski, sha1, serial) VALUES (?, ?, ?, ?, ?, ?)`,
		name, role, c.Raw, c.SubjectKeyId, sum[:], c.SerialNumber.String())
	return err
}

// SetState approves or disables an organization.
func (s *Store) SetState(ctx context.Context, name string, state gateway.State) error {
	verb := map[gateway.State]string{gateway.Approved: "org approve", gateway.Disabled: "org disable"}[state]
	if verb == "" {
		return errors.New("an organization is made approved or disabled")
	}
	return s.change(ctx, verb, name, "", func(tx *sql.Tx) error {
		return one(ctx, tx, noOrganization(name), `UPDATE organization SET state = ? WHERE name = ?`, state, name)
	})
}

// Remove forgets an organization with its domains and certificates.
func (s *Store) Remove(ctx context.Context, name string) error {
	return s.change(ctx, "org remove", name, "", func(tx *sql.Tx) error {
		return one(ctx, tx, noOrganization(name), `DELETE FROM organization WHERE name = ?`, name)
	})
}

// NextCertificate installs c as the organization's next certificate, instead of one that was there.
func (s *Store) NextCertificate(ctx context.Context, name string, c *x509.Certificate) error {
	return s.change(ctx, "certificate next", name, hex.EncodeToString(c.SubjectKeyId), func(tx *sql.Tx) error {
		if err := one(ctx, tx, noOrganization(name), `UPDATE organization SET name = name WHERE name = ?`, name); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM certificate WHERE organization = ? AND role = 'next'`, name); err != nil {
			return err
		}
		return putCertificate(ctx, tx, name, "next", c)
	})
}

// PublishCertificate makes the next certificate the current one: tokens are encrypted to it from now on, and the old
// one, now previous, still signs requests.
func (s *Store) PublishCertificate(ctx context.Context, name string) error {
	return s.change(ctx, "certificate publish", name, "", func(tx *sql.Tx) error {
		var ski []byte
		if ok, err := found(ctx, tx, &ski, `SELECT ski FROM certificate WHERE organization = ? AND role = 'next'`, name); err != nil {
			return err
		} else if !ok {
			return fault.New(fault.NotFound, "organization %q has no next certificate", name)
		}
		for _, q := range []string{`DELETE FROM certificate WHERE organization = ? AND role = 'previous'`,
			`UPDATE certificate SET role = 'previous' WHERE organization = ? AND role = 'current'`,
			`UPDATE certificate SET role = 'current' WHERE organization = ? AND role = 'next'`} {
			if _, err := tx.ExecContext(ctx, q, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemoveCertificate forgets the next or the previous certificate.
func (s *Store) RemoveCertificate(ctx context.Context, name, role string) error {
	if role != "next" && role != "previous" {
		return fault.New(fault.Invalid, "the %q certificate cannot be removed; next and previous can", role)
	}
	return s.change(ctx, "certificate remove", name, role, func(tx *sql.Tx) error {
		return one(ctx, tx, fault.New(fault.NotFound, "organization %q has no %s certificate", name, role),
			`DELETE FROM certificate WHERE organization = ? AND role = ?`, name, role)
	})
}
