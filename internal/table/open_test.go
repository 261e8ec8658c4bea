package table_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	. "github.com/payrec/payrec/internal/table"
)

func gz(t *testing.T, data string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t *testing.T, data string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(data), nil))
}

// zipped packs names and contents in turn.
func zipped(t *testing.T, pairs ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.Create(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, pairs[i+1])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func utf16Text(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

// A file is what its content is, from a path as from a stream.
func TestOpenByContent(t *testing.T) {
	text := "a,b\n1,2\n"
	rows := lines("1 header a|b", "2 body 1|2")
	xlsx := string(book{rows: `<row><c t="inlineStr"><is><t>a</t></is></c></row><row><c><v>1</v></c></row>`}.bytes(t))
	sheet := lines("1 header a", "2 body 1")
	ole := "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600)
	for _, tt := range []struct {
		name, data string
		format     Format
		want       string
	}{
		{"plain", text, "", rows},
		{"gzip", gz(t, text), "", rows},
		{"two gzip members", gz(t, text[:4]) + gz(t, text[4:]), "", rows},
		{"zstd", zst(t, text), "", rows},
		{"zip", zipped(t, "folder/", "", "folder/a.csv", text, "__MACOSX/a.csv", "x"), "", rows},
		{"gzip in zip", zipped(t, "a.csv.gz", gz(t, text)), "", rows},
		{"workbook", xlsx, XLSX, sheet},
		{"workbook in gzip", gz(t, xlsx), XLSX, sheet},
		{"workbook in zip", zipped(t, "march.xlsx", xlsx), XLSX, sheet},
		{"deep nesting", gz(t, gz(t, gz(t, gz(t, text)))), "", "f: is an archive in an archive in an archive; unpack it first\n"},
		{"workbook as CSV", xlsx, CSV, "f: the file is an XLSX workbook, not CSV; say format: xlsx\n"},
		{"text as workbook", text, XLSX, "f: the file is text, not an XLSX workbook; say format: csv\n"},
		{"nothing as workbook", "", XLSX, "f: is empty, not an XLSX workbook\n"},
		{"two files", zipped(t, "a.csv", text, "b.csv", text), "", "f: the file is an archive of 2 files (a.csv, b.csv); unpack it and name the files that are meant\n"},
		{"no file", zipped(t), "", "f: the file is an archive without files; fetch it again\n"},
		{"legacy workbook", ole + utf16Text("Root Entry") + utf16Text("Workbook"), XLSX, "f: the file is a legacy .xls workbook; save it as .xlsx without a password, or as CSV\n"},
		{"encrypted workbook", ole + utf16Text("EncryptionInfo") + utf16Text("EncryptedPackage"), XLSX, "f: the file is an encrypted workbook; save it as .xlsx without a password, or as CSV\n"},
		{"OpenDocument", zipped(t, "mimetype", "x", "content.xml", "<x/>"), XLSX, "f: the file is an OpenDocument spreadsheet; save it as .xlsx or as CSV\n"},
		{"PDF", "%PDF-1.7\n", "", "f: the file is a PDF document; export it again as CSV or as an XLSX workbook\n"},
		{"web page", "\r\n<!DOCTYPE HTML><title>Log in", "", "f: the file is a web page; export it again as CSV or as an XLSX workbook\n"},
		{"XML spreadsheet", "\ufeff<?xml version=\"1.0\"?>", XLSX, "f: the file is an XML document; export it again as CSV or as an XLSX workbook\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, []byte(tt.data), 0o600); err != nil {
				t.Fatal(err)
			}
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			d := Dialect{Format: tt.format}
			for how, open := range map[string]func() (*Reader, error){
				"path":   func() (*Reader, error) { return Open(path, d) },
				"stream": func() (*Reader, error) { return NewReader("f", &oneByOne{tt.data}, d) },
			} {
				r, err := open()
				var got string
				if err != nil {
					got = err.Error() + "\n"
				} else {
					got = show(collect(r))
					if err := r.Close(); err != nil {
						t.Error(err)
					}
				}
				if got != tt.want {
					t.Errorf("from a %s: got\n%swant\n%s", how, got, tt.want)
				}
			}
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestDamagedArchives(t *testing.T) {
	text := "a\n" + strings.Repeat("some text that is to be packed\n", 1000)
	for name, data := range map[string]string{"gzip": gz(t, text), "zstd": zst(t, text), "zip": zipped(t, "a", text)} {
		short := data[:len(data)*2/3]
		flipped := []byte(data)
		flipped[len(data)/2] ^= 0x55
		for how, bad := range map[string]string{"cut short": short, "changed": string(flipped)} {
			r, err := NewReader("f", strings.NewReader(bad), Dialect{})
			if err == nil {
				_, err = collect(r)
				r.Close()
			}
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.Msg, "cannot be read") {
				t.Errorf("%s, %s: got %v", name, how, err)
			}
		}
	}
}

func TestOpenErrors(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none.csv"), Dialect{})
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "none.csv: cannot open the file: ") {
		t.Errorf("no file: %v", err)
	}
	if _, err := Open(t.TempDir(), Dialect{}); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := NewReader("big.zip", strings.NewReader(zipped(t, "a", "text")), Dialect{Limits: Limits{File: 20}}); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a long stream: %v", err)
	}
}
