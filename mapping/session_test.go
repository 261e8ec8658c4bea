package mapping

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/internal/yamltree"
)

// plain is a mapping for tests: parts replace those of the same key.
func plain(parts string) string {
	base := `
payrec: mapping/v1
name: plain
input: {timezone: UTC}
columns:
  ref:  {from: Ref, type: id}
  of:   {from: Of, type: id, optional: true}
  at:   {from: At, type: date, format: '%Y-%m-%d', optional: true}
  ccy:  {from: Ccy, type: currency, default: EUR, optional: true}
  sum:  {from: Sum, type: money, in: ccy}
  type: {from: Type, optional: true}
rows:
  - {is: refund, match: {type: refund}}
  - {is: payment}
payment: {key: '=of == "" ? ref : of'}
emit:
  - on: payment
    call: report_payment
    id: =ref
    set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: Test}}
  - on: refund
    call: report_refund
    id: =ref
    set: {amount: =sum, refunded_at: =at, reference: =ref}
`
	c := &yamltree.Collector{}
	merged := yamltree.Parse("base", []byte(base), c)
	over := yamltree.Parse("test", []byte(parts), c)
	if c.Failed() {
		panic(c.Sorted().Error() + "\n" + parts)
	}
	if over != nil {
		for _, e := range over.Entries { // whole keys, not deep
			for i := range merged.Entries {
				if merged.Entries[i].Key.Text == e.Key.Text {
					merged.Entries[i].Value = e.Value
					e.Key = nil
					break
				}
			}
			if e.Key != nil {
				merged.Entries = append(merged.Entries, e)
			}
		}
	}
	return print(merged, 0)
}

