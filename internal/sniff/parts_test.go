package sniff

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/cardnumber"
)

func TestParseNumber(t *testing.T) {
	for in, want := range map[string]number{
		"1":                   {digits: 1},
		"1050":                {digits: 4},
		"007":                 {digits: 3, zeros: true},
		"10.50":               {digits: 4, decimals: 2, mark: '.'},
		"0.5":                 {digits: 2, decimals: 1, mark: '.'},
		".5":                  {digits: 1, decimals: 1, mark: '.'},
		"1,653.75":            {digits: 6, decimals: 2, mark: '.'},
		"4.626,81":            {digits: 6, decimals: 2, mark: ','},
		"1.234.567":           {digits: 7},
		"1'234.50":            {digits: 6, decimals: 2, mark: '.'},
		"1 234,50":            {digits: 6, decimals: 2, mark: ','},
		"1\u00a0234\u00a0567": {digits: 7},
		"1,234":               {digits: 4, decimals: 3, mark: ',', ambiguous: true},
		"0,234":               {digits: 4, decimals: 3, mark: ','},
		"1234,567":            {digits: 7, decimals: 3, mark: ','},
		"254.0104":            {digits: 7, decimals: 4, mark: '.'},
		"-33,50":              {digits: 4, decimals: 2, mark: ','},
		"33.50-":              {digits: 4, decimals: 2, mark: '.'},
		"+31070,11":           {digits: 7, decimals: 2, mark: ','},
		"- $21.59":            {digits: 4, decimals: 2, mark: '.', symbol: true},
		"-$0.95":              {digits: 3, decimals: 2, mark: '.', symbol: true},
		"($25.99)":            {digits: 4, decimals: 2, mark: '.', symbol: true},
		"¥28.16":              {digits: 4, decimals: 2, mark: '.', symbol: true},
		"12,50 €":             {digits: 4, decimals: 2, mark: ',', symbol: true},
		"32.09    ":           {digits: 4, decimals: 2, mark: '.'},
		"`0.01":               {digits: 3, decimals: 2, mark: '.'},
		"1.00%":               {digits: 3, decimals: 2, mark: '.', percent: true},
		"8.81618E+15":         {digits: 7, exponent: true},
		"1.2302025304E+022":   {digits: 12, exponent: true},
	} {
		if got, ok := parseNumber(in); !ok || got != want {
			t.Errorf("%q: %+v, %v; want %+v", in, got, ok, want)
		}
	}
	for _, in := range []string{"", " ", "-", "$", ".", ",", "1.", "1,", "a1", "1a", "12:30", "2026-01-06", "1.2.3", "1,23,456", "1.234,567.8",
		"12,34.5", "1,2,3", "1  2", "E+5", "1E+", "1E5", "--", "1-2", "235.61(已退款235.50)", strings.Repeat("1", 65)} {
		if got, ok := parseNumber(in); ok {
			t.Errorf("%q is a number: %+v", in, got)
		}
	}
}

// TestShow: whatever the cell, its sample is short, valid and harmless, and
// holds no card number.
func TestShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x1b[31m", "\u202e", "\xff\xfe", "\x00", "\u009b"})).Draw(t, "s") +
			rapid.StringMatching(`[ 0-9-]{0,30}`).Draw(t, "digits") + rapid.String().Draw(t, "end")
		got := show(s)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 41 || strings.ContainsAny(got, "\x00\x1b\n\r\t\u202e\u009b") {
			t.Fatalf("%q is shown as %q", s, got)
		}
		if cardnumber.Contains(got) {
			t.Fatalf("%q is shown as %q, with a card number", s, got)
		}
	})
}

func TestHints(t *testing.T) {
	for name, want := range map[string]hint{
		"Psp Reference": hintID, "Transaction ID": hintID, "balance_transaction_id": hintID, "PayexTransactionNo": hintID,
		"微信订单号": hintID, "OrderID": hintID, "Refund Reference": hintID,
		"Gross Credit (GC)": hintMoney, "NetTransactionAmount": hintMoney, "refunded_amount": hintMoney, "金额": hintMoney,
		"Fee ": hintMoney, "手续费": hintMoney, "Importe de envío": hintMoney,
		"Exchange Rate": hintRate, "费率": hintRate,
		"Creation Date": hintDate, "created_at": hintDate, "SettlementDate": hintDate, "交易时间": hintDate, "Fecha": hintDate,
		"Gross Currency": hintCurrency, "Divisa": hintCurrency, "Fee Currency": hintCurrency,
		"": hintNone, "Description": hintNone, "ID": hintID, "Note": hintNone,
	} {
		if got := hintOf(name); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
	}
}

// TestDateFormats: every notation reads its own example, and no text that is
// only near to a date.
func TestDateFormats(t *testing.T) {
	if len(dateFormats) > len(dates{}.hits) {
		t.Fatal("more notations than counters")
	}
	for in, want := range map[string]string{
		"2026-01-06 08:00:30": "%Y-%m-%d %H:%M:%S", "2026-01-06 08:00": "%Y-%m-%d %H:%M", "2026-01-06": "%Y-%m-%d",
		"2026-01-06 08:00:30.123": "%Y-%m-%d %H:%M:%S.%f", "2026-06-17 08:14:22 UTC": "%Y-%m-%d %H:%M:%S UTC",
		"2015-10-01T11:10:34 -0700": "%Y-%m-%dT%H:%M:%S %z", "2021-01-05T00:21:32": "%Y-%m-%dT%H:%M:%S",
		"2026/01/06 00:00:30 -0800": "%Y/%m/%d %H:%M:%S %z", "2026/01/06": "%Y/%m/%d", "2020年05月07日": "%Y年%m月%d日",
		"29/12/2015": "%d/%m/%Y", "9/4/2018": "%d/%m/%Y", "12/29/2015": "%m/%d/%Y", "08.04.2021": "%d.%m.%Y", "01/04/20": "%d/%m/%y",
		"21-Aug-2006": "%d-%b-%Y", "Aug 31, 2026": "%b %d, %Y", "1 Jul 2026": "%d %b %Y",
		"2026-01-06T08:00:30Z": iso8601, "2024-08-08T21:46:40.366204+01:00": iso8601,
	} {
		var d dates
		d.see(in)
		if f, hits, _ := d.best(); hits != 1 || f.name != want {
			t.Errorf("%q: %+v, want %s", in, f, want)
		}
	}
	for _, in := range []string{"2026-13-01", "2026-02-30", "32/01/2026", "1026-01-06", "2226-01-06", "20260106", "12:30:00", "1.2.3",
		"10-20-30", "2026-01", "Jan 2026", "2014-11-1016：33：45", "1234/5678/9012", "192.168.0.1"} {
		if isDate(in) {
			t.Errorf("%q is a date", in)
		}
	}
}
