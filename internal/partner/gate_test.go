package partner

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/soap"
)

func TestAPartnerThatRefusesIsNotTakenForDead(t *testing.T) {
	for name, err := range map[string]error{"fault": &ews.Error{Code: "ErrorAccessDenied"}, "401": &soap.HTTPError{Status: http.StatusUnauthorized}, "caller gone": context.Canceled, "nonsense": errors.New("the answer is a FindItemResponse"), "redirect": &url.Error{Err: errRedirect}} {
		g := newGate(time.Now, time.Hour)
		for range 2 * opensAfter {
			if got := g.do(t.Context(), func(context.Context) error { return err }); !errors.Is(got, err) {
				t.Fatalf("%s: %v", name, got)
			}
		}
	}
	g := newGate(time.Now, time.Hour)
	for range opensAfter {
		_ = g.do(t.Context(), func(context.Context) error { return &soap.HTTPError{Status: http.StatusServiceUnavailable} })
	}
	err := g.do(t.Context(), func(context.Context) error { t.Error("asked"); return nil })
	if _, ok := errors.AsType[*notAsked](err); !ok {
		t.Errorf("after five times 503: %v", err)
	}
}

func TestGateOpensAfterFiveFailuresInARowAndLetsOneProbeThrough(t *testing.T) {
	g := newGate(time.Now, time.Millisecond)
	broken := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for range opensAfter {
		if err := g.do(t.Context(), func(context.Context) error { return broken }); !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	if g.breaker.IsClosed() {
		t.Errorf("closed after %d failures", opensAfter)
	}
	g.breaker.Open() // its delay begins anew
	probes := 0
	for probes == 0 {
		_ = g.do(t.Context(), func(context.Context) error { probes++; return nil })
	}
	if err := g.do(t.Context(), func(context.Context) error { return nil }); err != nil || !g.breaker.IsClosed() {
		t.Errorf("a probe that succeeds closes the circuit: %v", err)
	}
}

func TestBackOffIsObeyedAndCapped(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	g := newGate(func() time.Time { return now }, time.Hour)
	ok := func(context.Context) error { return nil }
	for _, c := range []struct {
		err  error
		wait time.Duration
	}{
		{&ews.Error{ResponseCode: "ErrorServerBusy", BackOff: 7 * time.Second}, 7 * time.Second},
		{&soap.HTTPError{Status: http.StatusTooManyRequests, BackOff: 24 * time.Hour}, 5 * time.Minute},
	} {
		_ = g.do(t.Context(), func(context.Context) error { return c.err })
		now = now.Add(c.wait - time.Second)
		if err := g.do(t.Context(), ok); err == nil || !strings.Contains(err.Error(), "another 1s") {
			t.Errorf("a second before %s have passed: %v", c.wait, err)
		}
		now = now.Add(time.Second)
		if err := g.do(t.Context(), ok); err != nil {
			t.Errorf("after %s: %v", c.wait, err)
		}
	}
}

func TestNoMoreThanTwentySevenCallsAreInFlight(t *testing.T) {
	g := newGate(time.Now, time.Hour)
	release := make(chan struct{})
	var started, done sync.WaitGroup
	started.Add(inFlight)
	for range inFlight {
		done.Go(func() {
			_ = g.do(context.Background(), func(context.Context) error { started.Done(); <-release; return nil })
		})
	}
	started.Wait()
	err := g.do(t.Context(), func(context.Context) error { t.Error("one too many"); return nil })
	if _, ok := errors.AsType[*notAsked](err); !ok {
		t.Errorf("%v", err)
	}
	close(release)
	done.Wait()
	if err := g.do(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestRetriesAreFewAmongManyRequests(t *testing.T) {
	l := &leg{Remote: &Remote{retry: newRetry()}}
	const requests = 50
	var arrived sync.WaitGroup
	arrived.Add(requests)
	retried, refused := make(chan bool, requests), make(chan error, requests)
	release := make(chan struct{})
	var wg sync.WaitGroup
	for range requests {
		wg.Go(func() {
			if err := l.once(context.Background(), func(_ context.Context, fresh bool) error {
				if fresh {
					retried <- true
					<-release
					return nil
				}
				arrived.Done()
				arrived.Wait() // all are refused at the same time
				return &ews.Error{Code: "InvalidSecurityToken", Security: true}
			}); err != nil {
				refused <- err
			}
		})
	}
	retries := 0
	for range requests {
		select {
		case <-retried:
			retries++
		case err := <-refused:
			if !security(err) {
				t.Errorf("without a retry the refusal itself is told, not %v", err)
			}
		}
	}
	close(release)
	wg.Wait()
	if retries == 0 || retries > requests/10+1 { // the one more is the one that finds the budget spent
		t.Errorf("%d retries of %d requests", retries, requests)
	}
}
