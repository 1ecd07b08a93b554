package server

import (
	"context"
	"crypto/x509"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/admin"
)

// How often the gateway's metadata is read: daily, later by up to refreshJitter that differs between installations, so
// that they do not all come at once; and when a token was signed by an unknown key, once in unknownIssuerEvery.
const (
	refreshEvery       = 24 * time.Hour
	refreshJitter      = 2 * time.Hour
	unknownIssuerEvery = 10 * time.Minute
)

// admin performs verbs in the name of this process.
func (s *Server) admin() *admin.Admin {
	return &admin.Admin{Store: s.store, Who: "availd", Now: s.o.Now, HTTP: s.gateway, Warn: func(text string) { s.o.Log.Warn(text) },
		Metadata: func(ctx context.Context, t *federation.Trust, trusted []*x509.Certificate) (*federation.Metadata, error) {
			client, err := s.gateway(t)
			if err != nil {
				return nil, err
			}
			return federation.FetchMetadata(ctx, client, t.TokenIssuerMetadataEpr, trusted, s.o.Now())
		}}
}

// refreshStaleMetadata reads the gateway's metadata when the last good document is a day old. What cannot be read is
// tried again at the next call, and what is in force stays so.
func (s *Server) refreshStaleMetadata(ctx context.Context) error {
	t, err := s.config.FederationTrust(ctx)
	if err != nil || t == nil || s.o.Now().Before(refreshDue(t)) {
		return err
	}
	return s.refreshMetadata(ctx)
}

func refreshDue(t *federation.Trust) time.Time {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.ApplicationUri))
	return t.MetadataReadAt.Add(refreshEvery + time.Duration(h.Sum64()%uint64(refreshJitter)))
}

func (s *Server) refreshMetadata(ctx context.Context) error {
	t, err := s.admin().RefreshTrust(ctx, "")
	if err == nil {
		s.o.Log.Info("gateway metadata read", "issuer", t.TokenIssuerUri, "certificate", t.TokenIssuerCertificate.Thumbprint)
	}
	return err
}

// noteUnknownIssuer never waits: the token's request is refused at once, and the refresh is for those that follow.
func (s *Server) noteUnknownIssuer() {
	select {
	case s.unknownIssuer <- struct{}{}:
	default:
	}
}

// refreshUnknownIssuer reads the metadata when a token was signed by a key that the trust does not know. Anybody can
// make such a token: hence the limit, for all nodes together.
func (s *Server) refreshUnknownIssuer(ctx context.Context) {
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.unknownIssuer:
		}
		if now := s.o.Now(); last.IsZero() || now.Sub(last) >= unknownIssuerEvery {
			last = now
			s.runJob(ctx, job{"refresh_metadata_unknown_issuer", unknownIssuerEvery, s.refreshMetadata})
		}
	}
}

// warnExpiring writes the trust's warnings into the log, once a day each.
func (s *Server) warnExpiring(ctx context.Context) error {
	t, err := s.config.FederationTrust(ctx)
	if err != nil || t == nil {
		return err
	}
	for _, w := range t.Warnings(s.o.Now()) {
		s.o.Log.LogAttrs(ctx, slog.LevelWarn, "federation trust", slog.String("warning", w), slog.String("trust", t.Name))
	}
	return nil
}
