package partner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const (
	cacheSize   = 10000
	foundFor    = time.Hour
	staleFor    = 6 * time.Hour // beyond foundFor, when the partner's Autodiscover fails: 7 hours in all
	notFoundFor = time.Minute
	maxUnknown  = 5 // users whom one request may ask Autodiscover for in vain
)

// leg is the way to one partner in one request.
type leg struct {
	*Remote
	rel     *orgrel.OrganizationRelationship
	way     way
	unknown atomic.Int32 // users whom Autodiscover did not know
}

// way is an access method: how a partner's endpoint is found and asked.
type way interface {
	// configured is the endpoint of the relationship itself, "" where Autodiscover must be asked.
	configured() string
	// discover asks the partner's Autodiscover for one user.
	discover(ctx context.Context, user smtpaddr.Address, fresh bool) (endpoint, error)
	// send makes one call to an endpoint, with credentials that were never used before where fresh is set. anchor is one
	// of those whom it is about.
	send(ctx context.Context, url string, anchor smtpaddr.Address, fresh bool, call func(ctx context.Context, c *ews.Client) error) error
}

// endpoint is what Autodiscover tells of a user: where to ask, or the address under which she is to be asked for.
type endpoint struct {
	url   string
	moved smtpaddr.Address
}

// whose is the key of an Autodiscover answer: a domain's, or one user's. It follows the relationship: what an
// administrator changes has no remembered answer.
type whose struct {
	relationship, id string
	changed          time.Time
	domain           smtpaddr.Domain
	user             smtpaddr.Address
}

// String is the key as administrators see it.
func (w whose) String() string {
	if w.user.IsZero() {
		return w.domain.String() + " (" + w.relationship + ")"
	}
	return w.user.String() + " (" + w.relationship + ")"
}

func (l *leg) ofDomain(a smtpaddr.Address) whose {
	return whose{l.rel.Name, l.rel.ID, l.rel.WhenChanged, a.Domain(), smtpaddr.Address{}}
}

func (l *leg) ofUser(a smtpaddr.Address) whose {
	w := l.ofDomain(a)
	w.user = a
	return w
}

// locate finds where a mailbox is asked for: as configured, as remembered of the user or of her domain, or by Autodiscover.
func (l *leg) locate(ctx context.Context, a smtpaddr.Address) (endpoint, error) {
	if u := l.way.configured(); u != "" {
		return endpoint{url: u}, nil
	}
	for _, k := range []whose{l.ofUser(a), l.ofDomain(a)} {
		if e, ok := l.found.Get(k); ok {
			return e, nil
		}
		if f, ok := l.notFound.Get(k); ok {
			record.From(ctx).Failed(record.StepRequestSent, time.Now(), "remembered for a minute: "+f.Error())
			return endpoint{}, f
		}
	}
	return l.discover(ctx, a)
}

// discover asks Autodiscover and remembers what it says: an URL of the whole domain, anything else of this user only. When
// the service fails, what it said before stays good for a while.
func (l *leg) discover(ctx context.Context, a smtpaddr.Address) (e endpoint, err error) {
	if l.unknown.Load() >= maxUnknown {
		return e, failed(phaseAutodiscover, "", fmt.Errorf("it was asked in vain for %d other users of this request", maxUnknown))
	}
	start := time.Now()
	err = l.once(ctx, func(ctx context.Context, fresh bool) error {
		e, err = l.way.discover(ctx, a, fresh)
		return err
	})
	record.From(ctx).Set(slog.Group("autodiscover", slog.String("relationship", l.rel.Name), slog.Duration("duration", time.Since(start))))
	said, ok := errors.AsType[*autodiscover.Error](err)
	aboutUser := ok && !said.Fault
	switch {
	case err == nil && !e.moved.IsZero():
		l.found.Put(l.ofUser(a), e, foundFor, 0)
	case err == nil:
		l.found.Put(l.ofDomain(a), e, foundFor, staleFor)
	case aboutUser:
		l.unknown.Add(1)
		l.notFound.Put(l.ofUser(a), asFailure(err), notFoundFor, 0)
	default:
		if e, ok := l.found.Stale(l.ofDomain(a)); ok {
			return e, nil
		}
		if memorable(err) {
			l.notFound.Put(l.ofDomain(a), asFailure(err), notFoundFor, 0)
		}
	}
	return e, err
}

// memorable tells the failures that asking again at once would repeat: not those of the gateway, of our own caution or of
// a caller who went away.
func memorable(err error) bool {
	_, cautious := errors.AsType[*notAsked](err)
	return asFailure(err).phase == phaseAutodiscover && !cautious && !errors.Is(err, context.Canceled)
}

// doubt has a remembered endpoint looked up anew: it could not be asked.
func (l *leg) doubt(a smtpaddr.Address) {
	if e, ok := l.found.Get(l.ofDomain(a)); ok {
		l.found.Put(l.ofDomain(a), e, 0, staleFor)
	}
}

// elsewhere asks Autodiscover about a mailbox that the partner would have to forward: its domain's answer does not hold
// for it.
func (l *leg) elsewhere(ctx context.Context, a smtpaddr.Address, err error) (smtpaddr.Address, bool) {
	if err == nil || fault.KindOf(err) != fault.ProxyRequestNotAllowed || l.way.configured() != "" {
		return smtpaddr.Address{}, false
	}
	e, err := l.discover(ctx, a)
	return e.moved, err == nil && !e.moved.IsZero()
}

func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return &failure{phaseEWS, "", err}
}

// follow tells whether credentials may go from one Autodiscover URL to the one that it names: only by https, and only
// to the same registrable domain or to a host of the relationship's own domains.
func follow(rel *orgrel.OrganizationRelationship, from, to string) error {
	a, err := url.Parse(from)
	if err != nil {
		return err
	}
	b, err := url.Parse(to)
	if err != nil || b.Scheme != "https" || b.User != nil || b.Host == "" {
		return fmt.Errorf("the redirect to %.200q is not followed: it is not https", to)
	}
	host := strings.ToLower(b.Hostname())
	ofPartner := slices.ContainsFunc(rel.DomainNames, func(d smtpaddr.Domain) bool {
		return host == d.String() || strings.HasSuffix(host, "."+d.String())
	})
	if ofPartner || host == strings.ToLower(a.Hostname()) {
		return nil
	}
	was, err1 := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(a.Hostname()))
	is, err2 := publicsuffix.EffectiveTLDPlusOne(host)
	if err1 != nil || err2 != nil || was != is {
		return fmt.Errorf("the redirect to %.200q is not followed: it leads away from the partner", to)
	}
	return nil
}
