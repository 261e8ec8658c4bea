package mapping

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/govalues/decimal"
)

// A numberFormat says how a file writes numbers.
type numberFormat struct {
	decimal rune // mark before the decimals
	group   rune // mark between thousands; 0 is none, ' ' is any blank
}

// plainNumbers is how numeric cells of a workbook come, whatever the locale.
var plainNumbers = numberFormat{decimal: '.'}

// errExponent is a number that a spreadsheet wrote, digits lost.
var errExponent = errors.New("is in exponent notation, so a spreadsheet has dropped digits")

// maxDigits is what an exact decimal holds.
const maxDigits = 19

// parse reads a number, strictly: signs before or after it, or parentheses for
// a negative one; thousands in groups of three; no digits lost.
func (f numberFormat) parse(s string) (decimal.Decimal, error) {
	if d, ok := f.plainly(s); ok {
		return d, nil
	}
	return f.carefully(s)
}

// carefully reads any number, and says what is wrong with what is none.
func (f numberFormat) carefully(s string) (decimal.Decimal, error) {
	digits, negative, err := unsign(s)
	if err != nil {
		return decimal.Decimal{}, err
	}
	var buf [48]byte
	plain, err := f.plain(buf[:0], digits, negative)
	if err != nil {
		return decimal.Decimal{}, err
	}
	d, err := decimal.Parse(string(plain))
	if err != nil {
		return decimal.Decimal{}, errors.New("is not a number")
	}
	return d, nil
}

// plainly reads what most cells are: a minus or none, digits, and maybe a mark
// and digits. It says nothing about any other text.
func (f numberFormat) plainly(s string) (decimal.Decimal, bool) {
	const most = 18 // digits, whatever they are, that fit
	at := 0
	if len(s) > 0 && s[0] == '-' {
		at = 1
	}
	if len(s)-at > most+1 {
		return decimal.Decimal{}, false
	}
	value, point, first := int64(0), -1, at
	for ; at < len(s); at++ {
		switch c := s[at]; {
		case c >= '0' && c <= '9':
			value = value*10 + int64(c-'0')
		case c < utf8.RuneSelf && rune(c) == f.decimal && point < 0 && at > first:
			point = at
		default:
			return decimal.Decimal{}, false
		}
	}
	scale := 0
	switch {
	case len(s) == first || point == len(s)-1 || point < 0 && len(s)-first > most:
		return decimal.Decimal{}, false
	case point >= 0:
		scale = len(s) - 1 - point
	}
	if first > 0 {
		value = -value
	}
	d, err := decimal.New(value, scale)
	return d, err == nil
}

// unsign takes the sign off a number: "-5", "5-", "+ 5", "(5)".
func unsign(s string) (digits string, negative bool, err error) {
	s = trimBlanks(s)
	if inner, ok := strings.CutPrefix(s, "("); ok {
		inner, ok = strings.CutSuffix(inner, ")")
		if !ok || strings.ContainsAny(inner, "+-−()") {
			return "", false, errors.New("has a parenthesis that does not belong there")
		}
		return trimBlanks(inner), true, nil
	}
	signs := 0
	if sign, size := signAt(s, true); size > 0 {
		s, negative, signs = trimBlanks(s[size:]), sign == '-', 1
	}
	if sign, size := signAt(s, false); size > 0 {
		s, negative = trimBlanks(s[:len(s)-size]), sign == '-'
		signs++
	}
	if signs > 1 {
		return "", false, errors.New("has two signs")
	}
	return s, negative, nil
}

// signAt is the sign at the front or the end of s, and its length.
func signAt(s string, front bool) (sign rune, size int) {
	r, size := utf8.DecodeLastRuneInString(s)
	if front {
		r, size = utf8.DecodeRuneInString(s)
	}
	switch r {
	case '+':
		return '+', size
	case '-', '−': // hyphen, minus
		return '-', size
	}
	return 0, 0
}

