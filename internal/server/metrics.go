package server

import (
	"context"
	"crypto/x509"
	"errors"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/availd/availd/availability"
	"github.com/availd/availd/directory"
	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/record"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
)

// metrics of one node. Labels come from closed sets: nothing that a caller writes becomes one (T77).
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	mailboxes  *prometheus.CounterVec
	refusals   *prometheus.CounterVec
	tokens     *prometheus.CounterVec
	shed       *prometheus.CounterVec
	jobs       *prometheus.CounterVec
	store      *prometheus.HistogramVec
	remote     *prometheus.HistogramVec
	inFlight   prometheus.Gauge
	drifted    prometheus.Gauge
	replays    prometheus.Counter
	panics     prometheus.Counter
	operations closedSet
	codes      closedSet
	tls        atomic.Pointer[time.Time]
}

func newMetrics(c *config) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "availd_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "availd_" + name, Help: help, Buckets: prometheus.ExponentialBuckets(0.001, 2, 15)}, labels)
	}
	m := &metrics{registry: prometheus.NewRegistry(),
		requests:  counter("requests_total", "Requests by endpoint, operation, outcome (ok, or the kind of the fault) and HTTP status.", "endpoint", "operation", "code", "status"),
		seconds:   histogram("request_seconds", "Duration of requests by endpoint.", "endpoint"),
		mailboxes: counter("mailbox_responses_total", "Mailboxes answered, by EWS ResponseCode.", "code"),
		refusals:  counter("refusals_total", "Requests whose security was refused, by kind of fault.", "kind"),
		tokens:    counter("tokens_total", "Delegation tokens accepted: verified anew, or known from the cache.", "source"),
		shed:      counter("shed_total", "Requests refused because there were too many, by the limit.", "reason"),
		jobs:      counter("jobs_total", "Periodic work, by job and result.", "job", "result"),
		store:     histogram("store_read_seconds", "Calendar reads of the store, one per request, by result.", "result"),
		remote:    histogram("remote_seconds", "Questions to partners, by outcome (ok, or the kind of the fault).", "outcome"),
		inFlight:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "availd_in_flight", Help: "Requests being served."}),
		drifted:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "availd_relationships_drifted", Help: "Organization relationships from discovery that are not as their partners tell, at the last comparison by this node."}),
		replays:   prometheus.NewCounter(prometheus.CounterOpts{Name: "availd_replays_refused_total", Help: "Messages refused because they had come before."}),
		panics:    prometheus.NewCounter(prometheus.CounterOpts{Name: "availd_panics_total", Help: "Handlers that panicked."}),
	}
	m.operations.max, m.codes.max = 64, 4*len(fault.Table()) // each kind has a name and an EWS code; some operations have their own
	for _, reason := range []string{shedCapacity, shedAnonymous, shedSource, shedRelationship} {
		m.shed.WithLabelValues(reason) // a rate needs its zero
	}
	m.registry.MustRegister(m.requests, m.seconds, m.mailboxes, m.refusals, m.tokens, m.shed, m.jobs, m.store, m.remote, m.inFlight, m.drifted, m.replays, m.panics,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector(), &state{config: c, metrics: m})
	return m
}

// observe makes the metrics of one request from its record.
func (m *metrics) observe(endpoint string, status int, rec *record.Record) {
	attrs := rec.Attrs()
	text := func(name, otherwise string) string {
		if v, ok := attrs[name]; ok {
			return v.String()
		}
		return otherwise
	}
	m.requests.WithLabelValues(endpoint, m.operations.name(text("operation", "none")), m.codes.name(text("code", "ok")), strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(endpoint).Observe(time.Since(rec.Start).Seconds())
	if kind, ok := attrs["refused"]; ok {
		m.refusals.WithLabelValues(m.codes.name(kind.String())).Inc()
	}
	if cached, ok := attrs["token_cached"]; ok {
		source := "verified"
		if hit, _ := cached.Any().(bool); hit {
			source = "cache"
		}
		m.tokens.WithLabelValues(source).Inc()
	}
	if codes, ok := attrs["codes"].Any().(map[string]int); ok {
		for code, n := range codes {
			m.mailboxes.WithLabelValues(m.codes.name(code)).Add(float64(n))
		}
	}
}

func (m *metrics) tlsLoaded(notAfter time.Time) { m.tls.Store(&notAfter) }

// closedSet holds a label to a bounded number of values, whatever a room writes into its record.
type closedSet struct {
	max  int
	mu   sync.Mutex
	seen map[string]bool
}

func (c *closedSet) name(s string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.seen[s]:
		return s
	case len(c.seen) >= c.max:
		return "other"
	case c.seen == nil:
		c.seen = map[string]bool{}
	}
	c.seen[s] = true
	return s
}

