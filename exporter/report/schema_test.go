package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSchema: what loads validates, and of what does not load at least every
// key that nobody knows is refused.
func TestSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	draft7 := jsonschema.NewCompiler()
	draft7.DefaultDraft(jsonschema.Draft7)
	if err := draft7.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := draft7.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, glob := range []string{"shipped/*.yaml", "testdata/reports/*.yaml", "testdata/faults/keys.yaml"} {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := yaml.Unmarshal(src, &v); err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(parsed); (err != nil) != strings.Contains(file, "faults") {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// TestSchemaKeys: the schema has the keys that the compiler takes, which it
// names when it is asked for one that nobody knows.
func TestSchemaKeys(t *testing.T) {
	names := func(keys []keyDoc) (out []string) {
		for _, k := range keys {
			out = append(out, k.name)
		}
		slices.Sort(out)
		return out
	}
	for name, test := range map[string]struct {
		has  []keyDoc
		want []string
	}{
		"report": {topDoc(), topKeys}, "sheet": {sheetDoc(), sheetKeys}, "column": {columnDoc(), columnKeys}, "text": {textDoc(), textKeys},
		"param": {paramDoc(), paramKeys}, "period": {periodDoc(), periodKeys}, "split": {splitDoc(), splitKeys},
		"lookup": {lookupDoc(), lookupKeys}, "line": {lineDoc(), lineKeys}, "balance": {balanceDoc(), balanceKeys},
		"pivot": {pivotDoc(), pivotKeys}, "value of a pivot": {titledDoc(), titledKeys}, "refusal": {refusalDoc(), refusalKeys},
	} {
		want := slices.Sorted(slices.Values(test.want))
		if diff := cmp.Diff(want, names(test.has)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
