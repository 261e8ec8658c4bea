package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/table"
)

// orders is a mapping in which the lines of an order are one payment, and the
// lines of one return are one refund.
func orders(parts string) string {
	return plain(`{rows: [{is: line, match: {type: ''}}, {is: return line, match: {type: return}}, {is: fee, match: {type: fee}, ignore: a fee}],
		payment: {key: =of, let: {parts: =count()}},
		emit: [
		{on: line, per: payment, let: {paid: =sum(sum), first_at: =min(at)}, when: paid != 0, call: report_payment, id: =of,
			set: {amount_requested: =paid, paid_at: =first_at, reference: =of, method: {name: T}, metadata: {parts: =parts, first: =ref}}},
		{on: return line, per: =ref, let: {paid: =sum(sum)}, call: report_refund, id: =ref, set: {amount: =-paid, refunded_at: =at, reference: =ref}}]` + parts + `}`)
}

func TestSharedCalls(t *testing.T) {
	const header = "Ref,Of,Sum,At,Type\n"
	for _, tt := range []struct {
		name, file string
		want       []string
		problems   []string
		fates      string // emitted, attached, ignored, rejected
	}{
		{"rows of an order far apart, two returns of it",
			"L1,A,10,2026-01-03,\nL1,B,1,2026-01-01,\nF,,9,2026-01-01,fee\nL2,A,2.5,2026-01-02,\nR1,A,-1,2026-01-04,return\nR2,A,-4,2026-01-05,return\nR1,A,-2,2026-01-06,return\n",
			[]string{"report_payment A of A amount_requested.value=1250 metadata.first=L1 metadata.parts=5", "report_payment B of B amount_requested.value=100 metadata.first=L1 metadata.parts=1",
				"report_refund R1 of A amount.value=300", "report_refund R2 of A amount.value=400"}, nil, "4 2 1 0"},
		{"the same return number in two orders is two returns", "L,A,9,2026-01-01,\nL,B,9,2026-01-01,\nR,A,-1,2026-01-01,return\nR,B,-2,2026-01-01,return\n",
			[]string{"report_payment A of A amount_requested.value=900 metadata.first=L metadata.parts=2", "report_payment B of B amount_requested.value=900 metadata.first=L metadata.parts=2",
				"report_refund R of A amount.value=100", "report_refund R of B amount.value=200"}, nil, "4 0 0 0"},
		{"what the rows share decides for all of them", "L1,A,10,2026-01-03,\nL2,A,-10,2026-01-02,\n", nil, nil, "0 0 2 0"},
		{"one bad row spoils its order and no other", "L1,A,10,2026-01-03,\nL2,A,x,2026-01-02,\nL3,A,1,2026-01-01,\nL1,B,1,2026-01-01,\n",
			[]string{"report_payment B of B amount_requested.value=100 metadata.first=L1 metadata.parts=1"},
			[]string{"test.csv:2 shared_call", "test.csv:3 shared_call", "test.csv:4 shared_call"}, "1 0 0 3"},
		{"a call that cannot be made takes its rows along", "L1,A,-10,2026-01-03,\nL2,A,1,2026-01-01,\n",
			nil, []string{"test.csv:2 invalid_field", "test.csv:3 shared_call"}, "0 0 0 2"},
		{"a row of an order that nobody can name", "L1,A,10,2026-01-03,\nL2,,1,2026-01-01,\n",
			[]string{"report_payment A of A amount_requested.value=1000 metadata.first=L1 metadata.parts=1"}, []string{"test.csv:3 empty_value"}, "1 0 0 1"},
		{"a row that no rule knows may be of any order", "L1,A,10,2026-01-03,\nL2,A,1,2026-01-01,what\n",
			nil, []string{"test.csv:2 shared_call", "test.csv:3 no_class"}, "0 0 0 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := importText(t, mustParse(t, orders(""), Options{}), header+tt.file)
			if d := cmp.Diff(tt.want, events(got)); d != "" {
				t.Errorf("calls (-want +got):\n%s", d)
			}
			var problems []string
			for _, p := range got.problems {
				f := strings.Fields(p)
				problems = append(problems, f[0]+" "+f[1])
			}
			if d := cmp.Diff(tt.problems, problems); d != "" {
				t.Errorf("problems (-want +got):\n%s\n%s", d, strings.Join(got.problems, "\n"))
			}
			if fates := fmt.Sprint(got.by[Emitted], got.by[Attached], got.by[Ignored], got.by[Rejected]); fates != tt.fates {
				t.Errorf("emitted, attached, ignored, rejected: %s, want %s", fates, tt.fates)
			}
		})
	}
}

