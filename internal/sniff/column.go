package sniff

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/record"
)

// mostDistinct bounds what telling values apart may cost a column.
const mostDistinct = sampleRows

// A column gathers what its cells look like.
type column struct {
	name   string
	hint   hint
	filled int64 // of all rows
	kind   string

	// Of the sample:
	distinct map[uint64]struct{}
	full     bool // no more distinct values are told apart
	samples  []string
	values   int // that are not blank and no token for nothing
	nothing  int // such tokens: --, /, \N

	numbers, integers, points, commas, unsure int
	fine                                      int // with more than three decimals
	symbols, percents, zeros, exponents       int
	longNumbers                               int // numeric cells of 16 digits or more
	numericCells, serials, wholeSerials       int
	longest, long                             int // most digits of an integer, and integers of nine or more
	unix, millis                              int
	tokens                                    int // one word with a digit in it, six characters or more
	words                                     int // without blanks
	bools, codes, secrets                     int
	cards                                     cardnumber.Tally
	secret                                    cardnumber.Secret // what the name promises
	spoiled                                   string            // the first value that a spreadsheet spoiled
	dates                                     dates
}

// columnSeed makes hashes of one process comparable; they leave it nowhere.
var columnSeed = maphash.MakeSeed()

// look takes a cell of the sample.
func (c *column) look(cell string, numeric bool) {
	if blank(cell) {
		return
	}
	c.tell(cell)
	v := strings.TrimFunc(cell, around)
	switch v {
	case "--", "-", "/", `\N`, "":
		c.nothing++
		return
	}
	c.values++
	if len(v) > 200 {
		return // no id, number or date
	}
	c.lookAtNumber(v, numeric)
	c.lookAtText(v)
	if strings.ContainsAny(v, "0123456789") {
		c.dates.see(v)
	}
}

// tell counts distinct values and keeps the first few.
func (c *column) tell(cell string) {
	if c.full {
		return
	}
	h := maphash.String(columnSeed, cell)
	if _, ok := c.distinct[h]; ok {
		return
	}
	if len(c.distinct) >= mostDistinct {
		c.full = true
		return
	}
	if c.distinct == nil {
		c.distinct = map[uint64]struct{}{}
	}
	c.distinct[h] = struct{}{}
	if len(c.samples) < 3 {
		s := show(cell)
		if c.secret.In(cell) {
			s = "(hidden)"
		}
		if !slices.Contains(c.samples, s) {
			c.samples = append(c.samples, s)
		}
	}
}

func (c *column) lookAtNumber(v string, numeric bool) {
	n, ok := parseNumber(v)
	if !ok {
		return
	}
	c.numbers++
	count(&c.symbols, n.symbol)
	count(&c.percents, n.percent)
	count(&c.zeros, n.zeros)
	count(&c.unsure, n.ambiguous)
	count(&c.points, n.mark == '.' && !n.ambiguous)
	count(&c.commas, n.mark == ',' && !n.ambiguous)
	count(&c.fine, n.decimals > 3)
	if n.exponent {
		if c.exponents++; c.spoiled == "" {
			c.spoiled = v
		}
		return
	}
	if numeric {
		c.numericCells++
		count(&c.longNumbers, n.digits-n.decimals >= 16)
		// Days from 1954 to 2119: what serial dates of payments lie between.
		serial := n.digits-n.decimals == 5 && v >= "20000" && v < "80000" && (n.mark == 0 || n.mark == '.')
		count(&c.serials, serial)
		count(&c.wholeSerials, serial && n.mark == 0)
	}
	if n.mark != 0 {
		return
	}
	c.integers++
	c.longest = max(c.longest, n.digits)
	count(&c.long, n.digits >= 9)
	count(&c.unix, len(v) == 10 && v >= "0500000000" && v < "4102444800")
	count(&c.millis, len(v) == 13 && v >= "0500000000000" && v < "4102444800000")
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}

func (c *column) lookAtText(v string) {
	c.cards.Look(v)
	count(&c.secrets, c.secret.In(v))
	switch len(v) {
	case 2, 3, 4, 5:
		switch strings.ToLower(v) {
		case "true", "false", "yes", "no":
			c.bools++
		}
	}
	// In lower case, many codes are words as well: all, try, top.
	if len(v) == 3 && hasLetter(v) && (c.hint == hintCurrency || v == strings.ToUpper(v)) {
		_, err := record.ParseCurrency(v)
		count(&c.codes, err == nil)
	}
	if !strings.ContainsAny(v, " \t\n\u00a0") {
		c.words++
		count(&c.tokens, utf8.RuneCountInString(v) >= 6 && strings.ContainsAny(v, "0123456789") &&
			!strings.ContainsAny(v, "@:")) // no e-mail, no time of day
	}
}

