package report

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// A File is one file of a report.
type File struct {
	Path  string
	Lines int // of the report's own sheets
	Write func(io.Writer) error
}

// TextOptions are what whoever writes CSV has to say about it.
type TextOptions struct {
	Locale exporter.Locale // where the report leaves it open
	Raw    bool            // no guard against formulas
}

// Files says which files the report has. path ends in .xlsx for a workbook, in
// .csv for one file for each sheet and split, or is - for standard output, as
// CSV, which takes one file only. Nothing is written before [File.Write], which
// may be called again and writes the same bytes.
func (b *Built) Files(path string, o TextOptions) ([]File, error) {
	if strings.EqualFold(filepath.Ext(path), ".xlsx") {
		if b.r.TextOnly() {
			return nil, fmt.Errorf("the report %q is for a program that reads CSV; name a file that ends in .csv", b.r.name)
		}
		return []File{{path, b.Lines(), b.writeWorkbook}}, nil
	}
	if b.r.WorkbookOnly() {
		return nil, fmt.Errorf("the report %q has sheets that only a workbook holds; name a file that ends in .xlsx", b.r.name)
	}
	if p := b.r.text.prefix; path != "-" && !strings.HasPrefix(filepath.Base(path), p) {
		return nil, fmt.Errorf("the file %q would not be read: files of %q begin with %s; write -o %s", path, b.r.name, p, filepath.Join(filepath.Dir(path), p+filepath.Base(path)))
	}
	form := b.r.text.with(o.Locale)
	form.guard = form.guard && !o.Raw
	var files []File
	for _, t := range b.tables {
		if len(t.parts) == 0 { // the titles alone
			if _, err := t.part("", split{}); err != nil {
				return nil, err
			}
		}
		for _, p := range t.parts {
			for no, lines := range p.files() {
				f := File{Path: filePath(path, b.fileName(t, p, no)), Lines: lines}
				f.Write = func(w io.Writer) error { return b.writeText(w, &form, p, no) }
				files = append(files, f)
			}
		}
	}
	if path == "-" && len(files) > 1 {
		return nil, fmt.Errorf("the report %q makes %d files here, which standard output cannot take; name a file", b.r.name, len(files))
	}
	return files, checkPaths(files)
}

// fileName is what a file's name has behind that of the output.
func (b *Built) fileName(t *content, p *part, no int) string {
	name := ""
	if len(b.tables) > 1 {
		name += "-" + slug(t.sheet.name)
	}
	if t.sheet.splitBy != nil && p.n > 0 {
		name += "-" + slug(p.key)
	}
	if no > 0 {
		name += fmt.Sprintf("-%d", no+1)
	}
	return name
}

func filePath(path, suffix string) string {
	if path == "-" {
		return path
	}
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + suffix + ext
}

// slug is a text as a part of a file's name, on any system.
func slug(s string) string {
	out := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '-'
	}, s)
	if out = strings.Trim(out, "-"); out == "" {
		return "none"
	}
	if r := []rune(out); len(r) > 60 {
		out = string(r[:60])
	}
	return out
}

func checkPaths(files []File) error {
	seen := map[string]bool{}
	for _, f := range files {
		key := strings.ToLower(f.Path)
		if seen[key] {
			return fmt.Errorf("two files would have the name %q; change the names of the sheets, or what split goes by", f.Path)
		}
		seen[key] = true
	}
	return nil
}

// with takes from a locale what the report leaves open.
func (f textForm) with(l exporter.Locale) textForm {
	if l == (exporter.Locale{}) {
		return f
	}
	delimiter, decimal, bom := l.Habits()
	if !f.said["delimiter"] {
		f.delimiter = delimiter
	}
	if !f.said["decimal"] && decimal != f.delimiter {
		f.decimal = decimal
	}
	if !f.said["bom"] && !f.latin {
		f.bom = bom
	}
	return f
}

// writeText writes one of the part's files.
func (b *Built) writeText(w io.Writer, form *textForm, p *part, no int) error {
	t := newTextWriter(w, form, b.r.period.Zone)
	err := t.write(p.sheet.columns, p.lines(no))
	b.replaced += t.replaced
	if err != nil {
		return fmt.Errorf("sheet %q: %w", p.sheet.name, err)
	}
	return nil
}

// writeWorkbook writes all sheets, and the exceptions if there are any.
func (b *Built) writeWorkbook(w io.Writer) error {
	var parts []exporter.Part
	used := map[string]bool{}
	for _, t := range b.tables {
		if t.sheet.builtin != "" {
			parts = append(parts, exporter.Part{Builtin: t.sheet.builtin})
			continue
		}
		if len(t.parts) == 0 {
			if _, err := t.part("", split{}); err != nil {
				return err
			}
		}
		for _, p := range t.parts {
			for no := range p.files() {
				parts = append(parts, exporter.Part{Sheet: b.sheet(t, p, no, used)})
			}
		}
	}
	if len(b.exceptions) > 0 && !b.r.WorkbookOnly() {
		parts = append(parts, exporter.Part{Sheet: b.exceptionSheet(used)})
	}
	if len(parts) > maxWorkbook {
		return fmt.Errorf("the workbook would have %d sheets, but %d are allowed; split into more rows, or by something that has fewer values", len(parts), maxWorkbook)
	}
	return b.d.WriteParts(w, parts)
}

// maxWorkbook is how many sheets still open in a reasonable time.
const maxWorkbook = 500

