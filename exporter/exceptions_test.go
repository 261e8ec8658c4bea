package exporter

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/record"
)

// A told journal is a Journal in memory.
type told struct {
	imports    []Import
	totals     []record.Tally
	exceptions []Exception
	err        error
}

func (j told) Imports(context.Context) ([]Import, error)      { return j.imports, nil }
func (j told) Totals(context.Context) ([]record.Tally, error) { return j.totals, nil }
func (j told) Exceptions(context.Context) iter.Seq2[Exception, error] {
	return func(yield func(Exception, error) bool) {
		for _, e := range j.exceptions {
			if !yield(e, nil) {
				return
			}
		}
		if j.err != nil {
			yield(Exception{}, j.err)
		}
	}
}

// openJune has one payment of each way to be an exception, in June or before.
func openJune() *fake {
	june, may := "2026-06-10T00:00:00Z", "2026-05-10T00:00:00Z"
	damaged := simple("pr_damaged", 1, record.StampOp, "a", record.StampGuaranteedAt, june, record.StampFee, "x")
	variance := simple("pr_variance", 1, record.StampOp, "b", record.StampGuaranteedAt, june)
	variance.AmountRefunded.Value = 250
	theirs := simple("pr_theirs", 1780000000)
	theirs.ReportedBy, theirs.AmountRefunded.Value = "stripe", 100
	key, value := record.RefundStamp{Op: "r", Value: 300, Currency: "eur", At: june, Reference: "R1", Row: "f:2"}.Pair()
	short := simple("pr_short", 1, record.StampOp, "c", record.StampGuaranteedAt, june, key, value)
	before := simple("pr_before", 1, record.StampOp, "d", record.StampGuaranteedAt, may)
	return &fake{records: []*record.PaymentRecord{damaged, variance, theirs, short, before, simple("pr_fine", 1, record.StampOp, "e", record.StampGuaranteedAt, june)}}
}

