package mapping

import (
	"io"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/table"
)

// cell reads one cell by a column declared as in a mapping, and returns its
// value for people, or the problem as "code: message; hint".
func cell(t *testing.T, declaration, text string, zone string) string {
	t.Helper()
	src := "payrec: mapping/v1\nname: cell\ninput: {empty: ['--', '\\N'], timezone: " + zone + "}\ncolumns:\n  c: {from: C, type: currency, optional: true}\n  x: " + declaration + "\n" +
		"rows: [{is: all, ignore: a test}]\npayment: {key: =file}\nemit: []\n"
	m := mustParse(t, src, Options{})
	v := newValues(m)
	header := table.NewColumns([]string{"X", "C", "Zone"})
	row := &table.Row{Pos: table.Pos{File: "x.csv", Line: 2}, Role: table.Body, Header: header, Cells: strings.Split(text, "|")}
	if err := v.bind(header, row.Pos); err != nil {
		t.Fatal(err)
	}
	v.begin(row)
	for _, c := range m.columns {
		if c.name != "x" {
			continue
		}
		if p := v.need(c.index); p != nil {
			return p.Code + ": " + p.Error()
		}
		value := v.frame.Get(c.index)
		if value.IsEmpty() {
			return "empty"
		}
		return value.String()
	}
	return ""
}

