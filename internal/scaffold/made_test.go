package scaffold

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/sniff"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
)

// write makes a file in a folder of its own.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// imported maps the file with the proposal and counts the dispositions.
func imported(t testing.TB, path, source string, params map[string]string) map[string]int {
	t.Helper()
	m, err := mapping.Parse("m.yaml", []byte(source), mapping.Options{Params: params})
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	s := m.NewSession()
	defer s.Close()
	got := map[string]int{}
	err = each(path, m.Dialect(), func(row *table.Row) error {
		res, err := s.Row(row)
		if err != nil || res == nil {
			return err
		}
		got[res.Class+" "+res.Disposition.String()]++
		for _, p := range res.Problems {
			t.Logf("%s: %s", res.Pos, p.Error())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The whole way: a file that nobody knows is imported by the guesses alone, and
// what is unclear is held.
func TestImportByGuesses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		params     map[string]string
		want       map[string]int
		has        []string
	}{
		{
			name: "types.csv",
			text: "Trx No;Booked on;Kind;Brutto;Gebuehr;Netto;Waehrung\n" +
				"A-1001;03.02.2026;Sale;1.234,50;-1,20;1.233,30;EUR\n" +
				"A-1002;04.02.2026;Sale;10,00;-0,20;9,80;EUR\n" +
				"A-1001;14.02.2026;Refund;-34,50;0,00;-34,50;EUR\n" +
				"A-1003;15.02.2026;Monthly fee;-5,00;0,00;-5,00;EUR\n" +
				"A-1004;15.02.2026;Rolling reserve;-7,00;0,00;-7,00;EUR\n",
			want: map[string]int{"payment emitted": 2, "refund emitted": 1, "fee ignored": 1, "undecided held": 1},
			has:  []string{"decimal: ','", "thousands: '.'", "fee: =-fee", "=abs(amount)", "timezone: UTC   # CHECK"},
		},
		{
			name: "status.csv",
			text: "payment_id,created_at,status,amount,customer_email,original_reference\n" +
				"p_000001,2026-02-03T10:00:00Z,completed,$10.00,a@example.com,\n" +
				"p_000002,2026-02-03T11:00:00Z,pending,$20.00,b@example.com,\n" +
				"p_000003,2026-02-03T12:00:00Z,failed,$30.00,c@example.com,\n" +
				"p_000004,2026-02-04T12:00:00Z,completed,-$4.00,a@example.com,p_000001\n" +
				"p_000005,2026-02-04T12:00:00Z,frozen,$5.00,d@example.com,\n",
			want: map[string]int{"payment emitted": 1, "refund emitted": 1, "failed held": 1, "not final held": 1, "undecided status held": 1},
			has:  []string{"default: USD", "strip: ['$']", "coalesce(original, ref)", "customer_details: {email: =email}"},
		},
		{
			name:   "nocurrency.csv",
			text:   "id,date,amount\nx-00001,2026-02-03,10.00\nx-00002,2026-02-04,-3.00\n",
			params: map[string]string{"currency": "GBP"},
			want:   map[string]int{"payment emitted": 1, "undecided held": 1},
			has:    []string{"required: true", "in: =params.currency"},
		},
		{
			name: "sides.csv",
			text: "Transaction ID,Value Date,D/C,Amount,Currency\nT000001,2026-02-03,C,10.00,EUR\nT000002,2026-02-04,D,3.00,EUR\n",
			want: map[string]int{"payment emitted": 1, "undecided held": 1},
			has:  []string{"match: {side: C}"},
		},
		{
			name: "pair.csv",
			text: "Transaction ID,Date,Credit,Debit,Currency\nT000001,2026-02-03,10.00,,EUR\nT000002,2026-02-04,,3.00,EUR\n",
			want: map[string]int{"payment emitted": 1, "undecided held": 1},
			has:  []string{"amount: =abs(credit) - abs(debit)"},
		},
		{
			name: "nothing.csv",
			text: "colour,shape\nred,round\nblue,square\n",
			want: map[string]int{"undecided held": 2},
			has:  []string{"emit: []", "key: =line", "#   - on: payment", "a reference and an amount and a date"},
		},
		{
			name: "label.csv",
			text: "Transaction ID,Submit Time,Amount,Currency\nT000001,30-Oct-2026 01:37:32 PM MDT,10.00,EUR\nT000002,31-Oct-2026 10:37:32 AM MDT,11.00,EUR\n",
			want: map[string]int{"payment emitted": 2},
			has:  []string{`extract: '^(.+) \S+$'`, "a zone's label"},
		},
		{
			name: "zones.csv",
			text: "Transaction ID,Date,TimeZone,Amount,Currency\nT000001,2026-02-03 10:00:00,PST,10.00,EUR\nT000002,2026-02-04 11:00:00,Europe/Berlin,11.00,EUR\n",
			want: map[string]int{"payment emitted": 2},
			has:  []string{"timezone: {from: TimeZone, names: {PST: America/Los_Angeles}}"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.name, c.text)
			_, source := propose(t, path)
			lint(t, source)
			lint(t, uncommented(source))
			got := imported(t, path, source, c.params)
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("rows came out as %v, want %v\n%s", got, c.want, source)
			}
			for _, s := range c.has {
				if !strings.Contains(source, s) {
					t.Errorf("does not say %q:\n%s", s, source)
				}
			}
		})
	}
}

