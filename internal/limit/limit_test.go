package limit

import (
	"net/http"
	"net/netip"
	"testing"
	"time"
)

func TestSourceIsWhatATrustedProxySays(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:1", "", "192.0.2.1/32"},
		{"192.0.2.1:1", "198.51.100.9", "192.0.2.1/32"}, // not a proxy of ours: what it says of others counts for nothing
		{"10.0.0.1:1", "198.51.100.9", "198.51.100.9/32"},
		{"10.0.0.1:1", "203.0.113.7, 198.51.100.9, 10.0.0.2", "198.51.100.9/32"},
		{"10.0.0.1:1", "nonsense", "10.0.0.1/32"},
		{"10.0.0.1:1", "2001:db8::7", "2001:db8::/64"},
		{"[2001:db8::1]:1", "", "2001:db8::/64"},
		{"[2001:db8::2]:1", "", "2001:db8::/64"},
		{"[::ffff:192.0.2.1]:1", "", "192.0.2.1/32"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": {c.forwarded}}}
		if got := Source(r, trusted); got.String() != c.want {
			t.Errorf("%s, %q: %s, not %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestBudgetIsSpentGivenBackAndFillsAgain(t *testing.T) {
	b := NewBudgets(1, time.Minute, 2)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if !b.Take("a", now) || !b.Take("a", now) || b.Take("a", now) || b.Left("a", now) || !b.Take("b", now) {
		t.Error("two at once, for each name")
	}
	b.Give("a", now)
	if !b.Take("a", now) || b.Take("a", now) {
		t.Error("what was given back is there once")
	}
	if now = now.Add(time.Minute); !b.Take("a", now) || b.Take("a", now) {
		t.Error("one more after a minute")
	}
	if now = now.Add(time.Hour); !b.Take("a", now) || !b.Take("a", now) || b.Take("a", now) {
		t.Error("never more than the burst")
	}
}

func TestBudgetsStayFew(t *testing.T) {
	b := NewBudgets(1, time.Hour, 1)
	now := time.Now()
	for i := range maxBudgets + 100 {
		b.Take(time.Duration(i).String(), now)
	}
	if len(b.m) > maxBudgets {
		t.Errorf("%d budgets", len(b.m))
	}
}
