package importer

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
	"github.com/xuri/excelize/v2"

	"github.com/payrec/payrec/internal/table"
)

// A leftoverBook is one rejects or held file as a workbook. Rows stream through
// it; only the first ones wait until it is known how wide their columns are.
//
// Numeric cells of a workbook source stay numeric, and everything else is text,
// so that it reads back as it was. Control characters cannot stand in XML and
// become U+FFFD. Day numbers of dates are shown as numbers: which cells are
// dates is the mapping's knowledge.
type leftoverBook struct {
	f       *excelize.File
	w       *excelize.StreamWriter
	sheet   string
	source  leftoverSource
	columns *table.Columns // nil without header
	styles  leftoverStyles
	row     int             // last row that was written
	last    int             // last row that a sheet has
	waiting []markedRow     // nil once columns have their widths
	width   int             // cells of the widest row
	cells   []excelize.Cell // of one row, reused
	values  []any           // pointers to them; nil for an empty cell
	begun   bool
	head    int // row of the header; 0 for none
}

// A markedRow is a row and its blamed column.
type markedRow struct {
	leftoverRow
	blamed string
}

type leftoverStyles struct{ header, added, text, number, says, badText, badNumber int }

// maxSheetRows is a sheet's last row in every version of Excel since 2007.
const maxSheetRows = 1 << 20

// waitingRows is how many rows tell how wide the columns are.
const waitingRows = 100

func newLeftoverBook(p *leftoverPart, d table.Dialect) (*leftoverBook, error) {
	b := &leftoverBook{f: excelize.NewFile(), source: p.source, last: maxSheetRows}
	if p.source.head != nil {
		b.columns = table.NewColumns(p.source.head)
	}
	err := b.open(p, d)
	if err != nil {
		return nil, errors.Join(err, b.f.Close())
	}
	return b, nil
}

// open makes the sheet, under the name and at the place where a mapping of the
// source looks for it.
func (b *leftoverBook) open(p *leftoverPart, d table.Dialect) error {
	b.sheet = p.source.sheet
	if b.sheet == "" {
		b.sheet = "Rejects"
		if p.held {
			b.sheet = "Held"
		}
	}
	before := 0
	if n, err := strconv.Atoi(d.Sheet); err == nil && table.Normalize(d.Sheet) != table.Normalize(b.sheet) {
		before = min(n-1, 100)
	}
	for i := range before {
		if _, err := b.f.NewSheet(fmt.Sprintf("(left out %d)", i+1)); err != nil {
			return err
		}
	}
	at, err := b.f.NewSheet(b.sheet)
	if err != nil { // no name that a spreadsheet takes
		b.sheet = "Rows"
		if at, err = b.f.NewSheet(b.sheet); err != nil {
			return err
		}
	}
	if first := b.f.GetSheetName(0); first != b.sheet {
		if err := b.f.DeleteSheet(first); err != nil {
			return err
		}
		at--
	}
	b.f.SetActiveSheet(at)
	err = errors.Join(
		b.f.SetDocProps(&excelize.DocProperties{Creator: "payrec", LastModifiedBy: "payrec", Title: "Rows that were not imported"}),
		b.f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: new(p.source.date1904)}),
		b.f.SetPageLayout(b.sheet, &excelize.PageLayoutOptions{Size: new(9), Orientation: new("landscape"), FitToHeight: new(0)}),
		b.f.SetSheetProps(b.sheet, &excelize.SheetPropsOptions{FitToPage: new(true)}),
		b.style())
	if err != nil {
		return err
	}
	b.w, err = b.f.NewStreamWriter(b.sheet)
	return err
}

