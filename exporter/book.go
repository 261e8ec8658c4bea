package exporter

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	stream "github.com/payrec/payrec/internal/sheet"
	"github.com/payrec/payrec/record"
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
	b, err := newBook(generator)
	if err != nil {
		return err
	}
	b.rows = rows
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

// A look is everything that a style depends on.
type look struct {
	kind     kind
	exponent int // of money
	role     role
}

// How many there are of each.
const (
	kinds     = int(kindDecimal) + 1
	roles     = int(roleBad) + 1
	exponents = 4
)

type role uint8

const (
	roleData role = iota
	roleHeader
	roleTitle
	roleNote
	roleTotal
	roleGood
	roleBad
)

func newBook(generator string) (*book, error) {
	f := excelize.NewFile()
	err := f.SetDocProps(&excelize.DocProperties{Creator: generator, Title: "Payments", LastModifiedBy: generator})
	if err != nil {
		return nil, err
	}
	return &book{f: f, rows: maxSheetRows - 300, laid: map[string]bool{}}, nil
}

const (
	inkDark   = "1F3A4D"
	inkPale   = "6B7780"
	fillTotal = "EEF2F5"
)

// style makes each look once: Excel takes 64,000 styles, and every call of
// NewStyle is a search through all of them.
func (b *book) style(l look) (int, error) {
	made := &b.styles[l.kind][l.role][l.exponent]
	if *made != 0 {
		return *made, nil
	}
	s := &excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 11}, Alignment: &excelize.Alignment{Vertical: "top"}}
	switch l.kind {
	case kindText, kindBool:
		s.NumFmt = 49 // "@": what is typed over it stays text as well
		s.Alignment.Horizontal, s.Alignment.Indent = "left", 1
	case kindMoney:
		s.CustomNumFmt = new(moneyFormat(l.exponent))
	case kindMoment:
		s.CustomNumFmt = new("yyyy-mm-dd hh:mm:ss")
		s.Alignment.Horizontal, s.Alignment.Indent = "left", 1
	case kindDay:
		s.CustomNumFmt = new("yyyy-mm-dd")
		s.Alignment.Horizontal, s.Alignment.Indent = "left", 1
	case kindNumber:
		s.NumFmt = 3 // #,##0
	case kindDecimal:
		if l.role == roleTotal {
			s.CustomNumFmt = new("#,##0.00#")
		}
	}
	switch l.role {
	case roleHeader:
		s.Font.Bold, s.Font.Color = true, "FFFFFF"
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{inkDark}}
		s.Alignment = &excelize.Alignment{Vertical: "center", WrapText: true}
		if l.kind == kindNumber {
			s.Alignment.Horizontal = "right"
		} else {
			s.Alignment.Horizontal, s.Alignment.Indent = "left", 1
		}
	case roleTitle:
		s.Font.Size, s.Font.Bold, s.Font.Color = 16, true, inkDark
		s.Alignment.Vertical = "center"
	case roleNote:
		s.Font.Color = inkPale
	case roleTotal:
		s.Font.Bold = true
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{fillTotal}}
		s.Border = []excelize.Border{{Type: "top", Style: 1, Color: inkDark}}
	case roleGood:
		s.Font.Color = "1B7A3D"
	case roleBad:
		s.Font.Color, s.Font.Bold = "C00000", true
	}
	id, err := b.f.NewStyle(s)
	if err == nil {
		*made = id
	}
	return id, err
}

// moneyFormat shows the decimals that the currency has.
func moneyFormat(exponent int) string {
	switch exponent {
	case 0:
		return "#,##0"
	case 3:
		return "#,##0.000"
	}
	return "#,##0.00"
}

// maxCell is how many UTF-16 units a cell holds.
const maxCell = stream.MaxText

