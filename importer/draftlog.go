package importer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/payrec/payrec/internal/nameless"
	"github.com/payrec/payrec/internal/packed"
)

// The log of a draft: entries one behind the other, each
//
//	uvarint length of what follows, kind, uvarint shape, then
//	of a call:  uvarint line, varint value, natural, payment, order
//	of a block: source, payment, reason
//
// where a text is its uvarint length and its bytes. A payment that is equal to
// the natural id, as most are, has length 0: none is empty.

const (
	callEntry byte = iota
	blockEntry
)

// A logEntry is an entry as it is read. Its texts are valid until the next.
type logEntry struct {
	kind    byte
	shape   int
	line    int
	value   int64
	natural []byte
	payment []byte
	order   []byte

	source, reason []byte // of a block
}

// appendCall encodes a call behind its shape.
func appendCall(b []byte, line int, value int64, natural, payment, order string) []byte {
	b = binary.AppendUvarint(b, uint64(line))
	b = binary.AppendVarint(b, value)
	b = packed.AppendText(b, natural)
	if payment == natural {
		payment = ""
	}
	return packed.AppendText(packed.AppendText(b, payment), order)
}

func appendBlock(b []byte, source, payment, reason string) []byte {
	return packed.AppendText(packed.AppendText(packed.AppendText(b, source), payment), reason)
}

// logBuffer is how much of a log waits in memory.
const logBuffer = 1 << 20

// A draftLog is a log being written, then read.
type draftLog struct {
	file  *nameless.File
	size  int64 // of what is in the file
	buf   []byte
	block []byte // reused by at
}

// add appends an entry and returns where it begins.
func (l *draftLog) add(kind byte, shape uint64, rest []byte) (at int64, err error) {
	if len(l.buf) > 0 && len(l.buf)+len(rest)+32 > logBuffer {
		if err := l.flush(); err != nil {
			return 0, err
		}
	}
	if l.buf == nil {
		l.buf = make([]byte, 0, 4096)
	}
	at = l.size + int64(len(l.buf))
	var head [binary.MaxVarintLen64 + 1]byte
	head[0] = kind
	n := 1 + binary.PutUvarint(head[1:], shape)
	l.buf = binary.AppendUvarint(l.buf, uint64(n+len(rest)))
	l.buf = append(append(l.buf, head[:n]...), rest...)
	return at, nil
}

func (l *draftLog) flush() (err error) {
	if l.file == nil {
		if l.file, err = nameless.Create("payrec-plan-*"); err != nil {
			return err
		}
	}
	if _, err := l.file.WriteAt(l.buf, l.size); err != nil {
		return err
	}
	l.size += int64(len(l.buf))
	l.buf = l.buf[:0]
	return nil
}

func (l *draftLog) close() error {
	l.buf = nil
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// at reads the one entry that begins there.
func (l *draftLog) at(at int64) (*logEntry, error) {
	const enough = 512 // of nearly every entry
	for size := enough; ; size *= 8 {
		b, err := l.some(at, size)
		if err != nil {
			return nil, err
		}
		n, head := binary.Uvarint(b)
		if head > 0 && n <= uint64(len(b)-head) {
			e := &logEntry{}
			return e, e.decode(b[head : head+int(n)])
		}
		if len(b) < size {
			return nil, errLog
		}
	}
}

// some is so many bytes from a place, or those up to the end.
func (l *draftLog) some(at int64, size int) ([]byte, error) {
	if at >= l.size {
		from := min(int(at-l.size), len(l.buf))
		return l.buf[from:min(from+size, len(l.buf))], nil
	}
	if cap(l.block) < size {
		l.block = make([]byte, size)
	}
	n, err := l.file.ReadAt(l.block[:size], at)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading back the plan: %w", err)
	}
	return l.block[:n], nil
}

var errLog = errors.New("reading back the plan: it is damaged")

// read calls f with every entry, and where it begins, until f says no.
func (l *draftLog) read(f func(at int64, e *logEntry) (bool, error)) error {
	var r io.Reader = bytes.NewReader(l.buf)
	if l.file != nil {
		r = io.MultiReader(io.NewSectionReader(l.file, 0, l.size), r)
	}
	in := bufio.NewReaderSize(r, 256<<10)
	var e logEntry
	for at := int64(0); ; {
		b, err := nextEntry(in)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errors.Join(errLog, err)
		}
		n, head := binary.Uvarint(b)
		if err := e.decode(b[head:]); err != nil {
			return err
		}
		if more, err := f(at, &e); err != nil || !more {
			return err
		}
		at += int64(head) + int64(n)
	}
}

// nextEntry is the next entry with its length, valid until the next; io.EOF
// after the last. Nearly every one is taken out of the buffer as it stands there.
func nextEntry(in *bufio.Reader) ([]byte, error) {
	b, err := in.Peek(binary.MaxVarintLen64)
	if len(b) == 0 {
		return nil, err
	}
	n, head := binary.Uvarint(b)
	if head <= 0 || n > 1<<31 {
		return nil, errLog
	}
	size := head + int(n)
	if b, err = in.Peek(size); err == bufio.ErrBufferFull {
		b = make([]byte, size)
		_, err = io.ReadFull(in, b)
		return b, err
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		_, err = in.Discard(size)
	}
	return b, err
}

// decode reads an entry behind its length.
func (e *logEntry) decode(b []byte) error {
	if len(b) == 0 {
		return errLog
	}
	d := packed.Read(b[1:])
	*e = logEntry{kind: b[0], shape: int(d.Uvarint())}
	switch e.kind {
	case callEntry:
		e.line = int(d.Uvarint())
		e.value = d.Varint()
		e.natural, e.payment, e.order = d.Text(), d.Text(), d.Text()
		if len(e.payment) == 0 {
			e.payment = e.natural
		}
	case blockEntry:
		e.source, e.payment, e.reason = d.Text(), d.Text(), d.Text()
	default:
		return errLog
	}
	if d.Broken() {
		return errLog
	}
	return nil
}
