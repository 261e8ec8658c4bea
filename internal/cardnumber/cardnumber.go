// Package cardnumber finds payment card numbers in text, so that payrec can
// keep them out of everything that it sends, stores or prints. PCI DSS v4.0.1
// asks for that (3.4.1 display, 3.5.1 storage), and so does Stripe: no card
// details in metadata (docs.stripe.com/metadata).
//
// Terms:
//
//   - A candidate is a text that could be a card number by its form: 13 to 19
//     digits, in one run or in groups with one kind of separator between them.
//   - A card number is a candidate whose length and first digits an issuer
//     uses (ranges.go) and whose check digit is right (Luhn, ISO/IEC 7812-1
//     annex B).
//   - A mask is what may be shown of one: its first six and last four digits.
//   - A [Tally] is what a column's cells come to. One number in thirty of sixteen random
//     digits passes for a card number; a column tells what it is by how many do.
//   - Sensitive authentication data are security codes (CVV and its many names),
//     PINs and magnetic stripes. Nobody may keep them after a payment was
//     authorised, masked or not (3.3.1): see [SecretOf].
//
// # What is a candidate
//
// Separators are single blanks, no-break, thin, figure and other spaces, dashes of every
// kind and what has no width. A dot is none: it makes decimals. Groups that stand among further digits
// must be those that are printed on cards (4-4-4-4, 4-6-5 and the like); a text
// whose digits are all of the candidate may be grouped in any way. Full-width, Arabic and
// Devanagari digits count as digits.
//
// Not a candidate is what lies inside a longer run of digits, a decimal, a
// UUID, an IBAN whose check digits are right, a telephone number with its +,
// or a word with further digits in it, such as a hash. A masked number has too
// few digits left to be one.
//
// # Cost
//
// A cell of fewer than 13 bytes costs its length check, any other one pass that counts digits.
package cardnumber

import (
	"strings"
	"unicode/utf8"
)

// Lengths of card numbers, from the 13 digits of old Visa and Maestro cards to
// the most that ISO/IEC 7812-1 has.
const (
	shortest = 13
	longest  = 19
)

// A Number is where a card number stands in a text.
type Number struct {
	From, To int  // byte offsets
	Grouped  bool // with separators, as people write it
}

// Find gives the first card number in a text.
func Find(text string) (Number, bool) {
	if !likely(text) {
		return Number{}, false
	}
	var found Number
	s := scanner{cardsOnly: true}
	s.scan(text, func(n Number, _ bool) bool {
		found = n
		return false
	})
	return found, found.To > 0
}

// Contains says whether a text holds a card number.
func Contains(text string) bool {
	_, ok := Find(text)
	return ok
}

// Mask shows of every card number in a text its first six and last four digits,
// 424242…4242, and leaves everything else as it is.
func Mask(text string) string {
	if !likely(text) {
		return text
	}
	var b strings.Builder
	at := 0
	s := scanner{cardsOnly: true}
	s.scan(text, func(n Number, _ bool) bool {
		b.WriteString(text[at:n.From])
		b.WriteString(masked(text[n.From:n.To]))
		at = n.To
		return true
	})
	if at == 0 {
		return text
	}
	b.WriteString(text[at:])
	return b.String()
}

// IsMask says whether a text is what [Mask] makes of a bare card number. Such a
// text names no payment: several cards look like it.
func IsMask(text string) bool {
	before, after, ok := strings.Cut(strings.TrimSpace(text), "…")
	return ok && len(before) == 6 && len(after) == 4 && strings.Trim(before+after, "0123456789") == ""
}

// likely says whether a text has enough digits together for a card number. Digits that
// are not ASCII take more than a byte, so a text with any goes the long way.
func likely(text string) bool {
	if len(text) < shortest {
		return false
	}
	digits := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c-'0' <= 9 {
			if digits++; digits == shortest {
				return true
			}
		} else if c >= utf8.RuneSelf {
			return manyDigits(text)
		} else if c != ' ' && c != '-' { // no number goes on behind it
			digits = 0
		}
	}
	return false
}

func manyDigits(text string) bool {
	digits := 0
	for _, r := range text {
		if _, ok := digit(r); ok {
			if digits++; digits == shortest {
				return true
			}
		}
	}
	return false
}

// zeros are the zeros of the decimal digits that are read besides ASCII's:
// Arabic, Persian, Devanagari, full-width.
var zeros = [...]rune{0x0660, 0x06F0, 0x0966, 0xFF10}

// digit is the value of a digit.
func digit(r rune) (byte, bool) {
	if r < utf8.RuneSelf {
		return byte(r - '0'), r >= '0' && r <= '9'
	}
	for _, zero := range zeros {
		if r >= zero && r <= zero+9 {
			return byte(r - zero), true
		}
	}
	return 0, false
}

// isSeparator says whether a character can stand between groups of digits.
func isSeparator(r rune) bool {
	switch {
	case r == ' ', r == '-', r == '\u00a0', r == '\u00ad', r == '\u202f', r == '\u205f', r == '\u3000', r == '\u2212', r == '\ufeff', r == '\u2060', r == '\u30fb':
		return true
	case r >= '\u2000' && r <= '\u200d': // spaces of every width, and of none
		return true
	case r >= '\u2010' && r <= '\u2015': // hyphens and dashes
		return true
	case r == '\ufe58', r == '\ufe63', r == '\uff0d': // their small and full-width forms
		return true
	}
	return false
}
