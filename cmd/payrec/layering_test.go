package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/payrec/payrec/"

// mayImport is the layering of payrec: which of our packages each may import.
// A package that is missing here fails the test, so adding one is a decision.
var mayImport = map[string][]string{
	"record":              {},
	"internal/archive":    {},
	"internal/sheet":      {},
	"internal/table":      {"internal/nameless"},
	"internal/cardnumber": {},
	"internal/packed":     {},
	"internal/nameless":   {},
	"internal/expression": {"record", "internal/cardnumber", "internal/packed"},
	"internal/extsort":    {"internal/nameless"},
	"internal/yamltree":   {},
	"internal/journal":    {"record"},
	"internal/stripeapi":  {"record"},
	"internal/sniff":      {"record", "internal/table", "internal/cardnumber"},
	"internal/scaffold":   {"record", "mapping", "internal/table", "internal/expression", "internal/sniff"},
	"sandbox":             {"record"},
	"samples":             {},
	"mapping":             {"record", "internal/table", "internal/nameless", "internal/expression", "internal/cardnumber", "internal/yamltree"},
	"importer":            {"record", "mapping", "internal/table", "internal/extsort", "internal/nameless", "internal/cardnumber", "internal/packed"},
	"exporter":            {"record", "internal/table", "internal/extsort", "internal/nameless", "internal/sheet"},
	"exporter/report":     {"record", "exporter", "internal/table", "internal/extsort", "internal/nameless", "internal/expression", "internal/yamltree"},
	"cmd/payrec": {"record", "mapping", "importer", "exporter", "exporter/report", "sandbox",
		"internal/table", "internal/nameless", "internal/journal", "internal/archive", "internal/stripeapi", "internal/sniff", "internal/scaffold", "internal/cardnumber", "internal/yamltree"},
}

// TestLayering holds the directions of imports. Test files are free: a test may
// put two neighbours together.
func TestLayering(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && rel != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bench") {
			return filepath.SkipDir // bench is a module of its own
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		pkg := filepath.ToSlash(filepath.Dir(rel))
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("%s: package %s is not in mayImport; say there what it may import", rel, pkg)
			return nil
		}
		seen[pkg] = true
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			ours, ok := strings.CutPrefix(imported, module)
			if ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which %s must not know", rel, ours, pkg)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range mayImport {
		if !seen[pkg] {
			t.Errorf("mayImport names %s, which has no code", pkg)
		}
	}
}
