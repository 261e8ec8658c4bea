package mapping

import "testing"

// Every preset must load without a word and pass its own tests.
func TestPresets(t *testing.T) {
	for _, p := range Presets() {
		t.Run(p.Name, func(t *testing.T) {
			if p.Title == "" || p.Doc == "" {
				t.Errorf("title %q, doc %q: both are needed", p.Title, p.Doc)
			}
			problems, err := Lint(p.Name, Options{})
			if err != nil || len(problems) > 0 {
				t.Fatalf("lint: %v\n%v", err, problems)
			}
			m, err := Load("preset:"+p.Name, Options{})
			if err != nil {
				t.Fatal(err)
			}
			results := m.Test()
			if len(results) == 0 {
				t.Error("the preset has no tests")
			}
			for _, r := range results {
				for _, f := range r.Failures {
					t.Errorf("line %d: %s: %s", r.Line, r.Name, f)
				}
			}
		})
	}
}
