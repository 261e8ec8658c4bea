package report

import (
	"encoding/json"

	"github.com/payrec/payrec/exporter"
)

// The JSON Schema of the language, by which editors complete and check reports
// while they are written. It knows keys, words and kinds of value; whether an
// expression makes sense only [Lint] says. So every report that loads must
// validate, but not the other way round. A test holds its keys against those
// that the compiler takes.

// A schema is a JSON Schema: keywords and their values.
type schema map[string]any

// A keyDoc is one key: what it takes, and what it is for, in a line.
type keyDoc struct {
	name  string
	takes schema
	doc   string
}

// Schema is the JSON Schema (draft-07) of the language of reports, indented.
func Schema() []byte {
	definitions := schema{
		"text":       schema{"type": []string{"string", "number", "boolean"}, "description": "a plain value"},
		"texts":      schema{"anyOf": []schema{ref("text"), listOf(ref("text"))}, "description": "one value, or a list of them"},
		"expression": schema{"type": "string", "pattern": "^=", "description": "an expression: it begins with ="},
		"condition":  schema{"type": []string{"string", "boolean"}, "description": "an expression that is true or false; its = may be left out"},
		"param":      object(paramDoc()), "lookup": object(lookupDoc()), "refusal": object(refusalDoc()), "column": object(columnDoc()), "line": object(lineDoc()),
		"balance": object(balanceDoc()), "pivot": object(pivotDoc()), "titled": object(titledDoc()), "sheet": object(sheetDoc()),
		"period": object(periodDoc()), "split": object(splitDoc()), "textForm": object(textDoc()),
	}
	root := object(topDoc())
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["$id"] = "https://github.com/payrec/payrec/report.v1.schema.json"
	root["title"] = "payrec report"
	root["definitions"] = definitions
	root["required"] = []string{"payrec", "name", "sheets"}
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil // it is made of maps, lists and text, which always marshal
	}
	return append(b, '\n')
}

// object is a map with these keys and no others.
func object(keys []keyDoc) schema {
	properties := schema{}
	for _, k := range keys {
		properties[k.name] = schema{"description": k.doc, "allOf": []schema{k.takes}} // beside a $ref nothing counts
	}
	return schema{"type": "object", "properties": properties, "additionalProperties": false}
}

func ref(name string) schema          { return schema{"$ref": "#/definitions/" + name} }
func listOf(item schema) schema       { return schema{"type": "array", "items": item} }
func mapOf(value schema) schema       { return schema{"type": "object", "additionalProperties": value} }
func words(list ...string) schema     { return schema{"enum": list} }
func either(choices ...schema) schema { return schema{"anyOf": choices} }
func yesNo() schema                   { return schema{"type": "boolean"} }
func number(least, most int) schema {
	return schema{"type": "integer", "minimum": least, "maximum": most}
}
func orNothing(s schema) schema { return either(s, schema{"type": "null"}) }

func topDoc() []keyDoc {
	return []keyDoc{
		{"payrec", words(version), "the version of the language: payrec: " + version},
		{"name", ref("text"), "what the report is called"},
		{"title", ref("text"), "one line for people"},
		{"doc", ref("text"), "what to know before using it"},
		{"source", ref("texts"), "where its rules are from"},
		{"params", mapOf(orNothing(either(ref("param"), ref("text")))), "what differs per account, by name; =params.NAME is its value"},
		{"period", ref("period"), "what the period goes by, and the zone of all dates"},
		{"lookups", mapOf(ref("lookup")), "tables for lookup(table, key), by name"},
		{"where", ref("condition"), "which payments"},
		{"let", mapOf(ref("expression")), "values computed from a payment, by name"},
		{"refuse", listOf(ref("refusal")), "payments that the report must not be made with"},
		{"text", ref("textForm"), "how CSV is written"},
		{"split", ref("split"), "how files are cut"},
		{"sheets", listOf(ref("sheet")), "what there is"},
	}
}

func paramDoc() []keyDoc {
	return []keyDoc{
		{"doc", ref("text"), "what it is, for people"},
		{"required", yesNo(), "whether the report needs it to be given"},
		{"default", ref("text"), "its value when none is given"},
		{"values", ref("texts"), "the only values that it may have"},
		{"pattern", ref("text"), "a regular expression of its whole"},
	}
}

func lookupDoc() []keyDoc {
	return []keyDoc{
		{"map", mapOf(ref("text")), "its entries"},
		{"missing", words("error", "pass", "empty"), "what a key that is not there gives: an error (when nothing is said), itself, or nothing"},
		{"doc", ref("text"), "what it is, for people"},
	}
}

func refusalDoc() []keyDoc {
	return []keyDoc{
		{"when", ref("condition"), "which payments stop the report"},
		{"because", ref("text"), "what people are told"},
	}
}

