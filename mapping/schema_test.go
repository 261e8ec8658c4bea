package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/payrec/payrec/record"
)

// compiledSchema is the schema as an editor's validator understands it.
func compiledSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	draft7 := jsonschema.NewCompiler()
	draft7.DefaultDraft(jsonschema.Draft7)
	if err := draft7.AddResource("mapping.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := draft7.Compile("mapping.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate reads YAML as an editor does, and holds it against the schema.
func validate(t testing.TB, s *jsonschema.Schema, src []byte) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(src, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// Whatever loads must validate: presets, the mappings of the tests, and every
// YAML example of the documentation that is a whole mapping.
func TestSchemaTakesWhatLoads(t *testing.T) {
	s := compiledSchema(t)
	for _, p := range Presets() {
		src, _ := PresetSource(p.Name)
		if _, err := Parse(p.Name, src, Options{}); err != nil {
			continue // TestPresets says so
		}
		if err := validate(t, s, src); err != nil {
			t.Errorf("preset %s: %v", p.Name, err)
		}
	}
	files, err := filepath.Glob("testdata/golden/*/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no mappings", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, src); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for parts := range usual() {
		if err := validate(t, s, []byte(plain(parts))); err != nil {
			t.Errorf("%s: %v", parts, err)
		}
	}
}

// usual are changes to a mapping after which it still loads.
func usual() map[string]bool {
	set := func(s string) string {
		return "{emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {" + s + "}}]}"
	}
	const whole = "amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}"
	return map[string]bool{
		"": true,
		"{input: {footer: blank, timezone: UTC}}":                                                                                                                            true,
		"{input: {header: {row: 1}, timezone: {zone: UTC, dst: later}}}":                                                                                                     true,
		"{params: {zone: Europe/Berlin, none: , many: {values: [a, 1], default: 1}}, input: {timezone: UTC}}":                                                                true,
		"{rows: [{is: payment, match: {type: }}, {is: refund, match: {type: ['', ~, x]}, when: line > 1}]}":                                                                  true,
		set(whole + ", metadata.a: 1, metadata: {b: true}"):                                                                                                                  true,
		set(whole + ", customer_details.email: =ref, shipping_details: {address.city: X, address: {state: Y}}"):                                                              true,
		set("amount_requested: {value: 100, currency: usd}, initiated_at: 1771459851, outcome: '=\"failed\"', failed: {failed_at: =at}, reference: =ref, method: {name: T}"): true,
		set(whole + ", metadata: {a: , b: ''}"):                                                                                                                              true,
		set(whole + ", metadata: "):                                                                                                                                          true,
		columnsWith("x: [A, B]"):                                                                                                                                             true,
		columnsWith("x: 3"):                                                                                                                                                  true,
		columnsWith("x: {from: 3, type: money, in: eur, unit: {fixed: 2}, strip: ['#']}"):                                                                                    true,
	}
}

// What the schema's test takes for granted.
func TestUsualLoads(t *testing.T) {
	for parts := range usual() {
		if _, err := Parse("x.yaml", []byte(plain(parts)), Options{}); err != nil {
			t.Errorf("%s: %v", parts, err)
		}
	}
}

// An editor must underline what is wrong in shape, before anybody runs lint.
func TestSchemaRefuses(t *testing.T) {
	s := compiledSchema(t)
	set := func(s string) string {
		return "{emit: [{on: payment, call: report_payment, id: =ref, set: {" + s + "}}]}"
	}
	for _, parts := range []string{
		"{titel: x}", "{doc: [a]}", "{identify: x}", "{identify: {columns: {a: b}}}", "{payrec: mapping/v2}",
		"{params: {a: {required: maybe}}}", "{input: {format: cvs}}", "{input: {header: first}}", "{input: {header: {row: 0}}}",
		"{input: {header: {row: x}}}", "{input: {footer: [a]}}", "{input: {ragged: maybe}}", "{input: {timezone: {dst: now}}}",
		"{input: {records: {column: 0, body: D}}}", "{input: {records: {body: D, totals: {T: {sum: {tpye: money}}}}}}",
		"{input: {records: {body: D, context: {C: {shop: a}}}}}",
		"{columns: {x: {from: X, type: mony}}}", "{columns: {x: {from: X, unit: {fixd: 2}}}}", "{columns: {x: {from: X, unit: {fixed: 9}}}}",
		"{columns: {x: {from: X, occurrence: 0}}}", "{columns: [a]}", "{let: [a]}", "{let: {a: b}}", "{total: sum}",
		"{lookups: {a: {missing: pas}}}", "{rows: {}}", "{rows: [{match: {type: a}}]}", "{rows: [{is: payment, becuase: x}]}",
		"{rows: [{is: payment, when: '=sum > 0'}]}", "{payment: {order: =at, ky: =ref}}", "{payment: {key: ref}}",
		"{emit: {}}", "{emit: [{on: payment, call: report_payments, id: =ref}]}", "{emit: [{on: payment, call: report_payment, id: ref}]}",
		"{emit: [{on: payment, call: report_refund, id: =ref, needs: report_refund}]}", "{emit: [{call: report_payment, id: =ref}]}",
		set("initated_at: =at"), set("outcome: garanteed"), set("refunded_at: =at"), set("customer_details: {email: [a]}"), set("customer_details: {e-mail: a}"),
		set("customer_details: x"), set("metadata: {payrec_file: a}"), set("metadata: {a key that is far too long for the API to take it: a}"),
		set("metadata: {'a[b]': x}"), set("method: {nme: x}"), set("paid_at: soon"), set("amount_requested: {value: 1, currency: usd, unit: x}"),
		"{checks: [{name: a}]}", "{checks: [{that: count() > 0}]}", "{checks: [{name: a, that: '=count() > 0'}]}", "{checks: [{name: a, that: x, otherwise: explode}]}",
		"{tests: [{rows: [{Ref: a}], clas: payment}]}", "{tests: [{rows: [{Ref: a}], expect: [{call: x}]}]}",
	} {
		if validate(t, s, []byte(plain(parts))) == nil {
			t.Errorf("%s is taken", parts)
		}
	}
	for _, src := range []string{"", "[]", "payrec: mapping/v1\nname: x\n"} {
		if validate(t, s, []byte(src)) == nil {
			t.Errorf("%q is taken", src)
		}
	}
	if err := validate(t, s, []byte("extends: preset:generic-csv\n")); err != nil {
		t.Errorf("a mapping that extends another needs nothing of its own: %v", err)
	}
}

// The mapping with many faults is refused as well.
func TestSchemaRefusesFaults(t *testing.T) {
	src, err := os.ReadFile("testdata/faults/many.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if validate(t, compiledSchema(t), src) == nil {
		t.Error("it is taken")
	}
}

// The compiler lists the keys that it knows when it meets one that it does
// not. At every place they must be the schema's, so that neither is forgotten
// when the language grows.
func TestSchemaKnowsTheCompilersKeys(t *testing.T) {
	const strange = "qqqqqqqqqqqqqqqq"
	const q = "{" + strange + ": x}"
	keys := map[string][]string{}
	for _, p := range parts() {
		for _, k := range p.keys {
			keys[p.name] = append(keys[p.name], k.name)
		}
	}
	keys["method"] = []string{"type", "name"}
	keys["unit"] = []string{"fixed"}
	places := map[string]string{ // how to put a strange key there
		"mapping":  q,
		"param":    "{params: {p: " + q + "}}",
		"identify": "{identify: " + q + "}",
		"input":    "{input: " + q + "}",
		"header":   "{input: {header: " + q + "}}",
		"footer":   "{input: {footer: " + q + "}}",
		"records":  "{input: {records: " + q + "}}",
		"total":    "{input: {records: {body: D, totals: {T: {sum: " + q + "}}}}}",
		"timezone": "{input: {timezone: " + q + "}}",
		"table":    "{input: {tables: {t: " + q + "}}}",
		"context":  "{input: {context: {x: " + q + "}}}",
		"column":   "{columns: {x: " + q + "}}",
		"unit":     "{columns: {x: {from: X, type: money, in: eur, unit: " + q + "}}}",
		"lookup":   "{lookups: {l: " + q + "}}",
		"rule":     "{rows: [" + q + "]}",
		"latest":   "{latest: " + q + "}",
		"payment":  "{payment: " + q + "}",
		"emit":     "{emit: [" + q + "]}",
		"method":   "{emit: [{on: payment, call: report_payment, id: =ref, set: {method: " + q + "}}]}",
		"wildcard": "{emit: [{on: payment, call: report_payment, id: =ref, set: {metadata: {'*': " + q + "}}}]}",
		"check":    "{checks: [" + q + "]}",
		"test":     "{tests: [" + q + "]}",
	}
	for _, part := range slices.Sorted(maps.Keys(keys)) {
		source, ok := places[part]
		if !ok {
			t.Errorf("the test does not know where %q stands", part)
			continue
		}
		_, problems := parse("x.yaml", []byte(plain(source)), Options{}, false)
		i := slices.IndexFunc(problems, func(p *Problem) bool { return strings.Contains(p.Msg, fmt.Sprintf("has no key %q", strange)) })
		if i < 0 {
			t.Errorf("%s: no word about a strange key:\n%v", part, problems)
			continue
		}
		want := strings.Split(strings.TrimPrefix(problems[i].Hint, "known: "), ", ")
		got := slices.Clone(keys[part])
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("keys of %q: the schema has %v, the compiler knows %v; schema_keys.go is to follow", part, got, want)
		}
	}
}

// Every field of every call can be written nested and by its path.
func TestSchemaHasEveryField(t *testing.T) {
	s := compiledSchema(t)
	for _, call := range record.Writes() {
		for _, f := range record.SpecOf(call).Fields {
			var value any = "=x"
			switch f.Type {
			case record.TypeMetadata, record.TypeObject:
				value = map[string]any{}
			}
			nested := value
			names := strings.Split(f.Path, ".")
			for i := len(names) - 1; i > 0; i-- {
				nested = map[string]any{names[i]: nested}
			}
			for _, set := range []map[string]any{{f.Path: value}, {names[0]: nested}} {
				m := map[string]any{"extends": "x", "emit": []any{map[string]any{"on": "a", "call": string(call), "id": "=x", "set": set}}}
				if err := s.Validate(m); err != nil {
					t.Errorf("%s %v: %v", call, set, err)
				}
			}
		}
	}
}

// Every key says what it is for, in one line.
func TestEveryKeyIsDescribed(t *testing.T) {
	for _, p := range parts() {
		if p.doc == "" {
			t.Errorf("%s has no doc", p.name)
		}
		for _, k := range p.keys {
			if k.doc == "" || strings.ContainsAny(k.doc, "\n|") {
				t.Errorf("%s.%s: doc %q", p.name, k.name, k.doc)
			}
		}
	}
}

// What loads validates, whatever it looks like: an editor must not underline a
// mapping that works.
func FuzzSchema(f *testing.F) {
	for _, p := range Presets() {
		src, _ := PresetSource(p.Name)
		f.Add(src)
	}
	files, err := filepath.Glob("testdata/golden/*/mapping.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for parts := range usual() {
		f.Add([]byte(plain(parts)))
	}
	s := compiledSchema(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		if strings.Contains(string(src), "file") || strings.Contains(string(src), "extends") {
			return // must not touch the disk
		}
		if _, err := Parse("fuzz.yaml", src, Options{}); err != nil {
			return
		}
		var v any
		if err := yaml.Unmarshal(src, &v); err != nil {
			return // a key that stands twice by an alias, say: lint is more patient
		}
		if _, err := json.Marshal(v); err != nil {
			return // .inf and .nan, which JSON has not
		}
		if err := validate(t, s, src); err != nil {
			t.Errorf("%v\n%s", err, src)
		}
	})
}

