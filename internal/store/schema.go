package store

import "fmt"

// SchemaState is what a database says of its schema.
type SchemaState struct {
	Level  int64 // of the last migration; 0 = none
	Oldest int64 // the oldest level that a binary must know to run on it
}

// Fits says in one sentence why a binary that knows the migrations up to known cannot run on the schema. A schema that
// is ahead of the binary is no reason, as long as its migrations allow it: nodes are replaced one after the other.
func (s SchemaState) Fits(known int64) error {
	switch {
	case s.Oldest > known:
		return fmt.Errorf("the database has schema level %d, which needs a binary that knows level %d, and this one knows %d: %w", s.Level, s.Oldest, known, ErrSchema)
	case s.Level < known:
		return fmt.Errorf("the database has schema level %d and this binary needs %d, run availd migrate: %w", s.Level, known, ErrSchema)
	}
	return nil
}
