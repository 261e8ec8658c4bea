package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Recipes for workbooks and archives of the corpus.

// plainRows are the rows of csv/plain.csv.
const plainRows = "date,amount,currency,reference\n2026-03-01,10.00,EUR,M-1\n2026-03-02,25.50,EUR,M-2\n"

// A madeBook is a workbook in the making, by the XML that matters. Empty parts
// get what a plain workbook has.
type madeBook struct {
	rows    string            // of the sheet
	shared  string            // si elements
	sheets  string            // sheet elements of the workbook
	pr      string            // attributes of workbookPr
	prolog  string            // before each part
	leave   string            // a part that is left out
	parts   map[string]string // further parts, or others in place of those
	between func(z *zip.Writer) error
}

const cellsOfHead = `<row r="1"><c r="A1" t="inlineStr"><is><t>date</t></is></c><c r="B1" t="inlineStr"><is><t>amount</t></is></c><c r="C1" t="inlineStr"><is><t>currency</t></is></c><c r="D1" t="inlineStr"><is><t>reference</t></is></c></row>`

// textCell is a cell of text.
func textCell(s string) string { return `<c t="inlineStr"><is><t>` + s + `</t></is></c>` }

func rowOf(number int, cells ...string) string {
	return fmt.Sprintf(`<row r="%d">%s</row>`, number, strings.Join(cells, ""))
}

// payment is a row of a payment, with its amount as a cell.
func payment(number int, amount, reference string) string {
	return rowOf(number, textCell("2026-03-01"), amount, textCell("EUR"), textCell(reference))
}

func (b madeBook) bytes() ([]byte, error) {
	if b.rows == "" {
		b.rows = cellsOfHead + payment(2, `<c><v>10</v></c>`, "M-1") + payment(3, `<c><v>25.5</v></c>`, "M-2")
	}
	if b.sheets == "" {
		b.sheets = `<sheet name="Sheet1" sheetId="1" r:id="rId1"/>`
	}
	names := []string{"[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"}
	parts := map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"_rels/.rels":         `<Relationships><Relationship Id="rId1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":     `<workbook xmlns:r="x"><workbookPr ` + b.pr + `/><sheets>` + b.sheets + `</sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="http://x/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="rId9" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/sharedStrings.xml":     `<sst>` + b.shared + `</sst>`,
		"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + b.rows + `</sheetData></worksheet>`,
	}
	for name, text := range b.parts {
		if _, ok := parts[name]; !ok {
			names = append(names, name)
		}
		parts[name] = text
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range names {
		if name == b.leave {
			continue
		}
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, b.prolog+parts[name])
		}
		if err != nil {
			return nil, err
		}
	}
	if b.between != nil {
		if err := b.between(z); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

// made is an input of these bytes.
func made(name string, bytes func() ([]byte, error), args ...string) hostile {
	return hostile{name: name, args: args, make: func(path string) error {
		data, err := bytes()
		if err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o600)
	}}
}

func book(name string, b madeBook) hostile { return made("xlsx/"+name, b.bytes) }

func plainBook() ([]byte, error) { return madeBook{}.bytes() }

// zipOf packs files: name, content, name, content.
func zipOf(files ...string) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

func gzipOf(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

func zstdOf(data []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(data, nil), w.Close()
}

// then changes what a recipe makes.
func then(make func() ([]byte, error), change func([]byte) []byte) func() ([]byte, error) {
	return func() ([]byte, error) {
		data, err := make()
		if err != nil {
			return nil, err
		}
		return change(data), nil
	}
}

func cutTo(n, of int) func([]byte) []byte {
	return func(b []byte) []byte { return b[:len(b)*n/of] }
}

func flip(b []byte) []byte {
	b[len(b)/2] ^= 0x55
	return b
}

// storedEntry is a zip of one stored file with a header of our own making.
func storedEntry(change func(h *zip.FileHeader), data string) func() ([]byte, error) {
	return func() ([]byte, error) {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		h := &zip.FileHeader{Name: "march.csv", Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(data)),
			CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data))}
		change(h)
		w, err := z.CreateRaw(h)
		if err == nil {
			_, err = io.WriteString(w, data)
		}
		if err != nil {
			return nil, err
		}
		err = z.Close()
		return out.Bytes(), err
	}
}

