// Package gatewaykeys keeps a gateway's token-signing keys in its data folder:
//
//	signing.key, signing.pem            current
//	signing-next.key, signing-next.pem  next, when one is planned
//	signing-previous.key, .pem          previous: signs the metadata until no token of it can be valid any more
package gatewaykeys

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/listen"
)

// Days is how long a new signing certificate is valid.
const Days = 3650

// Folder is the data folder.
type Folder string

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

func (f Folder) has(name string) bool {
	_, err := os.Stat(f.path(name))
	return err == nil
}

// publishedKeys are the SHA-256 of the public keys whose private keys everybody has: those of the published samples.
func publishedKeys() []string {
	return []string{
		"0b68850aa3b8b57df717083bab0f0612cb6c147185edaddc0288cb5b33a5e412", // broker
		"9687c083b5d0c787dec2996fa096c097b0dfe61cf73d3147880295422ba0bd4d", // requester
		"4abb279255eee16f4f191d1ffe08455ea2b5d235996515433e7274cfa639e1a6", // target
	}
}

// Load reads the keys; the first time it makes a current one. It refuses a private key that others can read, one that
// is not its certificate's, an expired one and a published one.
func (f Folder) Load(now time.Time) (gateway.Keys, error) {
	if _, err := os.Stat(f.path("signing.key")); errors.Is(err, fs.ErrNotExist) {
		if _, err := f.create("signing", now); err != nil {
			return gateway.Keys{}, err
		}
	}
	if err := f.finishPublish(); err != nil {
		return gateway.Keys{}, err
	}
	var k gateway.Keys
	var err error
	if k.Current, err = f.pair("signing", now); err != nil {
		return k, err
	}
	next, err := f.pair("signing-next", now)
	if err == nil {
		k.Next = next.Certificate
	} else if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k.Previous, err = f.certificate("signing-previous"); errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err == nil && f.has("signing-previous.key") && !now.After(k.Previous.NotAfter) {
		var previous *federation.KeyPair
		if previous, err = f.pair("signing-previous", now); err == nil {
			k.PreviousKey = previous.Key
		}
	}
	return k, err
}

func (f Folder) certificate(name string) (*x509.Certificate, error) {
	pem, err := os.ReadFile(f.path(name + ".pem"))
	if err != nil {
		return nil, err
	}
	return federation.ParseCertificate(pem)
}

func (f Folder) pair(name string, now time.Time) (*federation.KeyPair, error) {
	keyFile := f.path(name + ".key")
	if err := listen.CheckKeyFile(keyFile); err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	certPEM, err := os.ReadFile(f.path(name + ".pem"))
	if err != nil {
		return nil, err
	}
	pair, err := federation.ParseKeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", f.path(name+".pem"), keyFile, err)
	}
	sum := sha256.Sum256(pair.Certificate.RawSubjectPublicKeyInfo)
	switch {
	case slices.Contains(publishedKeys(), hex.EncodeToString(sum[:])):
		return nil, fmt.Errorf("%s is a published sample: everybody has this key; remove it and start again to make one", keyFile)
	case now.After(pair.Certificate.NotAfter):
		return nil, fmt.Errorf("the signing certificate %s expired on %s", f.path(name+".pem"), pair.Certificate.NotAfter.Format(time.DateOnly))
	}
	return pair, nil
}

func (f Folder) create(name string, now time.Time) (*federation.KeyPair, error) {
	pair, err := federation.NewSigningCertificate(now, Days)
	if err != nil {
		return nil, err
	}
	certPEM, keyPEM, err := pair.MarshalPEM()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(f.path(name+".pem"), certPEM, 0o644); err != nil { //nolint:gosec // public
		return nil, err
	}
	return pair, os.WriteFile(f.path(name+".key"), keyPEM, 0o600)
}

// MakeNext makes the next key. There may be one only, and none beside a previous certificate, since metadata names two.
func (f Folder) MakeNext(now time.Time) (*x509.Certificate, error) {
	if f.has("signing-next.key") {
		return nil, fault.New(fault.Conflict, "there is a next signing key already; publish it first")
	}
	if f.has("signing-previous.pem") {
		return nil, fault.New(fault.Conflict, "tokens of the previous signing key may still be in use; the next key can be made when they have expired")
	}
	pair, err := f.create("signing-next", now)
	if err != nil {
		return nil, err
	}
	return pair.Certificate, nil
}

// Publish makes the next key current and the current certificate previous.
func (f Folder) Publish() error {
	if !f.has("signing-next.key") {
		return fault.New(fault.NotFound, "there is no next signing key")
	}
	pem, err := os.ReadFile(f.path("signing.pem"))
	if err == nil {
		err = os.WriteFile(f.path("signing-previous.pem"), pem, 0o644) //nolint:gosec // public
	}
	var key []byte
	if err == nil {
		key, err = os.ReadFile(f.path("signing.key"))
	}
	if err == nil {
		err = os.WriteFile(f.path("signing-previous.key"), key, 0o600)
	}
	if err == nil {
		err = os.Rename(f.path("signing-next.key"), f.path("signing.key"))
	}
	if err != nil {
		return err
	}
	return f.finishPublish()
}

// finishPublish renames the next certificate after its key: the second half of Publish, also when that was interrupted.
func (f Folder) finishPublish() error {
	if f.has("signing-next.key") || !f.has("signing-next.pem") {
		return nil
	}
	return os.Rename(f.path("signing-next.pem"), f.path("signing.pem"))
}

// DropPrevious forgets the previous certificate and its key.
func (f Folder) DropPrevious() error {
	if err := os.Remove(f.path("signing-previous.key")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Remove(f.path("signing-previous.pem"))
}

// Stamp changes when a file does.
func (f Folder) Stamp() string {
	var b strings.Builder
	for _, name := range []string{"signing.key", "signing.pem", "signing-next.pem", "signing-previous.pem"} {
		if info, err := os.Stat(f.path(name)); err == nil {
			fmt.Fprintf(&b, "%s %d %d;", name, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}
