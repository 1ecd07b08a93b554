package shell

import (
	"fmt"
	"strings"
	"unicode"
)

type kind uint8

const (
	word      kind = iota // a bare or quoted string
	parameter             // -Name or -Name:
	pipe
	comma
	open // @{
	shut // }
	separator
	filter // ?{ … } or Where-Object { … }: text holds what is between the braces
)

// token is one lexical element; at and end are its place in the line, in bytes.
type token struct {
	kind    kind
	text    string
	colon   bool // a parameter that ends with a colon: its value follows at once
	quoted  bool
	at, end int
}

// SyntaxError is a line that cannot be understood. Corrected is the line as it was probably meant, "" where that is
// anybody's guess.
type SyntaxError struct {
	Reason    string
	Corrected string
}

func (e *SyntaxError) Error() string {
	if e.Corrected == "" {
		return e.Reason
	}
	return e.Reason + "\ndid you mean:\n  " + e.Corrected
}

func bad(format string, args ...any) *SyntaxError {
	return &SyntaxError{Reason: fmt.Sprintf(format, args...)}
}

// Dashes and quotes that word processors and blogs put in place of the ones that were typed. PowerShell takes most of
// them for what they mean, too.
func isDash(r rune) bool { return strings.ContainsRune("-‐‑‒–—―−", r) }

func isDouble(r rune) bool { return strings.ContainsRune("\"“”„‟«»″", r) }

func isSingle(r rune) bool { return strings.ContainsRune("'‘’‚‛′", r) }

// plain writes a line with the characters of a keyboard.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case isDash(r):
			return '-'
		case isDouble(r):
			return '"'
		case isSingle(r):
			return '\''
		case r == '\u00a0' || r == '\u202f' || r == '\u2009':
			return ' '
		case r == '\u200b' || r == '\ufeff' || r == '\u00ad':
			return -1
		}
		return r
	}, s)
}

// lex splits one line, already plain.
func lex(line string) ([]token, error) {
	var out []token
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#':
			return out, nil
		case c == '|':
			out = append(out, token{kind: pipe, text: "|", at: i, end: i + 1})
			i++
		case c == ',':
			out = append(out, token{kind: comma, text: ",", at: i, end: i + 1})
			i++
		case c == ';':
			out = append(out, token{kind: separator, text: ";", at: i, end: i + 1})
			i++
		case c == '}':
			out = append(out, token{kind: shut, text: "}", at: i, end: i + 1})
			i++
		case strings.HasPrefix(line[i:], "@{"):
			out = append(out, token{kind: open, text: "@{", at: i, end: i + 2})
			i += 2
		case c == '?' || c == '{':
			t, err := lexFilter(line, i)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
			i = t.end
		case c == '-' && i+1 < len(line) && unicode.IsLetter(rune(line[i+1])):
			t := lexParameter(line, i)
			out = append(out, t)
			i = t.end
		default:
			t, err := lexWord(line, i)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
			i = t.end
		}
	}
	return out, nil
}

func lexParameter(line string, at int) token {
	end := at + 1
	for end < len(line) && (line[end] >= 'a' && line[end] <= 'z' || line[end] >= 'A' && line[end] <= 'Z' || line[end] >= '0' && line[end] <= '9') {
		end++
	}
	t := token{kind: parameter, text: line[at+1 : end], at: at, end: end}
	if end < len(line) && line[end] == ':' {
		t.colon, t.end = true, end+1
	}
	return t
}

// lexFilter takes ?{ … } or { … } whole.
func lexFilter(line string, at int) (token, error) {
	begin := strings.IndexByte(line[at:], '{')
	if begin < 0 || strings.TrimSpace(strings.TrimPrefix(line[at:at+begin], "?")) != "" {
		return token{}, bad("%q is not understood", line[at:])
	}
	begin += at + 1
	length := strings.IndexByte(line[begin:], '}')
	if length < 0 {
		return token{}, &SyntaxError{"the filter is not closed with }", line + "}"}
	}
	return token{kind: filter, text: strings.TrimSpace(line[begin : begin+length]), at: at, end: begin + length + 1}, nil
}

// lexWord takes a bare word, in which quotes may stand, up to a blank or an operator.
func lexWord(line string, at int) (token, error) {
	t := token{kind: word, at: at}
	var b strings.Builder
	i := at
	for i < len(line) && !strings.ContainsRune(" \t\r|,;}", rune(line[i])) {
		if q := line[i]; q == '"' || q == '\'' {
			end := strings.IndexByte(line[i+1:], q)
			if end < 0 {
				return t, &SyntaxError{"a quotation mark is not closed", line + string(q)}
			}
			b.WriteString(line[i+1 : i+1+end])
			i += end + 2
			t.quoted = true
			continue
		}
		b.WriteByte(line[i])
		i++
	}
	t.text, t.end = b.String(), i
	return t, nil
}