// Dates that can be read both ways are written both ways, and checked.
func TestAmbiguousDates(t *testing.T) {
	path := write(t, "dates.csv", "Transaction ID,Date,Amount,Currency\nT000001,03/02/2026,10.00,EUR\nT000002,04/02/2026,11.00,EUR\n")
	p, source := propose(t, path)
	for _, want := range []string{"format: '%d/%m/%Y'", "# or: at: {from: Date, type: date, format: '%m/%d/%Y'}"} {
		if !strings.Contains(source, want) {
			t.Errorf("does not say %q:\n%s", want, source)
		}
	}
	if !strings.Contains(strings.Join(p.Checks, "\n"), "can be read both ways") {
		t.Errorf("checks %q", p.Checks)
	}
	for _, check := range p.Checks { // each names its line
		var line int
		if _, err := fmt.Sscanf(check, "line %d:", &line); err != nil || line < 1 || line > strings.Count(source, "\n") {
			t.Errorf("check %q names no line: %v", check, err)
		}
	}
}

// Card numbers never reach the mapping, neither as samples nor as values.
func TestCardNumbersAreMasked(t *testing.T) {
	path := write(t, "cards.csv", "Transaction ID,Date,Type,Amount,Currency,Card\nT000001,2026-02-03,4111111111111111,10.00,EUR,4111111111111111\nT000002,2026-02-04,Sale,11.00,EUR,5555555555554444\n")
	_, source := propose(t, path)
	if !strings.Contains(source, "# card: {from: Card, type: id, sensitive: true}") {
		t.Errorf("the column of card numbers is not sensitive:\n%s", source)
	}
	for _, number := range []string{"4111111111111111", "5555555555554444"} {
		if strings.Contains(source, number) {
			t.Errorf("%s is in the mapping:\n%s", number, source)
		}
	}
}

// Whatever headers and values a file has, the mapping loads: nothing of the
// file can add a line or a key to it.
func TestAnyHeader(t *testing.T) {
	names := rapid.OneOf(
		rapid.StringN(0, 12, 40),
		rapid.SampledFrom([]string{"", "=cmd()", "null", "true", "- x", "a: b", "a #b", "'", `"`, "{", "[x]", "*a", "&a", "!t", "%d", "@", "`", "a\nb: c", "Amount", "Amount", "Date", "Type",
			"line", "is", "params", "not", "in", "sum", "12", "ID", "Currency", "\u202eabc", "\x1b[31m", "日付", strings.Repeat("x", 300)}),
	)
	values := rapid.OneOf(rapid.StringN(0, 8, 30), rapid.SampledFrom([]string{"10.00", "2026-02-03", "EUR", "refund", "Sale", "x: y", "# no", "'q'", "\n- is: payment", "4111111111111111", "--"}))
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		width := rapid.IntRange(1, 6).Draw(rt, "width")
		path := filepath.Join(dir, "any.csv")
		f, err := os.Create(path)
		if err != nil {
			rt.Fatal(err)
		}
		out := table.NewWriter(f, table.Dialect{})
		for row := range rapid.IntRange(2, 5).Draw(rt, "rows") {
			cells := make([]string, width)
			for i := range cells {
				if row == 0 {
					cells[i] = names.Draw(rt, "name")
				} else {
					cells[i] = values.Draw(rt, "value")
				}
			}
			if err := out.Write(cells); err != nil {
				rt.Skip("the dialect cannot hold it")
			}
		}
		if err := out.Flush(); err != nil {
			rt.Fatal(err)
		}
		if err := f.Close(); err != nil {
			rt.Fatal(err)
		}
		if err := proposeAny(path); err != nil {
			rt.Fatal(err)
		}
	})
}

// proposeAny says whether the proposal for a file loads, unused columns in
// force or not.
func proposeAny(path string) error {
	f, err := sniff.File(path)
	if err != nil {
		return nil // visibly no table
	}
	p, err := Propose(path, f)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		return err
	}
	params := map[string]string{}
	if strings.Contains(b.String(), "\n  currency: {doc") {
		params["currency"] = "EUR"
	}
	for _, source := range []string{b.String(), uncommented(b.String())} {
		if _, err := mapping.Parse("m.yaml", []byte(source), mapping.Options{Params: params}); err != nil {
			return fmt.Errorf("%w\n%s", err, source)
		}
	}
	if n := strings.Count(b.String(), "\npayrec: mapping/v1\n"); n != 1 {
		return fmt.Errorf("%d mappings in one file", n)
	}
	return nil
}

// FuzzPropose makes a mapping of any bytes.
func FuzzPropose(f *testing.F) {
	for _, seed := range []string{
		"id,date,amount\nx-1,2026-02-03,10.00\n", "", "\n", "a", "a;b\n1;2\n", "\xff\xfea\x00,\x00b\x00\n\x00", "H,1\nT,a,2026-01-01,5.00\nT,b,2026-01-02,6.00\nL,2\n",
		"Type,Status,Status\n=x,*,'\n\"a\nb\",#,\n", "CH,Name,Amount\nSB,x,1\nSB,y,2\nCH,Other,Thing\nSB,z,3\n", "Currency,Amount\nEUR,$1\u00a0234,50\nXXX,(5)\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "any.csv")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := proposeAny(path); err != nil {
			t.Error(err)
		}
	})
}
