package autodiscover

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

const maxRedirects = 10

// UntrustedHostError is a redirect, or an SRV record, that leads out of the domain that was asked for, to a host that
// nobody has named: only a person can tell whether it belongs to the partner.
type UntrustedHostError struct {
	Host string
	URL  string
}

// Error names the host, so that it can be trusted by name.
func (e *UntrustedHostError) Error() string {
	return fmt.Sprintf("%s is outside of the domain that was asked for; trust the host name %s to go there", e.URL, e.Host)
}

// trail is the way of one question through its redirects. It never leaves https, the registrable domain in which it
// began and the trusted hosts, goes nowhere twice and ends after ten hops (T104).
type trail struct {
	origin  string // host or domain in which it began
	trusted []string
	hops    []string // every URL of the way; the last is where we are
}

func newTrail(rawURL string, trusted []string) *trail {
	t := &trail{trusted: trusted, hops: []string{rawURL}}
	if u, err := url.Parse(rawURL); err == nil {
		t.origin = u.Hostname()
	}
	return t
}

func (t *trail) url() string { return t.hops[len(t.hops)-1] }

// follow goes on to next, or tells why not. Services name themselves without /wssecurity; a question that brings a
// token stays at the endpoint for tokens.
func (t *trail) follow(next string) error {
	if next = strings.TrimSuffix(next, "/"); len(t.hops) > 0 && hasSuffixFold(t.hops[0], securedSuffix) && hasSuffixFold(next, ".svc") {
		next += securedSuffix
	}
	u, err := url.Parse(next)
	switch {
	case err != nil || u.Hostname() == "":
		return fmt.Errorf("redirect to %.200q, which is no URL", next)
	case u.Scheme != "https":
		return fmt.Errorf("redirect to %.200s, which is not https", next)
	case u.User != nil:
		return errors.New("redirect to a URL with credentials in it")
	case slices.Contains(t.hops, next):
		return fmt.Errorf("redirect loop at %.200s", next)
	case len(t.hops) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case !sameSite(t.origin, u.Hostname()) && !slices.ContainsFunc(t.trusted, func(h string) bool { return strings.EqualFold(h, u.Hostname()) }):
		return &UntrustedHostError{Host: u.Hostname(), URL: next}
	}
	t.hops = append(t.hops, next)
	return nil
}

const securedSuffix = "/wssecurity"

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

// sameSite tells whether two hosts belong to one registrable domain by the Public Suffix List. Addresses, and names that
// are public suffixes themselves, belong to themselves only.
func sameSite(a, b string) bool {
	a, b = strings.ToLower(strings.TrimSuffix(a, ".")), strings.ToLower(strings.TrimSuffix(b, "."))
	if a == b {
		return true
	}
	if net.ParseIP(a) != nil || net.ParseIP(b) != nil {
		return false
	}
	x, err1 := publicsuffix.EffectiveTLDPlusOne(a)
	y, err2 := publicsuffix.EffectiveTLDPlusOne(b)
	return err1 == nil && err2 == nil && x == y
}
