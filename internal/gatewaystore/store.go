// Package gatewaystore is the gateway's registry and audit, in SQLite. It is never linked into availd.
package gatewaystore

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/migrations"
	"github.com/availd/availd/smtpaddr"
)

// Store implements gateway.Registry.
type Store struct{ db *sql.DB }

// Open opens or creates the registry at path and brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations.Gateway())
	if err == nil {
		_, err = p.Up(ctx)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("registry %s: %w", path, err)
	}
	return &Store{db}, nil
}

// Close closes the registry.
func (s *Store) Close() error { return s.db.Close() }

// Organizations returns all, by name.
func (s *Store) Organizations(ctx context.Context) ([]*gateway.Organization, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, application_uri, account_namespace, certificate, previous_certificate,
		(SELECT group_concat(domain, ' ') FROM organization_domain d WHERE d.organization = name) FROM organization ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*gateway.Organization
	for rows.Next() {
		var o gateway.Organization
		var namespace, cert, prev string
		var domains sql.NullString
		if err := rows.Scan(&o.Name, &o.ApplicationUri, &namespace, &cert, &prev, &domains); err != nil {
			return nil, err
		}
		if o.AccountNamespace, err = smtpaddr.ParseDomain(namespace); err != nil {
			return nil, err
		}
		for d := range strings.FieldsSeq(domains.String) {
			domain, err := smtpaddr.ParseDomain(d)
			if err != nil {
				return nil, err
			}
			o.Domains = append(o.Domains, domain)
		}
		if o.Certificate, err = federation.ParseCertificate([]byte(cert)); err != nil {
			return nil, err
		}
		if prev != "" {
			if o.Previous, err = federation.ParseCertificate([]byte(prev)); err != nil {
				return nil, err
			}
		}
		out = append(out, &o)
	}
	return out, rows.Err()
}

// Add registers an organization; a domain or application URI belongs to one organization only.
func (s *Store) Add(ctx context.Context, o *gateway.Organization) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var other string
	err = tx.QueryRowContext(ctx, `SELECT name FROM organization WHERE name = ? OR lower(application_uri) = lower(?)`, o.Name, o.ApplicationUri).Scan(&other)
	if err == nil {
		return fault.New(fault.Conflict, "organization %q has that name or application URI already", other)
	} else if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO organization (name, application_uri, account_namespace, certificate) VALUES (?, ?, ?, ?)`,
		o.Name, o.ApplicationUri, o.AccountNamespace.String(), string(federation.EncodeCertificate(o.Certificate))); err != nil {
		return err
	}
	for _, d := range o.Domains {
		err := tx.QueryRowContext(ctx, `SELECT organization FROM organization_domain WHERE domain = ?`, d.String()).Scan(&other)
		if err == nil {
			return fault.New(fault.Conflict, "domain %q belongs to organization %q already", d, other)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO organization_domain (domain, organization) VALUES (?, ?)`, d.String(), o.Name); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// SetCertificate makes c the organization's current certificate; the old one becomes the previous.
func (s *Store) SetCertificate(ctx context.Context, name string, c *x509.Certificate) error {
	return s.one(ctx, name, `UPDATE organization SET previous_certificate = certificate, certificate = ? WHERE name = ?`, string(federation.EncodeCertificate(c)), name)
}

// Remove forgets an organization with its domains.
func (s *Store) Remove(ctx context.Context, name string) error {
	return s.one(ctx, name, `DELETE FROM organization WHERE name = ?`, name)
}

func (s *Store) one(ctx context.Context, name, query string, args ...any) error {
	res, err := s.db.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 0 {
		return err
	}
	return fault.New(fault.NotFound, "there is no organization %q", name)
}

// Claim implements gateway.Registry; what has expired is dropped by the way.
func (s *Store) Claim(ctx context.Context, id string, expires time.Time) (bool, error) {
	res, err := s.db.ExecContext(ctx, `INSERT INTO seen (id, expires) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, expires.Unix())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, err
	}
	_, err = s.db.ExecContext(ctx, `DELETE FROM seen WHERE expires < ?`, time.Now().Unix()-60)
	return n == 1, err
}

// Issued implements gateway.Registry.
func (s *Store) Issued(ctx context.Context, i gateway.Issued) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO issued (at, organization, user, target, action, assertion) VALUES (?, ?, ?, ?, ?, ?)`,
		i.When.Unix(), i.Organization, i.User, i.Target, i.Action, i.Assertion)
	return err
}
