package xmlsec

import (
	"bytes"
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
	return canonicalizeWithout(e, Element{}), nil
}

// canonicalizeWithout leaves out the subtree of skip: the enveloped-signature transform.
func canonicalizeWithout(e, skip Element) []byte {
	c := &canonicalizer{d: e.doc, skip: -1, out: make([]byte, 0, int(e.node().end-e.node().start)+256)}
	if skip.doc == e.doc {
		c.skip = skip.i
	}
	c.element(e.i)
	return c.out
}

// rendered is a namespace declaration written by an ancestor of the element at hand.
type rendered struct{ prefix, uri string }

type canonicalizer struct {
	d     *Document
	skip  int32
	out   []byte
	stack []rendered
}

// element recurses no deeper than the scan's depth cap.
func (c *canonicalizer) element(i int32) {
	n := &c.d.nodes[i]
	mark := len(c.stack)
	name := c.d.raw[n.name:n.nameEnd]
	c.out = append(append(c.out, '<'), name...)
	c.declarations(n)
	c.attributes(n)
	c.out = append(c.out, '>')
	c.content(n)
	c.out = append(append(append(c.out, '<', '/'), name...), '>')
	c.stack = c.stack[:mark]
}

// declarations writes the visibly utilized namespaces that no output ancestor has written with the same value.
func (c *canonicalizer) declarations(n *node) {
	var used []rendered
	use := func(prefix, uri string) {
		if prefix == "xml" || slices.ContainsFunc(used, func(r rendered) bool { return r.prefix == prefix }) {
			return
		}
		current, known := "", prefix == "" // no declaration at all equals xmlns=""
		for _, r := range slices.Backward(c.stack) {
			if r.prefix == prefix {
				current, known = r.uri, true
				break
			}
		}
		if !known || current != uri {
			used = append(used, rendered{prefix, uri})
		}
	}
	use(prefixOf(c.d.raw[n.name:n.nameEnd]), n.space)
	for _, a := range c.d.attrs[n.attrs:n.attrsEnd] {
		if a.prefix != "" {
			use(a.prefix, a.space)
		}
	}
	slices.SortFunc(used, func(a, b rendered) int { return strings.Compare(a.prefix, b.prefix) })
	for _, r := range used {
		c.out = append(c.out, " xmlns"...)
		if r.prefix != "" {
			c.out = append(append(c.out, ':'), r.prefix...)
		}
		c.out = append(canonicalAttr(append(c.out, '=', '"'), r.uri), '"')
	}
	c.stack = append(c.stack, used...)
}

func prefixOf(name []byte) string {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return string(name[:i])
	}
	return ""
}

// attributes writes them by namespace, then local name (Canonical XML 1.0, section 2.2).
func (c *canonicalizer) attributes(n *node) {
	attrs := slices.Clone(c.d.attrs[n.attrs:n.attrsEnd])
	slices.SortFunc(attrs, func(a, b attribute) int {
		if d := strings.Compare(a.space, b.space); d != 0 {
			return d
		}
		return strings.Compare(a.local, b.local)
	})
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
func (c *canonicalizer) content(n *node) {
	at, child := n.inner, n.first
	for at < n.innerEnd {
		until := n.innerEnd
		if child >= 0 {
			until = c.d.nodes[child].start
		}
		c.text(c.d.raw[at:until])
		at = until
		if child >= 0 {
			if child != c.skip {
				c.element(child)
			}
			at = c.d.nodes[child].end
			child = c.d.nodes[child].next
		}
	}
}

func (c *canonicalizer) text(raw []byte) {
	for len(raw) > 0 {
		switch {
		case bytes.HasPrefix(raw, []byte("<!--")):
			raw = raw[bytes.Index(raw, []byte("-->"))+3:]
		case bytes.HasPrefix(raw, []byte("<![CDATA[")):
			end := bytes.Index(raw, []byte("]]>"))
			c.out = canonicalText(c.out, lineEnds(string(raw[9:end])))
			raw = raw[end+3:]
		case raw[0] == '&':
			r, n, _ := reference(raw)
			c.out = canonicalText(c.out, string(r))
			raw = raw[n:]
		default:
			end := bytes.IndexAny(raw, "<&")
			if end < 0 {
				end = len(raw)
			}
			c.out = canonicalText(c.out, lineEnds(string(raw[:end])))
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
