// Package wssecurity is the wsse:Security header: timestamp, token, proof-key signature.
package wssecurity

import (
	"crypto/x509"
	"time"

	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

// Skew is how far clocks may differ; MaxSpan how long a Timestamp may hold.
const (
	Skew    = 5 * time.Minute
	MaxSpan = 15 * time.Minute
)

// Header is the one Security header of an envelope, its shape and Timestamp checked (federation-tokens.md 6.1 steps 3 to 5).
type Header struct {
	Element       xmlsec.Element
	Timestamp     xmlsec.Element // zero when absent
	Created       time.Time
	Expires       time.Time
	EncryptedData xmlsec.Element // zero when absent
	Signature     xmlsec.Element // zero when absent
}

// Read finds the Security header and checks shape, ids and Timestamp at now. needToken tells whether exactly one EncryptedData must (true) or must not (false) be there.
// Errors: *fault.Error InvalidSecurity; the cause says why.
func Read(env *soap.Envelope, now time.Time, needToken bool) (*Header, error) { panic("not built yet") }

// VerifyProof checks the message signature by the token's proof key: it must cover the Timestamp and may cover To and Body, nothing else;
// requireTo demands To; its KeyInfo must name assertionID when it names one.
func (h *Header) VerifyProof(env *soap.Envelope, proofKey []byte, assertionID string, requireTo bool) error {
	panic("not built yet")
}

// VerifyX509 checks the message signature of an RST by one of certs (chosen by hint), covering Timestamp and To. It returns the certificate.
func (h *Header) VerifyX509(env *soap.Envelope, certs []*x509.Certificate, p xmlsec.VerifyPolicy) (*x509.Certificate, error) {
	panic("not built yet")
}

// ReplayKey is SHA-256 of the SignatureValue, or of Timestamp and MessageID without a signature.
func (h *Header) ReplayKey(env *soap.Envelope) [32]byte { panic("not built yet") }

// ProofHeaders returns the header blocks of a message to a partner: wsa:Action, wsa:To, wsa:MessageID, wsa:ReplyTo and wsse:Security with
// Timestamp, the token verbatim, and the proof-key signature over Timestamp and To, ready for soap.Append.
func ProofHeaders(p ProofParams) ([]byte, error) { panic("not built yet") }

// ProofParams are the inputs of ProofHeaders.
type ProofParams struct {
	To, Action, MessageID string
	Token                 []byte // EncryptedData, byte for byte
	ProofKey              []byte
	AssertionID           string
	Algorithm             xmlsec.SignatureAlgorithm // HMACSHA256 or HMACSHA1
	Now                   time.Time
}

// X509Headers returns the header blocks of an RST (SOAP 1.2), signed by signer over Timestamp and To, key named by SKI.
func X509Headers(to, action, messageID string, signer xmlsec.Signer, now time.Time) ([]byte, error) {
	panic("not built yet")
}
