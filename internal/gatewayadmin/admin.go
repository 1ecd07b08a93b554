// Package gatewayadmin is every administrative verb of the gateway once: validated, audited. The command line and the
// JSON API are its faces.
package gatewayadmin

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/federation/gateway"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/gatewaykeys"
	"github.com/availd/availd/internal/gatewaystore"
	"github.com/availd/availd/smtpaddr"
)

// Admin performs the verbs. Who acts is in the context (gateway.WithActor).
type Admin struct {
	Store   *gatewaystore.Store
	Domains *gateway.Domains
	Keys    gatewaykeys.Folder
	Overlap time.Duration // how long a next signing key is in the metadata before it may be used
	Accept  time.Duration // how long a previous one stays there: the longest token lifetime and the clock skew
	Now     func() time.Time
}

// Certificate is what an administrator sees of one.
type Certificate struct {
	Role                 string    `json:"role"`
	SubjectKeyIdentifier string    `json:"subjectKeyIdentifier"`
	SHA256               string    `json:"sha256"`
	NotAfter             time.Time `json:"notAfter"`
	DaysLeft             int       `json:"daysLeft"`
	Since                time.Time `json:"since,omitzero"` // signing keys: since when it has its role
}

// Domain is what an administrator sees of one.
type Domain struct {
	Name         string    `json:"name"`
	Organization string    `json:"organization"`
	State        string    `json:"state"`
	How          string    `json:"how,omitempty"`
	Proofs       []string  `json:"proofs,omitempty"` // TXT values that prove it, by current and next certificate
	CheckedAt    time.Time `json:"checkedAt"`
	Failures     int       `json:"failures,omitempty"`
}

// Organization is what an administrator sees of one.
type Organization struct {
	Name                  string        `json:"name"`
	ApplicationIdentifier string        `json:"applicationIdentifier"`
	ApplicationUri        string        `json:"applicationUri"`
	AccountNamespace      string        `json:"accountNamespace"`
	Instance              string        `json:"instance,omitempty"`
	State                 string        `json:"state"`
	Contact               string        `json:"contact,omitempty"`
	Certificates          []Certificate `json:"certificates"`
	Domains               []Domain      `json:"domains"`
	Partners              []string      `json:"partners"`
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

func (a *Admin) certificate(role string, c *x509.Certificate) Certificate {
	return Certificate{Role: role, SubjectKeyIdentifier: hex.EncodeToString(c.SubjectKeyId), SHA256: fingerprint(c), NotAfter: c.NotAfter.UTC(), DaysLeft: int(c.NotAfter.Sub(a.Now()).Hours() / 24)}
}

func (a *Admin) organization(o *gateway.Organization) Organization {
	v := Organization{Name: o.Name, ApplicationIdentifier: o.ApplicationIdentifier, ApplicationUri: o.ApplicationUri, AccountNamespace: o.AccountNamespace.String(),
		Instance: o.Instance, State: string(o.State), Contact: o.Contact, Domains: []Domain{}, Partners: []string{}}
	v.Certificates = []Certificate{a.certificate("current", o.Certificate)}
	if o.Previous != nil {
		v.Certificates = append(v.Certificates, a.certificate("previous", o.Previous))
	}
	if o.Next != nil {
		v.Certificates = append(v.Certificates, a.certificate("next", o.Next))
	}
	return v
}

// Organizations lists all, with the names of the domains they may speak for.
func (a *Admin) Organizations(ctx context.Context) ([]Organization, error) {
	orgs, err := a.Store.Organizations(ctx)
	if err != nil {
		return nil, err
	}
	out := []Organization{}
	for _, o := range orgs {
		v := a.organization(o)
		for _, d := range o.Domains {
			v.Domains = append(v.Domains, Domain{Name: d.String(), Organization: o.Name, State: string(gateway.Proven)})
		}
		out = append(out, v)
	}
	return out, nil
}

// Organization shows one with its domains, the TXT values that prove them, and its partner list.
func (a *Admin) Organization(ctx context.Context, name string) (*Organization, error) {
	o, err := a.Store.Organization(ctx, name)
	if err != nil {
		return nil, err
	}
	v := a.organization(o)
	if v.Domains, err = a.DomainList(ctx, name); err != nil {
		return nil, err
	}
	v.Partners, err = a.Store.Partners(ctx, name)
	return &v, err
}

// NewOrganization is what the administrator types to register one.
type NewOrganization struct {
	Name             string   `json:"name"`
	ApplicationUri   string   `json:"applicationUri"`
	AccountNamespace string   `json:"accountNamespace"`
	Instance         string   `json:"instance"`
	Contact          string   `json:"contact"`
	Domains          []string `json:"domains"`
	Certificate      string   `json:"certificate"` // PEM
}

// AddOrganization registers one, approved with its domains: this is the administrator's word for them.
func (a *Admin) AddOrganization(ctx context.Context, n NewOrganization) (*Organization, error) {
	o := &gateway.Organization{Name: n.Name, ApplicationUri: n.ApplicationUri, Instance: n.Instance, Contact: n.Contact, State: gateway.Approved}
	if o.Name == "" || len(o.Name) > 64 || federation.NormalizeURI(o.ApplicationUri) == "" || len(n.Domains) == 0 {
		return nil, fault.New(fault.Invalid, "an organization needs a name of 1 to 64 characters, an application URI and at least one domain")
	}
	var err error
	if o.AccountNamespace, err = smtpaddr.ParseDomainIDN(n.AccountNamespace); err != nil {
		return nil, fault.New(fault.Invalid, "account namespace: %v", err)
	}
	for _, name := range n.Domains {
		d, err := smtpaddr.ParseDomainIDN(name)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%v", err)
		}
		o.Domains = append(o.Domains, d)
	}
	if o.Certificate, err = a.parseCertificate(n.Certificate); err != nil {
		return nil, err
	}
	if err := a.Store.Add(ctx, o); err != nil {
		return nil, err
	}
	return a.Organization(ctx, n.Name)
}

