package mapping

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/payrec/payrec/record"
)

// The JSON Schema of the language.
//
// Editors complete and check mappings by it while they are written. It knows
// what can be known without understanding: which keys there are, what words
// and which kinds of value they take, which fields each call has. Whether an
// expression makes sense, a column exists or a class emits, only [Lint] says;
// so every mapping that loads must validate, but not the other way round.
//
// The fields of calls come from [record.SpecOf]. The keys stand in
// schema_keys.go with a line for people each; a test asks the compiler for the
// keys that it knows, at every place, and fails when the two differ.

// A schema is a JSON Schema: keywords and their values.
type schema map[string]any

// Schema is the JSON Schema (draft-07) of the mapping language, indented.
func Schema() []byte {
	definitions := schema{}
	for name, s := range valueSchemas() {
		definitions[name] = s
	}
	for _, p := range parts() {
		if p.name != "mapping" {
			definitions[p.name] = p.schema()
		}
	}
	for _, call := range record.Writes() {
		definitions[setName(call)] = setSchema(record.SpecOf(call))
	}
	root := parts()[0].schema()
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["$id"] = "https://github.com/payrec/payrec/mapping.v1.schema.json"
	root["title"] = "payrec mapping"
	root["definitions"] = definitions
	root["anyOf"] = []schema{{"required": []string{"extends"}}, {"required": []string{"payrec", "name", "rows", "payment", "emit"}}}
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil // it is made of maps, lists and text, which always marshal
	}
	return append(b, '\n')
}

// A part is one map of the language and its keys.
type part struct {
	name, doc string
	keys      []keyDoc
	required  []string
}

// A keyDoc is one key: what it takes, and what it is for, in a line.
type keyDoc struct {
	name  string
	takes schema
	doc   string
}

