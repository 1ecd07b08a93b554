// Package xmlsec reads hostile XML: one strict scan of the raw bytes with an element index, XML Signature and XML
// Encryption. It is the only room with etree and goxmldsig.
//
// The order is always the same: scan under caps, check the shape of a signature or encryption against allow-lists,
// then do cryptography, then read claims from the very bytes that were digested ([Verified]).
package xmlsec

// Limits caps a scan.
type Limits struct {
	Bytes, Depth, Attributes, Namespaces, Elements, NameBytes int
	CommentsAllowed                                           bool
}

// EnvelopeLimits are the caps of a SOAP envelope that a stranger sends.
func EnvelopeLimits() Limits { return Limits{400 << 10, 32, 64, 16, 20000, 256, true} }

// TokenLimits are the caps of a decrypted token: small, and without comments.
func TokenLimits() Limits { return Limits{64 << 10, 16, 16, 16, 200, 256, false} }

// DocumentLimits are the caps of what a partner or gateway answers.
func DocumentLimits() Limits { return Limits{4 << 20, 32, 64, 16, 200000, 256, true} }
