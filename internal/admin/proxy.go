package admin

import (
	"context"
	"net/url"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
)

// WebProxy is the URL of the web proxy for outgoing calls; empty: none (Get-ExchangeServer, InternetWebProxy).
func (a *Admin) WebProxy(ctx context.Context) (string, error) {
	cfg, err := a.config(ctx)
	if err != nil {
		return "", err
	}
	return cfg.Settings[store.SettingWebProxy], nil
}

// SetWebProxy changes the web proxy of every node that was not told its own; empty: none
// (Set-ExchangeServer -InternetWebProxy). A password has no place in it: settings can be read by whoever reads the audit.
func (a *Admin) SetWebProxy(ctx context.Context, to string) error {
	if u, err := url.Parse(to); to != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil) {
		return fault.New(fault.Invalid, "InternetWebProxy %q is not an http or https URL without a user", to)
	}
	old, err := a.WebProxy(ctx)
	if err != nil {
		return err
	}
	return a.putSetting(ctx, "proxy set", store.SettingWebProxy, old, to)
}
