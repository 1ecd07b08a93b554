package server

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/availd/availd/autodiscover"
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
)

// config is this node's copy of the configuration. It follows the store's counter; without news for a second it reads
// through.
type config struct {
	store store.Store
	log   *slog.Logger

	current   atomic.Pointer[store.Config]
	confirmed atomic.Int64 // UnixNano
	mu        sync.Mutex
}

// follow polls the counter until ctx ends.
func (c *config) follow(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			short, cancel := context.WithTimeout(ctx, time.Second)
			if _, err := c.refresh(short); err != nil && ctx.Err() == nil {
				c.log.Error("configuration cannot be read", "error", err.Error())
			}
			cancel()
		}
	}
}

func (c *config) refresh(ctx context.Context) (*store.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := time.Now()
	v, err := c.store.ConfigVersion(ctx)
	if err != nil {
		return nil, err
	}
	if cur := c.current.Load(); cur != nil && cur.Version == v {
		c.confirmed.Store(asked.UnixNano())
		return cur, nil
	}
	cfg, err := c.store.LoadConfig(ctx)
	if err != nil {
		return nil, err
	}
	c.current.Store(cfg)
	c.confirmed.Store(asked.UnixNano())
	return cfg, nil
}

func (c *config) get(ctx context.Context) (*store.Config, error) {
	if cfg := c.current.Load(); cfg != nil && time.Since(time.Unix(0, c.confirmed.Load())) < staleness {
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
	for _, r := range cfg.Relationships {
		if r.Covers(d) {
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

// FederationInformation implements autodiscover.Directory.
func (c *config) FederationInformation(ctx context.Context, d smtpaddr.Domain) (*autodiscover.FederationInformation, error) {
	cfg, err := c.get(ctx)
	if err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	}
	switch {
	case !cfg.Organization.Owns(d) && d != cfg.Organization.AccountNamespace:
		return nil, fault.Because(fault.InvalidDomain, nil)
	case cfg.Trust == nil || !cfg.Organization.Enabled:
		return nil, fault.Because(fault.NotFederated, nil)
	}
	info := &autodiscover.FederationInformation{ApplicationUri: cfg.Trust.ApplicationUri, TokenIssuerUri: cfg.Trust.TokenIssuerUri,
		TokenIssuerEndpoint: cfg.Trust.TokenIssuerEpr, Domains: []smtpaddr.Domain{d}}
	if cfg.Settings[store.SettingPublishDomains] == "all" {
		info.Domains = cfg.Organization.Domains
	}
	return info, nil
}

// UserSettings implements autodiscover.Directory. A partner learns nothing of a user, only where we are.
func (c *config) UserSettings(ctx context.Context, r orgrel.Requester, user smtpaddr.Address) (map[string]string, error) {
	cfg, err := c.get(ctx)
	if err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	}
	invalid := fault.Because(fault.InvalidUser, nil)
	if !cfg.Organization.Owns(user.Domain()) {
		return nil, invalid
	}
	q := mailbox.CalendarQuery{Addresses: []smtpaddr.Address{user}, Limit: 1}
	if r.External { // nothing here depends on the user, so nobody is shown to exist; access is decided by the Availability Service
		return c.publicSettings(cfg), nil
	}
	found, err := c.store.CalendarView(ctx, q)
	if err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	}
	if !found[0].Found {
		return nil, invalid
	}
	s := c.publicSettings(cfg)
	m := found[0].Mailbox
	s["UserDisplayName"], s["AutoDiscoverSMTPAddress"] = m.DisplayName, m.Address.String()
	s["UserDN"] = "/o=availd/ou=Exchange Administrative Group/cn=Recipients/cn=" + m.Address.Local()
	s["MailboxDN"] = s["UserDN"]
	return s, nil
}

func (c *config) publicSettings(cfg *store.Config) map[string]string {
	s := map[string]string{"EwsSupportedSchemas": "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2, Exchange2013, Exchange2013_SP1, Exchange2016",
		"CrossOrganizationSharingEnabled": "True"}
	if url := cfg.Settings[store.SettingExternalEwsURL]; url != "" {
		s["ExternalEwsUrl"], s["ExternalEwsVersion"] = url, "15.02.1118.007"
	}
	return s
}
