package report_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"
)

// A datevFile is a posting batch: line 1 the header, line 2 the headings, then
// the postings. Fields are as they stand in the file, quotes included.
type datevFile struct {
	name     string
	raw      []byte
	header   []string
	headings []string
	postings [][]string
}

// splitDATEV reads a file by the format's description alone: windows-1252,
// CR LF after each line, semicolons, quotes doubled within quotes.
func splitDATEV(t rapid.TB, name string, raw []byte) *datevFile {
	t.Helper()
	text, err := charmap.Windows1252.NewDecoder().String(string(raw))
	if err != nil || !strings.HasSuffix(text, "\r\n") {
		t.Fatalf("%s is no windows-1252 text that ends with CR LF: %v", name, err)
	}
	var all [][]string
	for i, line := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if strings.ContainsAny(line, "\r\n") {
			t.Fatalf("%s:%d has a line break within", name, i+1)
		}
		fields, err := splitFields(line)
		if err != nil {
			t.Fatalf("%s:%d: %v", name, i+1, err)
		}
		all = append(all, fields)
	}
	if len(all) < 3 {
		t.Fatalf("%s has %d lines", name, len(all))
	}
	return &datevFile{name, raw, all[0], all[1], all[2:]}
}

// splitFields takes a line apart and keeps the quotes.
func splitFields(line string) (fields []string, err error) {
	start, quoted := 0, false
	for i, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ';' && !quoted:
			fields = append(fields, line[start:i])
			start = i + 1
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed")
	}
	fields = append(fields, line[start:])
	for i, f := range fields {
		if strings.Contains(f, `"`) && (len(f) < 2 || f[0] != '"' || f[len(f)-1] != '"' || strings.Contains(strings.ReplaceAll(f[1:len(f)-1], `""`, ""), `"`)) {
			return nil, fmt.Errorf("field %d %q is not quoted as a whole", i+1, f)
		}
	}
	return fields, nil
}

// datevText is a text field's content.
func datevText(field string) string {
	if len(field) < 2 {
		return field
	}
	return strings.ReplaceAll(field[1:len(field)-1], `""`, `"`)
}

// datevHeader are the expressions of the header's 31 fields.
// Source: https://developer.datev.de/datev/platform/en/dtvf/formate/header
var datevHeader = []string{`"EXTF"`, `700`, `21`, `"Buchungsstapel"`, `13`,
	`20\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])[0-5]\d[0-5]\d{4}`, ``, `"\w{0,2}"`, `"\w{0,25}"`, `"\w{0,25}"`,
	`\d{4,7}`, `\d{1,5}`, datevDay, `[4-8]`, datevDay, datevDay, `"[\w./ -]{0,30}"`, `"([A-Z]{2}){0,2}"`, `[12]`, `0|30|40|50|64`, `[01]`, `"[A-Z]{3}"`,
	``, `""`, ``, ``, `"(\d{2}){0,2}"`, `\d{0,4}`, ``, `""`, `".{0,16}"`}

const datevDay = `20\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])`

