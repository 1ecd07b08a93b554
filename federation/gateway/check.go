package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const (
	nsAuth = "http://schemas.xmlsoap.org/ws/2006/12/authorization"
	nsWSP  = "http://schemas.xmlsoap.org/ws/2004/09/policy"
)

func denied(format string, args ...any) error {
	return fault.Because(fault.STSFailedAuthentication, fmt.Errorf(format, args...))
}

func malformed(format string, args ...any) error {
	return fault.Because(fault.STSInvalidRequest, fmt.Errorf(format, args...))
}

// check runs the checks of a token request in order; the wire never learns which one failed.
func (g *Gateway) check(ctx context.Context, env *soap.Envelope) (*grant, error) {
	now := g.o.Now()
	h, err := wssecurity.Read(env, now, false)
	switch {
	case err != nil:
		return nil, fault.Because(fault.STSExpiredData, err)
	case h.Timestamp.IsZero() || h.Signature.IsZero():
		return nil, denied("the request has no Timestamp or no Signature")
	case env.Action != federation.ActionIssue:
		return nil, malformed("action %q", env.Action)
	case !strings.EqualFold(strings.TrimSuffix(env.To, "/"), g.o.PublicURL+PathSTS):
		return nil, denied("the request is to %q", env.To)
	case env.MessageID == "" || len(env.MessageID) > 256:
		return nil, malformed("the request has no MessageID")
	}
	orgs, err := g.o.Registry.Organizations(ctx)
	if err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	}
	from, err := g.sender(env, h, orgs, now)
	if err != nil {
		return nil, err
	}
	rst := env.Payload
	if !rst.Is(xmlsec.NSWST, "RequestSecurityToken") {
		return nil, malformed("the body is %s", rst.Local())
	}
	user, assertionID, err := g.onBehalfOf(rst, from, now)
	if err != nil {
		return nil, err
	}
	gr := &grant{from: from, user: user}
	if err := g.terms(rst, orgs, gr); err != nil {
		return nil, err
	}
	for _, id := range []string{"message " + from.ApplicationUri + " " + env.MessageID, "assertion " + from.ApplicationUri + " " + assertionID} {
		fresh, err := g.o.Registry.Claim(ctx, id, h.Expires.Add(2*wssecurity.Skew))
		if err != nil {
			return nil, fault.Because(fault.ServerBusy, err)
		}
		if !fresh {
			return nil, denied("%s is a replay", id)
		}
	}
	return gr, nil
}

func (o *Organization) certificates() []*x509.Certificate {
	if o.Previous == nil {
		return []*x509.Certificate{o.Certificate}
	}
	return []*x509.Certificate{o.Certificate, o.Previous}
}

func (g *Gateway) policy(now time.Time) xmlsec.VerifyPolicy {
	return xmlsec.VerifyPolicy{AllowSHA1: g.o.Profile == federation.ProfileExchange, Now: now}
}

// sender finds the organization whose certificate signed the header.
func (g *Gateway) sender(env *soap.Envelope, h *wssecurity.Header, orgs []*Organization, now time.Time) (*Organization, error) {
	var all []*x509.Certificate
	for _, o := range orgs {
		all = append(all, o.certificates()...)
	}
	cert, err := h.VerifyX509(env, all, g.policy(now))
	if err != nil {
		return nil, denied("%w", err)
	}
	for _, o := range orgs {
		if slices.ContainsFunc(o.certificates(), cert.Equal) {
			return o, nil
		}
	}
	return nil, denied("the certificate is of no organization")
}

