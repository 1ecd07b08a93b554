package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
)

// ConfigVersion reads the counter.
func (s *Store) ConfigVersion(ctx context.Context) (v int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT version FROM counter WHERE name = 'config'`).Scan(&v)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return v, nil
}

// LoadConfig reads one consistent snapshot.
func (s *Store) LoadConfig(ctx context.Context) (*store.Config, error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	defer tx.Rollback()
	c := &store.Config{Settings: map[string]string{}, Organization: &federation.Organization{}}
	if err := tx.QueryRowContext(ctx, `SELECT version FROM counter WHERE name = 'config'`).Scan(&c.Version); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if err := s.loadNamed(ctx, tx, c); err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT data FROM relationship ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return nil, err
		}
		r, err := store.DecodeRelationship(data, s.key)
		if err != nil {
			return nil, err
		}
		c.Relationships = append(c.Relationships, r)
	}
	return c, rows.Err()
}

func (s *Store) loadNamed(ctx context.Context, tx *sql.Tx, c *store.Config) error {
	rows, err := tx.QueryContext(ctx, `SELECT name, data FROM config`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var data []byte
		if err := rows.Scan(&name, &data); err != nil {
			return err
		}
		switch name {
		case "trust":
			if c.Trust, err = store.DecodeTrust(data, s.key); err != nil {
				return err
			}
		case "certificates":
			if c.Certificates, err = store.DecodeCertificates(data, s.key); err != nil {
				return err
			}
		case "organization":
			if err := json.Unmarshal(data, c.Organization); err != nil {
				return err
			}
		default:
			c.Settings[name] = string(data)
		}
	}
	return rows.Err()
}

func putConfig(ctx context.Context, tx *sql.Tx, name string, data []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO config (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET data = excluded.data`, name, data)
	return err
}

// PutTrust stores the trust with its keys sealed; nil removes it.
func (s *Store) PutTrust(ctx context.Context, t *federation.Trust) error {
	return s.configTx(ctx, func(tx *sql.Tx) error {
		if t == nil {
			_, err := tx.ExecContext(ctx, `DELETE FROM config WHERE name = 'trust'`)
			return err
		}
		data, err := store.EncodeTrust(t, s.key)
		if err != nil {
			return err
		}
		return putConfig(ctx, tx, "trust", data)
	})
}

// PutCertificates stores the key pairs that belong to no trust, sealed.
func (s *Store) PutCertificates(ctx context.Context, pairs []*federation.KeyPair) error {
	data, err := store.EncodeCertificates(pairs, s.key)
	if err != nil {
		return err
	}
	return s.configTx(ctx, func(tx *sql.Tx) error { return putConfig(ctx, tx, "certificates", data) })
}

// PutOrganization stores the organization identifier.
func (s *Store) PutOrganization(ctx context.Context, o *federation.Organization) error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return s.configTx(ctx, func(tx *sql.Tx) error { return putConfig(ctx, tx, "organization", data) })
}

// PutSetting stores one setting.
func (s *Store) PutSetting(ctx context.Context, name, value string) error {
	return s.configTx(ctx, func(tx *sql.Tx) error { return putConfig(ctx, tx, name, []byte(value)) })
}

// PutRelationship creates (ID "") or replaces a relationship; a name or domain of another one is ErrExists.
func (s *Store) PutRelationship(ctx context.Context, r *orgrel.OrganizationRelationship) error {
	if r.ID == "" {
		r.ID, r.WhenCreated = store.NewID(), s.now().UTC()
	}
	r.WhenChanged = s.now().UTC()
	data, err := store.EncodeRelationship(r, s.key)
	if err != nil {
		return err
	}
	return s.configTx(ctx, func(tx *sql.Tx) error {
		var other string
		folded := strings.ToLower(r.Name)
		err := tx.QueryRowContext(ctx, `SELECT name FROM relationship WHERE folded_name = ? AND id <> ?`, folded, r.ID).Scan(&other)
		if err == nil {
			return fmt.Errorf("organization relationship %q: %w", other, store.ErrExists)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM relationship_domain WHERE relationship_id = ?`, r.ID); err != nil {
			return err
		}
		for _, d := range r.DomainNames {
			err := tx.QueryRowContext(ctx, `SELECT r.name FROM relationship_domain d JOIN relationship r ON r.id = d.relationship_id WHERE d.domain = ?`, d.String()).Scan(&other)
			if err == nil {
				return fmt.Errorf("domain %q already belongs to relationship %q: %w", d, other, store.ErrExists)
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO relationship_domain (domain, relationship_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, d.String(), r.ID); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO relationship (id, name, folded_name, data) VALUES (?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, folded_name = excluded.folded_name, data = excluded.data`, r.ID, r.Name, folded, data)
		return err
	})
}

// DeleteRelationship removes a relationship.
func (s *Store) DeleteRelationship(ctx context.Context, id string) error {
	return s.configTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM relationship_domain WHERE relationship_id = ?`, id); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM relationship WHERE id = ?`, id)
		return oneRow(res, err, "organization relationship "+id)
	})
}
