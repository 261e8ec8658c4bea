package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
)

const explained1 = `
payrec: mapping/v1
name: explained
params: {method: cpmt_1}
columns:
  ref:    {from: Ref, type: id}
  at:     {from: Date, type: date, format: '%Y-%m-%d', timezone: UTC}
  type:   {from: Type}
  amount: {from: Amount, type: money, in: EUR}
  note:   {from: Note, type: int, optional: true}
  card:   {from: Card, sensitive: true, optional: true}
let:
  gross: =abs(amount)
  masked: =sha256(card)
rows:
  - {is: fee, match: {type: [Fee, Cost*]}, ignore: a fee of the account}
  - {is: refund, match: {type: Sale}, when: amount < 0}
  - {is: payment, match: {type: Sale}}
  - {is: secret, match: {card: '9*'}, hold: decide}
payment: {key: =ref, order: =at, let: {total: =sum(amount)}}
emit:
  - on: payment
    call: report_payment
    id: =ref
    fee: =amount - amount
    set: {amount_requested: =gross, paid_at: =at, reference: =ref, method: {type: =params.method, name: X}, metadata: {all: =total}}
  - on: refund
    call: report_refund
    id: =ref + "-r"
    set: {amount: =gross, refunded_at: =at, reference: =ref}
`

const explainedFile = `Ref,Date,Type,Amount,Note,Card
A,2026-03-01,Sale,10.00,x,4111
A,2026-03-02,Sale,-4.00,,4111

B,2026-03-03,Costs,1.00,,
C,2026-03-04,Gift,1.00,"two
lines",4111
D,2026-03-05,Sale,1.005,,
E,2026-03-06
`

