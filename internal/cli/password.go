package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/availd/availd/internal/fault"
)

func passwordFlags(cmd *cobra.Command) {
	cmd.Flags().String("password-file", "", "file that holds the password")
	cmd.Flags().Bool("password-stdin", false, "read the password from standard input")
	cmd.MarkFlagsMutuallyExclusive("password-file", "password-stdin")
}

// typedPassword reads a password from a file or standard input; a flag would show it in the list of processes. It is nil
// where neither was named.
func typedPassword(cmd *cobra.Command) (*string, error) {
	path, _ := cmd.Flags().GetString("password-file")
	stdin, _ := cmd.Flags().GetBool("password-stdin")
	var b []byte
	var err error
	switch {
	case path != "":
		b, err = os.ReadFile(path)
	case stdin:
		b, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), 4096))
	default:
		return nil, nil //nolint:nilnil // nothing was given
	}
	if err != nil {
		return nil, err
	}
	p := strings.TrimRight(string(b), "\r\n")
	return &p, nil
}

// newPassword is typedPassword, or asks twice where --password was given.
func newPassword(cmd *cobra.Command) (*string, error) {
	p, err := typedPassword(cmd)
	if ask, _ := cmd.Flags().GetBool("password"); !ask || p != nil || err != nil {
		return p, err
	}
	first, err := prompt(cmd, "Password: ")
	if err != nil {
		return nil, err
	}
	second, err := prompt(cmd, "Again: ")
	if err != nil {
		return nil, err
	}
	if first != second {
		return nil, fault.New(fault.Invalid, "the two passwords differ")
	}
	return &first, nil
}

// prompt asks on the terminal without echo.
func prompt(cmd *cobra.Command, question string) (string, error) {
	f, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", fault.New(fault.Invalid, "standard input is no terminal to ask for a password; give --password-file or --password-stdin")
	}
	fmt.Fprint(cmd.ErrOrStderr(), question)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(cmd.ErrOrStderr())
	return string(b), err
}
