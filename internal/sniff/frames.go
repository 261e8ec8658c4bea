package sniff

import (
	"maps"
	"slices"
	"strings"

	"github.com/payrec/payrec/internal/table"
)

// Bounds on what passes for a framed file.
const (
	mostKinds    = 16  // in the sample
	mostCounted  = 100 // kinds counted behind it
	longestCode  = 24
	otherKinds   = "(others)"
	shortestCode = 3 // kinds up to this length need no further sign
)

// frameKinds counts the first cells of a file whose rows say their kind; nil
// when it is none. The signs: a few codes make up the first cells, rows of
// another kind have another width, and some kind repeats.
func frameKinds(rows []row, xlsx bool) map[string]int64 {
	if xlsx || len(rows) < 2 {
		return nil
	}
	kinds, widths := map[string]int64{}, map[int]int{}
	codes := 0
	for _, r := range rows {
		kind := kindOf(r)
		if kinds[kind]++; len(kinds) > mostKinds {
			return nil
		}
		widths[len(r.cells)]++
		if isCode(kind) {
			codes++
		}
	}
	if len(kinds) < 2 || 10*codes < 7*len(rows) || !(repeated(kinds) || stackedHeaders(rows)) {
		return nil
	}
	if !kindsDifferInWidth(rows, widths) && !stackedHeaders(rows) {
		return nil
	}
	return kinds
}

func kindOf(r row) string {
	if len(r.cells) == 0 {
		return ""
	}
	return cutText(strings.TrimSpace(r.cells[0]), 40)
}

// isCode says whether a first cell reads like a kind: one word, beginning with
// a capital.
func isCode(s string) bool {
	if s == "" || len(s) > longestCode || !(s[0] >= 'A' && s[0] <= 'Z' || s[0] == '*') {
		return false
	}
	for _, c := range []byte(s[1:]) {
		if !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '*') {
			return false
		}
	}
	return true
}

// repeated asks for a kind that stands more than once; a file of a single
// payment has none, and must have kinds such as SH, CH and SB.
func repeated(kinds map[string]int64) bool {
	short := true
	for kind, n := range kinds {
		if n > 1 && isCode(kind) {
			return true
		}
		short = short && isShort(kind)
	}
	return short
}

// isShort says whether a kind is one to three capitals.
func isShort(kind string) bool {
	return kind != "" && len(kind) <= shortestCode && strings.Trim(kind, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// kindsDifferInWidth asks for two kinds of different widths, each of one width
// throughout. An ordinary table has rows of another width too: a preamble
// before it, a total as its last row. So unless kinds are short throughout,
// there must be one in the midst.
func kindsDifferInWidth(rows []row, widths map[int]int) bool {
	if len(widths) < 2 || len(widths) > mostKinds {
		return false
	}
	usual := 0
	for w, n := range widths {
		if n > widths[usual] || n == widths[usual] && w > usual {
			usual = w
		}
	}
	begun, odd, short := false, false, true
	one := map[string]int{}
	steady := 0
	for i, r := range rows {
		kind, width := kindOf(r), len(r.cells)
		begun = begun || width == usual
		odd = odd || begun && width != usual && isCode(kind) && i < len(rows)-1
		short = short && isShort(kind)
		w, ok := one[kind]
		if !ok {
			one[kind] = width
		}
		if !ok || w == width {
			steady++
		}
	}
	return (odd || short) && 10*steady >= 9*len(rows)
}

// stackedHeaders says whether two different rows of one kind both read like
// headers: tables that are stacked in one file, all padded to one width.
func stackedHeaders(rows []row) bool {
	first := map[string]row{}
	for _, r := range rows[:min(len(rows), headerRows)] {
		if !isCode(kindOf(r)) || !readsLikeHeader(r) {
			continue
		}
		h, ok := first[kindOf(r)]
		if !ok {
			first[kindOf(r)] = r
			continue
		}
		common := 0
		for i := range min(len(h.cells), len(r.cells)) {
			if table.Normalize(h.cells[i]) == table.Normalize(r.cells[i]) {
				common++
			}
		}
		if lastFilled(h.cells) != lastFilled(r.cells) && common <= len(h.cells)/2+len(h.cells)-lastFilled(h.cells) {
			return true
		}
	}
	return false
}

// bodyKinds are the kinds of a framed file's body: those of the header's width
// behind it; without a header, those of the commonest width.
func bodyKinds(s *sample) map[string]bool {
	kinds := map[string]bool{}
	if s.header >= 0 {
		h := s.rows[s.header]
		for _, r := range s.rows[s.header+1:] {
			if fit(h, r, false) && !slices.Equal(h.cells, r.cells) {
				kinds[kindOf(r)] = true
			}
		}
		return kinds
	}
	widths := map[int]int{}
	usual := 0
	for _, r := range s.rows {
		if widths[len(r.cells)]++; widths[len(r.cells)] > widths[usual] {
			usual = len(r.cells)
		}
	}
	for _, r := range s.rows {
		if len(r.cells) == usual {
			kinds[kindOf(r)] = true
		}
	}
	return kinds
}

// records is a framed file's table of kinds, to pin. What stands before the
// header is context, what is of another width behind it a total, and what
// is no code is ignored by name, so that a new kind stays an error.
func (f *Finding) records(s *sample) *table.Records {
	rec := &table.Records{Column: 1}
	body := bodyKinds(s)
	header := ""
	if s.header >= 0 {
		header = kindOf(s.rows[s.header])
		if !body[header] && !ofSeveralWidths(s, header) {
			rec.Header = header
		}
	}
	last := map[string]int{}
	for i, r := range s.rows {
		last[kindOf(r)] = i
	}
	for _, kind := range slices.Sorted(maps.Keys(last)) {
		switch {
		case kind == rec.Header && kind != "":
		case body[kind]:
			rec.Body = append(rec.Body, kind)
		case !isCode(kind):
			rec.Ignore = append(rec.Ignore, kind)
		case s.header < 0 && last[kind] == 0, last[kind] < s.header:
			rec.Context = append(rec.Context, kind)
		default:
			rec.Totals = append(rec.Totals, kind)
		}
	}
	return rec
}

// ofSeveralWidths says whether rows of the kind do not all read like headers.
func ofSeveralWidths(s *sample, kind string) bool {
	return slices.ContainsFunc(s.rows, func(r row) bool { return kindOf(r) == kind && !readsLikeHeader(r) })
}
