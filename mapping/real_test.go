package mapping

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// realFile is a genuine settlement file, which stands outside the repository.
func realFile(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "real", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not here: genuine files are not part of the repository", name)
	}
	return path
}

// summary is a whole import, added up.
type summary struct {
	rows     int
	classes  map[string]int
	by       map[Disposition]int
	calls    map[record.CallName]int
	sums     map[string]int64 // "report_payment usd"
	events   []Event
	problems []string
	checks   []CheckResult
}

func (s *summary) failed() []CheckResult {
	var out []CheckResult
	for _, c := range s.checks {
		if !c.OK {
			out = append(out, c)
		}
	}
	return out
}

// importAll runs an import over readers of the same data, one per pass.
func importAll(t testing.TB, m *Mapping, open func() *table.Reader) *summary {
	t.Helper()
	s := m.NewSession()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	each := func(f func(*table.Row) error) {
		r := open()
		defer r.Close()
		for {
			row, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := f(row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if m.Gathers() {
		each(s.Gather)
	}
	out := &summary{classes: map[string]int{}, by: map[Disposition]int{}, calls: map[record.CallName]int{}, sums: map[string]int64{}}
	each(func(row *table.Row) error {
		res, err := s.Row(row)
		if err != nil || res == nil {
			return err
		}
		out.rows++
		out.classes[res.Class]++
		out.by[res.Disposition]++
		for _, e := range res.Events {
			out.calls[e.Call]++
			out.sums[fmt.Sprintf("%s %s", e.Call, e.Amount.Currency)] += e.Amount.Value
			out.events = append(out.events, e)
		}
		for i := range res.Problems {
			out.problems = append(out.problems, fmt.Sprintf("%s %s %q: %s", res.Pos, res.Problems[i].Code, res.Problems[i].Value, res.Problems[i].Error()))
		}
		return nil
	})
	var err error
	if out.checks, err = s.Finish(); err != nil {
		t.Fatal(err)
	}
	return out
}

func mustLoad(t testing.TB, ref string, params map[string]string) *Mapping {
	t.Helper()
	m, err := Load(ref, Options{Params: params})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func importFile(t testing.TB, m *Mapping, path string) *summary {
	return importAll(t, m, func() *table.Reader {
		r, err := table.Open(path, m.Dialect())
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
}

func importText(t testing.TB, m *Mapping, text string) *summary {
	return importAll(t, m, func() *table.Reader {
		r, err := table.NewReader("test.csv", strings.NewReader(text), m.Dialect())
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
}

// The facts of batch 380 were recomputed from the file by hand.
func TestAdyenBatch380(t *testing.T) {
	path := realFile(t, "adyen/oca_settlement_detail_report_batch_380.csv")
	m := mustLoad(t, "adyen-settlement-detail", nil)
	got := importFile(t, m, path)
	want := map[string]int{"payment": 220, "refund": 6, "fee": 1, "payout": 1}
	if fmt.Sprint(got.classes) != fmt.Sprint(want) || got.rows != 228 {
		t.Errorf("%d rows, classes %v, want %v", got.rows, got.classes, want)
	}
	if got.sums["report_payment usd"] != 5682775 || got.sums["report_refund usd"] != 109195 {
		t.Errorf("sums %v, want 56,827.75 paid and 1,091.95 refunded", got.sums)
	}
	if f := got.failed(); len(f) > 0 || len(got.problems) > 0 {
		t.Errorf("failing checks %v, problems %v", f, got.problems)
	}
	if len(got.checks) != 2 || got.checks[0].Msg != "1 group" {
		t.Errorf("checks %+v", got.checks)
	}
	for _, e := range got.events {
		if gross := e.Amount.Money(); e.Call == record.ReportPayment {
			sum, err := e.Fee.Add(*e.Net)
			if err != nil || sum != gross && sum.Amount.Cmp(gross.Amount) != 0 {
				t.Fatalf("%s: fee %s and net %s are not %s: %v", e.Pos, e.Fee, e.Net, gross, err)
			}
		}
	}
}

func TestAdyenOneCentMissing(t *testing.T) {
	data, err := os.ReadFile(realFile(t, "adyen/oca_settlement_detail_report_batch_380.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("55308.07")) {
		t.Fatal("the payout is not in the file")
	}
	text := strings.Replace(string(data), "55308.07", "55308.06", 1)
	failed := importText(t, mustLoad(t, "adyen-settlement-detail", nil), text).failed()
	if len(failed) != 1 || failed[0].Severity != "stop" || failed[0].Group != "380" || failed[0].Msg != "sum(net) = 0.01 USD" {
		t.Errorf("failing checks %+v", failed)
	}
}

func TestAdyenOtherFiles(t *testing.T) {
	m := mustLoad(t, "adyen-settlement-detail", nil)
	// A payment whose fees exceed it has a net debit, and an empty net credit.
	got := importFile(t, m, realFile(t, "adyen/smashpig_settlement_detail_report_emptynetcredit.csv"))
	if got.rows != 1 || got.classes["payment"] != 1 || got.sums["report_payment inr"] != 1000 {
		t.Errorf("%d rows, classes %v, sums %v, problems %v", got.rows, got.classes, got.sums, got.problems)
	}
	// A payout with no gross amount, and a currency in its gross currency.
	got = importFile(t, m, realFile(t, "adyen/smashpig_settlement_detail_report_refund.csv"))
	if got.classes["refund"] != 1 || got.classes["fee"] != 1 || got.classes["payout"] != 1 || got.sums["report_refund usd"] != 100 {
		t.Errorf("classes %v, sums %v, problems %v", got.classes, got.sums, got.problems)
	}
}

func TestPayPalReal(t *testing.T) {
	m := mustLoad(t, "paypal-settlement", nil)
	got := importFile(t, m, realFile(t, "paypal/smashpig_stl.csv"))
	if got.rows != 5 || got.classes["payment"] != 3 || got.classes["refund"] != 1 || got.classes["withdrawal"] != 1 {
		t.Errorf("classes %v, problems %v", got.classes, got.problems)
	}
	if got.sums["report_payment aud"] != 5735 || got.sums["report_payment gbp"] != 834 || got.sums["report_refund gbp"] != 134 {
		t.Errorf("sums %v", got.sums)
	}
	for _, c := range got.failed() {
		if c.Severity == "stop" {
			t.Errorf("the credits of this file agree with its footers, but %+v", c)
		}
	}
	got = importFile(t, m, realFile(t, "paypal/smashpig_stl_currency_convert.csv"))
	if got.rows != 3 || got.by[Attached] != 2 || got.sums["report_payment brl"] != 2200 {
		t.Errorf("dispositions %v, sums %v, problems %v", got.by, got.sums, got.problems)
	}
}

// The workbook's references are numbers of 16 digits, of which a spreadsheet
// keeps 15: 19 payments share 3 references. Nothing of it may be sent.
func TestAdyenWorkbook(t *testing.T) {
	path := realFile(t, "adyen/oca_adyen_test.xlsx")
	m := mustParse(t, "extends: preset:adyen-settlement-detail\nname: workbook\ninput: {format: xlsx}\n", Options{})
	got := importFile(t, m, path)
	if len(got.events) > 0 || got.by[Rejected] < 19 {
		t.Errorf("classes %v, dispositions %v", got.classes, got.by)
	}
	spoiled := 0
	for _, p := range got.problems {
		if strings.Contains(p, "spoiled_id") {
			spoiled++
		}
	}
	if spoiled < 19 {
		t.Errorf("%d spoiled references, want at least 19:\n%s", spoiled, strings.Join(got.problems, "\n"))
	}
}
