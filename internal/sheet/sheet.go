// Package sheet writes workbooks whose sheets are long: excelize makes the
// package (sheets, styles, layout, charts), and the rows are streamed into it.
//
// Terms:
//
//   - The frame is an excelize file that has everything but the rows: sheets in
//     order, column widths, panes, filters, print setup, defined names, charts.
//   - A part is one file inside the package, which is a zip archive.
//   - [Rows] are the rows of one sheet, written from top to bottom and from left
//     to right, cell by cell.
//   - A style is a number that excelize's NewStyle gave.
//
// # Order
//
// Frame first: [Begin] takes the frame as it is and writes all its parts but
// worksheets and styles. Then the rows of each sheet, one sheet after the
// other, in any order. Then [Package.Close], which writes the sheets that were
// not streamed and the styles. So a sheet cannot be laid out after Begin, but a
// style may still be made when its first cell is written.
//
// # Rules
//
// Every cell and row bears its reference, and the sheet's dimension is the
// frame's (SetSheetDimension): readers that trust either find what they expect.
// Text is an inline string: no table of strings to keep in memory, and nothing
// in a text is ever a formula. What XML cannot say (control characters, invalid
// UTF-8) becomes U+FFFD, and a text that reads like an escape of the format
// (_x0041_) is escaped. Numbers are written as the decimal digits that they are
// given as; a float is made by whoever reads them. Source: ECMA-376 part 1,
// 18.3.1 (worksheets), 22.9.2.19 (ST_Xstring).
//
// The same calls give the same bytes: parts stand in the order of their names,
// without a time.
//
// # Speed
//
// Cells are appended to a block; a full block goes to a second goroutine, which
// deflates it at level 1. There is no other copy, no reflection and no
// allocation per row, and memory is a few blocks, however long the sheet.
package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/xuri/excelize/v2"
)

// What a sheet holds at the most, in every version of Excel since 2007.
const (
	MaxRows    = 1_048_576
	MaxColumns = 16_384
	// MaxText is how many UTF-16 units the text of a cell may have.
	MaxText = 32_767
)

// A Package is a workbook being written. It is used by one goroutine.
type Package struct {
	f     *excelize.File
	zip   *zip.Writer
	parts map[string][]byte // of the frame that are not written yet
	paths map[string]string // sheet name to part
	open  *Rows             // the sheet being written
}

const (
	typesPart  = "[Content_Types].xml"
	corePart   = "docProps/core.xml"
	stylesPart = "xl/styles.xml"
)

