// Package icalendar reads iCalendar text (RFC 5545) into objects: all components of one UID with the time zones they need.
package icalendar

import (
	"fmt"
	"io"
)

// Error names the line of what is refused.
type Error struct {
	Line   int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Reader splits a file of one or more VCALENDARs into objects. It implements store.ImportSource.
type Reader struct{}

// NewReader reads from r; what it must refuse is an *Error.
func NewReader(r io.Reader) *Reader { panic("not built yet") }

// Next returns the next object (a complete VCALENDAR with every VEVENT of one UID, PRODID, VERSION and the VTIMEZONEs), then io.EOF.
func (r *Reader) Next() (uid string, object []byte, err error) { panic("not built yet") }

// Object is one parsed object, ready to be expanded.
type Object struct{ UID string }

// Parse reads one object and checks everything that expansion relies on. Errors are *Error.
func Parse(object []byte) (*Object, error) { panic("not built yet") }