func periodDoc() []keyDoc {
	return []keyDoc{
		{"by", words(exporter.ByPaid, exporter.ByReported, exporter.BySettled, exporter.ByRefunded), "the date that counts; paid when nothing is said"},
		{"zone", ref("text"), "an IANA time zone: Europe/Berlin"},
		{"settled_at", ref("text"), "the metadata key of the settled date; " + exporter.SettledKey + " when nothing is said"},
		{"required", yesNo(), "whether the report needs a period to be named"},
	}
}

func splitDoc() []keyDoc {
	return []keyDoc{
		{"rows", number(1, 10_000_000), "lines in a file or sheet, at most"},
		{"bytes", schema{"type": "integer", "minimum": 1}, "bytes in a file of text, at most"},
		{"by", ref("text"), "a file or sheet for each value: =currency"},
	}
}

func textDoc() []keyDoc {
	return []keyDoc{
		{"delimiter", ref("text"), "what separates cells: one character, or tab"},
		{"decimal", words(".", ","), "the mark before decimals"},
		{"line_end", words("lf", "crlf"), "what ends a line; lf when nothing is said"},
		{"bom", yesNo(), "whether the file begins with a byte order mark"},
		{"quote", words("needed", "text", "all"), "which cells stand in quotes; needed when nothing is said"},
		{"encoding", words("utf-8", "windows-1252"), "utf-8 when nothing is said"},
		{"unencodable", words("refuse", "replace"), "what the encoding lacks stops the report (when nothing is said), or becomes ?"},
		{"header", yesNo(), "whether the titles are written"},
		{"guard", yesNo(), "whether text that a spreadsheet would run as a formula gets an apostrophe"},
		{"one_line", yesNo(), "whether line breaks and control characters in texts become blanks"},
		{"prefix", ref("text"), "how the file's name must begin"},
		{"only", yesNo(), "whether the report is for programs that read text: no workbook is made of it"},
		{"dates", ref("text"), "the strftime pattern of dates that have none of their own"},
		{"preamble", listOf(orNothing(listOf(orNothing(ref("text"))))), "rows above the titles, of params and the period"},
	}
}

func sheetDoc() []keyDoc {
	return []keyDoc{
		{"name", ref("text"), "the sheet's name, and part of a file's"},
		{"each", words(eachWords...), "what makes a line; payment when nothing is said"},
		{"where", ref("condition"), "which of them"},
		{"let", mapOf(ref("expression")), "values computed from what makes a line"},
		{"refuse", listOf(ref("refusal")), "what the report must not be made with"},
		{"sort", ref("texts"), "names, -names for the greatest first, or expressions"},
		{"columns", listOf(ref("column")), "the columns"},
		{"lines", listOf(ref("line")), "several lines of each, for journals"},
		{"balance", ref("balance"), "which columns must be equal for each entry and currency"},
		{"group", ref("text"), "totals for each of its values, by currency"},
		{"pivot", ref("pivot"), "sums instead of lines"},
		{"builtin", words(exporter.Builtins...), "a sheet of the month-end workbook"},
	}
}

func columnDoc() []keyDoc {
	return []keyDoc{
		{"title", ref("text"), "the heading"},
		{"value", orNothing(ref("text")), "a text, or an expression"},
		{"format", words(formatWords()...), "what its cells are; what the value is when nothing is said"},
		{"pattern", ref("text"), "how dates are written, by strftime"},
		{"zone", ref("text"), "of its dates, when it is not the period's"},
		{"decimals", number(0, 12), "always so many; never rounded"},
		{"max", number(1, 32_767), "the most characters of a text"},
		{"longer", words("refuse", "cut"), "what becomes of a longer one"},
		{"allow", ref("text"), "the characters that a text may have: A-Za-z0-9 -"},
		{"other", ref("text"), "what stands for each other one; without it the text is an error"},
		{"guard", yesNo(), "false: never guarded"},
		{"required", yesNo(), "an empty value is an error"},
		{"total", words("sum"), "a line of totals, per currency"},
		{"width", number(1, 255), "in characters, in a workbook"},
	}
}

func lineDoc() []keyDoc {
	return []keyDoc{
		{"when", ref("condition"), "whether it is made"},
		{"set", mapOf(ref("text")), "values by the titles of their columns"},
	}
}

func balanceDoc() []keyDoc {
	return []keyDoc{
		{"debit", ref("text"), "the title of the column of debits"},
		{"credit", ref("text"), "the title of the column of credits"},
		{"per", ref("text"), "the title of the column that tells entries apart"},
	}
}

func pivotDoc() []keyDoc {
	value := either(ref("titled"), ref("text"))
	return []keyDoc{
		{"rows", listOf(value), "what the lines are told apart by; the currency is always among them"},
		{"values", listOf(value), "what is added up: count, or money and numbers"},
	}
}

func titledDoc() []keyDoc {
	return []keyDoc{
		{"title", ref("text"), "the heading"},
		{"value", ref("text"), "a name, or an expression"},
	}
}
