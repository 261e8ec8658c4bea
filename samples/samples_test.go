package samples

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
)

var update = flag.Bool("update", false, "write the sample files")

type sample struct {
	preset, file string
	content      func() ([]byte, error)
	rows         int
	events       map[string]int
	sums         string // minor units by call and currency
}

func always(f func() []byte) func() ([]byte, error) {
	return func() ([]byte, error) { return f(), nil }
}

var samples = []sample{
	{"adyen-settlement-detail", "settlement_detail_report_batch_201-203.csv", always(adyen), 62,
		map[string]int{"report_payment": 50, "report_refund": 6},
		"map[report_payment eur:309911 report_payment jpy:145759 report_payment usd:157999 report_refund eur:29623 report_refund jpy:4973 report_refund usd:20705]"},
	{"paypal-settlement", "STL-20260310.01.009.CSV", always(paypal), 31,
		map[string]int{"report_payment": 23, "report_refund": 3},
		"map[report_payment eur:78657 report_payment jpy:35034 report_payment usd:98099 report_refund eur:300 report_refund jpy:200 report_refund usd:500]"},
	{"generic-csv", "payments.csv", always(genericCSV), 20,
		map[string]int{"report_payment": 17, "report_refund": 3},
		"map[report_payment chf:76674 report_payment eur:127552 report_payment jpy:132637 report_refund chf:1400 report_refund eur:26880]"},
	{"generic-xlsx", "payments.xlsx", genericXLSX, 20,
		map[string]int{"report_payment": 17, "report_refund": 3},
		"map[report_payment chf:2767 report_payment eur:97378 report_payment jpy:100339 report_refund chf:691 report_refund eur:24848]"},
}

// Every sample is what the maker makes, is recognised by its preset, imports
// without a problem, and its refunds follow their payments and fit into them.
func TestSamples(t *testing.T) {
	for _, s := range samples {
		t.Run(s.preset, func(t *testing.T) {
			path := filepath.Join(s.preset, s.file)
			s.committed(t, path)
			m, err := mapping.Load(s.preset, mapping.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s.run(t, m, path)
		})
	}
}

func (s sample) committed(t *testing.T, path string) {
	want, err := s.content()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.MkdirAll(s.preset, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(path) != ".xlsx" && !bytes.Equal(got, want) { // a workbook's bytes vary with its writer
		t.Errorf("%s is not what the maker makes; run go test ./samples -update", path)
	}
}

func (s sample) run(t *testing.T, m *mapping.Mapping, path string) {
	r, err := table.Open(path, m.Dialect())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	session := m.NewSession()
	defer session.Close()
	rows, events, left, sums := 0, map[string]int{}, map[string]int64{}, map[string]int64{}
	for {
		row, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if row.Role == table.HeaderRow && !m.Identify(path, row.Header.Names()) {
			t.Errorf("the preset does not recognise its sample")
		}
		res, err := session.Row(row)
		if err != nil {
			t.Fatal(err)
		}
		if res == nil {
			continue
		}
		rows++
		if res.Disposition == mapping.Rejected || res.Disposition == mapping.Held {
			t.Errorf("%s is %s: %+v", res.Pos, res.Disposition, res.Problems)
		}
		for _, e := range res.Events {
			events[string(e.Call)]++
			sums[fmt.Sprintf("%s %s", e.Call, e.Amount.Currency)] += e.Amount.Value
			if e.Call.Creates() {
				left[e.Payment] += e.Amount.Value
			} else if left[e.Payment] -= e.Amount.Value; left[e.Payment] < 0 {
				t.Errorf("%s: refunds more than was paid before it", res.Pos)
			}
		}
	}
	if rows != s.rows || fmt.Sprint(events) != fmt.Sprint(s.events) {
		t.Errorf("%d rows, want %d; calls %v, want %v", rows, s.rows, events, s.events)
	}
	if fmt.Sprint(sums) != s.sums {
		t.Errorf("sums %v, want %s", sums, s.sums)
	}
	checks, err := session.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if !c.OK {
			t.Errorf("check %q, group %q: %s", c.Name, c.Group, c.Msg)
		}
	}
}
