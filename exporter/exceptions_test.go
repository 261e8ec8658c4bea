package exporter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/govalues/decimal"

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
		Files: []ImportFile{{"june.csv", strings.Repeat("ab", 32), 1234, ""}}, Calls: []record.Tally{{Call: record.ReportRefund, Currency: "eur", State: record.Confirmed, N: 2, Value: 300}}}
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

// money is an amount in major units.
func money(t *testing.T, text string, c record.Currency) record.Money {
	t.Helper()
	d, err := decimal.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return record.Money{Amount: d, Currency: c}
}

// readRuns are imports whose rows are known: a file that was read twice, one
// whose last column is another currency, one without any total, and an old run.
func readRuns(t *testing.T, called int64) []Import {
	class := func(file, disposition string, n int64, total string, c record.Currency) record.RowClass {
		r := record.RowClass{File: file, Class: "c", Disposition: disposition, N: n}
		if total != "" {
			r.Summed, r.Total = true, money(t, total, c)
		}
		return r
	}
	june := []record.RowClass{
		class("june.csv", record.RowEmitted, 5, "50.00", "eur"), class("june.csv", record.RowHeld, 1, "-7.25", "eur"),
		class("june.csv", record.RowRejected, 2, "3.00", "eur"), class("june.csv", record.RowIgnored, 1, "-45.75", "eur"),
		class("june.csv", record.RowEmitted, 1, "900", "jpy"), class("june.csv", record.RowRejected, 1, "", ""),
	}
	rows := record.Rows{Total: 11, Emitted: 6, Ignored: 1, Held: 1, Rejected: 3}
	read := func(id, again string) Import {
		return Import{ID: id, State: "done", Files: []ImportFile{{"june.csv", "aa", 1, again}},
			Rows: &ImportRows{record.RowAccount{Rows: rows, Lines: map[string]int64{"header": 1}, Classes: june}, map[string]int64{"june.csv": 6}}}
	}
	bare := Import{ID: "run_3", State: "done", Files: []ImportFile{{"bare.csv", "bb", 1, ""}},
		Rows: &ImportRows{record.RowAccount{Rows: record.Rows{Total: 2, Emitted: 2}, Classes: []record.RowClass{class("bare.csv", record.RowEmitted, 2, "", "")}}, map[string]int64{"bare.csv": called}}}
	return []Import{read("run_1", "run_2"), read("run_2", ""), bare, {ID: "run_0", State: "done", Files: []ImportFile{{"old.csv", "cc", 1, ""}}}}
}

// TestFromRowsToCalls: each file is counted once, by currency, and the rows that
// became calls are held against those that the journal has calls of.
func TestFromRowsToCalls(t *testing.T) {
	for called, result := range map[int64]string{2: "agrees", 1: "DIFFERS"} {
		f, _ := open(t, collectAll(t, openJune(), Options{Journal: told{imports: readRuns(t, called)}}), 1000)
		var got, all []string
		for _, row := range rawRows(t, f, "Control") {
			line := strings.Join(row, "|")
			all = append(all, line)
			if strings.HasPrefix(line, "Rows ") || strings.HasPrefix(line, "less: held") || strings.HasPrefix(line, "less: rejected") || strings.HasPrefix(line, "Became") {
				got = append(got, line)
			}
		}
		const held, rejected = "less: held; what is still open is on Exceptions", "less: rejected; what is still open is on Exceptions"
		want := []string{
			"Rows of the files, each file once||EUR|9|0", held + "||EUR|1|-7.25", rejected + "||EUR|2|3", "Became calls||EUR|5|50",
			"Rows of the files, each file once||JPY|1|900", held + "||JPY|0|0", rejected + "||JPY|0|0", "Became calls||JPY|1|900",
			"Rows of the files without a total|||3", held + "|||0", rejected + "|||1", "Became calls|||2",
			"Rows that became calls, all currencies|||8", fmt.Sprintf("Rows that the journal has calls of|||%d|||%s", 6+called, result),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		text := strings.Join(all, "\n")
		for _, line := range []string{"Not kept for 1 of the runs", "   file june.csv|sha256 aa · 1 bytes · read again by run_2", "      its rows|9 · 0.00 EUR", "      its rows|1 · 900 JPY", "      its rows|2",
			"   rows|11 = 6 emitted + 0 attached + 1 ignored + 1 held + 3 rejected; other lines: 1", "   rows|not kept: planned by an older payrec"} {
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
