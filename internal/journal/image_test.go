package journal

import (
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

// TestSealOf: the seal that is reckoned from the checksums of a file's pages is the
// one that reading the file gives.
func TestSealOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	rapid.Check(t, func(t *rapid.T) {
		size := 512 << rapid.IntRange(0, 7).Draw(t, "size")
		file := make([]byte, size*rapid.IntRange(1, 9).Draw(t, "pages"))
		for range rapid.IntRange(0, 50).Draw(t, "bytes") {
			file[rapid.IntRange(0, len(file)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		file[16], file[17] = byte(size>>8), byte(size) // where a database says it; 1<<16 is written as 1
		if size == 1<<16 {
			file[17] = 1
		}
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := measure(path)
		if got := sealOf(m.pageSize, m.sums); err != nil || m.pageSize != size || got != m.seal {
			t.Fatalf("pages of %d: %+v, not %+v: %v", m.pageSize, got, m.seal, err)
		}
	})
}
