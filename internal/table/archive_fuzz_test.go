package table_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	. "github.com/payrec/payrec/internal/table"
)

// FuzzArchive: no container, however broken, makes the reader panic, go on for
// ever or leave a file behind; and what comes from a path comes from a stream.
func FuzzArchive(f *testing.F) {
	text := "a,b\n1,2\n\"x\ny\",3\n"
	sheet := book{rows: `<row r="1"><c t="s"><v>0</v></c><c t="inlineStr"><is><t>b</t></is></c></row><row r="2"><c r="B2"><v>1.5</v></c></row>`, strings: `<si><t>a</t></si>`}
	seeds := []string{text}
	t := &testing.T{} // of the helpers; seeds do not fail
	for _, s := range []string{text, string(sheet.bytes(f))} {
		seeds = append(seeds, s, gz(t, s), zst(t, s), gz(t, gz(t, s)), zipped(t, "a.csv", s), zipped(t, "d/", "", "d/a.csv", gz(t, s)), gz(t, zipped(t, "a", s)), gz(t, s)+gz(t, s), gz(t, s)+"x")
	}
	seeds = append(seeds, zipped(t), zipped(t, "a", "", "b", ""), zipped(t, "content.xml", ""), zipped(t, "xl/workbook.xml", ""), zipped(t, "[Content_Types].xml", "", "xl/vbaProject.bin", ""),
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", "\xff\xfe\x00\x00", "%PDF-", "{\"a\":1}")
	for _, s := range seeds {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	dir, tmp := f.TempDir(), f.TempDir()
	f.Setenv("TMPDIR", tmp)
	f.Fuzz(func(t *testing.T, data []byte, workbook bool) {
		d := Dialect{Header: Header{None: true}, Limits: Limits{Cell: 1 << 12, Row: 1 << 14, Unzipped: 1 << 20, Parts: 50}}
		if workbook {
			d.Format = XLSX
		}
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		read := func(r *Reader, err error) string {
			if err != nil {
				return err.Error() + "\n"
			}
			defer r.Close()
			return show(collect(r))
		}
		file := read(Open(path, d))
		stream := read(NewReader("f", bytes.NewReader(data), d))
		if file != stream {
			t.Fatalf("from a path:\n%s\nfrom a stream:\n%s", file, stream)
		}
		if left, _ := os.ReadDir(tmp); len(left) > 0 {
			t.Fatalf("left behind: %v", left)
		}
	})
}