func (b *leftoverBook) style() error {
	fill := func(color string) excelize.Fill {
		return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
	}
	bad := &excelize.Font{Color: "9C0006", Bold: true}
	top := &excelize.Alignment{Vertical: "top"}
	const asText = 49 // "@": what is typed over it stays text as well
	for _, s := range []struct {
		id    *int
		style excelize.Style
	}{
		{&b.styles.header, excelize.Style{Font: &excelize.Font{Bold: true, Color: "FFFFFF"}, Fill: fill("1F3A4D"), NumFmt: asText}},
		{&b.styles.added, excelize.Style{Font: &excelize.Font{Bold: true, Color: "FFFFFF"}, Fill: fill("9C0006")}},
		{&b.styles.text, excelize.Style{NumFmt: asText, Alignment: top}},
		{&b.styles.number, excelize.Style{Alignment: top}},
		{&b.styles.says, excelize.Style{Fill: fill("FBF3F3"), NumFmt: asText, Alignment: top}},
		{&b.styles.badText, excelize.Style{Font: bad, Fill: fill("FFC7CE"), NumFmt: asText, Alignment: top}},
		{&b.styles.badNumber, excelize.Style{Font: bad, Fill: fill("FFC7CE"), Alignment: top}},
	} {
		if s.style.Font == nil {
			s.style.Font = &excelize.Font{}
		}
		s.style.Font.Family, s.style.Font.Size = "Calibri", 11
		id, err := b.f.NewStyle(&s.style)
		if err != nil {
			return err
		}
		*s.id = id
	}
	return nil
}

func (b *leftoverBook) full() bool { return b.row+len(b.waiting) >= b.last-b.source.headLine }

// add writes one row, guarded and with the added cells at its end.
func (b *leftoverBook) add(r leftoverRow, blamed string) error {
	b.width = max(b.width, len(r.cells))
	if !b.begun {
		if b.waiting = append(b.waiting, markedRow{r, blamed}); len(b.waiting) < waitingRows {
			return nil
		}
		return b.begin()
	}
	return b.body(r, blamed)
}

// begin writes what stands before the rows, and those that waited for it.
func (b *leftoverBook) begin() error {
	b.begun = true
	for i := b.width - 1; i >= 0; i-- { // ascending in the file: each call puts its column in front
		if err := b.w.SetColWidth(i+1, i+1, b.columnWidth(i)); err != nil {
			return err
		}
	}
	if err := b.top(); err != nil {
		return err
	}
	waiting := b.waiting
	b.waiting = nil
	for _, r := range waiting {
		if err := b.body(r.leftoverRow, r.blamed); err != nil {
			return err
		}
	}
	return nil
}

// columnWidth is enough for the header and the first rows, within reason. The
// width is in characters; the filter's button takes three.
func (b *leftoverBook) columnWidth(i int) float64 {
	width := 6
	if i < len(b.source.head) {
		width = max(width, utf8.RuneCountInString(b.source.head[i])+3)
	} else if j := i - len(b.source.head); b.columns != nil && j < len(addedColumns) {
		width = len(addedColumns[j]) + 3
	}
	for _, r := range b.waiting {
		if i < len(r.cells) {
			width = max(width, utf8.RuneCountInString(r.cells[i])+1)
		}
	}
	return float64(min(width, 70))
}

// top writes the rows above the header, where they stood, and the header.
func (b *leftoverBook) top() error {
	if b.columns == nil {
		return nil
	}
	lines := make([]int, len(b.source.above)) // where they stood, unless another file's rows stand there
	b.head = 0
	for i, r := range b.source.above {
		b.head = max(r.line, b.head+1)
		lines[i] = b.head
	}
	b.head = max(b.source.headLine, b.head+1)
	frozen := ref(0, b.head+1)
	err := b.w.SetPanes(&excelize.Panes{Freeze: true, YSplit: b.head, TopLeftCell: frozen, ActivePane: "bottomLeft",
		Selection: []excelize.Selection{{SQRef: frozen, ActiveCell: frozen, Pane: "bottomLeft"}}})
	if err != nil {
		return err
	}
	for n, r := range b.source.above {
		b.next(len(r.cells))
		for i, cell := range r.cells {
			b.set(i, b.styles.number, b.value(r, i, cell))
		}
		if err := b.write(lines[n]); err != nil {
			return err
		}
	}
	own := len(b.source.head)
	b.next(own + len(addedColumns))
	for i, name := range b.source.head {
		b.set(i, b.styles.header, fitting(name))
	}
	for i, name := range addedColumns {
		b.set(own+i, b.styles.added, name)
	}
	return b.write(b.head)
}