// finish makes the column's guesses.
func (c *column) finish(index int, xlsx bool, rows int64) Column {
	col := Column{
		Index: index, Name: c.name, Filled: c.filled, Empty: rows - c.filled,
		Distinct: int64(len(c.distinct)), DistinctAtLeast: c.full, Samples: c.samples,
	}
	c.guess(&col)
	c.kind = col.Type
	c.warn(&col, xlsx)
	return col
}

// guess settles the type. What a name promises decides only between types
// that the values allow.
func (c *column) guess(col *Column) {
	share := func(n int) float64 { return float64(n) / float64(max(c.values, 1)) }
	is := func(kind string, confidence float64) { col.Type, col.Confidence = kind, round(confidence) }
	if c.values == 0 {
		is("empty", 1)
		return
	}
	if c.guessDate(col, share) {
		return
	}
	switch {
	case share(c.codes) >= 0.95 && c.hint != hintID && (c.hint == hintCurrency || len(c.distinct) < c.values || c.values < 4):
		is("currency", share(c.codes))
	case share(c.bools) >= 0.95:
		is("bool", share(c.bools))
	case share(c.numbers) >= 0.9:
		is(c.guessNumber(), share(c.numbers)*c.certainty())
	case c.hint == hintID && share(c.words) >= 0.9:
		is("id", 0.9*share(c.words))
	case share(c.tokens) >= 0.9 && 2*len(c.distinct) >= c.values && !c.full:
		is("id", 0.75*share(c.tokens))
	default:
		is("text", 0.8)
	}
}

// guessNumber tells the types of numbers apart.
func (c *column) guessNumber() string {
	marked := c.points + c.commas + c.unsure
	switch {
	case c.hint == hintID, c.exponents > 0 && c.hint != hintMoney:
		return "id"
	case c.hint == hintRate, c.percents > 0:
		return "number"
	case c.hint == hintMoney, c.symbols > 0:
		return "money"
	case marked > 0 && 2*c.fine > marked:
		return "number"
	case marked > 0:
		return "money"
	case c.zeros > 0, 2*c.long > c.integers:
		return "id"
	}
	return "int"
}

// certainty is lower where only the notation speaks for money.
func (c *column) certainty() float64 {
	if c.hint == hintNone {
		return 0.7
	}
	return 0.95
}

func (c *column) guessDate(col *Column, share func(int) float64) bool {
	f, hits, others := c.dates.best()
	switch {
	case f != nil && share(hits) >= 0.9:
		col.Type, col.Format, col.Confidence = "date", f.name, round(share(hits))
		if f.time {
			col.Type = "datetime"
		}
		for _, other := range others {
			col.Warnings = append(col.Warnings, fmt.Sprintf("ambiguous dates: %s or %s", f.name, other))
			col.Confidence = 0.5
		}
	case c.hint == hintDate && share(c.serials) >= 0.9:
		col.Type, col.Format, col.Confidence = "datetime", excelSerial, round(0.9*share(c.serials))
		if c.wholeSerials == c.serials {
			col.Type = "date"
		}
	case c.hint == hintDate && share(c.unix) >= 0.9:
		col.Type, col.Format, col.Confidence = "datetime", unixSeconds, round(0.9*share(c.unix))
	case c.hint == hintDate && share(c.millis) >= 0.9:
		col.Type, col.Format, col.Confidence = "datetime", unixMillis, round(0.9*share(c.millis))
	default:
		return false
	}
	return true
}

// warn says what could spoil an import, in the order of the harm.
func (c *column) warn(col *Column, xlsx bool) {
	warn := func(yes bool, text string) {
		if yes {
			col.Warnings = append(col.Warnings, text)
		}
	}
	numeric := col.Type == "money" || col.Type == "number" || col.Type == "int"
	warn(c.exponents > 0, "spoiled by a spreadsheet: "+show(c.spoiled))
	warn(xlsx && c.longNumbers > 0, "16 digits or more in numeric cells")
	warn(c.cards.IsCards(c.name) || c.cards.Cards > 0 && 2*c.cards.Cards >= len(c.distinct), "looks like card numbers")
	warn(c.secrets > 0, "holds "+string(c.secret)+", which nobody may keep")
	warn(c.zeros > 0 && (numeric || col.Type == "id") && c.hint != hintMoney, "leading zeros")
	warn(col.Type == "money" && !xlsx && c.integers == c.values && c.symbols == 0 && len(c.distinct) > 2,
		"whole numbers only: perhaps minor units, such as cents")
	warn(numeric && c.points > 0 && c.commas > 0, "mixed decimal marks")
	warn(numeric && c.unsure > 0 && c.points+c.commas == 0, "unclear marks: decimals or thousands")
}

func round(x float64) float64 { return float64(int(x*100+0.5)) / 100 }
