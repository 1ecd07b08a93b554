package xmlsec

import (
	"strings"
	"unicode/utf8"
)

// startTag reads one start or empty-element tag, resolves its namespaces and adds it to the index.
func (s *scanner) startTag(parent int32) (index int32, empty bool, err error) {
	if len(s.nodes) >= s.limits.Elements {
		return 0, false, s.fail("more than %d elements", s.limits.Elements)
	}
	start := s.pos
	s.pos++
	from, to, err := s.name("an element name")
	if err != nil {
		return 0, false, err
	}
	n := node{start: int32(start), name: int32(from), nameEnd: int32(to), parent: parent, first: -1, next: -1, last: -1,
		attrs: int32(len(s.attrs)), ns: -1}
	if parent >= 0 {
		n.ns = s.nodes[parent].ns
	}
	if empty, err = s.attributes(&n); err != nil {
		return 0, false, err
	}
	n.attrsEnd = int32(len(s.attrs))
	if err := s.resolve(&n); err != nil {
		return 0, false, err
	}
	n.inner = int32(s.pos)
	if empty {
		n.innerEnd, n.end = int32(s.pos), int32(s.pos)
	}
	index = int32(len(s.nodes))
	s.nodes = append(s.nodes, n)
	if parent >= 0 {
		p := &s.nodes[parent]
		if p.first < 0 {
			p.first = index
		} else {
			s.nodes[p.last].next = index
		}
		p.last = index
	}
	s.remember(index)
	return index, empty, nil
}

func (s *scanner) attributes(n *node) (empty bool, err error) {
	declared := 0
	for {
		spaced := s.skipSpace()
		switch {
		case s.has("/>"):
			s.pos += 2
			return true, nil
		case s.has(">"):
			s.pos++
			return false, nil
		case !spaced:
			return false, s.fail("white space, > or /> expected in the tag")
		}
		from, to, err := s.name("an attribute name")
		if err != nil {
			return false, err
		}
		value, err := s.attributeValue()
		if err != nil {
			return false, err
		}
		name := s.text[from:to]
		if name == "xmlns" || strings.HasPrefix(name, "xmlns:") {
			if declared++; declared > s.limits.Namespaces {
				return false, s.fail("more than %d namespace declarations on an element", s.limits.Namespaces)
			}
			if err := s.declare(n, strings.TrimPrefix(strings.TrimPrefix(name, "xmlns"), ":"), value, name == "xmlns", declared); err != nil {
				return false, err
			}
			continue
		}
		if len(s.attrs)-int(n.attrs) >= s.limits.Attributes {
			return false, s.fail("more than %d attributes on an element", s.limits.Attributes)
		}
		prefix, local, err := s.split(name)
		if err != nil {
			return false, err
		}
		s.attrs = append(s.attrs, attribute{local: local, prefix: prefix, value: value})
	}
}

// declare adds a namespace declaration (Namespaces in XML 1.0, sections 3 and 5).
func (s *scanner) declare(n *node, prefix, uri string, isDefault bool, declared int) error {
	switch {
	case !isDefault && (prefix == "" || strings.Contains(prefix, ":") || !nameStart(prefix)):
		return s.fail("the namespace prefix is malformed")
	case prefix == "xmlns" || uri == nsXMLNS:
		return s.fail("the xmlns namespace cannot be declared")
	case (prefix == "xml") != (uri == nsXML):
		return s.fail("the xml prefix cannot be rebound")
	case !isDefault && uri == "":
		return s.fail("the prefix %q is bound to no namespace", prefix)
	}
	for i, b := 1, n.ns; i < declared; i, b = i+1, s.bindings[b].below {
		if s.bindings[b].prefix == prefix {
			return s.fail("the namespace prefix %q is declared twice", prefix)
		}
	}
	s.bindings = append(s.bindings, binding{prefix, uri, n.ns})
	n.ns = int32(len(s.bindings) - 1)
	return nil
}

func nameStart(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r != ':' && isNameChar(r, true)
}

func (s *scanner) split(name string) (prefix, local string, err error) {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		return "", name, nil
	}
	if prefix == "" || local == "" || strings.Contains(local, ":") || !nameStart(local) {
		return "", "", s.fail("the name %q is not a qualified name", name)
	}
	return prefix, local, nil
}

func (d *Document) namespace(at int32, prefix string) (string, bool) {
	if prefix == "xml" {
		return nsXML, true
	}
	for ; at >= 0; at = d.bindings[at].below {
		if d.bindings[at].prefix == prefix {
			return d.bindings[at].uri, true
		}
	}
	return "", prefix == ""
}

