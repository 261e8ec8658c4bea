package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// PlanEnding is what a golden plan's name has behind its input's.
const PlanEnding = ".plan.jsonl"

// A GoldenResult is how one file of a golden folder came out.
type GoldenResult struct {
	File       string // base name of the input
	OK         bool
	Written    bool   // the plan was written or rewritten
	Difference string // what differs first; "" when it is OK
}

// TestGolden holds what the mapping makes of each file of a folder against the
// plan beside it: march.csv against march.csv.plan.jsonl. Folders, hidden
// files and YAML files are passed over. With update it writes the plans that
// differ. Its error is about the folder or a file that cannot be read or
// written, or says that there is no input in it.
func (m *Mapping) TestGolden(dir string, update bool) ([]GoldenResult, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the golden folder: %w", err)
	}
	var out []GoldenResult
	inputs := map[string]bool{}
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && isGoldenInput(name) {
			inputs[name] = true
			r, err := m.testGolden(filepath.Join(dir, name), update)
			if err != nil {
				return out, err
			}
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the golden folder %s holds no file to map; put in an input, and let --update write its plan", dir)
	}
	for _, e := range entries {
		if input, ok := strings.CutSuffix(e.Name(), PlanEnding); ok && !inputs[input] {
			out = append(out, GoldenResult{File: input, Difference: "there is a plan of it, but the file itself is gone; remove the plan, or bring the file back"})
		}
	}
	return out, nil
}

func isGoldenInput(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, PlanEnding) && ext != ".yaml" && ext != ".yml"
}

func (m *Mapping) testGolden(path string, update bool) (GoldenResult, error) {
	r := GoldenResult{File: filepath.Base(path)}
	var got bytes.Buffer
	if err := m.WritePlan(&got, []PlanFile{m.PlanFile(path)}); err != nil {
		return r, err
	}
	golden := path + PlanEnding
	want, err := os.ReadFile(golden)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return r, err
	case err == nil && bytes.Equal(got.Bytes(), want):
		r.OK = true
	case update:
		r.OK, r.Written = true, true
		return r, os.WriteFile(golden, got.Bytes(), 0o644) // #nosec G306 -- golden plans are source files
	case err != nil:
		r.Difference = "it has no plan yet; look at what --update writes"
	default:
		r.Difference = diffLines(got.String(), string(want))
	}
	return r, nil
}

// diffLines says where two texts differ first, and in how many lines.
func diffLines(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	at := func(list []string, i int) string {
		if i < len(list) && (i < len(list)-1 || list[i] != "") {
			return list[i]
		}
		return "(no line)"
	}
	first, differ := -1, 0
	for i := range max(len(g), len(w)) {
		if at(g, i) == at(w, i) {
			continue
		}
		if differ++; first < 0 {
			first = i
		}
	}
	return fmt.Sprintf("line %d is not the plan's (%s differ in all)\n  is    %s\n  plan  %s", first+1, plural(differ, "line"), at(g, first), at(w, first))
}
