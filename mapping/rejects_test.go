package mapping

import (
	"bytes"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
)

// leftOver writes rows of a file as payrec's own held and rejects files have
// them: guarded, with the line and the reason in front.
func leftOver(t *testing.T, m *Mapping, text string, keep func(cells []string) bool) string {
	t.Helper()
	r, err := table.NewReader("whole.csv", strings.NewReader(text), m.Dialect())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b bytes.Buffer
	w := table.NewWriter(&b, table.Dialect{})
	for {
		row, err := r.Next()
		if err != nil {
			break
		}
		front := []string{"payrec_line", "payrec_message"}
		if row.Role == table.Body {
			front = []string{row.Pos.String(), "=held; decide"}
			if !keep(row.Cells) {
				continue
			}
		}
		cells := append(front, row.Cells...)
		for i := range cells {
			cells[i] = table.Guard(cells[i])
		}
		if err := w.Write(cells); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const adyenHeld = `Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Payment Method Variant,Modification Merchant Reference,Batch Number
Co,Shop,8816178914079738,O-1,mc,2026-02-18 16:10:51,PST,Settled,8816178914079738,USD,,10.00,1,USD,,9.76,,0.10,0.05,0.09,mc,,2
Co,Shop,8816178914079739,O-2,mc,2026-02-18 16:10:51,PST,Chargeback,8816178914079740,USD,5.00,,1,USD,5.00,,,,,,mc,,2
Co,Shop,,,,2026-02-20 16:10:51,PST,MerchantPayout,,,,,,USD,4.76,,,,,,,,2
`

// A held row that a person has decided on is imported again by itself: it is
// no longer a whole batch, and the batch's checks do not stop it.
func TestHeldFileAgain(t *testing.T) {
	m := mustLoad(t, "adyen-settlement-detail", map[string]string{"payment_method_type": "cpmt_1"})
	whole := importText(t, m, adyenHeld)
	if len(whole.failed()) > 0 || whole.by[Held] != 1 || whole.by[Emitted] != 1 {
		t.Fatalf("%v %v %v", whole.by, whole.checks, whole.problems)
	}
	held := leftOver(t, m, adyenHeld, func(cells []string) bool { return cells[7] == "Chargeback" })
	m = mustLoad(t, "adyen-settlement-detail", map[string]string{"payment_method_type": "cpmt_1", "chargebacks": "refund"})
	again := importText(t, m, held)
	if len(again.failed()) > 0 || len(again.events) != 1 || again.events[0].ID != "8816178914079740" {
		t.Errorf("%v %v %v", again.events, again.checks, again.problems)
	}
	for _, c := range again.checks {
		if !c.OK || !c.Skipped || !strings.Contains(c.Msg, "does not apply: 1 row left over") {
			t.Errorf("%+v", c)
		}
	}
}

// Beside a whole file the whole file is still checked.
func TestHeldFileBesideAWholeOne(t *testing.T) {
	m := mustParse(t, plain("{checks: [{name: sum, that: sum(sum) == 3}]}"), Options{})
	s := m.NewSession()
	defer s.Close()
	for _, f := range []struct{ name, text string }{
		{"left.csv", "payrec_line,payrec_message,Ref,Sum,At\nx.csv:9,why,Z,100,2026-01-01\n"},
		{"a.csv", "Ref,Sum,At\nA,1,2026-01-01\nB,2,2026-01-01\n"},
	} {
		rows, err := (&inlineTest{file: f.name, lines: strings.Split(strings.TrimSuffix(f.text, "\n"), "\n")}).table(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if _, err := s.Row(row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if checks, err := s.Finish(); err != nil || len(checks) != 1 || !checks[0].OK || checks[0].Skipped {
		t.Errorf("%+v %v", checks, err)
	}
}

// What adds up over rows cannot be had from some of them; the latest of a
// refund can.
func TestLeftOverRowsAreNoWhole(t *testing.T) {
	const file = "payrec_line,payrec_message,Ref,Of,Sum,At,Type\nx.csv:9,why,L1,A,100,2026-01-01,\n"
	for _, src := range []string{orders(""), plain("{payment: {key: =ref, let: {n: =count()}}}")} {
		m := mustParse(t, src, Options{})
		r, err := table.NewReader("left.csv", strings.NewReader(file), m.Dialect())
		if err != nil {
			t.Fatal(err)
		}
		row, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		s := m.NewSession()
		if err := s.Gather(row); err == nil || !strings.Contains(err.Error(), "left.csv:1: this is a file of left-over rows, but the mapping needs all rows of a payment") {
			t.Errorf("got %v", err)
		}
		s.Close()
		r.Close()
	}
	if got := importText(t, mustParse(t, plain(latestByRef), Options{}), file); len(got.events) != 1 || len(got.failed()) > 0 {
		t.Errorf("%v %+v", got.events, got.checks)
	}
}

// What the whole file stated is missing in its left-over rows; the message says
// so, and not that the mapping is wrong.
func TestLeftOverRowsLackContext(t *testing.T) {
	m := mustParse(t, stating("header: {find: [Ref, Sum]}, context: {x: {right_of: Account}}"), Options{})
	got := importText(t, m, "payrec_line,payrec_message,Ref,Sum,At\nx.csv:9,why,A,1,2026-01-01\n")
	if len(got.problems) != 1 || !strings.Contains(got.problems[0], "a file of left-over rows lacks it: mend the original file") {
		t.Errorf("%v", got.problems)
	}
}
