package cache

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Set is the caches of a process by name, for the verbs that list and flush them. The zero Set is ready for use.
type Set struct {
	mu     sync.Mutex
	caches map[string]Listable
}

// Register names a cache; the name is what an administrator types.
func (s *Set) Register(name string, c Listable) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.caches == nil {
		s.caches = map[string]Listable{}
	}
	s.caches[name] = c
}

// Names are the registered names in their order.
func (s *Set) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.caches))
}

// Get returns the cache of a name; its error lists the names there are.
func (s *Set) Get(name string) (Listable, error) {
	s.mu.Lock()
	c, ok := s.caches[name]
	s.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("there is no cache %q; there are %v", name, s.Names())
	}
	return c, nil
}

// Flush empties every cache and returns how many entries there were.
func (s *Set) Flush() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.caches {
		n += c.Flush(nil)
	}
	return n
}
