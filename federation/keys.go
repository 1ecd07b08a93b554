package federation

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"time"
)

// KeyPair is an organization certificate with its private key. It prints without the key.
type KeyPair struct {
	Certificate *x509.Certificate
	Key         *rsa.PrivateKey
}

// String names the certificate only.
func (k *KeyPair) String() string {
	if k == nil {
		return "none"
	}
	return fmt.Sprintf("certificate %s until %s", Thumbprint(k.Certificate), k.Certificate.NotAfter.UTC().Format(time.DateOnly))
}

// GoString keeps %#v from showing the key.
func (k *KeyPair) GoString() string { return k.String() }

// LogValue keeps logs from showing the key.
func (k *KeyPair) LogValue() slog.Value { return slog.StringValue(k.String()) }

// NewOrganizationCertificate makes a self-signed RSA-2048 certificate fit for federation: a random 16-byte Subject Key
// Identifier, client authentication, NotBefore a day in the past so that no time zone can put it into the future.
func NewOrganizationCertificate(now time.Time, days int) (*KeyPair, error) {
	return newCertificate("Exchange Federated Delegation", now, days)
}

// NewSigningCertificate makes a gateway's token-signing certificate of the same kind.
func NewSigningCertificate(now time.Time, days int) (*KeyPair, error) {
	return newCertificate("Federation Gateway Token Signing", now, days)
}

func newCertificate(name string, now time.Time, days int) (*KeyPair, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ski, serial := make([]byte, 16), make([]byte, 16)
	_, _ = rand.Read(ski)
	_, _ = rand.Read(serial)
	serial[0] &= 0x7F
	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.AddDate(0, 0, days),
		SubjectKeyId:          ski,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &KeyPair{cert, key}, err
}

// Thumbprint is the certificate's SHA-1 in upper-case hexadecimal, by which Exchange names certificates. It names, and
// proves nothing.
func Thumbprint(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// Fingerprint is the certificate's SHA-256 in lower-case hexadecimal, for people to compare.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// CheckOrganizationCertificate tells why c cannot be an organization certificate at the time now: what gateways refuse
// is refused here, with a sentence. The RSA key and the Subject Key Identifier were checked when c was parsed.
func CheckOrganizationCertificate(c *x509.Certificate, now time.Time) error {
	switch {
	case now.Before(c.NotBefore):
		return fmt.Errorf("the certificate %s is not yet valid: its NotBefore is %s and it is %s now; a gateway would refuse it (clock or time zone?)",
			Thumbprint(c), c.NotBefore.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case now.After(c.NotAfter):
		return fmt.Errorf("the certificate %s expired on %s", Thumbprint(c), c.NotAfter.UTC().Format(time.RFC3339))
	case !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return fmt.Errorf("the certificate %s is not for client authentication (extended key usage 1.3.6.1.5.5.7.3.2); a gateway would answer 403 Forbidden", Thumbprint(c))
	}
	return nil
}

// ExpiryWarning returns the last of the thresholds 60, 30, 7 and 0 days that the certificate has passed at the time now;
// ok is false before the first.
func ExpiryWarning(c *x509.Certificate, now time.Time) (days int, ok bool) {
	for _, t := range [...]int{60, 30, 7, 0} {
		if !now.Add(time.Duration(t) * 24 * time.Hour).Before(c.NotAfter) {
			days, ok = t, true
		}
	}
	return days, ok
}

// MarshalPEM writes the certificate and the private key (PKCS#8).
func (k *KeyPair) MarshalPEM() (cert, key []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Key)
	if err != nil {
		return nil, nil, err
	}
	return EncodeCertificate(k.Certificate), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// EncodeCertificate writes one certificate as PEM.
func EncodeCertificate(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// ParseCertificate reads one certificate from PEM and checks that it can serve federation.
func ParseCertificate(b []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("there is no PEM certificate")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	pub, ok := c.PublicKey.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, errors.New("the certificate's key is not RSA")
	case pub.N.BitLen() < 2048 || pub.E < 65537:
		return nil, fmt.Errorf("the certificate's RSA key has %d bits and exponent %d; at least 2048 bits and 65537 are needed", pub.N.BitLen(), pub.E)
	case len(c.SubjectKeyId) == 0:
		return nil, errors.New("the certificate has no Subject Key Identifier")
	}
	return c, nil
}

// ParseKeyPair reads what MarshalPEM wrote and checks that the two belong together.
func ParseKeyPair(certPEM, keyPEM []byte) (*KeyPair, error) {
	cert, err := ParseCertificate(certPEM)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, errors.New("there is no PEM private key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return nil, errors.New("the private key is neither PKCS#8 nor PKCS#1")
		}
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the private key is not RSA")
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("the private key is not the certificate's")
	}
	return &KeyPair{cert, key}, nil
}
