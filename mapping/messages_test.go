package mapping

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sameCause are the messages that may stand in several places of this package,
// because what is wrong is the same wherever it is noticed.
var sameCause = map[string]bool{
	"%v": true, // another package's words
	"%s": true,
	// The value is of the wrong shape, or of a call that has no such field.
	"%s must be a map, not %s":                   true,
	"%q takes one value, not %s":                 true,
	"%s takes no %q":                             true,
	"must be an expression, which begins with =": true,
	// Noticed when it is opened, or at a later row; in the tokens, or in the tree.
	"cannot read the lookup file: %v": true,
	"nested more than %d deep":        true,
}

// Whoever reads a message must be able to tell what caused it: no two places
// of the compiler say the same words for different things.
func TestNoMessageHasTwoCauses(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	shared, err := filepath.Glob("../internal/yamltree/*.go")
	if err != nil || len(shared) == 0 {
		t.Fatal("no files of yamltree", err)
	}
	files = append(files, shared...)
	places := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if msg := template(call); msg != "" && !sameCause[msg] {
					places[msg] = append(places[msg], set.Position(call.Pos()).String())
				}
			}
			return true
		})
	}
	if len(places) < 100 {
		t.Errorf("only %d messages were found; how are problems reported now?", len(places))
	}
	for msg, at := range places {
		if len(at) > 1 {
			t.Errorf("%q stands at %s: say at each what is wrong there", msg, strings.Join(at, " and "))
		}
	}
}

// template is the message of a call that reports a problem of the mapping:
// x.At(node, hint, message, …), x.Warn(…) or x.problems.At(…).
func template(call *ast.CallExpr) string {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || method.Sel.Name != "At" && method.Sel.Name != "Warn" || len(call.Args) < 3 {
		return ""
	}
	lit, ok := call.Args[2].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}

// Twelve different faults are twelve messages in one run, each with its place
// and a way out.
func TestTwelveFaults(t *testing.T) {
	src, err := os.ReadFile("testdata/faults/twelve.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, problems := parse("twelve.yaml", src, Options{}, false)
	if len(problems) != 12 {
		t.Errorf("%d messages, want 12:\n%s", len(problems), problems)
	}
	seen := map[string]bool{}
	for _, p := range problems {
		if p.Line == 0 || p.Column == 0 || p.Hint == "" || seen[p.Msg] {
			t.Errorf("without a place or a hint, or said twice: %s", p)
		}
		seen[p.Msg] = true
	}
}

// Every message of every fault that the tests know has a place; what has no
// hint says by itself what to do.
func TestFaultsHavePlaces(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, problems := parse(file, src, Options{}, false)
		for _, p := range problems {
			if p.Line == 0 || p.Column == 0 || p.File != file {
				t.Errorf("no place: %s", p)
			}
		}
	}
}