// sheet is one sheet of the workbook. Totals stand below the part's last line.
func (b *Built) sheet(t *content, p *part, no int, used map[string]bool) *exporter.Sheet {
	name := t.sheet.name
	if t.sheet.splitBy != nil {
		name += " " + sheetSlug(p.key)
	}
	if no > 0 {
		name += fmt.Sprintf(" (%d)", no+1)
	}
	s := &exporter.Sheet{Name: unused(name, used), Len: p.files()[no]}
	for _, col := range t.sheet.columns {
		c := exporter.SheetColumn{Title: col.title, Width: col.width, Zone: b.r.period.Zone}
		if col.zone != nil {
			c.Zone = col.zone
		}
		c.Figures = col.format == formatMoney || col.format == formatDecimal || col.format == formatInteger
		s.Columns = append(s.Columns, c)
	}
	s.Rows = func(yield func([]exporter.Cell, error) bool) {
		var cells []exporter.Cell
		for row, err := range p.lines(no) {
			cells = cells[:0]
			for i, v := range row {
				cells = append(cells, t.sheet.columns[i].cell(v))
			}
			if !yield(cells, err) || err != nil {
				return
			}
		}
	}
	if no == len(p.chunks) {
		s.Totals = p.sheetTotals(len(p.chunks) == 0)
	}
	return s
}

// sheetTotals are the lines of totals; alone says that all lines are on one sheet.
func (p *part) sheetTotals(alone bool) (all []exporter.SheetTotal) {
	keys := p.totalKeys()
	for _, key := range keys {
		label := strings.Join(strings.Fields("Total "+key.group+" "+key.currency.Upper()), " ")
		t := exporter.SheetTotal{Live: alone && len(keys) == 1, Cells: make([]exporter.Cell, len(p.sheet.columns))}
		t.Cells[0] = exporter.TextCell(label)
		for i, sum := range p.totals[key] {
			col := p.sheet.columns[i]
			isMoney := sum.Currency != ""
			switch {
			case !col.total || isMoney != (key.currency != ""):
			case isMoney:
				t.Cells[i] = exporter.MoneyCell(sum)
			case col.format != formatMoney:
				t.Cells[i] = col.cell(expression.NumberOf(sum.Amount))
			}
		}
		all = append(all, t)
	}
	return all
}

// cell is a value as a cell of a workbook.
func (col *column) cell(v expression.Value) exporter.Cell {
	if v.IsEmpty() {
		return exporter.Cell{}
	}
	switch v.Kind() {
	case expression.Text:
		return exporter.TextCell(v.Text())
	case expression.Money:
		return exporter.MoneyCell(v.Money())
	case expression.Number:
		if whole, fraction, ok := v.Number().Int64(0); col.format == formatInteger && ok && fraction == 0 {
			return exporter.WholeCell(whole)
		}
		return exporter.DecimalCell(v.Number())
	case expression.Time:
		if col.format == formatDate {
			return exporter.DayCell(v.Time())
		}
		return exporter.MomentCell(v.Time())
	}
	return exporter.BoolCell(v.Bool())
}

func (b *Built) exceptionSheet(used map[string]bool) *exporter.Sheet {
	s := &exporter.Sheet{Name: unused("Exceptions", used), Len: len(b.exceptions),
		Columns: []exporter.SheetColumn{{Title: "Payment record", Width: 32, Zone: time.UTC}, {Title: "Has no line, because", Width: 80, Zone: time.UTC}}}
	if b.more > 0 {
		s.Len++
	}
	s.Rows = func(yield func([]exporter.Cell, error) bool) {
		for _, e := range b.exceptions {
			if !yield([]exporter.Cell{exporter.TextCell(e.Payment), exporter.TextCell(e.Reason)}, nil) {
				return
			}
		}
		if b.more > 0 {
			yield([]exporter.Cell{exporter.TextCell(fmt.Sprintf("and %d more", b.more)), {}}, nil)
		}
	}
	return s
}

// sheetSlug is a text as a part of a sheet's name.
func sheetSlug(s string) string {
	out := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`\/?*[]:'`, r) || r < ' ' {
			return '-'
		}
		return r
	}, s)
	if strings.TrimSpace(out) == "" {
		return "none"
	}
	return out
}

// unused is a sheet's name cut to what a spreadsheet takes, told apart from
// those before it.
func unused(name string, used map[string]bool) string {
	cut := func(s string, n int) string {
		if r := []rune(s); len(r) > n {
			return string(r[:n])
		}
		return s
	}
	try := cut(name, 31)
	for n := 2; used[strings.ToLower(try)]; n++ {
		suffix := fmt.Sprintf(" ~%d", n)
		try = cut(name, 31-len(suffix)) + suffix
	}
	used[strings.ToLower(try)] = true
	return try
}

// Totals are the sums of the report's columns that have any, per sheet and
// currency, for a program to print.
func (b *Built) Totals() (all []Total) {
	for _, t := range b.tables {
		for _, p := range t.parts {
			for _, key := range p.totalKeys() {
				for i, sum := range p.totals[key] {
					if p.sheet.columns[i].total && (sum.Currency != "" || key.currency == "" && p.sheet.columns[i].format != formatMoney) {
						all = append(all, Total{t.sheet.name, key.group, p.sheet.columns[i].title, sum})
					}
				}
			}
		}
	}
	return all
}

// A Total is the sum of one column: of a group, in one currency.
type Total struct {
	Sheet, Group, Column string
	Sum                  record.Money // without a currency for plain numbers
}
