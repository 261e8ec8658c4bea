package exporter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/record"
)

// maxSheetRows is the number of rows of a sheet in every version of Excel
// since 2007.
const maxSheetRows = 1_048_576

// maxDigits is how many decimal digits a number cell keeps.
const maxDigits = 15

// A book is a workbook being written, sheet after sheet.
type book struct {
	f      *excelize.File
	styles map[look]int
	rows   int      // of data on one sheet, at most
	parts  []part   // of grids, as written
	sheets []string // as written
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
	bold     bool
	role     role
}

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
	return &book{f: f, styles: map[look]int{}, rows: maxSheetRows - 300}, nil
}

const (
	inkDark   = "1F3A4D"
	inkPale   = "6B7780"
	fillTotal = "EEF2F5"
)

// style makes each look once: Excel takes 64,000 styles, and every call of
// NewStyle is a search through all of them.
func (b *book) style(l look) (int, error) {
	if id, ok := b.styles[l]; ok {
		return id, nil
	}
	s := &excelize.Style{Font: &excelize.Font{Family: "Calibri", Size: 11, Bold: l.bold}, Alignment: &excelize.Alignment{Vertical: "top"}}
	switch l.kind {
	case kindText:
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
		b.styles[l] = id
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

// value makes a cell. zone is where its moment is shown.
func (b *book) value(c cell, zone *time.Location, r role) (excelize.Cell, error) {
	l := look{kind: c.kind, role: r}
	if c.kind == kindMoney {
		l.exponent = c.money.Currency.Exponent()
	}
	id, err := b.style(l)
	v := excelize.Cell{StyleID: id}
	switch c.kind {
	case kindText:
		v.Value = fitting(c.text)
	case kindMoney:
		v.Value = number(c.money)
	case kindMoment:
		v.Value = serial(c.at.In(zone))
	case kindDay:
		y, m, day := c.at.In(zone).Date()
		v.Value = serial(time.Date(y, m, day, 0, 0, 0, 0, time.UTC))
	case kindDecimal:
		v.Value = number(c.money)
	case kindNumber:
		v.Value = c.n
	case kindBool:
		v.Value = c.n != 0
	}
	return v, err
}

// maxCell is how many UTF-16 units a cell holds.
const maxCell = 32767

// fitting cuts a text that no cell can hold, and says so in the cell.
func fitting(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	const mark = " … (cut; JSON Lines has all of it)"
	if len(s) <= maxCell { // never more units than bytes
		return s
	}
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

// number is the one place where an amount becomes a float64, which is what a
// number cell holds. Up to 15 digits the float's shortest decimal form, which
// is what is written, is the amount itself. Beyond, Excel would round, so the
// amount becomes text.
func number(m record.Money) any {
	text := m.Text()
	if digits := len(strconv.FormatUint(m.Amount.Coef(), 10)); digits > maxDigits {
		return text
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return f
}

// serial is a moment's wall clock as Excel counts it: days since 30 December
// 1899. What Excel cannot count becomes text.
func serial(t time.Time) any {
	if t.Year() < 1901 || t.Year() > 9999 {
		return t.Format(momentLayout)
	}
	_, offset := t.Zone()
	const epoch = 25569 // 1970-01-01
	return epoch + float64(t.Unix()+int64(offset))/86400
}

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

// A sheet is one sheet being written from top to bottom.
type sheet struct {
	b      *book
	name   string
	w      *excelize.StreamWriter
	row    int // last row written
	values []any
}

// page says how a sheet looks as a whole.
type page struct {
	widths []float64
	rows   int // of everything, for the sheet's dimension
	header int // row of the header: frozen above, repeated in print; 0 for none
	filter int // last row of the autofilter that starts at the header; 0 for none
}

// printWidth is how many pages the sheet is wide in print, so that it can
// still be read: about 250 characters fit on a page at half size.
func (p page) printWidth() int {
	sum := 0.0
	for _, w := range p.widths {
		sum += w
	}
	return 1 + int(sum/250)
}

// begin makes a sheet and everything about it that must stand before its rows.
func (b *book) begin(name string, p page) (*sheet, error) {
	if len(b.sheets) == 0 {
		if err := b.f.SetSheetName(b.f.GetSheetName(0), name); err != nil {
			return nil, err
		}
	} else if _, err := b.f.NewSheet(name); err != nil {
		return nil, err
	}
	b.sheets = append(b.sheets, name)
	if err := b.layout(name, p); err != nil {
		return nil, err
	}
	w, err := b.f.NewStreamWriter(name)
	if err != nil {
		return nil, err
	}
	// Each call puts its column in front; Excel wants them ascending.
	for i, width := range slices.Backward(p.widths) {
		if err := w.SetColWidth(i+1, i+1, width); err != nil {
			return nil, err
		}
	}
	if p.header > 0 {
		err = w.SetPanes(&excelize.Panes{Freeze: true, YSplit: p.header, TopLeftCell: ref(0, p.header+1), ActivePane: "bottomLeft",
			Selection: []excelize.Selection{{SQRef: ref(0, p.header+1), ActiveCell: ref(0, p.header+1), Pane: "bottomLeft"}}})
	}
	return &sheet{b: b, name: name, w: w}, err
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
	if p.header > 0 {
		titles := fmt.Sprintf("'%s'!$%d:$%d", name, p.header, p.header)
		if p.printWidth() > 1 {
			titles = fmt.Sprintf("'%s'!$A:$A,%s", name, titles)
		}
		steps = append(steps, b.f.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: name, RefersTo: titles}))
	}
	i := slices.IndexFunc(steps, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return fmt.Errorf("sheet %q: %w", name, steps[i])
}

// ref names a cell: column 0 and row 1 are A1.
func ref(column, row int) string {
	name, err := excelize.CoordinatesToCellName(column+1, row)
	if err != nil { // beyond 16,384 columns, which no grid has
		return ""
	}
	return name
}

// add writes one row. Cells of money and moments must have what they need.
func (s *sheet) add(cells []cell, columns []column, r role) error {
	s.values = s.values[:0]
	for i, c := range cells {
		if c.kind == kindEmpty && r == roleData {
			s.values = append(s.values, nil)
			continue
		}
		zone := time.UTC
		if columns != nil && columns[i].zone != nil {
			zone = columns[i].zone
		}
		v, err := s.b.value(c, zone, r)
		if err != nil {
			return err
		}
		s.values = append(s.values, v)
	}
	return s.addValues(r)
}

func (s *sheet) addValues(r role) error {
	s.row++
	return s.w.SetRow(ref(0, s.row), s.values, excelize.RowOpts{Height: r.height()})
}

// skip leaves rows empty.
func (s *sheet) skip(n int) { s.row += n }

func (s *sheet) end() error { return s.w.Flush() }
