// Package xmlsec reads hostile XML: one strict scan of the raw bytes with an element index, XML Signature, XML Encryption.
package xmlsec

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"iter"
	"time"
)

// Limits caps a scan. Zero fields mean "no such thing allowed" except CommentsAllowed.
type Limits struct {
	Bytes, Depth, Attributes, Namespaces, Elements, NameBytes int
	CommentsAllowed                                           bool
}

// EnvelopeLimits are the caps of a SOAP envelope; TokenLimits those of a decrypted assertion; DocumentLimits those of metadata and remote answers (4 MB).
func EnvelopeLimits() Limits { return Limits{400 << 10, 32, 64, 16, 20000, 256, true} }

// TokenLimits are the caps of a decrypted token.
func TokenLimits() Limits { return Limits{64 << 10, 16, 16, 16, 200, 256, false} }

// DocumentLimits are the caps of what a partner or gateway answers.
func DocumentLimits() Limits { return Limits{4 << 20, 32, 64, 16, 200000, 256, true} }

// SyntaxError tells where the bytes stop being acceptable XML.
type SyntaxError struct {
	Line, Column int
	Reason       string
}

func (e *SyntaxError) Error() string { panic("not built yet") }

// Document is the flat index of one strict scan; it keeps the raw bytes.
type Document struct{}

// Scan reads raw strictly (one root, UTF-8, no DTD, no PI but the declaration, no duplicate attributes or ids, all prefixes declared).
func Scan(raw []byte, l Limits) (*Document, error) { panic("not built yet") }

func (d *Document) Root() Element { panic("not built yet") }
func (d *Document) Raw() []byte   { panic("not built yet") }

// ByID finds the element whose wsu:Id, Id, ID, AssertionID or xml:id is id. Duplicates were refused: see DuplicateID.
func (d *Document) ByID(id string) Element { panic("not built yet") }

// DuplicateID returns an id that two elements carry, or "". Scan does not refuse it: the caller chooses the fault.
func (d *Document) DuplicateID() string { panic("not built yet") }

// Element is a cursor into a Document; comparable by identity. The zero Element has no name and no children.
type Element struct {
	doc *Document
	i   int32
}

// Attr is one attribute, namespace resolved, value decoded and normalized. Namespace declarations are not among them.
type Attr struct{ Space, Local, Value string }

func (e Element) IsZero() bool                              { panic("not built yet") }
func (e Element) Document() *Document                       { panic("not built yet") }
func (e Element) Space() string                             { panic("not built yet") }
func (e Element) Local() string                             { panic("not built yet") }
func (e Element) Is(space, local string) bool               { panic("not built yet") }
func (e Element) Attr(local string) (string, bool)          { panic("not built yet") } // un-prefixed only
func (e Element) AttrNS(space, local string) (string, bool) { panic("not built yet") }
func (e Element) Attrs() []Attr                             { panic("not built yet") }
func (e Element) Parent() Element                           { panic("not built yet") }
func (e Element) Children() iter.Seq[Element]               { panic("not built yet") }
func (e Element) Child(space, local string) Element         { panic("not built yet") } // first; zero if none
func (e Element) Count(space, local string) int             { panic("not built yet") } // children of that name
func (e Element) Text() (string, error)                     { panic("not built yet") } // decoded text; an error when a child element or comment is inside
func (e Element) Outer() []byte                             { panic("not built yet") } // the raw bytes, start tag to end tag
func (e Element) Position() (line, column int)              { panic("not built yet") }
func (e Element) Namespace(prefix string) (string, bool)    { panic("not built yet") } // in scope; "" = default

// Canonicalize is exclusive c14n of e in its context, without comments.
func Canonicalize(e Element, prefixList ...string) ([]byte, error) { panic("not built yet") }

// Verified is content that a trusted signature covers: re-scanned from the very bytes that were digested. Only this package makes one.
type Verified struct{ root Element }

// Root is the verified element.
func (v Verified) Root() Element { return v.root }

// VerifyPolicy says what a peer may use.
type VerifyPolicy struct {
	AllowSHA1 bool
	Now       time.Time // certificates must be valid then
}

// ErrSignature is every failure of a signature; Reason (errors.As *Failure) is for the log only.
var ErrSignature = errors.New("signature is not valid")

