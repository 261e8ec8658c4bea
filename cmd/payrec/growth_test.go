package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// growthRows in the environment says for how many payments each TestGrowth is
// to run, with commas between.
const growthRows = "PAYREC_TEST_ROWS"

// TestGrowth: an export and a reconciliation of many payments take memory that
// does not grow with them. The account lists pages that were prepared once, in
// this process; payrec runs in one of its own. Ten million take some ten minutes
// on two idle cores, and 15 GB of disk:
//
//	PAYREC_TEST_ROWS=100000,1000000,10000000 go test ./cmd/payrec -run TestGrowth -v -timeout 60m
func TestGrowth(t *testing.T) {
	sizes := []int{5_000}
	if text := os.Getenv(growthRows); text != "" {
		sizes = nil
		for _, s := range strings.Split(text, ",") {
			n, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, n)
		}
	}
	for _, n := range sizes {
		account := httptest.NewServer(&manyListed{n, strings.Split(manyRecord, "§")})
		dir := t.TempDir()
		writeMany(t, dir, n)
		for _, step := range []struct {
			args []string
			file string
		}{
			{[]string{"export", "-o", "all.csv"}, "all.csv"},
			{[]string{"reconcile", "many.csv", "-m", "many.yaml", "--within", "-o", "found.csv"}, "found.csv"},
		} {
			took, peak := runIn(t, dir, append(step.args, "--api-base", account.URL))
			if lines := countLines(t, filepath.Join(dir, step.file)); lines != n+1 {
				t.Errorf("%s: %d lines of %d payments", step.file, lines, n)
			}
			t.Logf("%-9s %9d payments: %6.2f s, %7.0f/s, %5.2f µs of CPU each, at most %d MiB", step.args[0], n,
				took.wall.Seconds(), float64(n)/took.wall.Seconds(), float64(took.cpu.Microseconds())/float64(n), peak>>10)
			if peak > 256<<10 {
				t.Errorf("%s of %d payments took %d MiB", step.args[0], n, peak>>10)
			}
			os.Remove(filepath.Join(dir, step.file))
		}
		account.Close()
	}
}

// costs are what a process took.
type costs struct{ wall, cpu time.Duration }

// runIn runs the program as a process of its own; peak is in KiB, 0 where that
// is not known.
func runIn(t *testing.T, dir string, args []string) (took costs, peak int) {
	t.Helper()
	peaks := filepath.Join(dir, "peak")
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), beMain+"=1", peakFile+"="+peaks, "STRIPE_API_KEY=sk_test_growth")
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	took = costs{time.Since(began), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if text, err := os.ReadFile(peaks); err == nil {
		peak, _ = strconv.Atoi(string(text))
	}
	return took, peak
}

func countLines(t *testing.T, path string) (n int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		n++
	}
	return n
}

const growthMapping = `payrec: mapping/v1
name: many
columns:
  ref: {from: ref, type: id}
  at: {from: at, type: datetime, format: '%Y-%m-%dT%H:%M:%SZ', timezone: UTC}
  gross: {from: gross, type: money, in: eur}
rows: [{is: payment, when: "true"}]
payment: {key: =ref}
emit:
  - on: payment
    call: report_payment
    id: =ref
    set: {amount_requested: =gross, paid_at: =at, reference: =ref, method: {name: Many}}
`

