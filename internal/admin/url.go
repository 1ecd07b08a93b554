package admin

import (
	"context"
	"net/url"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
)

// URLs are what clients and partners are told, and whether partners are let in (Get-WebServicesVirtualDirectory).
type URLs struct {
	ExternalEwsURL           string `json:"ExternalEwsUrl"` // Exchange.asmx; empty: not available
	InternalEwsURL           string `json:"InternalEwsUrl"` // for own users; empty: the external one
	WSSecurityAuthentication bool
}

// URLs returns them.
func (a *Admin) URLs(ctx context.Context) (URLs, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return URLs{}, err
	}
	return URLs{cfg.Settings[store.SettingExternalEwsURL], cfg.Settings[store.SettingInternalEwsURL], cfg.Settings[store.SettingWSSecurity] != "false"}, nil
}

// URLParams changes the URLs of our web services; empty: partners are told that it is not available.
type URLParams struct{ ExternalEwsURL, InternalEwsURL *string }

// SetURLs changes them (Set-WebServicesVirtualDirectory -ExternalUrl, -InternalUrl).
func (a *Admin) SetURLs(ctx context.Context, p URLParams) error {
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	for _, s := range []struct {
		name  string
		value *string
	}{{store.SettingExternalEwsURL, p.ExternalEwsURL}, {store.SettingInternalEwsURL, p.InternalEwsURL}} {
		if s.value == nil {
			continue
		}
		if u, err := url.Parse(*s.value); *s.value != "" && (err != nil || u.Host == "" || u.Scheme != "https") {
			return fault.New(fault.Invalid, "%s %q is not https", s.name, *s.value)
		}
		if err := a.putSetting(ctx, "url set", s.name, cfg.Settings[s.name], *s.value); err != nil {
			return err
		}
	}
	return nil
}

// SetWSSecurity opens or closes the paths on which partners come (Set-WebServicesVirtualDirectory
// -WSSecurityAuthentication); open is the default. Where they are closed, a partner gets 404.
func (a *Admin) SetWSSecurity(ctx context.Context, open bool) error {
	value := ""
	if !open {
		value = "false"
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return err
	}
	return a.putSetting(ctx, "endpoint wssecurity", store.SettingWSSecurity, cfg.Settings[store.SettingWSSecurity], value)
}
