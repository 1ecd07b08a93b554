package lab

import "sync/atomic"

// Tap is a log that somebody may listen to; until then it is thrown away.
type Tap struct {
	listener atomic.Pointer[func(line []byte)]
}

// Listen calls f with each line (JSON) from now on, from several goroutines at once. f must not keep the line.
func (t *Tap) Listen(f func(line []byte)) { t.listener.Store(&f) }

// Write implements io.Writer.
func (t *Tap) Write(line []byte) (int, error) {
	if f := t.listener.Load(); f != nil {
		(*f)(line)
	}
	return len(line), nil
}
