package gatewaystore

import (
	"context"
	"database/sql"
	"time"

	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

const selectDomain = `SELECT domain, organization, state, how, checked_at, failures, failing_since FROM domain `

func (s *Store) domains(ctx context.Context, where string, args ...any) ([]gateway.Domain, error) {
	rows, err := s.db.QueryContext(ctx, selectDomain+where+` ORDER BY domain`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []gateway.Domain
	for rows.Next() {
		var d gateway.Domain
		var name string
		var checked, failing int64
		if err := rows.Scan(&name, &d.Organization, &d.State, &d.How, &checked, &d.Failures, &failing); err != nil {
			return nil, err
		}
		if d.Name, err = smtpaddr.ParseDomain(name); err != nil {
			return nil, err
		}
		d.CheckedAt, d.FailingSince = at(checked), at(failing)
		out = append(out, d)
	}
	return out, rows.Err()
}

// Domains returns the domains of an organization, or of all when name is "".
func (s *Store) Domains(ctx context.Context, name string) ([]gateway.Domain, error) {
	return s.domains(ctx, `WHERE ? IN ('', organization)`, name)
}

// Domain returns one domain; fault.NotFound when nobody has reserved it.
func (s *Store) Domain(ctx context.Context, d smtpaddr.Domain) (gateway.Domain, error) {
	got, err := s.domains(ctx, `WHERE domain = ?`, d.String())
	if err == nil && len(got) == 0 {
		err = fault.New(fault.NotFound, "domain %q is reserved for nobody", d)
	}
	if err != nil {
		return gateway.Domain{}, err
	}
	return got[0], nil
}

// DomainsDue returns at most limit domains proven by TXT that were last checked before t, the longest ago first.
func (s *Store) DomainsDue(ctx context.Context, t time.Time, limit int) ([]gateway.Domain, error) {
	return s.domains(ctx, `WHERE domain IN (SELECT domain FROM domain WHERE how = 'txt' AND state = 'proven' AND checked_at < ? ORDER BY checked_at LIMIT ?)`, t.Unix(), limit)
}

// ReserveDomain reserves a domain for an organization.
func (s *Store) ReserveDomain(ctx context.Context, name string, d smtpaddr.Domain) error {
	return s.change(ctx, "domain add", d.String(), name, func(tx *sql.Tx) error {
		var n int
		if ok, err := found(ctx, tx, &n, `SELECT 1 FROM organization WHERE name = ?`, name); err != nil || !ok {
			return errOr(err, noOrganization(name))
		}
		return reserve(ctx, tx, gateway.Domain{Name: d, Organization: name, State: gateway.Reserved}, s.now())
	})
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func reserve(ctx context.Context, tx *sql.Tx, d gateway.Domain, now time.Time) error {
	var other string
	if ok, err := found(ctx, tx, &other, `SELECT organization FROM domain WHERE domain = ?`, d.Name.String()); err != nil {
		return err
	} else if ok {
		return fault.New(fault.Conflict, "domain %q belongs to organization %q already", d.Name, other)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO domain (domain, organization, state, how, checked_at) VALUES (?, ?, ?, ?, ?)`,
		d.Name.String(), d.Organization, d.State, d.How, now.Unix())
	return err
}

// PutDomain writes what a check or the administrator found of a domain that is reserved; its owner may change with
// it. was is what the caller had read: if it has changed meanwhile the write is refused (fault.Conflict), so that two
// checks can never make two owners. verb is what the audit calls it.
func (s *Store) PutDomain(ctx context.Context, verb string, was, d gateway.Domain) error {
	put := func(tx *sql.Tx) error {
		return one(ctx, tx, fault.New(fault.Conflict, "domain %q was changed meanwhile", d.Name),
			`UPDATE domain SET organization = ?, state = ?, how = ?, checked_at = ?, failures = ?, failing_since = ? WHERE domain = ? AND organization = ? AND state = ?`,
			d.Organization, d.State, d.How, d.CheckedAt.Unix(), d.Failures, unix(d.FailingSince), d.Name.String(), was.Organization, was.State)
	}
	if was.Organization == d.Organization && was.State == d.State && was.How == d.How { // only the times of a check
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := put(tx); err != nil {
			return err
		}
		return tx.Commit()
	}
	return s.change(ctx, verb, d.Name.String(), was.Organization+" "+string(was.State)+" to "+d.Organization+" "+string(d.State)+" "+d.How, put)
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// RemoveDomain releases a domain.
func (s *Store) RemoveDomain(ctx context.Context, name string, d smtpaddr.Domain) error {
	return s.change(ctx, "domain remove", d.String(), name, func(tx *sql.Tx) error {
		return one(ctx, tx, fault.New(fault.NotFound, "domain %q is not of organization %q", d, name),
			`DELETE FROM domain WHERE domain = ? AND organization = ?`, d.String(), name)
	})
}
