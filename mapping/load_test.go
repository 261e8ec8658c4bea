package mapping

import (
	"os"
	"path/filepath"
	"testing"
)

// What is no mapping at all is refused with a problem, whether it is named or
// extended: never a mapping that is nil and no problem.
func TestNoMapping(t *testing.T) {
	for src, want := range map[string]string{
		"":          "base.yaml: the mapping is empty; begin with \"payrec: mapping/v1\"",
		"# later\n": "base.yaml: the mapping is empty; begin with \"payrec: mapping/v1\"",
		"- a\n":     "base.yaml:1:1: a mapping is a map of keys, not a list; begin with \"payrec: mapping/v1\"",
		"~\n":       "base.yaml:1:1: a mapping is a map of keys, not nothing; begin with \"payrec: mapping/v1\"",
		"a\n":       "base.yaml:1:1: a mapping is a map of keys, not a plain value; begin with \"payrec: mapping/v1\"",
	} {
		t.Chdir(t.TempDir())
		for name, text := range map[string]string{"base.yaml": src, "top.yaml": "extends: base.yaml\nname: top\n"} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"base.yaml", "top.yaml"} {
			if m, err := Load(name, Options{}); err == nil || err.Error() != want {
				t.Errorf("%s of %q: %v, %v, want %s", name, src, m, err, want)
			}
			if o, err := OutlineOf(filepath.Join(".", name)); err == nil || err.Error() != want {
				t.Errorf("outline of %s of %q: %v, %v, want %s", name, src, o, err, want)
			}
			if problems, err := Lint(name, Options{}); err != nil || problems.Error() != want {
				t.Errorf("lint of %s of %q: %v, %v, want %s", name, src, problems, err, want)
			}
		}
	}
}
