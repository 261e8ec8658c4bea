package mapping

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"sync"

	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/table"
)

// A Census knows what the long numbers in each column of some files are: card
// numbers, references, or too few to tell. It is taken when it is first asked
// for, by reading the files once: most files have no number that looks like a
// card's, and pay nothing. It is safe for concurrent use.
type Census struct {
	ctx  context.Context
	rows iter.Seq2[*table.Row, error]

	once    sync.Once
	columns map[string]*cardnumber.Tally // by name of the column, over all files
	err     error
}

// NewCensus makes a census of rows: those of all files that a run imports,
// which tell more about a column together than each alone. An error among them
// is passed over: whoever imports the file meets it and says so.
func NewCensus(ctx context.Context, rows iter.Seq2[*table.Row, error]) *Census {
	return &Census{ctx: ctx, rows: rows}
}

// RowsOf are the rows of files, one file after the other. A file that cannot be
// opened, or be read on, is an error in their midst.
func RowsOf(open ...func() (*table.Reader, error)) iter.Seq2[*table.Row, error] {
	return func(yield func(*table.Row, error) bool) {
		for _, open := range open {
			if !yieldRows(open, yield) {
				return
			}
		}
	}
}

func yieldRows(open func() (*table.Reader, error), yield func(*table.Row, error) bool) (more bool) {
	reader, err := open()
	if err != nil {
		return yield(nil, err)
	}
	defer reader.Close()
	for {
		row, err := reader.Next()
		switch {
		case err == io.EOF:
			return true
		case err != nil:
			return yield(nil, err)
		case !yield(row, nil):
			return false
		}
	}
}

// Judge is a [CardJudge]. Its error is about an interrupt.
func (c *Census) Judge(column string) (CardVerdict, string, error) {
	c.once.Do(c.take)
	if c.err != nil {
		return CardDoubtful, "", c.err
	}
	t := c.columns[column]
	switch {
	case t == nil:
		return CardDoubtful, "", nil
	case t.IsCards(column):
		return CardColumn, fmt.Sprintf("%d of its %s of 13 to 19 digits pass as such", t.Cards, plural(t.Candidates, "number")), nil
	case t.IsReferences():
		return CardReferences, "", nil
	}
	return CardDoubtful, "", nil
}

func (c *Census) take() {
	c.columns = map[string]*cardnumber.Tally{}
	var header *table.Columns
	var tallies []*cardnumber.Tally // by cell
	n := 0
	for row, err := range c.rows {
		if n++; n%1024 == 0 {
			if c.err = context.Cause(c.ctx); c.err != nil {
				return
			}
		}
		if err != nil || row.Role != table.Body {
			continue
		}
		if row.Header != header || len(tallies) < len(row.Cells) {
			header, tallies = row.Header, c.tallies(row)
		}
		for i, cell := range row.Cells {
			tallies[i].Look(cell)
		}
	}
}

// tallies are those of a row's cells.
func (c *Census) tallies(row *table.Row) []*cardnumber.Tally {
	list := make([]*cardnumber.Tally, len(row.Cells))
	for i, name := range ColumnNames(row) {
		if c.columns[name] == nil {
			c.columns[name] = &cardnumber.Tally{}
		}
		list[i] = c.columns[name]
	}
	return list
}

// ColumnNames are the names by which a [CardJudge] knows a row's cells, "column
// 7" where a header has none.
func ColumnNames(row *table.Row) []string {
	names := make([]string, len(row.Cells))
	var header []string
	if row.Header != nil {
		header = row.Header.Names()
	}
	for i := range names {
		if i < len(header) {
			names[i] = strings.TrimSpace(header[i])
		}
		if names[i] == "" {
			names[i] = "column " + strconv.Itoa(i+1)
		}
	}
	return names
}