// resolve gives the element and its attributes their namespaces and refuses an attribute that is there twice.
func (s *scanner) resolve(n *node) error {
	prefix, local, err := s.split(s.text[n.name:n.nameEnd])
	if err != nil {
		return err
	}
	space, ok := s.namespace(n.ns, prefix)
	if !ok || prefix == "xmlns" {
		return s.fail("the prefix %q is not declared", prefix)
	}
	n.space, n.local = space, local
	attrs := s.attrs[n.attrs:]
	for i := range attrs {
		a := &attrs[i]
		if a.prefix != "" {
			if a.space, ok = s.namespace(n.ns, a.prefix); !ok {
				return s.fail("the prefix %q is not declared", a.prefix)
			}
		}
		for _, b := range attrs[:i] {
			if b.local == a.local && b.space == a.space {
				return s.fail("the attribute %q is there twice", a.local)
			}
		}
	}
	return nil
}

func (s *scanner) attributeValue() (string, error) {
	s.skipSpace()
	if !s.has("=") {
		return "", s.fail("= expected after the attribute name")
	}
	s.pos++
	s.skipSpace()
	if s.pos >= len(s.raw) || s.raw[s.pos] != '"' && s.raw[s.pos] != '\'' {
		return "", s.fail("the attribute value is not quoted")
	}
	quote := s.raw[s.pos]
	s.pos++
	from, plain := s.pos, true
	for s.pos < len(s.raw) && s.raw[s.pos] != quote {
		switch c := s.raw[s.pos]; {
		case c == '<':
			return "", s.fail("< in an attribute value")
		case c == '&':
			_, n, ok := reference(s.text[s.pos:])
			if !ok {
				return "", s.fail("an entity or character reference is not allowed or malformed")
			}
			plain = false
			s.pos += n
		case c < 0x20:
			plain = false
			s.pos++
		default:
			s.pos++
		}
	}
	if s.pos >= len(s.raw) {
		return "", s.fail("the attribute value does not end")
	}
	to := s.pos
	s.pos++
	if plain {
		return s.text[from:to], nil
	}
	return string(normalizeAttr(s.text[from:to])), nil
}

// normalizeAttr is XML 1.0 section 3.3.3 for CDATA attributes, after the line ends of 2.11.
func normalizeAttr(raw string) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case '&':
			r, n, _ := reference(raw[i:])
			out = utf8.AppendRune(out, r)
			i += n
		case '\r':
			out = append(out, ' ')
			if i++; i < len(raw) && raw[i] == '\n' {
				i++
			}
		case '\n', '\t':
			out = append(out, ' ')
			i++
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}

// reference reads one of the five entities or a character reference (productions 66 to 68).
func reference(raw string) (r rune, n int, ok bool) {
	end := -1
	for i := 1; i < len(raw) && i < 14; i++ {
		if raw[i] == ';' {
			end = i
			break
		}
	}
	if end < 2 {
		return 0, 0, false
	}
	switch name := raw[1:end]; name {
	case "amp":
		return '&', end + 1, true
	case "lt":
		return '<', end + 1, true
	case "gt":
		return '>', end + 1, true
	case "quot":
		return '"', end + 1, true
	case "apos":
		return '\'', end + 1, true
	default:
		if name[0] != '#' {
			return 0, 0, false
		}
		r, ok = charReference(name[1:])
		return r, end + 1, ok
	}
}

func charReference(digits string) (rune, bool) {
	base := rune(10)
	if strings.HasPrefix(digits, "x") {
		base, digits = 16, digits[1:]
	}
	if digits == "" {
		return 0, false
	}
	var r rune
	for _, c := range []byte(digits) {
		var v rune
		switch {
		case c >= '0' && c <= '9':
			v = rune(c - '0')
		case base == 16 && c >= 'a' && c <= 'f':
			v = rune(c-'a') + 10
		case base == 16 && c >= 'A' && c <= 'F':
			v = rune(c-'A') + 10
		default:
			return 0, false
		}
		if r = r*base + v; r > utf8.MaxRune {
			return 0, false
		}
	}
	ok := r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
	return r, ok
}

// remember indexes the ids that signatures refer to.
func (s *scanner) remember(i int32) {
	n := &s.nodes[i]
	for _, a := range s.attrs[n.attrs:n.attrsEnd] {
		isID := a.space == "" && (a.local == "Id" || a.local == "ID" || a.local == "AssertionID") ||
			a.space == nsWSU && a.local == "Id" || a.space == nsXML && a.local == "id"
		if !isID {
			continue
		}
		if s.ids == nil {
			s.ids = map[string]int32{}
		}
		if old, ok := s.ids[a.value]; ok && old != i {
			s.twice = a.value
			continue
		}
		s.ids[a.value] = i
	}
}
