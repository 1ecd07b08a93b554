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
	taken := func() (n int) {
		for b.Take("a", now) {
			n++
		}
		return n
	}
	if n := taken(); n != 2 || b.Left("a", now) || !b.Left("b", now) {
		t.Errorf("%d at once, of one name", n)
	}
	if b.Give("a", now); taken() != 1 {
		t.Error("what was given back is not there once")
	}
	if now = now.Add(time.Minute); taken() != 1 {
		t.Error("not one more after a minute")
	}
	now = now.Add(time.Hour)
	if b.Give("a", now); taken() != 2 {
		t.Error("more or less than the burst after an hour")
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
