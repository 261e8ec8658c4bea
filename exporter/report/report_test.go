package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestGoldenReports makes each report of testdata/reports, as CSV, from one
// account, and compares all that comes of it with the file beside it.
func TestGoldenReports(t *testing.T) {
	files, err := filepath.Glob("testdata/reports/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if b, err := build(t, string(src), june(), Options{Period: inJune}); err != nil {
				got = "error:\n" + err.Error() + "\n"
			} else {
				got = asText(t, b)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// asText is all files of a report, and what it has no line for.
func asText(t *testing.T, b *Built) string {
	t.Helper()
	files, err := b.Files("out.csv", TextOptions{})
	if err != nil {
		return "error:\n" + err.Error() + "\n"
	}
	var out strings.Builder
	for _, f := range files {
		var first, again bytes.Buffer
		if err := f.Write(&first); err != nil {
			fmt.Fprintf(&out, "error: %v\n", err)
			continue
		}
		if err := f.Write(&again); err != nil || !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Errorf("%s differs when it is written again: %v", f.Path, err)
		}
		fmt.Fprintf(&out, "--- %s, %d lines\n%s", f.Path, f.Lines, strings.ReplaceAll(first.String(), "\r", "␍"))
	}
	for _, total := range b.Totals() {
		fmt.Fprintf(&out, "total: %s, %s, %s: %s\n", total.Sheet, total.Group, total.Column, total.Sum)
	}
	exceptions, more := b.Exceptions()
	for _, e := range exceptions {
		fmt.Fprintf(&out, "exception: %s: %s\n", e.Payment, e.Reason)
	}
	if more > 0 {
		fmt.Fprintf(&out, "exceptions beyond: %d\n", more)
	}
	return out.String()
}