// writeMany writes the mapping and the settlement file of what [manyListed] lists.
func writeMany(t *testing.T, dir string, n int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "many.yaml"), []byte(growthMapping), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "many.csv"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "ref,at,gross")
	for i := range n {
		value := manyValue(i)
		fmt.Fprintf(w, "TX%016d,%s,%d.%02d\n", i, time.Unix(manyPaid(i), 0).UTC().Format(time.RFC3339), value/100, value%100)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// The payments were reported twenty to a second, as an import leaves them, and
// paid in the course of a year, out of that order.
func manyReported(i int) int64 { return 1_772_353_800 - int64(i)/20 }
func manyPaid(i int) int64     { return 1_735_693_200 + int64(i)*31%31_000_000 }
func manyValue(i int) int64    { return 1000 + int64(i)%9000 }

// manyRecord is a record as the API writes it, with §i§ for its number, §r§ for
// when it was reported, §p§ for when it was paid and §v§ for its value.
const manyRecord = `{"id":"pr_many§i§","object":"payment_record","amount":{"currency":"eur","value":§v§},` +
	`"amount_authorized":{"currency":"eur","value":0},"amount_canceled":{"currency":"eur","value":0},"amount_failed":{"currency":"eur","value":0},` +
	`"amount_guaranteed":{"currency":"eur","value":§v§},"amount_refunded":{"currency":"eur","value":0},"amount_requested":{"currency":"eur","value":§v§},` +
	`"application":null,"created":§r§,"customer_details":{"customer":null,"email":"payer@example.com","name":"Ann Lee","phone":null},"customer_presence":null,"description":null,` +
	`"latest_payment_attempt_record":"par_many§i§","livemode":false,"metadata":{"order":"DE/ORD-§i§","payrec_fee":"0.30","payrec_file":"many.csv",` +
	`"payrec_guaranteed_at":"§p§","payrec_h":"71414ed2ff5d","payrec_initiated_at":"§p§","payrec_line":"2","payrec_net":"9.70","payrec_net_currency":"eur",` +
	`"payrec_op":"op0000000000§i§","payrec_source":"many","settled_on":"2026-03-03"},` +
	`"payment_method_details":{"billing_details":{"address":{"city":null,"country":null,"line1":null,"line2":null,"postal_code":null,"state":null},` +
	`"email":null,"name":null,"phone":null},"custom":{"display_name":"Many","type":null},"payment_method":null,"type":"custom"},` +
	`"processor_details":{"custom":{"payment_reference":"TX§i§"},"type":"custom"},"reported_by":"self","shipping_details":null}`

// manyListed is an account of so many payments. To list them costs a small part of
// what it costs to read them.
type manyListed struct {
	n     int
	parts []string // of manyRecord: texts and verbs in turn
}

func (l *manyListed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/payment_records" {
		http.NotFound(w, r)
		return
	}
	q := r.URL.Query()
	first, end := 0, l.n
	if before, err := strconv.ParseInt(q.Get("created_before"), 10, 64); err == nil {
		first = sort.Search(l.n, func(i int) bool { return manyReported(i) <= before })
	}
	if after, err := strconv.ParseInt(q.Get("created_after"), 10, 64); err == nil {
		end = sort.Search(l.n, func(i int) bool { return manyReported(i) < after })
	}
	if i, err := strconv.Atoi(strings.TrimPrefix(q.Get("starting_after"), "pr_many")); err == nil {
		first = max(first, i+1)
	}
	last := max(first, min(end, first+100))
	b := make([]byte, 0, 256<<10)
	b = fmt.Appendf(b, `{"object":"list","url":"/v1/payment_records","has_more":%t,"data":[`, last < end)
	for i := first; i < last; i++ {
		if i > first {
			b = append(b, ',')
		}
		b = l.appendRecord(b, i)
	}
	w.Header()["Content-Type"] = []string{"application/json"}
	w.Write(append(b, "]}"...))
}

func (l *manyListed) appendRecord(b []byte, i int) []byte {
	for n, part := range l.parts {
		switch {
		case n%2 == 0:
			b = append(b, part...)
		case part == "i":
			for digit := int64(1e15); digit > 0; digit /= 10 {
				b = append(b, '0'+byte(int64(i)/digit%10))
			}
		case part == "r":
			b = strconv.AppendInt(b, manyReported(i), 10)
		case part == "v":
			b = strconv.AppendInt(b, manyValue(i), 10)
		case part == "p":
			b = time.Unix(manyPaid(i), 0).UTC().AppendFormat(b, time.RFC3339)
		}
	}
	return b
}
