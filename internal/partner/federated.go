package partner

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// The User-Agents by which Exchange's administrators find these calls in logs.
const (
	userAgentAutodiscover = "ASAutoDiscover/CrossForest/EmailDomain//availd"
	userAgentEWS          = "ASProxy/CrossForest/EmailDomain//availd"
)

// leg prepares the way to a partner: who asks, with which client.
func (r *Remote) leg(ctx context.Context, rel *orgrel.OrganizationRelationship, who orgrel.Requester) (*leg, error) {
	client, err := r.o.Clients.Get(Profile{CAFile: rel.CAFile, MinTLS: rel.MinTLS, Allowed: append(append(r.o.AllowPrivate[:0:0], r.o.AllowPrivate...), rel.AllowAddresses...)})
	if err != nil {
		return nil, failed(phaseEWS, rel.TargetSharingEpr, err)
	}
	for _, u := range []string{rel.TargetSharingEpr, rel.TargetAutodiscoverEpr} {
		if u != "" && !strings.HasPrefix(u, "https://") {
			return nil, failed(phaseEWS, u, errors.New("the configured URL is not https"))
		}
	}
	c := caller{rel: rel, client: client, gate: r.gate(rel)}
	l := &leg{Remote: r, rel: rel}
	if rel.AccessMethod == orgrel.OrgWideFB {
		l.way = &orgWide{c}
		return l, nil
	}
	start := time.Now()
	user, err := r.federatedAddress(ctx, who)
	if err != nil {
		record.From(ctx).Failed(record.StepFederationUsable, start, err.Error())
		return nil, failed(phaseToken, "", err)
	}
	l.way = &federated{caller: c, tokens: r.o.Tokens, user: user}
	return l, nil
}

// federatedAddress maps the own user to the address under which partners know her.
func (r *Remote) federatedAddress(ctx context.Context, who orgrel.Requester) (smtpaddr.Address, error) {
	org, err := r.o.Organization.Organization(ctx)
	if err != nil {
		return smtpaddr.Address{}, err
	}
	if !org.Enabled {
		return smtpaddr.Address{}, errors.New("the organization is not enabled for federation")
	}
	addresses := []smtpaddr.Address{who.Address}
	if m, err := r.o.Mailboxes.Mailbox(ctx, who.Address); err == nil {
		addresses = append([]smtpaddr.Address{m.Address}, m.Aliases...)
	}
	a, ok := org.FederatedAddress(addresses)
	if !ok {
		return a, fmt.Errorf("%s has no address in a federated domain", who.Address)
	}
	return a, nil
}

// caller is what all ways to a partner share.
type caller struct {
	rel    *orgrel.OrganizationRelationship
	client *http.Client
	gate   *gate
}

// get asks one EWS endpoint through the gate and marks the step.
func (c *caller) get(ctx context.Context, e *ews.Client, q availability.Query) (results []availability.Result, err error) {
	start, rec := time.Now(), record.From(ctx)
	q.Zone, q.Suggestions = nil, nil // times travel in UTC, and suggestions are made here
	e.HTTP, e.UserAgent, e.RequestHeader = c.client, userAgentEWS, headers(ctx, q.Mailboxes[0].Address)
	err = c.gate.do(ctx, func(ctx context.Context) error {
		answer, err := e.GetUserAvailability(ctx, q)
		results = answer.Results
		return err
	})
	f, answered := errors.AsType[*ews.Error](err)
	switch {
	case err == nil:
		how := "by Autodiscover"
		if c.rel.TargetSharingEpr != "" {
			how = "TargetSharingEpr"
		}
		rec.Done(record.StepRequestSent, start, fmt.Sprintf("%s (%s)", e.URL, how))
	case answered:
		rec.Done(record.StepRequestSent, start, fmt.Sprintf("%s answered with the fault %s", e.URL, f.Code))
	default:
		rec.Failed(record.StepRequestSent, start, fmt.Sprintf("%s: %v", e.URL, err))
	}
	return results, failed(phaseEWS, e.URL, err)
}

