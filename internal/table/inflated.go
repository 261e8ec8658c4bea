package table

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// freely is how much may be unpacked before the ratio counts: small files of
// equal rows pack well.
const freely = 8 << 20

// readAhead is how much of a file may have been read and not unpacked yet.
const readAhead = 64 << 10

// counted counts the bytes that are read of a file, in a row or at offsets.
type counted struct {
	src io.Reader
	at  io.ReaderAt
	n   int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.src.Read(b)
	c.n += int64(n)
	return n, withoutPath(err)
}

func (c *counted) ReadAt(b []byte, offset int64) (int, error) {
	n, err := c.at.ReadAt(b, offset)
	c.n += int64(n)
	return n, withoutPath(err)
}

// withoutPath takes the path off an error of the disk: messages name the file
// as its user does, and a temporary one's name says nothing.
func withoutPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// inflated is what comes out of one or more containers. It ends when there is
// far more of it than text packs to: a bomb of a megabyte would keep us reading
// for hours. It takes no memory, so nothing else bounds it.
type inflated struct {
	src    io.Reader
	packed *counted // the file itself
	ratio  int64
	n      int64
}

func (f *inflated) Read(b []byte) (int, error) {
	n, err := f.src.Read(b)
	f.n += int64(n)
	if packed := max(f.packed.n-readAhead, 1); f.n > freely && f.n/packed >= f.ratio {
		return 0, &fault{cell: -1, msg: fmt.Sprintf("unpacks to more than %d times its size", f.ratio), hint: "it may be a bomb; if it is not, unpack it first"}
	}
	return n, err
}
