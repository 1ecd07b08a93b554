package listen

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// watchEvery is how often the certificate and key files are looked at.
const watchEvery = time.Second

// certificate is the pair that is served. A change of the chain or of the key file, or SIGHUP, reads both anew; a pair
// that does not fit or cannot be read leaves the old one in force.
type certificate struct {
	chainFile, keyFile string
	log                *slog.Logger
	loaded             func(notAfter time.Time) // may be nil

	current atomic.Pointer[tls.Certificate]
	seen    [2]fileState // at the last try; used by the watching goroutine only
}

// fileState tells a changed file from the same one. A renewal that keeps the time changes the size or the inode.
type fileState struct {
	modified time.Time
	size     int64
	inode    uint64
}

func newCertificate(c Config) (*certificate, error) {
	r := &certificate{chainFile: c.CertFile, keyFile: c.KeyFile, log: c.Log, loaded: c.CertificateLoaded}
	r.seen = r.states()
	return r, r.load()
}

func (r *certificate) states() (out [2]fileState) {
	for i, path := range []string{r.chainFile, r.keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		out[i] = fileState{modified: info.ModTime(), size: info.Size()}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			out[i].inode = st.Ino
		}
	}
	return out
}

func (r *certificate) load() error {
	if err := CheckKeyFile(r.keyFile); err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(r.chainFile, r.keyFile)
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	r.current.Store(&pair)
	if r.loaded != nil {
		r.loaded(pair.Leaf.NotAfter)
	}
	return nil
}

// watch follows the files until ctx ends.
func (r *certificate) watch(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		var now [2]fileState
		select {
		case <-ctx.Done():
			return
		case <-hup:
			now = r.states()
		case <-tick.C:
			if now = r.states(); now == r.seen {
				continue
			}
		}
		r.seen = now
		if err := r.load(); err != nil {
			r.log.Error("the old TLS certificate stays in force", "error", err.Error())
			continue
		}
		r.log.Info("TLS certificate read anew", "not_after", r.current.Load().Leaf.NotAfter)
	}
}

func (r *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return r.current.Load(), nil
}

// CheckKeyFile refuses a key file that others than its owner can read. A credential that systemd hands over may show a
// readable group: that is the mask of the access list by which its one reader is named.
func CheckKeyFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	others := os.FileMode(0o077)
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" && filepath.Dir(path) == filepath.Clean(dir) {
		others = 0o037
	}
	if info.Mode().Perm()&others != 0 {
		return fmt.Errorf("key file %s can be read by others (mode %04o); make it 0600", path, info.Mode().Perm())
	}
	return nil
}
