package cardnumber

import (
	"strings"
	"unicode"
)

// letters keeps the letters and digits of a header, in lower case, so that
// Card_Number is card number.
func letters(header string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, header)
}

// IsHeader says whether a column's name promises card numbers.
func IsHeader(header string) bool {
	switch letters(header) {
	case "pan", "cardnumber", "cardno", "cardnum", "creditcardnumber", "creditcardno", "creditcard", "ccnumber", "ccnum", "ccno",
		"primaryaccountnumber", "accountnumberpan", "fullpan", "clearpan", "kartennummer", "kreditkartennummer", "numerodecarte", "numérodecarte",
		"numerodetarjeta", "númerodetarjeta", "numerodicarta", "kaartnummer", "numerodocartao", "númerodocartão", "カード番号", "卡号":
		return true
	}
	return false
}

// A Secret is a kind of sensitive authentication data, named for people; "" is none.
type Secret string

// The kinds of sensitive authentication data. Source: PCI DSS v4.0.1, 3.3.1.1 to 3.3.1.3.
const (
	SecurityCode Secret = "card security codes"
	PIN          Secret = "PINs"
	Track        Secret = "magnetic stripe data"
)

// SecretOf says what a column's name promises. [Secret.In] says whether a cell
// keeps the promise: many reports have a column CVV for the answer of the
// check, such as M, and postal codes of India are PINs.
func SecretOf(header string) Secret {
	switch letters(header) {
	case "cvv", "cvv2", "cvc", "cvc2", "cav2", "csc", "cvn", "cvn2", "cve", "cvp2", "cvvcode", "cvccode", "cvvnumber", "cardcvv", "cardcvc", "cvvcvc", "cvccvv",
		"securitycode", "cardsecuritycode", "cardverificationvalue", "cardverificationcode", "cardverificationnumber",
		"prüfziffer", "kartenprüfnummer", "codedesécurité", "códigodeseguridad", "codigodeseguridad":
		return SecurityCode
	case "pin", "pinblock", "cardpin", "encryptedpin", "encryptedpinblock":
		return PIN
	case "track1", "track2", "track3", "trackdata", "track1data", "track2data", "track2equivalent", "track2equivalentdata", "magstripe", "magneticstripe", "stripedata", "magstripedata":
		return Track
	}
	return ""
}

// In says whether a cell of such a column holds what the name promises.
func (k Secret) In(cell string) bool {
	cell = strings.TrimSpace(cell)
	digits := leadingDigits(cell)
	switch k {
	case SecurityCode:
		return digits == len(cell) && (digits == 3 || digits == 4)
	case PIN: // four digits or an encrypted block, which has sixteen
		hex := strings.Trim(cell, "0123456789abcdefABCDEF") == ""
		return digits == len(cell) && digits == 4 || hex && len(cell) == 16
	case Track:
		return strings.ContainsAny(cell, "0123456789")
	}
	return false
}
