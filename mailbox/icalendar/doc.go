// Package icalendar reads iCalendar text (RFC 5545) into objects: all components of one UID with the time zones they
// need, byte for byte.
package icalendar

import "fmt"

// Error names the line of what is refused.
type Error struct {
	Line   int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

func refuse(line int, format string, args ...any) error {
	return &Error{line, fmt.Sprintf(format, args...)}
}
