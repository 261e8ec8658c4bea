package report_test

import (
	"errors"
	"flag"
	"fmt"

	"maps"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/payrec/payrec/exporter"
	"github.com/payrec/payrec/exporter/report"
	"github.com/payrec/payrec/record"
)

// update is whether golden files are rewritten: the flag is that of the package's own tests.
func update() bool { return flag.Lookup("update").Value.String() == "true" }

// layoutParams are what each layout cannot do without.
var layoutParams = map[string]map[string]string{
	"xero-bank":          {},
	"quickbooks-bank":    {},
	"quickbooks-journal": {"clearing": "Bank:PSP clearing", "income": "Sales", "fees": "Bank charges:Processors"},
	"netsuite-journal":   {"clearing": "1050 PSP clearing", "income": "4000 Sales", "fees": "6100 Bank charges"},
	"datev":              {"advisor": "29098", "client": "55003", "fiscal_year": "20260101", "clearing": "1360", "income": "8400", "fees": "4970"},
	"stripe-itemized":    {},
}

// layoutFiles are the names that the tests' files are written under.
func outputName(layout string) string {
	if layout == "datev" {
		return "EXTF_june.csv"
	}
	return "june.csv"
}

// params are a layout's own and those of the test.
func params(layout string, more ...string) map[string]string {
	all := maps.Clone(layoutParams[layout])
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// A written file, as it would stand on disk.
type written struct {
	name string
	data []byte
}

// within is the period of a test.
func within(from, to time.Time, zone string) func(exporter.Period) (exporter.Period, error) {
	return func(p exporter.Period) (exporter.Period, error) {
		loc, err := time.LoadLocation(zone)
		p.Zone = loc
		if p.From, p.To = from, to; zone != "UTC" {
			p.From, p.To = time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, loc), time.Date(to.Year(), to.Month(), to.Day(), 0, 0, 0, 0, loc)
		}
		return p, err
	}
}

var wholeJune = within(june, june.AddDate(0, 1, 0), "UTC")

// makeLayout makes a layout's files of records.
func makeLayout(t testing.TB, layout string, given map[string]string, src memory, period func(exporter.Period) (exporter.Period, error), lock exporter.Lock) ([]written, *report.Built, error) {
	t.Helper()
	r, err := report.Load(layout, report.Options{Params: given, Period: period})
	if err != nil {
		return nil, nil, err
	}
	return build(t, layout, r, src, lock)
}

// build makes a report's files of records.
func build(t testing.TB, layout string, r *report.Report, src memory, lock exporter.Lock) ([]written, *report.Built, error) {
	t.Helper()
	d, err := exporter.Collect(t.Context(), src, exporter.Options{Period: r.Period(), Lock: lock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	b, err := r.Build(t.Context(), d)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	files, err := b.Files(outputName(layout), report.TextOptions{})
	if err != nil {
		return nil, nil, err
	}
	var all []written
	for _, f := range files {
		var out strings.Builder
		if err := f.Write(&out); err != nil {
			return nil, nil, err
		}
		all = append(all, written{f.Path, []byte(out.String())})
	}
	return all, b, nil
}

func booksOf(keep func(pay) bool) (src memory) {
	for i, p := range books {
		if keep(p) {
			src = append(src, p.record(i))
		}
	}
	return src
}

// checkLayout applies the product's rules to the files.
func checkLayout(t rapid.TB, layout string, files []written) {
	t.Helper()
	for _, f := range files {
		var broken []string
		if layout == "datev" {
			broken = checkDATEV(splitDATEV(t, f.name, f.data))
		} else {
			broken = applyRules(commaFile(t, f.name, f.data), products[layout].rules)
		}
		for _, b := range broken {
			t.Error(b)
		}
	}
}

// TestShippedLayouts makes each layout of the same books and holds its files
// against the golden ones and the product's rules.
func TestShippedLayouts(t *testing.T) {
	for layout := range layoutParams {
		t.Run(layout, func(t *testing.T) {
			files, _, err := makeLayout(t, layout, params(layout), booksOf(func(p pay) bool { return layout != "datev" || p.currency == "eur" }),
				within(june, june.AddDate(0, 1, 0), "Europe/Berlin"), exporter.Lock{})
			if err != nil {
				t.Fatal(err)
			}
			checkLayout(t, layout, files)
			dir := filepath.Join("testdata", "layouts", layout)
			if update() {
				if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o777)); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range files {
				if update() {
					if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o666); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(filepath.Join(dir, f.name))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(f.data)); diff != "" {
					t.Errorf("%s differs from its golden file (-update rewrites it):\n%s", f.name, diff)
				}
			}
			there, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil || len(there) != len(files) {
				t.Errorf("%d files were written, %v are golden; %v", len(files), there, err)
			}
		})
	}
}

