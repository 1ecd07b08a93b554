package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const (
	userAgentAutodiscover = "ASAutoDiscover/CrossForest/EmailDomain//availd"
	userAgentEWS          = "ASProxy/CrossForest/EmailDomain//availd"
	urlTTL                = time.Hour
)

// remote asks partners with delegation tokens: token, Autodiscover, token, GetUserAvailability.
type remote struct {
	config  *config
	store   store.Store
	tokens  *federation.Client
	clients *clients
	private []netip.Prefix

	mu   sync.Mutex
	urls map[string]found
}

type found struct {
	url   string
	until time.Time
}

// GetUserAvailability implements availability.Remote.
func (r *remote) GetUserAvailability(ctx context.Context, rel *orgrel.OrganizationRelationship, q availability.Query) ([]availability.Result, error) {
	start, rec := time.Now(), record.From(ctx)
	user, err := r.requester(ctx, q.Requester)
	if err != nil {
		rec.Failed(record.StepFederationUsable, start, err.Error())
		return nil, fault.New(fault.ProxyRequestFailed, "%v", err)
	}
	client, err := r.clients.get(rel.CAFile, append(append([]netip.Prefix(nil), r.private...), rel.AllowAddresses...))
	if err != nil {
		return nil, fault.Because(fault.ProxyRequestFailed, err)
	}
	l := &leg{remote: r, rel: rel, user: user, client: client, first: q.Mailboxes[0].Address}
	results, err := l.ask(ctx, q)
	if l.refused(err) { // once more, with a token that is surely fresh and a new envelope
		l.fresh = true
		results, err = l.ask(ctx, q)
	}
	return results, err
}

// requester maps the own user to the address under which partners know her.
func (r *remote) requester(ctx context.Context, who orgrel.Requester) (smtpaddr.Address, error) {
	org, err := r.config.Organization(ctx)
	if err != nil {
		return smtpaddr.Address{}, err
	}
	if !org.Enabled {
		return smtpaddr.Address{}, errors.New("the organization is not enabled for federation")
	}
	addresses := []smtpaddr.Address{who.Address}
	if m, err := r.store.Mailbox(ctx, who.Address); err == nil {
		addresses = append([]smtpaddr.Address{m.Address}, m.Aliases...)
	}
	a, ok := org.FederatedAddress(addresses)
	if !ok {
		return a, fmt.Errorf("%s has no address in a federated domain", who.Address)
	}
	return a, nil
}

// leg is one partner of one request.
type leg struct {
	*remote
	rel    *orgrel.OrganizationRelationship
	user   smtpaddr.Address
	client *http.Client
	first  smtpaddr.Address
	fresh  bool
}

func (l *leg) refused(err error) bool {
	if a, ok := errors.AsType[*autodiscover.Error](err); ok {
		return a.Security && !l.fresh
	}
	e, ok := errors.AsType[*ews.Error](err)
	return ok && e.Security && !l.fresh
}

func (l *leg) token(ctx context.Context, action orgrel.Action) (*federation.DelegationToken, error) {
	t, err := l.tokens.DelegationToken(ctx, federation.TokenRequest{User: l.user, TargetApplicationUri: l.rel.TargetApplicationUri, Action: action, Fresh: l.fresh})
	if err != nil {
		return nil, &fault.Error{Kind: fault.ProxyRequestFailed, Message: "Proxy web request failed. , inner exception: " + rootText(err), Cause: err}
	}
	return t, nil
}

// rootText is what may go to our own user of a failure outside.
func rootText(err error) string {
	s := err.Error()
	if len(s) > 300 {
		s = s[:300]
	}
	return s
}

func (l *leg) header(t *federation.DelegationToken) func(ctx context.Context, to, action string) ([]byte, error) {
	return func(_ context.Context, to, action string) ([]byte, error) {
		return t.Headers(to, action, l.tokens.Now())
	}
}

func correlation(ctx context.Context) http.Header {
	return http.Header{"Client-Request-Id": {record.From(ctx).CorrelationID()}}
}