// body writes a row, the cell to blame in colour: the column's own, or the
// message when no column is to blame.
func (b *leftoverBook) body(r leftoverRow, blamed string) error {
	own := len(r.cells) - len(addedColumns)
	bad := b.find(blamed)
	if bad < 0 || bad >= own {
		bad = own + slices.Index(addedColumns, "payrec_message")
	}
	b.next(len(r.cells))
	for i, cell := range r.cells {
		number := i < len(r.numbers) && r.numbers[i]
		style := b.styles.text
		switch {
		case i == bad && number:
			style = b.styles.badNumber
		case i == bad:
			style = b.styles.badText
		case i >= own:
			style = b.styles.says
		case number:
			style = b.styles.number
		case cell == "":
			continue
		}
		b.set(i, style, b.value(r, i, cell))
	}
	return b.write(b.row + 1)
}

// find is the index of the column that a note names: by its name, or as
// "column 7"; -1 when it is none of the source's.
func (b *leftoverBook) find(name string) int {
	if b.columns != nil {
		if i := b.columns.Index(name, 1); i >= 0 {
			return i
		}
	}
	n, err := strconv.Atoi(strings.TrimPrefix(name, "column "))
	if err != nil || n < 1 {
		return -1
	}
	return n - 1
}

// next begins a row of so many cells, which are empty until they are set.
func (b *leftoverBook) next(cells int) {
	if cells > len(b.cells) {
		b.cells = make([]excelize.Cell, cells)
	}
	b.values = slices.Grow(b.values[:0], cells)[:cells]
	clear(b.values)
}

func (b *leftoverBook) set(i, style int, value any) {
	b.cells[i] = excelize.Cell{StyleID: style, Value: value}
	b.values[i] = &b.cells[i]
}

func (b *leftoverBook) write(row int) error {
	b.row = row
	return b.w.SetRow(ref(0, row), b.values)
}

// value is a number or text, as the source has it.
func (b *leftoverBook) value(r leftoverRow, i int, text string) any {
	if i < len(r.numbers) && r.numbers[i] {
		// A workbook's numbers are doubles, shown with 15 digits, and up to 15 digits
		// a double's shortest decimal form is the number itself. Longer ones are
		// integers: exact as such as far as they fit.
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	}
	return fitting(text)
}

// writeTo ends the sheet and writes the workbook.
func (b *leftoverBook) writeTo(w io.Writer) error {
	if !b.begun {
		if err := b.begin(); err != nil {
			return err
		}
	}
	if b.head > 0 {
		last := ref(len(b.source.head)+len(addedColumns)-1, b.row)
		if err := b.f.AutoFilter(b.sheet, ref(0, b.head)+":"+last, nil); err != nil {
			return err
		}
		if err := b.f.AddIgnoredErrors(b.sheet, "A1:"+last, excelize.IgnoredErrorsNumberStoredAsText); err != nil {
			return err
		}
	}
	if err := b.w.Flush(); err != nil {
		return err
	}
	b.f.SetZipWriter(func(w io.Writer) excelize.ZipWriter {
		z := zip.NewWriter(w)
		z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
		return z
	})
	_, err := b.f.WriteTo(w)
	return err
}

// ref names a cell: column 0 and row 1 are A1.
func ref(column, row int) string {
	name, err := excelize.CoordinatesToCellName(column+1, row)
	if err != nil { // beyond 16,384 columns; what takes the name refuses it
		return ""
	}
	return name
}

// maxCell is how many UTF-16 units a cell of a workbook holds. Of text with
// more, the workbook says that it is cut: imported again, the row is refused or
// reads as what it is, and not as something else of the same beginning.
const maxCell = 32767

func fitting(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.ContainsFunc(s, unwritable) {
		// What is dangerous behind a NUL is not behind what takes its place, and
		// would keep its guard when it is read back.
		s = table.Guard(strings.Map(func(r rune) rune {
			if unwritable(r) {
				return utf8.RuneError
			}
			return r
		}, table.Unguard(s)))
	}
	if len(s) <= maxCell { // never more units than bytes
		return s
	}
	const mark = " … (cut by payrec)"
	units := 0
	end := 0
	for i, r := range s {
		units += max(utf16Len(r), 1)
		if units > maxCell {
			return s[:end] + mark
		}
		if units <= maxCell-len(mark) {
			end = i + utf8.RuneLen(r)
		}
	}
	return s
}

// unwritable says whether XML has no room for the character.
func unwritable(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

func utf16Len(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}
