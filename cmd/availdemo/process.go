package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is one running binary; its standard error is its log.
type process struct {
	name, log string
	cmd       *exec.Cmd
	done      chan error
	signal    os.Signal // by which it is asked to end
}

// binary finds a binary beside this one, or builds it.
func (d *demo) binary(ctx context.Context, name string) (string, error) {
	if self, err := os.Executable(); err == nil {
		path := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	path := filepath.Join(d.dir, "bin", name)
	fmt.Printf("Building %s (the first time takes a minute)\n", name)
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/availd/availd/cmd/"+name).CombinedOutput() //nolint:gosec // our own packages
	if err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return path, nil
}

// freePorts finds n ports that nobody listens on, below those that the system gives to outgoing connections: a server
// needs its port in its certificates and settings before it starts, and nobody may take it in the meantime.
func freePorts(n int) ([]int, error) {
	const first, last = 20_000, 32_000
	var ports []int
	for range last - first {
		port := first + rand.IntN(last-first)
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // ends at once
		if err != nil || slices.Contains(ports, port) {
			continue
		}
		ln.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("no free ports were found between 20000 and 32000")
}

// start runs a binary and waits until it accepts connections.
func (d *demo) start(name string, port int, path string, args ...string) (*process, error) {
	return d.run(name, exec.Command(path, args...), func() bool { //nolint:gosec,noctx // our own binary, stopped by signal
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// run starts a command in a process group of its own, so that Ctrl-C reaches the demo only and it ends them in order,
// and waits until it is up. It dies with the demo.
func (d *demo) run(name string, cmd *exec.Cmd, up func() bool) (*process, error) {
	p := &process{name: name, log: filepath.Join(d.dir, name+".log"), cmd: cmd, done: make(chan error, 1), signal: syscall.SIGTERM}
	f, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.Stderr, cmd.Stdout = f, f
	cmd.SysProcAttr.Pdeathsig, cmd.SysProcAttr.Setpgid = syscall.SIGTERM, true
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- cmd.Wait() }()
	d.running = append(d.running, p)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-p.done:
			p.cmd = nil
			b, _ := os.ReadFile(p.log)
			return nil, fmt.Errorf("%s ended: %w\n%s", name, err, b)
		default:
		}
		if up() {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s was not up within 20 s", name)
}

func (p *process) stop() {
	if p == nil || p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(p.signal)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	p.cmd = nil
}

func (d *demo) stop() {
	if len(d.schemas) > 0 && d.temporary {
		defer d.dropSchemas()
	}
	for i := len(d.running) - 1; i >= 0; i-- { // the database last
		d.running[i].stop()
	}
}

// typed prints a command as an administrator would type it, and runs it.
func (d *demo) typed(ctx context.Context, path string, args ...string) (string, error) {
	shown := []string{filepath.Base(path)}
	for _, a := range args {
		if strings.ContainsAny(a, " \"") || a == "" {
			a = "'" + a + "'"
		}
		shown = append(shown, strings.ReplaceAll(a, d.dir+"/", ""))
	}
	fmt.Println("  $", strings.Join(shown, " "))
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // our own binaries
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(shown, " "), err, errOut.String())
	}
	return out.String(), nil
}

func httpsClient(caFile string) (*http.Client, error) {
	pool, err := certPool(caFile)
	if err != nil {
		return nil, err
	}
	return &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{TLSClientConfig: pool}}, nil
}

var errNoRecord = errors.New("no request record was written")
