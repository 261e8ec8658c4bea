package record

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// holdRefundStamp demands that what is scanned is what encoding/json reads.
func holdRefundStamp(t interface{ Fatalf(string, ...any) }, text string) bool {
	var got, want RefundStamp
	if !scanRefundStamp(text, &got) {
		return false
	}
	if err := json.Unmarshal([]byte(text), &want); err != nil || got != want {
		t.Fatalf("%s: %+v, encoding/json reads %+v, %v", text, got, want, err)
	}
	return true
}

func TestScanRefundStamp(t *testing.T) {
	for _, ok := range []string{
		`{"op":"op1","value":-5,"currency":"eur","at":"2026-06-20T10:00:00Z","ref":"R1","fee":"0.10","h":"0a","row":"a.csv:9"}`,
		`{"ref":"","value":9223372036854775807}`, `{"at":"","at":"x"}`,
	} {
		if !holdRefundStamp(t, ok) {
			t.Errorf("left to encoding/json: %s", ok)
		}
	}
	for _, other := range []string{
		"", "{}", "{", `{"value":01}`, `{"value":1.0}`, `{"value":}`, `{"value":"1"}`, `{"value":1,"value":2}`, `{"value":-0}`, `{"op":1}`, `{"op":"a","op":"b"}`, `{"OP":"a"}`, `{"x":"a"}`,
		`{"op":"a",}`, `{"op":"a"}}`, `{"op":"ä"}`, `{"op":"\""}`, `{"op":"a" }`, `{"op":null}`, `[]`, "{\"op\":\"\n\"}", `{"op":"a""ref":"b"}`, `{"value":9223372036854775808}`,
	} {
		if scanRefundStamp(other, new(RefundStamp)) {
			t.Errorf("not left to encoding/json: %s", other)
		}
	}
}

// TestRefundStampsAreRead: whatever a stamp holds, it is read as it was written.
func TestRefundStampsAreRead(t *testing.T) {
	text := rapid.OneOf(rapid.StringMatching(`[ -~]{0,20}`), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		b, err := json.Marshal(RefundStamp{Op: text.Draw(t, "op"), Value: rapid.Int64().Draw(t, "value"), Currency: Currency(text.Draw(t, "currency")), At: text.Draw(t, "at"),
			Reference: text.Draw(t, "ref"), Fee: text.Draw(t, "fee"), Content: text.Draw(t, "h"), Row: text.Draw(t, "row")})
		if err != nil {
			t.Fatal(err)
		}
		var want RefundStamp
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		holdRefundStamp(t, string(b))
		if got, ok, err := ParseRefundStamp(StampRefundPrefix+"x", string(b)); !ok || err != nil || got != want {
			t.Fatalf("%+v, %t, %v; want %+v", got, ok, err, want)
		}
	})
}

func FuzzScanRefundStamp(f *testing.F) {
	f.Add(`{"op":"op1","value":-5,"currency":"eur","ref":"R1"}`)
	f.Fuzz(func(t *testing.T, text string) { holdRefundStamp(t, text) })
}