func TestCells(t *testing.T) {
	const berlin = "Europe/Berlin"
	byLabel := "{from: Zone, names: {PST: America/Los_Angeles, CET: Europe/Amsterdam}, dst: later}"
	for _, tt := range []struct{ declaration, text, zone, want string }{
		{"X", "  plain\u00a0text\u3000", berlin, "plain\u00a0text"},
		{"{from: X}", "", berlin, "empty"},
		{"{from: X}", "--", berlin, "empty"},
		{"{from: X, default: none}", `\N`, berlin, "none"},
		{"{from: X, values: [CR, DR]}", "CR", berlin, "CR"},
		{"{from: X, values: [CR, DR]}", "cr", berlin, "bad_value: must be CR or DR"},
		{`{from: X, pattern: 'T\d{4}'}`, "T0006", berlin, "T0006"},
		{`{from: X, pattern: 'T\d{4}'}`, "xT0006", berlin, `bad_value: does not match the pattern "T\\d{4}"`},
		{`{from: X, extract: '#(\d+)'}`, "Order #1001.", berlin, "1001"},
		{`{from: X, extract: '\d+'}`, "Order 1001", berlin, "1001"},
		{`{from: X, extract: '\d+'}`, "none", berlin, `bad_value: does not match the pattern "\\d+" that its value is taken from`},
		{"{from: X, type: id}", "0012", berlin, "0012"},
		{"{from: X, type: id}", "1.2302025304E+022", berlin, "spoiled_id: is an identifier that a spreadsheet has turned into a number; export the file again and do not open it in a spreadsheet"},
		{"{from: X, type: id}", "12E5", berlin, "spoiled_id: is an identifier that a spreadsheet has turned into a number; export the file again and do not open it in a spreadsheet"},
		{"{from: X, type: id}", "E12", berlin, "E12"},
		{"{from: X, type: id}", "4A5E9", berlin, "4A5E9"},
		{"{from: X, type: id, strip: ['`', \"'\"]}", "'`77`", berlin, "77"},
		{"{from: X, type: int}", "12", berlin, "12"},
		{"{from: X, type: int}", "12.0", berlin, "12"},
		{"{from: X, type: int}", "12.5", berlin, "bad_value: is not a whole number"},
		{"{from: X, type: number, decimal: ',', thousands: '.'}", "1.234,5", berlin, "1234.5"},
		{"{from: X, type: number, thousands: blank}", "1 234.5", berlin, "1234.5"},
		{"{from: X, type: number, default: 7}", "", berlin, "7"},
		{"{from: X, type: number}", "1E3", berlin, "bad_value: is in exponent notation, so a spreadsheet has dropped digits; export the file again without opening it in a spreadsheet"},
		{"{from: X, type: bool}", "Yes", berlin, "true"},
		{"{from: X, type: bool}", "0", berlin, "false"},
		{"{from: X, type: bool, default: true}", "", berlin, "true"},
		{"{from: X, type: bool}", "maybe", berlin, "bad_value: must be yes or no, true or false, 1 or 0"},
		{"{from: X, type: currency}", "eur", berlin, "EUR"},
		{"{from: X, type: currency, default: chf}", "", berlin, "CHF"},
		{"{from: X, type: currency}", "€", berlin, "bad_currency: is not a currency that the API takes"},
		{"{from: X, type: money, in: c}", "12.5|usd", berlin, "12.50 USD"},
		{"{from: X, type: money, in: c}", "12.5|", berlin, `bad_currency: has no currency: the column "C" is empty`},
		{"{from: X, type: money, in: c}", "0|", berlin, "0"},
		{"{from: X, type: money, in: c}", "1|XXX", berlin, "bad_currency: is not a currency that the API takes"},
		{"{from: X, type: money, in: c, default: 0}", "|usd", berlin, "0"},
		{"{from: X, type: money, in: jpy, unit: {fixed: 2}}", "15000", berlin, "150 JPY"},
		{"{from: X, type: money, in: jpy, unit: minor}", "15000", berlin, "15000 JPY"},
		{"{from: X, type: money, in: kwd, unit: minor}", "15000", berlin, "15.000 KWD"},
		{"{from: X, type: money, in: eur, unit: {fixed: 4}}", "-15000", berlin, "-1.50 EUR"},
		{"{from: X, type: money, in: eur, unit: minor}", "15.5", berlin, "bad_value: is not a whole number, but the column counts in minor units"},
		{"{from: X, type: money, in: ugx, unit: minor}", "15", berlin, "bad_value: is in minor units of UGX, which processors count differently; say unit: {fixed: 0} or {fixed: 2}"},
		{"{from: X, type: date, format: '%d.%m.%Y'}", "01.07.2026", berlin, "2026-07-01T00:00:00+02:00"},
		{"{from: X, type: date, format: '%d.%m.%Y %H:%M'}", "01.07.2026 23:59", berlin, "2026-07-01T00:00:00+02:00"},
		{"{from: X, type: datetime, format: ['%d.%m.%Y', '%Y-%m-%d']}", "2026-01-01", berlin, "2026-01-01T00:00:00+01:00"},
		{"{from: X, type: datetime, format: ['%d.%m.%Y', '%Y-%m-%d']}", "1/1/2026", berlin, `bad_time: lacks ".%m.%Y"|bad_time: lacks`},
		{"{from: X, type: datetime, format: '%Y-%m-%d %H:%M'}", "2026-10-25 02:30", berlin, "bad_time: stands twice on the clocks of Europe/Berlin (summer time ends); say dst: earlier or dst: later"},
		{"{from: X, type: datetime, format: '%Y-%m-%d', timezone: Asia/Tokyo}", "2026-10-25", berlin, "2026-10-25T00:00:00+09:00"},
		{"{from: X, type: datetime, format: '%Y-%m-%d %H:%M'}", "2026-02-18 16:10||PST", byLabel, "2026-02-18T16:10:00-08:00"},
		{"{from: X, type: datetime, format: '%Y-%m-%d %H:%M'}", "2026-10-18 16:10||pst", byLabel, "2026-10-18T16:10:00-07:00"},
		{"{from: X, type: datetime, format: '%Y-%m-%d %H:%M'}", "2026-10-25 02:30||CET", byLabel, "2026-10-25T02:30:00+01:00"},
		{"{from: X, type: datetime, format: '%Y-%m-%d %H:%M'}", "2026-10-18 16:10||Asia/Tokyo", byLabel, "2026-10-18T16:10:00+09:00"},
		{"{from: X, type: datetime, format: '%Y-%m-%d %H:%M'}", "2026-10-18 16:10||EST", byLabel, "bad_time: is a zone's label that the mapping does not know; add it under timezone: names, with the IANA name that it stands for"},
		{"{from: X, type: datetime, format: '%Y-%m-%d %H:%M'}", "2026-10-18 16:10||", byLabel, "bad_time: is empty, so the row's times are in no zone; add it under timezone: names, with the IANA name that it stands for"},
		{"{from: X, type: datetime, format: '%Y-%m-%d %H:%M %z'}", "2026-10-18 16:10 -0300||EST", byLabel, "2026-10-18T16:10:00-03:00"},
		{"{from: X, type: datetime, format: unix}", "1771459851", berlin, "2026-02-19T00:10:51Z"},
		{"{from: X, type: datetime, format: unix}", "1771459851000", berlin, "bad_time: is too large for seconds since 1970; for milliseconds say format: unix_ms"},
		{"{from: X, type: datetime, format: unix_ms}", "1771459851500", berlin, "2026-02-19T00:10:51.5Z"},
		{"{from: X, type: datetime, format: unix}", "-5", berlin, "bad_time: is not a number of seconds since 1970"},
		{"{from: X, type: datetime, format: excel}", "46082.5", berlin, "2026-03-01T12:00:00+01:00"},
		{"{from: X, type: datetime, format: iso8601}", "2026-03-01T12:00:00Z", berlin, "2026-03-01T12:00:00Z"},
		{"{from: X, type: datetime, format: iso8601}", "soon", berlin, "bad_time: lacks a year of 4 digits"},
	} {
		if got := cell(t, tt.declaration, tt.text, tt.zone); got != tt.want && !(strings.Contains(tt.want, "|") && strings.HasPrefix(got, "bad_time: lacks")) {
			t.Errorf("%s reads %q as\n\t%s\nwant\t%s", tt.declaration, tt.text, got, tt.want)
		}
	}
}

