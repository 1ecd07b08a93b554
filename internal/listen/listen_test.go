package listen_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/internal/listen"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// certificate makes files for a listener and the roots that vouch for them.
func certificate(t *testing.T) (c listen.Config, roots *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	must(t, listen.WriteDevCA(dir, []string{"127.0.0.1"}, time.Now()))
	roots = x509.NewCertPool()
	trust(t, roots, dir)
	return listen.Config{Addr: "127.0.0.1:0", CertFile: filepath.Join(dir, "server.pem"), KeyFile: filepath.Join(dir, "server.key"), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, roots
}

func trust(t *testing.T, roots *x509.CertPool, dir string) {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	must(t, err)
	roots.AppendCertsFromPEM(ca)
}

// serve runs a listener until stop is called, which returns what Serve returned.
func serve(t *testing.T, c listen.Config, h http.HandlerFunc) (address string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)
	l, err := listen.Open(ctx, c)
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, h) }()
	return l.Addr().String(), func() error { cancel(); return <-done }
}

// get makes one request on a connection of its own and tells by which certificate it was answered.
func get(address string, roots *x509.CertPool) (*http.Response, *x509.Certificate, error) {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}}
	resp, err := client.Get("https://" + address)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, resp.TLS.PeerCertificates[0], err
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

// renewed waits until the listener shows another certificate than old.
func renewed(t *testing.T, address string, roots *x509.CertPool, old *x509.Certificate) {
	t.Helper()
	for range 200 {
		_, cert, err := get(address, roots)
		must(t, err)
		if !cert.Equal(old) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the new certificate does not come")
}

func TestNewCertificateIsTakenUnderLoadWithoutARestart(t *testing.T) {
	t.Parallel()
	c, roots := certificate(t)
	next := t.TempDir()
	must(t, listen.WriteDevCA(next, []string{"127.0.0.1"}, time.Now()))
	trust(t, roots, next)
	address, _ := serve(t, c, ok)
	_, old, err := get(address, roots)
	must(t, err)
	end := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
					if _, _, err := get(address, roots); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	// As certificate tools do it: one file after the other, so that for a moment the two do not fit.
	must(t, os.Rename(filepath.Join(next, "server.pem"), c.CertFile))
	time.Sleep(10 * time.Millisecond)
	must(t, os.Rename(filepath.Join(next, "server.key"), c.KeyFile))
	renewed(t, address, roots, old)
	close(end)
	wg.Wait()
}

func TestBrokenCertificateLeavesTheOldOneInForceUntilARightOneComes(t *testing.T) {
	t.Parallel()
	c, roots := certificate(t)
	address, _ := serve(t, c, ok)
	_, old, err := get(address, roots)
	must(t, err, os.WriteFile(c.CertFile, []byte("no certificate"), 0o600))
	time.Sleep(1100 * time.Millisecond) // the files are looked at once a second
	for range 3 {
		_, cert, err := get(address, roots)
		must(t, err)
		if !cert.Equal(old) {
			t.Error("another certificate than the old one")
		}
	}
	must(t, listen.WriteDevCA(filepath.Dir(c.CertFile), []string{"127.0.0.1"}, time.Now()))
	trust(t, roots, filepath.Dir(c.CertFile))
	renewed(t, address, roots, old)
}

func TestDrainFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	c, roots := certificate(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	address, stop := serve(t, c, func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
		ok(w, r)
	})
	answered, stopped := make(chan error, 1), make(chan error, 1)
	go func() {
		resp, _, err := get(address, roots)
		if err == nil && resp.StatusCode != http.StatusOK {
			t.Errorf("HTTP %d", resp.StatusCode)
		}
		answered <- err
	}()
	<-entered
	go func() { stopped <- stop() }()
	for { // accepting ends while the request goes on
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			break
		}
		conn.Close()
	}
	select {
	case err := <-stopped:
		t.Fatalf("stopped with a request in flight: %v", err)
	default:
	}
	close(leave)
	must(t, <-answered, <-stopped)
}

func TestMoreThanFitsIsSentAway(t *testing.T) {
	t.Parallel()
	c, roots := certificate(t)
	c.MaxInFlight = 1
	entered, leave := make(chan struct{}), make(chan struct{})
	address, _ := serve(t, c, func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
		ok(w, r)
	})
	first := make(chan error, 1)
	go func() { _, _, err := get(address, roots); first <- err }()
	<-entered
	resp, _, err := get(address, roots)
	must(t, err)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("HTTP %d %v", resp.StatusCode, resp.Header)
	}
	close(leave)
	must(t, <-first)
}

// TestStartFailsWithOneSentence names what an administrator must repair.
func TestStartFailsWithOneSentence(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	for name, f := range map[string]struct {
		edit func(c *listen.Config)
		want []string
	}{
		"port taken":               {func(c *listen.Config) { c.Addr = taken.Addr().String() }, []string{"cannot listen on " + taken.Addr().String(), "address already in use"}},
		"no such address":          {func(c *listen.Config) { c.Addr = "192.0.2.1:0" }, []string{"cannot listen on 192.0.2.1:0"}},
		"plain HTTP for everybody": {func(c *listen.Config) { c.Plain, c.Addr = true, "0.0.0.0:0" }, []string{"0.0.0.0:0: plain HTTP is served on loopback addresses only"}},
		"no certificate":           {func(c *listen.Config) { c.CertFile += ".gone" }, []string{"TLS certificate: ", "server.pem.gone", "no such file"}},
		"key and certificate apart": {func(c *listen.Config) {
			other, _ := certificate(t)
			c.KeyFile = other.KeyFile
		}, []string{"TLS certificate: ", "private key does not match"}},
		"key that others can read": {func(c *listen.Config) { must(t, os.Chmod(c.KeyFile, 0o644)) }, []string{"can be read by others (mode 0644); make it 0600"}},
	} {
		c, _ := certificate(t)
		f.edit(&c)
		l, err := listen.Open(t.Context(), c)
		if err == nil {
			l.Close()
			t.Errorf("%s: it starts", name)
			continue
		}
		for _, w := range f.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %v", name, err)
		}
	}
}

func TestPlainHTTPIsServedOnLoopback(t *testing.T) {
	t.Parallel()
	address, stop := serve(t, listen.Config{Addr: "127.0.0.1:0", Plain: true, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}, ok)
	resp, err := http.Get("http://" + address)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("HTTP %d", resp.StatusCode)
	}
	must(t, stop())
}
