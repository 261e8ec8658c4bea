package sniff

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/payrec/payrec/internal/table"
)

// headerRows is how many rows a header is looked for in.
const headerRows = 100

// placeHeader finds the header, and whether the file is framed.
func (f *Finding) placeHeader(s *sample) {
	var confidence float64
	s.header, confidence = findHeader(s.rows, s.xlsx)
	if kinds := frameKinds(s.rows, s.xlsx); kinds != nil {
		f.Kinds = kinds
		s.header, confidence = widestHeader(s.rows)
		f.note("framed: the first cell of a row says its kind")
	}
	f.Header.Confidence = round(confidence)
	if s.header < 0 {
		if len(s.rows) > 0 && f.Kinds == nil {
			f.note("no header found: columns go by number")
		}
		return
	}
	h := s.rows[s.header]
	f.Header.Line, f.Header.Names = h.line, h.cells
	seen := map[string]int{}
	for _, name := range h.cells {
		n := table.Normalize(name)
		if seen[n]++; n != "" && seen[n] == 2 {
			f.note("the name %q stands more than once in the header", show(name))
		}
	}
}

// findHeader gives the index of the row that names most cells of later rows,
// the first of several, and a confidence; -1 when no row reads like a header.
// Cells count, not rows: a preamble may be longer than the table below it.
func findHeader(rows []row, xlsx bool) (int, float64) {
	best, bestFits, bestArea := -1, 0, 0
	for i := range rows[:min(len(rows), headerRows)] {
		if !readsLikeHeader(rows[i]) {
			continue
		}
		fits := 0
		for _, r := range rows[i+1:] {
			if fit(rows[i], r, xlsx) {
				fits++
			}
		}
		if area := fits * filled(rows[i].cells); area > bestArea {
			best, bestFits, bestArea = i, fits, area
		}
	}
	if best < 0 {
		// A file may have a header and nothing else.
		if n := len(rows); n > 0 && n <= headerRows && readsLikeHeader(rows[n-1]) {
			return n - 1, 0.4
		}
		return -1, 0
	}
	confidence := 0.4 + 0.35*float64(bestFits)/float64(len(rows)-best-1)
	if contrasts(rows[best], rows[best+1:], xlsx) {
		confidence += 0.25
	}
	return best, confidence
}

// widestHeader is the header of a framed file: of the rows that read like one
// and have rows to fit, the one with most names.
func widestHeader(rows []row) (int, float64) {
	best, most := -1, 0
	for i := range rows[:min(len(rows), headerRows)] {
		names := filled(rows[i].cells)
		if names <= most || !readsLikeHeader(rows[i]) {
			continue
		}
		if slices.ContainsFunc(rows[i+1:], func(r row) bool { return fit(rows[i], r, false) }) {
			best, most = i, names
		}
	}
	if best < 0 {
		return -1, 0
	}
	if contrasts(rows[best], rows[best+1:], false) {
		return best, 0.9
	}
	return best, 0.65
}

// readsLikeHeader says whether the cells are mostly there, texts and distinct.
func readsLikeHeader(r row) bool {
	named := lastFilled(r.cells)
	names, texts := 0, 0
	seen := map[string]bool{}
	for i, c := range r.cells[:named] {
		n := table.Normalize(c)
		if n == "" {
			continue
		}
		names++
		seen[n] = true
		if isNumeric(r, i) || utf8.RuneCountInString(n) > 200 || !hasLetter(n) || isValue(n) {
			continue
		}
		texts++
	}
	if names < 2 && len(r.cells) > 1 || names == 0 {
		return false
	}
	leading := 0 // a sheet's table may start in any column
	for leading < named && strings.TrimSpace(r.cells[leading]) == "" {
		leading++
	}
	return 10*texts >= 9*names && 10*len(seen) >= 8*names && 10*names >= 6*(named-leading)
}

// fit says whether a row has the header's width. Cells without a name or
// without text at the end may be missing or too many; a sheet's rows end where
// their text ends.
func fit(h, r row, xlsx bool) bool {
	if xlsx {
		n := lastFilled(r.cells)
		return n <= lastFilled(h.cells) && 3*filled(r.cells) >= filled(h.cells)
	}
	return len(r.cells) >= lastFilled(h.cells) && (len(r.cells) <= len(h.cells) || lastFilled(r.cells) <= len(h.cells))
}

// contrasts says whether a column holds values where the header has text: what
// tells names from a first row of text.
func contrasts(h row, rows []row, xlsx bool) bool {
	values, n := make([]int, len(h.cells)), 0
	for _, r := range rows {
		if !fit(h, r, xlsx) {
			continue
		}
		if n++; n > 50 {
			break
		}
		for i, c := range r.cells[:min(len(r.cells), len(values))] {
			if isNumeric(r, i) || isValue(strings.TrimSpace(c)) {
				values[i]++
			}
		}
	}
	return n > 0 && slices.Max(values) >= (min(n, 50)+1)/2
}

func isNumeric(r row, i int) bool { return i < len(r.numeric) && r.numeric[i] }

// isValue says whether a text is a number or a date rather than a name.
func isValue(s string) bool {
	if !strings.ContainsAny(s, "0123456789") {
		return false
	}
	_, ok := parseNumber(s)
	return ok || isDate(s)
}

func hasLetter(s string) bool { return strings.IndexFunc(s, unicode.IsLetter) >= 0 }

func filled(cells []string) int {
	n := 0
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			n++
		}
	}
	return n
}

// lastFilled is the number of cells up to the last that has text.
func lastFilled(cells []string) int {
	n := len(cells)
	for n > 0 && strings.TrimSpace(cells[n-1]) == "" {
		n--
	}
	return n
}
