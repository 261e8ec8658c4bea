package mapping

import (
	"strings"
	"testing"
)

// One fault each, in a mapping that is right otherwise.
func TestOneFault(t *testing.T) {
	emit := func(set string) string {
		return "{emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {" + set + "}}]}"
	}
	const whole = "amount_requested: =sum, paid_at: =at, reference: =ref, method: {name: T}"
	column := func(declaration string) string { return columnsWith("x: " + declaration) }
	for parts, want := range map[string]string{
		"{doc: [a]}":                       "must be a plain value, not a list",
		"{name: }":                         "the mapping has no name",
		"{identify: {columns: {a: b}}}":    "must be a plain value or a list, not a map",
		"{identify: x}":                    "identify must be a map, not a plain value; known keys: filename, columns",
		"{params: {a b: x}}":               `"a b" is not a name`,
		"{params: {a: {required: maybe}}}": `must be true or false, not "maybe"`,
		"{params: {a: {default: x, values: [xx, y]}}}":           `the param "a" must be one of xx, y, not "x"; did you mean "xx"?`,
		"{input: {delimiter: ab}}":                               `must be one character, not "ab"; words: comma, pipe, semicolon, tab`,
		"{input: {delimiter: =params.sep}}":                      `unknown param "sep"`,
		"{input: {delimiter: =ref}}":                             "a setting cannot be computed from rows",
		"{input: {thousands: '5', timezone: UTC}}":               "a digit cannot be the mark between thousands",
		"{input: {decimal: x, timezone: UTC}}":                   "the decimal mark must be . or ,",
		"{input: {header: first, timezone: UTC}}":                `header cannot be "first"; header: {row: 1}`,
		"{input: {header: {row: 0}, timezone: UTC}}":             `must be a number from 1 to 1000000, not "0"`,
		"{input: {header: none, timezone: UTC}}":                 "the file has no header, so there is no column",
		"{input: {footer: {rows: x}, timezone: UTC}}":            `not "x"`,
		"{input: {footer: [a], timezone: UTC}}":                  "footer must be a map, not a list",
		"{input: {ragged: maybe, timezone: UTC}}":                "must be one of error, pad, allow",
		"{input: {records: {column: 1}, timezone: UTC}}":         "records names no kind of row as the body",
		"{input: {timezone: {dst: later}}}":                      "timezone names no zone",
		"{input: {timezone: {zone: UTC, from: Zone}}}":           "timezone says both zone and from",
		"{input: {timezone: CET}}":                               `"CET" is not the name of a time zone`,
		"{input: {timezone: Local}}":                             `"Local" is not the name of a time zone`,
		"{input: {timezone: {from: Z, names: {A: Nowhere/At}}}}": `"Nowhere/At" is not the name of a time zone`,
		"{input: {}}": `the times of "at" are in no zone; say input: {timezone: Europe/Berlin}`,
		records("totals: {T: {sum: {type: money, at: 3}}}"):                            `the total "sum" is money without a currency`,
		records("totals: {T: {key: 2, sum: {type: money}}}"):                           `the total "sum" says no cell; say at: 3`,
		records("totals: {T: {sum: {type: money, at: 3, in: eu}}}"):                    `"eu" is not a currency code`,
		records("totals: {T: {sum: {tpye: money, at: 3}}}"):                            `a total has no key "tpye"; did you mean "type"?`,
		records("context: {C: {shop: a}}"):                                             `must be a number from 1 to 16384, not "a"`,
		column("{from: }"):                                                             `the column "x" says not where it stands`,
		column("{from: ['']}"):                                                         "the header is empty",
		column("{from: [X, '']}"):                                                      "the header is empty",
		column("{from: []}"):                                                           "the list is empty",
		column("{from: [3, 4]}"):                                                       `the cell 3 cannot be one of several to choose from`,
		column("{from: X, type: date, format: }"):                                      "the key has no value; write a text or a list",
		column("{from: X, type: date, format: []}"):                                    "the list is empty; write a text or a list of them",
		column("{from: X, strip: }"):                                                   "the key has no value",
		column("{from: X, strip: ''}"):                                                 "the text is empty",
		column("{from: X, strip: ['#', '']}"):                                          "the text is empty",
		column("{from: X, values: }"):                                                  "the key has no value",
		column("{from: X, type: date, format: '%Y-%m-%d', time: T}"):                   `only a datetime column has a "time"; say type: datetime`,
		column("{from: X, type: datetime, format: '%Y-%m-%d %H:%M', time: T}"):         `the format of "x" says the time of day already`,
		column("{from: X, type: datetime, format: ['%Y-%m-%d', unix], time: T}"):       `the format of "x" says the time of day already`,
		column("{from: X, type: datetime, format: '%Y-%m-%d', time: }"):                `says not where it stands`,
		"{input: {header: {find: }, timezone: UTC}}":                                   "the key has no value",
		"{input: {header: {find: ['']}, timezone: UTC}}":                               "the text is empty",
		"{input: {empty: , timezone: UTC}}":                                            "the key has no value",
		"{input: {strip: , timezone: UTC}}":                                            "the key has no value",
		"{input: {headings: , timezone: UTC}}":                                         "the key has no value",
		"{identify: {columns: }}":                                                      "the key has no value",
		"{params: {a: {default: x, values: }}}":                                        "the key has no value",
		records("totals: "):                                                            "the key has no value",
		records("totals: {T: {sum: }}"):                                                "this says no cell; write the cell's number, from 1",
		records("totals: {T: {sum: {at: [3, 4]}}}"):                                    "rows of a kind have no header to choose from: one cell, not a list",
		records("context: {C: {shop: }}"):                                              "this says no cell; write the cell's number, from 1",
		records("context: {C: {shop: [2, 3]}}"):                                        "rows of a kind have no header to choose from: one cell, not a list",
		tables("totals: {sum: }"):                                                      "this says no cell; write a header",
		tables("totals: {sum: []}"):                                                    "this says no cell; write a header",
		tables("totals: {sum: [3, 4]}"):                                                "the cell 3 cannot be one of several to choose from",
		tables("totals: {key: , sum: Sum}"):                                            "this says no cell",
		tables("totals: {sum: {at: ['']}}"):                                            "the header is empty",
		tables("context: {shop: [A, '']}"):                                             "the header is empty",
		tables("context: {shop: {from: }}"):                                            "this says no cell",
		tables("context: {shop: {from: Shop, type: datetime, format: '%Y', time: T}}"): `context "shop" has no key "time"`,
		column("=ref + of"):                                                            `not the expression "=ref + of"; a computed value belongs under let`,
		column("{from: X, type: mony}"):                                                `not "mony"; did you mean "money"?`,
		column("{from: X, in: ccy}"):                                                   `only a money column has "in"`,
		column("{from: X, unit: minor}"):                                               `only a money column has "unit"`,
		column("{from: X, format: unix}"):                                              "only a date or datetime column has a format",
		column("{from: X, type: money, in: at}"):                                       `the column "at" is no currency`,
		column("{from: X, type: money, in: eur, unit: {fixd: 2}}"):                     `unit has no key "fixd"; did you mean "fixed"?`,
		column("{from: X, type: money, in: eur, unit: {fixed: 9}}"):                    `must be a number from 0 to 6, not "9"`,
		column("{from: X, type: money, in: eur, default: 5}"):                          "money can only be zero by default",
		column("{from: X, type: number, default: five}"):                               `the default "five" is not a number`,
		column("{from: X, type: date, format: unix, default: 0}"):                      "a date can have no default",
		column("{from: X, type: bool, default: yes}"):                                  `must be true or false, not "yes"`,
		column("{from: X, type: date, format: '%Y-%m'}"):                               "has no month and day",
		column("{from: X, type: date, format: '%Y-%m-%d %Q'}"):                         "has %Q; known:",
		column("{from: X, pattern: '('}"):                                              "not a regular expression (RE2)",
		column("{from: X, occurrence: 0}"):                                             `must be a number from 1 to 1000, not "0"`,
		columnsWith("line: X"):                                                         `"line" already has a meaning in expressions`,
		columnsWith("a-b: X"):                                                          `"a-b" is not a name`,
		columnsWith("matches: X"):                                                      "is a word of the expression language",
		"{let: {ref: =of}}":                                                            `"ref" is already the name of a value`,
		"{let: {a: =b, b: =ref}}":                                                      `unknown name "b"`,
		"{let: {a: =is}}":                                                              `unknown name "is"`,
		"{let: {a: =sum(sum)}}":                                                        "needs many rows",
		"{let: [a]}":                                                                   "let must be a map, not a list",
		"{lookups: {a: {missing: pass}}}":                                              `the lookup "a" has no entries`,
		"{lookups: {a: {file: x.csv}}}":                                                "a lookup file needs the names of its two columns",
		"{rows: []}":                                                                   `no rule makes the class "payment"`,
		"{rows: }":                                                                     `the key "rows" is missing`,
		"{rows: [{match: {type: a}}]}":                                                 "the rule names no class",
		"{rows: [{is: payment, match: {type: []}}, {is: refund}]}":                     "match names no text",
		"{rows: [{is: payment, when: sum}, {is: refund}]}":                             "yes/no is wanted",
		"{rows: [{is: payment, ignore: a, hold: b}, {is: refund}]}":                    "a rule can only one of ignore, hold, attach and error",
		"{rows: [{is: payment, hold: a}, {is: refund}]}":                               `rows of class "payment" have an emit, but this rule keeps them from it`,
		"{rows: [{is: payment}, {is: refund}, {is: other}]}":                           `rows of class "other" make no call, and the rule does not say why; add an emit with on: other`,
		"{let: {n: =line}, rows: [{is: payment, match: {n: 1}}]}":                      `match compares text, but "n" is number`,
		"{payment: {order: =at}}":                                                      "payment has no key",
		"{payment: {key: =sum}}":                                                       "the expression is money, but text or number is wanted",
		"{payment: {key: =ref, let: {a: sum}}}":                                        "must be an expression",
		"{payment: {key: =ref, let: {a: =sum}}}":                                       "first(sum)",
		"{total: =ref}":                                                                "the expression is text, but money is wanted",
		"{emit: {}}":                                                                   "emit must be a list, not a map",
		"{emit: [{on: payment, call: report_payment}]}":                                "the emit has no id",
		"{emit: [{on: payment, id: =ref}]}":                                            "the emit names no call; known: report_payment",
		"{emit: [{call: report_payment, id: =ref}]}":                                   "the emit says not for which class it is",
		emit("paid_at: =at, reference: =ref, method: {name: T}"):                       `report_payment needs "amount_requested"`,
		emit(whole + ", refunded_at: =at"):                                             `report_payment takes no "refunded_at"`,
		emit(whole + ", description: {a: b}"):                                          `"description" takes one value, not a map`,
		emit(whole + ", description: "):                                                `"description" has no value; remove it`,
		emit(whole + ", description: ''"):                                              "description is empty",
		emit(whole + ", metadata: {a: 1}, metadata.a: 2"):                              `"metadata.a" is set twice`,
		emit(whole + ", metadata: {'a[b]': 1}"):                                        "a metadata key must not contain [ or ]",
		emit(whole + ", customer_details: x"):                                          `"customer_details" is an object, not one value; set what is below it: customer_details: {…}`,
		emit(whole + ", customer_details: =ref"):                                       `"customer_details" is an object, not one value`,
		emit(whole + ", metadata: =ref"):                                               `"metadata" is an object, not one value; set what is below it: metadata: {…}`,
		emit(whole + ", paidat: =at"):                                                  `did you mean "paid_at"?`,
		emit(whole + ", methd: {name: T}"):                                             `did you mean "method"?`,
		emit(whole + ", refernce: =ref"):                                               `did you mean "reference"?`,
		"{emit: [{on: refund, call: report_refund, id: =ref, set: {amount: =sum, refundedat: =at, reference: =ref}}]}": `did you mean "refunded_at"?`,
		emit(whole + ", customer_presence: on-session"):                                                                `did you mean "on_session"?`,
		emit("amount_requested.value: =line, " + whole):                                                                "the expression is number, but money is wanted",
		emit("paid_at: 2026-01-01, amount_requested: =sum"):                                                            "must be a time in Unix seconds",
		emit(whole + ", customer_details: {e-mail: =ref}"):                                                             `report_payment takes no "customer_details.e-mail"; did you mean "customer_details.email"?`,
		"{checks: [{that: count() > 0}]}":                                                                              "the check has no name",
		"{checks: [{name: a}]}":                                                                                        "the check says not what must hold",
		"{checks: [{name: a, that: count()}]}":                                                                         "yes/no is wanted",
		"{checks: [{name: a, on: paymet, that: count() > 0}]}":                                                         `no rule makes the class "paymet"; did you mean "payment"?`,
		"{tests: [{rows: [{Ref: a}], expect: [{call: x}]}]}":                                                           "an expected call names no known call",
		"{tests: [{rows: [{Ref: a}], expect: [{call: report_payment, amount: 1}]}]}":                                   `report_payment takes no "amount"`,
		"{tests: [{rows: [{Ref: a}], clas: payment}]}":                                                                 `a test has no key "clas"; did you mean "class"?`,
	} {
		_, problems := parse("x.yaml", []byte(plain(parts)), Options{}, false)
		if got := problems.Error(); !strings.Contains(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", parts, got, want)
		}
		for _, p := range problems {
			if p.Line == 0 || p.Column == 0 {
				t.Errorf("%s: no place: %s", parts, p)
			}
		}
	}
}