// Begin writes the frame to w, but for its worksheets and styles. The frame
// stays the caller's, to make styles with and to close after Close.
func Begin(w io.Writer, frame *excelize.File) (*Package, error) {
	parts, err := partsOf(frame)
	if err != nil {
		return nil, err
	}
	p := &Package{f: frame, zip: zip.NewWriter(w), parts: parts}
	p.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	if p.paths, err = worksheets(parts); err != nil {
		return nil, err
	}
	later := map[string]bool{stylesPart: true}
	for _, part := range p.paths {
		later[part] = true
	}
	// "[Content_Types].xml" comes first by its name as well, as the format's
	// packaging rules recommend.
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if !later[name] {
			if err := p.write(name); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// write writes a part of the frame as it is.
func (p *Package) write(name string) error {
	w, err := p.zip.Create(name)
	if err == nil {
		_, err = w.Write(p.parts[name])
	}
	delete(p.parts, name)
	return err
}

// Rows begins the rows of a sheet. The sheet must be one of the frame's, have
// no rows there, and not have been begun before; the sheet begun before must
// have ended.
func (p *Package) Rows(name string) (*Rows, error) {
	if p.open != nil {
		return nil, fmt.Errorf("sheet %q: sheet %q must be ended first", name, p.open.name)
	}
	part, ok := p.paths[name]
	frame, left := p.parts[part]
	if !ok || !left {
		return nil, fmt.Errorf("sheet %q: the workbook has no such sheet left to write", name)
	}
	head, tail, err := split(frame)
	if err != nil {
		return nil, fmt.Errorf("sheet %q: %w", name, err)
	}
	w, err := p.zip.Create(part)
	if err != nil {
		return nil, err
	}
	delete(p.parts, part)
	p.open = newRows(p, name, w, head, tail)
	return p.open, nil
}

// Close writes what is left. A sheet that has not ended is an error.
func (p *Package) Close() error {
	if p.open != nil {
		name := p.open.name
		return errors.Join(p.open.End(), fmt.Errorf("sheet %q has not ended", name))
	}
	now, err := partsOf(p.f)
	if err != nil {
		return err
	}
	p.parts[stylesPart] = now[stylesPart]
	for _, name := range slices.Sorted(maps.Keys(p.parts)) {
		if err := p.write(name); err != nil {
			return err
		}
	}
	return p.zip.Close()
}

// Abandon ends the writing of a workbook that is not to be finished.
func (p *Package) Abandon() {
	if p.open != nil {
		p.open.fail(errors.New("the workbook was given up"))
		p.open.End()
	}
}

// split cuts a worksheet where its rows belong.
func split(frame []byte) (head, tail []byte, err error) {
	for _, empty := range []string{"<sheetData></sheetData>", "<sheetData/>"} {
		if head, tail, ok := bytes.Cut(frame, []byte(empty)); ok {
			return head, tail, nil
		}
	}
	return nil, nil, errors.New("it has rows in the frame already; only an empty sheet can be streamed")
}

// collector takes excelize's parts into memory: without rows they are small.
type collector map[string]*bytes.Buffer

func (c collector) Create(name string) (io.Writer, error) {
	c[name] = new(bytes.Buffer)
	return c[name], nil
}

func (c collector) Close() error { return nil }

func (c collector) AddFS(fs.FS) error { return errors.ErrUnsupported } // which excelize never calls

// partsOf is everything that excelize would write.
func partsOf(f *excelize.File) (map[string][]byte, error) {
	c := collector{}
	before := f.ZipWriter
	f.ZipWriter = func(io.Writer) excelize.ZipWriter { return c }
	defer func() { f.ZipWriter = before }()
	if err := f.Write(io.Discard); err != nil {
		return nil, err
	}
	parts := map[string][]byte{}
	for name, b := range c {
		parts[strings.TrimPrefix(name, "/")] = b.Bytes()
	}
	parts[typesPart], parts[corePart] = inOrder(parts[typesPart]), prefixed(parts[corePart])
	return parts, nil
}

var coreElements = regexp.MustCompile(`<(/?)(coreProperties|category|contentStatus|keywords|lastModifiedBy|lastPrinted|revision|version)\b`)

// prefixed writes the namespace of the document's properties as a prefix, as
// Excel does: exceljs refuses the whole workbook when it is the default one.
func prefixed(core []byte) []byte {
	core = bytes.Replace(core, []byte("<coreProperties xmlns="), []byte("<coreProperties xmlns:cp="), 1)
	return coreElements.ReplaceAll(core, []byte("<${1}cp:$2"))
}

// inOrder sorts the types of file name extensions, which come in the order of
// a map once there is a chart.
func inOrder(types []byte) []byte {
	before, rest, _ := bytes.Cut(types, []byte("<Default "))
	end := bytes.LastIndex(rest, []byte("</Default>"))
	if end < 0 {
		return types
	}
	all := strings.Split(string(rest[:end]), "</Default><Default ")
	slices.Sort(all)
	return slices.Concat(before, []byte("<Default "+strings.Join(all, "</Default><Default ")), rest[end:])
}

// worksheets finds the part of each sheet, as a reader would.
func worksheets(parts map[string][]byte) (map[string]string, error) {
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		Relationships []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := errors.Join(xml.Unmarshal(parts["xl/workbook.xml"], &book), xml.Unmarshal(parts["xl/_rels/workbook.xml.rels"], &links)); err != nil {
		return nil, fmt.Errorf("the workbook's frame cannot be read: %w", err)
	}
	targets := map[string]string{}
	for _, l := range links.Relationships {
		if strings.HasPrefix(l.Target, "/") {
			targets[l.ID] = strings.TrimPrefix(l.Target, "/")
		} else {
			targets[l.ID] = path.Join("xl", l.Target)
		}
	}
	paths := map[string]string{}
	for _, s := range book.Sheets {
		paths[s.Name] = targets[s.ID]
	}
	return paths, nil
}
