package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// deadStore is a store that has gone. It embeds the contract so that anything else than what a test expects panics.
type deadStore struct{ store.Store }

func (deadStore) Ping(context.Context) error { return errors.New("connection refused") }
func (deadStore) ConfigVersion(context.Context) (int64, error) {
	return 0, errors.New("connection refused")
}

// hangingStore does not answer until it is released.
type hangingStore struct {
	store.Store
	release chan struct{}
	asked   atomic.Int64
}

func (h *hangingStore) ConfigVersion(context.Context) (int64, error) {
	h.asked.Add(1)
	<-h.release
	return 0, errors.New("too late")
}

func TestRequestsShareOneQuestionToASlowStoreAndDoNotWaitForever(t *testing.T) {
	h := &hangingStore{release: make(chan struct{})}
	defer close(h.release)
	c := &config{store: h, log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := c.get(t.Context()); fault.KindOf(err) != fault.ServerBusy {
				t.Errorf("answered %v", err)
			}
		})
	}
	wg.Wait()
	if n := h.asked.Load(); n != 1 {
		t.Errorf("the store was asked %d times by 50 requests", n)
	}
}

func TestStaleCopyIsNotUsedWhenTheStoreHasGone(t *testing.T) {
	c := &config{store: deadStore{}}
	c.current.Store(compile(&store.Config{Version: 1}))
	if _, err := c.get(t.Context()); fault.KindOf(err) != fault.ServerBusy {
		t.Errorf("a copy that was never confirmed was used: %v", err)
	}
}

func TestDomainFindsItsRelationshipExactly(t *testing.T) {
	a := &orgrel.OrganizationRelationship{ID: "a", DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("a.example"), smtpaddr.MustDomain("b.example")}}
	s := compile(&store.Config{Relationships: []*orgrel.OrganizationRelationship{a}})
	if s.byDomain[smtpaddr.MustDomain("b.example")] != a || s.byDomain[smtpaddr.MustDomain("sub.b.example")] != nil {
		t.Error("a domain found the wrong relationship")
	}
}

func TestReadyzSaysWhatIsNotReady(t *testing.T) {
	s := New(Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, deadStore{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	s.Admin(ctx).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if want := "not ready: draining; store: connection refused; configuration: never read\n"; w.Code != 503 || w.Body.String() != want {
		t.Errorf("HTTP %d: %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	s.Admin(ctx).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, name := range []string{"availd_in_flight 0", `availd_shed_total{reason="capacity"} 0`, "availd_tzdata_info", "go_goroutines", "go_build_info"} {
		if !strings.Contains(w.Body.String(), name) {
			t.Errorf("%s is not among the metrics", name)
		}
	}
}
