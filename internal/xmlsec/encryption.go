package xmlsec

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // where a trust's profile allows it
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
)

// ErrDecrypt is every failure to decrypt. What wraps it says why, for the log only: the wire must never tell.
var ErrDecrypt = errors.New("token cannot be decrypted")

func badDecrypt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDecrypt, fmt.Sprintf(format, args...))
}

// KeyRing finds private keys by hint.
type KeyRing interface {
	DecryptionKey(h KeyHint) (*rsa.PrivateKey, bool)
}

// BlockAlgorithm encrypts the content.
type BlockAlgorithm uint8

// The block algorithms.
const (
	AES256CBC BlockAlgorithm = iota
	AES128CBC
	TripleDESCBC
)

type blockSuite struct {
	uri     string
	keySize int
	new     func([]byte) (cipher.Block, error)
}

func (a BlockAlgorithm) suite() blockSuite {
	switch a {
	case AES128CBC:
		return blockSuite{algAES128, 16, aes.NewCipher}
	case TripleDESCBC:
		return blockSuite{alg3DES, 24, des.NewTripleDESCipher}
	default:
		return blockSuite{algAES256, 32, aes.NewCipher}
	}
}

// DecryptPolicy says what a peer may use; AES is always allowed.
type DecryptPolicy struct{ AllowTripleDES bool }

// Encrypt makes xenc:EncryptedData (Id=id, Type Element; rsa-oaep-mgf1p with SHA-1; the key named by its SKI) of
// plaintext, in the form of the published gateway tokens.
func Encrypt(plaintext []byte, to *x509.Certificate, alg BlockAlgorithm, id string) ([]byte, error) {
	su := alg.suite()
	key := make([]byte, su.keySize)
	_, _ = rand.Read(key)
	block, err := su.new(key)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	data := make([]byte, size, size+len(plaintext)+size)
	_, _ = rand.Read(data)
	data = append(data, plaintext...)
	pad := size - len(plaintext)%size
	data = append(data, bytes.Repeat([]byte{0}, pad-1)...)
	data = append(data, byte(pad)) // XML-Enc 5.2: the last byte counts, the others are arbitrary
	cipher.NewCBCEncrypter(block, data[:size]).CryptBlocks(data[size:], data[size:])
	wrapped, err := EncryptKey(key, to)
	if err != nil {
		return nil, err
	}
	out := fmt.Appendf(nil, `<EncryptedData Id="%s" Type="%s" xmlns="%s"><EncryptionMethod Algorithm="%s"></EncryptionMethod><ds:KeyInfo xmlns:ds="%s">`,
		id, typeElement, NSXENC, su.uri, NSDS)
	out = append(append(out, wrapped...), "</ds:KeyInfo><CipherData><CipherValue>"...)
	out = base64.StdEncoding.AppendEncode(out, data)
	return append(out, "</CipherValue></CipherData></EncryptedData>"...), nil
}

// EncryptKey makes xenc:EncryptedKey of secret for to's key, named by its SKI.
func EncryptKey(secret []byte, to *x509.Certificate) ([]byte, error) {
	pub, ok := to.PublicKey.(*rsa.PublicKey)
	if !ok || pub.N.BitLen() < MinRSABits {
		return nil, fmt.Errorf("certificate %q has no RSA key of at least %d bits", to.Subject, MinRSABits)
	}
	if len(to.SubjectKeyId) == 0 {
		return nil, fmt.Errorf("certificate %q has no Subject Key Identifier", to.Subject)
	}
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, pub, secret, nil)
	if err != nil {
		return nil, err
	}
	out := fmt.Appendf(nil, `<EncryptedKey xmlns="%s"><EncryptionMethod Algorithm="%s"><ds:DigestMethod xmlns:ds="%s" Algorithm="%s"></ds:DigestMethod></EncryptionMethod><ds:KeyInfo xmlns:ds="%s">`,
		NSXENC, algOAEP, NSDS, algSHA1, NSDS)
	out = AppendSKI(out, to.SubjectKeyId)
	out = append(out, "</ds:KeyInfo><CipherData><CipherValue>"...)
	out = base64.StdEncoding.AppendEncode(out, wrapped)
	return append(out, "</CipherValue></CipherData></EncryptedKey>"...), nil
}

// encrypted is the shape that EncryptedData and EncryptedKey share (XML-Enc 3.1).
type encrypted struct {
	method, keyInfo Element
	cipherValue     []byte
}

func parseEncrypted(e Element, local string) (encrypted, error) {
	var x encrypted
	if !e.Is(NSXENC, local) {
		return x, badDecrypt("%s is no %s", e.Local(), local)
	}
	for c := range e.Children() {
		switch {
		case c.Is(NSXENC, "EncryptionMethod") && x.method.IsZero():
			x.method = c
		case c.Is(NSDS, "KeyInfo") && x.keyInfo.IsZero():
			x.keyInfo = c
		case c.Is(NSXENC, "CipherData") && x.cipherValue == nil:
			value, err := c.Only(NSXENC, "CipherValue")
			if err != nil || c.node().first != c.node().last {
				return x, badDecrypt("CipherData is not one CipherValue")
			}
			if x.cipherValue, err = base64Text(value); err != nil {
				return x, badDecrypt("CipherValue: %v", err)
			}
		default:
			return x, badDecrypt("%s has a child %s that must not be there", local, c.Local())
		}
	}
	if x.method.IsZero() || x.cipherValue == nil || x.keyInfo.IsZero() && local == "EncryptedData" {
		return x, badDecrypt("%s is not complete", local)
	}
	return x, nil
}