func june() Period {
	return Period{From: time.Date(2026, 5, 20, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}
}

func TestExceptions(t *testing.T) {
	j := told{exceptions: []Exception{
		{Kind: ExceptionHeld, Reason: "=its payment has no record yet", Reference: "R9", Call: record.ReportRefund, Amount: record.Amount{Currency: "jpy", Value: 500}, Run: "run_1", File: "june.csv", Line: 7, Operation: "op9"},
	}}
	d := collectAll(t, openJune(), Options{Period: june(), Journal: j})
	if err := d.AddException(Exception{Kind: ExceptionLeftOut, Reason: "by somebody else"}); err != nil {
		t.Fatal(err)
	}
	f, _ := open(t, d, 1000)
	var got []string
	rows := rawRows(t, f, "Exceptions")
	at := header(rows)
	for _, row := range rows[1:] {
		got = append(got, strings.Join([]string{row[0], cellAt(row, at["Payment record"]), cellAt(row, at["Reference"]), cellAt(row, at["Currency"]), cellAt(row, at["Amount"]), cellAt(row, at["Source line"])}, "|"))
	}
	want := []string{
		"held||R9|JPY|500|7",
		"left out|||||",
		"cannot be used|pr_damaged||EUR|10|",
		"variance|pr_short||EUR|-3|",
		"variance|pr_variance||EUR|2.5|",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if rows := readCSV(t, d.WriteExceptionsCSV); len(rows) != len(want) || rows[0]["reason"] != "'=its payment has no record yet" {
		t.Errorf("CSV: %v", rows)
	}
	// Without any the sheet says so, and whether a journal was asked.
	for _, journal := range []Journal{nil, told{}} {
		f, _ := open(t, collectAll(t, &fake{}, Options{Journal: journal}), 100)
		said := rawRows(t, f, "Exceptions")[1][0]
		if (said == "Nothing is open.") != (journal != nil) {
			t.Errorf("journal %v: %q", journal, said)
		}
	}
	if _, err := Collect(t.Context(), openJune(), Options{Journal: told{err: errors.New("disk")}}); err == nil || err.Error() != "disk" {
		t.Errorf("a journal that fails: %v", err)
	}
}

// TestFromFilesToWorkbook: what the journal says was reported is held against
// the account, and the account against the workbook.
func TestFromFilesToWorkbook(t *testing.T) {
	tally := func(state record.State, n, value int64) record.Tally {
		return record.Tally{Call: record.ReportPayment, Currency: "eur", State: state, N: n, Value: value}
	}
	run := Import{ID: "run_1", State: "done", Created: time.Date(2026, 7, 2, 22, 30, 0, 0, time.UTC), Mapping: "adyen", MappingHash: "abc123",
		Files: []ImportFile{{"june.csv", strings.Repeat("ab", 32), 1234}}, Calls: []record.Tally{{Call: record.ReportRefund, Currency: "eur", State: record.Confirmed, N: 2, Value: 300}}}
	for confirmed, result := range map[int64]string{5: "agrees", 6: "DIFFERS"} {
		j := told{imports: []Import{run}, totals: []record.Tally{tally(record.Confirmed, confirmed, confirmed*1000), tally(record.Rejected, 2, 700), {Call: record.ReportRefund, Currency: "eur", State: record.Confirmed, N: 9, Value: 9}}}
		p := june()
		p.Zone = berlin(t)
		f, _ := open(t, collectAll(t, openJune(), Options{Period: p, Journal: j}), 1000)
		lines := map[string]string{}
		var all []string
		for _, row := range rawRows(t, f, "Control") {
			if cellAt(row, conCurrency) == "EUR" {
				lines[row[0]] = strings.Join([]string{cellAt(row, conLeft), cellAt(row, conRight), cellAt(row, conResult)}, "|")
			}
			all = append(all, strings.Join(row, "|"))
		}
		for name, want := range map[string]string{
			"Planned from rows of the files, by the journal": map[int64]string{5: "7|57|", 6: "8|67|"}[confirmed],
			"less: not reported, see sheet Exceptions":       "2|7|",
			"Reported by payrec, at Stripe":                  "5|50|" + result,
			"less: outside the period":                       "1|10|",
			"plus: of another origin, in the period":         "1|10|",
			inWorkbook:                                       "5|50|agrees",
		} {
			if lines[name] != want {
				t.Errorf("%s: %s, want %s", name, lines[name], want)
			}
		}
		text := strings.Join(all, "\n")
		verdict := map[string]string{"agrees": "All figures below agree.", "DIFFERS": "1 of the figures below differ."}[result]
		for _, line := range []string{verdict, "run_1|done, planned 2026-07-03 00:30 Europe/Berlin", "   mapping|adyen · sha256 abc123", "   file june.csv|sha256 " + strings.Repeat("ab", 32) + " · 1234 bytes", "   report_refund, confirmed|2 · 3.00 EUR"} {
			if !strings.Contains(text, line) {
				t.Errorf("%q is not on the sheet:\n%s", line, text)
			}
		}
	}
}

// TestOpenPaymentsByReportedDate: the account is read in part only, so what is
// open is not known, and the sheets say so instead of showing less.
func TestOpenPaymentsByReportedDate(t *testing.T) {
	p := june()
	p.By = ByReported
	f, _ := open(t, collectAll(t, openJune(), Options{Period: p, Journal: told{totals: []record.Tally{{Call: record.ReportPayment, Currency: "eur", State: record.Confirmed, N: 9, Value: 9}}}}), 1000)
	var text []string
	for _, sheet := range []string{"Summary", "Control"} {
		for _, row := range rawRows(t, f, sheet) {
			text = append(text, strings.Join(row, "|"))
		}
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{"Open payments are not shown", "Reported by payrec, as far as the account was read", "not compared"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not there:\n%s", want, all)
		}
	}
	if strings.Contains(all, "DIFFERS") {
		t.Error(all)
	}
}