// print writes a node as YAML in flow style.
func print(n *node, depth int) string {
	switch n.Kind {
	case yamltree.Scalar:
		if n.Style == yamltree.Plain && allDigits(n.Text) {
			return n.Text
		}
		return "'" + strings.ReplaceAll(n.Text, "'", "''") + "'"
	case yamltree.List:
		parts := make([]string, len(n.Items))
		for i, item := range n.Items {
			parts[i] = print(item, depth+1)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case yamltree.Map:
		parts := make([]string, len(n.Entries))
		for i, e := range n.Entries {
			key := e.Key.Text
			if key == "" || strings.ContainsAny(key, "[]{}*") {
				key = "'" + key + "'"
			}
			parts[i] = key + ": " + print(e.Value, depth+1)
		}
		if depth == 0 {
			return strings.Join(parts, "\n") + "\n"
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return "null"
}

func mustParse(t testing.TB, src string, o Options) *Mapping {
	t.Helper()
	m, err := Parse("test.yaml", []byte(src), o)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return m
}

// events lists calls as "call id payment path=value …".
func events(s *summary) []string {
	var out []string
	for _, e := range s.events {
		line := fmt.Sprintf("%s %s of %s", e.Call, e.ID, e.Payment)
		for _, p := range e.Params {
			if p.Path == "amount_requested.value" || p.Path == "amount.value" || strings.HasPrefix(p.Path, "metadata.") || p.Path == "description" {
				line += fmt.Sprintf(" %s=%s", p.Path, p.Value)
			}
		}
		out = append(out, line)
	}
	return out
}

func TestRows(t *testing.T) {
	for _, tt := range []struct {
		name, parts, file string
		params            map[string]string
		want              []string // calls
		problems          string   // "code,code"
	}{
		{name: "two calls of one row", file: "Ref,Sum,At,Type\nA,10,2026-01-01,both\n",
			parts: `{rows: [{is: both}], emit: [
				{on: both, call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}}},
				{on: both, when: 'type == "both"', call: report_refund, id: '=ref + "/r"', set: {amount: =sum, refunded_at: =at, reference: '=ref + "/r"'}},
				{on: both, when: 'type == "other"', call: report_refund, id: '=ref + "/x"', set: {amount: =sum, refunded_at: =at, reference: =ref}}]}`,
			want: []string{"report_payment A of A amount_requested.value=1000", "report_refund A/r of A amount.value=1000"}},
		{name: "metadata: money, times, numbers, yes/no, and empty pairs left out", file: "Ref,Sum,At,Type\nA,10.5,2026-01-02,\n",
			parts: `{emit: [{on: payment, call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T},
				metadata: {net: =sum, at: =at, line: =line, big: =sum > 5, none: =type, fixed: text, a.b: =ref}}},
				{on: refund, call: report_refund, id: =ref, set: {refunded_at: =at, reference: =ref}}]}`,
			want: []string{"report_payment A of A amount_requested.value=1050 metadata.a.b=A metadata.at=2026-01-02T00:00:00Z metadata.big=true metadata.fixed=text metadata.line=2 metadata.net=10.50"}},
		{name: "payment.let sums over rows wherever they stand", file: "Ref,Of,Sum,At,Type\nA,,10,2026-01-01,\nB,,1,2026-01-01,\nR1,A,3,2026-01-02,refund\nR2,A,4,2026-01-03,refund\n",
			parts: `{payment: {key: '=of == "" ? ref : of', let: {refunded: '=sum(sum, is == "refund")', parts: =count()}},
				emit: [{on: payment, call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}, metadata: {refunded: =refunded, parts: =parts}}},
				{on: refund, call: report_refund, id: =ref, set: {amount: =sum, refunded_at: =at, reference: =ref}}]}`,
			want: []string{"report_payment A of A amount_requested.value=1000 metadata.parts=3 metadata.refunded=7.00", "report_payment B of B amount_requested.value=100 metadata.parts=1 metadata.refunded=0",
				"report_refund R1 of A amount.value=300", "report_refund R2 of A amount.value=400"}},
		{name: "payment.let cannot leave out a row that cannot be read", file: "Ref,Of,Sum,At,Type\nA,,10,2026-01-01,\nR1,A,x,2026-01-02,refund\n",
			parts: `{payment: {key: '=of == "" ? ref : of', let: {all: =sum(sum)}},
				emit: [{on: payment, call: report_payment, id: =ref, set: {amount_requested: =all, paid_at: =at, reference: =ref, method: {name: T}}},
				{on: refund, call: report_refund, id: =ref, set: {amount: =sum, refunded_at: =at, reference: =ref}}]}`,
			problems: "expression,bad_value"},
		{name: "lookups", file: "Ref,Sum,At,Type\nA,1,2026-01-01,mc\nB,1,2026-01-01,xx\n",
			parts: `{lookups: {method: {map: {mc: Mastercard}, missing: pass}}, emit: [{on: [payment, refund], call: report_payment, id: =ref,
				set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}, description: '=lookup("method", type)'}}]}`,
			want: []string{"report_payment A of A amount_requested.value=100 description=Mastercard", "report_payment B of B amount_requested.value=100 description=xx"}},
		{name: "cells are cleaned as the column says", file: "Ref;Sum;At;Type\n`A1;€ 1.234,50;01.02.2026;--\n#B2;(5,00) €;01.02.2026;x\n",
			parts: "{input: {delimiter: ';', decimal: ',', thousands: '.', empty: ['--'], timezone: Europe/Berlin}, columns: {ref: {from: Ref, type: id, strip: ['`', '#']}, of: {from: Of, optional: true}, " +
				"at: {from: At, type: date, format: ['%Y-%m-%d', '%d.%m.%Y']}, sum: {from: Sum, type: money, in: EUR, strip: ['€']}, type: {from: Type, extract: '(x)'}}," +
				"emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {amount_requested: =abs(sum), paid_at: =at, reference: =ref, method: {name: T}, description: =type}}]}",
			want: []string{"report_payment A1 of A1 amount_requested.value=123450", "report_payment B2 of B2 amount_requested.value=500 description=x"}},
		{name: "units", file: "Ref,Sum,Ccy,At\nA,1050,EUR,2026-01-01\nB,1050,JPY,2026-01-01\nC,1050,KWD,2026-01-01\nD,100,ISK,2026-01-01\nE,10.5,EUR,2026-01-01\n",
			parts: `{columns: {ref: {from: Ref, type: id}, of: {from: Of, optional: true}, type: {from: Type, optional: true}, at: {from: At, type: date, format: '%Y-%m-%d'}, ccy: {from: Ccy, type: currency}, sum: {from: Sum, type: money, in: ccy, unit: minor}}}`,
			want:  []string{"report_payment A of A amount_requested.value=1050", "report_payment B of B amount_requested.value=1050", "report_payment C of C amount_requested.value=1050"}, problems: "bad_value,bad_value"},
		{name: "every kind of bad cell has its code", file: "Ref,Of,Sum,Ccy,At,Type\n8.8E+15,,1,EUR,2026-01-01,\nB,,1.5.0,EUR,2026-01-01,\nC,,1,EURO,2026-01-01,\nD,,1,EUR,2026-02-30,\nE,,1.001,EUR,2026-01-01,\n" +
			",,1,EUR,2026-01-01,\nG,,,EUR,2026-01-01,\nH,,1,EUR,,\nI,,-1,EUR,2026-01-01,\nJ,,1\n",
			problems: "spoiled_id,bad_value,bad_currency,bad_time,too_fine,empty_value,missing_field,missing_field,missing_field,invalid_field,ragged"},
		{name: "params", file: "Ref,Sum,At,Type\nA,1,2026-01-01,\n", params: map[string]string{"who": "me"},
			parts: `{params: {who: {doc: x, required: true}, other: {default: d}}, emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: =params.who}, description: =params.who + params.other}}]}`,
			want:  []string{"report_payment A of A amount_requested.value=100 description=med"}},
		{name: "an error class, and a row that no rule knows", file: "Ref,Sum,At,Type\nA,1,2026-01-01,Denied\nB,1,2026-01-01,x\n",
			parts: `{rows: [{is: denied, match: {type: 'den*'}, error: a denied payment has no place here}], emit: []}`, problems: "error_class,no_class"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := mustParse(t, plain(tt.parts), Options{Params: tt.params})
			got := importText(t, m, tt.file)
			if d := cmp.Diff(tt.want, events(got)); d != "" {
				t.Errorf("calls (-want +got):\n%s", d)
			}
			var codes []string
			for _, p := range got.problems {
				codes = append(codes, strings.Fields(p)[1])
			}
			if strings.Join(codes, ",") != tt.problems {
				t.Errorf("problems:\n%s\nwant %s", strings.Join(got.problems, "\n"), tt.problems)
			}
			if total := got.by[Emitted] + got.by[Attached] + got.by[Ignored] + got.by[Held] + got.by[Rejected]; total != got.rows {
				t.Errorf("%d rows, but %d accounted for", got.rows, total)
			}
		})
	}
}

func TestMessages(t *testing.T) {
	m := mustParse(t, plain(`{columns: {ref: {from: Ref, type: id}, of: {from: Of, type: id, optional: true}, ccy: {from: Ccy, type: currency}, at: {from: At, type: date, format: '%Y-%m-%d'},
		sum: {from: Sum, type: money, in: ccy, sensitive: true}, type: {from: Type}}, rows: [{is: payment, match: {type: sale}}],
		emit: [{on: payment, call: report_payment, id: =ref, set: {amount_requested: '=money(1, "EUR")', paid_at: =at, reference: =ref, method: {name: T}}}],
		checks: [{name: positive, that: sum(sum) > 0}]}`), Options{})
	got := importText(t, m, "Ref,Ccy,Sum,At,Type\n4,EUR,12x,01.02.2026,Sale\n5,EUR,1,2026-01-01,gift\n8.81618E+15,EUR,1,2026-01-01,sale\n")
	want := []string{
		`test.csv:2 bad_time "01.02.2026": lacks a year of 4 digits; the mapping says times look like "%Y-%m-%d"`,
		`test.csv:3 no_class "gift": no rule matches this row: type "gift"; add a rule that says what such rows are`,
		`test.csv:4 spoiled_id "8.81618E+15": is an identifier that a spreadsheet has turned into a number; export the file again and do not open it in a spreadsheet`,
	}
	if d := cmp.Diff(want, got.problems); d != "" {
		t.Error(d)
	}
	// What is sensitive is hidden in the check's message too.
	if f := got.failed(); len(f) != 1 || !strings.Contains(f[0].Msg, `2 rows could not be read: test.csv:2 (column "Sum": "(hidden)")`) || !strings.Contains(f[0].Msg, "test.csv:3") {
		t.Errorf("%+v", f)
	}
}

func TestMissingColumns(t *testing.T) {
	m := mustParse(t, plain(`{}`), Options{})
	s := m.NewSession()
	defer s.Close()
	header := table.NewColumns([]string{"Reff", "Amount", "At"})
	_, err := s.Row(&table.Row{Pos: table.Pos{File: "x.csv", Line: 1}, Role: table.HeaderRow, Header: header})
	want := `x.csv:1: the file has no column "Ref", "Sum"; did you mean "Reff" for "Ref"? the mapping "plain" needs them; if the file is right, name the header under columns`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// A header that is replaced in the middle, and one that comes again in another
// file with its columns in another order.
func TestHeadersChange(t *testing.T) {
	m := mustParse(t, plain(`{input: {timezone: UTC, records: {column: 1, header: H, body: [D], totals: {T: {rows: 2}}, context: {C: {shop: 2}}, ignore: [X]}},
		emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}, description: =shop}}],
		checks: [{name: rows, that: 'count() == total("T", "rows")'}]}`), Options{})
	got := importText(t, m, "C,north\nH,Ref,Sum,At\nD,A,1,2026-01-01\nX,?\nT,1\nC,south\nH,At,Sum,Ref\nD,2026-01-01,2,B\nD,2026-01-01,3,C\nT,2\n")
	want := []string{"report_payment A of A amount_requested.value=100 description=north", "report_payment B of B amount_requested.value=200 description=south", "report_payment C of C amount_requested.value=300 description=south"}
	if d := cmp.Diff(want, events(got)); d != "" || len(got.failed()) > 0 {
		t.Errorf("%s %+v", d, got.checks)
	}
	if got := importText(t, m, "H,Ref,Sum,At\nD,A,1,2026-01-01\nT,2\n"); len(got.failed()) != 1 || got.failed()[0].Msg != `count() = 1, total("T", "rows") = 2` {
		t.Errorf("%+v", got.checks)
	}
	if got := importText(t, m, "H,Ref,Sum,At\nD,A,1,2026-01-01\n"); len(got.failed()) != 0 || !strings.Contains(got.checks[0].Msg, "without such a total") {
		t.Errorf("%+v", got.checks)
	}
}

// Headers that repeat, cells by number, and a file without a header.
func TestColumnPlaces(t *testing.T) {
	m := mustParse(t, plain(`{columns: {ref: {from: [Id, Ref], type: id}, of: {from: Of, optional: true}, type: {from: Type, optional: true}, at: {from: 4, type: date, format: '%Y-%m-%d'},
		sum: {from: Value, occurrence: 2, type: money, in: eur}}}`), Options{})
	if got := events(importText(t, m, "REF,value,Value,x\nA,1,2,2026-01-01\n")); len(got) != 1 || got[0] != "report_payment A of A amount_requested.value=200" {
		t.Error(got)
	}
	m = mustParse(t, plain(`{input: {header: none, timezone: UTC}, columns: {ref: 1, of: {from: 9, optional: true}, type: {from: 9}, at: {from: 3, type: date, format: '%Y-%m-%d'}, sum: {from: 2, type: money, in: eur}}}`), Options{})
	if got := events(importText(t, m, "A,1,2026-01-01\nB,2,2026-01-01\n")); len(got) != 2 || got[1] != "report_payment B of B amount_requested.value=200" {
		t.Error(got)
	}
}

// An empty list takes back what the mapping below says; a key without a value is
// more likely forgotten, and is a fault.
func TestExtendsTakesBack(t *testing.T) {
	const base = "{input: {timezone: UTC, strip: ['#'], empty: ['-'], headings: ['Total *'], header: {find: [Ref]}}, " +
		"columns: {ref: {from: Ref, type: id, strip: ['x'], values: [a, b]}, of: Of, at: {from: At, type: date, format: '%Y-%m-%d'}, ccy: {from: Ccy, type: currency}, sum: {from: Sum, type: money, in: ccy}, type: Type}}"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "base.yaml"), []byte(plain(base)), 0o600); err != nil {
		t.Fatal(err)
	}
	over := func(empty string) (*Mapping, error) {
		return Parse("top.yaml", []byte(strings.ReplaceAll("extends: base.yaml\nname: top\ninput: {strip: [], empty: [], headings: [], header: {find: [], row: 2}}\ncolumns: {ref: {strip: [], values: []}}\n", "[]", empty)), Options{Dir: dir})
	}
	m, err := over("[]")
	if err != nil {
		t.Fatal(err)
	}
	ref := m.columns[0]
	if d := m.Dialect(); len(m.input.strip)+len(m.input.empty)+len(d.Headings)+len(d.Header.Find)+len(ref.strip)+len(ref.values) > 0 || d.Header.Row != 2 {
		t.Errorf("%+v %+v %+v", m.input, d, ref)
	}
	if _, err = over("~"); err == nil || strings.Count(err.Error(), "the key has no value") != 6 {
		t.Error(err)
	}
}

func TestExtends(t *testing.T) {
	src := `
payrec: mapping/v1
name: my-shop
extends: preset:adyen-settlement-detail
params: {display_name: {default: Shop}}
columns: {order: {from: [Merchant Order Reference, Merchant Reference]}}
`
	m := mustParse(t, src, Options{})
	base := mustLoad(t, "adyen-settlement-detail", nil)
	if m.Name() != "my-shop" || m.Source() != base.Source() || m.Hash() == base.Hash() || m.Title() != base.Title() {
		t.Errorf("name %s, source %s, title %s", m.Name(), m.Source(), m.Title())
	}
	for _, r := range m.Test() {
		if !r.OK && !strings.Contains(r.Name, "0.24 of fees") { // that one expects the preset's name
			t.Errorf("%s: %v", r.Name, r.Failures)
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yaml": "extends: b.yaml\nname: a\n", "b.yaml": "extends: a.yaml\nname: b\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(filepath.Join(dir, "a.yaml"), Options{}); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("got %v", err)
	}
	// Relative paths start where they stand.
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	lookups := "{lookups: {m: {file: table.csv, key: k, value: v}}}"
	for name, text := range map[string]string{"sub/base.yaml": plain(lookups), "sub/table.csv": "k,v\na,b\n", "top.yaml": "extends: sub/base.yaml\nname: top\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustLoad(t, filepath.Join(dir, "top.yaml"), nil)
	// Without a source of its own, a mapping's source is the name it extends.
	own := filepath.Join(dir, "own.yaml")
	if err := os.WriteFile(filepath.Join(dir, "plain.yaml"), []byte(plain(`{}`)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, []byte("extends: ./plain.yaml\nname: own\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if m := mustLoad(t, own, nil); m.Name() != "own" || m.Source() != "plain" {
		t.Errorf("name %s, source %s", m.Name(), m.Source())
	}
}

func TestLookupFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "methods.csv"), []byte("code,name\nmc,Mastercard\nvisa,Visa\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	parts := `{lookups: {method: {file: methods.csv, key: code, value: name, missing: empty}}, emit: [{on: [payment, refund], call: report_payment, id: =ref,
		set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}, description: '=lookup("method", type)'}}]}`
	m := mustParse(t, plain(parts), Options{Dir: dir})
	got := events(importText(t, m, "Ref,Sum,At,Type\nA,1,2026-01-01,visa\nB,1,2026-01-01,x\n"))
	if len(got) != 2 || !strings.HasSuffix(got[0], "description=Visa") || strings.Contains(got[1], "description") {
		t.Error(got)
	}
	for change, want := range map[string]string{"key: code": "no columns", "file: methods.csv": "cannot read"} {
		if _, err := Parse("x", []byte(plain(strings.Replace(parts, change, change+"x", 1))), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", change, err)
		}
	}
}

func TestLoad(t *testing.T) {
	_, err := Load("adyen-settlement-detial", Options{})
	if err == nil || !strings.Contains(err.Error(), `there is no preset "adyen-settlement-detial"; did you mean "adyen-settlement-detail"?`) {
		t.Errorf("got %v", err)
	}
	if _, err := Load("./missing.yaml", Options{}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
	if _, err := Load("preset:../presets", Options{}); err == nil {
		t.Error("a path was taken for a preset")
	}
	_, err = Load("generic-csv", Options{Params: map[string]string{"zone": "Berlin", "zon": "x", "decimal": ";"}})
	for _, want := range []string{`no param "zon"; did you mean "zone"?`, `"Berlin" is not the name of a time zone`, `"decimal" must be one of`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	a, b := mustLoad(t, "generic-csv", nil), mustLoad(t, "generic-csv", map[string]string{"zone": "Europe/Berlin"})
	if a.Hash() == b.Hash() || len(a.Hash()) != 64 || a.Hash() != mustLoad(t, "preset:generic-csv", nil).Hash() {
		t.Errorf("hashes %s, %s", a.Hash(), b.Hash())
	}
}

func TestIdentify(t *testing.T) {
	adyen := mustLoad(t, "adyen-settlement-detail", nil)
	header := []string{"x", "PSP reference ", "Type", "Modification Reference", "Net Debit (NC)", "Net Credit (NC)", "Batch Number"}
	for _, tt := range []struct {
		file   string
		header []string
		want   bool
	}{
		{"any.csv", header, true}, {"settlement_detail_report_batch_1.csv", header[:3], false}, {"dir/Settlement_detail_report_batch_1.csv", nil, true},
		{`c:\dir\settlement_detail_report.csv`, nil, true}, {"any.csv", nil, false},
	} {
		if got := adyen.Identify(tt.file, tt.header); got != tt.want {
			t.Errorf("%s, %q: %v", tt.file, tt.header, got)
		}
	}
}

// Every genuine file is recognised by its own preset only.
func TestIdentifyReal(t *testing.T) {
	for preset, name := range map[string]string{"adyen-settlement-detail": "adyen/oca_settlement_detail_report_batch_380.csv", "paypal-settlement": "paypal/smashpig_stl.csv"} {
		path := realFile(t, name)
		for _, p := range Presets() {
			m := mustLoad(t, p.Name, nil)
			r, err := table.Open(path, m.Dialect())
			if err != nil {
				continue // not even the same format
			}
			for {
				row, err := r.Next()
				if err == io.EOF || err != nil {
					break
				}
				if row.Role == table.HeaderRow {
					if got := m.Identify("x", row.Header.Names()); got != (p.Name == preset) {
						t.Errorf("%s: %s says %v", name, p.Name, got)
					}
					break
				}
			}
			r.Close()
		}
	}
}

// Inline tests must be able to fail, each in its own way.
func TestInlineTestsFail(t *testing.T) {
	m := mustParse(t, plain(`{checks: [{name: nothing, that: count() == 0}], tests: [{name: all wrong, rows: [{Ref: A, Sum: '1', At: '2026-01-01'}], class: refund, held: 1, rejects: [bad_value], fails: [],
		expect: [{call: report_payment, amount_requested: {value: 2}}, {call: report_refund}]}, {name: right, rows: [{Ref: A, Sum: '1', At: '2026-01-01'}], class: payment, expect: [{call: report_payment, amount_requested.value: 100}]}]}`), Options{})
	got := m.Test()
	want := []string{"classes are payment, want refund", "0 rows are held, want 1", "rejects are [], want [bad_value]", "failing checks are [nothing], want []", "1 calls, want 2", `call 1: amount_requested.value is "100", want "2"`}
	if len(got) != 2 || got[0].OK || !got[1].OK || got[0].Name != "all wrong" || got[0].Line == 0 {
		t.Fatalf("%+v", got)
	}
	if d := cmp.Diff(want, got[0].Failures); d != "" {
		t.Error(d)
	}
}

func TestLint(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.yaml")
	src := plain(`{params: {needed: {doc: x, required: true}}, rows: [{is: payment}, {is: refund, match: {type: refund}}]}`)
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	problems, err := Lint(path, Options{})
	if err != nil || len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Msg, "no row reaches this rule") {
		t.Errorf("%v, %v", problems, err)
	}
	if _, err := Load(path, Options{}); err == nil || !strings.Contains(err.Error(), `"needed" is required`) {
		t.Errorf("got %v", err)
	}
	if _, err := Lint("nothing", Options{}); err == nil {
		t.Error("a preset that is not there was linted")
	}
}

// Chargebacks are reported as refunds only when the user says so.
func TestChargebacks(t *testing.T) {
	file := "Merchant Account,Psp Reference,Merchant Reference,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Batch Number\n" +
		"Shop,P1,O1,2026-03-01 10:00:00,CET,Settled,M1,EUR,,20,EUR,,19,7\n" +
		"Shop,P1,O1,2026-03-09 10:00:00,CET,Chargeback,M2,EUR,20,,EUR,27.5,,7\n" +
		"Shop,P2,O2,2026-03-09 10:00:00,CET,ChargebackReversed,M3,EUR,,20,EUR,,20,7\n"
	for param, want := range map[string]string{"": "1 emitted, 2 held", "hold": "1 emitted, 2 held", "refund": "2 emitted, 1 held"} {
		got := importText(t, mustLoad(t, "adyen-settlement-detail", map[string]string{"chargebacks": param}), file)
		if s := fmt.Sprintf("%d emitted, %d held", got.by[Emitted], got.by[Held]); s != want {
			t.Errorf("chargebacks %q: %s, want %s: %v", param, s, want, got.problems)
		}
		if last := got.events[len(got.events)-1]; param == "refund" {
			if reason, _ := last.Params.Get("metadata.reason"); reason != "chargeback" || last.Amount.Value != 2000 || last.Payment != "P1" {
				t.Errorf("%+v", last)
			}
		}
	}
}

// A settlement file that was cut short must not be sent.
func TestPayPalCutShort(t *testing.T) {
	data, err := os.ReadFile("../samples/paypal-settlement/STL-20260310.01.009.CSV")
	if err != nil {
		t.Fatal(err)
	}
	m := mustLoad(t, "paypal-settlement", nil)
	if got := importText(t, m, string(data)); len(got.failed()) > 0 || got.rows != 31 {
		t.Fatalf("%d rows, %+v", got.rows, got.failed())
	}
	lines := strings.SplitAfter(string(data), "\n")
	for i, line := range lines {
		if !strings.Contains(line, `"T0006"`) {
			continue
		}
		got := importText(t, m, strings.Join(lines[:i], "")+strings.Join(lines[i+1:], ""))
		stops := 0
		for _, c := range got.failed() {
			if c.Severity == "stop" && c.Name == "credits agree with the section footers" && strings.Contains(c.Msg, `total("SF", "credits") = `) {
				stops++
			}
		}
		if stops != 1 {
			t.Errorf("without line %d: %+v", i+1, got.failed())
		}
	}
}

// A total that is no figure makes the whole file doubtful.
func TestBadTotal(t *testing.T) {
	m := mustLoad(t, "paypal-settlement", nil)
	s := m.NewSession()
	defer s.Close()
	row := &table.Row{Pos: table.Pos{File: "x", Line: 9}, Role: table.Total, Kind: "SF", Cells: []string{"SF", "EUR", "1e5", "0"}}
	if _, err := s.Row(row); err == nil || !strings.Contains(err.Error(), `the total "credits" is in exponent notation`) {
		t.Errorf("got %v", err)
	}
	row.Cells = []string{"SF", "EURO", "5", "0"}
	if _, err := s.Row(row); err == nil || !strings.Contains(err.Error(), `is in "EURO"`) {
		t.Errorf("got %v", err)
	}
}

// One session over several files: groups and totals go on, headers and context
// begin anew.
func TestSeveralFiles(t *testing.T) {
	m := mustParse(t, plain(`{checks: [{name: all, that: count() == 3}], payment: {key: '=of == "" ? ref : of', let: {n: =count()}},
		emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}, metadata: {n: =n}}}]}`), Options{})
	files := []string{"Ref,Of,Sum,At\nA,,1,2026-01-01\n", "At,Sum,Ref,Of\n2026-01-01,2,B,A\n2026-01-01,3,C,A\n"}
	s := m.NewSession()
	defer s.Close()
	var got []string
	pass := func(f func(*table.Row) error) {
		for i, text := range files {
			r, err := table.NewReader(fmt.Sprintf("%d.csv", i), strings.NewReader(text), m.Dialect())
			if err != nil {
				t.Fatal(err)
			}
			for {
				row, err := r.Next()
				if err == io.EOF {
					break
				}
				if err == nil {
					err = f(row)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			r.Close()
		}
	}
	pass(s.Gather)
	pass(func(row *table.Row) error {
		res, err := s.Row(row)
		if res != nil && err == nil {
			n, _ := res.Events[0].Params.Get("metadata.n")
			got = append(got, fmt.Sprintf("%s %s %s", res.Pos, res.Events[0].ID, n))
		}
		return err
	})
	checks, err := s.Finish()
	if d := cmp.Diff([]string{"0.csv:2 A 3", "1.csv:2 B 3", "1.csv:3 C 3"}, got); d != "" || err != nil || !checks[0].OK {
		t.Errorf("%s %+v %v", d, checks, err)
	}
}

// The names that every row has, and what a caller must keep to itself.
func TestFixedNames(t *testing.T) {
	m := mustParse(t, plain(`{let: {where: '=file + ":" + text(line) + sheet + kind'}, columns: {ref: {from: Ref, type: id}, of: {from: Of, optional: true}, type: {from: Type, optional: true},
		at: {from: At, type: date, format: excel}, sum: {from: Sum, type: money, in: eur}, card: {from: [Card, PAN], sensitive: true, optional: true}},
		emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}, description: =where, metadata: {hash: =sha256(card)}}}]}`), Options{})
	got := importText(t, m, "Ref,Sum,At,Card\nA,1,44620,4242\n")
	if len(got.events) != 1 {
		t.Fatal(got.problems)
	}
	p := got.events[0].Params
	hash, _ := p.Get("metadata.hash")
	if d, _ := p.Get("description"); d != "test.csv:2" || len(hash) != 64 {
		t.Errorf("description %q, hash %q", d, hash)
	}
	if at, _ := p.Get("initiated_at"); at != "1646006400" {
		t.Errorf("1900: %s", at)
	}
	if s := m.Sensitive(); len(s) != 2 || s[0] != "Card" || s[1] != "PAN" {
		t.Errorf("sensitive: %q", s)
	}
	s := m.NewSession()
	defer s.Close()
	s.Date1904(true)
	res, err := s.Row(&table.Row{Pos: table.Pos{File: "x", Line: 2}, Role: table.Body, Header: table.NewColumns([]string{"Ref", "Sum", "At"}), Cells: []string{"A", "1", "44620"}})
	if err != nil || len(res.Events) != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	if at, _ := res.Events[0].Params.Get("initiated_at"); at != "1772323200" {
		t.Errorf("1904: %s", at)
	}
}

// A money value beside a currency of its own must agree with it.
func TestValueBesideCurrency(t *testing.T) {
	m := mustParse(t, plain(`{emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {amount_requested: {value: =sum, currency: =type}, paid_at: =at, reference: =ref, method: {name: T}}}]}`), Options{})
	got := importText(t, m, "Ref,Sum,Ccy,At,Type\nA,1,EUR,2026-01-01,EUR\nB,1,EUR,2026-01-01,usd\nC,1,EUR,2026-01-01,\n")
	if len(got.events) != 1 || got.events[0].Amount.Value != 100 || got.events[0].Amount.Currency != "eur" {
		t.Errorf("%+v", got.events)
	}
	if len(got.problems) != 2 || !strings.Contains(got.problems[0], `bad_currency`) || !strings.Contains(got.problems[1], "missing_field") {
		t.Errorf("%q", got.problems)
	}
}
