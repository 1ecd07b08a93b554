// Package usage makes a command tree say in one sentence how a command is typed where cobra counts arguments, and refuse
// what cobra answers with its help and success.
package usage

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/fault"
)

// Strict changes the commands below cmd: a wrong number of arguments is answered with the right line, and an unknown
// subcommand is an error (fault.Invalid), so that a misspelt line in a script does not pass.
func Strict(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		Strict(c)
		switch {
		case c.HasSubCommands() && !c.Runnable():
			c.DisableFlagsInUseLine, c.SuggestionsMinimumDistance = true, 2 // what cobra itself takes at the root
			c.RunE = helpOnly
		case c.Args != nil:
			c.Args = sentence(c.Args)
		}
	}
}

func sentence(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		if len(args) == 0 {
			return fault.New(fault.Invalid, "an argument is missing: %s", cmd.UseLine())
		}
		return fault.New(fault.Invalid, "the arguments do not fit: %s", cmd.UseLine())
	}
}

func helpOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	text := ""
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		text = "; did you mean " + strings.Join(like, " or ") + "?"
	}
	return fault.New(fault.Invalid, "unknown command %q for %q%s", args[0], cmd.CommandPath(), text)
}
