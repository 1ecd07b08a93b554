package gatewaystore

import (
	"context"
	"crypto/x509"
	"database/sql"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// pendingFor is how long a registration waits for the administrator before it is forgotten.
const pendingFor = 14 * 24 * time.Hour

// OrganizationsByKey implements gateway.Registry.
func (s *Store) OrganizationsByKey(ctx context.Context, h xmlsec.KeyHint) ([]*gateway.Organization, error) {
	const where = `WHERE o.name IN (SELECT organization FROM certificate WHERE `
	switch {
	case len(h.SubjectKeyID) > 0:
		return organizations(ctx, s.db, where+`ski = ? LIMIT 8)`, h.SubjectKeyID)
	case len(h.ThumbprintSHA1) > 0:
		return organizations(ctx, s.db, where+`sha1 = ? LIMIT 8)`, h.ThumbprintSHA1)
	case h.SerialNumber != "":
		return organizations(ctx, s.db, where+`serial = ? LIMIT 8)`, h.SerialNumber)
	case len(h.Certificate) > 0:
		c, err := federation.ParseCertificate(federation.EncodeCertificate(&x509.Certificate{Raw: h.Certificate}))
		if err != nil {
			return nil, nil //nolint:nilerr // a certificate that is none belongs to nobody
		}
		return organizations(ctx, s.db, where+`ski = ? LIMIT 8)`, c.SubjectKeyId)
	}
	return nil, nil
}

// OrganizationByURI implements gateway.Registry.
func (s *Store) OrganizationByURI(ctx context.Context, uri string) (*gateway.Organization, error) {
	orgs, err := organizations(ctx, s.db, `WHERE o.uri_key = ?`, federation.NormalizeURI(uri))
	if err != nil || len(orgs) == 0 {
		return nil, err
	}
	return orgs[0], nil
}

// Speaks implements gateway.Registry.
func (s *Store) Speaks(ctx context.Context, organization string, d smtpaddr.Domain) (bool, error) {
	var n int
	return found(ctx, s.db, &n, `SELECT 1 FROM domain WHERE domain = ? AND organization = ? AND state = 'proven'`, d.String(), organization)
}

// Lists implements gateway.Registry.
func (s *Store) Lists(ctx context.Context, target, uri string, d smtpaddr.Domain) (bool, error) {
	var n int
	return found(ctx, s.db, &n, `SELECT 1 FROM partner WHERE organization = ? AND value IN (?, ?)`, target, "uri "+federation.NormalizeURI(uri), "domain "+d.String())
}

// SetPartners implements gateway.Registry.
func (s *Store) SetPartners(ctx context.Context, organization string, l federation.PartnerList, created time.Time) error {
	var values []string
	for _, uri := range l.ApplicationUris {
		values = append(values, "uri "+federation.NormalizeURI(uri))
	}
	for _, d := range l.Domains {
		values = append(values, "domain "+d.String())
	}
	return s.change(ctx, "partners", organization, strings.Join(values, ", "), func(tx *sql.Tx) error {
		if err := one(ctx, tx, fault.New(fault.Conflict, "the partner list in force is newer"),
			`UPDATE organization SET partners_at = ? WHERE name = ? AND partners_at < ?`, created.UnixMilli(), organization, created.UnixMilli()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM partner WHERE organization = ?`, organization); err != nil {
			return err
		}
		for _, v := range values {
			if _, err := tx.ExecContext(ctx, `INSERT INTO partner (organization, value) VALUES (?, ?) ON CONFLICT DO NOTHING`, organization, v); err != nil {
				return err
			}
		}
		return nil
	})
}

// TakeStatement implements gateway.Registry.
func (s *Store) TakeStatement(ctx context.Context, organization string, created time.Time) (bool, error) {
	res, err := s.db.ExecContext(ctx, `UPDATE organization SET statement_at = ? WHERE name = ? AND statement_at < ?`, created.UnixMilli(), organization, created.UnixMilli())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// Partners returns the published partner list of an organization: "uri NAME" and "domain NAME", sorted.
func (s *Store) Partners(ctx context.Context, organization string) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT value FROM partner WHERE organization = ? ORDER BY value`, organization)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// Register implements gateway.Registry. Registrations that waited too long are forgotten by the way.
func (s *Store) Register(ctx context.Context, o *gateway.Organization, domains []gateway.Domain, limit int) error {
	return s.change(ctx, "org register", o.Name, o.ApplicationUri, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM organization WHERE state = 'pending' AND registered_at < ?`, s.now().Add(-pendingFor).Unix()); err != nil {
			return err
		}
		var n int
		if _, err := found(ctx, tx, &n, `SELECT count(*) FROM organization WHERE state = 'pending'`); err != nil {
			return err
		}
		if o.State == gateway.Pending && n >= limit {
			return fault.New(fault.ServerBusy, "%d registrations wait for the administrator", n)
		}
		if ok, err := found(ctx, tx, &n, `SELECT 1 FROM certificate WHERE ski = ?`, o.Certificate.SubjectKeyId); err != nil {
			return err
		} else if ok {
			return fault.New(fault.Conflict, "the certificate is registered already")
		}
		if err := s.insert(ctx, tx, o); err != nil {
			return err
		}
		for _, d := range domains {
			d.Organization = o.Name
			if err := reserve(ctx, tx, d, s.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Counts implements gateway.Registry.
func (s *Store) Counts(ctx context.Context) (c gateway.Counts, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE state = 'approved'), count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'disabled'),
		(SELECT count(*) FROM domain WHERE state = 'proven') FROM organization`).Scan(&c.Approved, &c.Pending, &c.Disabled, &c.ProvenDomains)
	return c, err
}
