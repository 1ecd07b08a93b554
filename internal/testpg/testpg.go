// Package testpg is a private Postgres server for tests and the lab: a real one, in a directory of its own, that ends
// with the process.
package testpg

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/postgres"
)

// ErrNoServer says that there are no Postgres programs here.
var ErrNoServer = errors.New("no Postgres here: install postgresql, or set PG_BIN or TEST_DATABASE_URL")

// TB is what of testing.TB is used.
type TB interface {
	Helper()
	Fatal(args ...any)
	Skip(args ...any)
	Cleanup(func())
	Context() context.Context
}

// Database returns the connection string of a fresh, migrated database that goes with the test. Where there is no
// Postgres the test is skipped, but fails in CI.
func Database(t TB) string {
	t.Helper()
	dsn, drop, err := New(t.Context())
	if errors.Is(err, ErrNoServer) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(drop)
	return dsn
}

// New makes a fresh, migrated database; drop removes it.
func New(ctx context.Context) (dsn string, drop func(), err error) {
	s, err := server()
	if err != nil {
		return "", nil, err
	}
	return s.clone(ctx)
}

// Server is where databases are made.
type Server struct {
	url      *url.URL // of the maintenance database
	template string

	mu sync.Mutex // a template is cloned by one at a time
}

// server is the one of this process, started when the first test asks.
var server = sync.OnceValues(func() (*Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	u := os.Getenv("TEST_DATABASE_URL")
	if u == "" {
		var err error
		if u, err = start(ctx); err != nil {
			return nil, err
		}
	}
	parsed, err := url.Parse(u)
	if err != nil {
		return nil, errors.New("TEST_DATABASE_URL is no URL")
	}
	s := &Server{url: parsed, template: name("template")}
	if err := s.exec(ctx, `CREATE DATABASE `+s.template); err != nil {
		return nil, err
	}
	return s, postgres.Migrate(ctx, s.database(s.template))
})

// name is a database name that no other process uses.
func name(kind string) string {
	return "availd_" + kind + "_" + strings.ReplaceAll(store.NewID(), "-", "")
}

func (s *Server) database(name string) string {
	u := *s.url
	u.Path = "/" + name
	return u.String()
}

func (s *Server) exec(ctx context.Context, sql string) error {
	c, err := pgx.Connect(ctx, s.url.String())
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, sql)
	return err
}

func (s *Server) clone(ctx context.Context) (string, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	db := name("test")
	if err := s.exec(ctx, `CREATE DATABASE `+db+` TEMPLATE `+s.template); err != nil {
		return "", nil, err
	}
	drop := func() { _ = s.exec(context.WithoutCancel(ctx), `DROP DATABASE IF EXISTS `+db+` WITH (FORCE)`) }
	return s.database(db), drop, nil
}

// binaries finds the directory with initdb and postgres.
func binaries(ctx context.Context) (string, error) {
	candidates := []string{os.Getenv("PG_BIN")}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	for _, dir := range append(candidates, installed...) {
		if dir == "" {
			continue
		}
		_, e1 := os.Stat(filepath.Join(dir, "initdb"))
		_, e2 := os.Stat(filepath.Join(dir, "postgres"))
		if e1 == nil && e2 == nil {
			return dir, nil
		}
	}
	return "", ErrNoServer
}

// watch runs the server ($1) on a directory ($2) until its standard input ends, which it does with the process that
// holds the other end, in whatever way that ends.
const watch = `"$1" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 >"$2/log" 2>&1 &
pid=$!; read -r _; kill -QUIT $pid; wait $pid; rm -rf "$2"`

// start starts a server on a socket in a new directory and returns its URL.
func start(ctx context.Context) (string, error) {
	bin, err := binaries(ctx)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "testpg")
	if err != nil {
		return "", err
	}
	attr, err := unprivileged(dir)
	if err != nil {
		return "", err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C") // #nosec G204 -- the programs that PG_BIN and PATH name
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w\n%s", err, out)
	}
	// No context ends the server: it lives as long as the process.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", watch, "sh", filepath.Join(bin, "postgres"), dir) // #nosec G204 -- see above
	cmd.SysProcAttr, cmd.Dir = attr, dir
	if _, err := cmd.StdinPipe(); err != nil { // cmd holds it as long as this process lives
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	go func() { _ = cmd.Wait() }()
	u := "postgres://postgres@/postgres?host=" + url.QueryEscape(dir)
	for {
		c, err := pgx.Connect(ctx, u)
		if err == nil {
			return u, c.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the server does not start: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// unprivileged gives dir to another user where this process is root, under whom Postgres refuses to run.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setpgid: true} // an interrupt from the terminal leaves the cleaning to watch
	if os.Getuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(dir, int(uid), int(gid))
}
