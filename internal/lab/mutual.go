package lab

import (
	"log/slog"
	"testing"
	"time"

	"github.com/availd/availd/federation/gateway"
)

// RequireMutual makes the gateway refuse tokens for targets that do not list the requester as their partner.
func (l *Lab) RequireMutual(t testing.TB) {
	t.Helper()
	g, err := gateway.New(gateway.Options{Issuer: l.metadata.TokenIssuerUri, PublicURL: l.Gateway.URL, Signing: l.signing, Profile: l.profile, Lifetime: 8 * time.Hour,
		Registry: l.Registry, Now: time.Now, Log: slog.New(slog.DiscardHandler), RequireMutual: true})
	check(t, err)
	l.issuer.Store(g)
}
