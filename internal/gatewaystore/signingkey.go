package gatewaystore

import (
	"context"
	"database/sql"
	"time"
)

// SigningKeySince tells since when the signing key with this thumbprint has had its role; ok is false when the registry
// has not heard of it.
func (s *Store) SigningKeySince(ctx context.Context, role, thumbprint string) (since time.Time, ok bool, err error) {
	var unix int64
	ok, err = found(ctx, s.db, &unix, `SELECT since FROM signing_key WHERE role = ? AND thumbprint = ?`, role, thumbprint)
	return at(unix), ok, err
}

// SetSigningKeys writes down which key has which role since now: thumbprints by role. A key that keeps its role keeps
// its time. verb is what the audit calls it.
func (s *Store) SetSigningKeys(ctx context.Context, verb string, byRole map[string]string) error {
	return s.change(ctx, verb, byRole["current"], "", func(tx *sql.Tx) error {
		since := map[string]int64{}
		for role, thumbprint := range byRole {
			var unix int64
			ok, err := found(ctx, tx, &unix, `SELECT since FROM signing_key WHERE role = ? AND thumbprint = ?`, role, thumbprint)
			if err != nil {
				return err
			}
			if !ok {
				unix = s.now().Unix()
			}
			since[role] = unix
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM signing_key`); err != nil {
			return err
		}
		for role, thumbprint := range byRole {
			if _, err := tx.ExecContext(ctx, `INSERT INTO signing_key (thumbprint, role, since) VALUES (?, ?, ?)`, thumbprint, role, since[role]); err != nil {
				return err
			}
		}
		return nil
	})
}
