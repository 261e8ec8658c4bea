package record

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Operation ids stand in journals, in metadata and in idempotency keys: a
// change of these values would report every payment once more.
func TestOpIDIsStable(t *testing.T) {
	for _, tt := range []struct {
		scope, source string
		call          CallName
		natural, want string
	}{
		{"acct_1/live", "adyen", ReportPayment, "8816178914470123", "ay74o6fg2wth2r674et4tafwkd"},
		{"acct_1/live", "adyen", ReportRefund, "8816178914470123", "facarjn6ytnpnqlxlghl53y42o"},
		{"", "", "", "", "vttwqkz67zxxh4tbksupwgkan5"},
	} {
		if got := OpID(tt.scope, tt.source, tt.call, tt.natural); got != tt.want {
			t.Errorf("OpID(%q, %q, %q, %q) = %s, want %s", tt.scope, tt.source, tt.call, tt.natural, got, tt.want)
		}
	}
}

// TestOpIDTellsArgumentsApart: ids are equal for equal arguments only, however
// a text is parted among them.
func TestOpIDTellsArgumentsApart(t *testing.T) {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", "ab", "1:a", "0:", "a1:", ":", "\x00"}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		var a, b [4]string
		for i := range a {
			a[i] = text.Draw(t, "a")
			b[i] = a[i]
			if rapid.Bool().Draw(t, "differ") {
				b[i] = text.Draw(t, "b")
			}
		}
		x, y := OpID(a[0], a[1], CallName(a[2]), a[3]), OpID(b[0], b[1], CallName(b[2]), b[3])
		if (x == y) != (a == b) {
			t.Fatalf("%q %s\n%q %s", a, x, b, y)
		}
		if len(x) != 26 || strings.Trim(x, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Fatalf("%q is not 26 characters of base 32", x)
		}
		if !stampFits(x) {
			t.Fatalf("%q is too long for a refund's metadata key", x)
		}
	})
}

// stampFits says whether an operation's id fits its refund's key uncut.
func stampFits(id string) bool { return len(StampRefundPrefix+id) <= MaxMetadataKey }

func TestKey(t *testing.T) {
	s := Step{Op: Op{ID: "abc"}}
	if got := s.Key(); got != "payrec-abc-0" {
		t.Error(got)
	}
	s.Epoch = 12
	if got := s.Key(); got != "payrec-abc-12" {
		t.Error(got)
	}
	s.ID = OpID("a", "b", ReportPayment, strings.Repeat("x", 1e5))
	if len(s.Key()) > 255 {
		t.Errorf("a key of %d characters; the API takes 255", len(s.Key()))
	}
}