// rowsIn reads a text anew each time it is ranged over.
func rowsIn(t testing.TB, m *Mapping, text string) iter.Seq2[*table.Row, error] {
	return func(yield func(*table.Row, error) bool) {
		r, err := table.NewReader("test.csv", strings.NewReader(text), m.Dialect())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for {
			row, err := r.Next()
			if err == io.EOF || !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func explainLine(t *testing.T, m *Mapping, line int) *Explanation {
	t.Helper()
	e, err := m.Explain(rowsIn(t, m, explainedFile), line)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *Explanation) value(name string) ExplainedValue {
	for _, v := range e.Values {
		if v.Name == name {
			return v
		}
	}
	return ExplainedValue{}
}

func (e *Explanation) rules() string {
	var list []string
	for _, r := range e.Rules {
		list = append(list, fmt.Sprintf("%s %t: %s", r.Class, r.Matched, r.Why))
	}
	return strings.Join(list, "\n")
}

func TestExplainPayment(t *testing.T) {
	m := mustParse(t, explained1, Options{})
	e := explainLine(t, m, 2)
	if e.Place != "test.csv:2" || e.Role != "body" || e.Class != "payment" || e.Fate != "emitted" || e.Payment != "A" || e.Key != "=ref" {
		t.Errorf("%+v", e)
	}
	want := `fee false: type is "Sale", not "Fee" or "Cost*"
refund false: type is "Sale", amount < 0 is false, with amount = 10.00 EUR
payment true: type is "Sale"`
	if e.rules() != want {
		t.Errorf("rules:\n%s\nwant:\n%s", e.rules(), want)
	}
	if v := e.value("gross"); v.Formula != "=abs(amount)" || v.Value != "10.00 EUR" || !v.Needed || v.Kind != "money" {
		t.Errorf("gross is %+v", v)
	}
	if v := e.value("at"); v.From != "Date" || v.Text != "2026-03-01" || v.Value != "2026-03-01T00:00:00Z" || v.Kind != "date" {
		t.Errorf("at is %+v", v)
	}
	if v := e.value("total"); v.Value != "6.00 EUR" {
		t.Errorf("the total over the payment's rows is %+v", v)
	}
	if len(e.Calls) != 1 || e.Calls[0].Call != "report_payment" || e.Calls[0].ID != "A" || len(e.Problems) > 0 {
		t.Fatalf("calls %+v, problems %+v", e.Calls, e.Problems)
	}
	var fields []string
	for _, p := range e.Calls[0].Params {
		fields = append(fields, p.Field+"="+p.Value)
	}
	if got := strings.Join(fields, " "); !strings.Contains(got, "amount_requested.value=1000") || !strings.Contains(got, "metadata.all=6.00") {
		t.Errorf("fields %s", got)
	}
}

// What nothing asks for is read for the explanation only, and its fault is no
// problem of the row.
func TestExplainUnneeded(t *testing.T) {
	m := mustParse(t, explained1, Options{})
	v := explainLine(t, m, 2).value("note")
	if v.Needed || v.Problem == nil || v.Problem.Column != "Note" || v.Problem.Value != "x" {
		t.Errorf("%+v", v)
	}
}

func TestExplainHidesSensitive(t *testing.T) {
	m := mustParse(t, explained1, Options{})
	for _, line := range []int{2, 6} {
		out, err := json.Marshal(explainLine(t, m, line))
		if err != nil {
			t.Fatal(err)
		}
		if s := string(out); strings.Contains(s, "4111") || !strings.Contains(s, hidden) {
			t.Errorf("line %d: %s", line, s)
		}
	}
}

func TestExplainOtherRows(t *testing.T) {
	m := mustParse(t, explained1, Options{})
	for _, c := range []struct {
		line         int
		role, fate   string
		class, about string // code of the first problem, or the reason
	}{
		{1, "header", "", "", ""},
		{3, "body", "emitted", "refund", ""},
		{4, "blank", "", "", ""},
		{5, "body", "ignored", "fee", "a fee of the account"},
		{6, "body", "rejected", "", "no_class"},
		{7, "body", "rejected", "", "no_class"}, // the row's second line
		{8, "body", "rejected", "payment", "too_fine"},
		{9, "body", "rejected", "", "ragged"},
	} {
		e := explainLine(t, m, c.line)
		about := e.Reason
		if len(e.Problems) > 0 {
			about = e.Problems[0].Code
		}
		if e.Role != c.role || e.Fate != c.fate || e.Class != c.class || about != c.about {
			t.Errorf("line %d: %s %q %q %q, want %+v", c.line, e.Role, e.Fate, e.Class, about, c)
		}
		if e.Role == "body" && c.about != "ragged" && len(e.Rules) == 0 {
			t.Errorf("line %d: no rule was tried", c.line)
		}
	}
}

func TestExplainNoSuchLine(t *testing.T) {
	m := mustParse(t, explained1, Options{})
	_, err := m.Explain(rowsIn(t, m, explainedFile), 99)
	var none *NoRowError
	if !errors.As(err, &none) || none.Last != 9 {
		t.Errorf("%v", err)
	}
	_, err = m.Explain(rowsIn(t, m, "Ref,Date\nA,2026-03-01\n"), 2)
	if err == nil || !strings.Contains(err.Error(), `no column "Type", "Amount"`) {
		t.Errorf("a file without the columns: %v", err)
	}
	broken := errors.New("the disk is gone")
	_, err = m.Explain(func(yield func(*table.Row, error) bool) { yield(nil, broken) }, 2)
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// Explained rows come out as imported ones, in every preset's own tests.
func TestExplainAgreesWithImport(t *testing.T) {
	for _, p := range Presets() {
		m, err := Load(p.Name, Options{})
		if err != nil {
			continue // it needs params
		}
		for _, test := range m.tests {
			rows, err := test.table(m)
			if err != nil {
				t.Fatal(err)
			}
			s := m.NewSession()
			all := func(yield func(*table.Row, error) bool) {
				for _, row := range rows {
					if !yield(row, nil) {
						return
					}
				}
			}
			if m.Gathers() {
				for _, row := range rows {
					if err := s.Gather(row); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, row := range rows {
				res, err := s.Row(row)
				if err != nil || res == nil {
					continue
				}
				e, err := m.Explain(all, row.Pos.Line)
				if err != nil {
					t.Fatalf("%s, %s: %v", p.Name, test.name, err)
				}
				if e.Class != res.Class || e.Fate != res.Disposition.String() || len(e.Calls) != len(res.Events) || len(e.Problems) != len(res.Problems) {
					t.Errorf("%s, %s, line %d: explained %s %s with %d calls, imported %s %s with %d", p.Name, test.name, row.Pos.Line, e.Class, e.Fate, len(e.Calls), res.Class, res.Disposition, len(res.Events))
				}
				if n := len(e.Rules); res.Class != "" && (n == 0 || e.Rules[n-1].Class != res.Class || !e.Rules[n-1].Matched) {
					t.Errorf("%s, %s, line %d: the rules say %s, the class is %s", p.Name, test.name, row.Pos.Line, e.rules(), res.Class)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