// onBehalfOf checks the organization's own assertion about its user.
func (g *Gateway) onBehalfOf(rst xmlsec.Element, from *Organization, now time.Time) (user smtpaddr.Address, id string, err error) {
	obo, err := rst.Only(xmlsec.NSWST, "OnBehalfOf")
	if err != nil {
		return user, "", malformed("%w", err)
	}
	a, err := obo.Only(xmlsec.NSSAML, "Assertion")
	if err != nil {
		return user, "", malformed("%w", err)
	}
	canonical, err := xmlsec.Canonicalize(a) // a document of its own, so that nothing around it counts
	if err != nil {
		return user, "", denied("%w", err)
	}
	doc, err := xmlsec.Scan(canonical, xmlsec.TokenLimits())
	if err != nil {
		return user, "", denied("%w", err)
	}
	v, _, err := xmlsec.VerifyEnveloped(doc.Root(), "AssertionID", from.certificates(), g.policy(now))
	if err != nil {
		return user, "", denied("OnBehalfOf: %w", err)
	}
	root := v.Root()
	id, _ = root.Attr("AssertionID")
	if issuer, _ := root.Attr("Issuer"); federation.NormalizeURI(issuer) != federation.NormalizeURI(from.ApplicationUri) {
		return user, "", denied("OnBehalfOf is issued by %q", issuer)
	}
	if err := g.conditions(root, now); err != nil {
		return user, "", err
	}
	return g.subject(root, from, id)
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
	audience, err := cond.Child(xmlsec.NSSAML, "AudienceRestrictionCondition").Child(xmlsec.NSSAML, "Audience").Text()
	if err != nil || audience != g.o.Issuer {
		return denied("OnBehalfOf is for %q", audience)
	}
	return nil
}

func (g *Gateway) subject(root xmlsec.Element, from *Organization, id string) (user smtpaddr.Address, _ string, err error) {
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
					return user, "", denied("%w", err)
				}
				emails = append(emails, s)
			}
		}
	}
	if len(emails) != 1 {
		return user, "", denied("OnBehalfOf names %d addresses", len(emails))
	}
	if user, err = smtpaddr.ParseAddress(emails[0]); err != nil {
		return user, "", denied("%w", err)
	}
	if !slices.Contains(from.Domains, user.Domain()) {
		return user, "", denied("%s is no domain of %s", user.Domain(), from.Name)
	}
	return user, id, nil
}

// terms reads what is asked: target, action, key.
func (g *Gateway) terms(rst xmlsec.Element, orgs []*Organization, gr *grant) error {
	text := func(e xmlsec.Element) string {
		s, err := e.Text()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(s)
	}
	requestor := text(rst.Child(nsAuth, "AdditionalContext").Child(nsAuth, "ContextItem").Child(nsAuth, "Value"))
	if federation.NormalizeURI(requestor) != federation.NormalizeURI(gr.from.ApplicationUri) {
		return denied("the requestor is %q", requestor)
	}
	gr.appliesTo = text(rst.Child(nsWSP, "AppliesTo").Child(soap.NSWSA, "EndpointReference").Child(soap.NSWSA, "Address"))
	for _, o := range orgs {
		if gr.appliesTo != "" && federation.NormalizeURI(o.ApplicationUri) == federation.NormalizeURI(gr.appliesTo) {
			gr.target = o
		}
	}
	if gr.target == nil {
		return fault.Because(fault.STSInvalidScope, fmt.Errorf("the target %q is not registered", gr.appliesTo))
	}
	claim := rst.Child(xmlsec.NSWST, "Claims").Child(nsAuth, "ClaimType")
	gr.action = orgrel.Action(text(claim.Child(nsAuth, "Value")))
	if uri, _ := claim.Attr("Uri"); uri != nsAuth+"/claims/action" || gr.action != orgrel.ActionFreeBusy && gr.action != orgrel.ActionAutodiscover {
		return malformed("the action is %q", gr.action)
	}
	if p := rst.Child(nsWSP, "PolicyReference"); !p.IsZero() {
		if uri, _ := p.Attr("URI"); uri != "EX_MBI_FED_SSL" {
			return malformed("the policy is %q", uri)
		}
	}
	if kt := text(rst.Child(xmlsec.NSWST, "KeyType")); kt != xmlsec.NSWST+"/SymmetricKey" {
		return malformed("the key type is %q", kt)
	}
	if size := text(rst.Child(xmlsec.NSWST, "KeySize")); size != "" && size != "256" && size != "128" {
		return malformed("the key size is %q", size)
	}
	return nil
}