// Whatever plain value stands at a place of a mapping, if the mapping still
// loads, it validates: each value of the examples is replaced in turn.
func TestSchemaIsNoStricterThanTheCompiler(t *testing.T) {
	s := compiledSchema(t)
	files, err := filepath.Glob("testdata/golden/*/mapping.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tried, loaded := 0, 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var whole any
		if err := yaml.Unmarshal(src, &whole); err != nil {
			t.Fatal(err)
		}
		replaceEach(&whole, func(at string) {
			if tried++; testing.Short() && tried%8 != 0 {
				return
			}
			changed, err := json.Marshal(whole) // YAML as well
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(file, changed, Options{Dir: filepath.Dir(file)}); err != nil {
				return
			}
			loaded++
			if err := validate(t, s, changed); err != nil && !patient(at) {
				t.Errorf("%s%s: %v", file, at, err)
			}
		})
	}
	if testing.Short() {
		tried /= 8
	}
	if loaded < tried/20 {
		t.Errorf("of %d changed mappings only %d loaded: the test tries nothing", tried, loaded)
	}
}

// patient says whether the compiler lets a place pass that the schema does not:
// an object of a call that is set to an expression fails with its rows.
func patient(at string) bool {
	return strings.HasSuffix(at, `.set.customer_details = "=line"`) || strings.HasSuffix(at, `.set.metadata = "=line"`)
}

// replaceEach calls f with each value of v replaced by others, and leaves v as
// it was.
func replaceEach(v *any, f func(at string)) {
	var walk func(old any, set func(any), at string)
	walk = func(old any, set func(any), at string) {
		for _, other := range []any{"", "=line", 1} {
			set(other)
			f(at + fmt.Sprintf(" = %#v", other))
		}
		set(old)
		switch old := old.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(old)) {
				walk(old[key], func(v any) { old[key] = v }, at+"."+key)
			}
		case []any:
			for i, item := range old {
				walk(item, func(v any) { old[i] = v }, fmt.Sprintf("%s[%d]", at, i))
			}
		}
	}
	walk(*v, func(other any) { *v = other }, "")
}