// state collects what is read at the time of a scrape: configuration, certificates, versions.
type state struct {
	config  *config
	metrics *metrics
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("availd_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector; the metrics differ with the configuration, so none is described.
func (s *state) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *state) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	expiry := desc("certificate_not_after_timestamp_seconds", "End of a certificate's validity.", "certificate")
	certificate := func(name string, c *x509.Certificate) {
		if c != nil {
			gauge(expiry, float64(c.NotAfter.Unix()), name)
		}
	}
	pair := func(name string, k *federation.KeyPair) {
		if k != nil {
			certificate(name, k.Certificate)
		}
	}
	gauge(desc("tzdata_info", "Version of the time-zone data; always 1.", "version"), 1, tzdataVersion())
	if t := s.metrics.tls.Load(); t != nil {
		gauge(expiry, float64(t.Unix()), "tls")
	}
	cfg := s.config.current.Load()
	if cfg == nil {
		return
	}
	gauge(desc("config_version", "Version of the configuration in force."), float64(cfg.Version))
	gauge(desc("config_age_seconds", "Time since the store confirmed the configuration."), s.config.age().Seconds())
	gauge(desc("relationships", "Organization relationships in force."), float64(len(cfg.Relationships)))
	if t := cfg.Trust; t != nil {
		pair("organization", t.OrgCertificate)
		pair("organization_previous", t.OrgPrevCertificate)
		pair("organization_next", t.OrgNextCertificate)
		certificate("issuer", t.TokenIssuerCertificate)
		certificate("issuer_previous", t.TokenIssuerPrevCertificate)
		warning := desc("certificate_warning_days", "Last of the thresholds 60, 30, 7 and 0 days before its end that a certificate has passed; absent before the first.", "certificate")
		label := map[string]string{"OrgCertificate": "organization", "OrgNextCertificate": "organization_next", "TokenIssuerCertificate": "issuer"}
		for _, c := range t.Expiring(time.Now()) {
			gauge(warning, float64(c.Threshold), label[c.Name])
		}
		gauge(desc("metadata_read_timestamp_seconds", "When the gateway's metadata was last read and was good."), float64(t.MetadataReadAt.Unix()))
	}
}

// tzdataVersion is the release of the zones that the binary brings: those of the Go it was built with.
func tzdataVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.GoVersion
	}
	return "unknown"
}

// measuredCalendars times the one read of a request.
type measuredCalendars struct {
	next availability.Calendars
	m    *metrics
}

// CalendarView implements availability.Calendars.
func (c measuredCalendars) CalendarView(ctx context.Context, q mailbox.CalendarQuery) ([]mailbox.Calendar, error) {
	start := time.Now()
	out, err := c.next.CalendarView(ctx, q)
	result := "ok"
	if err != nil {
		result = "failed"
	}
	c.m.store.WithLabelValues(result).Observe(time.Since(start).Seconds())
	return out, err
}

// measuredRemote times a partner's answer.
type measuredRemote struct {
	next interface {
		availability.Remote
		directory.Remote
	}
	m *metrics
}

// GetUserAvailability implements availability.Remote.
func (r measuredRemote) GetUserAvailability(ctx context.Context, rel *orgrel.OrganizationRelationship, q availability.Query) ([]availability.Result, error) {
	start := time.Now()
	out, err := r.next.GetUserAvailability(ctx, rel, q)
	r.observe(start, err)
	return out, err
}

// GetMailTips implements directory.Remote.
func (r measuredRemote) GetMailTips(ctx context.Context, rel *orgrel.OrganizationRelationship, q directory.MailTipsQuery) ([]directory.MailTipsResult, error) {
	start := time.Now()
	out, err := r.next.GetMailTips(ctx, rel, q)
	r.observe(start, err)
	return out, err
}

// GetUserPhoto implements directory.Remote.
func (r measuredRemote) GetUserPhoto(ctx context.Context, rel *orgrel.OrganizationRelationship, q directory.PhotoQuery) (*directory.Picture, error) {
	start := time.Now()
	out, err := r.next.GetUserPhoto(ctx, rel, q)
	r.observe(start, err)
	return out, err
}

func (r measuredRemote) observe(start time.Time, err error) {
	outcome := "ok"
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		outcome = fault.Timeout.Row().Name
	case err != nil:
		outcome = fault.KindOf(err).Row().Name
	}
	r.m.remote.WithLabelValues(r.m.codes.name(outcome)).Observe(time.Since(start).Seconds())
}

// measuredReplays counts what had come before.
type measuredReplays struct {
	next federation.Replays
	m    *metrics
}

// ClaimReplay implements federation.Replays.
func (r measuredReplays) ClaimReplay(ctx context.Context, key [32]byte, expires time.Time) (bool, error) {
	fresh, err := r.next.ClaimReplay(ctx, key, expires)
	if err == nil && !fresh {
		r.m.replays.Inc()
	}
	return fresh, err
}