func TestRefundStampRoundTrip(t *testing.T) {
	full := RefundStamp{Op: OpID("a", "b", ReportRefund, "r1"), Value: 50, Currency: "eur", At: "2026-01-06T08:00:30Z",
		Reference: "RF<1>&\"é\"", Fee: "-0.30", Row: "märz.csv:118"}
	noRow, bare := full, full
	noRow.Row, bare.Row, bare.Reference = "", "", ""
	long := func(change func(*RefundStamp)) RefundStamp { s := full; change(&s); return s }
	for name, tt := range map[string]struct{ in, want RefundStamp }{
		"all of it":        {full, full},
		"least":            {RefundStamp{Op: "x", Value: 1, Currency: "usd"}, RefundStamp{Op: "x", Value: 1, Currency: "usd"}},
		"long file name":   {long(func(s *RefundStamp) { s.Row = strings.Repeat("ä", 600) + ":1" }), noRow},
		"long reference":   {long(func(s *RefundStamp) { s.Reference = strings.Repeat("ж", 5000) }), bare},
		"escapes grow":     {long(func(s *RefundStamp) { s.Row = strings.Repeat("<", 80) }), noRow},
		"characters count": {long(func(s *RefundStamp) { s.Row = strings.Repeat("語", 250) }), long(func(s *RefundStamp) { s.Row = strings.Repeat("語", 250) })},
	} {
		key, value := tt.in.Pair()
		if utf8.RuneCountInString(key) > MaxMetadataKey || utf8.RuneCountInString(value) > MaxMetadataValue {
			t.Errorf("%s: %d and %d characters", name, len(key), len(value))
		}
		got, ok, err := ParseRefundStamp(key, value)
		if !ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestRefundStampsAreWithinTheLimits(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringN(0, 6000, -1), rapid.SampledFrom([]string{strings.Repeat("\x00", 200), strings.Repeat("\xff", 400), "é"}))
	rapid.Check(t, func(t *rapid.T) {
		s := RefundStamp{Op: OpID("", "", ReportRefund, text.Draw(t, "natural")), Value: rapid.Int64().Draw(t, "value"), Currency: "usd",
			At: "2026-01-06T08:00:30Z", Reference: text.Draw(t, "ref"), Fee: text.Draw(t, "fee"), Row: text.Draw(t, "row")}
		key, value := s.Pair()
		p := params("metadata."+key, value, "guaranteed_at", "1")
		if errs := SpecOf(ReportPaymentAttemptGuaranteed).Check(p); len(errs) > 0 {
			t.Fatalf("the API would refuse %q = %q: %v", key, value, errs[0])
		}
		got, ok, err := ParseRefundStamp(key, value)
		if !ok || err != nil || got.Op != s.Op || got.Value != s.Value || got.Currency != s.Currency || got.At != s.At {
			t.Fatalf("%v came back as %v, %v, %v", s, got, ok, err)
		}
		if utf8.ValidString(s.Reference) && got.Reference != s.Reference && got.Reference != "" {
			t.Fatalf("reference %q came back as %q: half a reference is another one", s.Reference, got.Reference)
		}
	})
}

// TestStampsAreJSON: stamps are as encoding/json writes them, for ever.
func TestStampsAreJSON(t *testing.T) {
	text := rapid.OneOf(rapid.StringN(0, 20, -1), rapid.SampledFrom([]string{"", "\xff", "\x7f", "<a&b>", "\"\\\n\u2028", "~ !"}))
	rapid.Check(t, func(t *rapid.T) {
		refund := RefundStamp{Op: text.Draw(t, "op"), Value: rapid.Int64().Draw(t, "value"), Currency: Currency(text.Draw(t, "currency")), At: text.Draw(t, "at"),
			Reference: text.Draw(t, "ref"), Fee: text.Draw(t, "fee"), Content: text.Draw(t, "h"), Row: text.Draw(t, "row")}
		call := CallStamp{Op: refund.Op, Call: CallName(refund.At), Content: refund.Content, Natural: refund.Reference, Row: refund.Row}
		_, a := refund.Pair()
		_, b := call.Pair()
		for value, stamp := range map[string]any{a: refund, b: call} {
			if want, err := json.Marshal(stamp); err != nil || value != string(want) {
				t.Fatalf("%s, want %s", value, want)
			}
		}
	})
}

func TestParseRefundStamp(t *testing.T) {
	for _, tt := range []struct {
		key, value string
		ok, bad    bool
	}{
		{"payrec_refund_abc", `{"op":"abc","value":1,"currency":"usd","ref":"r"}`, true, false},
		{"payrec_refund_abc", `{"op":"abc","value":1,"later":"ignored"}`, true, false},
		{"payrec_refund_abc", `{"op":"abc","value":1.5}`, true, true},
		{"payrec_refund_abc", `{"op":"abc","val`, true, true},
		{"payrec_refund_abc", ``, true, true},
		{"payrec_op", `{}`, false, false},
		{"payrec_refund", `{}`, false, false},
		{"order", "1", false, false},
	} {
		_, ok, err := ParseRefundStamp(tt.key, tt.value)
		if ok != tt.ok || (err != nil) != tt.bad {
			t.Errorf("%s = %s: %v, %v", tt.key, tt.value, ok, err)
		}
	}
}

func FuzzParseRefundStamp(f *testing.F) {
	f.Add("payrec_refund_abc", `{"op":"abc","value":1,"currency":"usd","ref":"r"}`)
	f.Add("payrec_refund_", `null`)
	f.Fuzz(func(t *testing.T, key, value string) {
		s, ok, err := ParseRefundStamp(key, value)
		if !ok || err != nil {
			return
		}
		if _, err := json.Marshal(s); err != nil {
			t.Fatal(err)
		}
		s.Pair() // comes to an end
	})
}
