package cache

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

func TestAnEntryExpiresAndStaysUsableForErrors(t *testing.T) {
	c := newClock()
	m := New[string, string](10, c.now)
	m.Put("contoso.example", "https://mail.contoso.example", time.Hour, 6*time.Hour)
	for _, at := range []struct {
		after         time.Duration
		fresh, usable bool
	}{{0, true, true}, {time.Hour - 1, true, true}, {time.Hour, false, true}, {7*time.Hour - 1, false, true}, {7 * time.Hour, false, false}} {
		c.t = newClock().t.Add(at.after)
		_, fresh := m.Get("contoso.example")
		v, usable := m.Stale("contoso.example")
		if fresh != at.fresh || usable != at.usable || usable && v != "https://mail.contoso.example" {
			t.Errorf("after %s: fresh %v usable %v %q", at.after, fresh, usable, v)
		}
	}
}

func TestAFullCacheDropsWhatExpiresFirst(t *testing.T) {
	c := newClock()
	m := New[int, int](100, c.now)
	m.Put(0, 0, time.Minute, 0)
	for i := 1; i < 1000; i++ {
		m.Put(i, i, time.Duration(i)*time.Hour, 0)
		if n := len(m.List()); n > 100 {
			t.Fatalf("%d entries", n)
		}
	}
	if _, ok := m.Get(0); ok {
		t.Error("the entry that expires first is kept")
	}
	if _, ok := m.Get(999); !ok {
		t.Error("the newest entry is gone")
	}
	m.Put(999, 1, time.Hour, 0)
	if n := len(m.List()); n != 100 {
		t.Errorf("replacing an entry of a full cache leaves %d", n)
	}
}

func TestListShowsKeysAndAgesButNoValues(t *testing.T) {
	c := newClock()
	m := New[string, string](10, c.now)
	m.Put("b", "canary", time.Hour, 0)
	c.t = c.t.Add(time.Minute)
	m.Put("a", "canary", time.Hour, 0)
	list := m.List()
	if len(list) != 2 || list[0].Key != "a" || list[1].Age != time.Minute || !list[1].Expires.Equal(c.t.Add(59*time.Minute)) || strings.Contains(fmt.Sprintf("%+v", list), "canary") {
		t.Errorf("%+v", list)
	}
}

func TestFlushForgetsWhatMatches(t *testing.T) {
	var set Set
	a, b := New[string, int](10, time.Now), New[string, int](10, time.Now)
	set.Register("tokens", a)
	set.Register("autodiscover", b)
	for _, c := range []*Cache[string, int]{a, b} {
		c.Put("x@contoso.example", 1, time.Hour, 0)
		c.Put("x@fabrikam.example", 1, time.Hour, 0)
	}
	c, err := set.Get("tokens")
	if err != nil {
		t.Fatal(err)
	}
	if n := c.Flush(func(k string) bool { return strings.HasSuffix(k, "contoso.example") }); n != 1 {
		t.Errorf("%d entries of contoso", n)
	}
	if _, ok := a.Get("x@contoso.example"); ok {
		t.Error("still there")
	}
	if n := set.Flush(); n != 3 || len(b.List()) != 0 {
		t.Errorf("%d flushed, %v left", n, b.List())
	}
	if _, err := set.Get("nothing"); err == nil || !strings.Contains(err.Error(), "[autodiscover tokens]") {
		t.Errorf("%v", err)
	}
}
