// Package smtpaddr holds SMTP addresses and domains that were parsed and folded once.
//
// Both types are comparable and may be map keys. Only ASCII passes [ParseAddress] and [ParseDomain]:
// a domain in Unicode is never folded on its way in, so look-alikes cannot become another domain
// (RFC 5321 §4.1.2, RFC 5890 §2.3.2.1). Configuration typed by a person goes through [ParseDomainIDN].
package smtpaddr

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

// Limits of RFC 5321 §4.5.3.1.
const (
	maxLocal  = 64
	maxDomain = 253
	maxLabel  = 63
)

// Domain is a lower-case ASCII domain name without a trailing dot.
type Domain struct{ ascii string }

// Address is an addr-spec, folded to lower case (mailbox names compare without regard to case).
type Address struct {
	local  string
	domain Domain
}

// ParseDomain reads an ASCII domain name of at least one label.
func ParseDomain(s string) (Domain, error) {
	if s == "" {
		return Domain{}, errors.New("domain is empty")
	}
	if len(s) > maxDomain {
		return Domain{}, fmt.Errorf("domain of %d characters is longer than %d", len(s), maxDomain)
	}
	for label := range strings.SplitSeq(s, ".") {
		if err := checkLabel(label); err != nil {
			return Domain{}, fmt.Errorf("domain %q: %w", s, err)
		}
	}
	return Domain{strings.ToLower(s)}, nil
}

func checkLabel(label string) error {
	switch {
	case label == "":
		return errors.New("empty label")
	case len(label) > maxLabel:
		return fmt.Errorf("label of %d characters is longer than %d", len(label), maxLabel)
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Errorf("label %q begins or ends with a hyphen", label)
	}
	for i := range len(label) {
		if c := label[i]; !isAlnum(c) && c != '-' && c != '_' {
			return fmt.Errorf("character %q is not allowed", c)
		}
	}
	return nil
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// ParseDomainIDN reads a domain as a person types it into a configuration: Unicode labels become
// A-labels under the strict registration rules of RFC 5891, without any mapping of look-alikes.
func ParseDomainIDN(s string) (Domain, error) {
	if d, err := ParseDomain(s); err == nil {
		return d, nil
	}
	a, err := idna.Registration.ToASCII(s)
	if err != nil {
		return Domain{}, fmt.Errorf("domain %q: %w", s, err)
	}
	return ParseDomain(a)
}

// String returns the lower-case ASCII name.
func (d Domain) String() string { return d.ascii }

// IsZero tells whether d was never parsed.
func (d Domain) IsZero() bool { return d.ascii == "" }

// ParseAddress reads one addr-spec with a dot-atom local part (RFC 5322 §3.4.1): no display name,
// comment, quoted string, route or source routing; nothing is trimmed.
func ParseAddress(s string) (Address, error) {
	local, domain, ok := strings.Cut(s, "@")
	if !ok {
		return Address{}, fmt.Errorf("address %q has no @", s)
	}
	if local == "" || len(local) > maxLocal {
		return Address{}, fmt.Errorf("address %q: local part must have 1 to %d characters", s, maxLocal)
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return Address{}, fmt.Errorf("address %q: dot at an end or twice in the local part", s)
		}
	}
	for i := range len(local) {
		if c := local[i]; !isAlnum(c) && !strings.ContainsRune("!#$&'*+-/=?^_`{|}~.", rune(c)) {
			return Address{}, fmt.Errorf("address %q: character %q is not allowed in the local part", s, c)
		}
	}
	d, err := ParseDomain(domain)
	if err != nil {
		return Address{}, fmt.Errorf("address %q: %w", s, err)
	}
	return Address{strings.ToLower(local), d}, nil
}

// ParseProxyAddress reads an address as clients write it into a mailbox entry: surrounding blanks and
// an "SMTP:" prefix in any case are dropped ([MS-OXWAVLS] 2.2.4.11, EmailAddress).
func ParseProxyAddress(s string) (Address, error) {
	s = strings.TrimSpace(s)
	if len(s) > 5 && strings.EqualFold(s[:5], "smtp:") {
		s = s[5:]
	}
	return ParseAddress(s)
}

// MustAddress is ParseAddress for constants; it panics on a bad address.
func MustAddress(s string) Address {
	a, err := ParseAddress(s)
	if err != nil {
		panic(err)
	}
	return a
}

// MustDomain is ParseDomain for constants; it panics on a bad domain.
func MustDomain(s string) Domain {
	d, err := ParseDomain(s)
	if err != nil {
		panic(err)
	}
	return d
}

// Local returns the folded local part.
func (a Address) Local() string { return a.local }

// Domain returns the address's domain.
func (a Address) Domain() Domain { return a.domain }

// IsZero tells whether a was never parsed.
func (a Address) IsZero() bool { return a.domain.IsZero() }

// String returns local@domain, folded; the empty string for the zero Address.
func (a Address) String() string {
	if a.IsZero() {
		return ""
	}
	return a.local + "@" + a.domain.ascii
}

// MarshalText writes the folded address.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty text is the zero Address.
func (a *Address) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*a = Address{}
		return nil
	}
	*a, err = ParseAddress(string(b))
	return err
}

// MarshalText writes the ASCII name.
func (d Domain) MarshalText() ([]byte, error) { return []byte(d.ascii), nil }

// UnmarshalText reads what MarshalText wrote; empty text is the zero Domain.
func (d *Domain) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = Domain{}
		return nil
	}
	*d, err = ParseDomain(string(b))
	return err
}
