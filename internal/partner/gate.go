package partner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/soap"
)

const (
	inFlight    = 27 // requests to one partner at once: EWSMaxConcurrency of Exchange 2013
	queueWait   = 500 * time.Millisecond
	opensAfter  = 5 // failures in a row
	halfOpens   = 30 * time.Second
	maxBackOff  = 5 * time.Minute
	retryBudget = 0.1 // of the requests in flight
)

// gate is what stands before one partner: a limit of requests in flight, a circuit breaker, and the time until which the
// partner wants not to be asked.
type gate struct {
	now      func() time.Time
	bulkhead bulkhead.Bulkhead[any]
	breaker  circuitbreaker.CircuitBreaker[any]

	mu    sync.Mutex
	until time.Time
}

func newGate(now func() time.Time, opens time.Duration) *gate {
	return &gate{now: now, bulkhead: bulkhead.NewBuilder[any](inFlight).WithMaxWaitTime(queueWait).Build(),
		breaker: circuitbreaker.NewBuilder[any]().HandleIf(func(_ any, err error) bool { return unwell(err) }).
			WithFailureThreshold(opensAfter).WithDelay(opens).WithSuccessThreshold(1).Build()}
}

// notAsked is why a partner was not asked although nothing is known against the answer.
type notAsked struct{ why string }

func (n *notAsked) Error() string { return n.why }

// do makes one call to the partner, or says in a *notAsked why not.
func (g *gate) do(ctx context.Context, call func(ctx context.Context) error) error {
	g.mu.Lock()
	wait := g.until.Sub(g.now())
	g.mu.Unlock()
	if wait > 0 {
		return notNow("the partner asked to be left alone for another %s", wait.Round(time.Second))
	}
	err := failsafe.With(g.bulkhead, g.breaker).WithContext(ctx).RunWithExecution(func(e failsafe.Execution[any]) error { return call(e.Context()) })
	switch {
	case errors.Is(err, bulkhead.ErrFull):
		return notNow("%d requests to the partner are under way already", inFlight)
	case errors.Is(err, circuitbreaker.ErrOpen):
		return notNow("the partner did not answer %d times in a row and is tried again in %s", opensAfter, g.breaker.RemainingDelay().Round(time.Second))
	}
	if d := min(backOff(err), maxBackOff); d > 0 {
		g.mu.Lock()
		g.until = g.now().Add(d)
		g.mu.Unlock()
	}
	return err
}

func notNow(format string, args ...any) error { return &notAsked{fmt.Sprintf(format, args...)} }

// unwell tells the errors after which a partner is better left alone: silence, and a server that says it cannot. Whatever
// else it answers, refusal or nonsense, shows that it lives; a caller who went away says nothing about it.
func unwell(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errRedirect) {
		return false
	}
	if h, ok := errors.AsType[*soap.HTTPError](err); ok {
		return h.Status >= http.StatusInternalServerError
	}
	_, unreached := errors.AsType[net.Error](err) // *url.Error is one
	return unreached || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

func backOff(err error) time.Duration {
	if e, ok := errors.AsType[*ews.Error](err); ok {
		return e.BackOff
	}
	if e, ok := errors.AsType[*soap.HTTPError](err); ok {
		return e.BackOff
	}
	return 0
}

// newRetry makes the policy of the one retry: when the partner refused the token or its message, with a fresh token and a
// new envelope, and only while few of the requests under way are retries.
func newRetry() failsafe.Executor[any] {
	return failsafe.With(retrypolicy.NewBuilder[any]().HandleIf(func(_ any, err error) bool { return security(err) }).
		WithMaxRetries(1).WithBudget(budget.NewBuilder().WithMaxRate(retryBudget).WithMinConcurrency(1).Build()).ReturnLastFailure().Build())
}
