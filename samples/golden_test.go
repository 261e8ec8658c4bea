package samples

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
)

// Every preset has samples, and what it makes of them is the plan beside them.
// Review a change of a plan as code: it is what users will find in their
// accounts.
func TestGoldenPlans(t *testing.T) {
	for _, p := range mapping.Presets() {
		t.Run(p.Name, func(t *testing.T) {
			m, err := mapping.Load(p.Name, mapping.Options{})
			if err != nil {
				t.Fatal(err)
			}
			results, err := m.TestGolden(p.Name, *update)
			if err != nil {
				t.Fatalf("%v; every preset has a sample", err)
			}
			for _, r := range results {
				if !r.OK {
					t.Errorf("%s: %s; run go test ./samples -run TestGoldenPlans -update", r.File, r.Difference)
				}
			}
		})
	}
}

// A preset recognises its own samples and none of another's: init and import
// would otherwise read a file as what it is not.
func TestIdentify(t *testing.T) {
	files, err := filepath.Glob("*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range mapping.Presets() {
		m, err := mapping.Load(p.Name, mapping.Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		for _, file := range files {
			if strings.HasSuffix(file, ".plan.jsonl") {
				continue
			}
			own := filepath.Dir(file) == p.Name
			switch header := headerAs(t, m, file); {
			case own && header == nil && !headless(m.Dialect()):
				t.Errorf("%s finds no header in its own sample %s", p.Name, file)
			case own && !m.Identify(file, header):
				t.Errorf("%s does not recognise its own sample %s by the header %q", p.Name, file, header)
			case !own && m.Identify(file, header):
				t.Errorf("%s takes %s for its own", p.Name, file)
			}
		}
	}
}

// headless says whether files have no header row: cells go by number or, in
// records, by a layout.
func headless(d table.Dialect) bool {
	return d.Header.None || d.Records != nil && d.Records.Layouts != nil
}

// headerAs is the first header that a file has when it is read as a mapping
// reads its files; nil when it has none or is something else.
func headerAs(t *testing.T, m *mapping.Mapping, file string) []string {
	r, err := table.Open(file, m.Dialect())
	if err != nil {
		return nil
	}
	defer r.Close()
	for {
		row, err := r.Next()
		if err == io.EOF || err != nil {
			return nil
		}
		if row.Role == table.HeaderRow && row.Header != nil {
			return row.Header.Names()
		}
	}
}

// A folder without a preset of its name would be tested by nobody.
func TestNoStraySamples(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			if _, ok := mapping.PresetSource(e.Name()); !ok {
				t.Errorf("there is no preset %q for the samples in it", e.Name())
			}
		}
	}
}