// TestLayoutsOfManyPayments: of a month with everything in it that has broken
// such files, each layout keeps the product's rules, holds each movement once,
// sums to the independent count per currency, and cuts no entry.
func TestLayoutsOfManyPayments(t *testing.T) {
	for layout := range layoutParams {
		t.Run(layout, func(t *testing.T) {
			t.Parallel()
			currencies := []record.Currency{"eur", "eur", "eur", "eur", "eur", "usd", "gbp", "jpy", "kwd"}
			if layout == "datev" {
				currencies = currencies[:1]
			}
			src, moved := newGenerator(3, currencies...).generate(1600)
			files, _, err := makeLayout(t, layout, params(layout), src, wholeJune, exporter.Lock{})
			if err != nil {
				t.Fatal(err)
			}
			checkLayout(t, layout, files)
			again, _, err := makeLayout(t, layout, params(layout), shuffled(src), wholeJune, exporter.Lock{})
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range files {
				if i >= len(again) || string(f.data) != string(again[i].data) {
					t.Fatalf("%s: the same payments make other bytes", f.name)
				}
			}
			if layout == "datev" {
				checkPostings(t, files, moved)
				return
			}
			checkSums(t, layout, files, moved)
			if limited := strings.Contains(layout, "-bank") || layout == "quickbooks-journal"; limited != slices.ContainsFunc(files, func(f written) bool { return f.name == "june-EUR-2.csv" }) {
				t.Errorf("%d files, goes on in another: %v", len(files), !limited)
			}
		})
	}
}

// shuffled is the source in another order: that of the ids, backwards.
func shuffled(src memory) memory {
	out := slices.Clone(src)
	slices.Reverse(out)
	return out
}

// checkSums counts the lines' amounts per currency, and the movements.
func checkSums(t rapid.TB, layout string, files []written, moved []movement) {
	t.Helper()
	p := products[layout]
	sums, seen, n := map[string]*big.Rat{}, map[string]string{}, 0
	add := func(currency, amounts string, sign int64) {
		if amounts == "" {
			return
		}
		if sums[currency] == nil {
			sums[currency] = new(big.Rat)
		}
		v := amount(t, amounts)
		sums[currency].Add(sums[currency], v.Mul(v, big.NewRat(sign, 1)))
	}
	for _, f := range files {
		rows := commaFile(t, f.name, f.data).rows[1:]
		currency := strings.ToLower(strings.Split(strings.TrimSuffix(f.name, ".csv"), "-")[min(1, strings.Count(f.name, "-"))])
		for _, row := range rows {
			switch layout {
			case "xero-bank":
				add(currency, row[1], 1)
				n++
			case "quickbooks-bank":
				add(currency, row[2], 1)
				n++
			case "stripe-itemized":
				add(row[13], row[12], 1)
				if row[7] != "" {
					add(row[5], row[7], -1)
				}
				n++
			default:
				debit, credit, account := 3, 4, 2
				if layout == "netsuite-journal" {
					debit, credit, account = 6, 7, 5
				}
				if row[account] == layoutParams[layout]["clearing"] {
					add(currency, row[debit], 1)
					add(currency, row[credit], -1)
					n++
				}
			}
			if p.entry >= 0 {
				if other := seen[row[p.entry]]; other != "" && other != f.name {
					t.Errorf("entry %s is in %s and in %s", row[p.entry], other, f.name)
				}
				seen[row[p.entry]] = f.name
			}
			for _, c := range p.isText {
				if !harmless(row[c]) {
					t.Errorf("%s: a spreadsheet would run %q", f.name, row[c])
				}
			}
		}
	}
	want := sumsOf(moved)
	for currency, sum := range want {
		if got := sums[currency]; got == nil || got.Cmp(sum) != 0 {
			t.Errorf("%s: the files sum to %v, counted are %s", currency, got, sum.FloatString(3))
		}
	}
	if len(sums) != len(want) {
		t.Errorf("files of %d currencies, not %d", len(sums), len(want))
	}
	lines := len(moved)
	if layout == "stripe-itemized" { // a fee stands beside its payment or refund
		lines = countOf(moved, "payment") + countOf(moved, "refund")
	}
	if n != lines {
		t.Errorf("%d lines of %d movements", n, lines)
	}
}

