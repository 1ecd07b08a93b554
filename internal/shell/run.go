package shell

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Property is one property of an object, with its values as text.
type Property struct {
	Name   string
	Values []string
	Raw    json.RawMessage
}

// Object is what a verb prints as JSON, its properties in their order.
type Object []Property

// Host is where lines are run.
type Host struct {
	// Run does one verb and writes its output in the given format: "json" where it goes on through a pipe.
	Run func(ctx context.Context, verb []string, format string, out io.Writer) error
	// Print writes objects that came through a filter or a selection; selected: the user named the properties.
	Print  func(format string, objects []Object, selected bool, out io.Writer) error
	Format string // where the line names none: "table" when empty
	Out    io.Writer
}

// Line runs one line. Nothing of it is run before all of it is understood.
func (h *Host) Line(ctx context.Context, line string) error {
	pipelines, err := Parse(line)
	if err != nil {
		return err
	}
	for _, commands := range pipelines {
		if err := understood(line, commands); err != nil {
			return err
		}
	}
	for _, commands := range pipelines {
		if err := h.pipeline(ctx, line, commands); err != nil {
			return err
		}
	}
	return nil
}

// understood tells whether each command of a pipeline can be run, whatever comes through the pipe.
func understood(line string, commands []Command) error {
	for i, c := range commands {
		_, _, format := formatOf(c)
		switch {
		case c.Name == "" && i == 0:
			return bad("a filter needs something in front of it")
		case c.Name == "":
			if _, err := filtered(nil, c.Filter); err != nil {
				return err
			}
		case format && i > 0 && i == len(commands)-1:
		default:
			if _, err := Translate(line, c, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// formatOf reads fl, Format-List, ft and Format-Table with the properties that they select.
func formatOf(c Command) (format string, selected []string, ok bool) {
	switch strings.ToLower(c.Name) {
	case "fl", "format-list":
		format = "list"
	case "ft", "format-table":
		format = "table"
	default:
		return "", nil, false
	}
	for _, a := range c.Arguments {
		if a.Name == "" || strings.EqualFold(a.Name, "Property") {
			selected = append(selected, a.Value.Strings...)
		}
	}
	return format, selected, true
}

func (h *Host) pipeline(ctx context.Context, line string, commands []Command) error {
	format := cmp.Or(h.Format, "table")
	var selected []string
	if f, s, ok := formatOf(commands[len(commands)-1]); ok && len(commands) > 1 {
		format, selected = f, s
		commands = commands[:len(commands)-1]
	}
	var objects []Object
	for i, c := range commands {
		last := i == len(commands)-1
		if c.Name == "" {
			kept, err := filtered(objects, c.Filter)
			if err != nil {
				return err
			}
			if objects = kept; last {
				return h.Print(format, selectFrom(objects, selected), selected != nil, h.Out)
			}
			continue
		}
		var inputs []Object
		if i > 0 {
			if inputs = objects; len(inputs) == 0 {
				return nil // nothing came through the pipe, so nothing is to be done
			}
		}
		direct := last && selected == nil
		var err error
		if objects, err = h.cmdlet(ctx, line, c, inputs, i > 0, direct, format); err != nil {
			return err
		}
		if last && !direct {
			return h.Print(format, selectFrom(objects, selected), selected != nil, h.Out)
		}
	}
	return nil
}

// cmdlet runs one cmdlet for each object that comes in, or once; direct: its output goes to the user as it is.
func (h *Host) cmdlet(ctx context.Context, line string, c Command, inputs []Object, piped, direct bool, format string) ([]Object, error) {
	if !piped {
		inputs = []Object{nil}
	}
	var out []Object
	for _, in := range inputs {
		verbs, err := Translate(line, c, identified(in))
		if err != nil {
			return nil, err
		}
		for _, verb := range verbs {
			if direct {
				if err := h.Run(ctx, verb, format, h.Out); err != nil {
					return nil, err
				}
				continue
			}
			var b bytes.Buffer
			if err := h.Run(ctx, verb, "json", &b); err != nil {
				return nil, err
			}
			list, err := Decode(b.Bytes())
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
	}
	return out, nil
}

// identified lets a Name bind to -Identity, as objects do in a pipe.
func identified(o Object) []Property {
	out := append([]Property(nil), o...)
	for _, p := range o {
		if strings.EqualFold(p.Name, "Name") || strings.EqualFold(p.Name, "PrimarySmtpAddress") {
			out = append(out, Property{Name: "Identity", Values: p.Values})
		}
	}
	return out
}

func selectFrom(objects []Object, names []string) []Object {
	if names == nil {
		return objects
	}
	var out []Object
	for _, o := range objects {
		var kept Object
		for _, n := range names {
			for _, p := range o {
				if strings.EqualFold(p.Name, n) || strings.HasSuffix(n, "*") && len(p.Name) >= len(n)-1 && strings.EqualFold(p.Name[:len(n)-1], n[:len(n)-1]) {
					kept = append(kept, p)
				}
			}
		}
		out = append(out, kept)
	}
	return out
}

// Decode reads an object or an array of objects, properties in their order.
func Decode(b []byte) ([]Object, error) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return nil, nil
	}
	var raw []json.RawMessage
	if b[0] == '[' {
		if err := json.Unmarshal(b, &raw); err != nil {
			return nil, err
		}
	} else {
		raw = []json.RawMessage{b}
	}
	var out []Object
	for _, r := range raw {
		o, err := decodeObject(r)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func decodeObject(r json.RawMessage) (Object, error) {
	d := json.NewDecoder(bytes.NewReader(r))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("an object is expected in the pipe")
	}
	var o Object
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		o = append(o, Property{Name: fmt.Sprint(name), Values: textsOf(v), Raw: v})
	}
	return o, nil
}

// textsOf writes a JSON value as the values of a parameter.
func textsOf(v json.RawMessage) []string {
	var s string
	var list []json.RawMessage
	switch {
	case json.Unmarshal(v, &s) == nil:
		if s == "" {
			return nil
		}
		return []string{s}
	case json.Unmarshal(v, &list) == nil:
		var out []string
		for _, e := range list {
			out = append(out, textsOf(e)...)
		}
		return out
	case string(v) == "null":
		return nil
	}
	return []string{string(v)}
}