// tables is a second table of a file with a first, which is the body.
func tables(of string) string {
	return "{input: {timezone: UTC, tables: {b: {find: [Ref]}, t: {find: [Sum of it], " + of + "}}}}"
}

func columnsWith(declaration string) string {
	return "{columns: {ref: {from: Ref, type: id}, of: {from: Of, type: id, optional: true}, at: {from: At, type: date, format: '%Y-%m-%d'}, " +
		"ccy: {from: Ccy, type: currency}, sum: {from: Sum, type: money, in: ccy}, type: {from: Type, optional: true}, " + declaration + "}}"
}

func records(more string) string {
	return "{input: {timezone: UTC, records: {header: H, body: [D], " + more + "}}}"
}

// Fields that are right in unusual ways must load.
func TestUnusualButRight(t *testing.T) {
	for _, parts := range []string{
		"{input: {footer: blank, timezone: UTC}}",
		"{input: {footer: {rows: 1, from: 'Total*', blank: true}, timezone: {zone: Europe/Berlin, dst: later}}}",
		"{input: {quote: none, delimiter: tab, sheet: '/^Data/', format: xlsx, timezone: UTC, header: {find: [Ref], within: 50}}}",
		"{input: {records: {column: 2, header: H, body: [D, E], totals: [T], context: [C]}, timezone: UTC}}",
		records("totals: {T: {key: 2, sum: {type: money, at: 3, in: ccy}, ccy: 4}}"),
		records("totals: {T: {sum: {type: money, at: 3, in: eur}}}"),
		"{rows: [{is: payment}, {is: payment, match: {type: x}, hold: by hand}, {is: refund}]}",
		"{params: {zone: Europe/Berlin, none: }, input: {timezone: =params.zone}}",
		"{emit: [{on: [payment, refund], call: report_payment_attempt_informational, id: =ref, set: {description: '', shipping_details: '', metadata: ''}}]}",
		"{emit: [{on: [payment, refund], call: report_payment, id: =line, set: {amount_requested: {value: =sum, currency: =sum}, initiated_at: =at, outcome: '=type == \"x\" ? \"failed\" : \"guaranteed\"', " +
			"failed: {failed_at: =at}, guaranteed.guaranteed_at: =at, reference: =ref, payment_method_details: {payment_method: pm_1}}}]}",
		"{emit: [{on: [payment, refund], call: report_payment, id: =ref, set: {paid_at: =at, initiated_at: 1771459851, amount_requested: {value: 100, currency: usd}, reference: =ref, method: {name: T}}}]}",
	} {
		if _, err := Parse("x.yaml", []byte(plain(parts)), Options{}); err != nil {
			t.Errorf("%s: %v", parts, err)
		}
	}
}
