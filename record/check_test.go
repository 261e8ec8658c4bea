package record

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// valid gives parameters that a call takes, as few as it needs.
func valid(call CallName) Params {
	switch call {
	case ReportPayment:
		return params("amount_requested.currency", "usd", "amount_requested.value", "1050", "initiated_at", "1767686430",
			"payment_method_details.type", "custom")
	case ReportPaymentAttempt:
		return params("initiated_at", "1767686430")
	case ReportPaymentAttemptGuaranteed:
		return params("guaranteed_at", "1767686430")
	case ReportPaymentAttemptFailed:
		return params("failed_at", "1767686430")
	case ReportPaymentAttemptCanceled:
		return params("canceled_at", "1767686430")
	case ReportRefund:
		return params("outcome", "refunded", "processor_details.type", "custom", "processor_details.custom.refund_reference", "R1")
	}
	return nil
}

func kinds(errs []*FieldError) string {
	var s []string
	for _, e := range errs {
		s = append(s, fmt.Sprintf("%s %s", e.Path, [...]string{"unknown", "missing", "invalid", "too long"}[e.Kind]))
	}
	return strings.Join(s, "; ")
}

func TestCheckTakesWhatIsValid(t *testing.T) {
	for _, call := range Calls() {
		if errs := SpecOf(call).Check(valid(call)); len(errs) > 0 {
			t.Errorf("%s: %s", call, kinds(errs))
		}
	}
}

// TestCheckNeedsWhatIsRequired takes away one required field after the other.
func TestCheckNeedsWhatIsRequired(t *testing.T) {
	for _, call := range Calls() {
		for i, gone := range valid(call) {
			p := slices.Delete(slices.Clone(valid(call)), i, i+1)
			errs := SpecOf(call).Check(p)
			// Taking the only field of an object away makes the object missing.
			if len(errs) != 1 || errs[0].Kind != Missing || !strings.HasPrefix(gone.Path, errs[0].Path) && !strings.HasPrefix(errs[0].Path, gone.Path) {
				t.Errorf("%s without %s: %s", call, gone.Path, kinds(errs))
			}
		}
	}
}

