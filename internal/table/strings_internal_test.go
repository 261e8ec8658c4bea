package table

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// TestManySharedStrings: texts beyond what is held in memory come back from the
// file, in order and out of it, and nothing of it stays behind.
func TestManySharedStrings(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	w := &stringWriter{sharedStrings: &sharedStrings{}}
	pad := strings.Repeat("x", 300<<10)
	text := func(i int) string {
		switch i % 4 {
		case 0:
			return ""
		case 1:
			return fmt.Sprint("short ", i)
		}
		return fmt.Sprint(i, pad)
	}
	const n = 300
	for i := range n {
		if err := w.add([]byte(text(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	s := w.sharedStrings
	if s.file == nil || len(s.blocks) <= blocksHeld+blocksLoaded {
		t.Fatalf("%d blocks, and nothing in the file", len(s.blocks))
	}
	order := append(rand.New(rand.NewPCG(1, 1)).Perm(n), 0, n-1)
	for i := range n {
		order = append(order, i)
	}
	for _, i := range order {
		if got, ok, err := s.get(i); got != text(i) || !ok || err != nil {
			t.Fatalf("text %d: %.20q, %v, %v", i, got, ok, err)
		}
	}
	held := 0
	for _, b := range s.blocks {
		held += len(b.text)
	}
	if held > (blocksHeld+blocksLoaded)*blockSize {
		t.Errorf("%d bytes are held", held)
	}
	for _, i := range []int{-1, n} {
		if _, ok, err := s.get(i); ok || err != nil {
			t.Errorf("text %d: %v, %v", i, ok, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
