package exporter

import (
	"errors"
	"fmt"
	"slices"

	"github.com/xuri/excelize/v2"

	stream "github.com/payrec/payrec/internal/sheet"
)

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