// Whatever the order of rows, every order's call has the sum of its lines, and
// is made exactly once.
func TestSharedCallsProperty(t *testing.T) {
	m := mustParse(t, orders(""), Options{})
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(rt, "rows")
		var b strings.Builder
		b.WriteString("Ref,Of,Sum,At,Type\n")
		sums := map[string]int64{}
		for i := range n {
			order := rapid.SampledFrom([]string{"A", "B", "C", "D"}).Draw(rt, "order")
			cents := rapid.Int64Range(1, 99999).Draw(rt, "cents")
			sums[order] += cents
			fmt.Fprintf(&b, "L%d,%s,%d.%02d,2026-01-01,\n", i, order, cents/100, cents%100)
		}
		got := importText(t, m, b.String())
		if got.by[Emitted] != len(sums) || got.by[Attached] != n-len(sums) {
			rt.Fatalf("%v for %d orders of %d rows", got.by, len(sums), n)
		}
		for _, e := range got.events {
			if e.Amount.Value != sums[e.ID] {
				rt.Fatalf("%s: %d, want %d", e.ID, e.Amount.Value, sums[e.ID])
			}
			delete(sums, e.ID)
		}
		if len(sums) > 0 {
			rt.Fatalf("no call for %v", sums)
		}
	})
}

func TestSharedCallFaults(t *testing.T) {
	emit := func(s string) string {
		return plain(`{emit: [{on: [payment, refund], call: report_payment, id: =ref, ` + s + `, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}}}]}`)
	}
	for text, want := range map[string]string{
		emit("per: order"):                       `per says which rows share one call, not "order"; say per: payment, or per: =reference`,
		emit("let: {x: =sum(sum)}"):              "values over several rows need to know which rows",
		emit("per: payment, when: sum > 0"):      `cannot look at one row's "sum"; compute it over the rows first`,
		emit("per: payment, let: {x: =sum}"):     "",
		emit("per: payment, let: {sum: =1}"):     `"sum" is already the name of a value`,
		emit("per: =nothing"):                    "nothing",
		emit("per: payment, let: {x: sum(sum)}"): "must be an expression, which begins with =",
	} {
		_, err := Parse("x", []byte(text), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	// The names of one emit are no other's.
	two := strings.Replace(orders(""), "amount: '=-paid'", "amount: '=-first_at'", 1)
	if _, err := Parse("x", []byte(two), Options{}); err == nil || !strings.Contains(err.Error(), "first_at") {
		t.Errorf("got %v", err)
	}
}

// One file named twice, or copied under another name, would double every sum.
func TestCopiesOfAFile(t *testing.T) {
	const a, b = "Ref,Of,Sum,At,Type\nL1,A,1,2026-01-01,\n", "Ref,Of,Sum,At,Type\nL2,A,1,2026-01-01,\n"
	for _, tt := range []struct {
		files [][2]string
		want  string
	}{
		{[][2]string{{"a.csv", a}, {"b.csv", b}}, ""},
		{[][2]string{{"a.csv", a}, {"b.csv", b}, {"c.csv", strings.ReplaceAll(a, "L1", `"L1"`)}}, `c.csv: has the same rows as "a.csv"`},
		{[][2]string{{"a.csv", a}, {"a.csv", a}}, `a.csv: has the same rows as "a.csv"`},
		{[][2]string{{"a.csv", a}, {"x.csv", "Ref,Of,Sum,At,Type\n"}, {"y.csv", "Ref,Of,Sum,At,Type\n"}}, ""},
	} {
		m := mustParse(t, orders(""), Options{})
		s := m.NewSession()
		var all []*table.Row
		for _, f := range tt.files {
			rows, err := (&inlineTest{file: f[0], lines: strings.Split(strings.TrimSuffix(f[1], "\n"), "\n")}).table(m)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, rows...)
		}
		var failed error
		for _, do := range []func(*table.Row) error{s.Gather, func(row *table.Row) error { _, err := s.Row(row); return err }} {
			for _, row := range all {
				if failed == nil {
					failed = do(row)
				}
			}
		}
		if got := fmt.Sprint(failed); tt.want == "" && failed != nil || tt.want != "" && !strings.HasPrefix(got, tt.want) {
			t.Errorf("got %v, want %s", failed, tt.want)
		}
		s.Close()
	}
}