// datevColumns are the headings of the sample file and the expressions of the
// fields; where %d stands, the columns repeat in pairs.
// Source: https://developer.datev.de/datev/platform/de/dtvf/formate/buchungsstapel
var datevColumns = slices.Concat([][2]string{
	{"Umsatz (ohne Soll/Haben-Kz)", `\d{1,10},\d{2}`}, {"Soll/Haben-Kennzeichen", `"[SH]"`}, {"WKZ Umsatz", `"[A-Z]{3}"`}, {"Kurs", `[1-9]\d{0,3},\d{2,6}`},
	{"Basis-Umsatz", `\d{1,10},\d{2}`}, {"WKZ Basis-Umsatz", `"[A-Z]{3}"`}, {"Konto", `\d{1,9}`}, {"Gegenkonto (ohne BU-Schlüssel)", `\d{1,9}`}, {"BU-Schlüssel", `"\d{4}"`},
	{"Belegdatum", `(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])`}, {"Belegfeld 1", `"[A-Za-z0-9_$&%*+/-]{0,36}"`}, {"Belegfeld 2", `"[A-Za-z0-9_$&%*+/-]{0,12}"`}, {"Skonto", `[1-9]\d{0,7},\d{2}`},
	{"Buchungstext", `".{0,60}"`}, {"Postensperre", `[01]`}, {"Diverse Adressnummer", `"\w{0,9}"`}, {"Geschäftspartnerbank", `\d{3}`}, {"Sachverhalt", `\d{2}`},
	{"Zinssperre", `[01]`}, {"Beleglink", `".{0,210}"`},
}, datevPairs("Beleginfo - Art %d", "Beleginfo - Inhalt %d", 8), [][2]string{
	{"KOST1 - Kostenstelle", `"[\w ]{0,36}"`}, {"KOST2 - Kostenstelle", `"[\w ]{0,36}"`}, {"Kost-Menge", `\d{12},\d{4}`}, {"EU-Land u. UStID (Bestimmung)", `".{0,15}"`},
	{"EU-Steuersatz (Bestimmung)", `\d{2},\d{2}`}, {"Abw. Versteuerungsart", `"[IKPS]"`}, {"Sachverhalt L+L", `\d{1,3}`}, {"Funktionsergänzung L+L", `\d{0,3}`},
	{"BU 49 Hauptfunktionstyp", `\d`}, {"BU 49 Hauptfunktionsnummer", `\d{0,2}`}, {"BU 49 Funktionsergänzung", `\d{0,3}`},
}, datevPairs("Zusatzinformation - Art %d", "Zusatzinformation- Inhalt %d", 20), [][2]string{
	{"Stück", `\d{0,8}`}, {"Gewicht", `\d{1,8},\d{2}`}, {"Zahlweise", `\d{0,2}`}, {"Forderungsart", `"\w{0,10}"`}, {"Veranlagungsjahr", `20\d\d`}, {"Zugeordnete Fälligkeit", datevLongDay},
	{"Skontotyp", `\d`}, {"Auftragsnummer", `".{0,30}"`}, {"Buchungstyp", `"[A-Z]{2}"`}, {"USt-Schlüssel (Anzahlungen)", `\d{0,4}`}, {"EU-Land (Anzahlungen)", `"[A-Z]{2}"`},
	{"Sachverhalt L+L (Anzahlungen)", `\d{0,3}`}, {"EU-Steuersatz (Anzahlungen)", `\d{1,2},\d{2}`}, {"Erlöskonto (Anzahlungen)", `\d{4,8}`}, {"Herkunft-Kz", `"[A-Z]{2}"`},
	{"Buchungs GUID", `".{0,36}"`}, {"KOST-Datum", datevLongDay}, {"SEPA-Mandatsreferenz", `".{0,35}"`}, {"Skontosperre", `[01]`}, {"Gesellschaftername", `".{0,76}"`},
	{"Beteiligtennummer", `\d{4}`}, {"Identifikationsnummer", `".{0,11}"`}, {"Zeichnernummer", `".{0,20}"`}, {"Postensperre bis", datevLongDay}, {"Bezeichnung SoBil-Sachverhalt", `".{0,30}"`},
	{"Kennzeichen SoBil-Buchung", `\d{1,2}`}, {"Festschreibung", `[01]`}, {"Leistungsdatum", datevLongDay}, {"Datum Zuord. Steuerperiode", datevLongDay}, {"Fälligkeit", datevLongDay},
	{"Generalumkehr (GU)", `"[01]"`}, {"Steuersatz", `\d{1,2},\d{2}`}, {"Land", `"[A-Z]{2}"`}, {"Abrechnungsreferenz", `".{0,50}"`}, {"BVV-Position", `[1-5]`},
	{"EU-Land u. UStID (Ursprung)", `".{0,15}"`}, {"EU-Steuersatz (Ursprung)", `\d{2},\d{2}`}, {"Abw. Skontokonto", `\d{1,9}`},
})

const datevLongDay = `(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])20\d\d`

func datevPairs(kind, content string, n int) (columns [][2]string) {
	for i := range n {
		columns = append(columns, [2]string{fmt.Sprintf(kind, i+1), `".{0,20}"`}, [2]string{fmt.Sprintf(content, i+1), `".{0,210}"`})
	}
	return columns
}

// required are the columns that every posting fills.
var datevRequired = []int{0, 1, 6, 7, 9}

