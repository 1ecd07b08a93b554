package server

import (
	"context"
	"time"

	"github.com/availd/availd/internal/store"
)

// job is work that comes round.
type job struct {
	name  string
	every time.Duration
	run   func(ctx context.Context) error
}

// periodic drops old replay keys, keeps the horizon ahead of today, and the trust fresh. Every job runs once right after the start: a node
// that was down for long must not answer from a horizon that has passed.
func (s *Server) periodic(ctx context.Context) {
	jobs := []job{
		{"expand", time.Hour, func(ctx context.Context) error {
			_, err := s.store.ExtendHorizon(ctx, s.o.Now().Add(store.HorizonAhead*3/4))
			return err
		}},
		{"refresh_metadata", time.Hour, s.refreshStaleMetadata},
		{"warn_expiring", 24 * time.Hour, s.warnExpiring},
		{"publish_partners", time.Minute, func(ctx context.Context) error { return s.admin().PublishPartners(ctx) }},
		{"purge_replays", time.Minute, func(ctx context.Context) error { return s.store.PurgeReplays(ctx, s.o.Now()) }},
	}
	due := make([]time.Time, len(jobs))
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		for i, j := range jobs {
			if now := time.Now(); !now.Before(due[i]) {
				due[i] = now.Add(j.every)
				s.runJob(ctx, j)
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// runJob does a job unless another node has the lease for it.
func (s *Server) runJob(ctx context.Context, j job) {
	mine, err := s.store.Lease(ctx, j.name, s.holder, j.every)
	if err != nil || !mine {
		if err != nil && ctx.Err() == nil {
			s.o.Log.Error("no lease", "job", j.name, "error", err.Error())
			s.metrics.jobs.WithLabelValues(j.name, "failed").Inc()
		}
		return
	}
	if err := j.run(ctx); err != nil {
		if ctx.Err() == nil {
			s.o.Log.Error("periodic work failed", "job", j.name, "error", err.Error())
			s.metrics.jobs.WithLabelValues(j.name, "failed").Inc()
		}
		return
	}
	s.metrics.jobs.WithLabelValues(j.name, "done").Inc()
}
