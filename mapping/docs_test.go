package mapping

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/yamltree"
)

// A block is a fenced block of a Markdown file.
type block struct {
	lang, text, title string // title: the last heading above
	line              int
}

func blocksOf(t *testing.T, file string) []block {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	var open *block
	title := ""
	for i, line := range strings.Split(string(src), "\n") {
		lang, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open != nil:
			out, open = append(out, *open), nil
		case fence:
			open = &block{lang: lang, title: title, line: i + 1}
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(line, "#"):
			title = strings.TrimLeft(line, "# ")
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: a fence is not closed", file, open.line)
	}
	return out
}

func tree(t *testing.T, name, text string) *node {
	t.Helper()
	c := &yamltree.Collector{}
	n := yamltree.Parse(name, []byte(text), c)
	if c.Failed() {
		t.Fatal(c.Sorted())
	}
	return n
}

// Whoever learns from docs/mapping.md types its examples: the first is a whole
// mapping that fits on a screen and does with its file what is said, and each
// later one still loads when its keys are laid over those before it.
func TestTutorial(t *testing.T) {
	var grown *node
	var first, file string
	for _, b := range blocksOf(t, mappingDoc) {
		switch b.lang {
		case "yaml":
			place := fmt.Sprintf("docs/mapping.md:%d", b.line)
			n := tree(t, place, b.text)
			if grown == nil {
				first, grown = b.text, n
				if lines := strings.Count(b.text, "\n"); lines > 30 {
					t.Errorf("%s: the first mapping has %d lines; it must fit on a screen", place, lines)
				}
			} else {
				grown = merge(grown, n)
			}
			c := &compiler{lint: true}
			m := c.mapping(grown)
			if len(c.Sorted()) > 0 {
				t.Errorf("%s, %q:\n%s", place, b.title, c.Sorted())
				continue
			}
			for _, r := range m.Test() {
				if !r.OK {
					t.Errorf("%s: test %q: %s", place, r.Name, r.Failures)
				}
			}
		case "csv":
			file = b.text
		case "json":
			m := mustParse(t, first, Options{})
			var got map[string]any
			plan := planOf(t, m, textFile("payments.csv", file))
			line, _, _ := strings.Cut(plan, "\n")
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(b.text), &want); err != nil {
				t.Fatalf("docs/mapping.md:%d: %v", b.line, err)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("docs/mapping.md:%d:\ngot  %s\nwant %s", b.line, line, b.text)
			}
		}
	}
	if grown == nil || file == "" {
		t.Error("no examples were found")
	}
}

// The cookbook has a recipe for every ability, and each recipe is a part of
// the mapping that the ability's folder runs.
func TestCookbook(t *testing.T) {
	const cookbook = "../docs/cookbook.md"
	folders := goldenFolders(t)
	recipes := map[int]int{}
	for _, b := range blocksOf(t, cookbook) {
		var n int
		if _, err := fmt.Sscanf(b.title, "C%d ", &n); err != nil || b.lang != "yaml" {
			t.Errorf("%s:%d: a block of %q under %q is no recipe", cookbook, b.line, b.lang, b.title)
			continue
		}
		recipes[n]++
		dir := folders[n]
		if dir == "" {
			t.Errorf("%s:%d: no folder under testdata/golden shows C%d", cookbook, b.line, n)
			continue
		}
		file := filepath.Join(dir, "mapping.yaml")
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if missing := partOf(tree(t, file, string(src)), tree(t, cookbook, b.text), ""); missing != "" {
			t.Errorf("%s:%d: %s of the recipe is not in %s", cookbook, b.line, missing, file)
		}
	}
	for n := range folders {
		if recipes[n] == 0 {
			t.Errorf("docs/cookbook.md has no recipe for C%d, which %s shows", n, folders[n])
		}
	}
}

// partOf is the path of what part has and whole has not; "" when whole has it
// all. A list has another when it has all its items.
func partOf(whole, part *node, path string) string {
	if whole == nil || whole.Kind != part.Kind || whole.Text != part.Text {
		return path
	}
	for _, e := range part.Entries {
		if missing := partOf(whole.Get(e.Key.Text), e.Value, path+"."+e.Key.Text); missing != "" {
			return missing
		}
	}
items:
	for i, item := range part.Items {
		at := fmt.Sprintf("%s[%d]", path, i)
		nearest := at
		for _, candidate := range whole.Items {
			missing := partOf(candidate, item, at)
			if missing == "" {
				continue items
			}
			if len(missing) > len(nearest) {
				nearest = missing
			}
		}
		return nearest
	}
	return ""
}

func TestPartOf(t *testing.T) {
	whole := tree(t, "w", "a: 1\nb: [x, {c: d, e: f}]\n")
	for part, want := range map[string]string{
		"a: 1\n": "", "b: [x]\n": "", "b: [{e: f}]\n": "", "b: [{c: d}, x]\na: '1'\n": "",
		"a: 2\n": ".a", "c: 1\n": ".c", "b: [y]\n": ".b[0]", "b: [{c: d, e: g}]\n": ".b[0].e", "a: [1]\n": ".a",
	} {
		if got := partOf(whole, tree(t, "p", part), ""); got != want {
			t.Errorf("%q: got %q, want %q", part, got, want)
		}
	}
}
