package importer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/payrec/payrec/internal/nameless"
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
	file  *nameless.File
	w     *bufio.Writer
	enc   *json.Encoder
	count int64
}

// NewNotes makes an empty collection in the folder for temporary files. The
// file is gone when Close is called.
func NewNotes() (*Notes, error) {
	f, err := nameless.Create("payrec-notes-*")
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
