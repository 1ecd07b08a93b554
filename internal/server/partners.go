package server

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/partner"
	"github.com/availd/availd/smtpaddr"
)

// How often partners are asked what they are now. A node that has just started has better things to do.
const (
	partnersEvery = 24 * time.Hour
	partnersFirst = 2 * time.Minute
)

// watchPartners has relationships compared with what their partners tell, apart from the other periodic work: a partner
// that hangs must not hold that up.
func (s *Server) watchPartners(ctx context.Context) {
	wait := time.NewTimer(partnersFirst)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
			s.runJob(ctx, job{"refresh_relationships", partnersEvery, func(ctx context.Context) error {
				a := s.admin()
				a.Find = s.find
				return s.reportDrift(ctx, a)
			}})
			wait.Reset(partnersEvery)
		}
	}
}

// reportDrift logs how relationships that came from discovery differ from what their partners tell now. It changes nothing:
// a partner could have itself given another name at the gateway by whoever answers at its Autodiscover.
func (s *Server) reportDrift(ctx context.Context, a *admin.Admin) error {
	drifts, err := a.RefreshRelationships(ctx, admin.DiscoverParams{Confirm: -1, AllowAddresses: s.o.AllowPrivate}, false)
	if err != nil {
		return err
	}
	drifted := 0
	for _, d := range drifts {
		switch {
		case d.Err != nil:
			s.o.Log.Warn("a partner does not tell what it is", "relationship", d.Relationship, "cause", d.Err.Error())
		case d.Drifted():
			drifted++
			s.o.Log.Warn("a partner has changed; availd orgrel refresh shows and takes it", "relationship", d.Relationship, slog.Any("changes", d.Changes), slog.Any("new_domains", d.NewDomains))
		}
	}
	s.metrics.drifted.Set(float64(drifted))
	return nil
}

// find looks for federation information as this node goes out.
func (s *Server) find(ctx context.Context, d smtpaddr.Domain, p admin.DiscoverParams) (*autodiscover.FederationInformation, []autodiscover.Try, error) {
	h, err := s.clients.Get(partner.Profile{CAFile: p.CAFile, Allowed: p.AllowAddresses})
	if err != nil {
		return nil, nil, err
	}
	c := &autodiscover.Client{HTTP: h, UserAgent: "AutodiscoverClient"}
	return c.Discover(ctx, d, autodiscover.DiscoverOptions{Resolver: net.DefaultResolver, Timeout: p.Timeout, ConfirmDomains: p.Confirm != 0})
}
