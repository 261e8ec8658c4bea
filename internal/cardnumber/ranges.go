package cardnumber

// An issuerRange is the numbers that begin between two prefixes of the same
// length, and the lengths that they come in.
type issuerRange struct {
	from, to uint32
	size     int    // digits of the prefixes
	lengths  uint32 // bit n: numbers of n digits
}

func lengths(list ...int) (bits uint32) {
	for _, n := range list {
		bits |= 1 << n
	}
	return bits
}

// ranges are the prefixes that card networks use. Sources, as of 2026: Wikipedia,
// "Payment card number" (issuer identification numbers and lengths); the type
// table of Braintree's credit-card-type 10 (github.com/braintree/credit-card-type,
// src/lib/card-types.ts); Stripe's test cards (docs.stripe.com/testing), among which are a
// Diners number of 16 digits and a UnionPay number of 19.
//
// They are wide where networks overlap or keep their tables to themselves, and
// leave out what would only find references: UATP's 1, whose fifteen digits no
// shop sees, and the parts of 6 that no network has announced.
var ranges = []issuerRange{
	{4, 4, 1, lengths(13, 16, 18, 19)},                 // Visa
	{51, 55, 2, lengths(16)},                           // Mastercard
	{2221, 2720, 4, lengths(16)},                       // Mastercard since 2017
	{34, 34, 2, lengths(15)}, {37, 37, 2, lengths(15)}, // American Express
	{300, 305, 3, lengths(14, 16, 19)}, {3095, 3095, 4, lengths(14, 16, 19)}, // Diners Club
	{36, 36, 2, lengths(14, 16, 19)}, {38, 39, 2, lengths(14, 16, 19)},
	{3528, 3589, 4, lengths(16, 17, 18, 19)}, {2131, 2131, 4, lengths(15)}, {1800, 1800, 4, lengths(15)}, // JCB
	{60, 60, 2, lengths(16, 17, 18, 19)},                                         // Discover, RuPay, Hipercard
	{62, 62, 2, lengths(16, 17, 18, 19)}, {810, 817, 3, lengths(16, 17, 18, 19)}, // UnionPay
	{64, 65, 2, lengths(16, 17, 18, 19)},                                                               // Discover, RuPay, Elo, Troy
	{50, 50, 2, lengths(13, 14, 15, 16, 17, 18, 19)}, {56, 59, 2, lengths(13, 14, 15, 16, 17, 18, 19)}, // Maestro, Verve, Elo
	{63, 63, 2, lengths(13, 14, 15, 16, 17, 18, 19)}, {67, 67, 2, lengths(13, 14, 15, 16, 17, 18, 19)},
	{2200, 2205, 4, lengths(16, 17, 18, 19)},             // Mir, Borica
	{82, 82, 2, lengths(16)}, {353, 353, 3, lengths(16)}, // RuPay
	{356, 356, 3, lengths(16)}, {9792, 9792, 4, lengths(16)}, // RuPay with JCB; Troy
	{8600, 8600, 4, lengths(16)}, {9860, 9860, 4, lengths(16)}, // UzCard, Humo
}

// beginnings are the first two digits of all ranges: most long numbers are no
// card numbers by these.
var beginnings = func() (list [100]bool) {
	for _, r := range ranges {
		from, to := r.from, r.to
		for size := r.size; size > 2; size-- {
			from, to = from/10, to/10
		}
		if r.size == 1 {
			from, to = 10*from, 10*to+9
		}
		for ; from <= to; from++ {
			list[from] = true
		}
	}
	return list
}()

// issued says whether a network issues numbers of this length and beginning.
func issued(digits []byte) bool {
	prefix, size := uint32(0), 0
	for _, d := range digits[:4] {
		prefix, size = prefix*10+uint32(d), size+1
		for i := range ranges {
			r := &ranges[i]
			if r.size == size && prefix >= r.from && prefix <= r.to && r.lengths&(1<<len(digits)) != 0 {
				return true
			}
		}
	}
	return false
}

// luhn says whether the check digit, the last one, is right.
func luhn(digits []byte) bool {
	sum := 0
	for i, d := range digits {
		n := int(d)
		if (len(digits)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}
