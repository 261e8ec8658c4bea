package mapping

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
)

// Whatever is in a file, its plan is JSON line by line, names every row once,
// and closes with fates that are as many as the rows, or says why not.
func FuzzWritePlan(f *testing.F) {
	dirs, err := filepath.Glob("testdata/golden/*")
	if err != nil {
		f.Fatal(err)
	}
	var mappings []*Mapping
	for _, dir := range dirs {
		m, err := Load(filepath.Join(dir, "mapping.yaml"), Options{})
		if err != nil || m.Dialect().Format == table.XLSX {
			continue // TestAbilities says so; workbooks have a target of their own
		}
		files, err := os.ReadDir(dir)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			if file.IsDir() || !isGoldenInput(file.Name()) {
				continue
			}
			content, err := os.ReadFile(filepath.Join(dir, file.Name()))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(len(mappings), content)
		}
		mappings = append(mappings, m)
	}
	f.Fuzz(func(t *testing.T, which int, content []byte) {
		if which < 0 || which >= len(mappings) {
			return
		}
		m := mappings[which]
		file := PlanFile{"fuzz.csv", func() (*table.Reader, error) {
			return table.NewReader("fuzz.csv", bytes.NewReader(content), m.Dialect())
		}}
		var b bytes.Buffer
		if err := m.WritePlan(&b, []PlanFile{file}); err != nil {
			t.Fatal(err)
		}
		checkPlan(t, b.String())
	})
}

func checkPlan(t *testing.T, plan string) {
	rows, seen := int64(0), map[string]bool{}
	var last map[string]any
	for line := range strings.Lines(plan) {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if place, ok := last["row"].(string); ok {
			if seen[place] {
				t.Errorf("%s stands twice", place)
			}
			seen[place] = true
			rows++
			_, problems := last["problems"]
			_, calls := last["calls"]
			if is := last["is"]; (is == "rejected") != problems || (is == "emitted") != calls {
				t.Errorf("%s: %s", is, line)
			}
		}
	}
	if _, refused := last["refused"]; refused {
		return
	}
	if got := int64(last["rows"].(float64)); got != rows {
		t.Errorf("the plan closes with %d rows, and has %d:\n%s", got, rows, plan)
	}
}
