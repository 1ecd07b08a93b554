package orgrel

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/availd/availd/smtpaddr"
)

// Limits of New-OrganizationRelationship.
const (
	maxName    = 64  // characters of Name
	maxDomains = 238 // DomainNames of one relationship, as Exchange's directory filter allows
)

// The values of MailTipsAccessLevel.
const (
	MailTipsNone    = "None"
	MailTipsLimited = "Limited"
	MailTipsAll     = "All"
)

// ParseMailTipsLevel reads Exchange's name of a MailTipsAccessLevel, in any case.
func ParseMailTipsLevel(s string) (string, error) {
	for _, n := range []string{MailTipsNone, MailTipsLimited, MailTipsAll} {
		if strings.EqualFold(n, s) {
			return n, nil
		}
	}
	return "", fmt.Errorf("MailTips access level %q is not one of None, Limited, All", s)
}

// Validate tells, in one sentence, what New-OrganizationRelationship would refuse about the relationship by itself. What
// depends on other objects (names and domains taken, groups that must exist) is its owner's to check.
func (r *OrganizationRelationship) Validate() error {
	switch n := utf8.RuneCountInString(r.Name); {
	case n < 1 || n > maxName || strings.TrimSpace(r.Name) != r.Name:
		return fmt.Errorf("the name of an organization relationship has 1 to %d characters and no blank at its ends", maxName)
	case len(r.DomainNames) == 0 || len(r.DomainNames) > maxDomains:
		return fmt.Errorf("an organization relationship has 1 to %d domains and not %d", maxDomains, len(r.DomainNames))
	}
	for _, u := range []struct{ property, value string }{{"TargetAutodiscoverEpr", r.TargetAutodiscoverEpr}, {"TargetSharingEpr", r.TargetSharingEpr}, {"TargetOwaURL", r.TargetOwaURL}} {
		if err := checkURL(u.value); err != nil {
			return fmt.Errorf("%s %q %w", u.property, u.value, err)
		}
	}
	if r.OrganizationContact != "" {
		if _, err := smtpaddr.ParseAddress(r.OrganizationContact); err != nil {
			return fmt.Errorf("OrganizationContact: %w", err)
		}
	}
	if r.MinTLS != "" && r.MinTLS != "1.2" && r.MinTLS != "1.3" {
		return fmt.Errorf("MinTLS %q is not one of 1.2, 1.3", r.MinTLS)
	}
	if r.MailTipsAccessLevel != "" {
		_, err := ParseMailTipsLevel(r.MailTipsAccessLevel)
		return err
	}
	return nil
}

// checkURL holds an endpoint to https with a host and without credentials: a token is sent there.
func checkURL(s string) error {
	if s == "" {
		return nil
	}
	switch u, err := url.Parse(s); {
	case err != nil || u.Host == "":
		return errors.New("is not a URL")
	case u.Scheme != "https":
		return errors.New("is not https")
	case u.User != nil:
		return errors.New("holds credentials")
	}
	return nil
}

// Warnings are the sentences about what is allowed and yet most likely not meant.
func (r *OrganizationRelationship) Warnings() (out []string) {
	warn := func(when bool, format string, args ...any) {
		if when {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	warn(!r.Enabled, "organization relationship %q is disabled: nothing is shared over it", r.Name)
	warn(!r.FreeBusyAccessEnabled && r.FreeBusyAccessLevel > None, "FreeBusyAccessLevel %s has no effect while FreeBusyAccessEnabled is off", r.FreeBusyAccessLevel)
	warn(r.FreeBusyAccessEnabled && r.FreeBusyAccessLevel == None, "FreeBusyAccessLevel is None: the partner is shown nothing")
	warn(!r.MailTipsAccessEnabled && r.MailTipsAccessLevel != "" && r.MailTipsAccessLevel != MailTipsNone, "MailTipsAccessLevel %s has no effect while MailTipsAccessEnabled is off", r.MailTipsAccessLevel)
	if err := r.Usable(); err != nil && r.Enabled && r.FreeBusyAccessEnabled {
		warn(true, "the partner cannot be asked: %v", err)
	}
	warn(r.TargetSharingEpr != "" && r.TargetAutodiscoverEpr != "", "TargetSharingEpr is set: TargetAutodiscoverEpr is not used")
	return out
}
