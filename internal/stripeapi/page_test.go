package stripeapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/payrec/payrec/record"
)

// listedRecord is a record as the API lists it.
const listedRecord = `{"id":"pr_1Nv0FG","object":"payment_record","amount":{"currency":"eur","value":14469},"amount_authorized":{"currency":"eur","value":0},
	"amount_canceled":{"currency":"eur","value":0},"amount_failed":{"currency":"eur","value":-1},"amount_guaranteed":{"currency":"eur","value":14469},
	"amount_refunded":{"value":5,"currency":"eur"},"amount_requested":{"currency":"eur","value":9223372036854775807},"application":"ca_1","created":1770076800,
	"customer_details":{"customer":null,"email":"bela@example.org","name":"B\u00e9la \"V\"","phone":"+36 1"},"customer_presence":null,"description":"Größe",
	"latest_payment_attempt_record":"par_1Nv0FG","livemode":true,"metadata":{"order":"7","gr\u00fc\u00dfe":"ö","payrec_refund_x":"{\"op\":\"x\"}","":""},
	"payment_method_details":{"billing_details":{"address":{"city":"Wien","country":"AT","line1":"1","line2":"2","postal_code":"1010","state":"W"},"email":"e","name":"n","phone":"p"},
	"custom":{"display_name":"Bar","type":"cpmt_1"},"payment_method":"pm_1","type":"custom","card":{"last4":"4242", "x":[1, 2.5e3]},"klarna":{"a":null}},
	"processor_details":{"custom":{"payment_reference":"R 1"},"type":"custom"},"reported_by":"self",
	"shipping_details":{"address":{"city":null,"country":null,"line1":"L","line2":null,"postal_code":null,"state":null},"name":"S","phone":null},"new_field":[{"a":[]}]}`

// bareRecord has nulls wherever it may.
const bareRecord = `{"id":"pr_2","object":"payment_record","amount":null,"application":null,"created":null,"customer_details":null,"customer_presence":null,"description":null,
	"latest_payment_attempt_record":null,"livemode":false,"metadata":null,"payment_method_details":null,"processor_details":null,"reported_by":null,"shipping_details":null}`

func pageOf(more bool, records ...string) string {
	return fmt.Sprintf(`{"object":"list","url":"/v1/payment_records","has_more":%t,"data":[%s]}`, more, strings.Join(records, ","))
}

