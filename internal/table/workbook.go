package table

import (
	"archive/zip"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/klauspost/compress/flate"
)

// A workbook is the inside of an XLSX file as far as rows need it: which
// sheets there are, the shared strings, and which day dates count from.
//
// Element and attribute names are compared without their namespaces, so that
// the transitional and the strict form of the format (ECMA-376, ISO 29500)
// both read.
type workbook struct {
	parts    map[string]*zip.File
	limits   Limits
	unzipped int64 // declared size of the parts opened so far; archive/zip holds parts to it
	sheets   []sheetRef
	date1904 bool
	strings  string // shared strings' part, or empty
}

// A sheetRef is a sheet as the workbook lists it.
type sheetRef struct {
	name   string
	hidden bool
	part   string
}

// newWorkbook reads the list of sheets.
func newWorkbook(z *zip.Reader, limits Limits) (*workbook, error) {
	z.RegisterDecompressor(zip.Deflate, flate.NewReader) // two thirds of the time that the standard library's takes
	b := &workbook{parts: make(map[string]*zip.File, len(z.File)), limits: limits}
	for _, f := range z.File {
		name := strings.TrimPrefix(f.Name, "/")
		if strings.EqualFold(path.Base(name), "vbaProject.bin") {
			return nil, isA("a workbook with macros", "save it as .xlsx, which has none, or as CSV")
		}
		if b.parts[name] != nil { // programs differ in which of them they take
			return nil, &fault{cell: -1, msg: fmt.Sprintf("the workbook has its part %q twice", name), hint: "the file may be damaged or hostile; save it again in a spreadsheet program"}
		}
		b.parts[name] = f
	}
	if b.parts["xl/workbook.bin"] != nil {
		return nil, isA("a binary workbook (.xlsb)", "save it as .xlsx or as CSV")
	}
	main := "xl/workbook.xml"
	if b.parts[main] == nil {
		if b.parts["word/document.xml"] != nil || b.parts["ppt/presentation.xml"] != nil {
			return nil, isA("an Office document without a table", "save the table as .xlsx or as CSV")
		}
		rels, err := b.relations("")
		if err != nil {
			return nil, err
		}
		for _, r := range rels {
			if strings.HasSuffix(r.kind, "/officeDocument") {
				main = r.target
			}
		}
	}
	return b, b.readMain(main)
}

// A relation is one line of a part's .rels.
type relation struct{ id, kind, target string }

// relations reads what a part refers to; a part without any has none.
func (b *workbook) relations(of string) ([]relation, error) {
	dir, base := path.Split(of)
	name := dir + "_rels/" + base + ".rels"
	if b.parts[name] == nil {
		return nil, nil
	}
	var rels []relation
	err := b.each(name, func(t *token, _ *part) error {
		if string(t.name) != "Relationship" {
			return nil
		}
		target := string(t.attr("Target"))
		if !strings.HasPrefix(target, "/") {
			target = dir + target
		}
		rels = append(rels, relation{string(t.attr("Id")), string(t.attr("Type")), strings.TrimPrefix(path.Clean(target), "/")})
		return nil
	})
	return rels, err
}

// readMain reads the workbook part and finds the parts that it names.
func (b *workbook) readMain(main string) error {
	rels, err := b.relations(main)
	if err != nil {
		return err
	}
	byID := make(map[string]string, len(rels))
	for _, r := range rels {
		byID[r.id] = r.target
		if strings.HasSuffix(r.kind, "/sharedStrings") {
			b.strings = r.target
		}
	}
	return b.each(main, func(t *token, _ *part) error {
		switch string(t.name) {
		case "workbookPr":
			b.date1904 = truth(string(t.attr("date1904")))
		case "sheet":
			state, target := string(t.attr("state")), byID[string(t.attr("id"))]
			if strings.Contains(target, "worksheets/") || b.parts[target] != nil && !strings.Contains(target, "chartsheets/") {
				b.sheets = append(b.sheets, sheetRef{string(t.attr("name")), state != "" && state != "visible", target})
			}
		}
		return nil
	})
}

