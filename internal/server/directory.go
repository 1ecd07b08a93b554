package server

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/login"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

const (
	pathPOX  = "/autodiscover/autodiscover.xml"
	pathJSON = "/autodiscover/autodiscover.json"

	// Anonymous requests of one source: a relationship is made by one of them, its domains are confirmed by hundreds.
	anonymousPerSecond = 5
	anonymousBurst     = 300

	serverVersion = "15.02.1118.007"
)

// routeAutodiscover adds the Autodiscover endpoints. The symmetric-key and X.509 endpoints do not exist.
func (s *Server) routeAutodiscover(r chi.Router) {
	dir := &discovery{config: s.config, users: s.store}
	limiter := autodiscover.NewRateLimiter(time.Now, anonymousPerSecond, anonymousBurst)
	own := autodiscover.Options{Directory: dir, Authenticate: s.authenticateUser, Challenge: login.Challenge, Limiter: limiter}
	partners := autodiscover.Options{Directory: dir, Authenticate: s.authenticatePartner}
	r.Handle(pathAutodiscover, dir.probed(s.basic.Optional(autodiscover.NewHandler(own))))
	r.Handle(pathAutodiscover+"/wssecurity", dir.probed(s.securityOpen(autodiscover.NewWSSecurityHandler(partners))))
	r.Handle(pathPOX, dir.probed(s.basic.Wrap(autodiscover.NewPOXHandler(own, time.Now))))
	r.Handle(pathJSON, dir.probed(autodiscover.NewJSONHandler(own)))
}

// discovery answers Autodiscover from the configuration and the mailboxes. It implements autodiscover.Directory.
type discovery struct {
	config *config
	users  interface {
		CalendarView(ctx context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error)
	}
}

// probed says on every answer, refusals too, which endpoints there are.
func (d *discovery) probed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if st, err := d.Status(r.Context()); err == nil {
			autodiscover.SetProbeHeaders(w.Header(), st)
		}
		next.ServeHTTP(w, r)
	})
}

// Status implements autodiscover.Directory.
func (d *discovery) Status(ctx context.Context) (autodiscover.Status, error) {
	st := autodiscover.Status{Product: "availd"}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		st.Product += " " + b.Main.Version
	}
	cfg, err := d.config.get(ctx)
	if err != nil {
		return st, fault.Because(fault.ServerBusy, err)
	}
	st.Federated = cfg.Trust.Configured() && cfg.Organization.Enabled
	st.WSSecurity = cfg.Settings[store.SettingWSSecurity] != "false"
	return st, nil
}

// FederationInformation implements autodiscover.Directory.
func (d *discovery) FederationInformation(ctx context.Context, of smtpaddr.Domain) (*autodiscover.FederationInformation, error) {
	cfg, err := d.config.get(ctx)
	if err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	}
	switch {
	case !cfg.Organization.Owns(of) && of != cfg.Organization.AccountNamespace:
		return nil, fault.Because(fault.InvalidDomain, nil)
	case !cfg.Trust.Configured() || !cfg.Organization.Enabled:
		return nil, fault.Because(fault.NotFederated, nil)
	}
	info := &autodiscover.FederationInformation{ApplicationUri: cfg.Trust.ApplicationUri, Domains: []smtpaddr.Domain{of},
		TokenIssuers: []autodiscover.TokenIssuer{{Uri: cfg.Trust.TokenIssuerUri, Endpoint: cfg.Trust.TokenIssuerEpr}}}
	if cfg.Settings[store.SettingPublishDomains] == "all" {
		info.Domains = cfg.Organization.Domains
	}
	return info, nil
}

// UserSettings implements autodiscover.Directory. A partner learns nothing of our users, only where we are: nothing in the
// answer depends on the user, so nobody is shown to exist; access is decided by the Availability Service. Only where a
// contact stands for a person elsewhere is told to those who may see our people's calendars, so that they can ask there.
func (d *discovery) UserSettings(ctx context.Context, r orgrel.Requester, users []smtpaddr.Address) ([]autodiscover.Settings, error) {
	cfg, err := d.config.get(ctx)
	if err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	}
	found, err := d.find(ctx, r, users)
	if err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	}
	public := publicSettings(cfg.Settings, cfg.Trust.Configured() && cfg.Organization.Enabled)
	asked := func(d smtpaddr.Domain) bool { // an account needs no federation
		return slices.Contains(cfg.Organization.Domains, d) || r.Relationship != nil && cfg.Organization.Owns(d)
	}
	out := make([]autodiscover.Settings, len(users))
	for i, u := range users {
		contact := found[i].Contact
		switch {
		case r.External && !asked(u.Domain()):
			out[i].Err = fault.Because(fault.InvalidUser, nil)
		case contact != nil && found[i].InScope && contact.Target != u:
			out[i].RedirectAddress = contact.Target
		case r.External:
			out[i].Values = public
		case found[i].Found:
			out[i].Values = ownSettings(public, found[i].Mailbox, cfg.Settings[store.SettingInternalEwsURL])
		default:
			out[i].Err = fault.Because(fault.InvalidUser, nil)
		}
	}
	return out, nil
}

