package report

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/record"
)

// A content is the lines of one sheet.
type content struct {
	sheet *sheet
	parts []*part // in the order of their first line
	byKey map[string]*part
}

// maxParts bounds how many files a split can make of a sheet.
const maxParts = 200

// part is the part of a key, made when it is not there yet.
func (t *content) part(key string, limit split) (*part, error) {
	if p := t.byKey[key]; p != nil {
		return p, nil
	}
	if len(t.parts) == maxParts {
		return nil, fmt.Errorf("sheet %q: split by makes more than %d files; split by something that has fewer values", t.sheet.name, maxParts)
	}
	p := &part{sheet: t.sheet, key: key, limit: limit, chunkBytes: limit.head, spool: spool{width: len(t.sheet.columns)}, totals: map[totalKey][]record.Money{}}
	if t.byKey == nil {
		t.byKey = map[string]*part{}
	}
	t.byKey[key] = p
	t.parts = append(t.parts, p)
	return p, nil
}

// A part is the lines of a sheet with one value of `split: {by: …}`.
type part struct {
	sheet *sheet
	key   string
	limit split // of one file
	spool spool
	n     int

	chunks     []int   // lines of each file but the last
	starts     []int64 // where in the spool each file but the first begins
	chunk      int     // lines of the last file, whole entries only
	chunkBytes int
	entry      entry

	totals map[totalKey][]record.Money // by column
}

// An entry is what belongs together, while its lines come in.
type entry struct {
	begun   bool
	spoiled bool   // a line of it could not be made, so it need not balance
	item    int64  // without `per`
	key     string // of `per`
	of      string // the item that began it, for messages
	lines   int
	bytes   int
	start   int64                            // where in the spool
	balance map[record.Currency]record.Money // debit less credit
}

// A totalKey is what one line of totals is of.
type totalKey struct {
	group    string
	currency record.Currency // "" for plain numbers
}

// add takes one line of an item in. wrong is about the data: the item of the
// entry that ended before this line, or this line's. err is about this machine.
func (p *part) add(row []expression.Value, item int64, of, group string) (wrong []*Fault, err error) {
	key := ""
	if b := p.sheet.balance; b != nil && b.per >= 0 {
		key, item = plain(row[b.per]), 0
	}
	if !p.entry.begun || p.entry.item != item || p.entry.key != key {
		if f := p.endEntry(); f != nil {
			wrong = append(wrong, f)
		}
		p.entry = entry{begun: true, item: item, key: key, of: of, start: p.spool.end()}
	}
	p.entry.lines++
	if p.limit.bytes > 0 {
		p.entry.bytes += textSize(row)
	}
	p.n++
	if err := errors.Join(p.weigh(row), p.total(row, group)); err != nil {
		wrong = append(wrong, &Fault{p.sheet.name, "", of, err})
	}
	return wrong, p.spool.add(row)
}

// spoil says that a line of an item could not be made.
func (p *part) spoil(item int64) {
	if p.entry.item == item || p.entry.item == 0 {
		p.entry.spoiled = true
	}
}

// weigh adds a line to its entry's balance.
func (p *part) weigh(row []expression.Value) error {
	b := p.sheet.balance
	if b == nil {
		return nil
	}
	if p.entry.balance == nil {
		p.entry.balance = map[record.Currency]record.Money{}
	}
	for _, side := range []struct {
		column int
		minus  bool
	}{{b.debit, false}, {b.credit, true}} {
		if row[side.column].IsEmpty() {
			continue
		}
		m := row[side.column].Money()
		if side.minus {
			m = m.Neg()
		}
		sum, err := p.entry.balance[m.Currency].Add(m)
		if err != nil {
			return err
		}
		p.entry.balance[m.Currency] = sum
	}
	return nil
}

// endEntry ends the entry that is open: it must balance, and fit into a file.
func (p *part) endEntry() *Fault {
	e := p.entry
	p.entry = entry{}
	if !e.begun {
		return nil
	}
	rows, bytes := p.limit.rows, p.limit.bytes
	if rows > 0 && p.chunk+e.lines > rows || bytes > 0 && p.chunkBytes+e.bytes > bytes {
		if p.chunk > 0 {
			p.chunks, p.starts = append(p.chunks, p.chunk), append(p.starts, e.start)
		}
		p.chunk, p.chunkBytes = 0, p.limit.head
	}
	p.chunk += e.lines
	p.chunkBytes += e.bytes
	what := "the entry"
	if e.key != "" {
		what = fmt.Sprintf("the entry %q", e.key)
	}
	if rows > 0 && e.lines > rows {
		return &Fault{p.sheet.name, "", e.of, fmt.Errorf("%s has %d lines, but a file takes %d, and an entry is never cut", what, e.lines, rows)}
	}
	if bytes > 0 && p.limit.head+e.bytes > bytes {
		return &Fault{p.sheet.name, "", e.of, fmt.Errorf("%s has up to %d bytes, but a file takes %d, and an entry is never cut", what, e.bytes, bytes)}
	}
	if e.spoiled {
		return nil
	}
	for _, c := range slices.Sorted(maps.Keys(e.balance)) {
		if gap := e.balance[c]; !gap.Amount.IsZero() {
			hint := ""
			if e.key != "" {
				hint = "; lines of one entry must stand together: see sort"
			}
			return &Fault{p.sheet.name, "", e.of, fmt.Errorf("%s does not balance: debits less credits are %s%s", what, gap, hint)}
		}
	}
	return nil
}

// files are how many lines each file of the part has.
func (p *part) files() []int { return append(slices.Clone(p.chunks), p.chunk) }

// lines iterates over the lines of one of the files.
func (p *part) lines(file int) iter.Seq2[[]expression.Value, error] {
	start, n := int64(0), p.files()[file]
	if file > 0 {
		start = p.starts[file-1]
	}
	return func(yield func([]expression.Value, error) bool) {
		if n == 0 {
			return
		}
		i := 0
		for row, err := range p.spool.rows(start) {
			if i++; !yield(row, err) || err != nil || i == n {
				return
			}
		}
	}
}

// total adds a line to the totals.
func (p *part) total(row []expression.Value, group string) error {
	for i, col := range p.sheet.columns {
		if !col.total || row[i].IsEmpty() {
			continue
		}
		m := row[i].Money()
		if row[i].Kind() == expression.Number {
			m = record.Money{Amount: row[i].Number()}
		}
		key := totalKey{group, m.Currency}
		sums := p.totals[key]
		if sums == nil {
			sums = make([]record.Money, len(p.sheet.columns))
			p.totals[key] = sums
		}
		sum, err := sums[i].Add(m)
		if err != nil {
			return err
		}
		sums[i] = sum
	}
	return nil
}

// totalKeys are the lines of totals in order: by group, then currency.
func (p *part) totalKeys() []totalKey {
	return slices.SortedFunc(maps.Keys(p.totals), func(a, b totalKey) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.currency, b.currency))
	})
}