// fitting cuts a text that no cell can hold, and says so in the cell.
func fitting(s string) string {
	const mark = " … (cut; JSON Lines has all of it)"
	if len(s) <= maxCell { // never more units than bytes
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	units, end := 0, 0
	for i, r := range s {
		width := 1
		if r > 0xFFFF {
			width = 2
		}
		if units += width; units > maxCell {
			return s[:end] + mark
		}
		if units <= maxCell-len(mark) {
			end = i + utf8.RuneLen(r)
		}
	}
	return s
}

// beyondNumbers is the least coefficient with more digits than a number cell
// keeps: Excel rounds to 15.
const beyondNumbers = 1_000_000_000_000_000

// isNumber says whether a number cell holds the figure exactly. What it would
// round is written as text.
func isNumber(m record.Money) bool { return m.Amount.Coef() < beyondNumbers }

// height is a role's row height in points; 0 leaves it to the program that
// shows the sheet. A row that is streamed is not made to fit by anyone else.
func (r role) height() float64 {
	switch r {
	case roleHeader:
		return 32 // two lines
	case roleTitle:
		return 26
	}
	return 0
}

// page says how a sheet looks as a whole.
type page struct {
	widths []float64
	rows   int   // of everything, for the sheet's dimension
	header int   // row of the header: frozen above, repeated in print; 0 for none
	filter int   // last row of the autofilter that starts at the header; 0 for none
	hidden []int // columns, from 0
	narrow bool  // one page wide in print, whatever the widths
	breaks []int // rows that begin a new page in print; then the header is not repeated
}

// printWidth is how many pages the sheet is wide in print, so that it can
// still be read: about 250 characters fit on a page at half size.
func (p page) printWidth() int {
	if p.narrow {
		return 1
	}
	sum := 0.0
	for i, w := range p.widths {
		if !slices.Contains(p.hidden, i) {
			sum += w
		}
	}
	return 1 + int(sum/250)
}

// lay makes a sheet and everything about it that is not a row.
func (b *book) lay(name string, p page) error {
	var err error
	switch {
	case b.laid[name]:
		err = errors.New("the workbook has a sheet of this name already")
	case len(b.laid) == 0:
		err = b.f.SetSheetName(b.f.GetSheetName(0), name)
	default:
		_, err = b.f.NewSheet(name)
	}
	b.laid[name] = true
	if err == nil {
		err = b.layout(name, p)
	}
	if err != nil {
		return fmt.Errorf("sheet %q: %w", name, err)
	}
	return nil
}

func (b *book) layout(name string, p page) error {
	last := ref(len(p.widths)-1, max(p.rows, 1))
	var filter error
	if p.filter > 0 { // first, because it resets the sheet's properties
		filter = b.f.AutoFilter(name, ref(0, p.header)+":"+ref(len(p.widths)-1, p.filter), nil)
	}
	steps := []error{
		filter,
		b.f.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: new(true)}),
		b.f.SetSheetDimension(name, "A1:"+last),
		b.f.SetPageLayout(name, &excelize.PageLayoutOptions{Size: new(9), Orientation: new("landscape"), FitToWidth: new(p.printWidth()), FitToHeight: new(0)}),
		b.f.SetPageMargins(name, &excelize.PageLayoutMarginsOptions{Left: new(0.4), Right: new(0.4), Top: new(0.6), Bottom: new(0.6), Header: new(0.3), Footer: new(0.3)}),
		b.f.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddFooter: "&L&A&RPage &P of &N"}),
		b.f.SetSheetView(name, 0, &excelize.ViewOptions{ShowGridLines: new(p.filter > 0)}),
		b.f.AddIgnoredErrors(name, "A1:"+last, excelize.IgnoredErrorsNumberStoredAsText),
	}
	for i, width := range p.widths {
		column := stream.Letters(i)
		steps = append(steps, b.f.SetColWidth(name, column, column, width))
		if slices.Contains(p.hidden, i) {
			steps = append(steps, b.f.SetColVisible(name, column, false))
		}
	}
	for _, row := range p.breaks {
		steps = append(steps, b.f.InsertPageBreak(name, ref(0, row)))
	}
	if p.header > 0 && len(p.breaks) == 0 {
		titles := fmt.Sprintf("'%s'!$%d:$%d", name, p.header, p.header)
		if p.printWidth() > 1 {
			titles = fmt.Sprintf("'%s'!$A:$A,%s", name, titles)
		}
		steps = append(steps, b.f.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: name, RefersTo: titles}))
	}
	if p.header > 0 {
		below := ref(0, p.header+1)
		steps = append(steps, b.f.SetPanes(name, &excelize.Panes{Freeze: true, YSplit: p.header, TopLeftCell: below, ActivePane: "bottomLeft",
			Selection: []excelize.Selection{{SQRef: below, ActiveCell: below, Pane: "bottomLeft"}}}))
	}
	for _, err := range steps {
		if err != nil {
			return err
		}
	}
	return nil
}