// find tells which users are mailboxes and which are contacts; to a partner whose relationship grants no free/busy, none.
func (d *discovery) find(ctx context.Context, r orgrel.Requester, users []smtpaddr.Address) ([]mailbox.Calendar, error) {
	now := time.Now() // an empty window: the mailboxes are wanted, not their items
	q := mailbox.CalendarQuery{Addresses: users, Start: now, End: now, Limit: 1}
	if r.External {
		rel := r.Relationship
		if rel == nil {
			var err error
			if rel, err = d.config.RelationshipForDomain(ctx, r.Domain); err != nil {
				return nil, err
			}
		}
		if rel.Grants() == orgrel.None {
			return make([]mailbox.Calendar, len(users)), nil
		}
		q.Scope = rel.FreeBusyAccessScope
	}
	return d.users.CalendarView(ctx, q)
}

// ownSettings are what an own user may know of a mailbox, beside what anybody may know. Clients refuse an answer without
// some of them.
func ownSettings(public map[string]string, m *mailbox.Mailbox, internalURL string) map[string]string {
	s := maps.Clone(public)
	dn := "/o=availd/ou=Exchange Administrative Group/cn=Recipients/cn=" + m.Address.Local()
	s[autodiscover.SettingDisplayName], s[autodiscover.SettingSMTPAddress] = cmp.Or(m.DisplayName, m.Address.String()), m.Address.String()
	s[autodiscover.SettingUserDN], s["MailboxDN"] = dn, dn
	s["UserMSOnline"], s["MapiHttpEnabled"] = "False", "False"
	if url := cmp.Or(internalURL, s[autodiscover.SettingExternalEwsUrl]); url != "" {
		s["InternalEwsUrl"] = url
	}
	return s
}

func publicSettings(settings map[string]string, federated bool) map[string]string {
	s := map[string]string{"EwsSupportedSchemas": "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2, Exchange2013, Exchange2013_SP1, Exchange2016",
		"CrossOrganizationSharingEnabled": "False", "CasVersion": serverVersion}
	if federated {
		s["CrossOrganizationSharingEnabled"] = "True"
	}
	if url := settings[store.SettingExternalEwsURL]; url != "" {
		s[autodiscover.SettingExternalEwsUrl], s[autodiscover.SettingExternalEwsVersion] = url, serverVersion
	}
	return s
}

// DomainSettings implements autodiscover.Directory.
func (d *discovery) DomainSettings(ctx context.Context, domains []smtpaddr.Domain) ([]autodiscover.Settings, error) {
	cfg, err := d.config.get(ctx)
	if err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	}
	public := publicSettings(cfg.Settings, cfg.Trust.Configured() && cfg.Organization.Enabled)
	out := make([]autodiscover.Settings, len(domains))
	for i, domain := range domains {
		if cfg.Organization.Owns(domain) {
			out[i].Values = public
		} else {
			out[i].Err = fault.Because(fault.InvalidDomain, nil)
		}
	}
	return out, nil
}

// OrganizationRelationships implements autodiscover.Directory: the entries of the requester's own organization, with
// what they grant now.
func (d *discovery) OrganizationRelationships(ctx context.Context, r orgrel.Requester, domains []smtpaddr.Domain) ([]autodiscover.OrganizationRelationshipSettings, error) {
	cfg, err := d.config.get(ctx)
	if err != nil {
		return nil, fault.Because(fault.ServerBusy, err)
	}
	var out []autodiscover.OrganizationRelationshipSettings
	for _, rel := range cfg.Relationships {
		if !rel.Covers(r.Domain) || !slices.ContainsFunc(domains, rel.Covers) {
			continue
		}
		out = append(out, autodiscover.OrganizationRelationshipSettings{Name: rel.Name, DomainNames: rel.DomainNames,
			DeliveryReportEnabled: rel.Enabled && rel.DeliveryReportEnabled,
			FreeBusyAccessEnabled: rel.Enabled && rel.FreeBusyAccessEnabled, FreeBusyAccessLevel: rel.Grants().String(),
			MailTipsAccessEnabled: rel.Enabled && rel.MailTipsAccessEnabled, MailTipsAccessLevel: rel.GrantsMailTips(),
			MailboxMoveEnabled: rel.Enabled && rel.MailboxMoveEnabled, TargetApplicationUri: rel.TargetApplicationUri,
			TargetAutodiscoverEpr: rel.TargetAutodiscoverEpr, TargetSharingEpr: rel.TargetSharingEpr})
	}
	return out, nil
}