func (l *leg) ask(ctx context.Context, q availability.Query) ([]availability.Result, error) {
	url, how, err := l.ewsURL(ctx)
	if err != nil {
		return nil, err
	}
	token, err := l.token(ctx, orgrel.ActionFreeBusy)
	if err != nil {
		return nil, err
	}
	start, rec := time.Now(), record.From(ctx)
	c := &ews.Client{URL: url, HTTP: l.client, UserAgent: userAgentEWS, Header: l.header(token), RequestHeader: correlation(ctx)}
	results, err := c.GetUserAvailability(ctx, q)
	if err != nil {
		if f, ok := errors.AsType[*ews.Error](err); ok {
			rec.Done(record.StepRequestSent, start, fmt.Sprintf("%s answered with the fault %s", url, f.Code))
		} else {
			rec.Failed(record.StepRequestSent, start, fmt.Sprintf("%s: %v", url, err))
		}
		if l.refused(err) {
			return nil, err
		}
		return nil, &fault.Error{Kind: fault.ProxyRequestFailed, Message: "Proxy web request failed. , inner exception: " + rootText(err), Cause: err}
	}
	rec.Done(record.StepRequestSent, start, fmt.Sprintf("%s (%s)", url, how))
	return results, nil
}

// ewsURL is the partner's EWS endpoint: configured, remembered, or asked of its Autodiscover service.
func (l *leg) ewsURL(ctx context.Context) (url, how string, err error) {
	if l.rel.TargetSharingEpr != "" {
		return secured(l.rel.TargetSharingEpr), "TargetSharingEpr", nil
	}
	key := l.rel.ID + " " + l.rel.TargetAutodiscoverEpr + " " + l.rel.TargetApplicationUri
	l.mu.Lock()
	hit, ok := l.urls[key]
	l.mu.Unlock()
	if ok && time.Now().Before(hit.until) && !l.fresh {
		return hit.url, "Autodiscover, remembered", nil
	}
	token, err := l.token(ctx, orgrel.ActionAutodiscover)
	if err != nil {
		return "", "", err
	}
	start, rec := time.Now(), record.From(ctx)
	c := &autodiscover.Client{HTTP: l.client, UserAgent: userAgentAutodiscover, Header: l.header(token), RequestHeader: correlation(ctx)}
	settings, err := c.GetUserSettings(ctx, secured(l.rel.TargetAutodiscoverEpr), l.first, "ExternalEwsUrl", "ExternalEwsVersion")
	if err == nil && !strings.HasPrefix(settings["ExternalEwsUrl"], "https://") {
		err = errors.New("the partner's ExternalEwsUrl is missing or not https")
	}
	if err != nil {
		if f, ok := errors.AsType[*autodiscover.Error](err); ok && f.Fault {
			rec.Done(record.StepRequestSent, start, fmt.Sprintf("Autodiscover at %s answered with the fault %s", l.rel.TargetAutodiscoverEpr, f.Code))
		} else {
			rec.Failed(record.StepRequestSent, start, fmt.Sprintf("Autodiscover at %s: %v", l.rel.TargetAutodiscoverEpr, err))
		}
		if l.refused(err) {
			return "", "", err
		}
		return "", "", &fault.Error{Kind: fault.AutodiscoverFailed, Message: fmt.Sprintf("Autodiscover failed for email address %s with error %s", l.first, rootText(err)), Cause: err}
	}
	url = secured(settings["ExternalEwsUrl"])
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.urls == nil || len(l.urls) > 10000 {
		l.urls = map[string]found{}
	}
	l.urls[key] = found{url, time.Now().Add(urlTTL)}
	return url, "by Autodiscover", nil
}

// secured appends /wssecurity where it is not there yet.
func secured(url string) string {
	if strings.HasSuffix(strings.ToLower(strings.TrimSuffix(url, "/")), "/wssecurity") {
		return url
	}
	return strings.TrimSuffix(url, "/") + "/wssecurity"
}
