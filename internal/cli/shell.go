package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/shell"
)

const (
	shellName = "shell"
	maxScript = 1 << 20 // bytes
)

// exitStatus ends the process with a status whose cause has been printed.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func shellCommand() *cobra.Command {
	var line, file string
	var keepGoing bool
	cmd := &cobra.Command{Use: shellName, Short: "Take lines as an Exchange administrator types and pastes them", Long: `Take lines as an Exchange administrator types and pastes them: cmdlets with their parameters, pipes between
them, ?{$_.Name -like "Con*"}, | fl and | ft; and every verb of availd in its own spelling.

On a terminal there is a prompt; lines that were pasted run when Enter is pressed. Otherwise standard input is read
as a file. The exit status is that of the first line that failed.`, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		s := newSession(cmd.Root().PersistentFlags(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		if cmd.Flags().Changed("command") {
			return s.script(cmd.Context(), "", line, keepGoing)
		}
		if f, ok := s.in.(*os.File); ok && file == "" && term.IsTerminal(int(f.Fd())) {
			return s.converse(cmd.Context(), newConsole(f, s.out))
		}
		name, text, err := readScript(s.in, file)
		if err != nil {
			return err
		}
		return s.script(cmd.Context(), name, text, keepGoing)
	}}
	cmd.Flags().StringVarP(&line, "command", "c", "", "run this line")
	cmd.Flags().StringVarP(&file, "file", "f", "", "run the lines of this file; - is standard input")
	cmd.Flags().BoolVar(&keepGoing, "keep-going", false, "run the other lines of a file where one fails")
	cmd.MarkFlagsMutuallyExclusive("command", "file")
	return cmd
}

func readScript(in io.Reader, path string) (name, text string, err error) {
	if name = path; path == "" || path == "-" {
		name = "standard input"
	} else {
		f, err := os.Open(path)
		if err != nil {
			return "", "", fault.New(fault.Invalid, "%v", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxScript+1))
	if err == nil && len(b) > maxScript {
		err = fault.New(fault.Invalid, "%s is longer than %d bytes", name, maxScript)
	}
	return name, string(b), err
}

// script runs statements one after the other and ends at the first that fails, unless keepGoing. name goes before the
// line's number in a complaint; empty: neither.
func (s *session) script(ctx context.Context, name, text string, keepGoing bool) error {
	first := 0
	for _, st := range shell.Lines(text) {
		if leaves(st.Text) || ctx.Err() != nil {
			break
		}
		where := ""
		if name != "" {
			where = fmt.Sprintf("%s:%d: ", name, st.Line)
		}
		if status := report(s.errOut, where, s.statement(ctx, st.Text)); status != 0 {
			if first == 0 {
				first = status
			}
			if !keepGoing {
				break
			}
		}
	}
	if first != 0 {
		return exitStatus(first)
	}
	return ctx.Err()
}

func leaves(line string) bool {
	return strings.EqualFold(line, "exit") || strings.EqualFold(line, "quit")
}

// lineReader is a terminal with line editing.
type lineReader interface {
	ReadLine() (string, error)
	SetPrompt(string)
}

const (
	prompt1 = "availd> "
	prompt2 = "     >> " // the statement goes on
)

// converse runs what is typed until the terminal ends. A line that goes on and lines that were pasted wait for the end
// of the statement: the whole is then run as a script.
func (s *session) converse(ctx context.Context, t lineReader) error {
	var pending []string
	for ctx.Err() == nil {
		t.SetPrompt(prompt1)
		if len(pending) > 0 {
			t.SetPrompt(prompt2)
		}
		line, err := t.ReadLine()
		pasted := err == term.ErrPasteIndicator //nolint:errorlint // returned as it is, as io.EOF by readers
		if err != nil && !pasted {
			if err == io.EOF { //nolint:errorlint // likewise
				return nil
			}
			return err
		}
		if len(pending) == 0 && leaves(strings.TrimSpace(line)) {
			return nil
		}
		pending = append(pending, line)
		if pasted || shell.Unfinished(line) {
			continue
		}
		_ = s.script(ctx, "", strings.Join(pending, "\n"), false) // it has said what was wrong
		pending = nil
	}
	return ctx.Err()
}

// console is the terminal, raw only while a line is edited, so that a verb prints and asks for passwords as always.
type console struct {
	*term.Terminal
	fd int
}

func newConsole(in *os.File, out io.Writer) *console {
	return &console{term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, prompt1), int(in.Fd())}
}

// ReadLine implements lineReader.
func (c *console) ReadLine() (string, error) {
	before, err := term.MakeRaw(c.fd)
	if err != nil {
		return "", err
	}
	c.SetBracketedPasteMode(true)
	if width, height, err := term.GetSize(c.fd); err == nil && width > 0 { // a serial line has no size
		_ = c.SetSize(width, height)
	}
	line, err := c.Terminal.ReadLine()
	c.SetBracketedPasteMode(false)
	if e := term.Restore(c.fd, before); e != nil && err == nil {
		err = e
	}
	return line, err
}
