package cli

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/shell"
)

// session runs lines in the administrator's tongue: each verb that a line becomes goes through the command tree, as if it
// had been typed in an ordinary shell.
type session struct {
	in          io.Reader
	out, errOut io.Writer
	globals     []string // flags for every verb, such as --database=…
	format      string   // of --output
}

// newSession takes over the global flags that were typed or set by the environment.
func newSession(global *pflag.FlagSet, in io.Reader, out, errOut io.Writer) *session {
	s := &session{in: in, out: out, errOut: errOut, format: formatTable}
	global.VisitAll(func(f *pflag.Flag) {
		switch {
		case !f.Changed:
		case f.Name == "output":
			s.format = f.Value.String()
		default:
			s.globals = append(s.globals, "--"+f.Name+"="+f.Value.String())
		}
	})
	return s
}

// cmdletIn finds a cmdlet in the words of an ordinary shell, behind global flags, and writes it as a line. One word with
// blanks is a line that was quoted as a whole, pipes and all. The session is nil where there is no cmdlet.
func cmdletIn(args []string, in io.Reader, out, errOut io.Writer) (s *session, line string, err error) {
	root := Root()
	global := root.PersistentFlags()
	global.SetInterspersed(false)
	if global.Parse(args) != nil || global.NArg() == 0 {
		return nil, "", nil //nolint:nilerr // the command tree says what is wrong
	}
	words := global.Args()
	if !isCmdlet(root, words[0]) {
		return nil, "", nil
	}
	if err := fromEnvironment(global); err != nil {
		return nil, "", err
	}
	s = newSession(global, in, out, errOut)
	if line = words[0]; len(words) > 1 {
		line = shell.FromArgs(words)
	}
	return s, line, checkFormat(s.format)
}

// isCmdlet tells whether a line begins with a cmdlet; test-user is a verb of our own.
func isCmdlet(root *cobra.Command, line string) bool {
	word := line
	if i := strings.IndexAny(line, " \t|;"); i >= 0 {
		word = line[:i]
	}
	return shell.IsCmdlet(word) && !slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == word })
}

// statement runs one statement: a pipeline of cmdlets, or a verb in its own spelling, with or without availd before it.
func (s *session) statement(ctx context.Context, text string) error {
	root := Root()
	if isCmdlet(root, text) {
		return s.pipeline(ctx, text)
	}
	words, err := shell.Words(text)
	if err != nil || len(words) == 0 {
		return err
	}
	if words[0] == root.Name() && len(words) > 1 {
		if words = words[1:]; isCmdlet(root, words[0]) {
			return s.pipeline(ctx, shell.FromArgs(words))
		}
	}
	if words[0] == shellName {
		return fault.New(fault.Invalid, "this is the shell already")
	}
	return s.run(ctx, words, s.format, s.out)
}

func (s *session) pipeline(ctx context.Context, line string) error {
	h := shell.Host{Run: s.run, Print: printObjects, Format: s.format, Out: s.out}
	return h.Line(ctx, line)
}

// run does one verb.
func (s *session) run(ctx context.Context, verb []string, format string, out io.Writer) error {
	cmd := Root()
	cmd.SetArgs(slices.Concat(s.globals, []string{"--output", format}, verb))
	cmd.SetIn(s.in)
	cmd.SetOut(out)
	cmd.SetErr(s.errOut)
	return cmd.ExecuteContext(ctx)
}

// piped is a value that came through a pipe: printed as text, kept as it was in JSON.
type piped shell.Property

func (p piped) String() string { return strings.Join(p.Values, ", ") }

func (p piped) MarshalJSON() ([]byte, error) { return json.Marshal(p.Raw) }

// tableColumns is how many properties of an object a table shows that were not asked for by name.
const tableColumns = 5

func printObjects(format string, objects []shell.Object, selected bool, out io.Writer) error {
	columns := tableColumns
	if selected {
		columns = 0
	}
	p := printerTo(out, format, columns)
	for _, o := range objects {
		properties := make([]property, len(o))
		for i, x := range o {
			properties[i] = property{x.Name, piped(x)}
		}
		p.add(properties)
	}
	return p.close()
}