// What is wrong with an expression of a row, in words.
func TestExpressionProblems(t *testing.T) {
	for _, tt := range []struct{ lets, set, file, want string }{
		{"{total: =sum + fee}", "=total", "A,1,EUR,2026-01-01,USD,1", `bad_currency "": let "total" (=sum + fee): 1.00 EUR and 1.00 USD are of two currencies and cannot be added or compared`},
		{"{total: =sum + fee}", "=total", "A,1,EUR,2026-01-01,USD,", `empty_value "": let "total" (=sum + fee) needs fee, which is empty; give the column a default, or write fee ?? …`},
		{"{total: =sum + fee}", "=total", "A,1,EUR,2026-01-01,USD,x", `bad_value "x": is not a number`},
		{"{a: =sum * 2, b: =a + a}", "=b", "A,0.33,EUR,2026-01-01,USD,1", ""},
		{"{a: '=money(number(ref), \"EUR\")'}", "=a", "A,1,EUR,2026-01-01,USD,1", `expression "A": let "a"`},
		{"{a: '=div(sum, 3, 5)'}", "=a", "A,1,EUR,2026-01-01,USD,1", `too_fine "1": amount_requested: 0.33333 EUR has more than 2 decimals; round it in the mapping if that is meant`},
		{"{a: '=round(div(sum, 3, 5), 2)'}", "=a", "A,1,EUR,2026-01-01,USD,1", ""},
	} {
		src := "payrec: mapping/v1\nname: x\ninput: {timezone: UTC}\ncolumns:\n  ref: Ref\n  ccy: {from: Ccy, type: currency}\n  fccy: {from: FeeCcy, type: currency}\n  sum: {from: Sum, type: money, in: ccy}\n" +
			"  fee: {from: Fee, type: money, in: fccy}\n  at: {from: At, type: date, format: '%Y-%m-%d'}\nlet: " + tt.lets + "\nrows: [{is: payment}]\npayment: {key: =ref, order: =at}\n" +
			"emit:\n  - {on: payment, call: report_payment, id: =ref, set: {amount_requested: " + tt.set + ", paid_at: =at, reference: =ref, method: {name: T}}}\n"
		got := importText(t, mustParse(t, src, Options{}), "Ref,Sum,Ccy,At,FeeCcy,Fee\n"+tt.file+"\n")
		if len(got.problems) > 1 || !strings.HasPrefix(strings.TrimPrefix(strings.Join(got.problems, "\n"), "test.csv:2 "), tt.want) || tt.want == "" && len(got.problems) > 0 {
			t.Errorf("%s: got %v\nwant %s", tt.lets, got.problems, tt.want)
		}
	}
}

// Orders compare as bytes, whatever they are made of.
func TestOrder(t *testing.T) {
	order := func(expression, text string) string {
		m := mustParse(t, strings.Replace(plain(""), "payment: {key: '=of == \"\" ? ref : of'}", "payment: {key: =ref, order: '"+expression+"'}", 1), Options{})
		got := importText(t, m, "Ref,Sum,At\n"+text+"\n")
		if len(got.events) != 1 {
			return strings.Join(got.problems, "; ")
		}
		return got.events[0].Order
	}
	ascending := []string{order("=at", "A,1,2026-01-09"), order("=at", "A,1,2026-01-10"), order("=at", "A,1,2026-11-01")}
	numbers := []string{order("=line", "A,1,2026-01-01"), order("=line * 5.5", "A,1,2026-01-01"), order("=line * 50", "A,1,2026-01-01"), order("=line * 123456789", "A,1,2026-01-01")}
	for i := 1; i < 4; i++ {
		if i < 3 && ascending[i-1] >= ascending[i] || numbers[i-1] >= numbers[i] {
			t.Errorf("%q, %q", ascending, numbers)
		}
	}
	if got := order("=ref", "A,1,2026-01-01"); got != "A" {
		t.Error(got)
	}
	if got := order("=-line", "A,1,2026-01-01"); !strings.Contains(got, "payment.order must be a number from 0 on") {
		t.Error(got)
	}
	if got := order("=at", "A,1,"); !strings.Contains(got, "payment.order (=at) is empty") {
		t.Error(got)
	}
}