// ref names a cell: column 0 and row 1 are A1.
func ref(column, row int) string { return stream.Ref(column, row) }

// A sheet is one sheet whose rows are written, from top to bottom.
type sheet struct {
	b     *book
	r     *stream.Rows
	clock clock
	row   int // last row written
}

// begin begins the rows of a sheet that was laid out.
func (b *book) begin(name string) (*sheet, error) {
	r, err := b.p.Rows(name)
	return &sheet{b: b, r: r}, err
}

// next begins a row.
func (s *sheet) next(r role) error {
	s.row++
	return s.r.NextOf(r.height())
}

// skip leaves rows empty.
func (s *sheet) skip(n int) {
	s.row += n
	s.r.Skip(n)
}

func (s *sheet) end() error { return s.r.End() }

// add writes one row.
func (s *sheet) add(cells []cell, columns []column, r role) error {
	if err := s.next(r); err != nil {
		return err
	}
	for i := range cells {
		zone := time.UTC
		if columns != nil && columns[i].zone != nil {
			zone = columns[i].zone
		}
		if err := s.put(&cells[i], zone, r, ""); err != nil {
			return err
		}
	}
	return nil
}

// put writes one cell: a value, or a formula with the value that it comes to.
// A figure that is text because no number cell keeps it has no formula.
func (s *sheet) put(c *cell, zone *time.Location, r role, formula string) error {
	if c.kind == kindEmpty && r == roleData {
		s.r.Empty()
		return nil
	}
	l := look{kind: c.kind, role: r}
	if c.kind == kindMoney {
		l.exponent = c.money.Currency.Exponent()
	}
	id, err := s.b.style(l)
	if err != nil {
		return err
	}
	switch c.kind {
	case kindEmpty:
		s.r.Blank(id)
	case kindText:
		if formula != "" {
			s.r.TextFormula(id, formula, c.text)
		} else {
			s.r.Text(id, fitting(c.text))
		}
	case kindMoney, kindDecimal:
		switch d := c.money.Amount; {
		case !isNumber(c.money):
			s.r.Text(id, c.money.Text())
		case formula != "":
			s.r.NumberFormula(id, formula, string(stream.AppendDecimal(nil, d.IsNeg(), d.Coef(), d.Scale())))
		default:
			s.r.Decimal(id, d.IsNeg(), d.Coef(), d.Scale())
		}
	case kindMoment:
		s.r.Moment(id, s.clock.wall(c.at, zone))
	case kindDay:
		wall := s.clock.wall(c.at, zone)
		s.r.Moment(id, wall-(wall%86400+86400)%86400)
	case kindNumber:
		if formula != "" {
			s.r.NumberFormula(id, formula, strconv.FormatInt(c.n, 10))
		} else {
			s.r.Int(id, c.n)
		}
	case kindBool:
		// As words: of a boolean cell, LibreOffice makes a formula.
		if c.n != 0 {
			s.r.Text(id, "yes")
		} else {
			s.r.Text(id, "no")
		}
	}
	return nil
}

// A clock tells what a clock on the wall shows. It remembers the offset of the
// last moment, because looking it up costs more than writing a cell.
type clock struct {
	zone     *time.Location
	from, to int64 // Unix seconds between which the offset holds
	offset   int64
}

// wall is a moment as the zone's wall clock shows it, in Unix seconds as if
// that were UTC.
func (c *clock) wall(t time.Time, zone *time.Location) int64 {
	seconds := t.Unix()
	if zone == time.UTC {
		return seconds
	}
	if zone != c.zone || seconds < c.from || seconds >= c.to {
		local := t.In(zone)
		_, offset := local.Zone()
		c.zone, c.offset, c.from, c.to = zone, int64(offset), math.MinInt64, math.MaxInt64
		start, end := local.ZoneBounds()
		if !start.IsZero() {
			c.from = start.Unix()
		}
		if !end.IsZero() {
			c.to = end.Unix()
		}
	}
	return seconds + c.offset
}
