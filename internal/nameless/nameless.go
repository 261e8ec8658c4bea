// Package nameless makes temporary files that nobody else can open and that
// are gone when the process is.
//
// A nameless file is one whose name was taken away while it is open: it lives
// on under its descriptor, and the system frees it with the last one, also
// when the process is killed. What payrec spools, rows, payers' names,
// references, must not be left behind by a crash.
//
// Where the system refuses to take the name of an open file (Windows), the
// file keeps it until [File.Close]. There a killed process leaves a file that
// only its owner can read.
package nameless

import (
	"errors"
	"os"
)

// A File is a temporary file, readable by its owner only. Its Name is of use
// in messages; mostly there is nothing by that name.
type File struct {
	*os.File
	remove func(string) error // takes the name that could not be taken before; nil when there is none
}

// Create makes a file in the folder for temporary files, $TMPDIR or what the
// system has for it. The pattern is that of [os.CreateTemp]; the name is seen
// only where it cannot be taken away.
func Create(pattern string) (*File, error) { return create(pattern, os.Remove) }

func create(pattern string, remove func(string) error) (*File, error) {
	f, err := os.CreateTemp("", pattern) // O_EXCL and mode 0600
	if err != nil {
		return nil, err
	}
	if remove(f.Name()) == nil {
		remove = nil
	}
	return &File{f, remove}, nil
}

// Close drops the file. A second Close is an error, as of any file.
func (f *File) Close() error {
	err := f.File.Close()
	if f.remove != nil {
		err = errors.Join(err, f.remove(f.Name()))
		f.remove = nil // the name may be another's by now
	}
	return err
}
