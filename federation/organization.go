package federation

import (
	"slices"
	"strings"

	"github.com/availd/availd/smtpaddr"
)

// autoNamespace is the label of an account namespace that was made for a domain, as Exchange makes it.
const autoNamespace = "fydibohf25spdlt."

// AutoNamespace is the account namespace that belongs to a domain without anybody having to prove or accept it.
func AutoNamespace(d smtpaddr.Domain) (smtpaddr.Domain, error) {
	return smtpaddr.ParseDomain(autoNamespace + d.String())
}

// Organization is the federated organization identifier.
type Organization struct {
	Enabled             bool                       `json:"Enabled"`
	AccountNamespace    smtpaddr.Domain            `json:"AccountNamespace"`
	DefaultDomain       smtpaddr.Domain            `json:"DefaultDomain"`
	Domains             []smtpaddr.Domain          `json:"Domains"`                       // federated
	AcceptedDomains     []smtpaddr.Domain          `json:"AcceptedDomains"`               // ours; federated ones are among them
	AcceptedDomainNames map[smtpaddr.Domain]string `json:"AcceptedDomainNames,omitempty"` // where it is not the domain itself
	Contact             string                     `json:"OrganizationContact"`
}

// Owns tells whether d is one of the organization's own domains, federated or accepted.
func (o *Organization) Owns(d smtpaddr.Domain) bool {
	return o != nil && (slices.Contains(o.AcceptedDomains, d) || slices.Contains(o.Domains, d))
}

// OwnDomains are the organization's own domains, federated or accepted, in alphabetical order.
func (o *Organization) OwnDomains() []smtpaddr.Domain {
	if o == nil {
		return nil
	}
	own := slices.Concat(o.AcceptedDomains, o.Domains)
	slices.SortFunc(own, func(a, b smtpaddr.Domain) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(own)
}

// NamespaceProof is the domain whose proof is the account namespace's too: the namespace, or the domain it was made for.
func (o *Organization) NamespaceProof() smtpaddr.Domain {
	if base, ok := strings.CutPrefix(o.AccountNamespace.String(), autoNamespace); ok {
		if d, err := smtpaddr.ParseDomain(base); err == nil {
			return d
		}
	}
	return o.AccountNamespace
}

// ToProve lists the domains that need a proof in DNS: the account namespace's, then the federated ones.
func (o *Organization) ToProve() []smtpaddr.Domain {
	var out []smtpaddr.Domain
	for _, d := range append([]smtpaddr.Domain{o.NamespaceProof()}, o.Domains...) {
		if !d.IsZero() && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// FederatedAddress picks the address under which user is known to partners: one in DefaultDomain, the primary one, or
// the first in a federated domain. addresses has the primary one first; ok is false when none fits.
func (o *Organization) FederatedAddress(addresses []smtpaddr.Address) (a smtpaddr.Address, ok bool) {
	if !o.DefaultDomain.IsZero() {
		for _, a := range addresses {
			if a.Domain() == o.DefaultDomain {
				return a, true
			}
		}
	}
	for _, a := range addresses {
		if slices.Contains(o.Domains, a.Domain()) {
			return a, true
		}
	}
	return smtpaddr.Address{}, false
}
