package table_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	. "github.com/payrec/payrec/internal/table"
)

// packedRows packs one row very often, and says how many bytes it packed.
func packedRows(t *testing.T, w io.WriteCloser, size int) {
	t.Helper()
	block := strings.Repeat("2026-03-01,1.00,EUR,M\n", 1<<12)
	for n := 0; n < size; n += len(block) {
		if _, err := io.WriteString(w, block); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestPackedBombs: what unpacks to far more than it is ends early, however it is
// packed and whether it comes as a file or a stream; how early is told by the
// lines that were read, not by the clock.
func TestPackedBombs(t *testing.T) {
	const size = 64 << 20
	var gz, zs, twice bytes.Buffer
	w, _ := gzip.NewWriterLevel(&gz, 9)
	packedRows(t, w, size)
	z, err := zstd.NewWriter(&zs, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	packedRows(t, z, size)
	w = gzip.NewWriter(&twice)
	w.Write(gz.Bytes())
	w.Close()
	zipped := []byte(zipped(t, "march.csv", strings.Repeat("2026-03-01,1.00,EUR,M\n", size/22)))
	for name, data := range map[string][]byte{"gzip": gz.Bytes(), "zstd": zs.Bytes(), "gzip in gzip": twice.Bytes(), "zip": zipped} {
		r, err := NewReader("march.csv", bytes.NewReader(data), Dialect{Header: Header{None: true}})
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for err == nil {
			var row *Row
			if row, err = r.Next(); err == nil {
				lines = row.Pos.Line
			}
		}
		r.Close()
		if !strings.Contains(err.Error(), "unpacks to more than 200 times its size; it may be a bomb") {
			t.Errorf("%s (%d bytes): %v after %d lines", name, len(data), err, lines)
		}
		if most := 16 << 20 / 22; lines > most {
			t.Errorf("%s: %d lines were read, more than %d", name, lines, most)
		}
	}

	// The same packed as text packs is no bomb.
	var plain bytes.Buffer
	w = gzip.NewWriter(&plain)
	text := &strings.Builder{}
	for i := range 600_000 {
		fmt.Fprintf(text, "2026-03-01,%d,EUR\n", i*7919%1_000_003)
	}
	io.WriteString(w, text.String())
	w.Close()
	r, err := NewReader("march.csv", &plain, Dialect{Header: Header{None: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for err == nil {
		_, err = r.Next()
	}
	if err != io.EOF {
		t.Errorf("%d bytes of text: %v", text.Len(), err)
	}
}
