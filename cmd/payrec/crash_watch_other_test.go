//go:build !linux

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// A watch sees the files of a folder grow.
type watch struct {
	dir  string
	last int64
}

func newWatch(t *testing.T, dir string) *watch { return &watch{dir: dir} }

// wait returns after n steps on the disk, or when there was none for quiet.
func (w *watch) wait(n int, quiet time.Duration) (seen int) {
	for end := time.Now().Add(quiet); seen < n && time.Now().Before(end); runtime.Gosched() {
		if size := w.size(); size != w.last {
			w.last, end = size, time.Now().Add(quiet)
			seen++
		}
	}
	return seen
}

func (w *watch) size() (sum int64) {
	files, _ := filepath.Glob(filepath.Join(w.dir, "*")) // the pattern is well formed
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			sum += info.Size() + 1
		}
	}
	return sum
}

func (w *watch) close() {}

// unsynced is not known here.
func unsynced(path string) int { return -1 }
