package sniff_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"github.com/klauspost/compress/gzip"

	"github.com/payrec/payrec/internal/sniff"
)

// TestRefused: what is no table is an error that says what it is.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{
		"a legacy .xls": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600),
		"a PDF":         "%PDF-1.7\n",
		"a web page":    "<!DOCTYPE html><html>",
		"every byte":    everyByte(),
		"zeros":         strings.Repeat("\x00", 10_000),
		"cut zip":       "PK\x03\x04\x14\x00",
		"cut gzip":      "\x1f\x8b\x08\x00",
		"two files":     string(zipped(t, map[string]string{"a.csv": payments, "b.csv": payments})),
		"no workbook":   string(zipped(t, map[string]string{"[Content_Types].xml": "<Types/>"})),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := sniff.File(path); err == nil {
			t.Errorf("%s: found %q", name, short(f))
		} else if !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error does not name the file: %v", name, err)
		}
	}
	if _, err := sniff.File(filepath.Join(dir, "absent.csv")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
	if _, err := sniff.File(dir); err == nil {
		t.Error("a folder was read")
	}
}

func zipped(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		e, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(e, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sound checks what holds for every finding, whatever the file.
func sound(t testing.TB, f *sniff.Finding) {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && r != ' ' && !unicode.IsPrint(r) {
			t.Fatalf("%q reaches the terminal", r)
		}
	}
	if _, err := json.Marshal(f); err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Columns {
		if c.Filled < 0 || c.Empty < 0 || c.Filled+c.Empty != f.Rows || c.Distinct > max(c.Filled, 0) || len(c.Samples) > 3 {
			t.Fatalf("%d rows and column %+v", f.Rows, c)
		}
		if c.Type == "" || c.Confidence < 0 || c.Confidence > 1 {
			t.Fatalf("column %+v", c)
		}
	}
}

func TestHostileText(t *testing.T) {
	for name, data := range map[string]string{
		"a quote that never closes": payments + "\"A-3,x,y,z\n" + strings.Repeat("more,and,more,1\n", 1000),
		"one long line":             strings.Repeat("x", 3<<20),
		"a million columns":         strings.Repeat(",", 1<<20) + "\n",
		"many columns":              strings.Repeat("a,", 16_000) + "b\n" + strings.Repeat(strings.Repeat("1,", 16_000)+"2\n", 50),
		"a million lines":           strings.Repeat("\n", 1<<20),
		"quotes only":               strings.Repeat(`"`, 10_001),
		"delimiters only":           strings.Repeat(",;\t|\n", 5_000),
		"many kinds":                manyKinds(),
		"escapes":                   "a\x1b]0;own\x07,b\u202e\u2066\n\x1b[2J,\u009b31m\n",
	} {
		t.Run(name, func(t *testing.T) { sound(t, find(t, "march.csv", []byte(data))) })
	}
}

func everyByte() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return strings.Repeat(string(b), 64)
}

// manyKinds looks framed at first and then has a new kind in every row.
func manyKinds() string {
	var b strings.Builder
	b.WriteString("HD,1\n")
	for range 20_000 {
		b.WriteString("TX,a,5.50\n")
	}
	for i := range 5_000 {
		fmt.Fprintf(&b, "K%d,a\n", i)
	}
	return b.String()
}

func TestKindsAreBounded(t *testing.T) {
	f := find(t, "march.csv", []byte(manyKinds()))
	if n := len(f.Kinds); n < 3 || n > 101 || f.Kinds["TX"] != 20_000 || f.Kinds["(others)"] == 0 {
		t.Errorf("%d kinds: %v", n, f.Kinds)
	}
}

// TestBrokenHalfway: what was found before the damage is kept, and said to be
// not all.
func TestBrokenHalfway(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,amount\n")
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 200_000 {
		fmt.Fprintf(&text, "P%d,%d.50\n", i, r.IntN(1e9))
	}
	whole := packed(t, "gzip", text.String())
	f := find(t, "march.csv.gz", whole[:len(whole)*2/3])
	if f.Complete || f.Rows == 0 || f.Header.Line != 1 || !strings.Contains(strings.Join(f.Notes, "\n"), "broke off") {
		t.Errorf("%s, complete %v; %q", short(f), f.Complete, f.Notes)
	}
	sound(t, f)
}

// TestBomb: of an archive that unpacks to far more than it is, what came before
// the limit is found, and no more is held.
func TestBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("packs much data")
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	line := bytes.Repeat([]byte("A-1001,2026-01-06,10.50,"+strings.Repeat("note ", 200)+"\n"), 1<<10)
	for range 256 { // 256 MiB
		if _, err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := find(t, "march.csv.gz", b.Bytes())
	runtime.ReadMemStats(&after)
	if f.Complete || f.Rows < 5_000 {
		t.Errorf("%d rows, complete %v", f.Rows, f.Complete)
	}
	if held := int64(after.HeapInuse) - int64(before.HeapInuse); held > 200<<20 {
		t.Errorf("%d MiB held", held>>20)
	}
	sound(t, f)
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(payments))
	f.Add([]byte("\ufeffa;b\n1,5;2\n"))
	f.Add([]byte("HD,1\nCH,Reference,Amount\nTX,A1,500\nTX,A2,700\nTR,2,1200,EUR\n"))
	f.Add([]byte("\xff\xfea\x00,\x00b\x00\n\x00"))
	f.Add([]byte("\x8d\x91,\x93\xfa\n1,2\n"))
	f.Add([]byte("a,b\n\"x\ny\",2\n'1','2'\n"))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, fmt.Sprintf("%d.csv", os.Getpid()))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := sniff.File(path)
		if err != nil {
			return
		}
		sound(t, found)
	})
}

func BenchmarkFile(b *testing.B) {
	var text strings.Builder
	text.WriteString("id,created,amount,currency,note\n")
	for i := 0; text.Len() < 32<<20; i++ {
		fmt.Fprintf(&text, "P%09d,2026-01-%02d 08:00:30,%d.%02d,EUR,Order number %d\n", i, i%28+1, i%5000, i%100, i)
	}
	path := filepath.Join(b.TempDir(), "march.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sniff.File(path); err != nil {
			b.Fatal(err)
		}
	}
}
