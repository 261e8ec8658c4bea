package exporter

import (
	"bufio"
	"fmt"
	"os"
	"sync"

	"github.com/payrec/payrec/internal/nameless"
)

// A spool keeps values on disk while only their places stay in memory. Its
// file is nameless: gone when the process is.
type spool struct {
	mu   sync.Mutex // guards the fields below while writing
	file *nameless.File
	w    *bufio.Writer
	size int64
	err  error // first write failure; sticky
}

// A place is where a value lies in the spool; the zero place holds nothing.
type place struct {
	offset int64
	length int32
}

func newSpool() (*spool, error) {
	f, err := nameless.Create("payrec-export-*")
	if err != nil {
		return nil, fmt.Errorf("no room for what is read: %w", err)
	}
	return &spool{file: f, w: bufio.NewWriterSize(f, 256<<10)}, nil
}

// putBytes keeps a value, whose parts are written one after the other. It is safe
// for concurrent use with itself.
func (s *spool) putBytes(parts ...[]byte) (place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := place{offset: s.size}
	for _, b := range parts {
		if s.err == nil {
			_, s.err = s.w.Write(b)
		}
		p.length += int32(len(b))
	}
	if s.err != nil {
		return place{}, fmt.Errorf("what is read cannot be kept in %s: %w", os.TempDir(), s.err)
	}
	s.size += int64(p.length)
	return p, nil
}

// flush makes everything that was put readable.
func (s *spool) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = s.w.Flush()
	}
	return s.err
}

// getBytes reads the value at a place.
func (s *spool) getBytes(p place) ([]byte, error) {
	b := make([]byte, p.length)
	if _, err := s.file.ReadAt(b, p.offset); err != nil {
		return nil, fmt.Errorf("what was read cannot be read again: %w", err)
	}
	return b, nil
}

func (s *spool) close() error { return s.file.Close() }
