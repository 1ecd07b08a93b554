package partner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/fanout"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// maxRedirects bounds how often Autodiscover may point elsewhere, to another address or to another URL.
const maxRedirects = 3

// Options of a Remote; all but AllowPrivate are required.
type Options struct {
	Organization  Organization
	Relationships availability.Relationships
	Mailboxes     Mailboxes
	Tokens        *federation.Client
	Clients       *Clients
	AllowPrivate  []netip.Prefix // ranges that may be dialled for every partner
	Caches        *cache.Set     // gets the caches of Autodiscover answers
	Node          string         // name of this server in texts and events
	Now           func() time.Time
	Log           *slog.Logger
}

// Organization reads our own federated organization identifier.
type Organization interface {
	Organization(ctx context.Context) (*federation.Organization, error)
}

// Mailboxes finds an own mailbox by any of its addresses.
type Mailboxes interface {
	Mailbox(ctx context.Context, a smtpaddr.Address) (*mailbox.Mailbox, error)
}

// Remote asks partners by the access method of their relationship.
type Remote struct {
	o        Options
	retry    failsafe.Executor[any]
	found    *cache.Cache[whose, endpoint]
	notFound *cache.Cache[whose, *failure]

	mu    sync.Mutex
	gates map[string]*gate // by relationship
}

// New makes a Remote and registers its caches.
func New(o Options) *Remote {
	r := &Remote{o: o, retry: newRetry(), gates: map[string]*gate{},
		found: cache.New[whose, endpoint](cacheSize, o.Now), notFound: cache.New[whose, *failure](cacheSize, o.Now)}
	o.Caches.Register("autodiscover", r.found)
	o.Caches.Register("autodiscover-negative", r.notFound)
	return r
}

func (r *Remote) gate(rel *orgrel.OrganizationRelationship) *gate {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.gates[rel.ID]
	if g == nil {
		g = newGate(r.o.Now, halfOpens)
		r.gates[rel.ID] = g
	}
	return g
}

// inquiry is what partners are asked about some people, whatever it is that they are asked.
type inquiry struct {
	who    orgrel.Requester
	usable func(*orgrel.OrganizationRelationship) error // why a relationship cannot be used for it, or nil
	people []smtpaddr.Address                           // by position; those who have moved under their new address
	errs   []error                                      // of each: why there is no answer about her
	// put asks one endpoint about the people at some positions and keeps the answers; what concerns one of them alone goes
	// to errs. send makes one call, each time with another client.
	put func(ctx context.Context, send sender, at []int) error
}

// sender makes one call to an endpoint: through the partner's gate, and with its credentials.
type sender func(ctx context.Context, call func(ctx context.Context, c *ews.Client) error) error

// round asks partners, the one of rel first. People of whom Autodiscover says that they have moved are asked for under
// their new address, by the relationship of its domain.
func (r *Remote) round(ctx context.Context, rel *orgrel.OrganizationRelationship, q *inquiry) {
	q.errs = make([]error, len(q.people))
	pending := map[*orgrel.OrganizationRelationship][]int{rel: make([]int, len(q.people))}
	for i := range q.people {
		pending[rel][i] = i
	}
	start := time.Now()
	defer func() { record.From(ctx).Set(outcome(rel, q.errs, time.Since(start))) }()
	for hop := 0; len(pending) > 0; hop++ {
		next := map[*orgrel.OrganizationRelationship][]int{}
		for rel, positions := range pending {
			for i, to := range r.askPartner(ctx, rel, q, positions) {
				by, err := fanout.RelationshipToAsk(ctx, r.o.Relationships, to.Domain(), q.usable)
				if hop == maxRedirects {
					err = fault.New(fault.AutodiscoverFailed, "Autodiscover failed for email address %s with error it has moved more than %d times", to, maxRedirects)
				}
				if q.errs[i] = err; err != nil {
					continue
				}
				q.people[i] = to
				next[by] = append(next[by], i)
			}
		}
		pending = next
	}
}

