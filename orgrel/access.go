package orgrel

import (
	"fmt"
	"log/slog"
	"strings"
)

// AccessMethod is how a partner is asked (Add-AvailabilityAddressSpace -AccessMethod, and federation beside it).
type AccessMethod string

// The access methods.
const (
	Federated AccessMethod = ""          // delegation tokens of a gateway that both sides trust
	OrgWideFB AccessMethod = "OrgWideFB" // one account for the whole organization; it sees what the Default permission shows
)

// ParseAccessMethod reads the name of an access method, in any case.
func ParseAccessMethod(s string) (AccessMethod, error) {
	switch strings.ToLower(s) {
	case "", "federated":
		return Federated, nil
	case "orgwidefb":
		return OrgWideFB, nil
	}
	return Federated, fmt.Errorf("access method %q is not one of Federated, OrgWideFB", s)
}

// Password is a secret that prints, logs and marshals as nothing but the fact that it is there.
type Password string

const passwordSet = "(set)"

// String tells whether there is a password.
func (p Password) String() string {
	if p == "" {
		return ""
	}
	return passwordSet
}

// GoString keeps %#v from showing it.
func (p Password) GoString() string { return p.String() }

// LogValue keeps logs from showing it.
func (p Password) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText keeps encoders from showing it.
func (p Password) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
