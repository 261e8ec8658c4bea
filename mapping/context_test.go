package mapping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stating is a mapping whose payments carry the context x as description.
func stating(input string) string {
	return plain(`{input: {timezone: UTC, ` + input + `}, columns: {ref: {from: Ref, type: id}, of: {from: Of, optional: true}, type: {from: Type, optional: true},
		at: {from: At, type: date, format: '%Y-%m-%d'}, sum: {from: Sum, type: money, in: EUR, default: 0}},
		rows: [{is: note, match: {ref: ''}, ignore: x}, {is: refund, match: {type: refund}}, {is: payment}],
		emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}, description: =x}}]}`)
}

func TestContext(t *testing.T) {
	const find = "header: {find: [Ref, Sum]}, "
	for _, tt := range []struct {
		name, input, file string
		want              string // descriptions; "!" and a code for a rejected row
	}{
		{"right of a label, blanks and a colon between", find + "context: {x: {right_of: [Konto, Account no]}}", "title\nAccount  No: ,, 77\nRef,Sum,At\nA,1,2026-01-01\n", "77"},
		{"a label without a text to its right", find + "context: {x: {right_of: Account}}", "Account,\nRef,Sum,At\nA,1,2026-01-01\n", "!empty_value"},
		{"below a label", find + "context: {x: {below: Account}}", "Name,Account\nAda,77\nRef,Sum,At\nA,1,2026-01-01\n", "77"},
		{"below a label, in a row too short for it", find + "context: {x: {below: Account}}", "Name,Account\nAda\n5,78\nRef,Sum,At\nA,1,2026-01-01\n", "!empty_value"},
		{"a cell of a line", find + "context: {x: {from: 2, row: 1}}", "Name,77\nRef,Sum,At\nA,1,2026-01-01\n", "77"},
		{"a part of a line", find + "context: {x: {line: 'from (\\d+), to'}}", "from 77, to 78\nRef,Sum,At\nA,1,2026-01-01\n", "77"},
		{"the whole match where there is no group", find + "context: {x: {line: '\\d\\d'}}", "from 77\nRef,Sum,At\nA,1,2026-01-01\n", "77"},
		{"the file's name", "context: {x: {file: '^(.*)\\.csv$'}}", "Ref,Sum,At\nA,1,2026-01-01\n", "test"},
		{"another file's name", "context: {x: {file: 'batch(.*)'}}", "Ref,Sum,At\nA,1,2026-01-01\n", "!empty_value"},
		{"optional", "context: {x: {file: 'batch(.*)', optional: true}}", "Ref,Sum,At\nA,1,2026-01-01\n", ""},
		{"a default", "context: {x: {file: 'batch(.*)', default: none}}", "Ref,Sum,At\nA,1,2026-01-01\n", "none"},
		{"not asked for, not missed", "context: {y: {file: 'batch(.*)'}, x: {file: t}}", "Ref,Sum,At\nA,1,2026-01-01\n", "t"},
		{"the first row below each header", "context: {x: {from: Type, row: first}}", "Ref,Sum,At,Type\n,,,n\nA,1,2026-01-01,\nB,1,2026-01-01,q\nRef,Sum,At,Type\n,,,s\nC,1,2026-01-01,\n", "n,n,s"},
		{"rows that match, the latest", "context: {x: {from: Type, match: {Ref: '', Sum: ['0*']}}}", "Ref,Sum,At,Type\n,1,,no\n,0,,n\nA,1,2026-01-01,\n,0.0,,s\nB,1,2026-01-01,\n", "n,s"},
		{"headings between rows", "headings: ['Shop *'], context: {x: {line: 'Shop (.*)'}}", "Ref,Sum,At\nShop N,,\nA,1,2026-01-01\nB,1,2026-01-01\nShop S\nC,1,2026-01-01\n", "N,N,S"},
		{"a record of another kind, typed", "records: {header: H, body: [D], context: {C: {x: {from: 2, extract: '(\\d+)'}}}}", "C,no 5\nH,Ref,Sum,At\nD,A,1,2026-01-01\n", "5"},
		{"a record whose kind is empty", "records: {column: 2, header: Sum, body: ['*'], context: {'': {x: 1}}}", "Ref,Sum,At\nnote,,\nA,1,2026-01-01\n", "note"},
		{"a table of another kind, whose columns move", "tables: {c: {find: [Shop], context: {x: Shop}}, b: {find: [Ref, Sum]}}", "No,Shop\n1,N\nRef,Sum,At\nA,1,2026-01-01\nShop,No\nS,2\nSum,Ref,At\n1,B,2026-01-01\n", "N,S"},
		{"both totals and context", "tables: {c: {find: [Shop], totals: {n: No}, context: {x: Shop}}, b: {find: [Ref, Sum]}}", "No,Shop\n1,N\nRef,Sum,At\nA,1,2026-01-01\n", "N"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := importText(t, mustParse(t, stating(tt.input), Options{}), tt.file)
			var texts []string
			for _, e := range got.events {
				d, _ := e.Params.Get("description")
				texts = append(texts, d)
			}
			for _, p := range got.problems {
				texts = append(texts, "!"+strings.Fields(p)[1])
			}
			if s := strings.Join(texts, ","); s != tt.want {
				t.Errorf("got %s, want %s: %v", s, tt.want, got.problems)
			}
		})
	}
}

