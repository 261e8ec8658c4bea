package exporter

import (
	"errors"
	"io"

	"github.com/xuri/excelize/v2"

	stream "github.com/payrec/payrec/internal/sheet"
)

// maxSheetRows is the number of rows of a sheet in every version of Excel
// since 2007.
const maxSheetRows = stream.MaxRows

// A book is a workbook being written: first all sheets are laid out, then the
// rows of each are written; see [chapter].
type book struct {
	f      *excelize.File
	p      *stream.Package // once the layout is complete
	styles [kinds][roles][exponents]int
	rows   int    // of data on one sheet, at most
	parts  []part // of grids, as laid out
	laid   map[string]bool
}

// A chapter is one or more sheets of a book. lay says what they are, and write
// writes their rows: a sheet's layout stands before its rows in the file, and
// the layout of all sheets before the first row.
type chapter struct {
	lay   func(b *book) error
	write func(b *book) error
}

// then is a chapter and another after it.
func (c chapter) then(o chapter) chapter {
	in := func(first, second func(b *book) error) func(b *book) error {
		return func(b *book) error {
			if err := first(b); err != nil {
				return err
			}
			return second(b)
		}
	}
	return chapter{in(c.lay, o.lay), in(c.write, o.write)}
}

// writeBook writes a workbook of chapters, with at most so many rows of data
// on a sheet.
func writeBook(w io.Writer, generator string, rows int, chapters []chapter) error {
	b, err := newBook(generator, rows)
	if err != nil {
		return err
	}
	return errors.Join(b.writeTo(w, chapters), b.f.Close())
}

func (b *book) writeTo(w io.Writer, chapters []chapter) (err error) {
	for _, c := range chapters {
		if err := c.lay(b); err != nil {
			return err
		}
	}
	if b.p, err = stream.Begin(w, b.f); err != nil {
		return err
	}
	for _, c := range chapters {
		if err := c.write(b); err != nil {
			b.p.Abandon()
			return err
		}
	}
	return b.p.Close()
}

// A part is the piece of a grid that one sheet holds.
type part struct {
	grid, sheet string
	rows        int // of data, from row 2 on
}

func newBook(generator string, rows int) (*book, error) {
	f := excelize.NewFile()
	err := f.SetDocProps(&excelize.DocProperties{Creator: generator, Title: "Payments", LastModifiedBy: generator})
	if err != nil {
		return nil, err
	}
	return &book{f: f, rows: rows, laid: map[string]bool{}}, nil
}
