package xmlsec

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	nsXML   = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS = "http://www.w3.org/2000/xmlns/"
	nsWSU   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
)

// SyntaxError tells where the bytes stop being acceptable XML.
type SyntaxError struct {
	Line, Column int
	Reason       string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

type node struct {
	start, end          int32 // start tag to end tag
	inner, innerEnd     int32
	name, nameEnd       int32
	space               string
	local               string
	parent, first, next int32 // -1 none
	last                int32 // last child, while scanning
	attrs, attrsEnd     int32
	ns                  int32 // innermost binding in scope, -1 none
	comment             bool  // a comment lies directly inside
}

type attribute struct {
	space, local, prefix string
	value                string
}

type binding struct {
	prefix, uri string
	below       int32 // the binding underneath, -1 none
}

// Document is the flat index of one strict scan; it keeps the raw bytes. It is immutable.
type Document struct {
	raw      []byte
	text     string // raw once more: names and values are cut from it without a copy each
	nodes    []node
	attrs    []attribute
	bindings []binding
	ids      map[string]int32
	twice    string
}

type scanner struct {
	*Document
	limits Limits
	pos    int
}

// Scan reads raw strictly, in one pass: one root, UTF-8, XML 1.0, no DTD, no processing instruction but the
// declaration, no undeclared prefix, no attribute twice. It accepts nothing that libxml2 refuses. The caps of l are
// checked as the bytes go by. The error is a *SyntaxError.
func Scan(raw []byte, l Limits) (*Document, error) {
	s := &scanner{Document: &Document{raw: raw}, limits: l}
	if len(raw) > l.Bytes {
		return nil, s.fail("document of %d bytes is longer than %d", len(raw), l.Bytes)
	}
	s.text = string(raw)
	if err := s.checkBytes(); err != nil {
		return nil, err
	}
	s.nodes = make([]node, 0, min(len(raw)/40+8, l.Elements+1))
	if err := s.document(); err != nil {
		return nil, err
	}
	return s.Document, nil
}

func (s *scanner) fail(format string, args ...any) *SyntaxError {
	line, column := position(s.raw, s.pos)
	return &SyntaxError{line, column, fmt.Sprintf(format, args...)}
}

func position(raw []byte, at int) (line, column int) {
	line, column = 1, 1
	for _, c := range raw[:min(at, len(raw))] {
		if c == '\n' {
			line++
			column = 1
		} else if c&0xC0 != 0x80 {
			column++
		}
	}
	return line, column
}

// checkBytes refuses what is no character of XML 1.0 (production 2) in UTF-8.
func (s *scanner) checkBytes() error {
	for i := 0; i < len(s.raw); {
		c := s.raw[i]
		if c < utf8.RuneSelf {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
				s.pos = i
				return s.fail("control character 0x%02X", c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(s.raw[i:])
		if r == utf8.RuneError && n <= 1 || r == 0xFFFE || r == 0xFFFF {
			s.pos = i
			return s.fail("bytes are not UTF-8 characters of XML 1.0")
		}
		i += n
	}
	return nil
}

func (s *scanner) has(t string) bool {
	return len(s.raw)-s.pos >= len(t) && string(s.raw[s.pos:s.pos+len(t)]) == t
}

func (s *scanner) skipSpace() bool {
	from := s.pos
	for s.pos < len(s.raw) && isSpace(s.raw[s.pos]) {
		s.pos++
	}
	return s.pos > from
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (s *scanner) document() error {
	if s.has("\ufeff") {
		s.pos += 3
	}
	if s.has("<?xml") && s.pos+5 < len(s.raw) && isSpace(s.raw[s.pos+5]) {
		if err := s.declaration(); err != nil {
			return err
		}
	}
	if err := s.misc(); err != nil {
		return err
	}
	if !s.has("<") || s.has("</") {
		return s.fail("the root element is missing")
	}
	if err := s.elements(); err != nil {
		return err
	}
	if err := s.misc(); err != nil {
		return err
	}
	if s.pos != len(s.raw) {
		return s.fail("content after the root element")
	}
	return nil
}

// misc passes white space and comments outside the root.
func (s *scanner) misc() error {
	for {
		s.skipSpace()
		switch {
		case s.has("<!--"):
			if err := s.comment(); err != nil {
				return err
			}
		case s.has("<!"):
			return s.fail("a document type or other declaration is not allowed")
		case s.has("<?"):
			return s.fail("a processing instruction is not allowed")
		default:
			return nil
		}
	}
}

// declaration reads <?xml version="1.0" encoding="utf-8" standalone="yes|no"?> (productions 23 to 32, 80, 81).
func (s *scanner) declaration() error {
	end := strings.Index(string(s.raw[s.pos:min(len(s.raw), s.pos+200)]), "?>")
	if end < 0 {
		return s.fail("the XML declaration does not end")
	}
	fields := string(s.raw[s.pos+5 : s.pos+end])
	stage := 0
	for {
		trimmed := strings.TrimLeft(fields, " \t\r\n")
		if trimmed == "" {
			break
		}
		if trimmed == fields {
			return s.fail("the XML declaration is malformed")
		}
		name, rest, ok := strings.Cut(trimmed, "=")
		name, rest = strings.TrimRight(name, " \t\r\n"), strings.TrimLeft(rest, " \t\r\n")
		if !ok || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
			return s.fail("the XML declaration is malformed")
		}
		value, after, ok := strings.Cut(rest[1:], rest[:1])
		if !ok {
			return s.fail("the XML declaration is malformed")
		}
		switch {
		case name == "version" && stage == 0 && value == "1.0":
			stage = 1
		case name == "encoding" && stage == 1 && strings.EqualFold(value, "utf-8"):
			stage = 2
		case name == "standalone" && (stage == 1 || stage == 2) && (value == "yes" || value == "no"):
			stage = 3
		default:
			return s.fail("the XML declaration must say version 1.0 and UTF-8")
		}
		fields = after
	}
	if stage == 0 {
		return s.fail("the XML declaration has no version")
	}
	s.pos += end + 2
	return nil
}

func (s *scanner) comment() error {
	if !s.limits.CommentsAllowed {
		return s.fail("a comment is not allowed")
	}
	body := s.raw[s.pos+4:] // never copied: a thousand small comments must not cost a thousand documents
	end := bytes.Index(body, []byte("--"))
	if end < 0 || end+2 >= len(body) || body[end+2] != '>' {
		return s.fail("the comment does not end properly")
	}
	s.pos += 4 + end + 3
	return nil
}

// elements reads the root and everything in it without recursion.
func (s *scanner) elements() error {
	open, depth := int32(-1), 0
	for {
		switch {
		case s.pos >= len(s.raw):
			return s.fail("the document ends inside an element")
		case s.raw[s.pos] != '<':
			if err := s.characters(); err != nil {
				return err
			}
		case s.has("</"):
			if err := s.endTag(open); err != nil {
				return err
			}
			open = s.nodes[open].parent
			depth--
			if open < 0 {
				return nil
			}
		case s.has("<!--"):
			if err := s.comment(); err != nil {
				return err
			}
			s.nodes[open].comment = true
		case s.has("<![CDATA["):
			end := bytes.Index(s.raw[s.pos:], []byte("]]>"))
			if end < 0 {
				return s.fail("the CDATA section does not end")
			}
			s.pos += end + 3
		case s.has("<!"):
			return s.fail("a declaration is not allowed")
		case s.has("<?"):
			return s.fail("a processing instruction is not allowed")
		default:
			if depth++; depth > s.limits.Depth {
				return s.fail("elements are nested deeper than %d", s.limits.Depth)
			}
			i, empty, err := s.startTag(open)
			if err != nil {
				return err
			}
			if !empty {
				open = i
				continue
			}
			if depth--; open < 0 {
				return nil
			}
		}
	}
}

// characters passes character data up to the next markup.
func (s *scanner) characters() error {
	for s.pos < len(s.raw) {
		switch s.raw[s.pos] {
		case '<':
			return nil
		case '&':
			_, n, ok := reference(s.text[s.pos:])
			if !ok {
				return s.fail("an entity or character reference is not allowed or malformed")
			}
			s.pos += n
		case ']':
			if s.has("]]>") {
				return s.fail("]]> in character data")
			}
			s.pos++
		default:
			s.pos++
		}
	}
	return nil
}

func (s *scanner) name(what string) (from, to int, err error) {
	from = s.pos
	first := true
	for s.pos < len(s.raw) {
		r, n := rune(s.raw[s.pos]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(s.raw[s.pos:])
		}
		if !isNameChar(r, first) {
			break
		}
		first = false
		s.pos += n
		if s.pos-from > s.limits.NameBytes {
			return 0, 0, s.fail("a name is longer than %d bytes", s.limits.NameBytes)
		}
	}
	if s.pos == from {
		return 0, 0, s.fail("%s expected", what)
	}
	return from, s.pos, nil
}

// isNameChar is productions 4 and 4a of XML 1.0, fifth edition.
func isNameChar(r rune, first bool) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r == ':':
		return true
	case r >= '0' && r <= '9', r == '-', r == '.', r == 0xB7, r >= 0x300 && r <= 0x36F, r >= 0x203F && r <= 0x2040:
		return !first
	case r < 0xC0:
		return false
	}
	return r >= 0xC0 && r <= 0xD6 || r >= 0xD8 && r <= 0xF6 || r >= 0xF8 && r <= 0x2FF || r >= 0x370 && r <= 0x37D ||
		r >= 0x37F && r <= 0x1FFF || r >= 0x200C && r <= 0x200D || r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF ||
		r >= 0x3001 && r <= 0xD7FF || r >= 0xF900 && r <= 0xFDCF || r >= 0xFDF0 && r <= 0xFFFD || r >= 0x10000 && r <= 0xEFFFF
}

func (s *scanner) endTag(open int32) error {
	n := &s.nodes[open]
	want := s.raw[n.name:n.nameEnd]
	at := s.pos
	s.pos += 2
	if len(s.raw)-s.pos < len(want) || string(s.raw[s.pos:s.pos+len(want)]) != string(want) {
		return s.fail("the end tag does not match the element")
	}
	s.pos += len(want)
	s.skipSpace()
	if !s.has(">") {
		return s.fail("the end tag does not match the element")
	}
	s.pos++
	n.innerEnd, n.end = int32(at), int32(s.pos)
	return nil
}
