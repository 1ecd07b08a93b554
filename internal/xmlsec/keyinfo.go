package xmlsec

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// KeyHint is what a KeyInfo says of its key: a hint among trusted keys, never a source of trust.
type KeyHint struct {
	SubjectKeyID   []byte
	ThumbprintSHA1 []byte
	Certificate    []byte // DER
	IssuerName     string
	SerialNumber   string
	AssertionID    string // SAMLAssertionID key identifier
	ReferenceURI   string // "#id" of a BinarySecurityToken
}

// Hint reads the KeyInfo child of a ds:Signature, xenc:EncryptedData or xenc:EncryptedKey. A missing KeyInfo is an
// empty hint; an EncryptedKey inside it is left to [Decrypt].
func Hint(e Element) (KeyHint, error) {
	var h KeyHint
	switch e.Count(NSDS, "KeyInfo") {
	case 0:
		return h, nil
	case 1:
	default:
		return h, fmt.Errorf("%s has several KeyInfo", e.Local())
	}
	for c := range e.Child(NSDS, "KeyInfo").Children() {
		var err error
		switch {
		case c.Is(NSDS, "X509Data"):
			err = h.x509Data(c)
		case c.Is(NSWSSE, "SecurityTokenReference"):
			err = h.tokenReference(c)
		case c.Is(NSXENC, "EncryptedKey"):
		default:
			err = fmt.Errorf("KeyInfo has a child %s", c.Local())
		}
		if err != nil {
			return KeyHint{}, err
		}
	}
	return h, nil
}

func (h *KeyHint) x509Data(data Element) (err error) {
	for c := range data.Children() {
		switch {
		case c.Is(NSDS, "X509Certificate"):
			h.Certificate, err = base64Text(c)
		case c.Is(NSDS, "X509SKI"):
			h.SubjectKeyID, err = base64Text(c)
		case c.Is(NSDS, "X509IssuerSerial"):
			if h.IssuerName, err = c.Child(NSDS, "X509IssuerName").Text(); err == nil {
				h.SerialNumber, err = c.Child(NSDS, "X509SerialNumber").Text()
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *KeyHint) tokenReference(str Element) error {
	if n := str.node(); n.first != n.last {
		return errors.New("SecurityTokenReference has several children")
	}
	for c := range str.Children() {
		switch {
		case c.Is(NSWSSE, "KeyIdentifier"):
			value, _ := c.Attr("ValueType")
			text, err := c.Text()
			if err != nil {
				return err
			}
			text = strings.TrimSpace(text)
			if value == ValueTypeSAMLID {
				h.AssertionID = text
				continue
			}
			raw, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return fmt.Errorf("KeyIdentifier: %w", err)
			}
			switch value {
			case ValueTypeSKI:
				h.SubjectKeyID = raw
			case valueThumbprint:
				h.ThumbprintSHA1 = raw
			}
		case c.Is(NSWSSE, "Reference"):
			h.ReferenceURI, _ = c.Attr("URI")
		case c.Is(NSDS, "X509Data"):
			if err := h.x509Data(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// NamesAssertion tells whether the hint names the assertion id and nothing else.
func (h KeyHint) NamesAssertion(id string) bool {
	return h.AssertionID == id && id != "" && h.SubjectKeyID == nil && h.ThumbprintSHA1 == nil && h.Certificate == nil &&
		h.SerialNumber == "" && h.ReferenceURI == ""
}

// AppendSKI appends the SecurityTokenReference that names a certificate by its Subject Key Identifier.
func AppendSKI(dst, ski []byte) []byte {
	return fmt.Appendf(dst, `<o:SecurityTokenReference xmlns:o="%s"><o:KeyIdentifier ValueType="%s" EncodingType="%s">%s</o:KeyIdentifier></o:SecurityTokenReference>`,
		NSWSSE, ValueTypeSKI, EncodingBase64, base64.StdEncoding.EncodeToString(ski))
}

// Names tells whether the hint may mean c: every identifier that it holds must be c's, and it must hold one.
func (h KeyHint) Names(c *x509.Certificate) bool {
	named := false
	for _, id := range []struct{ hint, cert []byte }{{h.SubjectKeyID, c.SubjectKeyId}, {h.ThumbprintSHA1, thumbprint(c)}, {h.Certificate, c.Raw}} {
		if len(id.hint) == 0 {
			continue
		}
		if !bytes.Equal(id.hint, id.cert) {
			return false
		}
		named = true
	}
	if h.SerialNumber != "" {
		if h.SerialNumber != c.SerialNumber.String() {
			return false
		}
		named = true
	}
	return named
}

func thumbprint(c *x509.Certificate) []byte {
	sum := sha1.Sum(c.Raw)
	return sum[:]
}
