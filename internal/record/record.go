// Package record is the record of one request: rooms add steps, reasons and durations as the request
// passes; the server writes it as one log line at the end. It imports nothing of ours.
package record

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// The eleven steps of a cross-organization lookup.
const (
	StepAddressGiven        = 1  // a user names an address of another organization
	StepFederationUsable    = 2  // the requesting side finds federation and relationship configured
	StepTokenRequested      = 3  // the requesting side asks the gateway for a token
	StepOrganizationTrusted = 4  // the gateway verifies both organizations
	StepTokenIssued         = 5  // the gateway signs and encrypts the token and sends it back
	StepRequestSent         = 6  // the requesting side finds the target's server and sends the request
	StepTokenValidated      = 7  // the target receives and validates the token
	StepRelationshipFound   = 8  // the target finds the requester's organization relationship
	StepAccessDecided       = 9  // the target decides what may be shown
	StepCalendarRead        = 10 // the target's Availability Service reads the calendar
	StepAnswered            = 11 // the answer goes back to the client
)

// Step is one of the eleven steps as one process saw it.
type Step struct {
	N        int           `json:"n"`
	OK       bool          `json:"ok"`
	Detail   string        `json:"detail,omitempty"` // what was checked or sent; never a subject or a token
	Cause    string        `json:"cause,omitempty"`  // why it failed
	Duration time.Duration `json:"duration_ns"`
}

// Record collects what is known of one request. It is safe for concurrent use.
type Record struct {
	ID              string // this process's id of the request
	ClientRequestID string // the id that the caller sent (client-request-id), for following a lookup across processes
	Start           time.Time

	mu    sync.Mutex
	steps []Step
	attrs []slog.Attr
}

type key struct{}

// New starts a record.
func New(id string, start time.Time) *Record { return &Record{ID: id, Start: start} }

// With puts r into the context.
func With(ctx context.Context, r *Record) context.Context { return context.WithValue(ctx, key{}, r) }

// From returns the context's record; without one, a record that nobody reads. Never nil.
func From(ctx context.Context) *Record {
	if r, ok := ctx.Value(key{}).(*Record); ok {
		return r
	}
	return &Record{}
}

// Done adds a step that did what it must, begun at start.
func (r *Record) Done(n int, start time.Time, detail string) {
	r.add(Step{N: n, OK: true, Detail: detail, Duration: time.Since(start)})
}

// Failed adds a step that did not, with its cause.
func (r *Record) Failed(n int, start time.Time, cause string) {
	r.add(Step{N: n, Cause: cause, Duration: time.Since(start)})
}

func (r *Record) add(s Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, s)
}

// Set adds attributes to the log line: closed names, values without subjects, tokens or keys.
func (r *Record) Set(attrs ...slog.Attr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attrs = append(r.attrs, attrs...)
}

// Steps returns a copy of the steps so far.
func (r *Record) Steps() []Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Step(nil), r.steps...)
}

// Attrs returns a copy of the attributes so far; the server makes its metrics of them. Of two with one name the later
// one counts.
func (r *Record) Attrs() map[string]slog.Value {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string]slog.Value, len(r.attrs))
	for _, a := range r.attrs {
		out[a.Key] = a.Value
	}
	return out
}

// LogAttrs returns everything for the one log line.
func (r *Record) LogAttrs() []slog.Attr {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]slog.Attr, 0, len(r.attrs)+4)
	out = append(out, slog.String("id", r.ID))
	if r.ClientRequestID != "" {
		out = append(out, slog.String("client_request_id", r.ClientRequestID))
	}
	out = append(out, r.attrs...)
	if len(r.steps) > 0 {
		out = append(out, slog.Any("steps", append([]Step(nil), r.steps...)))
	}
	return append(out, slog.Duration("duration", time.Since(r.Start)))
}

// CorrelationID is what ties the records of a lookup together across processes: the caller's id, else our own.
func (r *Record) CorrelationID() string {
	if r.ClientRequestID != "" {
		return r.ClientRequestID
	}
	return r.ID
}