func countOf(moved []movement, kind string) (n int) {
	for _, m := range moved {
		if m.kind == kind {
			n++
		}
	}
	return n
}

// checkPostings holds the balances of DATEV's accounts against the count.
func checkPostings(t rapid.TB, files []written, moved []movement) {
	t.Helper()
	var all []*datevFile
	n := 0
	for _, f := range files {
		d := splitDATEV(t, f.name, f.data)
		all, n = append(all, d), n+len(d.postings)
		for _, p := range d.postings {
			for i, v := range p {
				if strings.HasPrefix(v, `"`) && !harmless(datevText(v)) {
					t.Errorf("%s: a spreadsheet would run %q in %s", f.name, v, datevColumns[i][0])
				}
			}
		}
	}
	if n != len(moved) {
		t.Errorf("%d postings of %d movements", n, len(moved))
	}
	want := map[string]*big.Rat{"1360": new(big.Rat), "8400": new(big.Rat), "4970": new(big.Rat)}
	for _, m := range moved {
		other := "8400"
		if m.kind == "fee" {
			other = "4970"
		}
		want["1360"].Add(want["1360"], m.value)
		want[other].Sub(want[other], m.value)
	}
	got := datevBalances(t, all)
	for account, sum := range want {
		if have := got[account]; (have != nil || sum.Sign() != 0) && (have == nil || have.Cmp(sum) != 0) {
			t.Errorf("account %s is at %v, counted is %s", account, got[account], sum.FloatString(2))
		}
	}
}