// VerifyEnveloped checks the one enveloped signature that is root's last (or, for metadata, any direct) child, made by one of certs over root by idAttr
// ("AssertionID" un-prefixed, or "wsu:Id"). It returns the certificate that verified.
func VerifyEnveloped(root Element, idAttr string, certs []*x509.Certificate, p VerifyPolicy) (Verified, *x509.Certificate, error) {
	panic("not built yet")
}

// HasSignature tells whether root has a ds:Signature child.
func HasSignature(root Element) bool { panic("not built yet") }

// SignatureAlgorithm of what we sign.
type SignatureAlgorithm uint8

// The algorithms; each goes with the digest of the same size.
const (
	RSASHA256 SignatureAlgorithm = iota
	RSASHA1
	HMACSHA256
	HMACSHA1
)

// Signer signs with an organization's or a gateway's RSA key.
type Signer struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
	Algorithm   SignatureAlgorithm // RSASHA1 or RSASHA256
}

// SignEnveloped appends an enveloped signature (exc-c14n, KeyInfo X509Data) as last child of the root of doc and returns the new bytes.
func SignEnveloped(doc []byte, idAttr string, s Signer) ([]byte, error) { panic("not built yet") }

// Key checks or makes a detached signature: an HMAC key or an RSA key, never the one as the other.
type Key struct{}

func HMACKey(secret []byte) Key         { panic("not built yet") }
func PublicKey(c *x509.Certificate) Key { panic("not built yet") }
func PrivateKey(k *rsa.PrivateKey) Key  { panic("not built yet") }

// VerifyDetached checks a header signature (ds:Signature with 1..3 same-document references, exc-c14n only) with the given key and
// returns the covered elements by identity.
func VerifyDetached(signature Element, k Key, p VerifyPolicy) ([]Element, error) {
	panic("not built yet")
}

// SignDetached signs the elements of doc with the given ids (each exc-c14n) and returns the ds:Signature to be inserted; keyInfo is put inside ds:KeyInfo as it is.
func SignDetached(doc []byte, ids []string, k Key, alg SignatureAlgorithm, keyInfo []byte) ([]byte, error) {
	panic("not built yet")
}

// KeyHint is what a KeyInfo says of its key; a hint, never a source of trust.
type KeyHint struct {
	SubjectKeyID   []byte
	ThumbprintSHA1 []byte
	Certificate    []byte // DER
	IssuerName     string
	SerialNumber   string
	AssertionID    string // SAMLAssertionID key identifier
	ReferenceURI   string // "#id" of a BinarySecurityToken
}

// Hint reads the KeyInfo child of a ds:Signature, xenc:EncryptedData or xenc:EncryptedKey (its own KeyInfo, not a nested one).
func Hint(e Element) (KeyHint, error) { panic("not built yet") }

// KeyRing finds private keys; ok=false makes the decryption run on a dummy key and fail like any other.
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

// DecryptPolicy says what a peer may use; AES is always allowed.
type DecryptPolicy struct{ AllowTripleDES bool }

// ErrDecrypt is every failure to decrypt; the reason is for the log only.
var ErrDecrypt = errors.New("token cannot be decrypted")

// Encrypt makes xenc:EncryptedData (Id=id, Type Element, RSA-OAEP-MGF1P SHA-1, key named by SKI) of plaintext.
func Encrypt(plaintext []byte, to *x509.Certificate, alg BlockAlgorithm, id string) ([]byte, error) {
	panic("not built yet")
}

// EncryptKey makes xenc:EncryptedKey of secret, key named by SKI.
func EncryptKey(secret []byte, to *x509.Certificate) ([]byte, error) { panic("not built yet") }

// Decrypt opens xenc:EncryptedData and scans the plaintext under TokenLimits.
func Decrypt(encryptedData Element, keys KeyRing, p DecryptPolicy) (*Document, error) {
	panic("not built yet")
}

// DecryptKey opens xenc:EncryptedKey.
func DecryptKey(encryptedKey Element, keys KeyRing) ([]byte, error) { panic("not built yet") }

// AppendText appends s escaped as element text, AppendAttr as attribute value (double quotes).
func AppendText(dst []byte, s string) []byte { panic("not built yet") }
func AppendAttr(dst []byte, s string) []byte { panic("not built yet") }