// outcome is what the request's record keeps of a partner.
func outcome(rel *orgrel.OrganizationRelationship, errs []error, took time.Duration) slog.Attr {
	kind := "ok"
	for _, err := range errs {
		if err != nil {
			kind = fault.KindOf(err).Row().Name
		}
	}
	return slog.Group("remote", slog.String("relationship", rel.Name), slog.Int("mailboxes", len(errs)), slog.String("outcome", kind), slog.Duration("duration", took))
}

// askPartner asks about the people at some positions and returns who has moved where.
func (r *Remote) askPartner(ctx context.Context, rel *orgrel.OrganizationRelationship, q *inquiry, positions []int) map[int]smtpaddr.Address {
	v := &visit{inquiry: q, node: r.o.Node, moved: map[int]smtpaddr.Address{}, failures: map[*failure][]smtpaddr.Address{}}
	l, err := r.leg(ctx, rel, q.who)
	if err != nil {
		for _, i := range positions {
			v.fail(i, err)
		}
	} else {
		var wg sync.WaitGroup
		for url, at := range v.locate(ctx, l, positions) {
			wg.Go(func() { v.ask(ctx, l, url, at) })
		}
		wg.Wait()
	}
	for f, mailboxes := range v.failures {
		r.report(ctx, f, q.who, rel, mailboxes)
	}
	return v.moved
}

// visit is one partner being asked about some people; each position has one writer.
type visit struct {
	*inquiry
	node string

	mu       sync.Mutex
	moved    map[int]smtpaddr.Address
	failures map[*failure][]smtpaddr.Address // one event each
}

func (v *visit) fail(i int, err error) {
	f, a := asFailure(err), v.people[i]
	v.errs[i] = f.faultFor(a, v.node)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failures[f] = append(v.failures[f], a)
}

func (v *visit) move(i int, to smtpaddr.Address) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.moved[i] = to
}

// locate groups the positions by the endpoint where they are asked for.
func (v *visit) locate(ctx context.Context, l *leg, positions []int) map[string][]int {
	urls := map[string][]int{}
	for _, i := range positions {
		switch e, err := l.locate(ctx, v.people[i]); {
		case err != nil:
			v.fail(i, err)
		case !e.moved.IsZero():
			v.move(i, e.moved)
		default:
			urls[e.url] = append(urls[e.url], i)
		}
	}
	return urls
}

// ask asks one endpoint about all its people. It runs on a goroutine of its own, where a panic would end the process.
func (v *visit) ask(ctx context.Context, l *leg, url string, at []int) {
	failAll := func(err error) {
		for _, i := range at {
			v.fail(i, err)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			failAll(failed(phaseEWS, url, fmt.Errorf("panic: %v", p)))
		}
	}()
	send := func(ctx context.Context, call func(ctx context.Context, c *ews.Client) error) error {
		return l.once(ctx, func(ctx context.Context, fresh bool) error { return l.way.send(ctx, url, v.people[at[0]], fresh, call) })
	}
	if err := v.put(ctx, send, at); err != nil {
		l.doubt(v.people[at[0]])
		failAll(err)
		return
	}
	for _, i := range at {
		if f, failed := errors.AsType[*failure](v.errs[i]); failed {
			v.fail(i, &failure{f.phase, url, f.cause})
		} else if to, ok := l.elsewhere(ctx, v.people[i], v.errs[i]); ok {
			v.move(i, to)
		}
	}
}

// once calls fn, and once more with a fresh token where the partner refused the token or its message. Every call makes a
// new envelope.
func (l *leg) once(ctx context.Context, fn func(ctx context.Context, fresh bool) error) error {
	var last error
	err := l.retry.WithContext(ctx).RunWithExecution(func(e failsafe.Execution[any]) error {
		last = fn(e.Context(), e.IsRetry())
		return last
	})
	if last != nil { // says more than that there was no retry
		return last
	}
	return err
}
