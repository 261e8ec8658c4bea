package report

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/govalues/decimal"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/nameless"
	"github.com/payrec/payrec/record"
)

// spoolLimit is how many bytes of a part's rows wait in memory.
const spoolLimit = 1 << 20

// A spool keeps rows: in memory while they are few, then in a nameless file.
//
// A row is its values; a value is a tag, then what it holds: texts with their
// length in front, decimals as text, times as seconds and nanoseconds.
type spool struct {
	width int // values in a row
	live  []byte
	file  *nameless.File
	size  int64
}

const (
	tagEmpty = iota
	tagText
	tagNumber
	tagMoney
	tagTime
	tagTrue
	tagFalse
)

func (s *spool) add(row []expression.Value) error {
	for _, v := range row {
		s.live = appendValue(s.live, v)
	}
	if len(s.live) < spoolLimit {
		return nil
	}
	return s.spill()
}

func (s *spool) spill() (err error) {
	if s.file == nil {
		if s.file, err = nameless.Create("payrec-report-*"); err != nil {
			return fmt.Errorf("no room for the report's lines: %w", err)
		}
	}
	n, err := s.file.WriteAt(s.live, s.size)
	s.size += int64(n)
	s.live = s.live[:0]
	if err != nil {
		return fmt.Errorf("no room for the report's lines in %s: %w", os.TempDir(), err)
	}
	return nil
}

// end is where the next row begins.
func (s *spool) end() int64 { return s.size + int64(len(s.live)) }

// rows iterates over the rows in order from where one begins; each is valid
// until the next. It may be run again, and nothing may be added once it has begun.
func (s *spool) rows(start int64) iter.Seq2[[]expression.Value, error] {
	return func(yield func([]expression.Value, error) bool) {
		var from io.Reader = bytes.NewReader(s.live[max(0, start-s.size):])
		if start < s.size {
			from = io.MultiReader(io.NewSectionReader(s.file, start, s.size-start), from)
		}
		r := bufio.NewReaderSize(from, 64<<10)
		row := make([]expression.Value, s.width)
		for {
			if _, err := r.Peek(1); err == io.EOF {
				return
			}
			for i := range row {
				var err error
				if row[i], err = readValue(r); err != nil {
					if err == io.EOF {
						err = io.ErrUnexpectedEOF
					}
					yield(nil, fmt.Errorf("the report's lines cannot be read again: %w", err))
					return
				}
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

func appendValue(b []byte, v expression.Value) []byte {
	if v.IsEmpty() {
		return append(b, tagEmpty)
	}
	switch v.Kind() {
	case expression.Text:
		return appendText(append(b, tagText), v.Text())
	case expression.Number:
		return appendText(append(b, tagNumber), v.Number().String())
	case expression.Money:
		m := v.Money()
		return appendText(appendText(append(b, tagMoney), string(m.Currency)), m.Amount.String())
	case expression.Time:
		t := v.Time()
		b = binary.AppendVarint(append(b, tagTime), t.Unix())
		return binary.AppendUvarint(b, uint64(t.Nanosecond()))
	}
	if v.Bool() {
		return append(b, tagTrue)
	}
	return append(b, tagFalse)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func readValue(r *bufio.Reader) (v expression.Value, err error) {
	tag, err := r.ReadByte()
	if err != nil {
		return v, err
	}
	switch tag {
	case tagEmpty:
	case tagTrue, tagFalse:
		v = expression.BoolOf(tag == tagTrue)
	case tagTime:
		seconds, err := binary.ReadVarint(r)
		if err != nil {
			return v, err
		}
		nanos, err := binary.ReadUvarint(r)
		return expression.TimeOf(time.Unix(seconds, int64(nanos)).UTC()), err
	case tagText:
		s, err := readText(r)
		return expression.TextOf(s), err
	case tagNumber, tagMoney:
		currency := ""
		if tag == tagMoney {
			if currency, err = readText(r); err != nil {
				return v, err
			}
		}
		s, err := readText(r)
		if err != nil {
			return v, err
		}
		d, err := decimal.Parse(s)
		if tag == tagNumber {
			return expression.NumberOf(d), err
		}
		return expression.MoneyOf(record.Money{Amount: d, Currency: record.Currency(currency)}), err
	default:
		err = fmt.Errorf("tag %d", tag)
	}
	return v, err
}

func readText(r *bufio.Reader) (string, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return "", err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return string(b), err
}
