package xmlsec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Canonicalize is exclusive canonicalization 1.0 without comments of e in its context
// (http://www.w3.org/2001/10/xml-exc-c14n#). prefixList is the InclusiveNamespaces list; it is refused when not empty.
//
// It works on the index of the scan, so what is digested is what was scanned, with the caps of that scan.
func Canonicalize(e Element, prefixList ...string) ([]byte, error) {
	if len(prefixList) > 0 {
		return nil, fmt.Errorf("an inclusive namespace list of %d prefixes is not supported", len(prefixList))
	}
	return canonicalizeWithout(e, Element{})
}

// errAmplified says that a canonical form outgrew its document: a long namespace name that each of many siblings must
// repeat (exc-c14n renders it wherever it is visibly utilized) would turn some kilobytes into gigabytes.
var errAmplified = errors.New("the canonical form is much longer than the document")

// maxCanonical bounds the canonical form of anything in a document of n bytes. Escaping makes a byte six at most, and
// only quotation marks; envelopes and tokens stay below twice their length.
func maxCanonical(n int) int { return 8*n + 4096 }

// canonicalizeWithout leaves out the subtree of skip: the enveloped-signature transform.
func canonicalizeWithout(e, skip Element) ([]byte, error) {
	c := &canonicalizer{d: e.doc, skip: -1, max: maxCanonical(len(e.doc.raw)), stack: make([]rendered, 0, 8), out: make([]byte, 0, int(e.node().end-e.node().start)+256)}
	if skip.doc == e.doc {
		c.skip = skip.i
	}
	if !c.element(e.i) {
		return nil, errAmplified
	}
	return c.out, nil
}

// rendered is a namespace declaration written by an ancestor of the element at hand.
type rendered struct{ prefix, uri string }

type canonicalizer struct {
	d     *Document
	skip  int32
	max   int
	out   []byte
	stack []rendered
}

// element recurses no deeper than the scan's depth cap; false means that the output is too long.
func (c *canonicalizer) element(i int32) bool {
	n := &c.d.nodes[i]
	mark := len(c.stack)
	name := c.d.raw[n.name:n.nameEnd]
	c.out = append(append(c.out, '<'), name...)
	c.declarations(n)
	c.attributes(n)
	c.out = append(c.out, '>')
	if !c.content(n) {
		return false
	}
	c.out = append(append(append(c.out, '<', '/'), name...), '>')
	c.stack = c.stack[:mark]
	return len(c.out) <= c.max
}

// declarations writes the visibly utilized namespaces that no output ancestor has written with the same value.
func (c *canonicalizer) declarations(n *node) {
	mark := len(c.stack)
	c.use(mark, prefixOf(c.d.text[n.name:n.nameEnd]), n.space)
	for _, a := range c.d.attrs[n.attrs:n.attrsEnd] {
		if a.prefix != "" {
			c.use(mark, a.prefix, a.space)
		}
	}
	used := c.stack[mark:]
	if len(used) > 1 {
		slices.SortFunc(used, func(a, b rendered) int { return strings.Compare(a.prefix, b.prefix) })
	}
	for _, r := range used {
		c.out = append(c.out, " xmlns"...)
		if r.prefix != "" {
			c.out = append(append(c.out, ':'), r.prefix...)
		}
		c.out = append(canonicalAttr(append(c.out, '=', '"'), r.uri), '"')
	}
}

// use puts a declaration on the stack unless an ancestor, or this element (from mark on), has it.
func (c *canonicalizer) use(mark int, prefix, uri string) {
	if prefix == "xml" {
		return
	}
	current, known := "", prefix == "" // no declaration at all equals xmlns=""
	for i := len(c.stack) - 1; i >= 0; i-- {
		if c.stack[i].prefix == prefix {
			if i >= mark {
				return
			}
			current, known = c.stack[i].uri, true
			break
		}
	}
	if !known || current != uri {
		c.stack = append(c.stack, rendered{prefix, uri})
	}
}

func prefixOf(name string) string {
	prefix, _, ok := strings.Cut(name, ":")
	if !ok {
		return ""
	}
	return prefix
}

// attributes writes them by namespace, then local name (Canonical XML 1.0, section 2.2).
func (c *canonicalizer) attributes(n *node) {
	attrs := c.d.attrs[n.attrs:n.attrsEnd]
	if len(attrs) > 1 {
		attrs = slices.Clone(attrs)
		slices.SortFunc(attrs, func(a, b attribute) int {
			if d := strings.Compare(a.space, b.space); d != 0 {
				return d
			}
			return strings.Compare(a.local, b.local)
		})
	}
	for _, a := range attrs {
		c.out = append(c.out, ' ')
		if a.prefix != "" {
			c.out = append(append(c.out, a.prefix...), ':')
		}
		c.out = append(append(c.out, a.local...), '=', '"')
		c.out = append(canonicalAttr(c.out, a.value), '"')
	}
}

func canonicalAttr(dst []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '"':
			dst = append(dst, "&quot;"...)
		case '\t':
			dst = append(dst, "&#x9;"...)
		case '\n':
			dst = append(dst, "&#xA;"...)
		case '\r':
			dst = append(dst, "&#xD;"...)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

func canonicalText(dst []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '\r':
			dst = append(dst, "&#xD;"...)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// content writes text and child elements; comments are left out, CDATA sections become text.
func (c *canonicalizer) content(n *node) bool {
	at, child := n.inner, n.first
	for at < n.innerEnd {
		until := n.innerEnd
		if child >= 0 {
			until = c.d.nodes[child].start
		}
		c.text(c.d.text[at:until])
		at = until
		if child >= 0 {
			if child != c.skip && !c.element(child) {
				return false
			}
			at = c.d.nodes[child].end
			child = c.d.nodes[child].next
		}
	}
	return true
}

func (c *canonicalizer) text(raw string) {
	for len(raw) > 0 {
		switch {
		case strings.HasPrefix(raw, "<!--"):
			raw = raw[strings.Index(raw, "-->")+3:]
		case strings.HasPrefix(raw, "<![CDATA["):
			end := strings.Index(raw, "]]>")
			c.out = canonicalText(c.out, lineEnds(raw[9:end]))
			raw = raw[end+3:]
		case raw[0] == '&':
			r, n, _ := reference(raw)
			c.out = canonicalText(c.out, string(r))
			raw = raw[n:]
		default:
			end := strings.IndexAny(raw, "<&")
			if end < 0 {
				end = len(raw)
			}
			c.out = canonicalText(c.out, lineEnds(raw[:end]))
			raw = raw[end:]
		}
	}
}

// lineEnds is XML 1.0 section 2.11.
func lineEnds(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
