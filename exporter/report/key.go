package report

import (
	"encoding/binary"
	"strings"

	"github.com/payrec/payrec/internal/expression"
)

// appendKey appends bytes that are ordered as the values are: texts by their
// bytes, figures by their amount, times by their moment, no before yes. What is
// empty comes last, either way.
func appendKey(b []byte, v expression.Value, down bool) []byte {
	if v.IsEmpty() {
		return append(b, 1)
	}
	b = append(b, 0)
	from := len(b)
	switch v.Kind() {
	case expression.Text:
		// 0 ends a text, and one inside it sorts behind the end.
		b = append(b, strings.ReplaceAll(v.Text(), "\x00", "\x00\xff")...)
		b = append(b, 0, 0)
	case expression.Number:
		b = appendDecimalKey(b, v.Number().Trim(0).String())
	case expression.Money:
		b = appendDecimalKey(b, v.Money().Amount.Trim(0).String())
	case expression.Time:
		b = binary.BigEndian.AppendUint64(b, uint64(v.Time().Unix())^1<<63)
		b = binary.BigEndian.AppendUint32(b, uint32(v.Time().Nanosecond()))
	case expression.Bool:
		if v.Bool() {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	if down {
		invert(b[from:])
	}
	return b
}

// appendDecimalKey writes a decimal without trailing zeros: its sign, how many
// digits stand before the point, the digits, an end. A negative one is the
// inverse of its counterpart.
func appendDecimalKey(b []byte, s string) []byte {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	whole = strings.TrimLeft(whole, "0")
	sign := byte(1)
	if negative {
		sign = 0
	}
	b = append(b, sign)
	from := len(b)
	b = append(b, byte(len(whole)))
	b = append(append(b, whole...), fraction...)
	b = append(b, 0) // less than any digit
	if negative {
		invert(b[from:])
	}
	return b
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}
