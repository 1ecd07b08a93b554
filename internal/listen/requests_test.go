package listen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serve starts a listener on loopback with a certificate of its own and returns its address, its roots and how to end it.
func serve(t *testing.T, h http.Handler) (addr string, c Config, end func() error) {
	t.Helper()
	dir := t.TempDir()
	if err := WriteDevCA(dir, []string{"localhost"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	c = Config{Addr: "127.0.0.1:0", CertFile: filepath.Join(dir, "server.pem"), KeyFile: filepath.Join(dir, "server.key"), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	l, err := Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, h) }()
	return l.Addr().String(), c, func() error { cancel(); return <-done }
}

func dial(t *testing.T, addr, dir string) *tls.Conn {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestSmuggledRequestIsNeverRead(t *testing.T) {
	smuggled := "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, shape := range map[string]string{
		"length and chunked":     "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n",
		"two codings":            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"hidden coding":          "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
		"coding with a space":    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n",
		"negative length":        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"length with a sign":     "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n",
		"NUL in a header":        "POST / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
		"bad chunk size":         "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
		"more than 100 headers":  "POST / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 101) + "\r\n",
		"more than 32 kB header": "POST / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", 64<<10) + "\r\n\r\n",
	} {
		reached := make(chan struct{}, 1)
		addr, c, end := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/smuggled" {
				reached <- struct{}{}
			}
		}))
		conn := dial(t, addr, filepath.Dir(c.CertFile))
		_, _ = io.WriteString(conn, shape+smuggled)
		answer, _ := io.ReadAll(conn) // ends because the server closes
		if err := end(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(reached) > 0 || strings.Count(string(answer), "HTTP/1.1") > 1 {
			t.Errorf("%s: a second request was read: %q", name, answer)
		}
	}
}
