package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/fault"
)

// The formats of --output.
const (
	formatTable = "table"
	formatList  = "list"
	formatJSON  = "json"
)

const (
	tablePage = 1000 // rows whose columns are aligned together
	cellWidth = 60   // characters; list and json have all
)

func format(cmd *cobra.Command) string {
	s, _ := cmd.Flags().GetString("output")
	return s
}

func checkFormat(s string) error {
	switch s {
	case formatTable, formatList, formatJSON, "":
		return nil
	}
	return fault.New(fault.Invalid, "output %q is not table, list or json", s)
}

// property is one line of a list, under Exchange's name.
type property struct {
	name  string
	value any
}

// text writes a value for people: lists with commas, times in UTC, nothing for an empty value. What owners and partners
// wrote moves no cursor and sets no colour.
func text(v any) string {
	r := reflect.ValueOf(v)
	if !r.IsValid() || r.Kind() == reflect.Pointer && r.IsNil() {
		return ""
	}
	switch v := v.(type) {
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339)
	case fmt.Stringer:
		return printable(v.String())
	}
	if r.Kind() == reflect.Slice {
		parts := make([]string, r.Len())
		for i := range parts {
			parts[i] = text(r.Index(i).Interface())
		}
		return strings.Join(parts, ", ")
	}
	return printable(fmt.Sprint(v))
}

// printable has a replacement character for each control character but the ends of lines and tabs.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// cell is text in a table; width 0 does not cut.
func cell(v any, width int) string {
	runes := []rune(text(v))
	if width > 0 && len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return string(runes)
}

// object is a JSON object with its properties in their order; a list that is empty is [] and not null.
type object []property

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if r := reflect.ValueOf(p.value); r.Kind() == reflect.Slice && r.IsNil() {
			p.value = []any{}
		}
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// printOne writes a single object: a list, or a JSON object.
func printOne(cmd *cobra.Command, o []property) error {
	if format(cmd) == formatJSON {
		return printJSON(cmd.OutOrStdout(), object(o))
	}
	return printList(cmd.OutOrStdout(), o)
}

// printFound writes the object that identity names, or a list where it has wildcards or is empty.
func printFound[T any](cmd *cobra.Command, identity string, found []T, properties func(T) []property) error {
	if len(found) == 1 && identity != "" && !strings.ContainsAny(identity, "*?") {
		return printOne(cmd, properties(found[0]))
	}
	p := newPrinter(cmd, tableColumns)
	for _, f := range found {
		p.add(properties(f))
	}
	return p.close()
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func printList(w io.Writer, o []property) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	for _, p := range o {
		fmt.Fprintf(t, "%s\t: %s\n", p.name, text(p.value))
	}
	return t.Flush()
}

// printer writes many objects as they come: a table of the first columns (0 = all), lists, or a JSON array.
type printer struct {
	out     io.Writer
	format  string
	columns int
	width   int // of a cell; 0 = any
	n       int
	table   *tabwriter.Writer
	err     error
}

func newPrinter(cmd *cobra.Command, columns int) *printer {
	return printerTo(cmd.OutOrStdout(), format(cmd), columns)
}

func printerTo(w io.Writer, format string, columns int) *printer {
	return &printer{out: w, format: format, columns: columns, width: cellWidth, table: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
}

func (p *printer) add(o []property) {
	if p.err != nil {
		return
	}
	switch p.format {
	case formatJSON:
		p.addJSON(o)
	case formatList:
		if p.n > 0 {
			fmt.Fprintln(p.out)
		}
		p.err = printList(p.out, o)
	default:
		p.addRow(o)
	}
	p.n++
}

func (p *printer) addJSON(o []property) {
	b, err := json.MarshalIndent(object(o), "  ", "  ")
	if err != nil {
		p.err = err
		return
	}
	before := "[\n  "
	if p.n > 0 {
		before = ",\n  "
	}
	_, p.err = fmt.Fprintf(p.out, "%s%s", before, b)
}

func (p *printer) addRow(o []property) {
	if p.columns > 0 && len(o) > p.columns {
		o = o[:p.columns]
	}
	names, values := make([]string, len(o)), make([]string, len(o))
	for i, x := range o {
		names[i], values[i] = x.name, cell(x.value, p.width)
	}
	if p.n == 0 {
		fmt.Fprintln(p.table, strings.Join(names, "\t"))
	}
	fmt.Fprintln(p.table, strings.Join(values, "\t"))
	if p.n%tablePage == tablePage-1 {
		p.err = p.table.Flush()
	}
}

func (p *printer) close() error {
	if p.err != nil {
		return p.err
	}
	switch {
	case p.format == formatJSON && p.n == 0:
		fmt.Fprintln(p.out, "[]")
	case p.format == formatJSON:
		fmt.Fprintln(p.out, "\n]")
	}
	return p.table.Flush()
}
