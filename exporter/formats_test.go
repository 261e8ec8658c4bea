package exporter

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"testing"

	"github.com/govalues/decimal"
	"github.com/parquet-go/parquet-go"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// TestParquetAgreesWithCSV: read back by name, every cell is the CSV's.
func TestParquetAgreesWithCSV(t *testing.T) {
	d := collectAll(t, generate(2500, 21), Options{Attempts: AllAttempts})
	for name, write := range map[string][2]func(io.Writer) error{
		"payments": {d.WriteParquet, d.WriteCSV}, "attempts": {d.WriteAttemptsParquet, d.WriteAttemptsCSV},
	} {
		var columnar, text bytes.Buffer
		for i, b := range []*bytes.Buffer{&columnar, &text} {
			if err := write[i](b); err != nil {
				t.Fatal(name, err)
			}
		}
		rows, err := csv.NewReader(&text).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		f, err := parquet.OpenFile(bytes.NewReader(columnar.Bytes()), int64(columnar.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if f.NumRows() != int64(len(rows)-1) {
			t.Fatalf("%s: %d rows, CSV has %d", name, f.NumRows(), len(rows)-1)
		}
		r := parquet.NewReader(f)
		got := make([]parquet.Row, 1)
		for _, want := range rows[1:] {
			if n, err := r.ReadRows(got); n != 1 {
				t.Fatal(name, err)
			}
			for i, column := range rows[0] {
				leaf, ok := f.Schema().Lookup(column)
				if !ok {
					continue // a twin in the period's zone
				}
				cell, text := parquetText(t, got[0][leaf.ColumnIndex], column), table.UnguardIn(',', want[i])
				if same := cell == text; !same && !sameNumber(cell, text) {
					t.Fatalf("%s, %s: %q, CSV has %q", name, column, cell, want[i])
				}
			}
		}
	}
}

func parquetText(t *testing.T, v parquet.Value, column string) string {
	t.Helper()
	switch {
	case v.IsNull():
		return ""
	case v.Kind() == parquet.Boolean || v.Kind() == parquet.ByteArray:
		return v.String()
	case strings.HasSuffix(column, "_utc"):
		return unix(v.Int64() / 1000).Format(momentLayout)
	case titles[column] != "":
		d, err := decimal.New(v.Int64(), parquetScale)
		if err != nil {
			t.Fatal(err)
		}
		return d.Trim(0).String()
	}
	return v.String()
}

// sameNumber says whether two decimals differ in trailing zeros only.
func sameNumber(a, b string) bool {
	x, err1 := decimal.Parse(a)
	y, err2 := decimal.Parse(b)
	return err1 == nil && err2 == nil && x.Cmp(y) == 0
}

func TestParquetRefusesToRound(t *testing.T) {
	for text, ok := range map[string]bool{"999999999999.999999": true, "-0.000001": true, "0": true, "1.50000000000": true,
		"1000000000000": false, "0.0000001": false} {
		v, err := parquetDecimal(record.Money{Amount: decimal.MustParse(text), Currency: "eur"})
		if (err == nil) != ok {
			t.Errorf("%s: %v, %v", text, v, err)
		}
	}
}

func TestLocale(t *testing.T) {
	r := simple("pr_1", 1, record.StampFee, "-0.305")
	r.AmountRequested.Value = 1234567
	r.Description = new("=1;2")
	for name, want := range map[string]string{
		"de-DE": "\ufeffid;", "de_ch": "\ufeffid;", "en-US": "\ufeffid,", "fr": "\ufeffid;", "": "id,",
	} {
		var l Locale
		if name != "" {
			var err error
			if l, err = ParseLocale(name); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		if err := collectAll(t, &fake{records: []*record.PaymentRecord{r}}, Options{Locale: l}).WriteCSV(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(b.String(), want) {
			t.Errorf("%q begins %q", name, b.String()[:8])
		}
		amount, fee := "12345.67", "-0.305"
		if name == "de-DE" || name == "fr" {
			amount, fee = "12345,67", "-0,305"
		}
		delimiter := want[len(want)-1:]
		if !strings.Contains(b.String(), delimiter+amount+delimiter) || !strings.Contains(b.String(), delimiter+fee+delimiter) || !strings.Contains(b.String(), "'=1;2") {
			t.Errorf("%q:\n%s", name, b.String())
		}
	}
	for _, bad := range []string{"german", "de-DEU", "d", "xx", "de-DE.UTF-8"} {
		if _, err := ParseLocale(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
