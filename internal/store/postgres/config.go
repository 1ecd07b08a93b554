package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
)

// snapshot are the options of a transaction whose reads all see the same state.
func snapshot() pgx.TxOptions {
	return pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
}

// configTx runs f and moves the configuration's counter last.
func (s *Store) configTx(ctx context.Context, f func(tx pgx.Tx) error) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE counter SET version = version + 1 WHERE name = 'config'`)
		return err
	})
}

// ConfigVersion reads the counter.
func (s *Store) ConfigVersion(ctx context.Context) (v int64, err error) {
	err = s.served(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		return c.QueryRow(ctx, `SELECT version FROM counter WHERE name = 'config'`).Scan(&v)
	})
	return v, err
}

// LoadConfig reads one consistent snapshot.
func (s *Store) LoadConfig(ctx context.Context) (*store.Config, error) {
	c := &store.Config{Settings: map[string]string{}, Organization: &federation.Organization{}}
	err := s.served(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, snapshot(), func(tx pgx.Tx) error { return s.loadConfig(ctx, tx, c) })
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (s *Store) loadConfig(ctx context.Context, tx pgx.Tx, c *store.Config) error {
	if err := tx.QueryRow(ctx, `SELECT version FROM counter WHERE name = 'config'`).Scan(&c.Version); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT name, data FROM config`)
	if err != nil {
		return err
	}
	var name, data string
	if _, err = pgx.ForEachRow(rows, []any{&name, &data}, func() (err error) {
		switch name {
		case "trust":
			c.Trust, err = store.DecodeTrust([]byte(data), s.key)
		case "certificates":
			c.Certificates, err = store.DecodeCertificates([]byte(data), s.key)
		case "organization":
			err = json.Unmarshal([]byte(data), c.Organization)
		default:
			c.Settings[name] = data
		}
		return err
	}); err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, `SELECT data FROM relationship ORDER BY name`); err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, []any{&data}, func() error {
		r, err := store.DecodeRelationship([]byte(data), s.key)
		if err != nil {
			return err
		}
		c.Relationships = append(c.Relationships, r)
		return nil
	})
	return err
}

func putConfig(ctx context.Context, tx pgx.Tx, name, data string) error {
	_, err := tx.Exec(ctx, `INSERT INTO config (name, data) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET data = excluded.data`, name, data)
	return err
}

// PutTrust stores the trust with its keys sealed; nil removes it.
func (s *Store) PutTrust(ctx context.Context, t *federation.Trust) error {
	return s.configTx(ctx, func(tx pgx.Tx) error {
		if t == nil {
			_, err := tx.Exec(ctx, `DELETE FROM config WHERE name = 'trust'`)
			return err
		}
		data, err := store.EncodeTrust(t, s.key)
		if err != nil {
			return err
		}
		return putConfig(ctx, tx, "trust", string(data))
	})
}

// PutCertificates stores the key pairs that belong to no trust, sealed.
func (s *Store) PutCertificates(ctx context.Context, pairs []*federation.KeyPair) error {
	data, err := store.EncodeCertificates(pairs, s.key)
	if err != nil {
		return err
	}
	return s.configTx(ctx, func(tx pgx.Tx) error { return putConfig(ctx, tx, "certificates", string(data)) })
}

// PutOrganization stores the organization identifier.
func (s *Store) PutOrganization(ctx context.Context, o *federation.Organization) error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return s.configTx(ctx, func(tx pgx.Tx) error { return putConfig(ctx, tx, "organization", string(data)) })
}

// PutSetting stores one setting.
func (s *Store) PutSetting(ctx context.Context, name, value string) error {
	return s.configTx(ctx, func(tx pgx.Tx) error { return putConfig(ctx, tx, name, value) })
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
	return s.configTx(ctx, func(tx pgx.Tx) error {
		// Changes of relationships wait for each other here, so that what is checked below still holds at the end.
		if _, err := tx.Exec(ctx, `SELECT version FROM counter WHERE name = 'config' FOR UPDATE`); err != nil {
			return err
		}
		folded := strings.ToLower(r.Name)
		if err := taken(tx.QueryRow(ctx, `SELECT name FROM relationship WHERE folded_name = $1 AND id <> $2`, folded, r.ID), "organization relationship"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM relationship_domain WHERE relationship_id = $1`, r.ID); err != nil {
			return err
		}
		for _, d := range r.DomainNames {
			row := tx.QueryRow(ctx, `SELECT r.name FROM relationship_domain d JOIN relationship r ON r.id = d.relationship_id WHERE d.domain = $1 AND r.id <> $2`, d.String(), r.ID)
			if err := taken(row, fmt.Sprintf("domain %q already belongs to relationship", d)); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO relationship_domain (domain, relationship_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, d.String(), r.ID); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO relationship (id, name, folded_name, data) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, folded_name = excluded.folded_name, data = excluded.data`, r.ID, r.Name, folded, string(data))
		return err
	})
}

// taken is ErrExists if there is a row.
func taken(row pgx.Row, what string) error {
	var other string
	switch err := row.Scan(&other); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%s %q: %w", what, other, store.ErrExists)
}

// DeleteRelationship removes a relationship.
func (s *Store) DeleteRelationship(ctx context.Context, id string) error {
	return s.configTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM relationship_domain WHERE relationship_id = $1`, id); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM relationship WHERE id = $1`, id)
		return oneRow(tag, err, "organization relationship "+id)
	})
}
