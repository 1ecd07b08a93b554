package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const (
	pollEvery = 250 * time.Millisecond
	staleness = time.Second // a copy that has not been confirmed for so long is not used
	readTime  = time.Second // how long a request waits for the store to confirm the copy
)

// snapshot is one version of the configuration, compiled once for all requests that use it.
type snapshot struct {
	*store.Config
	byDomain  map[smtpaddr.Domain]*orgrel.OrganizationRelationship
	byAccount map[smtpaddr.Address]*orgrel.OrganizationRelationship // OrgWideAccount
}

func compile(cfg *store.Config) *snapshot {
	s := &snapshot{Config: cfg, byDomain: map[smtpaddr.Domain]*orgrel.OrganizationRelationship{}, byAccount: map[smtpaddr.Address]*orgrel.OrganizationRelationship{}}
	for _, r := range cfg.Relationships {
		if !r.OrgWideAccount.IsZero() {
			s.byAccount[r.OrgWideAccount] = r
		}
		for _, d := range r.DomainNames {
			s.byDomain[d] = r // a domain is in one relationship at most; the store sees to it
		}
	}
	return s
}

// config is this node's copy of the configuration. It follows the store's counter; without news for a second it asks
// the store, once for all requests that wait, and none waits longer than readTime.
type config struct {
	store store.Store
	log   *slog.Logger

	current   atomic.Pointer[snapshot]
	confirmed atomic.Int64 // UnixNano
	flight    singleflight.Group
}

// follow polls the counter until ctx ends.
func (c *config) follow(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, err := c.refresh(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing { // once per outage: a log line four times a second helps nobody
			c.log.Error("configuration cannot be read", "error", err.Error())
		}
		if err == nil && failing {
			c.log.Info("configuration can be read again")
		}
		failing = err != nil
	}
}

// refresh brings the copy up to date. Callers that come while one asks the store get its answer; a store that does not
// answer costs each of them readTime and a *fault.Error ServerBusy.
func (c *config) refresh(ctx context.Context) (*snapshot, error) {
	result := c.flight.DoChan("", func() (_ any, err error) {
		defer func() {
			if p := recover(); p != nil { // on a goroutine of its own it would end the process
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
		defer cancel()
		return c.read(ctx)
	})
	timer := time.NewTimer(readTime)
	defer timer.Stop()
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, fault.Because(fault.ServerBusy, r.Err)
		}
		return r.Val.(*snapshot), nil
	case <-timer.C:
		return nil, fault.Because(fault.ServerBusy, fmt.Errorf("the store has not answered within %s", readTime))
	case <-ctx.Done():
		return nil, fault.Because(fault.ServerBusy, ctx.Err())
	}
}

func (c *config) read(ctx context.Context) (*snapshot, error) {
	asked := time.Now()
	v, err := c.store.ConfigVersion(ctx)
	if err != nil {
		return nil, err
	}
	cur := c.current.Load()
	if cur == nil || cur.Version != v {
		return c.reread(ctx)
	}
	c.confirmed.Store(asked.UnixNano())
	return cur, nil
}

// reread reads the configuration whatever its counter says.
func (c *config) reread(ctx context.Context) (*snapshot, error) {
	asked := time.Now()
	cfg, err := c.store.LoadConfig(ctx)
	if err != nil {
		return nil, err
	}
	cur := compile(cfg)
	c.current.Store(cur)
	c.confirmed.Store(asked.UnixNano())
	return cur, nil
}

// age is the time since the store confirmed the copy.
func (c *config) age() time.Duration { return time.Since(time.Unix(0, c.confirmed.Load())) }

func (c *config) get(ctx context.Context) (*snapshot, error) {
	confirmed := c.age() < staleness // asked before the copy is taken: a new copy may come in between, and would confirm an old one
	if cfg := c.current.Load(); cfg != nil && confirmed {
		return cfg, nil
	}
	return c.refresh(ctx)
}

// FederationTrust implements federation.Trusts.
func (c *config) FederationTrust(ctx context.Context) (*federation.Trust, error) {
	cfg, err := c.get(ctx)
	if err != nil {
		return nil, err
	}
	return cfg.Trust, nil
}

// Organization implements federation.Trusts.
func (c *config) Organization(ctx context.Context) (*federation.Organization, error) {
	cfg, err := c.get(ctx)
	if err != nil {
		return nil, err
	}
	return cfg.Organization, nil
}

// RelationshipForDomain implements availability.Relationships.
func (c *config) RelationshipForDomain(ctx context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error) {
	cfg, err := c.get(ctx)
	if err != nil {
		return nil, err
	}
	return cfg.byDomain[d], nil
}

// RelationshipForAccount finds the relationship whose partner asks by the login of m; nil, nil for everybody else.
func (c *config) RelationshipForAccount(ctx context.Context, m *mailbox.Mailbox) (*orgrel.OrganizationRelationship, error) {
	cfg, err := c.get(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range append([]smtpaddr.Address{m.Address}, m.Aliases...) {
		if r := cfg.byAccount[a]; r != nil {
			return r, nil
		}
	}
	return nil, nil
}

// OwnDomain implements availability.Organization.
func (c *config) OwnDomain(ctx context.Context, d smtpaddr.Domain) (bool, error) {
	cfg, err := c.get(ctx)
	if err != nil {
		return false, err
	}
	return cfg.Organization.Owns(d), nil
}

// OwnDomains implements directory.Service's Organization.
func (c *config) OwnDomains(ctx context.Context) ([]smtpaddr.Domain, error) {
	cfg, err := c.get(ctx)
	if err != nil {
		return nil, err
	}
	return cfg.Organization.OwnDomains(), nil
}

// webProxy is the web proxy that is set; nil: none.
func (c *config) webProxy() *url.URL {
	cfg := c.current.Load()
	if cfg == nil || cfg.Settings[store.SettingWebProxy] == "" {
		return nil
	}
	u, err := url.Parse(cfg.Settings[store.SettingWebProxy])
	if err != nil {
		c.log.Error("the web proxy is no URL", "error", err.Error()) // by hand: the verb takes none such
		return nil
	}
	return u
}
