package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/payrec/payrec/record"
	"pgregory.net/rapid"
)

func idsOf(t testing.TB, r reply) []string {
	t.Helper()
	data, ok := r.at("data").([]any)
	if !ok || r.str("object") != "list" {
		t.Fatalf("not a list: %s", r.raw)
	}
	var ids []string
	for _, o := range data {
		ids = append(ids, o.(map[string]any)["id"].(string))
	}
	return ids
}

// Walking with any limit, in either direction, gives each record once and in
// order, even when the clock stood still or went back.
func TestPagingProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		clock := newClock()
		s := newSandbox(t, Options{Clock: clock.Now})
		var want []string // newest first
		created := map[string]int64{}
		for _, step := range rapid.SliceOfN(rapid.IntRange(-2, 3), 0, 40).Draw(rt, "clock steps") {
			clock.Move(time.Duration(step) * time.Second)
			id := inState(t, s, "initiated")
			created[id] = clock.Now().Unix()
			want = append([]string{id}, want...)
		}
		slices.SortStableFunc(want, func(a, b string) int { return int(created[b] - created[a]) })
		limit := rapid.IntRange(1, 45).Draw(rt, "limit")

		var got []string
		path := fmt.Sprintf("/v1/payment_records?limit=%d", limit)
		for cursor := ""; ; {
			r := get(t, s, path+cursor)
			page := idsOf(t, r)
			got = append(got, page...)
			if r.at("has_more") != true {
				break
			}
			if len(page) != limit {
				rt.Fatalf("has_more after %d of %d", len(page), limit)
			}
			cursor = "&starting_after=" + page[len(page)-1]
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("forwards: got %v, want %v", got, want)
		}
		if len(want) == 0 {
			return
		}
		got = []string{want[len(want)-1]}
		for more := true; more; {
			r := get(t, s, path+"&ending_before="+got[0])
			page := idsOf(t, r)
			got = append(page, got...)
			more = r.at("has_more") == true
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("backwards: got %v, want %v", got, want)
		}
		after, before := clock.Now().Unix()-3, clock.Now().Unix()+2
		var inWindow []string
		for _, id := range want {
			if created[id] > after && created[id] < before {
				inWindow = append(inWindow, id)
			}
		}
		r := get(t, s, fmt.Sprintf("/v1/payment_records?limit=100&created_after=%d&created_before=%d", after, before))
		if got := idsOf(t, r); !slices.Equal(got, inWindow) {
			rt.Fatalf("window: got %v, want %v", got, inWindow)
		}
	})
}

func TestListParameters(t *testing.T) {
	s := newSandbox(t, Options{Clock: newClock().Now})
	id := inState(t, s, "initiated")
	for range 11 {
		inState(t, s, "initiated")
	}
	for _, tt := range []struct {
		query         string
		status, count int
		code, param   string
	}{
		{"", 200, 10, "", ""},
		{"limit=100", 200, 12, "", ""},
		{"limit=0", 400, 0, "parameter_invalid_integer", "limit"},
		{"limit=101", 400, 0, "parameter_invalid_integer", "limit"},
		{"limit=x", 400, 0, "parameter_invalid_integer", "limit"},
		{"limit=", 400, 0, "parameter_invalid_empty", "limit"},
		{"starting_after=pr_none", 400, 0, "resource_missing", "starting_after"},
		{"ending_before=pr_none", 400, 0, "resource_missing", "ending_before"},
		{"starting_after=" + id + "&ending_before=" + id, 400, 0, "", "ending_before"},
		{"starting_after=" + id, 200, 0, "", ""},
		{"created_after=0", 200, 10, "", ""},
		{"created_before=0", 200, 0, "", ""},
		{"created_after=9999999999&created_before=5", 200, 0, "", ""},
		{"created_after=9999999999&starting_after=" + id, 200, 0, "", ""},
		{"created_before=5&ending_before=" + id, 200, 0, "", ""},
		{"created_after=-1", 400, 0, "parameter_invalid_integer", "created_after"},
		{"created_after=99999999999999999999", 400, 0, "parameter_invalid_integer", "created_after"},
		{"metadata[a]=1", 400, 0, "parameter_unknown", "metadata[a]"},
	} {
		r := get(t, s, "/v1/payment_records?"+tt.query)
		if r.status != tt.status || r.str("error", "code") != tt.code || r.str("error", "param") != tt.param {
			t.Errorf("%s: got %d %s", tt.query, r.status, r.raw)
		} else if r.status == 200 && len(idsOf(t, r)) != tt.count {
			t.Errorf("%s: got %d records, want %d", tt.query, len(idsOf(t, r)), tt.count)
		}
	}
	if r := get(t, s, "/v1/payment_records", "Stripe-Version", "2026-06-24.dahlia"); r.status != 404 {
		t.Errorf("old version: got %d %s", r.status, r.raw)
	}
	if r := get(t, s, "/v1/payment_records", "Stripe-Version", "2026-07-29.dahlia"); r.status != 200 {
		t.Errorf("first version: got %d %s", r.status, r.raw)
	}
}

