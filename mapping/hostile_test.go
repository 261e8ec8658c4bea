package mapping

import (
	"fmt"
	"strings"
	"testing"
)

// Sources that make a careless parser recurse, square or explode.
func TestHostileSources(t *testing.T) {
	for name, src := range map[string]string{
		"brackets":      strings.Repeat("[", 100_000),
		"hidden":        strings.Repeat(`["]", `, 16_000),
		"braces":        strings.Repeat("{a: ", 25_000),
		"dashes":        strings.Repeat("- ", 60_000),
		"questions":     strings.Repeat("? ", 60_000),
		"anchors":       strings.Repeat("&a ", 40_000),
		"same keys":     strings.Repeat("a: b\n", 25_000),
		"many keys":     keys(12_000),
		"flow keys":     "{" + strings.ReplaceAll(keys(12_000), "\n", ", ") + "}",
		"long line":     "a: " + strings.Repeat("x", 225_000),
		"quotes":        "a: \"" + strings.Repeat("\\x41", 30_000),
		"tags":          strings.Repeat("!!a ", 30_000),
		"deep":          deep(600),
		"too large":     strings.Repeat("#", 2<<20),
		"long let":      "payrec: mapping/v1\nlet: {a: '=" + strings.Repeat("(", 100_000) + "'}\n",
		"long pattern":  "payrec: mapping/v1\ncolumns: {a: {from: A, pattern: '" + strings.Repeat("(a*)*", 20_000) + "'}}\n",
		"comments":      strings.Repeat("# x\n", 30_000),
		"empty entries": "a: [" + strings.Repeat(",", 100_000) + "]",
		"list":          "rows: [" + strings.Repeat("{is: a}, ", 12_000) + "]",
		"columns":       "columns:\n" + strings.ReplaceAll("\n"+keys(10_000), "\nk", "\n k"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("hostile.yaml", []byte(src), Options{}); err == nil {
				t.Error("it was taken for a mapping")
			} else if len(err.Error()) > 1<<20 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
		})
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: b\n", i)
	}
	return b.String()
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", min(i, 400)) + "a:\n")
	}
	return b.String()
}
