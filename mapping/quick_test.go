package mapping

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// What is read quickly is read as it is read carefully; tests of the careful
// ways are in number_test.go and times_test.go.

func TestQuickNumbers(t *testing.T) {
	quick := 0
	text := rapid.OneOf(
		rapid.StringMatching(`-?[0-9]{1,19}([.,·][0-9]{0,19})?`),
		rapid.StringMatching(`[-+( ]?[0-9.,' ·\x{2212}eE]{0,8}[-+) ]?`),
		rapid.SampledFrom([]string{"", "-", ".", "0", "-0", "-0.00", "007.50", "5.", ".5", "1\xb75", "999999999999999999", "9999999999999999999", "0.0000000000000000001"}))
	rapid.Check(t, func(t *rapid.T) {
		f := numberFormat{decimal: rapid.SampledFrom([]rune(".,·")).Draw(t, "decimal"), group: rapid.SampledFrom([]rune{0, '\'', ' '}).Draw(t, "group")}
		s := text.Draw(t, "number")
		got, ok := f.plainly(s)
		if !ok {
			return
		}
		quick++
		if want, err := f.carefully(s); err != nil || want != got {
			t.Fatalf("%q is %v in haste, and carefully %v, %v", s, got, want, err)
		}
	})
	if quick == 0 {
		t.Error("nothing was read quickly")
	}
}

func TestQuickPatterns(t *testing.T) {
	quick := 0
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.SampledFrom([]string{"%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%Y%m%d%H%M%S", "%e.%m.%Y", "at %H:%M on %F", "%d %b %Y"}).Draw(t, "pattern")
		p, err := newTimePattern(source)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(-1e9, 5e9).Draw(t, "at"), 0).UTC()
		s := map[string]string{"%Y-%m-%d": "2006-01-02", "%Y-%m-%d %H:%M:%S": "2006-01-02 15:04:05", "%d/%m/%Y %H:%M": "02/01/2006 15:04",
			"%Y%m%d%H%M%S": "20060102150405", "%e.%m.%Y": "02.01.2006", "at %H:%M on %F": "at 15:04 on 2006-01-02", "%d %b %Y": "02 Jan 2006"}[source]
		b := []byte(at.Format(s))
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "place")] = rapid.SampledFrom([]byte("0123456789 -:\t")).Draw(t, "character")
		}
		got, ok := p.fixed(string(b))
		if !ok || p.width == 0 {
			return
		}
		quick++
		if want, err := p.carefully(string(b)); err != nil || want != got {
			t.Fatalf("%q is %+v in haste, and carefully %+v, %v", b, got, want, err)
		}
	})
	if quick == 0 {
		t.Error("nothing was read quickly")
	}
}

// TestQuickZones: what a zone did around one time tells nothing wrong of another.
func TestQuickZones(t *testing.T) {
	quick := 0
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tokyo"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		base := rapid.Int64Range(-3e9, 5e9).Draw(t, "base")
		clock := func(name string) wall {
			at := time.Unix(base+rapid.Int64Range(-2e7, 2e7).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, "nano")).UTC()
			return wall{year: at.Year(), month: int(at.Month()), day: at.Day(), hour: at.Hour(), min: at.Minute(), sec: at.Second(), nano: at.Nanosecond()}
		}
		policy := rapid.SampledFrom([]dstPolicy{dstError, dstEarlier, dstLater}).Draw(t, "policy")
		first := clock("first")
		known, err := first.in(loc, policy)
		if err != nil {
			return
		}
		span := spanAt(known)
		w := clock("second")
		got, ok := span.of(&w, loc)
		if !ok {
			return
		}
		quick++
		want, err := w.in(loc, policy)
		if err != nil || got != expression.TimeOf(want) || want.Format(time.RFC3339Nano) != got.Time().Format(time.RFC3339Nano) {
			t.Fatalf("%+v is %v in haste, and carefully %v, %v", w, got, want, err)
		}
	})
	if quick == 0 {
		t.Error("nothing was placed quickly")
	}
}

func TestAppendInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-62167219200, 400000000000).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "nano"))
		if got, want := string(appendInstant(nil, at)), at.UTC().Format(timeLayout); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

// TestScratch: what was handed out does not change when more is.
func TestScratch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s scratch
		var texts, wantTexts []string
		var moneys []*record.Money
		var params []record.Params
		for i := range rapid.IntRange(1, 3000).Draw(t, "n") {
			want := fmt.Sprintf("%0*d", i%700+1, i)
			texts, wantTexts = append(texts, s.text([]byte(want))), append(wantTexts, want)
			moneys = append(moneys, s.keep(record.Money{Currency: record.Currency(fmt.Sprint(i))}))
			p := s.room(i % 7)
			for j := range i % 9 { // sometimes more than there is room for
				p = append(p, record.Param{Path: fmt.Sprint(i), Value: fmt.Sprint(j)})
			}
			s.used(p)
			params = append(params, p)
		}
		for i := range texts {
			if texts[i] != wantTexts[i] || moneys[i].Currency != record.Currency(fmt.Sprint(i)) {
				t.Fatalf("%d: %q %v", i, texts[i], moneys[i])
			}
			for j, p := range params[i] {
				if p.Path != fmt.Sprint(i) || p.Value != fmt.Sprint(j) {
					t.Fatalf("%d: %v", i, params[i])
				}
			}
		}
	})
}
