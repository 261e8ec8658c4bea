package main

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A mutant is the program with one promise broken: a patch in
// testdata/mutants. The crash test is worth what it finds in them.
//
//	no-sync               an intent is written, not synced
//	forgotten-claims      intents that were written by the hundred are not found again
//	journal-after-answer  an intent is written when the answer is there
//	random-key            every try has a key of its own
//	no-reconciliation     a key is used again, however old it is
//	wrong-match           what somebody else reported under the same reference is taken for ours
var makeMutants = flag.Bool("mutants", false, "run the crash test on programs that are wrong on purpose")

func mutants(t *testing.T) []string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("patches are applied by git, which is not here")
	}
	patches, err := filepath.Abs(filepath.Join("testdata", "mutants"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := filepath.Glob(filepath.Join(patches, "*.patch"))
	if err != nil || len(list) < 6 {
		t.Fatalf("%d mutants, %v; want 6", len(list), err)
	}
	return list
}

func apply(t *testing.T, root, patch string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"apply", patch}, args...)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s does not apply any more; make the same mistake in the present code, and write it with git diff: %v\n%s", filepath.Base(patch), err, out)
	}
}

// TestMutantsApply keeps the patches from rotting.
func TestMutantsApply(t *testing.T) {
	for _, patch := range mutants(t) {
		apply(t, filepath.Join("..", ".."), patch, "--check")
	}
}

func TestMutants(t *testing.T) {
	if !*makeMutants {
		t.Skip("make mutants runs this")
	}
	for _, patch := range mutants(t) {
		t.Run(strings.TrimSuffix(filepath.Base(patch), ".patch"), func(t *testing.T) {
			root := copyTree(t)
			apply(t, root, patch)
			cmd := exec.Command("go", "test", "./cmd/payrec", "-run", "^TestCrash$", "-count", "1")
			cmd.Dir = root
			out, err := cmd.CombinedOutput()
			var killers []string
			first := ""
			for line := range strings.Lines(string(out)) {
				line = strings.TrimSpace(line)
				if name, ok := strings.CutPrefix(line, "--- FAIL: TestCrash/"); ok {
					killers = append(killers, strings.Fields(name)[0])
				}
				if first == "" && strings.Contains(line, "_test.go:") {
					first = line
				}
			}
			slices.Sort(killers)
			switch {
			case err == nil:
				t.Errorf("survived the crash test\n%s", out)
			case len(killers) == 0:
				t.Errorf("did not come to the crash test: %v\n%s", err, out)
			default:
				t.Logf("killed by %d of %d strata: %s\nfirst: %s", len(killers), len(strata)*len(fates), strings.Join(killers, ", "), first)
			}
		})
	}
}

// copyTree copies the module to a folder that is gone after the test.
func copyTree(t *testing.T) string {
	t.Helper()
	from, to := filepath.Join("..", ".."), t.TempDir()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && rel != "." && (strings.HasPrefix(rel, ".") || rel == "bin" || rel == "demo"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
