package record

import (
	"fmt"
	"strings"
)

// A Currency is a three-letter code in lower case, as the API writes it.
type Currency string

// ParseCurrency reads a currency code in any letter case. An unknown code is
// an error: its minor unit would be a guess.
func ParseCurrency(s string) (Currency, error) {
	code := strings.TrimSpace(s)
	if len(code) == 3 {
		// Letters outside ASCII whose lower case is inside it stay unknown.
		if i := find(asciiLower(code[0]), asciiLower(code[1]), asciiLower(code[2])); i >= 0 {
			return Currency(currencies[i : i+3]), nil
		}
	}
	return "", fmt.Errorf("%q is not a currency code that the API takes (three letters, such as USD)", cut(s))
}

// Known says whether the code is one of the API's.
func (c Currency) Known() bool {
	return len(c) == 3 && find(c[0], c[1], c[2]) >= 0
}

// find is where the code of these three letters stands in [currencies], or -1.
func find(a, b, c byte) int {
	code := [3]byte{a, b, c}
	low, high := 0, (len(currencies)+1)/4
	for low < high {
		mid := (low + high) / 2
		switch at := currencies[4*mid : 4*mid+3]; {
		case at == string(code[:]):
			return 4 * mid
		case at < string(code[:]):
			low = mid + 1
		default:
			high = mid
		}
	}
	return -1
}

func asciiLower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// Exponent is the number of decimal places between the major unit and the
// minor unit in which the API counts. It is the API's own table, not ISO
// 4217's: ISK and UGX are whole currencies that are sent in hundredths.
// Source: docs.stripe.com/currencies (zero-decimal, three-decimal, special cases).
func (c Currency) Exponent() int {
	switch c {
	case "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf":
		return 0
	case "bhd", "jod", "kwd", "omr", "tnd":
		return 3
	}
	return 2
}

// step is the smallest difference between two amounts, in minor units: three
// decimals end in 0, and ISK and UGX are whole units sent in hundredths.
func (c Currency) step() int64 {
	switch c {
	case "bhd", "jod", "kwd", "omr", "tnd":
		return 10
	case "isk", "ugx":
		return 100
	}
	return 1
}

// Upper is the code as people write it. Of a known one it costs no memory: an
// export writes millions.
func (c Currency) Upper() string {
	if len(c) == 3 {
		if i := find(c[0], c[1], c[2]); i >= 0 {
			return upperCurrencies[i : i+3]
		}
	}
	return strings.ToUpper(string(c))
}

var upperCurrencies = strings.ToUpper(currencies)

// currencies are the API's supported currencies (stripe-go v85, currency.go)
// and those that its three-decimal rule and ISO 4217 name besides: each three
// letters and a blank, ascending.
const currencies = "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn bwp byn byr bzd cad cdf " +
	"chf clp cny cop crc cup cve czk djf dkk dop dzd eek egp ern etb eur fjd fkp gbp gel ghs gip gmd gnf gtq gyd hkd hnl " +
	"hrk htg huf idr ils inr iqd irr isk jmd jod jpy kes kgs khr kmf kpw krw kwd kyd kzt lak lbp lkr lrd lsl ltl lvl lyd mad mdl " +
	"mga mkd mmk mnt mop mro mru mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron " +
	"rsd rub rwf sar sbd scr sdg sek sgd shp sle sll sos srd ssp std stn svc syp szl thb tjs tmt tnd top try ttd twd tzs uah ugx usd " +
	"uyu uzs vef ves vnd vuv wst xaf xcd xcg xof xpf yer zar zmw zwg"
