package autodiscover

import (
	"context"

	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// FederationInformation is what an organization tells of its federation without credentials
// ([MS-OXWSADISC] 3.1.4.3; the property names of Get-FederationInformation).
type FederationInformation struct {
	ApplicationUri string            // the audience of the organization's tokens: a bare domain, kept as written
	Domains        []smtpaddr.Domain // federated domains, maybe only the one that was asked for
	TokenIssuers   []TokenIssuer     // none: the organization does not say

	// TargetAutodiscoverEpr is filled by [Client.Discover]: the endpoint that takes delegation tokens.
	TargetAutodiscoverEpr string
	// Unconfirmed are domains that the organization claims and that did not say the same of themselves; they are not in
	// Domains. Filled by [Client.Discover] where it was asked to confirm.
	Unconfirmed []UnconfirmedDomain
}

// TokenIssuer is a federation gateway as GetFederationInformation names it. Two organizations without a common Uri
// cannot federate.
type TokenIssuer struct{ Uri, Endpoint string }

// OrganizationRelationshipSettings is what a partner has set for the caller's organization
// ([MS-OXWSADISC] GetOrganizationRelationshipSettings; the names of New-OrganizationRelationship).
type OrganizationRelationshipSettings struct {
	Name                  string
	DomainNames           []smtpaddr.Domain
	DeliveryReportEnabled bool
	FreeBusyAccessEnabled bool
	FreeBusyAccessLevel   string // None, AvailabilityOnly, LimitedDetails; a newer partner may know more
	MailTipsAccessEnabled bool
	MailTipsAccessLevel   string // None, Limited, All
	MailboxMoveEnabled    bool
	TargetApplicationUri  string
	TargetAutodiscoverEpr string
	TargetSharingEpr      string
}

// Settings is the answer for one user or one domain. At most one of its parts is set.
type Settings struct {
	Values          map[string]string // by setting name; a name that is missing or empty is not available
	RedirectAddress smtpaddr.Address  // ask again for this address: the user is a contact whose mailbox is elsewhere
	RedirectUrl     string            // ask again at this URL: another server answers for the user
	Err             error             // *fault.Error InvalidUser or InvalidDomain, or whatever failed
}

// Status is what the service says of itself to whoever opens it in a browser.
type Status struct {
	Product    string // name and version
	Federated  bool
	WSSecurity bool // the wssecurity endpoints are open
}

// Directory is what the handlers ask.
type Directory interface {
	Status(ctx context.Context) (Status, error)
	// FederationInformation answers for a domain; *fault.Error InvalidDomain or NotFederated.
	FederationInformation(ctx context.Context, d smtpaddr.Domain) (*FederationInformation, error)
	// UserSettings answers for each user in order, as far as the requester may ask. The handler passes on to partners
	// only the settings that partners may have, whatever the Directory returns.
	UserSettings(ctx context.Context, r orgrel.Requester, users []smtpaddr.Address) ([]Settings, error)
	// DomainSettings answers for each domain in order: ExternalEwsUrl and ExternalEwsVersion.
	DomainSettings(ctx context.Context, domains []smtpaddr.Domain) ([]Settings, error)
	// OrganizationRelationships are the relationships that cover the requester's own domain and one of domains.
	OrganizationRelationships(ctx context.Context, r orgrel.Requester, domains []smtpaddr.Domain) ([]OrganizationRelationshipSettings, error)
}
