package table

import (
	"strconv"
	"strings"
)

// shown is how many significant digits a spreadsheet shows and keeps of what
// is typed: the 277.60000000000002 in a file is 277.6 in its cell.
const shown = 15

// number renders a numeric cell's text as a spreadsheet shows it: 15
// significant digits, half rounded away from zero, no exponent, no zeros at
// the end. An integer written out stays as it is at any length, because its
// digits carry no noise: 4814769000000000 has sixteen. All arithmetic is on the decimal text.
func number(s string) (string, bool) {
	s = trim(s)
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	exponent := 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		n, err := strconv.Atoi(digits[i+1:])
		if err != nil || n > 400 || n < -400 { // doubles end at 308 and -324
			return "", false
		}
		digits, exponent = digits[:i], n
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole+fraction == "" || len(whole)+len(fraction) > 400 || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", false
	}
	point := len(whole) + exponent // digits before the decimal point
	all := strings.TrimLeft(whole+fraction, "0")
	point -= len(whole) + len(fraction) - len(all)
	all = strings.TrimRight(all, "0")
	if all == "" {
		return "0", true
	}
	if len(all) > shown && len(all) > point { // more digits than shown, and not an integer
		carried := false
		all, carried = roundDigits(all)
		if carried {
			point++
		}
	}
	out := place(all, point)
	if negative {
		out = "-" + out
	}
	return out, true
}

// plainNumber says whether a numeric cell's text is already as number renders it,
// by its form alone; not of all that are.
func plainNumber(s []byte) bool {
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	point := len(s)
	for i, c := range s {
		if c == '.' && point == len(s) {
			point = i
		} else if c < '0' || '9' < c {
			return false
		}
	}
	switch {
	case point == 0, len(s) > shown:
		return false
	case s[0] == '0' && point > 1: // 007
		return false
	case point < len(s):
		return s[len(s)-1] != '0' && point != len(s)-1
	}
	return s[0] != '0'
}

// roundDigits rounds a row of digits to those shown; carried says that it
// became 1 followed by zeros, one place higher.
func roundDigits(all string) (digits string, carried bool) {
	d := []byte(all[:shown])
	if all[shown] >= '5' {
		i := shown - 1
		for ; i >= 0 && d[i] == '9'; i-- {
			d[i] = '0'
		}
		if i < 0 {
			return "1", true
		}
		d[i]++
	}
	return strings.TrimRight(string(d), "0"), false
}

// place writes digits with the decimal point after so many of them.
func place(digits string, point int) string {
	switch {
	case point <= 0:
		return "0." + strings.Repeat("0", -point) + digits
	case point >= len(digits):
		return digits + strings.Repeat("0", point-len(digits))
	}
	return digits[:point] + "." + digits[point:]
}
