package importer

import (
	"context"
	"slices"
	"strconv"

	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/mapping"
)

// NewCensus makes a census of a run's files: what the long numbers in their
// columns are.
func NewCensus(ctx context.Context, files []File) *mapping.Census {
	open := make([]func() (*table.Reader, error), len(files))
	for i, file := range files {
		open[i] = file.Open
	}
	return mapping.NewCensus(ctx, mapping.RowsOf(open...))
}

// A keeper keeps card data out of the files for rows that were not imported:
// they hold whole rows, read or not.
type keeper struct {
	census *mapping.Census
	header *table.Columns
	names  []string            // of the cells
	secret []cardnumber.Secret // by cell
}

// clean masks the card numbers of a row's cells and empties those of security
// codes and the like. It returns what is to be said of that, or "".
func (k *keeper) clean(row *table.Row, r *leftoverRow) (note string, err error) {
	if row.Header != k.header || len(k.names) < len(row.Cells) {
		k.header, k.names, k.secret = row.Header, mapping.ColumnNames(row), nil
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
