package stripeapi

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// Strings are read eight bytes at a time: every byte, with every neighbour that
// means something, at every place of two such steps and a half.
func TestScanStrings(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				for _, next := range []byte("a\"\\ \x00\x1f\x7f\x80\xff!#[]") {
					text := bytes.Repeat([]byte("a"), length)
					text[at] = byte(c)
					if at+1 < length {
						text[at+1] = next
					}
					plain := bytes.IndexFunc(text, func(r rune) bool { return r == '\\' || r >= 0x80 }) < 0
					holdScan(t, fmt.Appendf(nil, `{"x":["%s"]}`, text), true)
					holdScan(t, fmt.Appendf(nil, `{"id":"%s"}`, text), plain)
					holdScan(t, fmt.Appendf(nil, `{"%s":0}`, text), plain)
				}
			}
		}
	}
}

// holdScan demands that what is JSON is understood, unless it is left to
// encoding/json, and that nothing else is.
func holdScan(t *testing.T, raw []byte, plain bool) {
	t.Helper()
	if got, want := scanRecord(raw, new(answerBody)), plain && json.Valid(raw); got != want {
		t.Fatalf("understood %t, want %t: %q", got, want, raw)
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

// usualRecord is what a simple payment is answered with.
const usualRecord = `{"id":"pr_1Nv0FGQ9RKHgCVdK0aBcDeFg","object":"payment_record","amount":{"currency":"eur","value":14469},"amount_authorized":{"currency":"eur","value":14469},` +
	`"amount_canceled":{"currency":"eur","value":0},"amount_failed":{"currency":"eur","value":0},"amount_guaranteed":{"currency":"eur","value":14469},"amount_refunded":{"currency":"eur","value":0},` +
	`"amount_requested":{"currency":"eur","value":14469},"application":null,"created":1770076800,"customer_details":{"customer":null,"email":"bela@example.org","name":"Bela Vorbild","phone":null},` +
	`"customer_presence":null,"description":"Workshop in March","latest_payment_attempt_record":"par_1Nv0FGQ9RKHgCVdK0aBcDeFg","livemode":false,"metadata":{"payrec_op":"k3f9axk3f9axk3f9axk3f9axk3"},` +
	`"payment_method_details":{"billing_details":null,"custom":{"display_name":"Cash register","type":null},"payment_method":null,"type":"custom"},"processor_details":{"custom":{"payment_reference":"TR-0002"},"type":"custom"},"reported_by":"self","shipping_details":null}`

func BenchmarkDecodeAnswer(b *testing.B) {
	for name, raw := range map[string]string{"whole": wholeRecord, "usual": usualRecord} {
		b.Run(name, func(b *testing.B) {
			raw := []byte(raw)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeAnswer(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
