package importer

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
)

// A Census knows what the long numbers in each column of some files are: card
// numbers, references, or too few to tell. It is taken when it is first asked
// for, by reading the files once: most files have no number that looks like a
// card's, and pay nothing. It is safe for concurrent use.
type Census struct {
	ctx   context.Context
	files []File

	once    sync.Once
	columns map[string]*cardnumber.Tally // by name of the column, over all files
	err     error
}

// NewCensus makes a census of files, all of which a run imports: together they
// tell more about a column than each alone.
func NewCensus(ctx context.Context, files []File) *Census { return &Census{ctx: ctx, files: files} }

// Judge is a [mapping.CardJudge]. Its error is about an interrupt.
func (c *Census) Judge(column string) (mapping.CardVerdict, string, error) {
	c.once.Do(c.take)
	if c.err != nil {
		return mapping.CardDoubtful, "", c.err
	}
	t := c.columns[column]
	switch {
	case t == nil:
		return mapping.CardDoubtful, "", nil
	case t.IsCards(column):
		return mapping.CardColumn, fmt.Sprintf("%d of its %s of 13 to 19 digits pass as such", t.Cards, count(int64(t.Candidates), "number", "numbers")), nil
	case t.IsReferences():
		return mapping.CardReferences, "", nil
	}
	return mapping.CardDoubtful, "", nil
}

// take reads the files. Where one cannot be read to its end, what was read
// counts: whoever imports it finds out and says so.
func (c *Census) take() {
	c.columns = map[string]*cardnumber.Tally{}
	for _, file := range c.files {
		reader, err := file.Open()
		if err != nil {
			continue
		}
		c.read(reader)
		reader.Close()
	}
}

func (c *Census) read(reader *table.Reader) {
	var header *table.Columns
	var tallies []*cardnumber.Tally // by cell
	for n := 1; ; n++ {
		row, err := reader.Next()
		if err != nil {
			return
		}
		if n%1024 == 0 {
			if c.err = context.Cause(c.ctx); c.err != nil {
				return
			}
		}
		if row.Role != table.Body {
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
	names := columnNames(row)
	for i, name := range names {
		if c.columns[name] == nil {
			c.columns[name] = &cardnumber.Tally{}
		}
		list[i] = c.columns[name]
	}
	return list
}

// columnNames are the names of a row's cells, "column 7" where a header has none.
func columnNames(row *table.Row) []string {
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

// A keeper keeps card data out of the files for rows that were not imported:
// they hold whole rows, read or not.
type keeper struct {
	census *Census
	header *table.Columns
	names  []string            // of the cells
	secret []cardnumber.Secret // by cell
}

// clean masks the card numbers of a row's cells and empties those of security
// codes and the like. It returns what is to be said of that, or "".
func (k *keeper) clean(row *table.Row, r *leftoverRow) (note string, err error) {
	if row.Header != k.header || len(k.names) < len(row.Cells) {
		k.header, k.names, k.secret = row.Header, columnNames(row), nil
		for _, name := range k.names {
			k.secret = append(k.secret, cardnumber.SecretOf(name))
		}
	}
	var masked, emptied []string
	for i, cell := range r.cells {
		if i < len(k.secret) && k.secret[i] != "" && k.secret[i].In(cell) {
			r.set(i, "")
			emptied = append(emptied, strconv.Quote(k.names[i]))
			continue
		}
		if !cardnumber.Contains(cell) {
			continue
		}
		verdict := mapping.CardDoubtful
		if i < len(k.names) {
			if verdict, _, err = k.census.Judge(k.names[i]); err != nil {
				return "", err
			}
		}
		if verdict == mapping.CardReferences {
			continue
		}
		r.set(i, cardnumber.Mask(cell))
		masked = append(masked, strconv.Quote(k.names[min(i, len(k.names)-1)]))
	}
	if len(masked) > 0 {
		note = "; what looks like a card number is masked here: " + enumerated(masked)
	}
	if len(emptied) > 0 {
		note += "; left out here, because nobody may keep it: " + enumerated(emptied)
	}
	return note, nil
}

// set replaces a cell by text.
func (r *leftoverRow) set(i int, text string) {
	r.cells[i] = text
	if i < len(r.numbers) {
		r.numbers[i] = false
	}
}

// enumerated joins names, of which many may be the same.
func enumerated(names []string) string {
	names = slices.Compact(names)
	const most = 5
	text := ""
	for i, name := range names {
		if i == most {
			return text + ", …"
		}
		if i > 0 {
			text += ", "
		}
		text += name
	}
	return text
}

// masked hides the card numbers in what is said of a row or a file.
func (p Problem) masked() Problem {
	for _, text := range []*string{&p.Column, &p.Value, &p.Msg, &p.Hint} {
		*text = cardnumber.Mask(*text)
	}
	return p
}

// masked hides the card numbers in what is said of a row.
func (n Note) masked() Note {
	for _, text := range []*string{&n.Column, &n.Message, &n.Hint} {
		*text = cardnumber.Mask(*text)
	}
	return n
}

// maskedChecks hides the card numbers in what is said of the checks: a group's name
// is a value of the file.
func maskedChecks(checks []mapping.CheckResult) []mapping.CheckResult {
	for i := range checks {
		c := &checks[i]
		c.Group, c.Msg = cardnumber.Mask(c.Group), cardnumber.Mask(c.Msg)
	}
	return checks
}
