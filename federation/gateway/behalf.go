package gateway

import (
	"errors"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// onBehalfOf checks the organization's own assertion about its user.
func (g *Gateway) onBehalfOf(a xmlsec.Element, from *Organization, now time.Time) (user smtpaddr.Address, id string, err error) {
	canonical, err := xmlsec.Canonicalize(a) // a document of its own, so that nothing around it counts
	if err != nil {
		return user, "", denied("%w", err)
	}
	doc, err := xmlsec.Scan(canonical, xmlsec.TokenLimits())
	if err != nil {
		return user, "", denied("%w", err)
	}
	v, _, err := xmlsec.VerifyEnveloped(doc.Root(), "AssertionID", from.signers(), g.policy(now))
	if err != nil {
		return user, "", denied("OnBehalfOf: %w", err)
	}
	root := v.Root()
	if id, _ = root.Attr("AssertionID"); len(id) > 256 {
		return user, "", denied("OnBehalfOf has an AssertionID of %d characters", len(id))
	}
	if issuer, _ := root.Attr("Issuer"); federation.NormalizeURI(issuer) != federation.NormalizeURI(from.ApplicationUri) {
		return user, "", denied("OnBehalfOf is issued by %.100q", issuer)
	}
	if err := g.conditions(root, now); err != nil {
		return user, "", err
	}
	user, err = subject(root)
	return user, id, err
}

func (g *Gateway) conditions(root xmlsec.Element, now time.Time) error {
	cond, err := root.Only(xmlsec.NSSAML, "Conditions")
	if err != nil {
		return denied("%w", err)
	}
	nb, _ := cond.Attr("NotBefore")
	na, _ := cond.Attr("NotOnOrAfter")
	from, err1 := wssecurity.ParseUTC(nb)
	until, err2 := wssecurity.ParseUTC(na)
	if err := errors.Join(err1, err2); err != nil {
		return denied("%w", err)
	}
	if now.Before(from.Add(-wssecurity.Skew)) || !now.Before(until.Add(wssecurity.Skew)) || until.Sub(from) > wssecurity.MaxSpan || !until.After(from) {
		return denied("OnBehalfOf is valid from %s until %s", nb, na)
	}
	restriction, err := cond.Only(xmlsec.NSSAML, "AudienceRestrictionCondition")
	if err != nil {
		return denied("OnBehalfOf: %w", err)
	}
	audience, err := restriction.Child(xmlsec.NSSAML, "Audience").Text()
	if err != nil || audience != g.o.Issuer {
		return denied("OnBehalfOf is for %.100q and not for %.100q", audience, g.o.Issuer)
	}
	return nil
}

// subject is the one EmailAddress of the verified assertion.
func subject(root xmlsec.Element) (user smtpaddr.Address, err error) {
	var emails []string
	for st := range root.Children() {
		for attr := range st.Children() {
			name, _ := attr.Attr("AttributeName")
			space, _ := attr.Attr("AttributeNamespace")
			if !attr.Is(xmlsec.NSSAML, "Attribute") || name != "EmailAddress" || space != "http://schemas.xmlsoap.org/claims" {
				continue
			}
			for value := range attr.Children() {
				s, err := value.Text()
				if err != nil {
					return user, denied("%w", err)
				}
				emails = append(emails, s)
			}
		}
	}
	if len(emails) != 1 {
		return user, denied("OnBehalfOf names %d addresses", len(emails))
	}
	if user, err = smtpaddr.ParseAddress(emails[0]); err != nil {
		return user, denied("%w", err)
	}
	return user, nil
}