// TestLayoutsRefuse: what a product does not take is an error that says what to
// do, and no file.
func TestLayoutsRefuse(t *testing.T) {
	kwd := pay{id: "pr_1QaDinar", ref: "K1", payer: "A", processor: "Adyen", currency: "kwd", value: 1005, paid: "2026-06-10T10:00:00Z"}
	dollar := pay{id: "pr_1QaDollar", ref: "D1", payer: "A", processor: "Adyen", currency: "usd", value: 1005, paid: "2026-06-10T10:00:00Z"}
	euro := pay{id: "pr_1QaEuro", ref: "E1", payer: "A", processor: "Adyen", currency: "eur", value: 1005, paid: "2026-06-10T10:00:00Z"}
	million := pay{id: "pr_1QaMillion", ref: "M1", payer: "A", processor: "Adyen", currency: "jpy", value: 999_999_999_999, paid: "2026-06-10T10:00:00Z"}
	for _, test := range []struct {
		name, layout string
		params       []string
		pay          pay
		want         string
	}{
		{"a currency in small letters", "datev", []string{"currency", "eur"}, euro, "not of the form"},
		{"a third decimal", "netsuite-journal", nil, kwd, "more than 2 decimals"},
		{"eleven digits", "netsuite-journal", nil, million, "ten digits"},
		{"twelve digits", "quickbooks-journal", nil, million, "99,999,999,999"},
		{"one account twice", "datev", []string{"clearing", "8400"}, euro, "are the same"},
		{"a foreign currency", "datev", nil, dollar, "--param others=skip"},
		{"another fiscal year", "datev", []string{"fiscal_year", "20260701"}, euro, "fiscal year"},
		{"last fiscal year", "datev", []string{"fiscal_year", "20250101"}, euro, "fiscal year"},
		{"no adviser", "datev", []string{"advisor", ""}, euro, "--param advisor="},
		{"no account", "quickbooks-journal", []string{"clearing", ""}, euro, "--param clearing="},
		{"blanks at the colon", "quickbooks-journal", []string{"clearing", "Bank: PSP"}, euro, "clearing"},
		{"an account in words", "datev", []string{"income", "Erlöse"}, euro, "income"},
		{"a day and month that nobody knows", "quickbooks-bank", []string{"dates", "ymd"}, euro, "mdy, dmy"},
		{"a param that is not there", "xero-bank", []string{"acount", "x"}, euro, "no param"},
		{"a long account", "datev", []string{"clearing", "136000"}, euro, "length"},
	} {
		t.Run(test.layout+" "+test.name, func(t *testing.T) {
			files, _, err := makeLayout(t, test.layout, params(test.layout, test.params...), memory{test.pay.record(0)}, wholeJune, exporter.Lock{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d files, and the error is %v", len(files), err)
			}
		})
	}
}

// TestDATEVNeedsAPeriod: a batch says from when to when it is, and nothing else
// is complained of.
func TestDATEVNeedsAPeriod(t *testing.T) {
	for name, period := range map[string]func(exporter.Period) (exporter.Period, error){"none": within(time.Time{}, time.Time{}, "UTC"), "open": within(june, time.Time{}, "UTC")} {
		_, err := report.Load("datev", report.Options{Params: params("datev"), Period: period})
		var all report.Problems
		if !errors.As(err, &all) || len(all) != 1 || !strings.Contains(err.Error(), "--month") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLayoutParams: what the params say is in the files.
func TestLayoutParams(t *testing.T) {
	all := func(pay) bool { return true }
	for _, test := range []struct {
		layout   string
		params   []string
		has, not []string
	}{
		{"xero-bank", []string{"stripe", "yes"}, []string{"42.42,Card Holder"}, nil},
		{"xero-bank", nil, []string{"100.00,Ann Lee"}, []string{"Card Holder", "No Money"}},
		{"xero-bank", []string{"processor", "PayPal"}, []string{"1234.56"}, []string{"100.00,Ann Lee"}},
		{"quickbooks-bank", []string{"dates", "dmy"}, []string{"13/06/2026"}, []string{"06/13/2026"}},
		{"quickbooks-bank", []string{"references", "no"}, []string{"Payment by Adyen Ann Lee,"}, []string{"8515131751004933"}},
		{"quickbooks-journal", []string{"name", "Web shop", "location", "Berlin", "class", "Online"}, []string{",Web shop,EUR,Berlin,Online"}, nil},
		{"quickbooks-journal", []string{"refunds", "Sales:Refunds"}, []string{"Sales:Refunds,20.00,"}, nil},
		{"netsuite-journal", []string{"subsidiary", "Parent : GmbH", "dates", "iso"}, []string{",2026-06-13,JPY,Parent : GmbH,"}, nil},
		{"datev", []string{"others", "skip", "fiscal_year", "20250701", "length", "6", "income", "1000000"}, []string{";20250701;6;20260601;20260630;", ";1360;1000000;"}, nil},
		{"datev", []string{"others", "skip", "income_key", "0003", "chart", "03", "lock", "1"}, []string{`;8400;"0003";`, `;1;0;1;"EUR";;"";;;"03";`}, []string{"JPY", "USD"}},
	} {
		files, _, err := makeLayout(t, test.layout, params(test.layout, test.params...), booksOf(all), within(june, june.AddDate(0, 1, 0), "Europe/Berlin"), exporter.Lock{})
		if err != nil {
			t.Errorf("%s %v: %v", test.layout, test.params, err)
			continue
		}
		checkLayout(t, test.layout, files)
		text := ""
		for _, f := range files {
			text += string(f.data)
		}
		for _, s := range test.has {
			if !strings.Contains(text, s) {
				t.Errorf("%s %v: %q is not in the files:\n%s", test.layout, test.params, s, text)
			}
		}
		for _, s := range test.not {
			if strings.Contains(text, s) {
				t.Errorf("%s %v: %q is in the files", test.layout, test.params, s)
			}
		}
	}
}

// TestLayoutsOfClosedBooks: what is posted on the first open day says when it
// was paid; without a day to post on it is not in the files.
func TestLayoutsOfClosedBooks(t *testing.T) {
	all := func(p pay) bool { return p.currency == "eur" }
	open := time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC)
	for layout := range layoutParams {
		for _, lock := range []exporter.Lock{{Before: open}, {Before: open, PostOn: open}} {
			files, _, err := makeLayout(t, layout, params(layout), booksOf(all), wholeJune, lock)
			if err != nil {
				t.Errorf("%s: %v", layout, err)
				continue
			}
			checkLayout(t, layout, files)
			text := ""
			for _, f := range files {
				text += string(f.data)
			}
			if got := strings.Contains(text, "8515131751004934"); got != !lock.PostOn.IsZero() {
				t.Errorf("%s, %+v: a payment of a closed day is there: %v", layout, lock, got)
			}
			if !lock.PostOn.IsZero() && !strings.Contains(text, "2026-06-03") {
				t.Errorf("%s does not say when it was paid:\n%s", layout, text)
			}
		}
	}
}

// TestEntriesAreNeverCut: where a file takes an odd number of lines, an entry of
// two does not straddle two files; where it takes one, there is no file.
func TestEntriesAreNeverCut(t *testing.T) {
	src, moved := newGenerator(4, "eur").generate(40)
	for _, layout := range []string{"quickbooks-journal", "netsuite-journal"} {
		yaml, _ := report.ShippedSource(layout)
		for _, rows := range []int{1, 3, 7} {
			changed := regexp.MustCompile(`rows: \d+`).ReplaceAllString(string(yaml), fmt.Sprintf("rows: %d", rows))
			r, err := report.Parse(layout, []byte(changed), report.Options{Params: params(layout), Period: wholeJune})
			if err != nil {
				t.Fatal(err)
			}
			files, _, err := build(t, layout, r, src, exporter.Lock{})
			if rows == 1 {
				if err == nil || !strings.Contains(err.Error(), "never cut") {
					t.Errorf("%s of one line a file: %v", layout, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				checked := commaFile(t, f.name, f.data)
				if n := len(checked.rows) - 1; n%2 != 0 || n > rows {
					t.Errorf("%s of %d lines a file: %s has %d", layout, rows, f.name, n)
				}
			}
			if want := (len(moved) + rows/2 - 1) / (rows / 2); len(files) != want {
				t.Errorf("%s of %d lines a file: %d files, not %d", layout, rows, len(files), want)
			}
		}
	}
}

// TestLayoutsAreText: no workbook is made of a file that a program reads, and
// DATEV's has the name that DATEV looks for.
func TestLayoutsAreText(t *testing.T) {
	for layout := range layoutParams {
		_, b, err := makeLayout(t, layout, params(layout), booksOf(func(p pay) bool { return p.currency == "eur" }), wholeJune, exporter.Lock{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Files("EXTF_june.xlsx", report.TextOptions{}); err == nil || !strings.Contains(err.Error(), ".csv") {
			t.Errorf("%s as a workbook: %v", layout, err)
		}
		if _, err := b.Files("out/june.csv", report.TextOptions{}); (layout == "datev") != (err != nil) {
			t.Errorf("%s as june.csv: %v", layout, err)
		} else if err != nil && !strings.Contains(err.Error(), filepath.Join("out", "EXTF_june.csv")) {
			t.Errorf("what to write is not said: %v", err)
		}
	}
}

// TestChangesAreCounted: what was cut, and what lost characters, is known.
func TestChangesAreCounted(t *testing.T) {
	p := pay{id: "pr_1QaLong", ref: "R 1", payer: strings.Repeat("Name ", 80), processor: "Adyen", currency: "eur", value: 1005, paid: "2026-06-10T10:00:00Z"}
	for layout, want := range map[string]int{"xero-bank": 1, "quickbooks-bank": 1, "quickbooks-journal": 0, "netsuite-journal": 0, "datev": 2, "stripe-itemized": 0} {
		_, b, err := makeLayout(t, layout, params(layout), memory{p.record(0)}, wholeJune, exporter.Lock{})
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Changed(); got != want {
			t.Errorf("%s: %d texts were changed, not %d", layout, got, want)
		}
	}
}

// TestLayoutsProperty: of any payments, each layout keeps the rules and sums to
// the count.
func TestLayoutsProperty(t *testing.T) {
	names := slices.Sorted(maps.Keys(layoutParams))
	rapid.Check(t, func(r *rapid.T) {
		layout := rapid.SampledFrom(names).Draw(r, "layout")
		currencies := []record.Currency{"eur"}
		if layout != "datev" {
			currencies = rapid.SliceOfNDistinct(rapid.SampledFrom([]record.Currency{"eur", "usd", "gbp", "jpy", "kwd"}), 1, 5, rapid.ID).Draw(r, "currencies")
		}
		g := newGenerator(rapid.Uint64().Draw(r, "seed"), currencies...)
		g.texts = append(rapid.SliceOfN(rapid.StringN(0, 700, -1), 0, 5).Draw(r, "texts"), hostile...)
		src, moved := g.generate(rapid.IntRange(1, 25).Draw(r, "payments"))
		if len(moved) == 0 {
			return
		}
		files, _, err := makeLayout(t, layout, params(layout), src, wholeJune, exporter.Lock{})
		if err != nil {
			r.Fatal(err)
		}
		checkLayout(r, layout, files)
		if layout == "datev" {
			checkPostings(r, files, moved)
		} else {
			checkSums(r, layout, files, moved)
		}
	})
}

// TestFeesOfPaymentsThatFailed: what the processor took is posted, also when
// nothing came in; a fee in another currency goes to that currency's file.
func TestFeesOfPaymentsThatFailed(t *testing.T) {
	failed := pay{id: "pr_1QaFailed", ref: "R1", payer: "A", processor: "Adyen", currency: "eur", value: 1000, fee: "0.25"}.record(0)
	failed.Metadata[record.StampInitiatedAt] = "2026-06-10T10:00:00Z"
	abroad := pay{id: "pr_1QaAbroad", ref: "R2", payer: "A", processor: "Adyen", currency: "jpy", value: 5000, paid: "2026-06-11T10:00:00Z", fee: "0.40", feeIn: "eur"}.record(1)
	files, _, err := makeLayout(t, "xero-bank", nil, memory{failed, abroad}, wholeJune, exporter.Lock{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range files {
		_, lines, _ := strings.Cut(string(f.data), "\r\n")
		got[f.name] = lines
	}
	want := map[string]string{
		"june-EUR.csv": "2026-06-10,-0.25,Adyen,Fee of Adyen: Order 1000,R1,\r\n2026-06-11,-0.40,Adyen,Fee of Adyen: Order 1001,R2,\r\n",
		"june-JPY.csv": "2026-06-11,5000,A,Payment by Adyen: Order 1001,R2,\r\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestEachXeroLineCanBeTraced: a reference that shows nothing gives way to the
// payment record's id.
func TestEachXeroLineCanBeTraced(t *testing.T) {
	var records memory
	for i, ref := range []string{"", " \u202e\n", "R-3"} {
		records = append(records, pay{id: fmt.Sprintf("pr_1QaTrace%d", i), ref: ref, payer: "A", processor: "Adyen", currency: "eur", value: 1000, paid: fmt.Sprintf("2026-06-1%dT10:00:00Z", i),
			refunds: []refunded{{strings.ToLower(ref), 100, fmt.Sprintf("2026-06-2%dT10:00:00Z", i), ""}}}.record(i))
	}
	records[0].ProcessorDetails = record.ProcessorDetails{}
	files, _, err := makeLayout(t, "xero-bank", nil, records, wholeJune, exporter.Lock{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range commaFile(t, files[0].name, files[0].data).rows[1:] {
		got = append(got, row[0]+" "+row[4])
	}
	want := []string{"2026-06-10 pr_1QaTrace0", "2026-06-11 pr_1QaTrace1", "2026-06-12 R-3", "2026-06-20 pr_1QaTrace0", "2026-06-21 pr_1QaTrace1", "2026-06-22 r-3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestSettledAbroad: Stripe's columns are in the currency of the settlement,
// and what the payer paid stands beside.
func TestSettledAbroad(t *testing.T) {
	p := pay{id: "pr_1QaAbroad", ref: "R2", payer: "A", processor: "Adyen", currency: "jpy", value: 5000, paid: "2026-06-11T10:00:00Z", fee: "0.40", feeIn: "eur",
		refunds: []refunded{{"RF-1", 1000, "2026-06-12T10:00:00Z", "0.10"}}}.record(0)
	p.Metadata[record.StampNet] = "29.60"
	files, _, err := makeLayout(t, "stripe-itemized", nil, memory{p}, wholeJune, exporter.Lock{})
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, "stripe-itemized", files)
	var got [][]string
	for _, row := range commaFile(t, files[0].name, files[0].data).rows[1:] {
		got = append(got, append(slices.Clone(row[5:10]), row[12], row[13]))
	}
	want := [][]string{{"eur", "30.00", "0.40", "29.60", "charge", "5000", "jpy"}, {"jpy", "-1000", "", "", "refund", "-1000", "jpy"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestEntryNumbers: a payment has the same number in every export, whatever
// else is in it.
func TestEntryNumbers(t *testing.T) {
	numbers := func(src memory) map[string]bool {
		files, _, err := makeLayout(t, "quickbooks-journal", params("quickbooks-journal"), src, wholeJune, exporter.Lock{})
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]bool{}
		for _, f := range files {
			for _, row := range commaFile(t, f.name, f.data).rows[1:] {
				all[row[0]] = true
			}
		}
		return all
	}
	src, moved := newGenerator(9, "eur", "usd").generate(400)
	whole := numbers(src)
	if len(whole) != len(moved) {
		t.Errorf("%d numbers of %d movements", len(whole), len(moved))
	}
	for number := range numbers(src[:50]) {
		if !whole[number] {
			t.Errorf("%s is not among all", number)
		}
	}
}
