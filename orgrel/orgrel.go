// Package orgrel holds organization relationships: which partner may see how much of our users'
// free/busy, and who the requester of one request is.
package orgrel

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/smtpaddr"
)

// AccessLevel is FreeBusyAccessLevel: the most that a partner is shown (Set-OrganizationRelationship).
// The order of the values is the order of the rights.
type AccessLevel uint8

// The levels.
const (
	None AccessLevel = iota
	AvailabilityOnly
	LimitedDetails
)

var levelNames = [...]string{"None", "AvailabilityOnly", "LimitedDetails"}

// String returns Exchange's name of the level.
func (l AccessLevel) String() string { return levelNames[l] }

// AccessLevels are Exchange's names of the levels, the least first.
func AccessLevels() []string { return slices.Clone(levelNames[:]) }

// ParseAccessLevel reads Exchange's name of a level, in any case.
func ParseAccessLevel(s string) (AccessLevel, error) {
	for i, n := range levelNames {
		if strings.EqualFold(n, s) {
			return AccessLevel(i), nil
		}
	}
	return None, fmt.Errorf("free/busy access level %q is not one of None, AvailabilityOnly, LimitedDetails", s)
}

// MarshalText writes Exchange's name.
func (l AccessLevel) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads Exchange's name.
func (l *AccessLevel) UnmarshalText(b []byte) (err error) {
	*l, err = ParseAccessLevel(string(b))
	return err
}

// Action is what a delegation token was issued for ("offer").
type Action string

// The actions.
const (
	ActionFreeBusy     Action = "MSExchange.SharingCalendarFreeBusy"
	ActionAutodiscover Action = "MSExchange.Autodiscover"
)

// Requester is who asks: an own user, a partner's user named by a verified delegation token, or a partner as a whole by
// the account that one relationship gave it.
type Requester struct {
	Address      smtpaddr.Address
	Domain       smtpaddr.Domain
	Actions      []Action
	External     bool
	Relationship *OrganizationRelationship // what a partner's account is bound to; nil: found by Domain
}

// May tells whether the requester's token carries action a.
func (r Requester) May(a Action) bool {
	for _, b := range r.Actions {
		if a == b {
			return true
		}
	}
	return false
}

// RelationshipBy is the relationship by which a partner's requester is answered: the one that the account is bound to, else
// the one that forDomain finds of the domain; nil, nil where there is none.
func (r Requester) RelationshipBy(ctx context.Context, forDomain func(context.Context, smtpaddr.Domain) (*OrganizationRelationship, error)) (*OrganizationRelationship, error) {
	if r.Relationship != nil {
		return r.Relationship, nil
	}
	return forDomain(ctx, r.Domain)
}

// OrganizationRelationship is one partner: Exchange's object of the same name.
type OrganizationRelationship struct {
	ID                    string            `json:"Guid"`
	Name                  string            `json:"Name"` // 1 to 64 characters, unique without regard to case
	DomainNames           []smtpaddr.Domain `json:"DomainNames"`
	Enabled               bool              `json:"Enabled"`
	FreeBusyAccessEnabled bool              `json:"FreeBusyAccessEnabled"`
	FreeBusyAccessLevel   AccessLevel       `json:"FreeBusyAccessLevel"`
	FreeBusyAccessScope   smtpaddr.Address  `json:"FreeBusyAccessScope"` // a group; zero = everyone
	MailTipsAccessEnabled bool              `json:"MailTipsAccessEnabled"`
	MailTipsAccessLevel   string            `json:"MailTipsAccessLevel"` // None, Limited, All
	MailTipsAccessScope   smtpaddr.Address  `json:"MailTipsAccessScope"`
	DeliveryReportEnabled bool              `json:"DeliveryReportEnabled"`
	PhotosEnabled         bool              `json:"PhotosEnabled"`
	MailboxMoveEnabled    bool              `json:"MailboxMoveEnabled"`
	TargetApplicationUri  string            `json:"TargetApplicationUri"` //nolint:revive // Exchange's spelling
	TargetAutodiscoverEpr string            `json:"TargetAutodiscoverEpr"`
	TargetSharingEpr      string            `json:"TargetSharingEpr"`
	TargetOwaURL          string            `json:"TargetOwaURL"`
	OrganizationContact   string            `json:"OrganizationContact"`
	AllowAddresses        []netip.Prefix    `json:"AllowAddresses"` // addresses that may be dialled although private
	CAFile                string            `json:"CAFile"`         // PEM file of the roots that vouch for the partner's servers
	MinTLS                string            `json:"MinTLS"`         // least TLS version towards the partner: "1.2" (also when empty) or "1.3"
	OrgWideAccount        smtpaddr.Address  `json:"OrgWideAccount"` // own mailbox by whose login the partner asks us (OrgWideFB); zero: none
	AccessMethod          AccessMethod      `json:"AccessMethod"`   // how we ask the partner
	OrgWideUser           string            `json:"OrgWideUser"`    // our login at the partner, for OrgWideFB
	OrgWidePassword       Password          `json:"-"`              // its password; the store keeps it sealed
	Source                Source            `json:"Source"`         // where the Target… properties come from
	WhenCreated           time.Time         `json:"WhenCreated"`
	WhenChanged           time.Time         `json:"WhenChanged"`
}