func TestCheck(t *testing.T) {
	pairs := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("metadata.k%02d", i), "v")
		}
		return list
	}
	pmd := "payment_method_details"
	for _, tt := range []struct {
		name string
		call CallName
		add  []string // set besides what is valid; "-" takes a path away
		want string
	}{
		{"unknown", ReportPayment, []string{"colour", "red"}, "colour unknown"},
		{"unknown below an object", ReportPayment, []string{"customer_details.colour", "red"}, "customer_details.colour unknown"},
		{"unknown below a text", ReportPayment, []string{"description.x", "red"}, "description.x unknown"},
		{"of another call", ReportPaymentAttempt, []string{"processor_details.type", "custom"}, "processor_details.type unknown"},
		{"outcome of another call", ReportRefund, []string{"guaranteed.guaranteed_at", "1"}, "guaranteed.guaranteed_at unknown"},
		{"method of another call", ReportRefund, []string{pmd + ".custom.type", "x"}, pmd + ".custom.type unknown"},
		{"an object as text", ReportPayment, []string{"customer_details", "x"}, "customer_details invalid"},
		{"money as text", ReportPayment, []string{"amount_requested", "10.50"}, "amount_requested invalid"},

		{"nested requirement", ReportPayment, []string{"processor_details.custom.payment_reference", "A1"}, "processor_details.type missing"},
		{"half an amount", ReportRefund, []string{"amount.value", "5"}, "amount.currency missing"},
		{"an optional amount", ReportRefund, []string{"amount.value", "5", "amount.currency", "eur"}, ""},
		{"a refund without reference", ReportRefund, []string{"-", "processor_details.custom.refund_reference"}, "processor_details.custom missing"},
		{"method by id", ReportPayment, []string{"-", pmd + ".type", pmd + ".payment_method", "pm_1"}, ""},
		{"method of no type", ReportPayment, []string{"-", pmd + ".type", pmd + ".billing_details.name", "A"}, pmd + ".type missing"},

		{"outcome and its time", ReportPayment, []string{"outcome", "guaranteed", "guaranteed.guaranteed_at", "1"}, ""},
		{"outcome without its time", ReportPayment, []string{"outcome", "guaranteed"}, "guaranteed.guaranteed_at missing"},
		{"failure without its time", ReportPaymentAttempt, []string{"outcome", "failed"}, "failed.failed_at missing"},
		{"time without outcome", ReportPayment, []string{"failed.failed_at", "1"}, "outcome missing"},
		{"time of the other outcome", ReportPayment, []string{"outcome", "failed", "failed.failed_at", "1", "guaranteed.guaranteed_at", "1"}, "outcome missing"},
		{"no outcome at all", ReportPayment, []string{"outcome", "lost"}, "outcome invalid"},
		{"canceled is of a later version", ReportPayment, []string{"outcome", "canceled"}, "outcome invalid"},
		{"letter case", ReportRefund, []string{"outcome", "Refunded"}, "outcome invalid"},

		{"largest amount", ReportPayment, []string{"amount_requested.value", "999999999999"}, ""},
		{"13 digits", ReportPayment, []string{"amount_requested.value", "1000000000000"}, "amount_requested.value invalid"},
		{"20 digits", ReportPayment, []string{"amount_requested.value", "99999999999999999999"}, "amount_requested.value invalid"},
		{"zero", ReportPayment, []string{"amount_requested.value", "0"}, "amount_requested.value invalid"},
		{"negative", ReportPayment, []string{"amount_requested.value", "-5"}, "amount_requested.value invalid"},
		{"decimals", ReportPayment, []string{"amount_requested.value", "10.50"}, "amount_requested.value invalid"},
		{"another spelling", ReportPayment, []string{"amount_requested.value", "+5"}, "amount_requested.value invalid"},
		{"leading zeros", ReportPayment, []string{"amount_requested.value", "007"}, "amount_requested.value invalid"},
		{"no value", ReportPayment, []string{"amount_requested.value", ""}, "amount_requested.value invalid"},
		{"other digits", ReportPayment, []string{"amount_requested.value", "١٢"}, "amount_requested.value invalid"},
		{"krona in hundredths", ReportPayment, []string{"amount_requested.currency", "isk", "amount_requested.value", "1000"}, ""},
		{"part of a krona", ReportPayment, []string{"amount_requested.currency", "isk"}, "amount_requested.value invalid"},
		{"part of ten fils", ReportRefund, []string{"amount.currency", "kwd", "amount.value", "1005"}, "amount.value invalid"},
		{"currency in capitals", ReportPayment, []string{"amount_requested.currency", "USD"}, "amount_requested.currency invalid"},
		{"no currency", ReportPayment, []string{"amount_requested.currency", "xyz"}, "amount_requested.currency invalid"},

		{"milliseconds", ReportPayment, []string{"initiated_at", "1767686430000"}, "initiated_at invalid"},
		{"a date", ReportPayment, []string{"initiated_at", "2026-01-06"}, "initiated_at invalid"},
		{"the epoch", ReportPayment, []string{"initiated_at", "0"}, "initiated_at invalid"},

		{"longest text", ReportPayment, []string{"description", strings.Repeat("語", 5000)}, ""},
		{"text too long", ReportPayment, []string{"description", strings.Repeat("語", 5001)}, "description too long"},
		{"longest e-mail", ReportPayment, []string{"customer_details.email", strings.Repeat("é", 800)}, ""},
		{"e-mail too long", ReportPayment, []string{"customer_details.email", strings.Repeat("é", 801)}, "customer_details.email too long"},
		{"empty text", ReportPayment, []string{"description", ""}, "description invalid"},
		{"not UTF-8", ReportPayment, []string{"description", "a\xff"}, "description invalid"},

		{"unset text", ReportPaymentAttemptInformational, []string{"description", ""}, ""},
		{"unset object", ReportPaymentAttemptInformational, []string{"shipping_details", ""}, ""},
		{"unset object elsewhere", ReportPayment, []string{"shipping_details", ""}, "shipping_details invalid"},
		{"unset and set", ReportPaymentAttemptInformational, []string{"shipping_details", "", "shipping_details.name", "A"}, "shipping_details invalid"},
		{"unset and set metadata", ReportPaymentAttempt, []string{"metadata", "", "metadata.a", "1"}, "metadata invalid"},

		{"50 pairs", ReportPayment, pairs(50), ""},
		{"51 pairs", ReportPayment, pairs(51), "metadata too long"},
		{"longest key and value", ReportPayment, []string{"metadata." + strings.Repeat("ä", 40), strings.Repeat("語", 500)}, ""},
		{"key too long", ReportPayment, []string{"metadata." + strings.Repeat("a", 41), "v"}, "metadata." + strings.Repeat("a", 41) + " too long"},
		{"value too long", ReportPayment, []string{"metadata.a", strings.Repeat("v", 501)}, "metadata.a too long"},
		{"dots in a key", ReportPayment, []string{"metadata.a.b.c", "v"}, ""},
		{"brackets in a key", ReportPayment, []string{"metadata.a[b]", "v"}, "metadata.a[b] invalid"},
		{"brackets in a key that is unset", ReportPayment, []string{"metadata.a]", ""}, "metadata.a] invalid"},
		{"empty key", ReportPayment, []string{"metadata.", "v"}, "metadata. invalid"},
		{"empty key that is unset", ReportPayment, []string{"metadata.", ""}, "metadata. invalid"},
		{"unset pair", ReportPayment, []string{"metadata.a", ""}, ""},
		{"unset all", ReportPayment, []string{"metadata", ""}, ""},
		{"metadata as text", ReportPayment, []string{"metadata", "a=b"}, "metadata invalid"},
		{"key not UTF-8", ReportPayment, []string{"metadata.\xff", "v"}, "metadata.\xff invalid"},

		{"several faults", ReportPayment, []string{"colour", "red", "description", "", "-", "initiated_at"},
			"colour unknown; description invalid; initiated_at missing"},
	} {
		p := valid(tt.call)
		for i := 0; i < len(tt.add); i += 2 {
			if tt.add[i] != "-" {
				p.Set(tt.add[i], tt.add[i+1])
				continue
			}
			p = slices.DeleteFunc(p, func(f Param) bool { return f.Path == tt.add[i+1] })
		}
		if got := kinds(SpecOf(tt.call).Check(p)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestFieldError(t *testing.T) {
	for _, tt := range []struct {
		e    FieldError
		want string
	}{
		{FieldError{Msg: "nothing is set"}, "nothing is set"},
		{FieldError{Path: "initiated_at", Kind: Missing, Msg: "report_payment needs it"}, "initiated_at: report_payment needs it"},
		{FieldError{"amount.value", "1\n5", Invalid, "must be an integer"}, `amount.value: must be an integer: "1\n5"`},
	} {
		if got := tt.e.Error(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	p := params("description", strings.Repeat("語", 1e5))
	for _, e := range SpecOf(ReportPaymentAttemptInformational).Check(p) {
		if len(e.Error()) > 250 || !strings.Contains(e.Error(), "語…") {
			t.Errorf("a message of %d bytes: %.300s", len(e.Error()), e)
		}
	}
}

// TestCheckIsTotal: whatever the parameters, Check ends, and what it finds
// fault with is there or is named as missing.
func TestCheckIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		call := rapid.SampledFrom(Calls()).Draw(t, "call")
		spec := SpecOf(call)
		paths := make([]string, 0, len(spec.Fields))
		for _, f := range spec.Fields {
			paths = append(paths, f.Path, f.Path+".x")
		}
		p := genParams().Draw(t, "odd")
		for range rapid.IntRange(0, 12).Draw(t, "n") {
			p.Set(rapid.SampledFrom(paths).Draw(t, "path"), rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"1", "usd", "custom", ""})).Draw(t, "value"))
		}
		for _, e := range spec.Check(p) {
			switch has := p.Has(e.Path); {
			case e.Msg == "":
				t.Fatalf("%s: says nothing", e.Path)
			case !has && e.Kind != Missing && e.Path != "metadata":
				t.Fatalf("%v: is not there", e)
			}
			if _, known := spec.Field(e.Path); known == (e.Kind == Unknown) {
				t.Fatalf("%v: is known: %v", e, known)
			}
		}
	})
}

// FuzzParams: form and check take any path and text.
func FuzzParams(f *testing.F) {
	f.Add("metadata.a.b", "v", "amount_requested.value", "1050")
	f.Add("metadata", "", "metadata.", "")
	f.Add("", "", ".", "\xff")
	f.Fuzz(func(t *testing.T, path1, value1, path2, value2 string) {
		p := params(path1, value1, path2, value2)
		if path1 != path2 && strings.Count(string(p.Form()), "&") != 1 {
			t.Fatalf("%q", p.Form())
		}
		for _, call := range Calls() {
			SpecOf(call).Check(p)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	spec, p := SpecOf(ReportPayment), valid(ReportPayment)
	p.Set("metadata.payrec_op", "ay74o6fg2wth2r674et4tafwkd")
	b.ReportAllocs()
	for b.Loop() {
		if errs := spec.Check(p); len(errs) > 0 {
			b.Fatal(errs[0])
		}
	}
}
