package stripeapi

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wholeRecord is a record as the API answers with it.
const wholeRecord = `{"id":"pr_1Nv0FG","object":"payment_record","amount":{"currency":"eur","value":14469},"application":null,"created":1770076800,
	"customer_details":{"customer":null,"email":"bela@example.org","name":"B\u00e9la \"V\"","phone":null},"description":"Größe","latest_payment_attempt_record":"par_1Nv0FG",
	"livemode":false,"metadata":{"a":"[1,2]","payrec_refund_x":"{\"op\":\"x\"}"},"numbers":[0,-1.5e+10,2E-3,[]],"empty":{},"reported_by":"self"}`

// What the scanner says it understood is what encoding/json reads; ordinary
// answers it does understand.
func TestScanRecord(t *testing.T) {
	for _, ok := range []string{wholeRecord, goodRecord, " {} ", `{"id":"pr_1","latest_payment_attempt_record":null}`} {
		if !scanRecord([]byte(ok), new(answerBody)) {
			t.Errorf("left to encoding/json: %s", ok)
		}
	}
	for i := range len(wholeRecord) {
		if scanRecord([]byte(wholeRecord[:i]), new(answerBody)) {
			t.Fatalf("took the first %d bytes for all", i)
		}
	}
	for _, other := range []string{
		"", "null", "[]", `"x"`, `{"id":"pr_1"} {}`, `{"id":1}`, `{"id":null}`, `{"ID":"pr_1"}`, `{"id":"pr_1","id":"pr_2"}`, `{"\u0069d":"pr_1"}`,
		`{"ob\u006aect":"x"}`, `{"livemode":null}`, `{"livemode":"false"}`, `{"livemode":true,"livemode":false}`, `{"error":{"type":"api_error"}}`, `{"ERROR":{}}`,
		`{"x":01}`, `{"x":+1}`, `{"x":1.}`, `{"x":.5}`, `{"x":1e}`, `{"x":-}`, `{"x":tru}`, `{"x":"\x"}`, `{"x":"\u12g4"}`, "{\"x\":\"\n\"}", `{"x":[1,]}`, `{"x":{"y"}}`, `{"x":{1:2}}`, `{,}`, `{"x":1,}`,
		`{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, `{"id":"pr_1é"}`, "{\"id\":\"pr_1\xff\"}", "{\"lıvemode\":true}", "{\"liveMode\":true}",
	} {
		if scanRecord([]byte(other), new(answerBody)) {
			t.Errorf("not left to encoding/json: %s", other)
		}
	}
}

func FuzzScanRecord(f *testing.F) {
	for _, s := range []string{wholeRecord, goodRecord, `{"id":"pr_1","x":"\ud800"}`, `{"ſ":1,"K":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got, want answerBody
		if !scanRecord(raw, &got) {
			return
		}
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", raw, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: %s", raw, diff)
		}
	})
}

func BenchmarkDecodeAnswer(b *testing.B) {
	raw := []byte(wholeRecord)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeAnswer(raw); err != nil {
			b.Fatal(err)
		}
	}
}