// Grants tells the level at which the relationship lets its partner read free/busy: None unless it
// and its free/busy access are enabled.
func (r *OrganizationRelationship) Grants() AccessLevel {
	if r == nil || !r.Enabled || !r.FreeBusyAccessEnabled {
		return None
	}
	return r.FreeBusyAccessLevel
}

// Covers tells whether d is exactly one of the relationship's domains; subdomains are not covered.
func (r *OrganizationRelationship) Covers(d smtpaddr.Domain) bool {
	for _, n := range r.DomainNames {
		if n == d {
			return true
		}
	}
	return false
}

// Usable tells why the relationship cannot be used to ask the partner for free/busy, or nil.
func (r *OrganizationRelationship) Usable() error {
	return r.usable("FreeBusyAccessEnabled", r.FreeBusyAccessEnabled)
}

// UsableForMailTips tells why the relationship cannot be used to ask the partner for MailTips, or nil.
func (r *OrganizationRelationship) UsableForMailTips() error {
	return r.usable("MailTipsAccessEnabled", r.MailTipsAccessEnabled)
}

// UsableForPhotos tells why the relationship cannot be used to ask the partner for photos, or nil.
func (r *OrganizationRelationship) UsableForPhotos() error {
	return r.usable("PhotosEnabled", r.PhotosEnabled)
}

// usable tells why the partner cannot be asked for what the property of the name property switches on. As with free/busy,
// one switch holds for both directions.
func (r *OrganizationRelationship) usable(property string, on bool) error {
	switch {
	case !r.Enabled:
		return fmt.Errorf("organization relationship %q is disabled", r.Name)
	case !on:
		return fmt.Errorf("organization relationship %q has %s off", r.Name, property)
	case r.AccessMethod == OrgWideFB && (r.OrgWideUser == "" || r.OrgWidePassword == ""):
		return fmt.Errorf("organization relationship %q has no OrgWideUser or no password for it", r.Name)
	case r.AccessMethod == OrgWideFB:
		return nil
	case r.TargetApplicationUri == "":
		return fmt.Errorf("organization relationship %q has no TargetApplicationUri", r.Name)
	case r.TargetAutodiscoverEpr == "" && r.TargetSharingEpr == "":
		return fmt.Errorf("organization relationship %q has neither TargetAutodiscoverEpr nor TargetSharingEpr", r.Name)
	}
	return nil
}

// GrantsMailTips tells the level at which the relationship gives its partner MailTips: None unless it and its MailTips
// access are enabled.
func (r *OrganizationRelationship) GrantsMailTips() string {
	if r == nil || !r.Enabled || !r.MailTipsAccessEnabled || r.MailTipsAccessLevel == "" {
		return MailTipsNone
	}
	return r.MailTipsAccessLevel
}

// GrantsPhotos tells whether the relationship lets its partner see photos.
func (r *OrganizationRelationship) GrantsPhotos() bool {
	return r != nil && r.Enabled && r.PhotosEnabled
}
