package partner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/cache"
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

// GetUserAvailability implements [availability.Remote]. Mailboxes that Autodiscover says have moved are asked for under
// their new address, by the relationship of its domain. What fails is its mailboxes' Err; the error is always nil.
func (r *Remote) GetUserAvailability(ctx context.Context, rel *orgrel.OrganizationRelationship, q availability.Query) ([]availability.Result, error) {
	out := make([]availability.Result, len(q.Mailboxes))
	q.Mailboxes = slices.Clone(q.Mailboxes)
	pending := map[*orgrel.OrganizationRelationship][]int{rel: make([]int, len(out))}
	for i := range out {
		pending[rel][i] = i
	}
	start := time.Now()
	defer func() { record.From(ctx).Set(outcome(rel, out, time.Since(start))) }()
	for hop := 0; len(pending) > 0; hop++ {
		next := map[*orgrel.OrganizationRelationship][]int{}
		for rel, positions := range pending {
			for i, to := range r.askPartner(ctx, rel, q, positions, out) {
				by, err := availability.RelationshipToAsk(ctx, r.o.Relationships, to.Domain())
				if hop == maxRedirects {
					err = fault.New(fault.AutodiscoverFailed, "Autodiscover failed for email address %s with error it has moved more than %d times", to, maxRedirects)
				}
				if err != nil {
					out[i] = availability.Result{Err: err}
					continue
				}
				q.Mailboxes[i].Address = to
				next[by] = append(next[by], i)
			}
		}
		pending = next
	}
	return out, nil
}

// outcome is what the request's record keeps of a partner.
func outcome(rel *orgrel.OrganizationRelationship, results []availability.Result, took time.Duration) slog.Attr {
	kind := "ok"
	for _, r := range results {
		if r.Err != nil {
			kind = fault.KindOf(r.Err).Row().Name
		}
	}
	return slog.Group("remote", slog.String("relationship", rel.Name), slog.Int("mailboxes", len(results)), slog.String("outcome", kind), slog.Duration("duration", took))
}

// askPartner fills the results of some positions and returns which mailboxes have moved where.
func (r *Remote) askPartner(ctx context.Context, rel *orgrel.OrganizationRelationship, q availability.Query, positions []int, out []availability.Result) map[int]smtpaddr.Address {
	v := &visit{node: r.o.Node, q: q, out: out, moved: map[int]smtpaddr.Address{}, failures: map[*failure][]smtpaddr.Address{}}
	l, err := r.leg(ctx, rel, q.Requester)
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
		r.report(ctx, f, q.Requester, rel, mailboxes)
	}
	return v.moved
}

// visit is one partner being asked for some mailboxes of a query.
type visit struct {
	node string
	q    availability.Query
	out  []availability.Result // of all mailboxes of q; each position has one writer

	mu       sync.Mutex
	moved    map[int]smtpaddr.Address
	failures map[*failure][]smtpaddr.Address // one event each
}

func (v *visit) fail(i int, err error) {
	f, a := asFailure(err), v.q.Mailboxes[i].Address
	v.out[i] = availability.Result{Err: f.faultFor(a, v.node)}
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
		switch e, err := l.locate(ctx, v.q.Mailboxes[i].Address); {
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

// ask asks one endpoint for all its mailboxes. It runs on a goroutine of its own, where a panic would end the process.
func (v *visit) ask(ctx context.Context, l *leg, url string, at []int) {
	defer func() {
		if p := recover(); p != nil {
			for _, i := range at {
				v.fail(i, failed(phaseEWS, url, fmt.Errorf("panic: %v", p)))
			}
		}
	}()
	sub := v.q
	sub.Mailboxes = make([]availability.Attendee, len(at))
	for k, i := range at {
		sub.Mailboxes[k] = v.q.Mailboxes[i]
	}
	results, err := ask(func(ctx context.Context, piece availability.Query) (results []availability.Result, err error) {
		err = l.once(ctx, func(ctx context.Context, fresh bool) error {
			results, err = l.way.ask(ctx, url, piece, fresh)
			return err
		})
		return results, err
	}).whole(ctx, sub)
	if err != nil {
		l.doubt(sub.Mailboxes[0].Address)
		for _, i := range at {
			v.fail(i, err)
		}
		return
	}
	for k, i := range at {
		v.out[i] = results[k]
		if errors.Is(results[k].Err, errPieces) {
			v.fail(i, failed(phaseEWS, url, errPieces))
		} else if to, ok := l.elsewhere(ctx, sub.Mailboxes[k].Address, results[k].Err); ok {
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
