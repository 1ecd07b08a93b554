package gateway

import (
	"context"
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
)

const (
	nsAuth = "http://schemas.xmlsoap.org/ws/2006/12/authorization"
	nsWSP  = "http://schemas.xmlsoap.org/ws/2004/09/policy"

	maxSpan = 10 * time.Minute // of a request's Timestamp
)

func denied(format string, args ...any) error {
	return fault.Because(fault.STSFailedAuthentication, fmt.Errorf(format, args...))
}

func malformed(format string, args ...any) error {
	return fault.Because(fault.STSInvalidRequest, fmt.Errorf(format, args...))
}

func outOfScope(format string, args ...any) error {
	return fault.Because(fault.STSInvalidScope, fmt.Errorf(format, args...))
}

// check runs the checks of a token request in order; the wire never learns which one failed. Before the header's
// signature is known to be an organization's, one RSA operation is made at most.
func (g *Gateway) check(ctx context.Context, env *soap.Envelope) (*grant, error) {
	now := g.now()
	h, err := g.addressing(env, now)
	if err != nil {
		return nil, err
	}
	rst, err := readRST(env.Payload)
	if err != nil {
		return nil, err
	}
	from, err := g.sender(ctx, env, h, rst.requestor, now)
	if err != nil {
		return nil, err
	}
	if !g.budgets.Take(from.Name, g.o.Now()) {
		return nil, &fault.Error{Kind: fault.ServerBusy, Cause: fmt.Errorf("organization %s has used up its budget", from.Name), BackOff: time.Second}
	}
	user, assertionID, err := g.onBehalfOf(rst.behalf, from, now)
	if err != nil {
		return nil, err
	}
	if ok, err := g.o.Registry.Speaks(ctx, from.Name, user.Domain()); err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	} else if !ok {
		return nil, denied("%s is no proven domain of %s", user.Domain(), from.Name)
	}
	gr := &grant{from: from, user: user, action: rst.action, appliesTo: rst.appliesTo}
	gr.replays(env.MessageID, assertionID, h.Expires)
	return gr, g.target(ctx, gr, now)
}

// addressing checks the headers by what they say alone.
func (g *Gateway) addressing(env *soap.Envelope, now time.Time) (*wssecurity.Header, error) {
	h, err := wssecurity.Read(env, now, false)
	switch {
	case err != nil:
		return nil, fault.Because(fault.STSExpiredData, err)
	case h.Timestamp.IsZero() || h.Signature.IsZero():
		return nil, denied("the request has no Timestamp or no Signature")
	case h.Expires.Sub(h.Created) > maxSpan:
		return nil, fault.Because(fault.STSExpiredData, fmt.Errorf("the Timestamp spans %s", h.Expires.Sub(h.Created)))
	case env.Action != federation.ActionIssue:
		return nil, malformed("action %.100q", env.Action)
	case !strings.EqualFold(strings.TrimSuffix(env.To, "/"), g.o.PublicURL+PathSTS):
		return nil, denied("the request is to %.100q", env.To)
	case env.MessageID == "" || len(env.MessageID) > 256:
		return nil, malformed("the request has no MessageID")
	}
	return h, nil
}

func (g *Gateway) policy(now time.Time) xmlsec.VerifyPolicy {
	return xmlsec.VerifyPolicy{AllowSHA1: g.o.Profile == federation.ProfileExchange, Now: now}
}

// sender finds the organization whose certificate signed the header. Several may share a certificate: the requestor's
// name tells which one it is.
func (g *Gateway) sender(ctx context.Context, env *soap.Envelope, h *wssecurity.Header, requestor string, now time.Time) (*Organization, error) {
	hint, err := xmlsec.Hint(h.Signature)
	if err != nil {
		return nil, denied("KeyInfo: %w", err)
	}
	orgs, err := g.o.Registry.OrganizationsByKey(ctx, hint)
	if err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	}
	i := slices.IndexFunc(orgs, func(o *Organization) bool {
		return federation.NormalizeURI(o.ApplicationUri) == federation.NormalizeURI(requestor)
	})
	if i < 0 {
		return nil, denied("the key %x is of no registered organization called %.100q", hint.SubjectKeyID, requestor)
	}
	o := orgs[i]
	if _, err := h.VerifyX509(env, o.signers(), g.policy(now)); err != nil {
		return nil, denied("%w", err)
	}
	switch {
	case o.State != Approved:
		return nil, denied("organization %s is %s", o.Name, o.State)
	case o.Instance != g.o.Instance:
		return nil, denied("organization %s is registered at instance %.100q and asked at %.100q (%s)", o.Name, o.Instance, g.o.Instance, g.o.Issuer)
	}
	return o, nil
}

