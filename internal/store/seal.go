package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/listen"
	"github.com/availd/availd/orgrel"
)

// MasterKey seals private keys in the store (AES-256-GCM).
type MasterKey struct{ aead cipher.AEAD }

// LoadMasterKey reads the key file (64 hex digits), or makes it with mode 0600 where create is set.
func LoadMasterKey(path string, create bool) (*MasterKey, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && create {
		if err = CreateMasterKey(path); err == nil {
			b, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	if err := listen.CheckKeyFile(path); err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("master key file %s does not hold 64 hexadecimal digits", path)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &MasterKey{aead}, err
}

// CreateMasterKey makes a new key file of 64 hexadecimal digits with mode 0600; an existing file is never overwritten.
func CreateMasterKey(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

// ReplaceMasterKey puts the key of newPath in the place of the file at path, at once or not at all.
func ReplaceMasterKey(path, newPath string) error {
	b, err := os.ReadFile(newPath)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func (k *MasterKey) seal(plain []byte) string {
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce)
	return base64.StdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, plain, []byte("availd organization key")))
}

func (k *MasterKey) open(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) < k.aead.NonceSize() {
		return nil, errors.New("a sealed key is malformed")
	}
	plain, err := k.aead.Open(nil, b[:k.aead.NonceSize()], b[k.aead.NonceSize():], []byte("availd organization key"))
	if err != nil {
		return nil, errors.New("an organization key cannot be opened with this master key")
	}
	return plain, nil
}

// relationshipRow is a relationship as it lies in the store: its fields, and the password sealed.
type relationshipRow struct {
	*orgrel.OrganizationRelationship
	Sealed string `json:"OrgWidePassword,omitempty"`
}

// EncodeRelationship writes a relationship with its password sealed.
func EncodeRelationship(r *orgrel.OrganizationRelationship, k *MasterKey) ([]byte, error) {
	row := relationshipRow{OrganizationRelationship: r}
	if r.OrgWidePassword != "" && k == nil {
		return nil, errors.New("without a master key no password is kept")
	}
	if r.OrgWidePassword != "" {
		row.Sealed = k.seal([]byte(r.OrgWidePassword))
	}
	return json.Marshal(row)
}

// DecodeRelationship reads what EncodeRelationship wrote.
func DecodeRelationship(b []byte, k *MasterKey) (*orgrel.OrganizationRelationship, error) {
	row := relationshipRow{OrganizationRelationship: &orgrel.OrganizationRelationship{}}
	if err := json.Unmarshal(b, &row); err != nil {
		return nil, err
	}
	r := row.OrganizationRelationship
	if row.Sealed != "" && k == nil {
		return nil, fmt.Errorf("organization relationship %q: without a master key its password is not read", r.Name)
	}
	if row.Sealed != "" {
		plain, err := k.open(row.Sealed)
		if err != nil {
			return nil, fmt.Errorf("organization relationship %q: %w", r.Name, err)
		}
		r.OrgWidePassword = orgrel.Password(plain)
	}
	return r, nil
}

// trustRow is a Trust as it lies in the store: certificates as PEM, private keys sealed.
type trustRow struct {
	Plain  federation.Trust
	Issuer [2]string
	Cert   [3]string
	Key    [3]string
}

// EncodeTrust writes a trust with its private keys sealed.
func EncodeTrust(t *federation.Trust, k *MasterKey) ([]byte, error) {
	row := trustRow{Plain: *t}
	p := &row.Plain
	if p.TokenIssuerCertificate != nil {
		row.Issuer[0] = string(federation.EncodeCertificate(p.TokenIssuerCertificate))
	}
	if p.TokenIssuerPrevCertificate != nil {
		row.Issuer[1] = string(federation.EncodeCertificate(p.TokenIssuerPrevCertificate))
	}
	for i, pair := range []*federation.KeyPair{p.OrgCertificate, p.OrgPrevCertificate, p.OrgNextCertificate} {
		if pair == nil {
			continue
		}
		sealed, err := k.sealPair(pair)
		if err != nil {
			return nil, err
		}
		row.Cert[i], row.Key[i] = sealed.Cert, sealed.Key
	}
	p.TokenIssuerCertificate, p.TokenIssuerPrevCertificate, p.OrgCertificate, p.OrgPrevCertificate, p.OrgNextCertificate = nil, nil, nil, nil, nil
	return json.Marshal(row)
}

// DecodeTrust reads what EncodeTrust wrote.
func DecodeTrust(b []byte, k *MasterKey) (*federation.Trust, error) {
	var row trustRow
	if err := json.Unmarshal(b, &row); err != nil {
		return nil, err
	}
	t := &row.Plain
	var err error
	if row.Issuer[0] != "" {
		if t.TokenIssuerCertificate, err = federation.ParseCertificate([]byte(row.Issuer[0])); err != nil {
			return nil, err
		}
	}
	if row.Issuer[1] != "" {
		if t.TokenIssuerPrevCertificate, err = federation.ParseCertificate([]byte(row.Issuer[1])); err != nil {
			return nil, err
		}
	}
	for i, into := range []**federation.KeyPair{&t.OrgCertificate, &t.OrgPrevCertificate, &t.OrgNextCertificate} {
		if row.Cert[i] == "" {
			continue
		}
		if *into, err = k.openPair(sealedPair{row.Cert[i], row.Key[i]}); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// sealedPair is a key pair as it lies in the store.
type sealedPair struct{ Cert, Key string }

func (k *MasterKey) sealPair(p *federation.KeyPair) (sealedPair, error) {
	cert, key, err := p.MarshalPEM()
	if err != nil {
		return sealedPair{}, err
	}
	return sealedPair{string(cert), k.seal(key)}, nil
}

func (k *MasterKey) openPair(p sealedPair) (*federation.KeyPair, error) {
	key, err := k.open(p.Key)
	if err == nil {
		return federation.ParseKeyPair([]byte(p.Cert), key)
	}
	if c, e := federation.ParseCertificate([]byte(p.Cert)); e == nil {
		return nil, fmt.Errorf("Federation certificate with the thumbprint \"%s\" cannot be found: %w", federation.Thumbprint(c), err) //nolint:staticcheck // the text administrators know
	}
	return nil, err
}

// EncodeCertificates writes key pairs that belong to no trust, their private keys sealed.
func EncodeCertificates(pairs []*federation.KeyPair, k *MasterKey) ([]byte, error) {
	rows := []sealedPair{}
	for _, p := range pairs {
		row, err := k.sealPair(p)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return json.Marshal(rows)
}

// DecodeCertificates reads what EncodeCertificates wrote.
func DecodeCertificates(b []byte, k *MasterKey) ([]*federation.KeyPair, error) {
	var rows []sealedPair
	if err := json.Unmarshal(b, &rows); err != nil {
		return nil, err
	}
	var out []*federation.KeyPair
	for _, row := range rows {
		p, err := k.openPair(row)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
