package soap

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/xmlsec"
)

// Parse scans raw under l and checks the envelope's shape: one Header at most, then one Body with at most one child.
// Header blocks with mustUnderstand must be of WS-Addressing or WS-Security or be named by understood (which may be
// nil). Errors are *fault.Error of kind MalformedXML, SchemaValidation, VersionMismatch or MustUnderstand.
func Parse(raw []byte, v Version, l xmlsec.Limits, understood func(space, local string) bool) (*Envelope, error) {
	doc, err := xmlsec.Scan(raw, l)
	if err != nil {
		e := fault.Because(fault.MalformedXML, err)
		if s, ok := errors.AsType[*xmlsec.SyntaxError](err); ok {
			e.Line, e.Col = s.Line, s.Column
		}
		return nil, e
	}
	env := &Envelope{Version: v, Doc: doc}
	root, ns := doc.Root(), v.Namespace()
	if !root.Is(ns, "Envelope") {
		if root.Local() == "Envelope" && (root.Space() == NS11 || root.Space() == NS12) {
			return nil, fault.Because(fault.VersionMismatch, fmt.Errorf("envelope of %s", root.Space()))
		}
		return nil, Schema(root, "the root element must be Envelope")
	}
	n := 0
	for c := range root.Children() {
		switch n++; {
		case n == 1 && c.Is(ns, "Header"):
			env.Header = c
		case env.Body.IsZero() && c.Is(ns, "Body") && n <= 2 && (n == 1 || !env.Header.IsZero()):
			env.Body = c
		default:
			return nil, Schema(c, "an Envelope holds one Header and one Body, in this order")
		}
	}
	if env.Body.IsZero() {
		return nil, Schema(root, "the Envelope has no Body")
	}
	for c := range env.Body.Children() {
		if !env.Payload.IsZero() {
			return nil, Schema(c, "the Body holds more than one element")
		}
		env.Payload = c
	}
	return env, env.headers(understood)
}

// schemaFailed stands before the violation in a fault's text, and not in its Violation element.
const schemaFailed = "The request failed schema validation: "

// Schema makes the fault of an element that is not as the schema has it, with its place in the request.
func Schema(e xmlsec.Element, violation string) *fault.Error {
	f := fault.New(fault.SchemaValidation, "%s%s", schemaFailed, violation)
	f.Line, f.Col = e.Position()
	return f
}

func (env *Envelope) headers(understood func(space, local string) bool) error {
	for h := range env.Header.Children() {
		var into *string
		switch {
		case h.Is(NSWSA, "Action"):
			into = &env.Action
		case h.Is(NSWSA, "To"):
			into, env.ToElement = &env.To, h
		case h.Is(NSWSA, "MessageID"):
			into = &env.MessageID
		}
		if into != nil {
			text, err := h.Text()
			if err != nil || env.Header.Count(NSWSA, h.Local()) > 1 {
				return Schema(h, "the header "+h.Local()+" must hold text, once")
			}
			*into = strings.TrimSpace(text)
		}
		must, _ := h.AttrNS(env.Version.Namespace(), "mustUnderstand")
		must = strings.TrimSpace(must) // xsd:boolean
		if must != "1" && must != "true" || h.Space() == NSWSA || h.Is(xmlsec.NSWSSE, "Security") {
			continue
		}
		if understood == nil || !understood(h.Space(), h.Local()) {
			return fault.Because(fault.MustUnderstand, fmt.Errorf("header %s %s", h.Space(), h.Local()))
		}
	}
	return nil
}

// ReadRequest checks method, content type, content encoding and length of r before it reads the body, and parses it.
// Errors also: MethodNotAllowed, UnsupportedMediaType, TooLarge.
func ReadRequest(w http.ResponseWriter, r *http.Request, v Version, maxBytes int64, understood func(space, local string) bool) (*Envelope, error) {
	if r.Method != http.MethodPost {
		return nil, fault.Because(fault.MethodNotAllowed, fmt.Errorf("method %s", r.Method))
	}
	if r.ContentLength > maxBytes {
		return nil, fault.Because(fault.TooLarge, fmt.Errorf("Content-Length %d", r.ContentLength))
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, fault.Because(fault.UnsupportedMediaType, fmt.Errorf("Content-Encoding %q", enc))
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || media != "text/xml" && (v != V12 || media != "application/soap+xml") || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, fault.Because(fault.UnsupportedMediaType, fmt.Errorf("Content-Type %q", r.Header.Get("Content-Type")))
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBytes))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, fault.Because(fault.TooLarge, err)
		}
		return nil, fault.Because(fault.InvalidRequest, fmt.Errorf("reading the request: %w", err))
	}
	l := xmlsec.EnvelopeLimits()
	l.Bytes = int(maxBytes)
	return Parse(raw, v, l, understood)
}
