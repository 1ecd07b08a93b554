package xmlsec

import (
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

// Root is the document's only root element.
func (d *Document) Root() Element { return Element{d, 0} }

// Raw returns the bytes that were scanned.
func (d *Document) Raw() []byte { return d.raw }

// ByID finds the element whose wsu:Id, Id, ID, AssertionID or xml:id is id; the zero Element when there is none.
func (d *Document) ByID(id string) Element {
	if i, ok := d.ids[id]; ok {
		return Element{d, i}
	}
	return Element{}
}

// DuplicateID returns an id that two elements carry, or "". The caller chooses the fault.
func (d *Document) DuplicateID() string { return d.twice }

// Element is a cursor into a Document, comparable by identity. The zero Element has no name, attributes or children.
type Element struct {
	doc *Document
	i   int32
}

// Attr is one attribute with its namespace resolved and its value normalized. Declarations are not among them.
type Attr struct{ Space, Local, Value string }

func (e Element) node() *node { return &e.doc.nodes[e.i] }

// IsZero tells whether e is no element.
func (e Element) IsZero() bool { return e.doc == nil }

// Document returns the document that e points into.
func (e Element) Document() *Document { return e.doc }

// Space is the namespace name.
func (e Element) Space() string {
	if e.doc == nil {
		return ""
	}
	return e.node().space
}

// Local is the local name.
func (e Element) Local() string {
	if e.doc == nil {
		return ""
	}
	return e.node().local
}

// Is compares both parts of the name.
func (e Element) Is(space, local string) bool {
	return e.doc != nil && e.node().local == local && e.node().space == space
}

// Attr returns an attribute without prefix; never a prefixed one of the same local name.
func (e Element) Attr(local string) (string, bool) { return e.AttrNS("", local) }

// AttrNS returns an attribute by namespace and local name.
func (e Element) AttrNS(space, local string) (string, bool) {
	if e.doc == nil {
		return "", false
	}
	for _, a := range e.attrs() {
		if a.local == local && a.space == space {
			return a.value, true
		}
	}
	return "", false
}

func (e Element) attrs() []attribute { return e.doc.attrs[e.node().attrs:e.node().attrsEnd] }

// Attrs returns all attributes.
func (e Element) Attrs() []Attr {
	if e.doc == nil {
		return nil
	}
	var out []Attr
	for _, a := range e.attrs() {
		out = append(out, Attr{a.space, a.local, a.value})
	}
	return out
}

// Parent is the element around e; zero for the root.
func (e Element) Parent() Element {
	if e.doc == nil || e.node().parent < 0 {
		return Element{}
	}
	return Element{e.doc, e.node().parent}
}

// Children yields the child elements in document order.
func (e Element) Children() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		if e.doc == nil {
			return
		}
		for i := e.node().first; i >= 0; i = e.doc.nodes[i].next {
			if !yield(Element{e.doc, i}) {
				return
			}
		}
	}
}

// Child returns the first child of that name; zero if there is none.
func (e Element) Child(space, local string) Element {
	for c := range e.Children() {
		if c.Is(space, local) {
			return c
		}
	}
	return Element{}
}

// Count counts the children of that name.
func (e Element) Count(space, local string) (n int) {
	for c := range e.Children() {
		if c.Is(space, local) {
			n++
		}
	}
	return n
}

// Only returns the one child of that name and refuses none and several.
func (e Element) Only(space, local string) (Element, error) {
	if n := e.Count(space, local); n != 1 {
		return Element{}, fmt.Errorf("element %s has %d children %s where one must be", e.Local(), n, local)
	}
	return e.Child(space, local), nil
}

// Text returns the decoded character data. It refuses child elements and comments, which could hide part of a value.
func (e Element) Text() (string, error) {
	if e.doc == nil {
		return "", nil
	}
	n := e.node()
	if n.first >= 0 || n.comment {
		return "", fmt.Errorf("element %s holds more than text", n.local)
	}
	raw := e.doc.text[n.inner:n.innerEnd]
	if !strings.ContainsAny(raw, "&\r<") {
		return raw, nil
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case '&':
			r, size, _ := reference(raw[i:])
			out = utf8.AppendRune(out, r)
			i += size
		case '\r':
			out = append(out, '\n')
			if i++; i < len(raw) && raw[i] == '\n' {
				i++
			}
		case '<': // only a CDATA section can be here
			end := i + strings.Index(raw[i:], "]]>")
			cdata := strings.ReplaceAll(raw[i+len("<![CDATA["):end], "\r\n", "\n")
			out = append(out, strings.ReplaceAll(cdata, "\r", "\n")...)
			i = end + 3
		default:
			out = append(out, c)
			i++
		}
	}
	return string(out), nil
}

// Outer returns the raw bytes from the start tag to the end tag.
func (e Element) Outer() []byte {
	if e.doc == nil {
		return nil
	}
	return e.doc.raw[e.node().start:e.node().end]
}

// Position is where the start tag begins; both count from 1, columns in characters.
func (e Element) Position() (line, column int) {
	if e.doc == nil {
		return 0, 0
	}
	return position(e.doc.raw, int(e.node().start))
}

// Namespace returns the namespace that prefix is bound to at e; "" is the default namespace.
func (e Element) Namespace(prefix string) (string, bool) {
	if e.doc == nil {
		return "", false
	}
	return e.doc.namespace(e.node().ns, prefix)
}

// AppendText appends s escaped as character data.
func AppendText(dst []byte, s string) []byte { return appendEscaped(dst, s, false) }

// AppendAttr appends s escaped for an attribute value in double quotes.
func AppendAttr(dst []byte, s string) []byte { return appendEscaped(dst, s, true) }

func appendEscaped(dst []byte, s string, attr bool) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '"' && attr:
			dst = append(dst, "&quot;"...)
		case r == '\r':
			dst = append(dst, "&#xD;"...)
		case attr && (r == '\n' || r == '\t'):
			dst = fmt.Appendf(dst, "&#x%X;", r)
		case r < 0x20 && r != '\n' && r != '\t', r == 0xFFFE, r == 0xFFFF, r == utf8.RuneError:
			dst = append(dst, "\uFFFD"...) // no character of XML 1.0
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
