// Package walkthrough holds a test that types the walkthrough.
package walkthrough

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// block is one fenced block of commands, with what must be printed.
type block struct {
	line     int
	commands string
	fails    bool
	output   []string // lines in their order; others may stand between. … stands for anything
}

// read takes the blocks marked sh, "sh fails" and output out of a page.
func read(page []byte) (out []block) {
	lines := bufio.NewScanner(bytes.NewReader(page))
	var info string
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		fence, isFence := strings.CutPrefix(text, "```")
		switch {
		case isFence && info == "":
			if info = fence; strings.HasPrefix(info, "sh") {
				out = append(out, block{line: n, fails: info == "sh fails"})
			}
		case isFence:
			info = ""
		case strings.HasPrefix(info, "sh"):
			out[len(out)-1].commands += text + "\n"
		case info == "output" && strings.TrimSpace(text) != "":
			out[len(out)-1].output = append(out[len(out)-1].output, text)
		}
	}
	return out
}

// missing returns the first expected line that the output does not have after those before it.
func (b block) missing(output string) string {
	rest := strings.Split(output, "\n")
	for _, want := range b.output {
		parts := strings.Split(strings.Join(strings.Fields(want), " "), "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		pattern := regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
		for len(rest) > 0 && !pattern.MatchString(strings.Join(strings.Fields(rest[0]), " ")) {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return want
		}
		rest = rest[1:]
	}
	return ""
}

// shell is one bash that runs block after block.
type shell struct {
	in  io.Writer
	out *bufio.Reader
	dir string
}

func startShell(t *testing.T) *shell {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "./world.sh", "bash")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { write.CloseWithError(fmt.Errorf("the shell ended: %w", cmd.Wait())) }()
	t.Cleanup(func() { in.Close(); _, _ = io.Copy(io.Discard, read) })
	return &shell{in, bufio.NewReader(read), t.TempDir()}
}

const mark = "@@status "

// run types the commands of one block and returns what they print, together, and the exit status of the last one that failed, or
// 0.
func (s *shell) run(b block) (output, status string, err error) {
	file := filepath.Join(s.dir, "block.sh")
	if err := os.WriteFile(file, []byte(b.commands), 0o600); err != nil {
		return "", "", err
	}
	fmt.Fprintf(s.in, "status=0; trap 'status=$?' ERR; . %s </dev/null; trap - ERR; echo; echo %s$status\n", file, strings.ReplaceAll(mark, " ", `\ `))
	var all strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if after, ok := strings.CutPrefix(line, mark); ok {
			return all.String(), strings.TrimSpace(after), nil
		}
		if err != nil {
			return all.String(), "", err
		}
		all.WriteString(line)
	}
}

// TestEveryCommandOfTheWalkthroughDoesWhatThePageSays types the page into one shell, in the network of world.sh.
func TestEveryCommandOfTheWalkthroughDoesWhatThePageSays(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the binaries and takes half a minute")
	}
	if out, err := exec.CommandContext(t.Context(), "unshare", "--map-root-user", "--net", "--mount", "--pid", "--fork", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Skipf("no network of its own can be made here: %v %s", err, out)
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := read(page)
	if len(blocks) < 30 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	s := startShell(t)
	for _, b := range blocks {
		output, status, err := s.run(b)
		if err != nil {
			t.Fatalf("README.md:%d: %v\n%s", b.line, err, output)
		}
		if (status != "0") != b.fails {
			t.Fatalf("README.md:%d: exit status %s\n%s%s", b.line, status, b.commands, output)
		}
		if want := b.missing(output); want != "" {
			t.Fatalf("README.md:%d: %q is not printed\n%s%s", b.line, want, b.commands, output)
		}
	}
	t.Logf("%d blocks of commands", len(blocks))
}
