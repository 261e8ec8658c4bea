package mapping

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

const (
	referenceBegin = "<!-- the reference, made by: go test ./mapping -run TestReference -update -->\n"
	referenceEnd   = "<!-- the reference ends -->\n"
	mappingDoc     = "../docs/mapping.md"
)

// The reference in the documentation is what the code says about itself.
func TestReference(t *testing.T) {
	doc, err := os.ReadFile(mappingDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(doc, []byte(referenceBegin))
	old, after, ended := bytes.Cut(rest, []byte(referenceEnd))
	if !ok || !ended {
		t.Fatalf("%s has no place for the reference: the lines\n%s%s", mappingDoc, referenceBegin, referenceEnd)
	}
	want := reference(t)
	if string(old) == want {
		return
	}
	if !*update {
		t.Fatalf("the reference is not up to date: %s\nrun go test ./mapping -run TestReference -update", diffLines(string(old), want))
	}
	doc = bytes.Join([][]byte{before, []byte(referenceBegin), []byte(want), []byte(referenceEnd), after}, nil)
	if err := os.WriteFile(mappingDoc, doc, 0o644); err != nil {
		t.Fatal(err)
	}
}

func reference(t *testing.T) string {
	var b strings.Builder
	b.WriteString("\n### Keys\n")
	for _, p := range parts() {
		fmt.Fprintf(&b, "\n#### %s\n\n%s\n\n| key | takes | |\n|--|--|--|\n", p.name, p.doc)
		for _, k := range p.keys {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.name, takesText(k.takes), inTable(k.doc))
		}
	}
	b.WriteString("\n### Types of columns\n\n| type | |\n|--|--|\n")
	for _, k := range typeDocs() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", k.name, inTable(k.doc))
	}
	b.WriteString("\n### Fields of calls\n\nUnder `set`, nested or by their dotted path. These short forms stand for several fields:\n\n| short form | |\n|--|--|\n")
	for _, f := range shortForms() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.name, inTable(f.doc))
	}
	for _, call := range record.Writes() {
		fmt.Fprintf(&b, "\n#### %s\n\n| field | |\n|--|--|\n", call)
		for _, f := range record.SpecOf(call).Fields {
			fmt.Fprintf(&b, "| `%s` | %s |\n", f.Path, inTable(fieldDoc(f)))
		}
	}
	b.WriteString("\n### Names\n\nBesides columns, lets and params, expressions know:\n\n| name | |\n|--|--|\n")
	var n names
	n.fixed()
	for _, name := range n.list {
		if name.Name != ordinalName {
			fmt.Fprintf(&b, "| `%s` | %s |\n", name.Name, inTable(name.Doc))
		}
	}
	b.WriteString("| `is` | the row's class, where it is known |\n| `params.NAME` | the value of a param, as text |\n| `key` | the group's key, in checks and values over rows |\n")
	for _, over := range []bool{false, true} {
		title := "Functions"
		if over {
			title = "Functions over rows\n\nIn `checks`, `payment.let` and an emit's `let`. The rows of a group stream through them, however many there are."
		}
		fmt.Fprintf(&b, "\n### %s\n\n| function | |\n|--|--|\n", title)
		for _, f := range expression.Functions() {
			if f.OverRows == over {
				fmt.Fprintf(&b, "| `%s` | %s |\n", inTable(f.Usage), inTable(f.Doc))
			}
		}
	}
	b.WriteString("\n### Why a row is rejected\n\n| code | |\n|--|--|\n" + codes(t) + "\n")
	return b.String()
}

// inTable is a text as a table's cell takes it.
func inTable(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// takesText says in words what a schema takes.
func takesText(s schema) string {
	switch {
	case s["$ref"] != nil:
		name := strings.TrimPrefix(s["$ref"].(string), "#/definitions/")
		if plain, ok := map[string]string{"text": "text", "texts": "text or a list", "expression": "`=expression`", "condition": "condition"}[name]; ok {
			return plain
		}
		return fmt.Sprintf("[%s](#%s)", name, name)
	case s["anyOf"] != nil:
		var list []string
		for _, choice := range s["anyOf"].([]schema) {
			if choice["type"] != "null" {
				list = append(list, takesText(choice))
			}
		}
		return strings.Join(list, " or ")
	case s["enum"] != nil:
		switch words := s["enum"].(type) {
		case []string:
			return "`" + strings.Join(words, "`, `") + "`"
		default:
			return "true or false"
		}
	case s["type"] == "array":
		return "list of " + takesText(s["items"].(schema))
	case s["minimum"] != nil:
		return fmt.Sprintf("%v to %v", s["minimum"], s["maximum"])
	case s["type"] == "object":
		if value, ok := s["additionalProperties"].(schema); ok {
			return "map of " + takesText(value)
		}
		if properties, ok := s["properties"].(schema); ok && len(properties) == 1 {
			for name := range properties {
				return "`{" + name + ": …}`"
			}
		}
		return "map"
	}
	return "text"
}

// codes are the codes of row problems, from the comment that defines them.
func codes(t *testing.T) string {
	f, err := parser.ParseFile(token.NewFileSet(), "result.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	ast.Inspect(f, func(n ast.Node) bool {
		if decl, ok := n.(*ast.GenDecl); ok && decl.Doc != nil && strings.HasPrefix(decl.Doc.Text(), "A RowProblem ") {
			for line := range strings.Lines(decl.Doc.Text()) {
				if code, doc, ok := strings.Cut(strings.TrimPrefix(line, "\t"), " "); ok && strings.HasPrefix(line, "\t") {
					fmt.Fprintf(&b, "| `%s` | %s |\n", code, inTable(strings.TrimSpace(doc)))
				}
			}
		}
		return true
	})
	if b.Len() == 0 {
		t.Error("result.go lists no codes")
	}
	return b.String()
}

// Each type of column is described, in the order that the compiler knows.
func TestTypesAreDescribed(t *testing.T) {
	var got []string
	for _, k := range typeDocs() {
		got = append(got, k.name)
	}
	if strings.Join(got, " ") != strings.Join(columnTypes, " ") {
		t.Errorf("described are %v, known %v", got, columnTypes)
	}
}
