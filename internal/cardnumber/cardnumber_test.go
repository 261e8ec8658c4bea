package cardnumber_test

import (
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/cardnumber"
)

// The numbers are the networks' and Stripe's public test numbers
// (docs.stripe.com/testing), or made of them.
func TestMask(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"4242424242424242", "424242…4242"},
		{" 4242 4242 4242 4242 ", " 424242…4242 "},
		{"4242-4242-4242-4242", "424242…4242"},
		{"4242\u00a04242\u00a04242\u00a04242", "424242…4242"},
		{"4242\u20094242\u20094242\u20094242", "424242…4242"},
		{"4242\u20074242\u20074242\u20074242", "424242…4242"},
		{"4242–4242–4242–4242", "424242…4242"},
		{"4242\u00ad4242\u200b4242 4242", "424242…4242"},
		{"4242 - 4242 - 4242 - 4242", "424242…4242"},
		{"3782 822463 10005", "378282…0005"},
		{"378282246310005", "378282…0005"},
		{"3622 720627 1667", "362272…1667"},
		{"3056930009020004", "305693…0004"},
		{"6205 5000 0000 0000 004", "620550…0004"},
		{"6205500000000000004", "620550…0004"},
		{"4222222222222", "422222…2222"},
		{"5555555555554444", "555555…4444"},
		{"2223003122003222", "222300…3222"},
		{"6011111111111117", "601111…1117"},
		{"3566002020360505", "356600…0505"},
		{"2200000000000004", "220000…0004"},
		{"42 42 42 42 42 42 42 42", "424242…4242"},
		{"４２４２４２４２４２４２４２４２", "424242…4242"},
		{"٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "424242…4242"},

		{"paid with 4242424242424242, thanks", "paid with 424242…4242, thanks"},
		{"card:4242424242424242;exp 12/27", "card:424242…4242;exp 12/27"},
		{"4242424242424242 123", "424242…4242 123"},
		{"4242 4242 4242 4242 12/27", "424242…4242 12/27"},
		{"Qty 2 4242 4242 4242 4242", "Qty 2 424242…4242"},
		{"4242424242424242,123", "424242…4242,123"},
		{"4242424242424242,12/27", "424242…4242,12/27"},
		{"card4242424242424242", "card424242…4242"},
		{"no.4242424242424242", "no.424242…4242"},
		{"4242424242424242.", "424242…4242."},
		{"+4242424242424242", "+424242…4242"},
		{"%B4242424242424242^DOE/J^2512101?", "%B424242…4242^DOE/J^2512101?"},
		{";4242424242424242=25121010000?", ";424242…4242=25121010000?"},
		{"4242424242424242D25121010000", "424242…4242D25121010000"},
		{"4242424242424242 5555555555554444", "424242…4242 555555…4444"},
		{"a\xff4242424242424242\xfe", "a\xff424242…4242\xfe"},
	} {
		if got := cardnumber.Mask(tt.text); got != tt.want {
			t.Errorf("Mask(%q) = %q, want %q", tt.text, got, tt.want)
		}
		if !cardnumber.Contains(tt.text) {
			t.Errorf("%q holds no card number", tt.text)
		}
		if cardnumber.Contains(cardnumber.Mask(tt.text)) {
			t.Errorf("the mask of %q holds one", tt.text)
		}
	}
}

func TestNoCardNumber(t *testing.T) {
	for _, text := range []string{
		"", "0", "4242", "4242424242424241", "424242424242424", "42424242424242424242", // another check digit, too short, too long
		"1234567812345670", "8815658961765250", // Luhn holds, and nobody issues them
		"4242424242424242.50", "0.4242424242424242", "12.4242424242424242", ".4242424242424242", "4242424242424242,50",
		"4242.4242.4242.4242",
		"42424242-4242-4242-8424-242424242424", "f3424242-4242-4242-a242-424242424242", "{42424242-4242-4242-8424-242424242424}",
		"9f4242424242424242a7", "0x4242424242424242", "ab12cd4242424242424242",
		"DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19", "NO93 8601 1117 947",
		"74537604221431003881340",                         // an acquirer reference number: 23 digits
		"+4915112345678", "+1 415 555 2671", "1767225600", // telephones, Unix seconds
		"1767225600000", "20260106080030", "2026-01-06 08:00:30.123456",
		"424242******4242", "4242XXXXXXXX4242", "4242 **** **** 4242", "************4242", "42424242••••4242", "424242######4242", "424242…4242",
		strings.Repeat("7", 5000), strings.Repeat("1 ", 5000),
	} {
		if n, ok := cardnumber.Find(text); ok {
			t.Errorf("%.60q holds a card number at %d", text, n.From)
		}
	}
}

func TestIsMask(t *testing.T) {
	for text, want := range map[string]bool{"424242…4242": true, " 424242…4242": true, "424242...4242": false, "x 424242…4242": false, "": false, "…": false} {
		if cardnumber.IsMask(text) != want {
			t.Errorf("IsMask(%q) is %v", text, !want)
		}
	}
}

func TestSecrets(t *testing.T) {
	for _, tt := range []struct {
		header, cell string
		want         bool
	}{
		{"CVV", "123", true}, {"cvc2", "0123", true}, {"Card Security Code", " 987 ", true}, {"CAV2", "111", true},
		{"CVV", "M", false}, {"CVV", "", false}, {"CVV", "***", false}, {"cvv_result", "123", false}, {"CVV", "12345", false},
		{"PIN", "1234", true}, {"PIN", "400001", false}, {"pin block", "0412AC89ABCDEF67", true},
		{"Track 1", "%B4242424242424242^DOE/J^2512101?", true}, {"track2", "****", false}, {"Tracking", "123", false},
		{"amount", "123", false},
	} {
		if got := cardnumber.SecretOf(tt.header).In(tt.cell); got != tt.want {
			t.Errorf("column %q, cell %q: %v", tt.header, tt.cell, got)
		}
	}
}

// FuzzMask: no text makes the scanner panic or go on for ever; what is masked
// holds no card number any more, and a card number between two words is found
// whatever stands around them.
func FuzzMask(f *testing.F) {
	for _, s := range []string{"4242424242424242", "4242 4242 4242 4242 12/27", "DE89 3704 0044 0532 0130 00", "42424242-4242-4242-8424-242424242424",
		"٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "4242-4242 4242–4242", "+4242424242424242", "%B4242424242424242^", "6205 5000 0000 0000 004", "\xff4242\xe2\x80", "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		masked := cardnumber.Mask(text)
		if (masked != text) != cardnumber.Contains(text) {
			t.Fatalf("Mask and Contains disagree about %q", text)
		}
		if cardnumber.Contains(masked) {
			t.Fatalf("%q is masked as %q, which holds one still", text, masked)
		}
		if n, ok := cardnumber.Find(text); ok && (n.From < 0 || n.To > len(text) || n.To-n.From < 13) {
			t.Fatalf("%q: found at %+v", text, n)
		}
		var tally cardnumber.Tally
		tally.Look(text)
		if tally.Cards == 1 != cardnumber.Contains(text) {
			t.Fatalf("the tally of %q is %+v", text, tally)
		}
		if !cardnumber.Contains(text + "\n; card 4242424242424242; \n") {
			t.Fatalf("a card number behind %q is not found", text)
		}
	})
}