// settled marks the step of an Autodiscover call that failed.
func (c *caller) settled(ctx context.Context, start time.Time, url string, err error) error {
	f, answered := errors.AsType[*autodiscover.Error](err)
	switch rec := record.From(ctx); {
	case err == nil, answered && f.RedirectTarget != "":
	case answered && f.Fault:
		rec.Done(record.StepRequestSent, start, fmt.Sprintf("Autodiscover at %s answered with the fault %s", url, f.Code))
	default:
		rec.Failed(record.StepRequestSent, start, fmt.Sprintf("Autodiscover at %s: %v", url, err))
	}
	return failed(phaseAutodiscover, url, err)
}

// headers tie the call to the request it is for; the anchor lets load balancers pick the mailbox's server.
func headers(ctx context.Context, anchor smtpaddr.Address) http.Header {
	return http.Header{"Client-Request-Id": {record.From(ctx).CorrelationID()}, "X-Anchormailbox": {anchor.String()}}
}

// federated asks with delegation tokens.
type federated struct {
	caller
	tokens *federation.Client
	user   smtpaddr.Address // whom we speak for
}

func (f *federated) configured() string {
	if f.rel.TargetSharingEpr == "" {
		return ""
	}
	return secured(f.rel.TargetSharingEpr)
}

// header gets the token of an action. Asking the gateway is not repeated: it may have issued a token that got lost.
func (f *federated) header(ctx context.Context, action orgrel.Action, fresh bool) (func(ctx context.Context, to, action string) ([]byte, error), error) {
	t, err := f.tokens.DelegationToken(ctx, federation.TokenRequest{User: f.user, TargetApplicationUri: f.rel.TargetApplicationUri, Action: action, Fresh: fresh})
	if err != nil {
		return nil, failed(phaseToken, f.rel.TargetApplicationUri, err)
	}
	return func(_ context.Context, to, action string) ([]byte, error) {
		return t.Headers(to, action, f.tokens.Now())
	}, nil
}

func (f *federated) ask(ctx context.Context, url string, q availability.Query, fresh bool) ([]availability.Result, error) {
	header, err := f.header(ctx, orgrel.ActionFreeBusy, fresh)
	if err != nil {
		return nil, err
	}
	return f.get(ctx, &ews.Client{URL: url, Header: header}, q)
}

func (f *federated) discover(ctx context.Context, user smtpaddr.Address, fresh bool) (endpoint, error) {
	header, err := f.header(ctx, orgrel.ActionAutodiscover, fresh)
	if err != nil {
		return endpoint{}, err
	}
	c := &autodiscover.Client{HTTP: f.client, UserAgent: userAgentAutodiscover, Header: header, RequestHeader: headers(ctx, user)}
	url := secured(f.rel.TargetAutodiscoverEpr)
	for range maxRedirects + 1 {
		start := time.Now()
		var settings map[string]string
		err := f.gate.do(ctx, func(ctx context.Context) (err error) {
			settings, err = c.GetUserSettings(ctx, url, user, "ExternalEwsUrl", "ExternalEwsVersion")
			return err
		})
		if err == nil && !strings.HasPrefix(settings["ExternalEwsUrl"], "https://") {
			err = errors.New("the partner's ExternalEwsUrl is missing or not https")
		}
		if err == nil {
			return endpoint{url: secured(settings["ExternalEwsUrl"])}, nil
		}
		said, ok := errors.AsType[*autodiscover.Error](err)
		if ok && said.Code == "RedirectAddress" {
			if to, bad := smtpaddr.ParseProxyAddress(said.RedirectTarget); bad == nil {
				return endpoint{moved: to}, nil
			}
		}
		// The client goes where it is sent within one site. Another host may still be one of the partner's domains.
		if _, foreign := errors.AsType[*autodiscover.UntrustedHostError](err); !foreign {
			return endpoint{}, f.settled(ctx, start, url, err)
		}
		if err := follow(f.rel, url, said.RedirectTarget); err != nil {
			return endpoint{}, f.settled(ctx, start, url, err)
		}
		url = secured(said.RedirectTarget)
	}
	return endpoint{}, failed(phaseAutodiscover, url, fmt.Errorf("there are more than %d redirects", maxRedirects))
}

// secured appends /wssecurity where it is not there yet.
func secured(url string) string {
	if strings.HasSuffix(strings.ToLower(strings.TrimSuffix(url, "/")), "/wssecurity") {
		return url
	}
	return strings.TrimSuffix(url, "/") + "/wssecurity"
}