// Decrypt opens xenc:EncryptedData and scans the plaintext under [TokenLimits]. Algorithms and shape are checked
// before any cryptography. Whatever goes wrong afterwards takes the same path: one RSA operation, one block
// decryption, one error.
func Decrypt(encryptedData Element, keys KeyRing, p DecryptPolicy) (*Document, error) {
	x, err := parseEncrypted(encryptedData, "EncryptedData")
	if err != nil {
		return nil, err
	}
	if t, ok := encryptedData.Attr("Type"); ok && t != typeElement {
		return nil, badDecrypt("EncryptedData has the type %q", t)
	}
	var su blockSuite
	method := algorithm(x.method)
	for _, a := range []BlockAlgorithm{AES256CBC, AES128CBC, TripleDESCBC} {
		if s := a.suite(); s.uri == method && (a != TripleDESCBC || p.AllowTripleDES) {
			su = s
		}
	}
	if su.new == nil {
		return nil, badDecrypt("block algorithm %q is not allowed", method)
	}
	wrapped, err := x.keyInfo.Only(NSXENC, "EncryptedKey")
	if err != nil || x.keyInfo.node().first != x.keyInfo.node().last {
		return nil, badDecrypt("KeyInfo is not one EncryptedKey")
	}
	key, reason := unwrap(wrapped, keys)
	if reason != nil && key == nil {
		return nil, reason
	}
	if len(key) != su.keySize { // go on with a key that opens nothing
		if reason == nil {
			reason = badDecrypt("the content key has %d bytes", len(key))
		}
		key = make([]byte, su.keySize)
		_, _ = rand.Read(key)
	}
	plain, err := unblock(x.cipherValue, key, su)
	if reason != nil {
		return nil, reason
	}
	if err != nil {
		return nil, err
	}
	doc, err := Scan(plain, TokenLimits())
	if err != nil {
		return nil, badDecrypt("the plaintext: %v", err)
	}
	return doc, nil
}

// WrappedKey returns the ciphertext of the content key in EncryptedData: the same bytes however the message spells
// them. nil when there is none of the right shape.
func WrappedKey(encryptedData Element) []byte {
	value := encryptedData.Child(NSDS, "KeyInfo").Child(NSXENC, "EncryptedKey").Child(NSXENC, "CipherData").Child(NSXENC, "CipherValue")
	if value.IsZero() {
		return nil
	}
	b, err := base64Text(value)
	if err != nil {
		return nil
	}
	return b
}

func unblock(data, key []byte, su blockSuite) ([]byte, error) {
	block, err := su.new(key)
	if err != nil {
		return nil, badDecrypt("%v", err)
	}
	size := block.BlockSize()
	if len(data) < 2*size || len(data)%size != 0 {
		return nil, badDecrypt("the ciphertext has %d bytes", len(data))
	}
	plain := make([]byte, len(data)-size)
	cipher.NewCBCDecrypter(block, data[:size]).CryptBlocks(plain, data[size:])
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > size {
		return nil, badDecrypt("the padding is wrong")
	}
	return plain[:len(plain)-pad], nil
}

// DecryptKey opens xenc:EncryptedKey (rsa-oaep-mgf1p with SHA-1, no label).
func DecryptKey(encryptedKey Element, keys KeyRing) ([]byte, error) {
	key, err := unwrap(encryptedKey, keys)
	if err != nil {
		return nil, err
	}
	return key, nil
}

// unwrap returns the secret. When the key is unknown or the ciphertext wrong it returns a random secret together with
// the reason, so that the caller can go on as if nothing had happened; a nil secret means that the shape was wrong.
func unwrap(e Element, keys KeyRing) (secret []byte, reason error) {
	x, err := parseEncrypted(e, "EncryptedKey")
	if err != nil {
		return nil, err
	}
	if alg, _ := x.method.Attr("Algorithm"); alg != algOAEP {
		return nil, badDecrypt("key transport %q is not allowed", alg)
	}
	for c := range x.method.Children() {
		if !c.Is(NSDS, "DigestMethod") || algorithm(c) != algSHA1 {
			return nil, badDecrypt("key transport with %s is not allowed", c.Local())
		}
	}
	hint, err := Hint(e)
	if err != nil {
		return nil, badDecrypt("%v", err)
	}
	private, ok := keys.DecryptionKey(hint)
	if !ok {
		reason = badDecrypt("no key of ours has the identifier %x", hint.SubjectKeyID)
	}
	if private == nil {
		return nil, badDecrypt("there is no key to decrypt with")
	}
	if len(x.cipherValue) != private.Size() && reason == nil { // RFC 8017 7.1.2: one ciphertext has one spelling
		reason = badDecrypt("the wrapped key has %d bytes", len(x.cipherValue))
	}
	secret, err = rsa.DecryptOAEP(sha1.New(), nil, private, x.cipherValue, nil)
	if err != nil && reason == nil {
		reason = badDecrypt("the content key cannot be opened")
	}
	if reason != nil {
		sum := sha256.Sum256(x.cipherValue)
		secret = sum[:1] // of no valid length: Decrypt replaces it by a random key
	}
	return secret, reason
}
