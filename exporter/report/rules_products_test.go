package report_test

import (
	"slices"
	"strings"
	"unicode"
)

// A product is what is known of one layout's target.
type product struct {
	rules  []rule
	entry  int // the column that names an entry; -1 where each line stands alone
	isText []int
}

// products are the layouts' targets that read comma-separated values; DATEV
// has a reader of its own, in rules_datev_test.go.
var products = map[string]product{
	"xero-bank": {entry: -1, isText: []int{2, 3, 4, 5}, rules: []rule{
		headed("X1", "*Date", "*Amount", "Payee", "Description", "Reference", "Check Number"),
		lines("X2", 1000),
		cells("X3", 0, dated("2006-01-02"), "a date of the one format of the file"),
		cells("X4", 1, matches(`-?\d+(\.\d+)?`), "a signed amount without symbol and thousands mark"),
		{"X5", func(f *layoutFile, fail func(int, string, ...any)) {
			for c := range len(f.rows[0]) - 1 { // the last one may be empty: it stands between nothing
				if !slices.ContainsFunc(f.rows[1:], func(row []string) bool { return row[c] != "" }) {
					fail(1, "the column %s is empty", f.rows[0][c])
				}
			}
		}},
		{"X6", func(f *layoutFile, fail func(int, string, ...any)) {
			for i, row := range f.rows {
				if strings.Join(row, "") == "" {
					fail(i+1, "an empty row")
				}
			}
		}},
		utf8NoBOM("X7"),
		everyText("X8", []int{2, 3, 4, 5}, plainText, "on one line"),
		cells("X9", 1, func(s string) bool { r := ratOf(s); return r != nil && r.Sign() != 0 }, "an amount that is not zero"),
		cells("X10", 4, func(s string) bool {
			return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) })
		}, "a reference that shows something"),
	}},
	"quickbooks-bank": {entry: -1, isText: []int{1}, rules: []rule{
		headed("QB1", "Date", "Description", "Amount"),
		lines("QB2", 999),
		{"QB3", func(f *layoutFile, fail func(int, string, ...any)) {
			if len(f.raw) > 350_000 {
				fail(len(f.rows), "%d bytes", len(f.raw))
			}
		}},
		{"QB4", func(f *layoutFile, fail func(int, string, ...any)) {
			us, gb := dated("01/02/2006"), dated("02/01/2006")
			var notUS, notGB int
			for i, row := range f.rows[1:] {
				if !us(row[0]) {
					notUS = i + 2
				}
				if !gb(row[0]) {
					notGB = i + 2
				}
			}
			if notUS > 0 && notGB > 0 {
				fail(notUS, "the dates are of no one format")
			}
		}},
		cells("QB5", 2, matches(`-?\d+(\.\d+)?`), "a signed amount without parentheses, symbol and thousands mark"),
		cells("QB6", 2, func(s string) bool { r := ratOf(s); return r != nil && r.Sign() != 0 }, "an amount that is not zero"),
		cells("QB7", 1, func(s string) bool { return strings.ContainsFunc(s, isLetter) }, "a description in words"),
		cells("QB8", 1, matches(`[A-Za-z0-9 ./_-]*`), "free of special characters"),
	}},
	"quickbooks-journal": {entry: 0, isText: []int{2, 5, 6}, rules: []rule{
		headed("QJ1", "*JournalNo", "*JournalDate", "*AccountName", "*Debits", "*Credits", "Description", "Name", "Currency", "Location", "Class"),
		lines("QJ2", 999),
		balanced("QJ3", 0, 3, 4),
		cells("QJ4", 0, matches(`[A-Za-z0-9-]{1,21}`), "a journal number of at most 21 characters"),
		together("QJ5", 0, 1, 7),
		cells("QJ6", 2, func(s string) bool {
			return s != "" && strings.TrimSpace(s) == s && len([]rune(s)) <= 100 && !strings.Contains(s, " :") && !strings.Contains(s, ": ")
		}, "an account's name, Parent:Sub"),
		cells("QJ7", 5, func(s string) bool { return plainText(s) && short(4000)(s) }, "a description of one line"),
		cells("QJ8", 6, short(100), "a name of at most 100 characters"),
		everyText("QJ9", []int{3, 4}, matches(`|\d{1,11}(\.\d+)?`), "a plain amount"),
		{"QJ10", func(f *layoutFile, fail func(int, string, ...any)) {
			for i, row := range f.rows[1:] {
				if row[7] != f.rows[1][7] || len(row[7]) != 3 || row[7] != strings.ToUpper(row[7]) {
					fail(i+2, "currency %q in a file of %q", row[7], f.rows[1][7])
				}
			}
		}},
	}},
	"netsuite-journal": {entry: 0, isText: []int{3, 4, 5, 8}, rules: []rule{
		headed("N1", "External ID", "Date", "Currency", "Subsidiary", "Memo", "Account", "Debit", "Credit", "Line Memo"),
		balanced("N2", 0, 6, 7),
		everyText("N3", []int{6, 7}, matches(`|\d{1,10}(\.\d{1,2})?`), "at most 10 digits and 2 decimals"),
		lines("N4", 25000),
		{"N5", func(f *layoutFile, fail func(int, string, ...any)) {
			if len(f.raw) > 50_000_000 {
				fail(len(f.rows), "%d bytes", len(f.raw))
			}
		}},
		{"N6", func(f *layoutFile, fail func(int, string, ...any)) {
			n := map[string]int{}
			for i, row := range f.rows[1:] {
				if n[row[0]]++; n[row[0]] > 10000 {
					fail(i+2, "entry %s has more than 10,000 lines", row[0])
				}
			}
		}},
		together("N7", 0, 1, 2, 3, 4),
		cells("N8", 5, func(s string) bool { return s != "" && strings.TrimSpace(s) == s }, "an account without blanks around it"),
		everyText("N9", []int{4, 8}, func(s string) bool { return plainText(s) && short(999)(s) }, "a memo of one line and at most 999 characters"),
	}},
	"stripe-itemized": {entry: -1, isText: []int{10, 11, 14, 15, 16}, rules: []rule{
		headed("S1", "balance_transaction_id", "created_utc", "created", "available_on_utc", "available_on", "currency", "gross", "fee", "net",
			"reporting_category", "source_id", "description", "customer_facing_amount", "customer_facing_currency", "customer_email", "customer_name", "payment_method_type"),
		everyText("S2", []int{1, 2}, dated("2006-01-02 15:04:05"), "a moment"),
		everyText("S3", []int{5, 13}, matches(`[a-z]{3}|`), "a currency in small letters"),
		everyText("S4", []int{6, 7, 8, 12}, matches(`-?\d+(\.\d+)?|`), "a decimal in major units"),
		cells("S5", 9, matches(`charge|refund`), "a reporting category"),
		{"S6", func(f *layoutFile, fail func(int, string, ...any)) {
			for i, row := range f.rows[1:] {
				g, fee, net := ratOf(row[6]), ratOf(row[7]), ratOf(row[8])
				if g == nil || g.Sign() == 0 || (g.Sign() > 0) != (row[9] == "charge") {
					fail(i+2, "gross %q of a %s", row[6], row[9])
				}
				if fee != nil && net != nil && g != nil && g.Sub(g, fee).Cmp(net) != 0 {
					fail(i+2, "%s - %s is not %s", row[6], row[7], row[8])
				}
			}
		}},
	}},
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
