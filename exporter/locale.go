package exporter

import (
	"fmt"
	"strings"
)

// A Locale says how CSV is written for a spreadsheet that was set up for a
// language: its delimiter, its decimal mark, and a byte order mark, without
// which Excel takes UTF-8 for the system's old encoding. Dates stay ISO 8601,
// which every locale reads. The zero value is for programs: comma, point, no mark.
type Locale struct {
	delimiter rune
	comma     bool // the decimal mark
	bom       bool
	raw       bool // text is not guarded; see [Options.Raw]
}

// commaLanguages write decimals with a comma, so their spreadsheets separate
// cells with semicolons. Source: the decimal symbol of Unicode CLDR's locales.
const commaLanguages = " bg ca cs da de el es et fi fr hr hu id it lt lv nb nl nn no pl pt ro ru sk sl sr sv tr uk vi "

// pointRegions write decimals with a point although their language does not.
const pointRegions = " de-ch de-li it-ch es-mx es-us es-gt es-hn es-ni es-pa es-pe es-pr es-sv es-do "

// ParseLocale reads a language and a region: de-DE, en-US, de_CH.
func ParseLocale(name string) (Locale, error) {
	tag := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	language, region, _ := strings.Cut(tag, "-")
	within := func(list, word string) bool { return strings.Contains(list, " "+word+" ") }
	switch {
	case len(language) != 2 || region != "" && len(region) != 2:
		return Locale{}, fmt.Errorf("locale %q: write it like de-DE or en-US", name)
	case within(pointRegions, tag):
		return Locale{delimiter: ';', bom: true}, nil
	case within(commaLanguages, language):
		return Locale{delimiter: ';', comma: true, bom: true}, nil
	case within(" en he hi ja ko ms th zh ", language):
		return Locale{bom: true}, nil
	}
	return Locale{}, fmt.Errorf("locale %q is not known; take one of the same habits, such as de-DE (1,5;2) or en-US (1.5,2)", name)
}

// decimal writes a number with the locale's mark.
func (l Locale) decimal(text string) string {
	if l.comma {
		return strings.Replace(text, ".", ",", 1)
	}
	return text
}
