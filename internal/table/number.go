package table

import (
	"bytes"
	"strconv"
)

// shown is how many significant digits a spreadsheet shows and keeps of what
// is typed: the 277.60000000000002 in a file is 277.6 in its cell.
const shown = 15

// longestNumber is how many digits a number may be written with, and how many zeros
// its exponent may stand for; doubles end at 308 and -324.
const longestNumber = 400

// number appends a numeric cell's text as a spreadsheet shows it: 15
// significant digits, half rounded away from zero, no exponent, no zeros at
// the end. An integer written out stays as it is at any length, because its
// digits carry no noise: 4814769000000000 has sixteen. All arithmetic is on the
// decimal text, which may stand in what is appended to.
func number(to, s []byte) ([]byte, bool) {
	s = bytes.TrimFunc(s, isBlankRune)
	negative := len(s) > 0 && s[0] == '-'
	if negative || len(s) > 0 && s[0] == '+' {
		s = s[1:]
	}
	var room [longestNumber]byte
	all, point, exponent := room[:0], -1, 0 // point: digits before the decimal point
scan:
	for i, c := range s {
		switch {
		case '0' <= c && c <= '9' && len(all) < len(room):
			all = append(all, c)
		case c == '.' && point < 0:
			point = len(all)
		case c == 'e' || c == 'E':
			n, err := strconv.Atoi(string(s[i+1:]))
			if err != nil || n > longestNumber || n < -longestNumber {
				return to, false
			}
			exponent = n
			break scan
		default:
			return to, false
		}
	}
	if len(all) == 0 {
		return to, false
	}
	if point < 0 {
		point = len(all)
	}
	point += exponent
	zeros := len(all)
	all = bytes.TrimLeft(all, "0")
	point -= zeros - len(all)
	all = bytes.TrimRight(all, "0")
	if len(all) == 0 {
		return append(to, '0'), true
	}
	if len(all) > shown && len(all) > point { // more digits than shown, and not an integer
		carried := false
		if all, carried = roundDigits(all); carried {
			point++
		}
	}
	if negative {
		to = append(to, '-')
	}
	return place(to, all, point), true
}

// roundDigits rounds a row of digits to those shown, in place; carried says that
// it became 1 followed by zeros, one place higher.
func roundDigits(all []byte) (digits []byte, carried bool) {
	d := all[:shown]
	if all[shown] >= '5' {
		i := shown - 1
		for ; i >= 0 && d[i] == '9'; i-- {
			d[i] = '0'
		}
		if i < 0 {
			d[0] = '1'
			return d[:1], true
		}
		d[i]++
	}
	return bytes.TrimRight(d, "0"), false
}

// place appends digits with the decimal point after so many of them.
func place(to, digits []byte, point int) []byte {
	if point <= 0 {
		return append(zeros(append(to, "0."...), -point), digits...)
	}
	if point >= len(digits) {
		return zeros(append(to, digits...), point-len(digits))
	}
	to = append(append(to, digits[:point]...), '.')
	return append(to, digits[point:]...)
}

func zeros(to []byte, n int) []byte {
	for range n {
		to = append(to, '0')
	}
	return to
}
