package record

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The API's tables once more, in short: a ! is required where its object is,
// {…} are the fields below.
const (
	addressTable  = "address{city country line1 line2 postal_code state}"
	customerTable = "customer_details{customer email name phone}"
	shippingTable = "shipping_details{name phone " + addressTable + "}"
	methodTable   = "{type payment_method custom{type display_name} billing_details{name email phone " + addressTable + "}}"
	outcomeTable  = "outcome failed{failed_at!} guaranteed{guaranteed_at!}"
)

var callTables = map[CallName]string{
	ReportPayment: "amount_requested!{currency! value!} initiated_at! payment_method_details!" + methodTable +
		" processor_details{type! custom{payment_reference!}} " + outcomeTable + " " + customerTable +
		" customer_presence description metadata " + shippingTable,
	ReportPaymentAttempt: "initiated_at! " + outcomeTable + " description metadata payment_method_details" + methodTable +
		" " + shippingTable,
	ReportPaymentAttemptGuaranteed:    "guaranteed_at! metadata",
	ReportPaymentAttemptFailed:        "failed_at! metadata",
	ReportPaymentAttemptCanceled:      "canceled_at! metadata",
	ReportPaymentAttemptInformational: customerTable + " description metadata " + shippingTable,
	ReportRefund: "outcome! processor_details!{type! custom!{refund_reference!}} amount{currency! value!} initiated_at " +
		"refunded{refunded_at!} metadata",
}

// expand gives the dotted paths of a table, each with its !.
func expand(table string) []string {
	var paths, parents []string
	for _, word := range strings.Fields(strings.NewReplacer("{", " { ", "}", " } ").Replace(table)) {
		switch word {
		case "{":
			parents = append(parents, strings.TrimSuffix(paths[len(paths)-1], "!")+".")
		case "}":
			parents = parents[:len(parents)-1]
		default:
			prefix := ""
			if len(parents) > 0 {
				prefix = parents[len(parents)-1]
			}
			paths = append(paths, prefix+word)
		}
	}
	slices.Sort(paths)
	return paths
}

func TestSpecs(t *testing.T) {
	if len(callTables) != len(Calls()) {
		t.Fatalf("%d calls, %d tables", len(Calls()), len(callTables))
	}
	for _, call := range Calls() {
		spec := SpecOf(call)
		var got []string
		for i, f := range spec.Fields {
			if i > 0 && spec.Fields[i-1].Path >= f.Path {
				t.Errorf("%s: %q stands before %q", call, spec.Fields[i-1].Path, f.Path)
			}
			path := f.Path
			if f.Required {
				path += "!"
			}
			got = append(got, path)
		}
		slices.Sort(got)
		if d := cmp.Diff(expand(callTables[call]), got); d != "" {
			t.Errorf("%s: %s", call, d)
		}
	}
	for _, name := range []CallName{"", "report", "Report_Payment"} {
		if SpecOf(name) != nil {
			t.Errorf("%q has a spec", name)
		}
	}
}

// TestFieldTypes holds every field's type against what its name promises.
func TestFieldTypes(t *testing.T) {
	for _, call := range Calls() {
		spec := SpecOf(call)
		for _, f := range spec.Fields {
			last := f.Path[strings.LastIndexByte(f.Path, '.')+1:]
			parent := slices.ContainsFunc(spec.Fields, func(g Field) bool { return strings.HasPrefix(g.Path, f.Path+".") })
			want := TypeText
			switch {
			case last == "amount", last == "amount_requested":
				want = TypeMoney
			case f.Path == "metadata":
				want = TypeMetadata
			case parent:
				want = TypeObject
			case strings.HasSuffix(last, "_at"):
				want = TypeTimestamp
			case last == "value":
				want = TypeInteger
			case last == "currency":
				want = TypeCurrency
			case last == "outcome", last == "customer_presence",
				f.Path == "payment_method_details.type", f.Path == "processor_details.type":
				want = TypeEnum
			}
			if f.Type != want {
				t.Errorf("%s: %s has type %d, want %d", call, f.Path, f.Type, want)
			}
			if (f.Type == TypeEnum) != (len(f.Enum) > 0) {
				t.Errorf("%s: %s has values %q", call, f.Path, f.Enum)
			}
			longest := map[bool]int{true: 800, false: 5000}[last == "email"]
			if f.Type == TypeText && f.Max != longest {
				t.Errorf("%s: %s takes %d characters, want %d", call, f.Path, f.Max, longest)
			}
			unset := f.Path == "metadata" || call == ReportPaymentAttemptInformational && (f.Path == "description" || f.Path == "shipping_details")
			if f.Unset != unset {
				t.Errorf("%s: %s can be unset: %v", call, f.Path, f.Unset)
			}
		}
	}
}

func TestEnums(t *testing.T) {
	for _, tt := range []struct {
		call   CallName
		path   string
		values string
	}{
		{ReportPayment, "outcome", "failed guaranteed"}, // canceled: from 2026-09-30.endive on only
		{ReportPaymentAttempt, "outcome", "failed guaranteed"},
		{ReportRefund, "outcome", "refunded"},
		{ReportPayment, "customer_presence", "off_session on_session"},
		{ReportPayment, "processor_details.type", "custom"},
		{ReportRefund, "processor_details.type", "custom"},
		{ReportPayment, "payment_method_details.type", "custom"},
	} {
		f, ok := SpecOf(tt.call).Field(tt.path)
		if got := strings.Join(f.Enum, " "); !ok || got != tt.values {
			t.Errorf("%s %s: %q, want %q", tt.call, tt.path, got, tt.values)
		}
	}
}

func TestField(t *testing.T) {
	spec := SpecOf(ReportPayment)
	for path, want := range map[string]string{
		"outcome": "outcome", "metadata": "metadata", "metadata.a.b": "metadata", "metadata.": "metadata",
		"payment_method_details.billing_details.address.line1": "payment_method_details.billing_details.address.line1",
		"": "", "metadat": "", "metadatas": "", "outcome.": "", "Outcome": "", "guaranteed_at": "",
	} {
		if f, ok := spec.Field(path); f.Path != want || ok != (want != "") {
			t.Errorf("%q is %q, %v", path, f.Path, ok)
		}
	}
}

// TestSpecOfIsFresh: a caller that changes its spec changes no one else's.
func TestSpecOfIsFresh(t *testing.T) {
	s := SpecOf(ReportRefund)
	s.Fields[0].Required = !s.Fields[0].Required
	if d := cmp.Diff(SpecOf(ReportRefund), SpecOf(ReportRefund)); d != "" {
		t.Error(d)
	}
	if SpecOf(ReportRefund).Fields[0].Required == s.Fields[0].Required {
		t.Error("two callers share one spec")
	}
}