func (a *Admin) parseCertificate(pem string) (*x509.Certificate, error) {
	c, err := federation.ParseCertificate([]byte(pem))
	if err != nil {
		return nil, fault.New(fault.Invalid, "certificate: %v", err)
	}
	if a.Now().After(c.NotAfter) {
		return nil, fault.New(fault.Invalid, "the certificate expired on %s", c.NotAfter.Format(time.DateOnly))
	}
	return c, nil
}

// ApproveOrganization lets one have tokens; withDomains approves the domains that it has reserved as well.
func (a *Admin) ApproveOrganization(ctx context.Context, name string, withDomains bool) error {
	if withDomains {
		domains, err := a.Store.Domains(ctx, name)
		if err != nil {
			return err
		}
		for _, d := range domains {
			if d.State == gateway.Proven {
				continue
			}
			if err := a.Domains.Approve(ctx, name, d.Name); err != nil {
				return err
			}
		}
	}
	return a.Store.SetState(ctx, name, gateway.Approved)
}

// DomainList lists the domains of an organization, or of all when name is "".
func (a *Admin) DomainList(ctx context.Context, name string) ([]Domain, error) {
	domains, err := a.Store.Domains(ctx, name)
	if err != nil {
		return nil, err
	}
	var o *gateway.Organization
	if name != "" {
		if o, err = a.Store.Organization(ctx, name); err != nil {
			return nil, err
		}
	}
	out := []Domain{}
	for _, d := range domains {
		v := Domain{Name: d.Name.String(), Organization: d.Organization, State: string(d.State), How: d.How, CheckedAt: d.CheckedAt, Failures: d.Failures}
		if o != nil {
			v.Proofs = append(v.Proofs, federation.DomainProof(d.Name, o.Certificate))
			if o.Next != nil {
				v.Proofs = append(v.Proofs, federation.DomainProof(d.Name, o.Next))
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// OnDomain runs a verb on a domain of an organization: add, verify, approve, remove.
func (a *Admin) OnDomain(ctx context.Context, verb, organization, domain string) error {
	d, err := smtpaddr.ParseDomainIDN(domain)
	if err != nil {
		return fault.New(fault.Invalid, "%v", err)
	}
	switch verb {
	case "add":
		return a.Store.ReserveDomain(ctx, organization, d)
	case "verify":
		return a.Domains.Verify(ctx, organization, d)
	case "approve":
		return a.Domains.Approve(ctx, organization, d)
	case "remove":
		return a.Store.RemoveDomain(ctx, organization, d)
	}
	return fault.New(fault.NotFound, "there is no verb %q for domains", verb)
}

// NextCertificate installs an organization's next certificate.
func (a *Admin) NextCertificate(ctx context.Context, name, pem string) error {
	c, err := a.parseCertificate(pem)
	if err != nil {
		return err
	}
	return a.Store.NextCertificate(ctx, name, c)
}
