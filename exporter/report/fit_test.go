package report

import (
	"regexp"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFit(t *testing.T) {
	ascii := regexp.MustCompile(`[A-Za-z0-9 -]`)
	for _, test := range []struct {
		fit     fit
		in, out string
		changed bool
		err     string
	}{
		{fit{}, "a\nb", "a\nb", false, ""},
		{fit{oneLine: true}, "a\r\nb\x00\tc\u2028\n", "a b c", false, ""},
		{fit{oneLine: true}, " a  b ", " a  b ", false, ""}, // blanks are the text's own
		{fit{allowed: ascii, other: "_"}, "Müller €5", "M_ller _5", true, ""},
		{fit{allowed: ascii, other: "_"}, "\xff", "_", true, ""},
		{fit{allowed: ascii}, "Müller", "", false, `"Müller" holds 'ü', which is not allowed; say other: the character to stand for it`},
		{fit{max: 5, mayCut: true, cut: "…"}, "Müller", "Müll…", true, ""},
		{fit{max: 5, mayCut: true, cut: "…"}, "Mül er", "Mül…", true, ""},
		{fit{max: 6, mayCut: true, cut: "…"}, "Müller", "Müller", false, ""},
		{fit{max: 5}, "Müller", "", false, `"Müller" has 6 characters, but 5 are allowed; say longer: cut where that is harmless`},
	} {
		out, changed, err := test.fit.apply(test.in)
		message := ""
		if err != nil {
			message = err.Error()
		}
		if out != test.out || changed != test.changed || message != test.err {
			t.Errorf("%+v of %q: %q, %v, %q", test.fit, test.in, out, changed, message)
		}
	}
	if out, _, err := (*fit)(nil).apply("a\nb"); out != "a\nb" || err != nil {
		t.Errorf("no fit: %q, %v", out, err)
	}
}

// TestFitProperty: whatever comes in, what goes out fits, and fits again.
func TestFitProperty(t *testing.T) {
	f := fit{oneLine: true, allowed: regexp.MustCompile(`[\w /-]`), other: "-", max: 12, mayCut: true, cut: "-"}
	rapid.Check(t, func(t *rapid.T) {
		out, _, err := f.apply(rapid.String().Draw(t, "text"))
		if err != nil || utf8.RuneCountInString(out) > f.max || regexp.MustCompile(`[^\w /-]`).MatchString(out) {
			t.Fatalf("%q, %v", out, err)
		}
		if again, changed, err := f.apply(out); again != out || changed || err != nil {
			t.Fatalf("%q becomes %q", out, again)
		}
	})
}
