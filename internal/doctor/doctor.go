// Package doctor finds out why free/busy with a partner does not work: it makes, in the order of a lookup, every check of
// the published troubleshooting cases that a tool can make, and tells for each one its evidence, its cause and its fix. It
// also holds the two step-by-step tests that administrators know, of the federation trust and of an organization
// relationship. It changes nothing, neither here nor at the partner's nor at the gateway.
package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/availd/availd/internal/cache"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// Direction is who asks whom.
type Direction uint8

// The directions; Both is every check.
const (
	Out  Direction = 1 << iota // we ask the partner
	In                         // the partner asks us
	Both = Out | In
)

// ParseDirection reads out, in or both.
func ParseDirection(s string) (Direction, error) {
	switch s {
	case "out":
		return Out, nil
	case "in":
		return In, nil
	case "both", "":
		return Both, nil
	}
	return 0, fault.New(fault.Invalid, "direction %q is not out, in or both", s)
}

// Severity of a finding.
type Severity string

// The severities. Skip is a check that could not be made; its evidence says why.
const (
	Pass Severity = "pass"
	Warn Severity = "warn"
	Fail Severity = "fail"
	Skip Severity = "skip"
)

// Finding is the outcome of one check. Cause and Fix are empty unless something is wrong.
type Finding struct {
	ID       string   `json:"Id"`
	Title    string   `json:"Title"`
	Severity Severity `json:"Severity"`
	Evidence string   `json:"Evidence"`
	Cause    string   `json:"Cause,omitempty"`
	Fix      string   `json:"Fix,omitempty"`
}

// Connection is how outgoing connections of one kind are made.
type Connection struct {
	CAFile  string         // PEM roots; empty: the system's
	Allowed []netip.Prefix // private ranges that may be dialled
	MinTLS  string         // "" or "1.2": TLS 1.2; "1.3"
}

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Options of an examination.
type Options struct {
	Store        store.Store
	HTTP         func(c Connection) (*http.Client, error) // clients that follow no redirects
	System       Resolver
	Public       Resolver // nil: no second opinion on DNS
	CAFile       string   // roots for our own public endpoints; "" = the system's
	Proxy        string   // the web proxy of HTTP, for evidence; "" = none
	AllowPrivate []netip.Prefix
	TrustedHosts []string // hosts of other domains to which Autodiscover may lead
	// Caches lists what a running node remembers, by name of the cache; nil: no node was asked.
	Caches   func(ctx context.Context) (map[string][]cache.Entry, error)
	Now      func() time.Time
	Patience time.Duration // with one question; 0 = 20 s

	Partner   string           // name of the organization relationship; "": that of Mailbox or User, or the only one
	User      smtpaddr.Address // who asks; zero: some own mailbox
	Mailbox   smtpaddr.Address // about whom; zero: no calendar is asked for
	Direction Direction
}

// Report is the outcome of an examination: what is wrong first, and of that what breaks a lookup earliest first.
type Report struct {
	When         time.Time  `json:"When"`
	Organization string     `json:"Organization"`
	Partner      string     `json:"Partner"`
	User         string     `json:"User"`
	Mailbox      string     `json:"Mailbox"`
	Findings     []Finding  `json:"Findings"`
	Exchanges    []Exchange `json:"Exchanges"` // every HTTP exchange, in order
}

// First is the finding to look at first; ok is false when nothing is wrong.
func (r *Report) First() (f Finding, ok bool) {
	if len(r.Findings) == 0 {
		return f, false
	}
	f = r.Findings[0]
	return f, f.Severity == Fail || f.Severity == Warn
}

// Count tells how many findings have a severity.
func (r *Report) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// check is one case. Its cause and fix are what is told when the verdict brings none of its own.
type check struct {
	id, title  string
	direction  Direction
	cause, fix string
	run        func(ctx context.Context, x *examination) verdict
}

// verdict is what a check says.
type verdict struct {
	severity   Severity
	evidence   string
	cause, fix string // "" = the check's
}

func pass(format string, args ...any) verdict {
	return verdict{severity: Pass, evidence: fmt.Sprintf(format, args...)}
}
func warn(format string, args ...any) verdict {
	return verdict{severity: Warn, evidence: fmt.Sprintf(format, args...)}
}
func fail(format string, args ...any) verdict {
	return verdict{severity: Fail, evidence: fmt.Sprintf(format, args...)}
}
func skip(format string, args ...any) verdict {
	return verdict{severity: Skip, evidence: fmt.Sprintf(format, args...)}
}

// but replaces the check's fix in a verdict.
func (v verdict) but(fix string, args ...any) verdict {
	v.fix = fmt.Sprintf(fix, args...)
	return v
}

// Examine makes every check of the direction.
func Examine(ctx context.Context, o Options) *Report {
	if o.Direction == 0 {
		o.Direction = Both
	}
	x := newExamination(o)
	r := &Report{When: o.Now().UTC(), User: o.User.String(), Mailbox: o.Mailbox.String()}
	if cfg, err := x.configuration(ctx); err == nil && len(cfg.Organization.Domains) > 0 {
		r.Organization = cfg.Organization.Domains[0].String()
	}
	if rel, err := x.relationship(ctx); err == nil {
		r.Partner = rel.Name
	}
	by := map[Severity][]Finding{}
	for _, c := range checks() {
		if c.direction&o.Direction == 0 {
			continue
		}
		f := c.finding(c.run(ctx, x))
		by[f.Severity] = append(by[f.Severity], f)
	}
	for _, s := range []Severity{Fail, Warn, Pass, Skip} {
		r.Findings = append(r.Findings, by[s]...)
	}
	r.Exchanges = x.wire.exchanges
	return r
}

func (c check) finding(v verdict) Finding {
	f := Finding{ID: c.id, Title: c.title, Severity: v.severity, Evidence: v.evidence}
	if v.severity == Fail || v.severity == Warn {
		f.Cause, f.Fix = c.cause, c.fix
		if v.cause != "" {
			f.Cause = v.cause
		}
		if v.fix != "" {
			f.Fix = v.fix
		}
	}
	return f
}

// checks is the registry, in the order in which they break a lookup: what is wrong with our own keys and objects, the
// gateway, the way to the partner, what the partner answers, and what only matters later.
func checks() []check {
	var all []check
	for _, group := range [][]check{keyChecks(), relationshipChecks(), clockChecks(), certificateChecks(), domainChecks(), gatewayChecks(), autodiscoverChecks(), ewsChecks(), accessChecks(), lateChecks()} {
		all = append(all, group...)
	}
	return all
}

// usable tells why a relationship cannot be used to ask the partner.
func usable(r *orgrel.OrganizationRelationship) error {
	if err := r.Usable(); err != nil {
		return fmt.Errorf("The organization relationship %q can't be used. Please confirm that the organization relationship is configured correctly: %w", r.Name, err) //nolint:staticcheck // the text administrators know
	}
	return nil
}