// datevRules are the rules of the posting batch by id; see docs/layouts.md.
var datevRules = map[string]func(f *datevFile, fail func(line int, format string, args ...any)){
	"D1": func(f *datevFile, fail func(int, string, ...any)) { // the header
		if len(f.header) != len(datevHeader) {
			fail(1, "%d fields", len(f.header))
			return
		}
		for i, re := range datevHeader {
			if v := f.header[i]; !regexp.MustCompile(`\A(` + re + `)\z`).MatchString(v) {
				fail(1, "field %d %q", i+1, v)
			}
		}
	},
	"D2": func(f *datevFile, fail func(int, string, ...any)) { // the headings
		if len(f.headings) != 125 || len(datevColumns) != 125 {
			fail(2, "%d headings, of %d", len(f.headings), len(datevColumns))
			return
		}
		for i, c := range datevColumns {
			if f.headings[i] != c[0] {
				fail(2, "heading %d is %q", i+1, f.headings[i])
			}
		}
	},
	"D3": func(f *datevFile, fail func(int, string, ...any)) { // the fields' expressions
		res := make([]*regexp.Regexp, len(datevColumns))
		for i, c := range datevColumns {
			res[i] = regexp.MustCompile(`\A(` + c[1] + `)\z`)
		}
		for n, p := range f.postings {
			if len(p) != len(datevColumns) {
				fail(n+3, "%d fields", len(p))
				continue
			}
			for i, v := range p {
				blank := v == "" || v == `""`
				if blank && slices.Contains(datevRequired, i) || !blank && !res[i].MatchString(expressible(v)) {
					fail(n+3, "%s is %q", datevColumns[i][0], v)
				}
				if text := strings.HasPrefix(datevColumns[i][1], `"`); !blank && text != strings.HasPrefix(v, `"`) {
					fail(n+3, "%s %s: text is quoted, nothing else", datevColumns[i][0], v)
				}
			}
		}
	},
	"D4": func(f *datevFile, fail func(int, string, ...any)) { // no amount of zero, both accounts there
		for n, p := range f.postings {
			if strings.Trim(p[0], "0,") == "" || strings.Trim(p[6], "0") == "" || strings.Trim(p[7], "0") == "" || p[6] == p[7] {
				fail(n+3, "%s from %s to %s", p[0], p[6], p[7])
			}
		}
	},
	"D5": func(f *datevFile, fail func(int, string, ...any)) { // at most 99,999 postings
		if len(f.postings) > 99_999 {
			fail(len(f.postings)+2, "%d postings", len(f.postings))
		}
	},
	"D6": func(f *datevFile, fail func(int, string, ...any)) { // dates within the batch, the batch within the year
		year, from, to := day("20060102", f.header[12]), day("20060102", f.header[14]), day("20060102", f.header[15])
		if from.Before(year) || to.Before(from) || !to.Before(year.AddDate(1, 0, 0)) {
			fail(1, "the batch is from %s to %s, the year begins on %s", f.header[14], f.header[15], f.header[12])
		}
		for n, p := range f.postings { // the year of TTMM is the one that lies in the fiscal year
			ok := false
			for _, y := range []int{year.Year(), year.Year() + 1} {
				d, err := time.Parse("02012006", p[9]+fmt.Sprint(y))
				ok = ok || err == nil && !d.Before(from) && !d.After(to)
			}
			if !ok {
				fail(n+3, "the day %s is not in the batch", p[9])
			}
		}
	},
	"D7": func(f *datevFile, fail func(int, string, ...any)) { // no control characters in text
		if i := bytes.IndexFunc(bytes.ReplaceAll(f.raw, []byte("\r\n"), nil), func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
			fail(1, "a control character in a field")
		}
	},
	"D8": func(f *datevFile, fail func(int, string, ...any)) { // a kind goes with a content
		for n, p := range f.postings {
			for i := 20; i < 36; i += 2 {
				if (datevText(p[i]) == "") != (datevText(p[i+1]) == "") {
					fail(n+3, "%s %q beside %q", datevColumns[i][0], p[i], p[i+1])
				}
			}
		}
	},
	"D9": func(f *datevFile, fail func(int, string, ...any)) { // one currency, the header's: another one would need a rate
		for n, p := range f.postings {
			if p[2] != f.header[21] || p[3] != "" || p[4] != "" {
				fail(n+3, "currency %s in a batch of %s", p[2], f.header[21])
			}
		}
	},
	"D10": func(f *datevFile, fail func(int, string, ...any)) { // account numbers as long as the header says; one digit more for a person's
		length := int(f.header[13][0] - '0')
		for n, p := range f.postings {
			for _, account := range p[6:8] {
				if len(account) > length+1 {
					fail(n+3, "account %s of %d digits", account, len(account))
				}
			}
		}
	},
	"D11": func(f *datevFile, fail func(int, string, ...any)) { // the file's name
		if !strings.HasPrefix(f.name, "EXTF_") || !strings.HasSuffix(strings.ToLower(f.name), ".csv") {
			fail(1, "the file's name")
		}
	},
	"D12": func(f *datevFile, fail func(int, string, ...any)) { // written down on purpose: locked or not, line and header alike
		for n, p := range f.postings {
			if p[113] != f.header[20] {
				fail(n+3, "Festschreibung %q, in the header %q", p[113], f.header[20])
			}
		}
	},
}

// expressible is a quoted field with its doubled quotes made one character, as
// DATEV's lengths count them.
func expressible(v string) string {
	if len(v) > 2 && v[0] == '"' {
		return `"` + strings.ReplaceAll(v[1:len(v)-1], `""`, `'`) + `"`
	}
	return v
}

func day(layout, s string) time.Time {
	d, err := time.Parse(layout, s)
	if err != nil {
		return time.Time{}
	}
	return d
}

// checkDATEV is what breaks the format's rules.
func checkDATEV(f *datevFile) (broken []string) {
	for _, id := range slices.Sorted(maps.Keys(datevRules)) {
		n := 0
		datevRules[id](f, func(line int, format string, args ...any) {
			if n++; n <= 3 {
				broken = append(broken, fmt.Sprintf("%s: %s:%d: %s", id, f.name, line, fmt.Sprintf(format, args...)))
			}
		})
	}
	return broken
}

// datevBalances are the balances that the postings leave on each account.
func datevBalances(t rapid.TB, files []*datevFile) map[string]*big.Rat {
	t.Helper()
	sums := map[string]*big.Rat{}
	add := func(account string, v *big.Rat) {
		if sums[account] == nil {
			sums[account] = new(big.Rat)
		}
		sums[account].Add(sums[account], v)
	}
	for _, f := range files {
		for _, p := range f.postings {
			v := amount(t, strings.Replace(p[0], ",", ".", 1))
			if p[1] == `"H"` {
				v.Neg(v)
			}
			add(p[6], v)
			add(p[7], new(big.Rat).Neg(v))
		}
	}
	return sums
}