// Checks group by keys of every kind, and come back with them.
func TestCheckKeys(t *testing.T) {
	for per, want := range map[string]string{
		"=ccy":                           "EUR: count() = 2|USD: count() = 1",
		"=line":                          "2: count() = 1|3: count() = 1|4: count() = 1",
		"=sum":                           "1.00 EUR: count() = 2|2.00 USD: count() = 1",
		"=at":                            "2026-01-01T00:00:00Z: count() = 2|2026-01-02T00:00:00Z: count() = 1",
		"=sum > 1":                       "false: count() = 2|true: count() = 1",
		`'=month(at, "Europe/Berlin")'`:  "2026-01: count() = 3",
		`'=type == "x" ? "x" : "other"'`: "other: count() = 3",
	} {
		m := mustParse(t, plain("checks: [{name: none, per: "+per+", that: count() > 5}]"), Options{})
		got := importText(t, m, "Ref,Sum,Ccy,At\nA,1,EUR,2026-01-01\nB,1,EUR,2026-01-01\nC,2,USD,2026-01-02\n")
		var parts []string
		for _, c := range got.failed() {
			parts = append(parts, c.Group+": "+c.Msg)
		}
		if strings.Join(parts, "|") != want {
			t.Errorf("%s: got %s, want %s", per, strings.Join(parts, "|"), want)
		}
	}
}

func TestCheckResults(t *testing.T) {
	file := "Ref,Sum,Ccy,At,Type\nA,1,EUR,2026-01-01,\nB,1,USD,2026-01-01,\nC,x,EUR,2026-01-02,refund\n"
	for check, want := range map[string]string{
		"{name: n, that: count() == 3}":                                   "ok stop 1 group",
		"{name: n, that: count() == 4, otherwise: warn}":                  "failed warn count() = 3",
		"{name: n, on: payment, per: =ccy, that: sum(sum) == 1}":          "ok stop 2 groups",
		"{name: n, on: [refund], that: count() == 1}":                     "ok stop 1 group",
		"{name: n, on: payment, that: sum(sum) == 2}":                     "failed stop cannot be judged, because 1 row could not be read: test.csv:3: sum(sum): 1.00 EUR and 1.00 USD are of two currencies",
		"{name: n, per: =ccy, that: sum(sum) == 1}":                       `failed stop cannot be judged, because 1 row could not be read: test.csv:4 (column "Sum": "x"): is not a number`,
		"{name: n, per: =sum, that: count() == 1}":                        `failed stop cannot be judged, because 1 row could not be read: test.csv:4 (column "Sum": "x"): is not a number`,
		"{name: n, that: 'sum(sum) == total(\"X\", \"y\")', on: []}":      `failed stop cannot be judged, because`,
		"{name: n, on: refund, that: 'count() == total(\"X\", \"y\")'}":   "ok stop 0 groups; 1 group without such a total in the file, so nothing to hold against",
		"{name: n, on: payment, per: =ref, that: 'all(line > 2)'}":        "failed stop all(line > 2) = false",
		"{name: n, on: payment, that: 'any(is == \"payment\")'}":          "ok stop 1 group",
		"{name: n, per: =ref, on: payment, that: 'key == \"A\" || true'}": "ok stop 2 groups",
	} {
		got := importText(t, mustParse(t, plain("{checks: ["+check+"]}"), Options{}), file)
		if len(got.checks) != 1 {
			t.Errorf("%s: %+v", check, got.checks)
			continue
		}
		c := got.checks[0]
		s := "failed "
		if c.OK {
			s = "ok "
		}
		if s += c.Severity + " " + c.Msg; !strings.HasPrefix(s, want) || c.Line == 0 || c.Name != "n" {
			t.Errorf("%s: got %s, want %s", check, s, want)
		}
	}
}