func (p *part) schema() schema {
	properties := schema{}
	for _, k := range p.keys {
		properties[k.name] = k.takes.described(k.doc)
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if p.required != nil {
		s["required"] = p.required
	}
	if p.name == "emit" {
		s["allOf"] = setByCall()
	}
	return s.described(p.doc)
}

// described is s with a description. What stands beside a $ref is ignored in
// draft-07, so a reference is wrapped.
func (s schema) described(doc string) schema {
	if doc == "" {
		return s
	}
	out := schema{"description": doc}
	if _, isRef := s["$ref"]; isRef {
		out["allOf"] = []schema{s}
		return out
	}
	for keyword, value := range s {
		out[keyword] = value
	}
	return out
}

// valueSchemas are the plain values of the language.
func valueSchemas() map[string]schema {
	return map[string]schema{
		"text":       schema{"type": []string{"string", "number", "boolean"}}.described("a plain value"),
		"texts":      either(ref("text"), listOf(either(ref("text"), schema{"type": "null"}))).described("one value, or a list of them"),
		"expression": schema{"type": "string", "pattern": "^="}.described("an expression: it begins with ="),
		"condition":  schema{"type": []string{"string", "boolean"}, "pattern": "^([^=]|==)"}.described("an expression that is true or false, written without ="),
	}
}

func ref(name string) schema { return schema{"$ref": "#/definitions/" + name} }

func either(choices ...schema) schema { return schema{"anyOf": choices} }

func listOf(item schema) schema { return schema{"type": "array", "items": item} }

// mapOf is a map with free keys.
func mapOf(value schema) schema {
	return schema{"type": "object", "additionalProperties": value}
}

func words(list ...string) schema { return schema{"enum": list} }

// whole is a number from least to most; the language takes it in quotes too.
func whole(least, most int) schema {
	return schema{"type": []string{"integer", "string"}, "minimum": least, "maximum": most, "pattern": "^[0-9]+$"}
}

func yesNo() schema { return schema{"enum": []any{true, false, "true", "false"}} }

func setName(call record.CallName) string { return "set_" + string(call) }

// setByCall chooses the schema of `set` by the call beside it.
func setByCall() []schema {
	var out []schema
	for _, call := range record.Writes() {
		out = append(out, schema{
			"if":   schema{"required": []string{"call"}, "properties": schema{"call": schema{"const": string(call)}}},
			"then": schema{"properties": schema{"set": ref(setName(call))}},
		})
	}
	return out
}

// setSchema is what `set` takes for a call: its fields, nested or by dotted
// path, and the short forms that it has.
func setSchema(spec *record.Spec) schema {
	s := fieldsBelow(spec, "")
	properties := s["properties"].(schema)
	for _, f := range shortForms() {
		if f.has(spec) {
			properties[f.name] = f.takes.described(f.doc)
		}
	}
	return s.described("the fields of " + string(spec.Call))
}

// fieldsBelow is an object of the fields below a prefix, which ends in a dot
// or is empty.
func fieldsBelow(spec *record.Spec, prefix string) schema {
	properties := schema{}
	out := schema{"type": "object", "properties": properties, "additionalProperties": false}
	for _, f := range spec.Fields {
		path, ok := strings.CutPrefix(f.Path, prefix)
		if !ok {
			continue
		}
		properties[path] = fieldSchema(spec, f).described(fieldDoc(f))
		if f.Type == record.TypeMetadata {
			out["patternProperties"] = schema{`^` + path + `\.`: pairValue()}
		}
	}
	return out
}

func fieldSchema(spec *record.Spec, f record.Field) schema {
	var s schema
	switch f.Type {
	case record.TypeEnum:
		s = either(words(f.Enum...), ref("expression"))
	case record.TypeTimestamp, record.TypeInteger:
		s = either(schema{"type": "integer"}, schema{"type": "string", "pattern": "^(=|[0-9]+$)"})
	case record.TypeMoney:
		s = either(ref("expression"), fieldsBelow(spec, f.Path+"."))
	case record.TypeMetadata:
		s = mapOf(pairValue())
		s["properties"] = schema{"*": either(ref("text"), ref("wildcard"))}
		s["maxProperties"] = record.MaxMetadataPairs
		s["propertyNames"] = schema{"maxLength": record.MaxMetadataKey, "pattern": `^[^\[\]]*$`, "not": schema{"pattern": "^payrec_"}}
	case record.TypeObject:
		s = fieldsBelow(spec, f.Path+".")
	default:
		s = ref("text")
	}
	if f.Unset {
		s = either(s, schema{"enum": []any{"", nil}})
	}
	return s
}

// pairValue is the value of a metadata pair; nothing removes the pair.
func pairValue() schema { return either(ref("text"), schema{"type": "null"}) }

// fieldDoc is what a field is, in words.
func fieldDoc(f record.Field) string {
	var doc string
	switch f.Type {
	case record.TypeText:
		doc = fmt.Sprintf("text of at most %d characters", f.Max)
	case record.TypeInteger:
		doc = "minor units; a money value gives them"
	case record.TypeTimestamp:
		doc = "a time; in Unix seconds when it is written out"
	case record.TypeCurrency:
		doc = "a currency code; a money value gives it"
	case record.TypeEnum:
		doc = strings.Join(f.Enum, " or ")
	case record.TypeMetadata:
		doc = fmt.Sprintf("up to %d pairs of text: keys of at most %d, values of at most %d characters", record.MaxMetadataPairs, record.MaxMetadataKey, record.MaxMetadataValue)
	case record.TypeMoney:
		doc = "money: fills value and currency"
	case record.TypeObject:
		doc = "the fields below it"
	}
	if f.Required && strings.Contains(f.Path, ".") {
		doc += "; needed with the object that it stands in"
	} else if f.Required {
		doc += "; needed"
	}
	if f.Unset {
		doc += `; "" removes what was there`
	}
	return doc
}

// A shortForm is a key of `set` that stands for several fields.
type shortForm struct {
	keyDoc
	needs []string // the call has it when it has one of these fields
}

func (f *shortForm) has(spec *record.Spec) bool {
	for _, path := range f.needs {
		if _, ok := spec.Field(path); ok {
			return true
		}
	}
	return false
}

func shortForms() []shortForm {
	time := either(ref("expression"), schema{"type": "integer"})
	method := part{keys: []keyDoc{
		{"type", ref("text"), "id of your custom payment method type (cpmt_…)"},
		{"name", ref("text"), "how the payment method is called"},
	}}
	return []shortForm{
		{keyDoc{"paid_at", time, "short for initiated_at, outcome: guaranteed and guaranteed.guaranteed_at"}, []string{"guaranteed.guaranteed_at"}},
		{keyDoc{"refunded_at", time, "short for outcome: refunded and refunded.refunded_at"}, []string{"refunded.refunded_at"}},
		{keyDoc{"reference", ref("text"), "short for processor_details: the processor's reference of the payment or refund"},
			[]string{"processor_details.custom.payment_reference", "processor_details.custom.refund_reference"}},
		{keyDoc{"method", method.schema(), "short for payment_method_details: type and display name"}, []string{"payment_method_details.custom.type"}},
	}
}
