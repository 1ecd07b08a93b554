package login_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/internal/login"
)

// clock is a time that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// from logs in from an address.
func from(t *testing.T, h http.Handler, address, user, password string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/EWS/Exchange.asmx", nil)
	r.RemoteAddr = address + ":1"
	r.SetBasicAuth(user, password)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestGuessingPasswordsEndsAfterFiveAndShutsNobodyElseOut(t *testing.T) {
	const attacker, home = "192.0.2.66", "198.51.100.1"
	c := &clock{now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	hash := login.HashPassword("right password")
	h := doorAt(people{"tom": hash, "anna": hash}, c.read)
	if w := from(t, h, attacker, "tom@contoso.example", "right password"); w.Code != http.StatusOK {
		t.Fatalf("HTTP %d", w.Code)
	}
	for _, user := range []string{"tom@contoso.example", "nobody@contoso.example"} {
		var mu sync.Mutex
		codes := map[int]int{}
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				w := from(t, h, attacker, user, "a guess")
				mu.Lock()
				defer mu.Unlock()
				codes[w.Code]++
				if w.Code != http.StatusUnauthorized && !strings.Contains(w.Body.String(), "BackOffMilliseconds") {
					t.Errorf("HTTP %d: %s", w.Code, w.Body)
				}
			})
		}
		all.Wait()
		if codes[http.StatusUnauthorized] != 5 || codes[http.StatusInternalServerError] != 35 {
			t.Errorf("%s: %v", user, codes)
		}
	}
	for name, right := range map[string][2]string{
		"whose password is remembered, behind the same address":  {attacker, "tom@contoso.example"},
		"guessed at, from elsewhere with another case":           {home, "Tom@contoso.example"},
		"not guessed at, for the first time, behind the address": {attacker, "anna@contoso.example"},
	} {
		if w := from(t, h, right[0], right[1], "right password"); w.Code != http.StatusOK {
			t.Errorf("user %s: HTTP %d", name, w.Code)
		}
	}
	c.add(12 * time.Second)
	if w := from(t, h, attacker, "nobody@contoso.example", "a guess"); w.Code != http.StatusUnauthorized {
		t.Errorf("after twelve seconds: HTTP %d", w.Code)
	}
}

func TestGuessingOnePasswordForManyAccountsEndsToo(t *testing.T) {
	c := &clock{now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	h := doorAt(people{}, c.read)
	refused := 0
	for i := range 70 {
		if w := from(t, h, "192.0.2.66", fmt.Sprintf("user%d@contoso.example", i), "Summer2026"); w.Code != http.StatusUnauthorized {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d of 70 were refused without a look", refused)
	}
}

func TestRightPasswordsAreNotCounted(t *testing.T) {
	p := people{}
	h := door(p)
	for i := range 8 {
		p["tom"] = login.HashPassword("right password") // nothing of it is remembered
		if w := from(t, h, "192.0.2.1", "tom@contoso.example", "right password"); w.Code != http.StatusOK {
			t.Errorf("login %d: HTTP %d", i, w.Code)
		}
	}
}