// A cell that is empty reads as the column's default, in match as in
// expressions; a text that the file has wins.
func TestMatchSeesTheDefault(t *testing.T) {
	m := mustParse(t, `payrec: mapping/v1
name: defaults
params: {otherwise: sale}
input: {empty: ['--']}
columns:
  ref:    {from: Ref, type: id}
  sort:   {from: Kind, default: =params.otherwise, optional: true}
  paid:   {from: Paid, type: bool, default: true, optional: true}
  state:  {from: State, optional: true}
  amount: {from: Amount, type: money, in: EUR}
rows:
  - {is: unpaid, match: {paid: ['false', 'no']}, ignore: not paid}
  - {is: gone, match: {state: ''}, when: sort == "void", ignore: void}
  - {is: sale, match: {sort: sale, paid: ['true', 'yes'], state: ''}, ignore: sold}
  - {is: other, ignore: something else}
payment: {key: =ref}
emit: []
`, Options{})
	for row, want := range map[string]string{
		"Ref,Kind,Paid,State,Amount\nA,sale,yes,,1\n": "sale",
		"Ref,Kind,Paid,State,Amount\nA,,,,1\n":        "sale",
		"Ref,Kind,Paid,State,Amount\nA,--,--,,1\n":    "sale",
		"Ref,Kind,Paid,State,Amount\nA, ,no,,1\n":     "unpaid",
		"Ref,Kind,Paid,State,Amount\nA,fee,,,1\n":     "other",
		"Ref,Kind,Paid,State,Amount\nA,void,,,1\n":    "gone",
		"Ref,Kind,Paid,State,Amount\nA,,,done,1\n":    "other",
		"Ref,Amount\nA,1\n":                           "sale",
	} {
		if got := classesOf(t, m, row); got != want {
			t.Errorf("%q is %q, want %q", row, got, want)
		}
	}
}

func classesOf(t *testing.T, m *Mapping, text string) string {
	t.Helper()
	var classes []string
	s := m.NewSession()
	defer s.Close()
	r, err := table.NewReader("test.csv", strings.NewReader(text), m.Dialect())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		row, err := r.Next()
		if err == io.EOF {
			return strings.Join(classes, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Row(row)
		if err != nil {
			t.Fatal(err)
		}
		if res != nil {
			classes = append(classes, res.Class)
		}
	}
}

// A rule that waits for an empty cell of a column with a default waits for ever.
func TestMatchOfNothingIsNoDefault(t *testing.T) {
	src := "{columns: {type: {from: Type, default: sale}}, rows: [{is: payment, match: {type: [pay, '']}}, {is: refund}]}"
	_, problems := parse("x.yaml", []byte(plain(src)), Options{}, false)
	if got := problems.Error(); !strings.Contains(got, `warning: the column "type" is never empty: an empty cell reads as its default; match "sale", or remove the default`) {
		t.Error(got)
	}
	src = strings.Replace(src, "[pay, '']", "[sale, '']", 1) // says the same twice, and is right
	if _, problems := parse("x.yaml", []byte(plain(src)), Options{}, false); strings.Contains(problems.Error(), "never empty") {
		t.Error(problems)
	}
}

// A call's amount is in whole minor units; fees and nets keep what the file says.
func TestFeesAreExact(t *testing.T) {
	m := mustParse(t, `payrec: mapping/v1
name: fees
input: {timezone: UTC}
columns:
  ref:    {from: Ref, type: id}
  at:     {from: At, type: date, format: '%Y-%m-%d'}
  ccy:    {from: Ccy, type: currency}
  amount: {from: Amount, type: money, in: ccy}
  fee:    {from: Fee, type: money, in: ccy}
rows: [{is: payment}]
payment: {key: =ref}
emit: [{on: payment, call: report_payment, id: =ref, fee: =fee, net: =amount - fee, set: {amount_requested: =amount, paid_at: =at, reference: =ref, method: {name: M}}}]
`, Options{})
	for _, test := range []struct{ cells, fee, net, problem string }{
		{"USD,0.10,0.0029", "0.0029 USD", "0.0971 USD", ""},
		{"JPY,100,3.6", "3.6 JPY", "96.4 JPY", ""},
		{"KWD,1.230,0.0000001", "0.0000001 KWD", "1.2299999 KWD", ""},
		{"USD,10.00,-0.0005", "-0.0005 USD", "10.0005 USD", ""},
		{"USD,0.105,0", "", "", "amount"},
		{"JPY,100.5,0", "", "", "amount"},
	} {
		got := importText(t, m, "Ref,At,Ccy,Amount,Fee\nA,2026-03-01,"+test.cells+"\n")
		if test.problem != "" {
			if len(got.events) > 0 || len(got.problems) != 1 || !strings.Contains(got.problems[0], test.problem) {
				t.Errorf("%s: %d calls, %q", test.cells, len(got.events), got.problems)
			}
			continue
		}
		if len(got.events) != 1 {
			t.Errorf("%s: %q", test.cells, got.problems)
		} else if e := got.events[0]; e.Fee.String() != test.fee || e.Net.String() != test.net {
			t.Errorf("%s: fee %s, net %s; want %s, %s", test.cells, e.Fee, e.Net, test.fee, test.net)
		}
	}
}
