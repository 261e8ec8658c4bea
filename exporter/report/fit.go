package report

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A fit makes a text one that the file's reader takes: on one line, of the
// letters that its field allows, no longer than its field. What is done to a
// text can be seen in it, and is counted by the caller; a text that must not
// be touched is refused instead.
type fit struct {
	oneLine bool           // control characters and line breaks become one blank
	allowed *regexp.Regexp // one character that may stay; nil is any
	other   string         // stands for each character that may not; "" refuses them
	max     int            // characters; 0 is any number
	mayCut  bool           // what is too long is cut, else refused
	cut     string         // ends what was cut, counted within max
}

// apply makes s fit. changed is whether that took anything but blanks for line
// breaks.
func (f *fit) apply(s string) (out string, changed bool, err error) {
	if f == nil {
		return s, false, nil
	}
	out = s
	if f.oneLine {
		out = oneLine(out)
	}
	if f.allowed != nil {
		if out, changed, err = f.allow(out); err != nil {
			return "", false, err
		}
	}
	n := utf8.RuneCountInString(out)
	if f.max == 0 || n <= f.max {
		return out, changed, nil
	}
	if !f.mayCut {
		return "", false, fmt.Errorf("%q has %d characters, but %d are allowed; say longer: cut where that is harmless", shortened(out), n, f.max)
	}
	keep := f.max - utf8.RuneCountInString(f.cut)
	return strings.TrimRightFunc(string([]rune(out)[:keep]), unicode.IsSpace) + f.cut, true, nil
}

func (f *fit) allow(s string) (out string, changed bool, err error) {
	var b strings.Builder
	for _, r := range s {
		switch {
		case f.allowed.MatchString(string(r)):
			b.WriteRune(r)
		case f.other == "":
			return "", false, fmt.Errorf("%q holds %q, which is not allowed; say other: the character to stand for it", shortened(s), r)
		default:
			b.WriteString(f.other)
			changed = true
		}
	}
	return b.String(), changed, nil
}

// oneLine makes each run of line breaks and control characters a blank, and
// drops those around the text.
func oneLine(s string) string {
	if !strings.ContainsFunc(s, breaks) {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, breaks), " ")
}

// breaks says whether a character ends a line somewhere, or is none to see.
func breaks(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
