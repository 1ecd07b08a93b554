package cli

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

// given reads the flags that were typed; the others stay nil. Its err is the first that was malformed.
type given struct {
	flags *pflag.FlagSet
	err   error
}

func parsed[T any](g *given, name string, parse func(string) (T, error)) *T {
	if g.err != nil || !g.flags.Changed(name) {
		return nil
	}
	s, err := g.flags.GetString(name)
	if err == nil {
		var v T
		if v, err = parse(s); err == nil {
			return &v
		}
	}
	g.err = fault.New(fault.Invalid, "--%s: %v", name, err)
	return nil
}

func parsedList[T comparable](g *given, name string, parse func(string) (T, error)) *[]T {
	if g.err != nil || !g.flags.Changed(name) {
		return nil
	}
	texts, err := g.flags.GetStringArray(name)
	list := []T{}
	for _, s := range texts {
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			v, e := parse(part)
			if e != nil {
				g.err = fault.New(fault.Invalid, "--%s: %v", name, e)
				return nil
			}
			if !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
	}
	if err != nil {
		g.err = fault.New(fault.Invalid, "--%s: %v", name, err)
		return nil
	}
	return &list
}

func (g *given) text(name string) *string {
	return parsed(g, name, func(s string) (string, error) { return s, nil })
}

func (g *given) bool(name string) *bool {
	if g.err != nil || !g.flags.Changed(name) {
		return nil
	}
	v, _ := g.flags.GetBool(name)
	return &v
}

func (g *given) domains(name string) *[]smtpaddr.Domain {
	return parsedList(g, name, smtpaddr.ParseDomainIDN)
}

func (g *given) domain(name string) *smtpaddr.Domain {
	return parsed(g, name, orEmpty(smtpaddr.ParseDomainIDN))
}

func (g *given) requiredDomain(name string) *smtpaddr.Domain {
	return parsed(g, name, smtpaddr.ParseDomainIDN)
}

func (g *given) address(name string) *smtpaddr.Address {
	return parsed(g, name, orEmpty(smtpaddr.ParseAddress))
}

func (g *given) addresses(name string) *[]smtpaddr.Address {
	return parsedList(g, name, smtpaddr.ParseAddress)
}

func (g *given) prefixes(name string) *[]netip.Prefix {
	return parsedList(g, name, prefix)
}

// orEmpty lets the empty string mean the zero value: that a property is emptied.
func orEmpty[T any](parse func(string) (T, error)) func(string) (T, error) {
	return func(s string) (v T, err error) {
		if s == "" {
			return v, nil
		}
		return parse(s)
	}
}

func prefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("%q is no address range such as 10.1.0.0/16", s)
	}
	return p, nil
}

func address(s string) (smtpaddr.Address, error) {
	a, err := smtpaddr.ParseAddress(s)
	if err != nil {
		return a, fault.New(fault.Invalid, "%v", err)
	}
	return a, nil
}
