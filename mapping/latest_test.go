package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const latestByRef = `{latest: {by: =ref, order: =at}, rows: [{is: pending, match: {type: pending}, ignore: not yet}, {is: payment}],
	emit: [{on: payment, call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}}}],
	checks: [{name: all, that: sum(sum) == 12}]}`

func TestLatest(t *testing.T) {
	for _, tt := range []struct {
		name, parts, file string
		want              []string
		problems, fates   string // fates: emitted ignored rejected
	}{
		{"the latest by time, wherever it stands; ties by where they stand", latestByRef,
			"Ref,Sum,At,Type\nA,1,2026-01-02,done\nB,5,2026-01-01,pending\nA,2,2026-01-01,pending\nB,4,2026-01-03,done\nB,3,2026-01-02,pending\nC,6,2026-01-01,pending\nC,7,2026-01-01,done\n",
			[]string{"report_payment A of A amount_requested.value=100", "report_payment B of B amount_requested.value=400", "report_payment C of C amount_requested.value=700"}, "", "3 4 0"},
		{"the latest by place", strings.Replace(latestByRef, ", order: =at", "", 1), "Ref,Sum,At,Type\nA,1,2026-01-02,done\nA,12,2026-01-01,done\n",
			[]string{"report_payment A of A amount_requested.value=1200"}, "", "1 1 0"},
		{"a row that cannot be placed takes its key along", latestByRef, "Ref,Sum,At,Type\nA,1,2026-01-02,done\nA,1,2026-01-32,done\nB,12,2026-01-01,done\n",
			[]string{"report_payment B of B amount_requested.value=1200"}, "shared_call,bad_time", "1 0 2"},
		{"rows without a key count each", strings.Replace(latestByRef, "by: =ref", "by: =of", 1), "Ref,Of,Sum,At,Type\nA,,1,2026-01-02,done\nB,,3,2026-01-02,done\nC,x,1,2026-01-02,done\nD,x,8,2026-01-03,done\n",
			[]string{"report_payment A of A amount_requested.value=100", "report_payment B of B amount_requested.value=300", "report_payment D of x amount_requested.value=800"}, "", "3 1 0"},
		{"other classes count each", strings.Replace(latestByRef, "by: =ref", "on: pending, by: =ref", 1), "Ref,Sum,At,Type\nA,1,2026-01-02,done\nA,11,2026-01-03,done\nA,11,2026-01-03,pending\nA,0,2026-01-04,pending\n",
			[]string{"report_payment A of A amount_requested.value=100", "report_payment A of A amount_requested.value=1100"}, "", "2 2 0"},
		{"equal rows are ignored", `{input: {timezone: UTC, duplicates: ignore}, checks: [{name: all, that: sum(sum) == 12}]}`,
			"Ref,Sum,At\nA,1,2026-01-02\nB,11,2026-01-02\nA,1,2026-01-02\nA,1,2026-01-02\n", []string{"report_payment A of A amount_requested.value=100", "report_payment B of B amount_requested.value=1100"}, "", "2 2 0"},
		{"equal rows are errors", `{input: {timezone: UTC, duplicates: error}}`, "Ref,Sum,At\nA,1,2026-01-02\nA,1,2026-01-02\nA,1,2026-01-02 \n",
			[]string{"report_payment A of A amount_requested.value=100", "report_payment A of A amount_requested.value=100"}, "duplicate_row", "2 0 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := plain(tt.parts)
			if strings.Contains(tt.name, "rows without") {
				src = plain(strings.Replace(tt.parts, "{latest", `{payment: {key: '=of == "" ? ref : of'}, latest`, 1))
			}
			got := importText(t, mustParse(t, src, Options{}), tt.file)
			if d := cmp.Diff(tt.want, events(got)); d != "" {
				t.Errorf("calls (-want +got):\n%s", d)
			}
			var codes []string
			for _, p := range got.problems {
				codes = append(codes, strings.Fields(p)[1])
			}
			if s := strings.Join(codes, ","); s != tt.problems {
				t.Errorf("problems %s, want %s: %v", s, tt.problems, got.problems)
			}
			if s := fmt.Sprint(got.by[Emitted], got.by[Ignored], got.by[Rejected]); s != tt.fates {
				t.Errorf("emitted, ignored, rejected: %s, want %s", s, tt.fates)
			}
			if f := got.failed(); len(f) > 0 && tt.problems == "" {
				t.Errorf("rows that do not count are in the checks: %+v", f)
			}
		})
	}
}

// Of any rows with one key exactly one counts, and none is later.
func TestLatestProperty(t *testing.T) {
	m := mustParse(t, plain(latestByRef), Options{})
	rapid.Check(t, func(rt *rapid.T) {
		var b strings.Builder
		b.WriteString("Ref,Sum,At,Type\n")
		want := map[string]string{}
		days := map[string]int{}
		for i := range rapid.IntRange(1, 30).Draw(rt, "rows") {
			ref := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(rt, "ref")
			day := rapid.IntRange(1, 5).Draw(rt, "day")
			fmt.Fprintf(&b, "%s,%d,2026-01-%02d,\n", ref, i+1, day)
			if day >= days[ref] {
				days[ref], want[ref] = day, fmt.Sprint((i+1)*100)
			}
		}
		got := map[string]string{}
		for _, e := range importText(t, m, b.String()).events {
			if got[e.ID] != "" {
				rt.Fatalf("%s counts twice", e.ID)
			}
			got[e.ID] = fmt.Sprint(e.Amount.Value)
		}
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatal(d)
		}
	})
}

func TestLatestFaults(t *testing.T) {
	for parts, want := range map[string]string{
		"{latest: {order: =at}}":                                                  "latest says not of which rows",
		"{latest: {on: nothing, by: =ref}}":                                       `no rule makes the class "nothing"`,
		"{latest: {by: =ref}, payment: {key: =ref, let: {n: =count()}}}":          "latest cannot stand beside payment.let, which counts all rows",
		"{input: {duplicates: ignore}, payment: {key: =ref, let: {n: =count()}}}": "duplicates cannot stand beside payment.let",
		"{input: {duplicates: drop}}":                                             "must be one of keep, ignore, error",
		"{checks: [{name: n, that: count() == 4, otherwise: reject}]}":            "it cannot reject them; say stop, or warn",
	} {
		if _, err := Parse("x", []byte(plain(parts)), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v\nwant %s", parts, err, want)
		}
	}
}

func TestPresetsByPrefix(t *testing.T) {
	for name, want := range map[string]string{
		"adyen-settlement": `"adyen-settlement-detail"`,
		"PayPal":           `"paypal-settlement"`,
		"generic-cvs":      `did you mean "generic-csv"?`,
		"zzzzzz":           "known: ",
	} {
		if _, err := Load(name, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}