// choose finds the sheet that a Dialect names.
func (b *workbook) choose(want string) (sheetRef, error) {
	var visible []sheetRef
	for _, s := range b.sheets {
		if want != "" && Normalize(s.name) == Normalize(want) {
			return s, nil
		}
		if !s.hidden {
			visible = append(visible, s)
		}
	}
	if n, err := strconv.Atoi(want); err == nil && n >= 1 && n <= len(visible) {
		return visible[n-1], nil
	}
	if want == "" && len(visible) > 0 {
		return visible[0], nil
	}
	var found []sheetRef
	if len(want) > 1 && want[0] == '/' && want[len(want)-1] == '/' {
		re, err := regexp.Compile(want[1 : len(want)-1])
		if err != nil {
			return sheetRef{}, &fault{cell: -1, msg: fmt.Sprintf("sheet %q: %v", want, err)}
		}
		for _, s := range visible {
			if re.MatchString(s.name) {
				found = append(found, s)
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return sheetRef{}, &fault{cell: -1, msg: fmt.Sprintf("%s fits several sheets (%s)", want, sheetNames(found)), hint: "name one of them"}
	case len(b.sheets) == 0:
		return sheetRef{}, &fault{cell: -1, msg: "the workbook has no sheet with rows", hint: "the file may be damaged; export it again"}
	case want == "":
		return sheetRef{}, &fault{cell: -1, msg: "the workbook has no visible sheet", hint: "name a hidden one: " + sheetNames(b.sheets)}
	}
	return sheetRef{}, &fault{cell: -1, msg: fmt.Sprintf("no sheet %q", want), hint: "the workbook has " + sheetNames(b.sheets)}
}

func sheetNames(sheets []sheetRef) string {
	var names []string
	for i, s := range sheets {
		if i == 10 {
			names = append(names, "…")
			break
		}
		names = append(names, strconv.Quote(s.name))
	}
	return strings.Join(names, ", ")
}

// A part is one file of the package, streaming. No single token of its XML may
// be much longer than a cell may be: it would all be held.
type part struct {
	xml  tokenizer
	file io.ReadCloser
	name string
	cell int // limit of a cell's text
}

const partBuffer = 64 << 10

func (p *part) tooLong() *fault {
	return &fault{cell: -1, msg: fmt.Sprintf("%s has a text longer than %d bytes", p.name, p.cell),
		hint: "no cell needs that; the file may be damaged or hostile"}
}

// token is the next token.
func (p *part) token() (*token, error) { return p.xml.next() }

// damaged says that a part cannot be read.
func (p *part) damaged(err error) *fault {
	return damaged(fmt.Errorf("%s: %w", p.name, err))
}

// rest reads a part to its end, so that its checksum is seen.
func (p *part) rest() error {
	_, err := io.Copy(io.Discard, p.file)
	return err
}

// openPart opens a part within the limits, which are held before anything is
// unpacked: archive/zip stops at the declared size, so that is what counts.
func (b *workbook) openPart(name string) (*part, error) {
	f := b.parts[name]
	if f == nil {
		return nil, &fault{cell: -1, msg: fmt.Sprintf("the workbook lacks its part %q", name), hint: "the file may be damaged; export it again"}
	}
	if f.Flags&1 != 0 {
		return nil, isA("an encrypted workbook", "save it as .xlsx without a password, or as CSV")
	}
	size, packed := int64(min(f.UncompressedSize64, 1<<62)), int64(min(f.CompressedSize64, 1<<62))
	if size > b.limits.Unzipped-b.unzipped {
		return nil, tooLarge("the workbook, unzipped,", b.unzipped+size, b.limits.Unzipped)
	}
	if size > 8<<20 && size/max(packed, 1) > b.limits.Ratio {
		return nil, &fault{cell: -1, msg: fmt.Sprintf("%s unzips to %d times its size", name, size/max(packed, 1)), hint: "it may be a zip bomb; if it is not, export it as CSV"}
	}
	b.unzipped += size
	file, err := f.Open()
	if err != nil {
		return nil, damaged(fmt.Errorf("%s: %w", name, err))
	}
	p := &part{file: file, name: name, cell: b.limits.Cell}
	p.xml = tokenizer{src: file, buf: make([]byte, partBuffer), limit: int64(p.cell) + 2*partBuffer, tooLong: p.tooLong()}
	return p, nil
}

// each calls f with every element's start.
func (b *workbook) each(name string, f func(*token, *part) error) error {
	p, err := b.openPart(name)
	if err != nil {
		return err
	}
	defer p.file.Close()
	for {
		t, err := p.token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return p.damaged(err)
		}
		if t.kind == startTag {
			if err := f(t, p); err != nil {
				return err
			}
		}
	}
}

// truth reads an XML Schema boolean.
func truth(s string) bool { return s == "1" || s == "true" || s == "on" }