// target finds the organization that the token is for, and whether it wants the requester.
func (g *Gateway) target(ctx context.Context, gr *grant, now time.Time) error {
	if gr.appliesTo == "" || strings.ContainsFunc(gr.appliesTo, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return outOfScope("the target is %.100q", gr.appliesTo)
	}
	t, err := g.o.Registry.OrganizationByURI(ctx, gr.appliesTo)
	switch {
	case err != nil:
		return fault.Because(fault.ServerBusy, err)
	case t == nil:
		return outOfScope("the target %.100q is not registered", gr.appliesTo)
	case t.State != Approved:
		return outOfScope("the target %s is %s", t.Name, t.State)
	case t.Instance != g.o.Instance:
		return outOfScope("the target %s is registered at instance %.100q, the request came to %.100q (%s): both organizations must use one TokenIssuerUri", t.Name, t.Instance, g.o.Instance, g.o.Issuer)
	case now.After(t.Certificate.NotAfter):
		return outOfScope("the certificate of the target %s expired on %s", t.Name, t.Certificate.NotAfter.Format(time.DateOnly))
	}
	gr.target = t
	if !g.o.RequireMutual {
		return nil
	}
	listed, err := g.o.Registry.Lists(ctx, t.Name, gr.from.ApplicationUri, gr.user.Domain())
	if err != nil {
		return fault.Because(fault.ServerBusy, err)
	}
	if !listed {
		return outOfScope("require-mutual: the partner list of %s has neither %s nor %s", t.Name, gr.from.ApplicationUri, gr.user.Domain())
	}
	return nil
}

// tokenRequest is what a RequestSecurityToken says.
type tokenRequest struct {
	behalf               xmlsec.Element // the one assertion in OnBehalfOf
	requestor, appliesTo string
	action               orgrel.Action
}

// readRST reads a RequestSecurityToken: what is asked, and for whom. A lifetime that is asked for is not read: tokens
// have the gateway's.
func readRST(rst xmlsec.Element) (*tokenRequest, error) {
	if !rst.Is(xmlsec.NSWST, "RequestSecurityToken") {
		return nil, malformed("the body is %s", rst.Local())
	}
	obo, err := rst.Only(xmlsec.NSWST, "OnBehalfOf")
	if err != nil {
		return nil, malformed("%w", err)
	}
	var r tokenRequest
	if r.behalf, err = obo.Only(xmlsec.NSSAML, "Assertion"); err != nil {
		return nil, malformed("%w", err)
	}
	for e := range obo.Children() {
		if e != r.behalf {
			return nil, malformed("OnBehalfOf holds %s", e.Local())
		}
	}
	r.requestor = text(rst.Child(nsAuth, "AdditionalContext").Child(nsAuth, "ContextItem").Child(nsAuth, "Value"))
	r.appliesTo = text(rst.Child(nsWSP, "AppliesTo").Child(soap.NSWSA, "EndpointReference").Child(soap.NSWSA, "Address"))
	claim := rst.Child(xmlsec.NSWST, "Claims").Child(nsAuth, "ClaimType")
	r.action = orgrel.Action(text(claim.Child(nsAuth, "Value")))
	if uri, _ := claim.Attr("Uri"); uri != nsAuth+"/claims/action" || r.action != orgrel.ActionFreeBusy && r.action != orgrel.ActionAutodiscover {
		return nil, malformed("the action is %.100q", r.action)
	}
	if p := rst.Child(nsWSP, "PolicyReference"); !p.IsZero() {
		if uri, _ := p.Attr("URI"); uri != "EX_MBI_FED_SSL" {
			return nil, malformed("the policy is %.100q", uri)
		}
	}
	if kt := text(rst.Child(xmlsec.NSWST, "KeyType")); kt != xmlsec.NSWST+"/SymmetricKey" {
		return nil, malformed("the key type is %.100q", kt)
	}
	if size := text(rst.Child(xmlsec.NSWST, "KeySize")); size != "" && size != "256" && size != "128" {
		return nil, malformed("the key size is %.100q", size)
	}
	return &r, nil
}

// text is an element's text, "" when it is none.
func text(e xmlsec.Element) string {
	s, err := e.Text()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(s)
}
