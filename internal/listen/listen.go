// Package listen is the TLS listener of availd and fedgateway: certificate reload, time-outs, a cap on requests in
// flight, graceful drain.
package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	maxHeaderBytes = 32 << 10
	maxHeaders     = 100
	drainTime      = 30 * time.Second
)

// Timeouts of a connection; zero means the default.
type Timeouts struct {
	Header time.Duration // until the request's headers are read; 5 s
	Read   time.Duration // until the whole request is read; 15 s
	Write  time.Duration // from the end of the headers to the end of the answer; 60 s
	Idle   time.Duration // between two requests; 60 s
}

// Config of one listener.
type Config struct {
	Addr              string
	CertFile          string
	KeyFile           string
	Plain             bool // no TLS; loopback only
	MaxInFlight       int  // 0 = 256; negative: the handler has its own cap
	Timeouts          Timeouts
	Log               *slog.Logger
	DrainDelay        time.Duration            // between the end of ready and the end of accepting
	CertificateLoaded func(notAfter time.Time) // may be nil; called for every TLS certificate that comes into force
}

// Listener is an open address that nothing is served at yet.
type Listener struct {
	net.Listener
	config      Config
	certificate *certificate // nil where it is plain
}

// Open opens the address and reads the certificate, so that what cannot be served is known before anything is.
func Open(ctx context.Context, c Config) (*Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", c.Addr, errors.Unwrap(err))
	}
	if c.Plain {
		if a, ok := ln.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
			ln.Close()
			return nil, fmt.Errorf("%s: plain HTTP is served on loopback addresses only", c.Addr)
		}
		return &Listener{Listener: ln, config: c}, nil
	}
	cert, err := newCertificate(c)
	if err != nil {
		ln.Close()
		return nil, err
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get, NextProtos: []string{"http/1.1"}}
	return &Listener{Listener: tls.NewListener(ln, tlsConfig), config: c, certificate: cert}, nil
}

// Serve serves h until ctx ends, then drains: it goes on for DrainDelay, stops accepting and gives what is in flight
// 30 seconds.
func (l *Listener) Serve(ctx context.Context, h http.Handler) error {
	if l.certificate != nil {
		go l.certificate.watch(ctx)
	}
	srv := newServer(l.config, h)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l.Listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(l.config.DrainDelay):
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		return fmt.Errorf("requests were still running after %s: %w", drainTime, err)
	}
	return nil
}

func newServer(c Config, h http.Handler) *http.Server {
	orDefault := func(d, otherwise time.Duration) time.Duration {
		if d > 0 {
			return d
		}
		return otherwise
	}
	switch {
	case c.MaxInFlight == 0:
		h = capped(h, 256)
	case c.MaxInFlight > 0:
		h = capped(h, c.MaxInFlight)
	}
	return &http.Server{
		Handler:           strict(h),
		ReadHeaderTimeout: orDefault(c.Timeouts.Header, 5*time.Second),
		ReadTimeout:       orDefault(c.Timeouts.Read, 15*time.Second),
		WriteTimeout:      orDefault(c.Timeouts.Write, 60*time.Second),
		IdleTimeout:       orDefault(c.Timeouts.Idle, 60*time.Second),
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
}

// strict refuses more than 100 header lines. net/http refuses contradictory lengths and transfer codings itself; where
// a Content-Length stands beside a chunked body it drops the length before a handler can see it (RFC 9112 §6.3), so the
// connection ends after every chunked request: nothing that a proxy took for its rest is read as a second one.
func strict(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := 0
		for _, values := range r.Header {
			n += len(values)
		}
		if n > maxHeaders {
			w.Header().Set("Connection", "close")
			http.Error(w, "There are too many header fields.", http.StatusRequestHeaderFieldsTooLarge)
			return
		}
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// capped refuses what comes while n requests are in flight.
func capped(h http.Handler, n int) http.Handler {
	slots := make(chan struct{}, n)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			h.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "The server is busy.", http.StatusServiceUnavailable)
		}
	})
}

// NoCoreDumps keeps private keys and tokens out of core files (RLIMIT_CORE 0), for this process and its children.
func NoCoreDumps() error {
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}