func TestListAttempts(t *testing.T) {
	s := newSandbox(t, Options{})
	id := inState(t, s, "failed")
	for range 4 {
		post(t, s, "/v1/payment_records/"+id+"/report_payment_attempt", "initiated_at=1&outcome=failed&failed[failed_at]=1")
	}
	all := idsOf(t, get(t, s, "/v1/payment_attempt_records?payment_record="+id))
	var got []string
	for cursor, more := "", true; more; cursor = "&starting_after=" + got[len(got)-1] {
		r := get(t, s, "/v1/payment_attempt_records?limit=2&payment_record="+id+cursor)
		got = append(got, idsOf(t, r)...)
		more = r.at("has_more") == true
	}
	if len(all) != 5 || !slices.Equal(all, got) {
		t.Errorf("got %v, want %v", got, all)
	}
	for query, status := range map[string]int{"payment_record=pr_none": 400, "payment_record=" + id + "&starting_after=x": 400, "payment_record=" + id + "&limit=0": 400, "limit=1": 400} {
		if r := get(t, s, "/v1/payment_attempt_records?"+query); r.status != status {
			t.Errorf("%s: got %d %s", query, r.status, r.raw)
		}
	}
}

// The hand-written encoders write what encoding/json does.
func TestEncoding(t *testing.T) {
	s := newSandbox(t, Options{})
	for _, form := range []string{
		paymentForm(),
		paymentForm("description", "quotes \" \\ < > & ü \u2028 \x01", "metadata[z]", "1", "metadata[\"q\"]", "2", "customer_presence", "on_session",
			"customer_details[name]", "N", "shipping_details[address][city]", "C", "payment_method_details[billing_details][address][line1]", "L",
			"payment_method_details[billing_details][email]", "e@x", "payment_method_details[custom][type]", "cpmt_1"),
		paymentForm("payment_method_details[type]", "-", "payment_method_details[custom][display_name]", "-", "payment_method_details[payment_method]", "pm_1"),
	} {
		r := post(t, s, newPath, form)
		p := s.state.records[r.str("id")]
		if p == nil {
			t.Fatalf("got %s", r.raw)
		}
		same(t, recordObject{p.rec}, p.rec, new(record.PaymentRecord))
		same(t, attemptObject{p.latest().rec}, p.latest().rec, new(record.PaymentAttemptRecord))
	}
}

// same encodes by hand and by encoding/json, and compares what is read back,
// names and nulls included.
func same(t *testing.T, o object, v, into any) {
	t.Helper()
	want, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	got := o.appendTo(nil)
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d := json.NewDecoder(strings.NewReader(string(got)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Errorf("%v: %s", err, got)
	}
}

// Writers and readers at once; run with -race. The books must balance.
func TestParallel(t *testing.T) {
	s := newSandbox(t, Options{State: t.TempDir() + "/state"})
	var wg sync.WaitGroup
	const workers, each = 8, 40
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("k-%d", i) // the same keys from every worker
				r := post(t, s, newPath, paymentForm("processor_details[custom][payment_reference]", key), "Idempotency-Key", key)
				if r.status != 200 && r.status != 409 {
					t.Errorf("got %d %s", r.status, r.raw)
				}
				get(t, s, "/v1/payment_records?limit=100")
				if r.status == 200 {
					post(t, s, "/v1/payment_records/"+r.str("id")+"/report_payment_attempt_guaranteed", "guaranteed_at=1")
					post(t, s, "/v1/payment_records/"+r.str("id")+"/report_refund", refundForm(fmt.Sprintf("%d-%d", w, i), "amount[value]", "100", "amount[currency]", "usd"))
				}
				s.Totals()
			}
		})
	}
	wg.Wait()
	got := s.Totals()
	sums := got.RecordSums["usd"]
	if got.Records != each || sums.Guaranteed != each*1000 || sums.Refunded != int64(got.Refunds)*100 || got.Writes != int64(2*each+got.Refunds) {
		t.Errorf("got %+v", got)
	}
}
