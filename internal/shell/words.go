package shell

import "strings"

// Words splits a line that is no cmdlet as an ordinary shell would: at blanks, with quotes around words or parts of
// them. # at the beginning of a word begins a comment.
func Words(line string) ([]string, error) {
	var out []string
	var b strings.Builder
	begun := false // a word, maybe an empty one
	end := func() {
		if begun {
			out = append(out, b.String())
		}
		b.Reset()
		begun = false
	}
	var quote rune
	for _, r := range plain(line) {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			b.WriteRune(r)
		case r == '"' || r == '\'':
			quote, begun = r, true
		case r == ' ' || r == '\t':
			end()
		case r == '#' && !begun:
			return out, nil
		case r == '|' || r == ';':
			return nil, bad("a pipe stands between cmdlets such as Get-OrganizationRelationship; quote %c where a name has it", r)
		default:
			b.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return nil, &SyntaxError{"a " + string(quote) + " is not closed", line + string(quote)}
	}
	end()
	return out, nil
}
