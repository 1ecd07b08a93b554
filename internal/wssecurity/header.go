// Package wssecurity is the wsse:Security header: timestamp, token, message signature (WS-Security 1.0, SAML Token
// Profile 1.0, X.509 Token Profile 1.0).
package wssecurity

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/xmlsec"
)

// Skew is how far clocks may differ; MaxSpan how long a Timestamp may hold.
const (
	Skew    = 5 * time.Minute
	MaxSpan = 15 * time.Minute
)

// Header is the one Security header of an envelope, its shape and Timestamp checked.
type Header struct {
	Element       xmlsec.Element
	Timestamp     xmlsec.Element // zero when absent
	Created       time.Time
	Expires       time.Time
	EncryptedData xmlsec.Element // zero when absent
	Signature     xmlsec.Element // zero when absent
}

func invalid(format string, args ...any) error {
	return fault.Because(fault.InvalidSecurity, fmt.Errorf(format, args...))
}

// Read finds the Security header and checks its shape, the ids of the whole envelope and the Timestamp at now.
// needToken tells whether one EncryptedData must (true) or must not (false) be there.
// Errors: *fault.Error InvalidSecurity; the cause says why.
func Read(env *soap.Envelope, now time.Time, needToken bool) (*Header, error) {
	var h Header
	for e := range env.Header.Children() {
		if !e.Is(xmlsec.NSWSSE, "Security") {
			continue
		}
		if !h.Element.IsZero() {
			return nil, invalid("there are several Security headers")
		}
		h.Element = e
	}
	if h.Element.IsZero() {
		return nil, invalid("there is no Security header")
	}
	for _, name := range []string{"actor", "role"} {
		if actor, ok := h.Element.AttrNS(env.Version.Namespace(), name); ok && actor != "" {
			return nil, invalid("the Security header is for the actor %q", actor)
		}
	}
	for c := range h.Element.Children() {
		var into *xmlsec.Element
		switch {
		case c.Is(xmlsec.NSWSU, "Timestamp"):
			into = &h.Timestamp
		case c.Is(xmlsec.NSXENC, "EncryptedData"):
			into = &h.EncryptedData
		case c.Is(xmlsec.NSDS, "Signature"):
			into = &h.Signature
		default:
			return nil, invalid("the Security header holds %s", c.Local())
		}
		if !into.IsZero() {
			return nil, invalid("the Security header holds %s twice", c.Local())
		}
		*into = c
	}
	if h.EncryptedData.IsZero() == needToken {
		return nil, invalid("the Security header holds no token where one must be, or one where none may be")
	}
	if id := env.Doc.DuplicateID(); id != "" {
		return nil, invalid("the id %q is there twice", id)
	}
	if h.Timestamp.IsZero() {
		return &h, nil
	}
	return &h, h.checkTimestamp(now)
}

func (h *Header) checkTimestamp(now time.Time) error {
	created, err1 := h.Timestamp.Only(xmlsec.NSWSU, "Created")
	expires, err2 := h.Timestamp.Only(xmlsec.NSWSU, "Expires")
	if err := errors.Join(err1, err2); err != nil {
		return invalid("Timestamp: %w", err)
	}
	if h.Created, err1 = ParseTime(created); err1 != nil {
		return invalid("Timestamp: %w", err1)
	}
	if h.Expires, err2 = ParseTime(expires); err2 != nil {
		return invalid("Timestamp: %w", err2)
	}
	switch span := h.Expires.Sub(h.Created); {
	case h.Created.After(now.Add(Skew)):
		return invalid("the Timestamp was created %s from now", h.Created.Sub(now))
	case !now.Before(h.Expires.Add(Skew)):
		return invalid("the Timestamp expired %s ago", now.Sub(h.Expires))
	case span <= 0 || span > MaxSpan:
		return invalid("the Timestamp spans %s", span)
	}
	return nil
}

