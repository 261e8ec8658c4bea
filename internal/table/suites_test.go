package table_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/payrec/payrec/internal/table"
)

var suites = flag.Bool("suites", false, "fetch public test suites with npm and read their files")

// TestCSVSpectrum reads the suite csv-spectrum (BSD-2-Clause), fetched by its
// name from npm and not kept here. Its expectations are objects by header.
func TestCSVSpectrum(t *testing.T) {
	if !*suites {
		t.Skip("fetches a package; run with -suites")
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is not installed")
	}
	dir := t.TempDir()
	cmd := exec.Command("npm", "pack", "--silent", "csv-spectrum@2.0.0")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot fetch csv-spectrum: %v: %s", err, out)
	}
	files := unpack(t, filepath.Join(dir, "csv-spectrum-2.0.0.tgz"))
	seen := 0
	for name, text := range files {
		if path.Ext(name) != ".csv" {
			continue
		}
		seen++
		base := strings.TrimSuffix(path.Base(name), ".csv")
		// One file's JSON is a map for a drawing, which no reading of its CSV can equal.
		odd := base == "location_coordinates"
		var want []map[string]string
		if err := json.Unmarshal(files["package/json/"+base+".json"], &want); err != nil && !odd {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []map[string]string
		r, err := NewReader(path.Base(name), bytes.NewReader(text), Dialect{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for {
			row, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil || row.Err != nil {
				t.Errorf("%s: %v", name, errors.Join(err, row.Err))
				break
			}
			if row.Role != Body {
				continue
			}
			object := map[string]string{}
			for i, title := range row.Header.Names() {
				object[title], _ = row.Cell(i)
			}
			got = append(got, object)
		}
		r.Close()
		if odd {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
			t.Errorf("%s: %d rows %s", name, len(got), diff)
		}
	}
	if seen < 12 {
		t.Errorf("the suite has %d files", seen)
	}
}

func unpack(t *testing.T, name string) map[string][]byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(io.LimitReader(r, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
}
