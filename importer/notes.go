package importer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// A Note is why one row is not imported as it stands.
type Note struct {
	File, Sheet string
	Line        int
	Held        bool // it waits; otherwise it is rejected
	Code        string
	Column      string
	Message     string
	Hint        string
}

// Notes keeps the notes of a plan in the order of the rows, in a temporary
// file once there are many: a bad file has one for every row.
type Notes struct {
	file  *scratchFile
	w     *bufio.Writer
	enc   *json.Encoder
	count int64
}

// NewNotes makes an empty collection in the folder for temporary files. The
// file is gone when Close is called.
func NewNotes() (*Notes, error) {
	f, err := scratch("payrec-notes-*")
	if err != nil {
		return nil, err
	}
	n := &Notes{file: f, w: bufio.NewWriter(f)}
	n.enc = json.NewEncoder(n.w)
	return n, nil
}

func (n *Notes) add(note Note) error {
	n.count++
	return n.enc.Encode(note)
}

// All iterates over the notes. Nothing may be added while it runs.
func (n *Notes) All() iter.Seq2[Note, error] {
	return func(yield func(Note, error) bool) {
		if err := n.w.Flush(); err != nil {
			yield(Note{}, err)
			return
		}
		size, err := n.file.Seek(0, io.SeekEnd)
		if err != nil {
			yield(Note{}, err)
			return
		}
		dec := json.NewDecoder(bufio.NewReader(io.NewSectionReader(n.file, 0, size)))
		for {
			var note Note
			err := dec.Decode(&note)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Note{}, fmt.Errorf("reading back the notes of the plan: %w", err))
				return
			}
			if !yield(note, nil) {
				return
			}
		}
	}
}

// Close drops the notes.
func (n *Notes) Close() error { return n.file.Close() }

// A scratchFile is a temporary file that holds rows. Where the system allows it,
// it has no name any more, so that nothing of it is left if payrec is killed.
type scratchFile struct {
	*os.File
	named bool
}

func scratch(pattern string) (*scratchFile, error) {
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return nil, err
	}
	return &scratchFile{f, os.Remove(f.Name()) != nil}, nil
}

// Close drops the file.
func (s *scratchFile) Close() error {
	err := s.File.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.Name()))
	}
	return err
}
