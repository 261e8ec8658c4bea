package mapping

import (
	"slices"

	"github.com/payrec/payrec/internal/table"
)

// Rows mapped side by side.
//
// Most of what is done with a row needs nothing but the row and what the file
// said before it: its header, its context. So the rows of an import can be cut
// into batches by one goroutine (a [Cutter]), mapped by several (a [Mapper]
// each), and taken by the session in the order of the rows: checks, totals and
// errors come out as if [Session.Row] had been called for one after the other.
//
// A mapping that gathers is not done so: which of several rows makes a call,
// and which can not, depends on the rows before.

// A Batch is some rows of one file, and then what became of them. It can be
// used again once its results are not needed any more.
type Batch struct {
	rows    []table.Row
	cells   []string
	numeric []bool
	before  standing

	body    []bool
	results []Result
	said    []checkRow // for each row, by check
	mapped  int        // rows that were mapped
	err     error      // why no more were
	scratch scratch
}

// standing is where a reading of a file stands between two rows.
type standing struct {
	file        string
	line        int
	part        bool
	date1904    bool
	underHeader bool
	stated      []statement
	ordinal     int64
}

// Len is how many rows the batch has.
func (b *Batch) Len() int { return len(b.rows) }

// A Cutter cuts the rows of an import into batches. It belongs to one goroutine.
type Cutter struct{ s *Session }

// NewCutter cuts for this session, whose mapping must not gather.
func (s *Session) NewCutter() *Cutter { return &Cutter{s.apart()} }

// apart is a session for a goroutine of its own. It knows no groups.
func (s *Session) apart() *Session {
	m := s.m
	o := &Session{m: m, values: newValues(m), judge: s.judge, unread: s.unread, scratch: &scratch{}}
	for _, c := range m.checks {
		o.checks = append(o.checks, &checkRun{check: c})
	}
	o.result, o.noted = &o.single, o.note
	return o
}

// Begin begins a batch, which is empty afterwards.
func (c *Cutter) Begin(b *Batch) {
	s, v := c.s, c.s.values
	b.rows, b.cells, b.numeric = b.rows[:0], b.cells[:0], b.numeric[:0]
	b.mapped, b.err = 0, nil
	stated := b.before.stated[:0]
	if len(s.m.contexts) > 0 {
		stated = append(stated, v.stated...)
	}
	b.before = standing{s.file, s.line, s.part, v.date1904, v.underHeader, stated, s.ordinal}
}

// Date1904 is [Session.Date1904] for the batches that begin after it.
func (c *Cutter) Date1904(yes bool) { c.s.Date1904(yes) }

// Add adds a row, which is borrowed.
func (c *Cutter) Add(b *Batch, row *table.Row) {
	b.rows = append(b.rows, row.Keep(&b.cells, &b.numeric))
	// An error is the row's, and comes again, in its place, when the row is mapped.
	if body, err := c.s.enter(row); body && err == nil {
		c.s.ordinal++
	}
}

// A Mapper maps batches, in any order. It belongs to one goroutine.
type Mapper struct{ s *Session }

// NewMapper maps for this session, whose mapping must not gather. Who judges
// cards must be said before.
func (s *Session) NewMapper() *Mapper { return &Mapper{s.apart()} }

// Map maps the rows of a batch. It ends early where an error ends the reading.
func (m *Mapper) Map(b *Batch) {
	s, checks := m.s, len(m.s.checks)
	b.body = slices.Grow(b.body[:0], len(b.rows))[:len(b.rows)]
	b.results = grown(b.results, len(b.rows))
	b.said = grown(b.said, len(b.rows)*checks)
	b.scratch.reuse()
	s.scratch = &b.scratch
	s.stand(&b.before)
	for i := range b.rows {
		if b.body[i], b.err = s.work(&b.rows[i], &b.results[i], b.said[i*checks:(i+1)*checks]); b.err != nil {
			return
		}
		b.mapped++
	}
}

// grown keeps what is in the list: its parts own memory that is used again.
func grown[T any](list []T, n int) []T {
	if n > cap(list) {
		list = append(list[:cap(list)], make([]T, n-cap(list))...)
	}
	return list[:n]
}

// stand takes up the reading where a batch begins.
func (s *Session) stand(at *standing) {
	v := s.values
	s.bound, s.header, s.file, s.line, s.part, s.ordinal, s.final = false, nil, at.file, at.line, at.part, at.ordinal, nil
	v.part, v.date1904, v.underHeader = at.part, at.date1904, at.underHeader
	if len(s.m.contexts) > 0 {
		v.stated = append(v.stated[:0], at.stated...)
	}
}

// Result is what became of row i of a mapped batch, and false when that is not
// known: the reading ended before. The result is nil for rows that are none of
// the body, and valid until the batch is used again.
func (b *Batch) Result(i int) (*Result, bool) {
	if i >= b.mapped {
		return nil, false
	}
	if !b.body[i] {
		return nil, true
	}
	return &b.results[i], true
}

// Take is [Session.Row] for row i of a mapped batch. All rows must be taken, in
// the order in which they were cut, up to the first error.
func (s *Session) Take(b *Batch, i int) (*table.Row, *Result, error) {
	row := &b.rows[i]
	if i >= b.mapped {
		return row, nil, b.err
	}
	checks := len(s.checks)
	res, err := s.take(row, b.body[i], &b.results[i], b.said[i*checks:(i+1)*checks])
	return row, res, err
}
