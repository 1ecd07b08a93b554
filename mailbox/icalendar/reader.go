package icalendar

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
)

const (
	maxFile   = 256 << 20 // bytes of events that one file may hold
	maxObject = 8 << 20   // bytes of one object
	maxDepth  = 8
)

// Reader splits a file of one or more VCALENDARs into objects. It implements store.ImportSource. Overrides may stand
// before their master and far from it, so the file is read whole at the first Next, bounded in size.
type Reader struct {
	lines   *lineReader
	read    bool
	order   []string
	objects map[string]*bytes.Buffer
	zones   map[string][]byte // VTIMEZONE by TZID
	used    map[string][]string
	size    int
	foreign int // line of the first VFREEBUSY, 0 without one
}

// NewReader reads from r; what it must refuse is an *Error.
func NewReader(r io.Reader) *Reader {
	return &Reader{lines: newLineReader(r, 64<<10), objects: map[string]*bytes.Buffer{}, zones: map[string][]byte{}, used: map[string][]string{}}
}

// Next returns the next object: a complete VCALENDAR with every VEVENT of one UID as it came, and the VTIMEZONEs that
// they name. Then io.EOF.
func (r *Reader) Next() (uid string, object []byte, err error) {
	if !r.read {
		if err := r.readAll(); err != nil {
			return "", nil, err
		}
		r.read = true
	}
	if len(r.order) == 0 {
		return "", nil, io.EOF
	}
	uid = r.order[0]
	r.order = r.order[1:]
	var b bytes.Buffer
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//availd//import//EN\r\n")
	for _, tz := range r.used[uid] {
		b.Write(r.zones[tz])
	}
	b.Write(r.objects[uid].Bytes())
	b.WriteString("END:VCALENDAR\r\n")
	delete(r.objects, uid)
	if b.Len() > maxObject {
		return "", nil, refuse(0, "the event %.60q takes %d bytes, more than %d", uid, b.Len(), maxObject)
	}
	return uid, b.Bytes(), nil
}

// component is what readAll collects between BEGIN and END.
type component struct {
	name  string
	line  int
	raw   bytes.Buffer
	uid   string
	tzids []string
}

func (r *Reader) readAll() error {
	var stack []string
	var current *component
	calendars := 0
	for {
		raw, text, at, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		p, err := parseLine(text, at)
		if err != nil {
			return err
		}
		switch p.Name {
		case "BEGIN":
			name := strings.ToUpper(strings.TrimSpace(p.Value))
			if len(stack) == 0 && name != "VCALENDAR" {
				return refuse(at, "the file begins with %.40s and not with a VCALENDAR", name)
			}
			if len(stack) >= maxDepth {
				return refuse(at, "components are nested deeper than %d", maxDepth)
			}
			stack = append(stack, name)
			if len(stack) == 1 {
				calendars++
			} else if len(stack) == 2 {
				current = &component{name: name, line: at}
			}
		case "END":
			if len(stack) == 0 || stack[len(stack)-1] != strings.ToUpper(strings.TrimSpace(p.Value)) {
				return refuse(at, "END:%.40s closes nothing that is open", p.Value)
			}
		default:
			if len(stack) == 0 {
				return refuse(at, "%.40q stands outside of a VCALENDAR", text)
			}
		}
		if len(stack) == 1 && p.Name == "METHOD" {
			if err := checkMethod(p); err != nil {
				return err
			}
		}
		if current != nil {
			if err := r.collect(current, raw, p, len(stack)); err != nil {
				return err
			}
		}
		if p.Name == "END" {
			stack = stack[:len(stack)-1]
			if len(stack) == 1 {
				r.finish(current)
				current = nil
			}
		}
	}
	switch {
	case len(stack) > 0:
		return refuse(r.lines.line, "the file ends inside of %s", stack[len(stack)-1])
	case calendars == 0:
		return refuse(r.lines.line, "there is no VCALENDAR")
	case len(r.order) == 0 && r.foreign > 0: // taken for an empty calendar it would show busy times as free
		return refuse(r.foreign, "the file holds free/busy times (VFREEBUSY) and no events")
	}
	return nil
}

func (r *Reader) collect(c *component, raw []byte, p Property, depth int) error {
	if r.size += len(raw); r.size > maxFile {
		return refuse(p.Line, "the file holds more than %d bytes", maxFile)
	}
	c.raw.Write(raw)
	if raw[len(raw)-1] != '\n' {
		c.raw.WriteString("\r\n")
	}
	if depth == 2 {
		switch {
		case (p.Name == "RRULE" || p.Name == "EXRULE") && c.name == "VEVENT":
			if _, err := appendRule(nil, &p); err != nil { // here the line is the file's
				return err
			}
		case p.Name == "UID" && c.name == "VEVENT":
			c.uid = strings.TrimSpace(p.Value)
		case p.Name == "TZID" && c.name == "VTIMEZONE":
			c.uid = zoneID(p.Value)
		}
	}
	if tz := zoneID(p.Param("TZID")); tz != "" && !slices.Contains(c.tzids, tz) {
		c.tzids = append(c.tzids, tz)
	}
	return nil
}

func (r *Reader) finish(c *component) {
	switch c.name {
	case "VFREEBUSY":
		r.foreign = c.line
	case "VTIMEZONE":
		if _, ok := r.zones[c.uid]; !ok {
			r.zones[c.uid] = c.raw.Bytes()
		}
	case "VEVENT":
		if c.uid == "" { // a stable one of our own
			sum := sha256.Sum256(c.raw.Bytes())
			c.uid = "availd-" + hex.EncodeToString(sum[:16])
		}
		b, ok := r.objects[c.uid]
		if !ok {
			b = &bytes.Buffer{}
			r.objects[c.uid] = b
			r.order = append(r.order, c.uid)
		}
		b.Write(c.raw.Bytes())
		for _, tz := range c.tzids {
			if !slices.Contains(r.used[c.uid], tz) {
				r.used[c.uid] = append(r.used[c.uid], tz)
			}
		}
	}
}