// A value of one file is none of the next.
func TestContextEndsWithTheFile(t *testing.T) {
	m := mustParse(t, stating("header: {find: [Ref, Sum]}, context: {x: {right_of: Account}}"), Options{})
	s := m.NewSession()
	defer s.Close()
	for name, text := range map[string]string{"a.csv": "Account,1\nRef,Sum,At\nA,1,2026-01-01\n", "b.csv": "Accounts,1\nRef,Sum,At\nB,1,2026-01-01\n"} {
		rows, err := (&inlineTest{file: name, lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}).table(m)
		if err != nil {
			t.Fatal(err)
		}
		var last *Result
		for _, row := range rows {
			if res, err := s.Row(row); err != nil {
				t.Fatal(err)
			} else if res != nil {
				last = res
			}
		}
		if stated := name == "a.csv"; stated != (last.Disposition == Emitted) {
			t.Errorf("%s: %+v", name, last)
		} else if !stated && !last.Problems[0].Fatal {
			t.Errorf("what a file should state and does not is fatal: %+v", last.Problems)
		}
	}
}

func TestContextFaults(t *testing.T) {
	for input, want := range map[string]string{
		"context: {x: 3}":                                                             `the context "x" says not where it stands`,
		"context: {x: {type: id}}":                                                    `the context "x" names 0 sources; it has one`,
		"context: {x: {file: a, line: b}}":                                            `the context "x" names 2 sources; it has one`,
		"context: {x: {from: A}}":                                                     `the context "x" says not in which row it stands`,
		"context: {x: {from: A, row: 2}}":                                             "must be a number from 1 to 16384",
		"context: {x: {file: a, row: first}}":                                         "row says which row, but not which cell of it",
		"context: {x: {file: '('}}":                                                   "not a regular expression",
		"context: {x: {file: a}, ref: {file: a}}":                                     `"ref" is already the name of a value`,
		"context: {x: {file: a, where: b}}":                                           `context "x" has no key "where"`,
		"tables: {a: {find: [A], ignore: x}}":                                         "no table is the body",
		"tables: {a: {find: [A], end: row}}":                                          "must be one of header, blank",
		"tables: {a: {totals: {n: N}}, b: {find: [A]}}":                               `the table "a" says not by which names its header is found`,
		"tables: {a: {find: [A]}}, header: {row: 1}":                                  "where input has tables, each has its own header",
		"tables: {a: {find: [A], totals: {n: N}, ignore: x}, b: {find: [B]}}":         "is not ignored",
		"tables: {a: {find: [A], totals: {n: {at: N, type: money}}}, b: {find: [B]}}": `the total "n" is money without a currency`,
	} {
		_, err := Parse("x", []byte(stating(input)), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v\nwant %s", input, err, want)
		}
	}
}

// Totals of a table are found by their headers, wherever these stand.
func TestTableTotals(t *testing.T) {
	m := mustParse(t, strings.Replace(stating("strip: ['`'], context: {x: {file: t}}, tables: {s: {find: [Shop, Sum of all], totals: {key: Shop, sum: {at: Sum of all, type: money, in: Cur}, n: Rows}}, b: {find: [Ref, Sum]}}"),
		"emit:", "checks: [{name: sums, per: =type, that: 'sum(sum) == total(\"s\", \"sum\") && count() == total(\"s\", \"n\")'}]\nemit:", 1), Options{})
	got := importText(t, m, "Ref,Type,Sum,At\n`A,`n,`1.5,`2026-01-01\n`B,n,`2,2026-01-01\n`C,s,1,2026-01-01\nRows,Cur,Sum of all,Shop\n`2,`EUR,`3.50,`n\nShop,Rows,Sum of all,Cur\ns,1,2,EUR\n")
	want := []string{`s sum(sum) = 1.00 EUR, count() = 1, total("s", "n") = 1, total("s", "sum") = 2.00 EUR`}
	var failed []string
	for _, c := range got.failed() {
		failed = append(failed, c.Group+" "+c.Msg)
	}
	if d := cmp.Diff(want, failed); d != "" || len(got.events) != 3 {
		t.Errorf("%s%v", d, got.problems)
	}
	if _, err := m.run(nil, nil); err != nil {
		t.Error(err)
	}
}

// Records of two widths without a header; a test may name file and context.
func TestLayouts(t *testing.T) {
	m := mustParse(t, plain(`{input: {timezone: UTC, records: {body: {T: [kind, Ref, Sum, At], R: [kind, Ref, Of, Sum, At, Type]}, totals: {L: {n: 2}}, ignore: [H]}, context: {file_no: {file: '(\d+)'}}},
		emit: [{on: payment, call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}, description: =file_no}},
		{on: refund, call: report_refund, id: =ref, set: {amount: =sum, refunded_at: =at, reference: =ref}}],
		checks: [{name: rows, that: 'count() == total("L", "n")'}],
		tests: [{name: lines, file: f-12.csv, lines: ['H,x', 'T,A,5,2026-01-01', 'R,B,A,2,2026-01-02,refund', 'T,C,1,2026-01-01', 'L,3'], fails: [],
			expect: [{call: report_payment, id: A, description: '12'}, {call: report_refund, id: B, payment: A}, {call: report_payment, id: C}]},
			{name: rows, context: {file_no: 13}, rows: [{Ref: A, Sum: '1', At: '2026-01-01'}], expect: [{call: report_payment, description: '13'}]}]}`), Options{})
	for _, r := range m.Test() {
		if !r.OK {
			t.Errorf("%s: %v", r.Name, r.Failures)
		}
	}
}
