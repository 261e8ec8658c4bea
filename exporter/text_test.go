package exporter

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

var update = flag.Bool("update", false, "rewrite golden files")

// readCSV reads with the standard library, so that our writer is not its own judge.
func readCSV(t *testing.T, write func(io.Writer) error) []map[string]string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			if _, twice := m[name]; twice {
				t.Fatalf("column %q stands twice", name)
			}
			m[name] = row[i]
		}
		out = append(out, m)
	}
	return out
}

// minor reads a decimal without floats: the digits, at the currency's scale.
func minor(t *testing.T, currency, text string) int64 {
	t.Helper()
	places := map[string]int{"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3, "ISK": 2}[currency]
	whole, frac, _ := strings.Cut(text, ".")
	if len(frac) > places {
		t.Fatalf("%s %s has %d decimals", text, currency, len(frac))
	}
	digits := whole + frac + strings.Repeat("0", places-len(frac))
	var n int64
	for _, c := range strings.TrimPrefix(digits, "-") {
		if c < '0' || c > '9' {
			t.Fatalf("%q is no decimal", text)
		}
		n = n*10 + int64(c-'0')
	}
	if strings.HasPrefix(digits, "-") {
		return -n
	}
	return n
}

// recount sums records on its own: currency/field to minor units.
func recount(records []*record.PaymentRecord) map[string]int64 {
	sums := map[string]int64{}
	for _, r := range records {
		c := strings.ToUpper(string(r.AmountRequested.Currency))
		sums[c+"/count"]++
		sums[c+"/amount"] += r.AmountRequested.Value
		sums[c+"/guaranteed"] += r.AmountGuaranteed.Value
		sums[c+"/refunded"] += r.AmountRefunded.Value
		sums[c+"/failed"] += r.AmountFailed.Value
		sums[c+"/canceled"] += r.AmountCanceled.Value
		if r.ReportedBy == "self" && r.AmountGuaranteed.Value > 0 { // as generated
			fee := r.AmountRequested.Value / 50
			sums[c+"/fee"] += fee
			sums[c+"/net"] += r.AmountRequested.Value - fee
		}
	}
	return sums
}

var summed = []string{"amount", "guaranteed", "refunded", "failed", "canceled", "fee", "net"}

func TestCSVTotals(t *testing.T) {
	src := generate(2000, 11)
	d := collectAll(t, src, Options{})
	got := map[string]int64{}
	for _, row := range readCSV(t, d.WriteCSV) {
		got[row["currency"]+"/count"]++
		for _, name := range summed {
			c := row["currency"]
			if name == "fee" || name == "net" {
				c = row["fee_currency"]
			}
			if row[name] != "" {
				got[c+"/"+name] += minor(t, c, row[name])
			}
		}
	}
	if diff := cmp.Diff(recount(src.records), got); diff != "" {
		t.Error(diff)
	}
	// The summary is a third way to the same figures.
	got = map[string]int64{}
	for _, l := range d.Summary().Lines {
		c := l.Currency.Upper()
		got[c+"/count"] += l.Count
		got[c+"/amount"] += l.Requested
		got[c+"/guaranteed"] += l.Guaranteed
		got[c+"/refunded"] += l.Refunded
		got[c+"/failed"] += l.Failed
		got[c+"/canceled"] += l.Canceled
		if l.SettledIn != "" {
			got[l.SettledIn.Upper()+"/fee"] += minor(t, l.SettledIn.Upper(), l.FeeText)
			got[l.SettledIn.Upper()+"/net"] += minor(t, l.SettledIn.Upper(), l.NetText)
		}
	}
	if diff := cmp.Diff(recount(src.records), got); diff != "" {
		t.Error(diff)
	}
}

// A spreadsheet must see no formula in a text cell, every number bare, and
// whoever unguards the text gets back what the API gave.
func TestCSVIsHarmless(t *testing.T) {
	src := generate(500, 13)
	byID := map[string]*record.PaymentRecord{}
	for _, r := range src.records {
		byID[r.ID] = r
	}
	d := collectAll(t, src, Options{})
	for _, row := range readCSV(t, d.WriteCSV) {
		for name, text := range row {
			if trimmed := strings.TrimLeft(text, " \t\r\n\x00"); trimmed != "" && strings.ContainsAny(trimmed[:1], "=+-@") {
				t.Errorf("%s: %q would be run", name, text)
			}
		}
		r := byID[row["id"]]
		if got, want := table.UnguardIn(',', row["description"]), deref(r.Description); got != want {
			t.Errorf("description %q became %q", want, got)
		}
		if got, want := table.UnguardIn(',', row["metadata[order]"]), r.Metadata["order"]; got != want {
			t.Errorf("metadata %q became %q", want, got)
		}
		if row["payment_reference"] != r.ProcessorDetails.Reference() {
			t.Errorf("reference %q became %q", r.ProcessorDetails.Reference(), row["payment_reference"])
		}
	}
}

func TestNegativeNumbersStayBare(t *testing.T) {
	r := simple("pr_1", 1, record.StampFee, "-0.35", record.StampNet, "10.35", record.StampNetCurrency, "eur", "note", "-0.35x")
	row := readCSV(t, collectAll(t, &fake{records: []*record.PaymentRecord{r}}, Options{}).WriteCSV)[0]
	if row["fee"] != "-0.35" || row["metadata[note]"] != "'-0.35x" {
		t.Errorf("fee %q, note %q", row["fee"], row["metadata[note]"])
	}
}

func TestManyMetadataKeys(t *testing.T) {
	src := &fake{}
	for i := range 150 {
		r := simple("pr_"+string(rune('A'+i/26))+string(rune('a'+i%26)), int64(i))
		r.Metadata["common"] = "x"
		r.Metadata["key"+r.ID] = "=1"
		src.records = append(src.records, r)
	}
	d := collectAll(t, src, Options{})
	rows := readCSV(t, d.WriteCSV)
	found := 0
	for i, row := range rows {
		key := "key" + src.records[i].ID
		if row["metadata[common]"] != "x" {
			t.Fatalf("%s lacks the common key", row["id"])
		}
		var others map[string]string
		if row["metadata_others"] != "" {
			if err := json.Unmarshal([]byte(row["metadata_others"]), &others); err != nil {
				t.Fatal(err)
			}
		}
		if row["metadata["+key+"]"] == "'=1" || others[key] == "=1" {
			found++
		}
	}
	if found != 150 || len(d.metadata) != maxMetadataColumns {
		t.Errorf("%d of 150 values are there, in %d columns", found, len(d.metadata))
	}
}

func TestEmptyExport(t *testing.T) {
	d := collectAll(t, &fake{}, Options{Attempts: AllAttempts})
	for name, write := range map[string]func(io.Writer) error{"csv": d.WriteCSV, "attempts": d.WriteAttemptsCSV, "refunds": d.WriteRefundsCSV} {
		var b bytes.Buffer
		if err := write(&b); err != nil || strings.Count(b.String(), "\n") != 1 || !strings.Contains(b.String(), "currency") {
			t.Errorf("%s: %q, %v", name, b.String(), err)
		}
	}
	var b bytes.Buffer
	if err := d.WriteJSONL(&b); err != nil || b.Len() != 0 {
		t.Errorf("jsonl: %q, %v", b.String(), err)
	}
	if s := d.Summary(); s.Payments != 0 || s.Lines == nil {
		t.Errorf("summary %+v", s)
	}
}

func TestJSONL(t *testing.T) {
	src := generate(50, 17)
	d := collectAll(t, src, Options{Attempts: AllAttempts})
	var b bytes.Buffer
	if err := d.WriteJSONL(&b); err != nil {
		t.Fatal(err)
	}
	n := 0
	for lines := bufio.NewScanner(&b); lines.Scan(); n++ {
		var got struct {
			record.PaymentRecord
			Payrec   jsonDerived
			Attempts []record.PaymentAttemptRecord
		}
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		for _, r := range src.records {
			if r.ID != got.ID {
				continue
			}
			want, _ := json.Marshal(r)
			have, _ := json.Marshal(got.PaymentRecord)
			if string(want) != string(have) {
				t.Errorf("%s became %s", want, have)
			}
			if got.Payrec.Status != r.Status() || len(got.Attempts) != len(src.attempts[r.ID]) {
				t.Errorf("%s: derived %+v, %d attempts", r.ID, got.Payrec, len(got.Attempts))
			}
		}
	}
	if n != 50 {
		t.Errorf("%d lines", n)
	}
}

func TestGolden(t *testing.T) {
	src := generate(12, 23)
	zone := berlin(t)
	d := collectAll(t, src, Options{Attempts: AllAttempts, Period: Period{Zone: zone, From: time.Date(2026, 6, 1, 0, 0, 0, 0, zone)}})
	for name, write := range map[string]func(io.Writer) error{"payments.csv": d.WriteCSV, "attempts.csv": d.WriteAttemptsCSV, "refunds.csv": d.WriteRefundsCSV, "payments.jsonl": d.WriteJSONL} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s (-want +got; -update rewrites it):\n%s", name, diff)
		}
	}
}
