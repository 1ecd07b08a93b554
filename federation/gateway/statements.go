package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/smtpaddr"
)

const maxPartners = 5000

// serveStatement takes the signed statements of organizations: their partner lists, and registrations. Like the STS it
// gives one text for every refusal; the reason is in the log.
func (g *Gateway) serveStatement(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	status, what := http.StatusNoContent, ""
	err := g.takeStatement(r.Context(), w, r, &status, &what)
	cause := ""
	if err != nil {
		cause = err.Error()
		status = statementStatus(err)
		if status == http.StatusForbidden || status == http.StatusBadRequest {
			g.failures.Take(g.source(r), g.o.Now())
		}
		http.Error(w, fault.STSFailedAuthentication.Row().Text, status)
	} else {
		w.WriteHeader(status)
	}
	g.o.Log.LogAttrs(r.Context(), slog.LevelInfo, "statement", slog.String("id", requestID()), slog.String("kind", what), slog.Int("status", status),
		slog.String("cause", cause), slog.Duration("duration", time.Since(start)))
}

func statementStatus(err error) int {
	switch fault.KindOf(err) {
	case fault.ServerBusy:
		return http.StatusServiceUnavailable
	case fault.Conflict, fault.NotFound:
		return http.StatusConflict
	case fault.Invalid: // of a registered organization only: its domain proof was not found
		return http.StatusUnprocessableEntity
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	case fault.STSInvalidRequest:
		return http.StatusBadRequest
	default:
		return http.StatusForbidden
	}
}

func (g *Gateway) takeStatement(ctx context.Context, w http.ResponseWriter, r *http.Request, status *int, what *string) error {
	if !g.failures.Left(g.source(r), g.o.Now()) {
		return fault.Because(fault.ServerBusy, errors.New("too many refused requests"))
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/xml" {
		return malformed("Content-Type %.100q", r.Header.Get("Content-Type"))
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, federation.MaxStatement))
	if err != nil {
		return malformed("%w", err)
	}
	u, err := federation.ReadStatement(raw)
	if err != nil {
		return malformed("%w", err)
	}
	*what = fmt.Sprintf("%.32s", u.Kind)
	if u.Kind == federation.StatementRegistration {
		return g.register(ctx, u, g.source(r), status)
	}
	return g.registered(ctx, u)
}

// registered takes a statement of an organization that is registered, signed with any of its certificates.
func (g *Gateway) registered(ctx context.Context, u *federation.UnverifiedStatement) error {
	o, err := g.o.Registry.OrganizationByURI(ctx, u.ApplicationUri)
	switch {
	case err != nil:
		return fault.Because(fault.ServerBusy, err)
	case o == nil:
		return denied("%.100q is not registered", u.ApplicationUri)
	case o.State != Approved || o.Instance != g.o.Instance:
		return denied("organization %s is %s at instance %.100q", o.Name, o.State, o.Instance)
	}
	s, err := u.Verify(o.signers(), g.o.Issuer, g.o.Now())
	if err != nil {
		return denied("%w", err)
	}
	if !g.budgets.Take(o.Name, g.o.Now()) {
		return fault.Because(fault.ServerBusy, fmt.Errorf("organization %s has used up its budget", o.Name))
	}
	ctx = WithActor(ctx, "organization "+o.Name)
	if s.Kind == federation.StatementPartners {
		return g.partners(ctx, o, s)
	}
	fresh, err := g.o.Registry.TakeStatement(ctx, o.Name, s.Created)
	if err != nil {
		return fault.Because(fault.ServerBusy, err)
	}
	if !fresh {
		return fault.New(fault.Conflict, "a newer statement was taken before")
	}
	return g.act(ctx, o, s, u.Certificate)
}

// partners takes a partner list.
func (g *Gateway) partners(ctx context.Context, o *Organization, s *federation.Statement) error {
	domains, err := parseDomains(s.All(federation.ValuePartnerDomain))
	if err != nil {
		return malformed("%w", err)
	}
	if len(s.Values) > maxPartners {
		return malformed("a list of %d partners", len(s.Values))
	}
	l := federation.PartnerList{ApplicationUris: s.All(federation.ValuePartnerUri), Domains: domains}
	return g.o.Registry.SetPartners(ctx, o.Name, l, s.Created)
}

// act does what a statement says of the organization's own certificates and domains.
func (g *Gateway) act(ctx context.Context, o *Organization, s *federation.Statement, c *x509.Certificate) error {
	switch s.Kind {
	case federation.StatementNextCertificate:
		if c == nil || g.o.Now().After(c.NotAfter) {
			return malformed("there is no certificate, or it has expired")
		}
		return g.o.Registry.NextCertificate(ctx, o.Name, c)
	case federation.StatementPublishCertificate:
		if c != nil && o.Certificate.Equal(c) { // told again, by an organization that lost our answer
			return nil
		}
		return g.o.Registry.PublishCertificate(ctx, o.Name)
	case federation.StatementAddDomain, federation.StatementRemoveDomain:
		d, err := smtpaddr.ParseDomain(s.First(federation.ValueDomain))
		if err != nil {
			return malformed("%w", err)
		}
		if g.o.Domains == nil {
			return denied("organizations do not add domains here")
		}
		if s.Kind == federation.StatementRemoveDomain {
			return g.o.Domains.Store.RemoveDomain(ctx, o.Name, d)
		}
		return g.o.Domains.Add(ctx, o.Name, d)
	}
	return malformed("a statement %.100q", s.Kind)
}

func parseDomains(texts []string) ([]smtpaddr.Domain, error) {
	var out []smtpaddr.Domain
	for _, t := range texts {
		d, err := smtpaddr.ParseDomain(t)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}
