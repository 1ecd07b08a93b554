package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var errNoPostgres = errors.New("-postgres needs the programs of Postgres (initdb, postgres, psql), and they are not here: " +
	"apt-get install postgresql, or name their folder in PG_BIN, or give a running server with -database-url")

// postgresBin is the folder of Postgres's programs.
func postgresBin() (string, error) {
	candidates := []string{os.Getenv("PG_BIN")}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for i := len(found) - 1; i >= 0; i-- { // the newest first
		candidates = append(candidates, found[i])
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); dir != "" && err == nil {
			return dir, nil
		}
	}
	return "", errNoPostgres
}

// unprivileged is who runs Postgres when we are root: it refuses root itself. nil: we are not root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("postgres refuses to run as root, and there is no user postgres or nobody to run it as")
}

// startPostgres starts an organization's own server, that nobody else reaches: a socket in a folder of mode 0700, no
// port. Each organization has one, so that one can be stopped while the other goes on.
func (d *demo) startPostgres(ctx context.Context, o *organization, short string) error {
	bin, err := postgresBin()
	if err != nil {
		return err
	}
	who, err := unprivileged()
	if err != nil {
		return err
	}
	dir := d.path(short + "-postgres")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			return err
		}
		if err := os.Chmod(d.dir, 0o711); err != nil { //nolint:gosec // Postgres must reach its folder; nothing can be listed
			return err
		}
	}
	fmt.Println("  a private Postgres in", dir)
	cluster := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--no-sync", "-A", "trust", "-U", "availd", "-E", "UTF8", "--locale=C", "-D", cluster) //nolint:gosec // found above
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: who}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	ready := func() bool { // it listens before it answers
		return exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-q", "-h", dir, "-p", "5432").Run() == nil //nolint:gosec // found above
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", cluster, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-p", "5432") //nolint:gosec,noctx // stopped by signal
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: who}
	o.postgres, err = d.run(short+"-postgres", cmd, ready)
	if err != nil {
		return err
	}
	o.postgres.signal = syscall.SIGINT // "fast": it does not wait for its clients
	o.Database = "postgres:///postgres?host=" + url.QueryEscape(dir) + "&user=availd"
	return nil
}

// inPostgres gives the organization a place in Postgres: a server of its own, or a schema of the one that was named.
func (d *demo) inPostgres(ctx context.Context, o *organization, short string) (err error) {
	if d.postgres {
		return d.startPostgres(ctx, o, short)
	}
	o.Database, err = d.schema(ctx, short)
	return err
}

// schema makes an organization's schema in the database of d.databaseURL and returns the URL that leads to it: one
// schema for each organization, as a hosting platform would keep them, so that one database is enough.
func (d *demo) schema(ctx context.Context, name string) (string, error) {
	u, err := url.Parse(d.databaseURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", fmt.Errorf("-database-url %q is not a postgres:// URL", d.databaseURL)
	}
	schema := "availdemo_" + name
	if err := d.psql(ctx, "CREATE SCHEMA "+schema); err != nil {
		return "", fmt.Errorf("%w\n(an earlier demo may have left it: DROP SCHEMA %s CASCADE)", err, schema)
	}
	d.schemas = append(d.schemas, schema)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func (d *demo) psql(ctx context.Context, statement string) error {
	program := "psql"
	if bin, err := postgresBin(); err == nil {
		program = filepath.Join(bin, "psql")
	}
	out, err := exec.CommandContext(ctx, program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", d.databaseURL, "-c", statement).CombinedOutput() //nolint:gosec // our own statements
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("-database-url needs psql to make two schemas (apt-get install postgresql-client)")
	}
	if err != nil {
		return fmt.Errorf("psql: %s", strings.TrimSpace(string(out)))
	}
	return nil
}

// dropSchemas leaves a server that is not ours as it was.
func (d *demo) dropSchemas() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, s := range d.schemas {
		if err := d.psql(ctx, "SET client_min_messages=error; DROP SCHEMA IF EXISTS "+s+" CASCADE"); err != nil {
			fmt.Fprintln(os.Stderr, "availdemo:", err)
		}
	}
}