func hostileArchives() []hostile {
	plain := func() ([]byte, error) { return []byte(plainRows), nil }
	packed := func() ([]byte, error) { return gzipOf([]byte(plainRows)) }
	archive := func(name string, f func() ([]byte, error)) hostile { return made("archive/"+name, f) }
	long := plainRows
	for i := range 5000 {
		long += fmt.Sprintf("2026-03-03,1.00,EUR,L-%d\n", i*7919)
	}
	return []hostile{
		archive("plain.csv.gz", packed),
		archive("named-csv.csv", packed),
		archive("named-gz-but-text.csv.gz", plain),
		archive("cut.csv.gz", then(func() ([]byte, error) { return gzipOf([]byte(long)) }, cutTo(1, 2))),
		archive("header-only.csv.gz", then(packed, func(b []byte) []byte { return b[:10] })),
		archive("wrong-checksum.csv.gz", then(packed, func(b []byte) []byte { b[len(b)-8] ^= 1; return b })),
		archive("damaged.csv.gz", then(func() ([]byte, error) { return gzipOf([]byte(long)) }, flip)),
		archive("garbage-behind.csv.gz", then(packed, func(b []byte) []byte { return append(b, "garbage"...) })),
		archive("zeros-behind.csv.gz", then(packed, func(b []byte) []byte { return append(b, make([]byte, 512)...) })),
		archive("two-members.csv.gz", func() ([]byte, error) {
			a, err := gzipOf([]byte(plainRows[:40]))
			if err != nil {
				return nil, err
			}
			b, err := gzipOf([]byte(plainRows[40:]))
			return append(a, b...), err
		}),
		archive("packed-four-times.csv.gz", func() ([]byte, error) {
			data := []byte(plainRows)
			var err error
			for range 4 {
				if data, err = gzipOf(data); err != nil {
					return nil, err
				}
			}
			return data, nil
		}),
		archive("empty.csv.gz", func() ([]byte, error) { return gzipOf(nil) }),
		archive("plain.csv.zst", func() ([]byte, error) { return zstdOf([]byte(plainRows)) }),
		archive("cut.csv.zst", then(func() ([]byte, error) { return zstdOf([]byte(long)) }, cutTo(1, 2))),
		archive("damaged.csv.zst", then(func() ([]byte, error) { return zstdOf([]byte(long)) }, flip)),
		archive("great-window.csv.zst", func() ([]byte, error) { // a frame that asks for a window of 2 GiB
			return []byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"), nil
		}),
		archive("plain.zip", func() ([]byte, error) { return zipOf("march.csv", plainRows) }),
		archive("with-folder-and-mac-files.zip", func() ([]byte, error) {
			return zipOf("out/", "", "out/march.csv", plainRows, "__MACOSX/out/._march.csv", "x", "out/.DS_Store", "x")
		}),
		archive("two-files.zip", func() ([]byte, error) { return zipOf("march.csv", plainRows, "april.csv", plainRows) }),
		archive("no-files.zip", func() ([]byte, error) { return zipOf() }),
		archive("only-folder.zip", func() ([]byte, error) { return zipOf("out/", "") }),
		archive("climbing-name.zip", func() ([]byte, error) { return zipOf("../../etc/march.csv", plainRows) }),
		archive("absolute-name.zip", func() ([]byte, error) { return zipOf("/etc/passwd", plainRows) }),
		archive("terminal-in-names.zip", func() ([]byte, error) { return zipOf("a\x1b[2J.csv", plainRows, "b\u202e.csv", plainRows) }),
		archive("zip-in-gzip.zip.gz", func() ([]byte, error) {
			data, err := zipOf("march.csv", plainRows)
			if err != nil {
				return nil, err
			}
			return gzipOf(data)
		}),
		archive("zip-in-zip.zip", func() ([]byte, error) {
			data, err := zipOf("march.csv", plainRows)
			if err != nil {
				return nil, err
			}
			return zipOf("march.zip", string(data))
		}),
		archive("cut.zip", then(func() ([]byte, error) { return zipOf("march.csv", long) }, cutTo(1, 2))),
		archive("encrypted.zip", storedEntry(func(h *zip.FileHeader) { h.Flags |= 1 }, plainRows)),
		archive("symbolic-link.zip", storedEntry(func(h *zip.FileHeader) { h.SetMode(os.ModeSymlink | 0o777) }, "/etc/passwd")),
		archive("wrong-checksum.zip", storedEntry(func(h *zip.FileHeader) { h.CRC32 ^= 1 }, plainRows)),
		archive("size-too-small.zip", storedEntry(func(h *zip.FileHeader) { h.UncompressedSize64 = 10 }, plainRows)),
		archive("size-too-great.zip", storedEntry(func(h *zip.FileHeader) { h.UncompressedSize64 = 1 << 40 }, plainRows)),
		archive("unknown-method.zip", storedEntry(func(h *zip.FileHeader) { h.Method = 12 }, plainRows)),
		archive("garbage-behind.zip", then(func() ([]byte, error) { return zipOf("march.csv", plainRows) }, func(b []byte) []byte { return append(b, "garbage"...) })),
		archive("many-parts.zip", func() ([]byte, error) {
			var files []string
			for i := range 1500 {
				files = append(files, fmt.Sprintf("%d.csv", i), "")
			}
			return zipOf(files...)
		}),
		archive("xz.csv.xz", func() ([]byte, error) { return []byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46"), nil }),
		archive("bzip2.csv.bz2", func() ([]byte, error) { return []byte("BZh91AY&SY\x00\x00\x00\x00"), nil }),
		archive("seven-zip.7z", func() ([]byte, error) { return []byte("7z\xbc\xaf\x27\x1c\x00\x04"), nil }),
		archive("rar.rar", func() ([]byte, error) { return []byte("Rar!\x1a\x07\x01\x00"), nil }),
		archive("tar.tar", func() ([]byte, error) {
			return append(append([]byte("march.csv"), make([]byte, 248)...), "ustar\x0000"+strings.Repeat("\x00", 300)+plainRows...), nil
		}),
		archive("workbook.xlsx", plainBook),
		archive("workbook-named-csv.csv", plainBook),
	}
}
