package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// number is a numeric cell.
func numberCell(s string) string { return `<c><v>` + s + `</v></c>` }

// amounts is a workbook of payments with these cells as their amounts.
func amounts(cells ...string) madeBook {
	rows := cellsOfHead
	for i, cell := range cells {
		rows += payment(i+2, cell, fmt.Sprintf("M-%d", i+1))
	}
	return madeBook{rows: rows}
}

// dates likewise.
func dates(pr string, cells ...string) madeBook {
	rows := cellsOfHead
	for i, cell := range cells {
		rows += rowOf(i+2, cell, numberCell("10"), textCell("EUR"), textCell(fmt.Sprintf("M-%d", i+1)))
	}
	return madeBook{rows: rows, pr: pr}
}

func ole(names ...string) func() ([]byte, error) {
	return func() ([]byte, error) {
		b := []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600))
		for _, name := range names {
			for _, u := range utf16.Encode([]rune(name)) {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		return b, nil
	}
}

func hostileWorkbooks() []hostile {
	second := map[string]string{"xl/worksheets/sheet2.xml": `<worksheet><sheetData/></worksheet>`}
	list := []hostile{
		book("plain.xlsx", madeBook{}),
		book("plain-named-xls.xls", madeBook{}),
		made("xlsx/csv-named-xlsx.xlsx", func() ([]byte, error) { return []byte(plainRows), nil }),
		made("xlsx/empty-file.xlsx", func() ([]byte, error) { return nil, nil }),
		made("xlsx/html-named-xls.xls", func() ([]byte, error) { return []byte("<html><table><tr><td>date</td></tr></table></html>"), nil }),
		made("xlsx/legacy.xls", ole("Root Entry", "Workbook")),
		made("xlsx/legacy-named-xlsx.xlsx", ole("Root Entry", "Book")),
		made("xlsx/encrypted.xlsx", ole("EncryptionInfo", "EncryptedPackage")),
		made("xlsx/word.doc", ole("WordDocument")),
		made("xlsx/cut.xlsx", then(plainBook, cutTo(2, 3))),
		made("xlsx/damaged.xlsx", then(plainBook, flip)),
		made("xlsx/garbage-before.xlsx", then(plainBook, func(b []byte) []byte { return append([]byte("garbage\n"), b...) })),
		made("xlsx/garbage-behind.xlsx", then(plainBook, func(b []byte) []byte { return append(b, "garbage"...) })),
		made("xlsx/wrong-checksum.xlsx", func() ([]byte, error) {
			return madeBook{leave: "xl/worksheets/sheet1.xml", between: func(z *zip.Writer) error {
				text := `<worksheet><sheetData>` + cellsOfHead + payment(2, numberCell("10"), "M-1") + `</sheetData></worksheet>`
				w, err := z.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", CRC32: 1, CompressedSize64: uint64(len(text)), UncompressedSize64: uint64(len(text))})
				if err == nil {
					_, err = io.WriteString(w, text)
				}
				return err
			}}.bytes()
		}),
		made("xlsx/encrypted-part.xlsx", func() ([]byte, error) {
			return madeBook{leave: "xl/worksheets/sheet1.xml", between: func(z *zip.Writer) error {
				w, err := z.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Flags: 1, CompressedSize64: 5, UncompressedSize64: 5})
				if err == nil {
					_, err = io.WriteString(w, "xxxxx")
				}
				return err
			}}.bytes()
		}),
		book("macros.xlsm", madeBook{parts: map[string]string{"xl/vbaProject.bin": "x"}}),
		book("binary.xlsb", madeBook{leave: "xl/workbook.xml", parts: map[string]string{"xl/workbook.bin": "x"}}),
		made("xlsx/opendocument.ods", func() ([]byte, error) { return zipOf("mimetype", "x", "content.xml", "<x/>") }),
		made("xlsx/word.docx", func() ([]byte, error) { return zipOf("[Content_Types].xml", "<Types/>", "word/document.xml", "<x/>") }),
		made("xlsx/numbers.numbers", func() ([]byte, error) { return zipOf("Index/Document.iwa", "x", "Metadata/Properties.plist", "x") }),
		book("no-workbook-part.xlsx", madeBook{leave: "xl/workbook.xml"}),
		book("no-sheet-part.xlsx", madeBook{leave: "xl/worksheets/sheet1.xml"}),
		book("no-relations.xlsx", madeBook{leave: "xl/_rels/workbook.xml.rels"}),
		book("no-shared-strings.xlsx", madeBook{leave: "xl/sharedStrings.xml", rows: cellsOfHead + payment(2, `<c t="s"><v>0</v></c>`, "M-1")}),
		book("no-content-types.xlsx", madeBook{leave: "[Content_Types].xml"}),
		book("no-sheets.xlsx", madeBook{sheets: `<x/>`}),
		book("no-visible-sheet.xlsx", madeBook{sheets: `<sheet name="Hidden" sheetId="1" state="hidden" r:id="rId1"/>`}),
		book("first-sheet-empty.xlsx", madeBook{parts: second, sheets: `<sheet name="Empty" sheetId="2" r:id="rId2"/><sheet name="Data" sheetId="1" r:id="rId1"/>`}),
		book("two-sheets-of-one-name.xlsx", madeBook{parts: second, sheets: `<sheet name="Data" sheetId="1" r:id="rId1"/><sheet name="Data" sheetId="2" r:id="rId2"/>`}),
		book("climbing-target.xlsx", madeBook{parts: map[string]string{"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="../../../etc/worksheets/passwd"/></Relationships>`}}),
		book("external-target.xlsx", madeBook{parts: map[string]string{"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Type="http://x/worksheet" TargetMode="External" Target="http://attacker.example/worksheets/1.xml"/></Relationships>`}}),
		book("external-entity.xlsx", madeBook{prolog: `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>`, rows: cellsOfHead + payment(2, numberCell("10"), "&e;")}),
		book("entity-bomb.xlsx", madeBook{prolog: `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>`, rows: cellsOfHead + payment(2, numberCell("10"), "&b;")}),
		book("unclosed-xml.xlsx", madeBook{parts: map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + cellsOfHead + `<row r="2"><c>`}}),
		book("no-xml.xlsx", madeBook{parts: map[string]string{"xl/worksheets/sheet1.xml": "date,amount\n1,2\n"}}),
		book("no-sheet-data.xlsx", madeBook{parts: map[string]string{"xl/worksheets/sheet1.xml": "<worksheet></worksheet>"}}),
		book("utf16-xml.xlsx", madeBook{parts: map[string]string{"xl/worksheets/sheet1.xml": "\xff\xfe<\x00w\x00"}}),
		book("shared-string-out-of-range.xlsx", amounts(`<c t="s"><v>7</v></c>`, `<c t="s"><v>-1</v></c>`, `<c t="s"><v>x</v></c>`, `<c t="s"><v>99999999999999999999</v></c>`)),
		book("not-a-number.xlsx", amounts(`<c><v>12,5</v></c>`, `<c><v>NaN</v></c>`, `<c><v>1E+400</v></c>`, `<c><v>0x10</v></c>`)),
		book("numbers.xlsx", amounts(numberCell("277.60000000000002"), numberCell("1.5E1"), numberCell("1E-2"), numberCell("9007199254740993"), numberCell("-0"))),
		book("errors.xlsx", amounts(`<c t="e"><v>#N/A</v></c>`, `<c t="e"><v>#REF!</v></c>`, `<c t="b"><v>1</v></c>`)),
		book("formulas.xlsx", amounts(`<c><f>5+5</f><v>10</v></c>`, `<c><f>5+5</f></c>`, `<c t="str"><f>"x"</f><v>10.00</v></c>`, `<c t="str"><f>HYPERLINK("http://x")</f><v></v></c>`)),
		book("long-ids-as-numbers.xlsx", madeBook{rows: cellsOfHead + rowOf(2, textCell("2026-03-01"), numberCell("10"), textCell("EUR"), numberCell("8815658961765250"))}),
		book("dates-of-1900.xlsx", dates("", numberCell("46082"), numberCell("46082.5"), numberCell("60"), numberCell("0"), numberCell("-1"), numberCell("9999999"), numberCell("46082.999999999"))),
		book("dates-of-1904.xlsx", dates(`date1904="1"`, numberCell("44620"), textCell("2026-03-01"))),
		book("iso-dates.xlsx", dates("", `<c t="d"><v>2026-03-01T10:00:00</v></c>`, `<c t="d"><v>2026-03-01</v></c>`)),
		book("cell-twice.xlsx", madeBook{rows: cellsOfHead + `<row r="2"><c r="A2" t="inlineStr"><is><t>2026-03-01</t></is></c><c r="B2"><v>10</v></c><c r="B2"><v>99</v></c><c r="C2" t="inlineStr"><is><t>EUR</t></is></c><c r="D2" t="inlineStr"><is><t>M-1</t></is></c></row>`}),
		book("cells-out-of-order.xlsx", madeBook{rows: cellsOfHead + `<row r="2"><c r="B2"><v>10</v></c><c r="A2" t="inlineStr"><is><t>2026-03-01</t></is></c></row>`}),
		book("bad-references.xlsx", madeBook{rows: cellsOfHead + `<row r="2"><c r="2A"><v>10</v></c></row>`}),
		book("far-column.xlsx", madeBook{rows: cellsOfHead + `<row r="2"><c r="XFE2"><v>10</v></c></row>`}),
		book("last-column.xlsx", madeBook{rows: cellsOfHead + `<row r="2"><c r="XFD2"><v>10</v></c></row>`}),
		book("rows-without-numbers.xlsx", madeBook{rows: strings.ReplaceAll(cellsOfHead, ` r="1"`, "") + `<row>` + textCell("2026-03-01") + numberCell("10") + textCell("EUR") + textCell("M-1") + `</row>`}),
		book("rows-descending.xlsx", madeBook{rows: cellsOfHead + payment(3, numberCell("10"), "M-1") + payment(2, numberCell("11"), "M-2")}),
		book("row-number-twice.xlsx", madeBook{rows: cellsOfHead + payment(2, numberCell("10"), "M-1") + payment(2, numberCell("11"), "M-2")}),
		book("row-past-the-last.xlsx", madeBook{rows: cellsOfHead + payment(1048577, numberCell("10"), "M-1")}),
		book("last-row.xlsx", madeBook{rows: cellsOfHead + payment(1048576, numberCell("10"), "M-1")}),
		book("row-number-huge.xlsx", madeBook{rows: cellsOfHead + `<row r="99999999999999999999"></row>`}),
		book("huge-dimension.xlsx", madeBook{parts: map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><dimension ref="A1:XFD1048576"/><sheetData>` + cellsOfHead + payment(2, numberCell("10"), "M-1") + `</sheetData></worksheet>`}}),
		book("merged-cells.xlsx", madeBook{parts: map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + cellsOfHead + payment(2, numberCell("10"), "M-1") + `</sheetData><mergeCells>` +
			strings.Repeat(`<mergeCell ref="A1:XFD1048576"/>`, 10_000) + `</mergeCells></worksheet>`}}),
		book("deep-nesting.xlsx", madeBook{rows: cellsOfHead + strings.Repeat("<x>", 100_000) + strings.Repeat("</x>", 100_000) + payment(2, numberCell("10"), "M-1")}),
		book("controls-in-text.xlsx", madeBook{rows: cellsOfHead + rowOf(2, textCell("2026-03-01"), numberCell("10"), textCell("EUR"), textCell("M_x001B_[31m-1\u202e"))}),
		book("formula-like-text.xlsx", madeBook{rows: cellsOfHead + rowOf(2, textCell("2026-03-01"), textCell("=5+5"), textCell("EUR"), textCell("M-1"))}),
		book("names-with-controls.xlsx", madeBook{sheets: `<sheet name="a&#x1b;b&#x202e;" sheetId="1" r:id="rId1"/>`, rows: cellsOfHead + payment(2, textCell("oops"), "M-1")}),
		made("xlsx/parts-twice.xlsx", func() ([]byte, error) {
			return madeBook{between: func(z *zip.Writer) error {
				w, err := z.Create("xl/worksheets/sheet1.xml")
				if err == nil {
					_, err = io.WriteString(w, `<worksheet><sheetData>`+cellsOfHead+payment(2, numberCell("999"), "OTHER")+`</sheetData></worksheet>`)
				}
				return err
			}}.bytes()
		}),
		made("xlsx/parts-in-other-case.xlsx", func() ([]byte, error) {
			return madeBook{parts: map[string]string{"XL/Worksheets/Sheet1.xml": "<x/>"}}.bytes()
		}),
		made("xlsx/climbing-part.xlsx", func() ([]byte, error) { return madeBook{parts: map[string]string{"../../../../tmp/evil": "x"}}.bytes() }),
		made("xlsx/packed-once-more.xlsx", func() ([]byte, error) {
			data, err := plainBook()
			if err != nil {
				return nil, err
			}
			return zipOf("march.xlsx", string(data))
		}),
	}
	return append(list, bombs()...)
}

// bombs are workbooks that unpack to far more than they are.
func bombs() []hostile {
	bomb := func(name string, h func() ([]byte, error)) hostile {
		b := made("xlsx/"+name, h)
		b.big = true
		return b
	}
	part := func(name, head, unit, tail string, size int) func() ([]byte, error) {
		return func() ([]byte, error) {
			return madeBook{leave: name, between: func(z *zip.Writer) error {
				w, err := z.Create(name)
				if err != nil {
					return err
				}
				io.WriteString(w, head)
				block := strings.Repeat(unit, 1+(1<<16)/len(unit))
				for n := 0; n < size; n += len(block) {
					if _, err := io.WriteString(w, block); err != nil {
						return err
					}
				}
				_, err = io.WriteString(w, tail)
				return err
			}}.bytes()
		}
	}
	const sheet, shared = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
	return []hostile{
		bomb("bomb-one-cell.xlsx", part(sheet, `<worksheet><sheetData><row r="1"><c t="inlineStr"><is><t>`, "a", `</t></is></c></row></sheetData></worksheet>`, 300<<20)),
		bomb("bomb-shared-strings.xlsx", part(shared, `<sst>`, `<si><t>`+strings.Repeat("a", 1000)+`</t></si>`, `</sst>`, 200<<20)),
		bomb("bomb-short-strings.xlsx", part(shared, `<sst>`, `<si/>`, `</sst>`, 100<<20)),
		bomb("bomb-attribute.xlsx", part(sheet, `<worksheet x="`, "a", `"><sheetData/></worksheet>`, 100<<20)),
		bomb("bomb-many-attributes.xlsx", part(sheet, `<worksheet`, ` a="b"`, `><sheetData/></worksheet>`, 40<<20)),
		bomb("bomb-comment.xlsx", part(sheet, `<worksheet><!--`, "a", `--><sheetData/></worksheet>`, 100<<20)),
		bomb("bomb-empty-rows.xlsx", part(sheet, `<worksheet><sheetData>`, `<row/>`, `</sheetData></worksheet>`, 6<<20)),
		bomb("bomb-many-cells.xlsx", part(sheet, `<worksheet><sheetData><row r="1">`, `<c/>`, `</row></sheetData></worksheet>`, 6<<20)),
		bomb("bomb-many-sheets.xlsx", part("xl/workbook.xml", `<workbook xmlns:r="x"><sheets>`, `<sheet name="s" r:id="rId1"/>`, `</sheets></workbook>`, 7<<20)),
		bomb("bomb-many-relations.xlsx", part("xl/_rels/workbook.xml.rels", `<Relationships>`, `<Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>`, `</Relationships>`, 7<<20)),
		// What packs little is no bomb by its ratio, and is long all the same.
		bomb("long-random-strings.xlsx", func() ([]byte, error) {
			var b bytes.Buffer
			b.WriteString("<sst>")
			x := uint64(88172645463325252)
			for b.Len() < 48<<20 {
				b.WriteString("<si><t>")
				for range 4 {
					x ^= x << 13
					x ^= x >> 7
					x ^= x << 17
					fmt.Fprintf(&b, "%016x%s", x, strings.Repeat("a", 200))
				}
				b.WriteString("</t></si>")
			}
			b.WriteString("</sst>")
			return madeBook{parts: map[string]string{shared: b.String()}}.bytes()
		}),
		bomb("many-parts.xlsx", func() ([]byte, error) {
			parts := map[string]string{}
			for i := range 1200 { // more than the limit on parts
				parts[fmt.Sprintf("xl/media/%04d.png", i)] = "x"
			}
			return madeBook{parts: parts}.bytes()
		}),
	}
}