// ParseTime reads an xsd:dateTime in UTC, written with Z, as WS-Security and SAML ask.
func ParseTime(e xmlsec.Element) (time.Time, error) {
	s, err := e.Text()
	if err != nil {
		return time.Time{}, err
	}
	return ParseUTC(strings.TrimSpace(s))
}

// ParseUTC reads an xsd:dateTime of at most 30 characters that ends in Z.
func ParseUTC(s string) (time.Time, error) {
	t, err := time.Parse("2006-01-02T15:04:05.999999999Z", s)
	if err != nil || len(s) > 30 || len(s) < len("2006-01-02T15:04:05Z") || s[16] != ':' || strings.Contains(s, ",") { // which time.Parse would take
		return time.Time{}, fmt.Errorf("%.40q is no time in UTC", s)
	}
	return t, nil
}

// VerifyProof checks the message signature by the token's proof key. It must cover the Timestamp and may cover To and
// Body, nothing else; requireTo demands To when the message has one. A KeyInfo must name assertionID by a
// SAMLAssertionID key identifier and nothing else. Errors: InvalidSecurity.
func (h *Header) VerifyProof(env *soap.Envelope, proofKey []byte, assertionID string, requireTo bool) error {
	hint, err := xmlsec.Hint(h.Signature)
	if err != nil {
		return invalid("KeyInfo: %w", err)
	}
	if h.Signature.Count(xmlsec.NSDS, "KeyInfo") > 0 && !hint.NamesAssertion(assertionID) {
		return invalid("the message is signed with the key of something else than its token")
	}
	return h.verify(env, xmlsec.HMACKey(proofKey), xmlsec.VerifyPolicy{}, requireTo)
}

func (h *Header) verify(env *soap.Envelope, key xmlsec.Key, p xmlsec.VerifyPolicy, requireTo bool) error {
	if h.Signature.IsZero() || h.Timestamp.IsZero() {
		return invalid("the message has no Timestamp or no Signature")
	}
	covered, err := xmlsec.VerifyDetached(h.Signature, key, p)
	if err != nil {
		return invalid("message signature: %w", err)
	}
	var timestamp, to bool
	for _, e := range covered {
		switch e {
		case h.Timestamp:
			timestamp = true
		case env.ToElement:
			to = true
		case env.Body:
		default:
			return invalid("the message signature covers %s", e.Local())
		}
	}
	if !timestamp || requireTo && !to && !env.ToElement.IsZero() {
		return invalid("the message signature does not cover what it must")
	}
	return nil
}

// VerifyX509 checks the signature of a token request by one of certs, over Timestamp and To. It returns the
// certificate whose key it was. Errors: InvalidSecurity.
func (h *Header) VerifyX509(env *soap.Envelope, certs []*x509.Certificate, p xmlsec.VerifyPolicy) (*x509.Certificate, error) {
	hint, err := xmlsec.Hint(h.Signature)
	if err != nil {
		return nil, invalid("KeyInfo: %w", err)
	}
	for _, c := range certs {
		if !hint.Names(c) {
			continue
		}
		if err := h.verify(env, xmlsec.PublicKey(c), p, true); err != nil {
			return nil, err
		}
		return c, nil
	}
	return nil, invalid("the key %x that signed is of no registered organization", hint.SubjectKeyID)
}

// ReplayKey is SHA-256 of the decoded SignatureValue; without a signature of token, Timestamp and MessageID. ok is false
// for a bearer message that has neither of these: nothing tells its replay from the next request.
func (h *Header) ReplayKey(env *soap.Envelope) (key [32]byte, ok bool) {
	if !h.Signature.IsZero() {
		value, err := xmlsec.SignatureValue(h.Signature)
		return sha256.Sum256(value), err == nil
	}
	if h.Timestamp.IsZero() && env.MessageID == "" {
		return key, false
	}
	token := sha256.Sum256(h.EncryptedData.Outer())
	return sha256.Sum256(fmt.Appendf(token[:], "%d %d %s", h.Created.UnixNano(), h.Expires.UnixNano(), env.MessageID)), true
}
