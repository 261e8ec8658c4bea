package mapping

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func taking(star string) string {
	return plain(`{columns: {ref: {from: Ref, type: id}, of: {from: Of, optional: true}, type: {from: Type, optional: true}, at: {from: At, type: date, format: '%Y-%m-%d'}, sum: {from: Sum, type: money, in: EUR},
		card: {from: 'meta[card]', optional: true, sensitive: true}},
		emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}, metadata: {order: =type, '*': ` + star + `}}}]}`)
}

func TestWildcard(t *testing.T) {
	const begin = "report_payment A of A amount_requested.value=100"
	for _, tt := range []struct {
		star, header, cells string
		want                string // metadata, or "!" and the problem's code
	}{
		{"'meta[*]'", "meta[shop],Meta[Till No],metas[x],meta[]", "North, 3 ,no,no", " metadata.Till No=3 metadata.shop=North"},
		{"'meta[*]'", "meta[order],meta[card],meta[none]", "M-1,4111,", " metadata.order=M-1"}, // sensitive columns and empty cells are left out
		{"'meta[*]'", "Type,meta[order]", "T-1,M-1", " metadata.order=T-1"},                    // what is written out wins
		{"{columns: '* (meta)', drop: ['e*', name], mask: [iban]}", "email (meta),NAME (meta),iban (meta),pin (meta),x (meta)", "a@b,Ada,NO9386011117947,1234,y",
			" metadata.iban=****7947 metadata.pin=1234 metadata.x=y"},
		{"{columns: 'meta[*]', mask: '*'}", "meta[a],meta[b]", "12345678,äöüäöüäöü", " metadata.a=**** metadata.b=****üäöü"},
		{"'meta[*]'", "meta[payrec_op]", "x", "!invalid_field"},
		{"{columns: 'meta[*]', drop: payrec_op}", "meta[payrec_op]", "x", ""},
		{"'meta[*]'", "meta[a],meta[a]", "1,2", "!invalid_field"},
		{"'meta[*]'", "meta[a],meta[a]", "1,", " metadata.a=1"},
		{"'meta[*]'", "meta[" + strings.Repeat("k", 41) + "]", "1", "!invalid_field"},
		{"'meta[*]'", "meta[a]", strings.Repeat("v", 501), "!invalid_field"},
	} {
		got := importText(t, mustParse(t, taking(tt.star), Options{}), "Ref,Sum,At,"+tt.header+"\nA,1,2026-01-01,"+tt.cells+"\n")
		text := strings.Join(events(got), ";")
		text = strings.TrimPrefix(text, begin)
		for _, p := range got.problems {
			text += "!" + strings.Fields(p)[1]
		}
		if text != tt.want {
			t.Errorf("%s under %s: got %s, want %s %v", tt.cells, tt.header, text, tt.want, got.problems)
		}
	}
	// A header that is replaced takes its columns along.
	got := importText(t, mustParse(t, strings.Replace(taking("'meta[*]'"), "input: {timezone: 'UTC'}", "input: {timezone: UTC, header: {find: [Ref, Sum]}}", 1), Options{}),
		"Ref,Sum,At,meta[a]\nA,1,2026-01-01,1\nRef,Sum,meta[b],At\nB,1,2,2026-01-01\n")
	want := []string{"report_payment A of A amount_requested.value=100 metadata.a=1", "report_payment B of B amount_requested.value=100 metadata.b=2"}
	if d := cmp.Diff(want, events(got)); d != "" {
		t.Error(d)
	}
	for star, want := range map[string]string{
		"meta":                     `needs a pattern of headers with one star, not "meta"`,
		"'*[*]'":                   "with one star",
		"{drop: x}":                "with one star",
		"{columns: 'a*', hide: b}": `metadata "*" has no key "hide"`,
	} {
		if _, err := Parse("x", []byte(taking(star)), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", star, err, want)
		}
	}
}

// A second file, named by a param, states what the first must come to.
func TestSecondFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "payouts.csv")
	if err := os.WriteFile(path, []byte("Payout,Net\nP-1,3.01\nP-2,5.00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	src := plain(`{params: {payouts: {doc: the payouts file}}, lookups: {payout: {file: =params.payouts, key: Payout, value: Net, missing: empty}},
		checks: [{name: payouts, per: =type, that: 'lookup("payout", key) == "" || abs(amount(sum(sum)) - number(lookup("payout", key))) <= 0.01'}]}`)
	const file = "Ref,Sum,At,Type\nA,1,2026-01-01,P-1\nB,2,2026-01-01,P-1\nC,4,2026-01-01,P-2\nD,1,2026-01-01,P-3\n"
	for _, tt := range []struct{ path, failed string }{{path, "P-2"}, {"", ""}} {
		got := importText(t, mustParse(t, src, Options{Params: map[string]string{"payouts": tt.path}}), file)
		failed := ""
		for _, c := range got.failed() {
			failed += c.Group
		}
		if failed != tt.failed {
			t.Errorf("%q: %s fails, want %s: %+v", tt.path, failed, tt.failed, got.checks)
		}
	}
	if _, err := Parse("x", []byte(src), Options{Params: map[string]string{"payouts": "/none.csv"}}); err == nil || !strings.Contains(err.Error(), `cannot read the lookup file "/none.csv"`) {
		t.Errorf("got %v", err)
	}
}
