package icalendar

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

const maxLine = 1 << 20 // bytes of one unfolded content line

// Property is one content line (RFC 5545 §3.1).
type Property struct {
	Name   string // upper case
	Value  string
	Line   int
	params []param
}

type param struct{ name, value string }

// Param returns the first value of a parameter, "" without it.
func (p *Property) Param(name string) string {
	for _, q := range p.params {
		if q.name == name {
			return q.value
		}
	}
	return ""
}

// lineReader unfolds content lines and keeps the bytes as they came.
type lineReader struct {
	r    *bufio.Reader
	line int
	peek []byte // the next physical line, read ahead
}

func newLineReader(r io.Reader, buffer int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, buffer)}
}

func (l *lineReader) physical() ([]byte, error) {
	if l.peek != nil {
		b := l.peek
		l.peek = nil
		return b, nil
	}
	var out []byte
	for {
		b, err := l.r.ReadSlice('\n')
		out = append(out, b...)
		if len(out) > maxLine {
			return nil, refuse(l.line+1, "the line is longer than %d bytes", maxLine)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if errors.Is(err, io.EOF) && len(out) > 0 {
			return out, nil
		}
		return out, err
	}
}

// next returns the raw bytes of one content line with its folds, and the unfolded text.
func (l *lineReader) next() (raw []byte, text string, at int, err error) {
	for {
		if raw, err = l.physical(); err != nil {
			return nil, "", l.line, err
		}
		l.line++
		if l.line == 1 {
			raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
		}
		if len(bytes.TrimSpace(raw)) > 0 {
			break
		}
	}
	at = l.line
	unfolded := bytes.Clone(bytes.TrimRight(raw, "\r\n"))
	for {
		more, err := l.physical()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", at, err
		}
		if more[0] != ' ' && more[0] != '\t' {
			l.peek = more
			break
		}
		l.line++
		raw = append(raw, more...)
		unfolded = append(unfolded, bytes.TrimRight(more[1:], "\r\n")...)
		if len(unfolded) > maxLine {
			return nil, "", at, refuse(at, "the line is longer than %d bytes", maxLine)
		}
	}
	if !utf8.Valid(unfolded) {
		return nil, "", at, refuse(at, "the line is not UTF-8")
	}
	return raw, string(unfolded), at, nil
}

// parseLine splits name, parameters and value (RFC 5545 §3.1).
func parseLine(text string, at int) (Property, error) {
	p := Property{Line: at}
	i := strings.IndexAny(text, ";:")
	if i <= 0 {
		return p, refuse(at, "%.40q is no property", text)
	}
	p.Name = strings.ToUpper(text[:i])
	for text[i] == ';' {
		text = text[i+1:]
		eq := strings.IndexByte(text, '=')
		if eq <= 0 {
			return p, refuse(at, "a parameter of %s has no value", p.Name)
		}
		name := strings.ToUpper(text[:eq])
		text = text[eq+1:]
		quoted := false
		for i = 0; i < len(text) && (quoted || text[i] != ';' && text[i] != ':'); i++ {
			if text[i] == '"' {
				quoted = !quoted
			}
		}
		if i == len(text) {
			return p, refuse(at, "the property %s has no value", p.Name)
		}
		p.params = append(p.params, param{name, strings.ReplaceAll(text[:i], `"`, "")})
		if len(p.params) > 64 {
			return p, refuse(at, "the property %s has more than 64 parameters", p.Name)
		}
	}
	p.Value = text[i+1:]
	return p, nil
}

// unescape reads a TEXT value (RFC 5545 §3.3.11).
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == 'n' || s[i] == 'N' {
				b.WriteByte('\n')
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