// plain rewrites a number without sign to ASCII digits and a point.
func (f numberFormat) plain(b []byte, s string, negative bool) ([]byte, error) {
	if negative {
		b = append(b, '-')
	}
	const noGroup = -1
	significant, run, inGroup, decimals := 0, 0, noGroup, false
	for _, r := range s {
		switch {
		case '0' <= r && r <= '9':
			if significant > 0 || r != '0' || decimals {
				significant++
			}
			run++
			if significant > maxDigits {
				return nil, fmt.Errorf("has more than %d digits", maxDigits)
			}
			b = append(b, byte(r))
		case r == f.decimal && !decimals:
			if inGroup != noGroup && run != 3 {
				return nil, f.groupError()
			}
			decimals, run, inGroup = true, 0, noGroup
			if len(b) == 0 || b[len(b)-1] == '-' {
				b = append(b, '0')
			}
			b = append(b, '.')
		case f.isGroup(r) && !decimals:
			if run == 0 || run > 3 || inGroup != noGroup && run != 3 {
				return nil, f.groupError()
			}
			run, inGroup = 0, 1
		default:
			return nil, f.strange(r, s)
		}
	}
	switch {
	case inGroup != noGroup && run != 3:
		return nil, f.groupError()
	case run == 0:
		return nil, errors.New("is not a number")
	}
	return b, nil
}

func (f numberFormat) isGroup(r rune) bool {
	return f.group != 0 && (r == f.group || f.group == ' ' && isBlank(r) || f.group == '\'' && r == '’')
}

func (f numberFormat) groupError() error {
	return fmt.Errorf("has %q, declared as the mark between thousands, where no group of three digits follows", f.group)
}

// strange explains a character that no number of this format has.
func (f numberFormat) strange(r rune, s string) error {
	switch {
	case (r == 'e' || r == 'E') && isExponent(s):
		return errExponent
	case r == f.decimal:
		return fmt.Errorf("has the decimal mark %q twice", r)
	case r == '.' || r == ',' || r == '\'' || r == '’' || isBlank(r):
		if f.isGroup(r) {
			return fmt.Errorf("has %q, the mark between thousands, among its decimals", r)
		}
		return fmt.Errorf("has %q, but the mapping declares decimal: %q and %s", r, f.decimal, f.groupName())
	case unicode.Is(unicode.Sc, r):
		return fmt.Errorf("has the currency sign %q; write strip: ['%c'] on the column", r, r)
	}
	return errors.New("is not a number")
}

func (f numberFormat) groupName() string {
	if f.group == 0 {
		return "no thousands mark"
	}
	return fmt.Sprintf("thousands: %q", f.group)
}

// isExponent says whether a text is a number as a spreadsheet abbreviates it:
// 8.81618E+15.
func isExponent(s string) bool {
	if strings.IndexByte(s, 'e') < 0 && strings.IndexByte(s, 'E') < 0 {
		return false
	}
	mantissa, exponent, ok := strings.Cut(strings.ToLower(strings.TrimLeft(s, "+-")), "e")
	if !ok {
		return false
	}
	exponent = strings.TrimLeft(exponent, "+-")
	whole, fraction, pointed := strings.Cut(strings.ReplaceAll(mantissa, ",", "."), ".")
	return allDigits(whole) && allDigits(exponent) && (!pointed || allDigits(fraction))
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isBlank says whether r is a blank of any kind: spaces of all widths, tabs,
// no-break and zero-width spaces, byte order marks.
func isBlank(r rune) bool {
	return unicode.IsSpace(r) || r == '\uFEFF' || r == '\u200B' || r == '\u2060' || r == 0
}

// trimBlanks removes every kind of blank around s.
func trimBlanks(s string) string {
	if s == "" || s[0] > ' ' && s[0] < utf8.RuneSelf && s[len(s)-1] > ' ' && s[len(s)-1] < utf8.RuneSelf {
		return s
	}
	return strings.TrimFunc(s, isBlank)
}
