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
	"os"
	"sync"
	"time"
)

// Config of one listener.
type Config struct {
	Addr        string
	CertFile    string
	KeyFile     string
	Plain       bool // no TLS; loopback only
	MaxInFlight int  // 0 = 256
	Log         *slog.Logger
	DrainDelay  time.Duration // between the end of ready and the end of accepting
}

// Serve serves h until ctx ends, then drains: it goes on for DrainDelay, stops accepting and gives what is in flight
// 30 seconds. ready is called with the address once connections are accepted.
func Serve(ctx context.Context, c Config, h http.Handler, ready func(net.Addr)) error {
	ln, err := open(ctx, c)
	if err != nil {
		return err
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 256
	}
	srv := &http.Server{
		Handler:           capped(h, c.MaxInFlight),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	if ready != nil {
		ready(ln.Addr())
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	time.Sleep(c.DrainDelay)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		return fmt.Errorf("requests were still running after 30 s: %w", err)
	}
	return nil
}

func open(ctx context.Context, c Config) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", c.Addr, errors.Unwrap(err))
	}
	if c.Plain {
		if a, ok := ln.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
			ln.Close()
			return nil, fmt.Errorf("%s: plain HTTP is served on loopback addresses only", c.Addr)
		}
		return ln, nil
	}
	r := &reloader{cert: c.CertFile, key: c.KeyFile}
	if _, err := r.get(nil); err != nil {
		ln.Close()
		return nil, err
	}
	return tls.NewListener(ln, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: r.get, NextProtos: []string{"http/1.1"}}), nil
}

// reloader reads the certificate anew when its file changes; a broken new one leaves the old in force.
type reloader struct {
	cert, key string

	mu      sync.Mutex
	current *tls.Certificate
	mtime   time.Time
	checked time.Time
}

func (r *reloader) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current != nil && time.Since(r.checked) < time.Second {
		return r.current, nil
	}
	r.checked = time.Now()
	info, err := os.Stat(r.cert)
	if err == nil && r.current != nil && info.ModTime().Equal(r.mtime) {
		return r.current, nil
	}
	if err == nil {
		err = CheckKeyFile(r.key)
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(r.cert, r.key)
	}
	switch {
	case err == nil:
		r.current, r.mtime = &pair, info.ModTime()
	case r.current == nil:
		return nil, fmt.Errorf("TLS certificate: %w", err)
	}
	return r.current, nil
}

// CheckKeyFile refuses a key file that others than its owner can read.
func CheckKeyFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("key file %s can be read by others (mode %04o); make it 0600", path, info.Mode().Perm())
	}
	return nil
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