// holdPage says whether the scanner understood a page, and demands that it is then
// what encoding/json reads.
func holdPage(t *testing.T, raw string) bool {
	t.Helper()
	var got, want page[record.PaymentRecord]
	if !scanPage([]byte(raw), &got) {
		return false
	}
	if err := json.Unmarshal([]byte(raw), &want); err != nil {
		t.Fatalf("encoding/json refuses %q: %v", raw, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q: %s", raw, diff)
	}
	return true
}

func TestScanPage(t *testing.T) {
	small := `{"id":"pr_3","metadata":{"order":"7","n":"8"},"payment_method_details":{"billing_details":null,"custom":null,"type":"card"},"processor_details":{"custom":null}}`
	for _, ok := range []string{
		pageOf(false), pageOf(true, listedRecord), pageOf(false, listedRecord, bareRecord, listedRecord, small, small, "{}"), "{}", ` {"has_more" : true , "data" : [ { } ] } `,
		pageOf(false, `{"metadata":{}}`, `{"metadata":{"a":"1","a":"2"}}`, `{"metadata":{"a":"3"}}`, `{"payment_method_details":{},"processor_details":{},"customer_details":{},"shipping_details":{}}`),
		pageOf(false, `{"description":"a`+"\xff\xfe"+`\n","id":"\ud800","reported_by":"\"\\\/\b\f\n\r\t"}`),
	} {
		if !holdPage(t, ok) {
			t.Errorf("left to encoding/json: %s", ok)
		}
	}
	whole := pageOf(true, listedRecord, bareRecord)
	for i := range whole {
		if scanPage([]byte(whole[:i]), new(page[record.PaymentRecord])) {
			t.Fatalf("took the first %d bytes for all", i)
		}
	}
	for _, other := range []string{
		"", "[]", whole + "x", `{"data":null}`, `{"has_more":null}`, `{"data":{}}`, `{"data":[null]}`, `{"data":[1]}`, `{"data":[],"data":[]}`, `{"Data":[]}`, `{"HAS_MORE":true}`, `{"d\u0061ta":[]}`,
		pageOf(false, `{"id":1}`), pageOf(false, `{"id":"a","id":"b"}`), pageOf(false, `{"ID":"a"}`), pageOf(false, `{"livemode":"true"}`), pageOf(false, `{"livemode":null}`),
		pageOf(false, `{"created":1.0}`), pageOf(false, `{"created":1e3}`), pageOf(false, `{"created":9223372036854775808}`), pageOf(false, `{"created":01}`), pageOf(false, `{"created":"1"}`),
		pageOf(false, `{"amount":[]}`), pageOf(false, `{"amount":{"value":1,"value":2}}`), pageOf(false, `{"metadata":{"a":null}}`), pageOf(false, `{"metadata":{"a":1}}`), pageOf(false, `{"metadata":[]}`),
		pageOf(false, `{"payment_method_details":{"card":null}}`), pageOf(false, `{"payment_method_details":"x"}`), pageOf(false, `{"x":{"y"}}`), pageOf(false, `{"description":"\x"}`), pageOf(false, "{\"description\":\"\n\"}"),
		pageOf(false, `{"id":"a",}`), pageOf(false, `{"metadata":{"a":"b",}}`), pageOf(false, `{"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`), pageOf(false, `{"cuſtomer_details":{}}`),
	} {
		if scanPage([]byte(other), new(page[record.PaymentRecord])) {
			t.Errorf("not left to encoding/json: %s", other)
		}
	}
	// What is left to encoding/json is read all the same, and nothing of the first try stays.
	var p page[record.PaymentRecord]
	if err := decodePage([]byte(`{"data":[{"id":"pr_1","ID":"pr_2"}],"has_more":true}`), &p); err != nil || len(p.Data) != 1 || p.Data[0].ID != "pr_2" || !*p.HasMore {
		t.Errorf("%+v, %v", p, err)
	}
}

func FuzzScanPage(f *testing.F) {
	for _, s := range []string{pageOf(true, listedRecord, bareRecord), pageOf(false, `{"metadata":{"a":"\ud800"},"payment_method_details":{"card":"x"}}`), `{"data":[{"ſ":1}],"has_more":false}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) { holdPage(t, raw) })
}

// TestPageAllocates holds what reading a listed record takes from memory: the
// record, its own texts and its metadata.
func TestPageAllocates(t *testing.T) {
	records := make([]string, 100)
	for i := range records {
		records[i] = strings.NewReplacer("pr_1Nv0FG", fmt.Sprintf("pr_1Nv0%d", i), `B\u00e9la \"V\"`, "Ann", `"{\"op\":\"x\"}"`, `"x"`, `gr\u00fc\u00dfe`, "g").Replace(listedRecord)
	}
	raw := []byte(pageOf(true, records...))
	each := testing.AllocsPerRun(20, func() {
		if !scanPage(raw, new(page[record.PaymentRecord])) {
			t.Error("left to encoding/json")
		}
	}) / 100
	if each > 30 {
		t.Errorf("%.1f allocations a record", each)
	}
}

func BenchmarkDecodePage(b *testing.B) {
	records := make([]string, 100)
	for i := range records {
		records[i] = listedRecord
	}
	raw := []byte(pageOf(true, records...))
	for name, decode := range map[string]func([]byte, any) error{"ours": decodePage, "encoding/json": json.Unmarshal} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := decode(raw, new(page[record.PaymentRecord])); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
