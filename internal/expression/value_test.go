package expression_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/govalues/decimal"
	"pgregory.net/rapid"

	. "github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// What goes into a value comes out as it was: every digit, sign and scale of a
// decimal, every instant with its offset.
func TestValueKeeps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?([0-9]{1,2}|9[0-9]{17}|9[0-9]{16}\.[0-9]{2}|0\.[0-9]{19}|[0-9]{9}\.[0-9]{1,9})`).Draw(t, "decimal")
		d, err := decimal.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "19 digits") { // some are more than an int64 holds
			d = decimal.MustParse(rapid.SampledFrom([]string{"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
				"9999999999999999999", "-9999999999999999.999", "0.9999999999999999999"}).Draw(t, "long"))
		}
		if got := NumberOf(d).Number(); got != d {
			t.Fatalf("%s comes out as %s", d, got)
		}
		m := record.Money{Amount: d, Currency: record.Currency(rapid.SampledFrom([]string{"", "eur", "jpy"}).Draw(t, "currency"))}
		if got := MoneyOf(m).Money(); got != m {
			t.Fatalf("%s comes out as %s", m, got)
		}
		offset := rapid.IntRange(-86399, 86399).Draw(t, "offset")
		at := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(time.FixedZone("", offset))
		got := TimeOf(at)
		if _, o := got.Time().Zone(); !got.Time().Equal(at) || o != offset || !got.Instant().Equal(at) || got.Instant().Location() != time.UTC {
			t.Fatalf("%s comes out as %s", at, got.Time())
		}
	})
}

// A value of more than four words is copied through memory at every step.
func TestValueIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Value{}); size > 32 {
		t.Errorf("%d bytes", size)
	}
}
