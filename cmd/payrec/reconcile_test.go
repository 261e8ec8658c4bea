package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/sandbox"
)

// TestReconcileFindsWhatWasPlanted: 12 discrepancies are planted in the files
// and the account of a back-fill that was imported whole. Each is found under
// its name, and nothing else is.
func TestReconcileFindsWhatWasPlanted(t *testing.T) {
	n := 5_000
	switch {
	case os.Getenv("PAYREC_TEST_LONG") != "":
		n = 50_000
	case testing.Short():
		n = 1_000
	}
	t.Chdir(t.TempDir())
	history(t, "history.csv", n)
	appendLine(t, "history.csv", "2026-05-05,7.77,EUR,P-byhand,payment,,0")
	payrec(t, exitOK, "import", "history.csv", "-m", "generic-csv", "--sandbox")
	args := []string{"reconcile", "history.csv", "-m", "generic-csv", "--sandbox", "--within", "--json", "--force"}
	before := reconciled(t, payrec(t, exitOK, append(args, "-o", "before.csv")...))
	if before.Summary.Payments != n+1 || before.Summary.Open != 0 || before.Status != 0 {
		t.Fatalf("before anything was planted: %+v", before.Summary)
	}

	want := map[string]string{}
	plant := func(state, payment string) string { want[payment] = state; return payment }
	src, err := os.ReadFile("history.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(src), "\n")
	edit := func(reference string, f func(cells []string) string) {
		i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, ","+reference+",") })
		lines[i] = f(strings.Split(strings.TrimSuffix(lines[i], "\n"), ","))
	}
	drop := func([]string) string { return "" }
	amount := func(to string) func([]string) string {
		return func(c []string) string { c[1] = to; return strings.Join(c, ",") + "\n" }
	}
	lines = append(lines, "2026-03-03,10.00,EUR,"+plant("missing at Stripe", "NEW-1")+",payment,,0\n")
	lines = append(lines, "2026-03-03,1.00,EUR,R-NEW,refund,"+plant("missing at Stripe", "NEW-2")+",0\n")
	edit(plant("not in file", "P-00011"), drop)
	edit(plant("not in file", "P-00013"), drop)
	edit(plant("amount mismatch", "P-00100"), amount("1234.00"))
	edit(plant("amount mismatch", "P-00101"), amount("0.01"))
	edit(plant("currency mismatch", "P-00104"), func(c []string) string { c[2] = "CHF"; return strings.Join(c, ",") + "\n" })
	plant("refund mismatch", "P-00020") // removed from the file
	edit("R-00020", drop)
	plant("refund mismatch", "P-00021") // another amount
	edit("R-00021", amount("0.50"))
	lines = append(lines, "2026-12-29,0.10,EUR,R-added,refund,"+plant("refund mismatch", "P-00016")+",0\n")
	reportBeside(t, "P-00201", plant("duplicate", "P-00201"))
	refund(t, before, plant("refund mismatch", "P-byhand"))
	reportBeside(t, "X-1", "SOMEBODY-ELSE") // without a stamp, and no payment of the files: nobody's fault
	if len(want) != 12 {
		t.Fatalf("%d are planted", len(want))
	}
	if err := os.WriteFile("history.csv", []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}

	after := reconciled(t, payrec(t, exitPartial, append(args, "-o", "after.csv")...))
	got := map[string]string{}
	for _, item := range after.Open {
		got[item.Payment] = string(item.State)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-planted +found)\n%s", d)
	}
	if after.Summary.Payments != n+3 || after.Status != exitPartial {
		t.Errorf("%+v", after.Summary)
	}
	rows := readCSV(t, "after.csv")
	if len(rows) != n+4 {
		t.Errorf("%d lines in the file", len(rows))
	}
	for _, row := range rows[1:] {
		if state := cmp.Diff(row[0], first(want[row[1]], "matched")); state != "" {
			t.Errorf("%s: %s", row[1], state)
		}
	}
	// Without a period nobody knows what should be in the files.
	if some := reconciled(t, payrec(t, exitPartial, "reconcile", "history.csv", "-m", "generic-csv", "--sandbox", "--json")); some.Summary.Open != 9 {
		t.Errorf("without a period %d are open", some.Summary.Open)
	}
}

func reconciled(t *testing.T, out string) (r reconcileResult) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %.300s", err, out)
	}
	return r
}

func appendLine(t *testing.T, path, line string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append(b, line+"\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// reportBeside reports a payment past payrec.
func reportBeside(t *testing.T, key, reference string) {
	t.Helper()
	post(t, "/v1/payment_records/report_payment", key, url.Values{
		"amount_requested[value]": {"100"}, "amount_requested[currency]": {"eur"}, "initiated_at": {"1770000000"},
		"outcome": {"guaranteed"}, "guaranteed[guaranteed_at]": {"1770000000"}, "payment_method_details[type]": {"custom"},
		"processor_details[type]": {"custom"}, "processor_details[custom][payment_reference]": {reference},
	})
}

// refund refunds a payment past payrec.
func refund(t *testing.T, _ reconcileResult, payment string) {
	t.Helper()
	rows := readCSV(t, "before.csv")
	i := slices.IndexFunc(rows, func(row []string) bool { return row[1] == payment })
	id := rows[i][slices.Index(rows[0], "payment_records")]
	post(t, "/v1/payment_records/"+id+"/report_refund", "by hand", url.Values{
		"outcome": {"refunded"}, "amount[value]": {"77"}, "amount[currency]": {"eur"}, "refunded[refunded_at]": {"1780000000"},
		"processor_details[type]": {"custom"}, "processor_details[custom][refund_reference]": {"by-hand"},
	})
}

func post(t *testing.T, path, key string, form url.Values) {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{State: defaultSandbox})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_x")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Idempotency-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d", path, resp.StatusCode)
	}
}
