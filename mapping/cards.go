package mapping

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/payrec/payrec/internal/cardnumber"
	"github.com/payrec/payrec/internal/expression"
	"github.com/payrec/payrec/internal/table"
)

// Card numbers must reach no call, no journal and no message: Stripe forbids
// them in metadata, PCI DSS v4.0.1 wherever they are not needed (3.4.1, 3.5.1).
//
// What a call holds is looked at once it is made, so that a mapping may use a
// card's last digits, and a column that nothing reads costs nothing. One long
// number in thirty looks like a card number by chance. What the column as a
// whole is, only its other cells can say: that is a [CardJudge]'s knowledge.

// A CardVerdict is what a column's long numbers are.
type CardVerdict uint8

// The verdicts.
const (
	CardDoubtful   CardVerdict = iota // nobody can say: what looks like a card number is treated as one
	CardReferences                    // references, of which some look like card numbers by chance
	CardColumn                        // card numbers: the file must not be imported as it is mapped
)

// A CardJudge says what a column is, by its header as in the file or as
// "column 7", and how it came to that: "998 of 1,000 values". It is asked when a call holds what looks
// like a card number and must be safe for concurrent use.
type CardJudge func(column string) (CardVerdict, string, error)

// JudgeCards says who decides about columns. Without a judge every column is doubtful.
func (s *Session) JudgeCards(judge CardJudge) { s.judge = judge }

// A cardHit is what looks like a card number in a call, and where.
type cardHit struct {
	shown, column string
	fields        []string
}

const idField = "the call's id"

// keepOutCards holds a call against the rule. What breaks it is noted as the
// row's problem, or ends the reading.
func (s *Session) keepOutCards(e *Event, note func(*RowProblem)) {
	var hits []cardHit
	clean := "" // an id is often the payment's key and its reference as well
	look := func(field, text string) {
		if text == clean {
			return
		}
		if hit, ok := s.card(text); ok {
			for i := range hits {
				if hits[i].shown == hit.shown && hits[i].column == hit.column {
					hits[i].fields = append(hits[i].fields, field)
					return
				}
			}
			hit.fields = []string{field}
			hits = append(hits, hit)
		}
	}
	look(idField, e.ID)
	if len(hits) == 0 {
		clean = e.ID
	}
	look("the payment's key", e.Payment)
	if s.m.order != nil && s.m.order.Kind() != expression.Time { // a time has no 13 digits in a row
		look("the payment's order", e.Order)
	}
	for i := range e.Params {
		if p := &e.Params[i]; len(p.Value) >= 13 { // the digits of the shortest card number
			look(p.Path, p.Value)
		}
	}
	for _, hit := range hits {
		hint := "mask it in the file, as " + hit.shown + ", or leave its column out of the mapping"
		if slices.Contains(hit.fields, idField) {
			hint += "; if it is a reference, import it with more of its kind: among five of one length it is known for one"
		}
		note(&RowProblem{Code: "card_number", Column: hit.column, Value: hit.shown,
			Msg:  "looks like a card number, which must be neither sent nor stored, and would be in " + strings.Join(hit.fields, ", "),
			Hint: hint})
	}
	if s.part && (cardnumber.IsMask(e.ID) || cardnumber.IsMask(e.Payment)) {
		note(&RowProblem{Code: "card_number", Column: s.cellLike(cardnumber.IsMask), Msg: "was masked by payrec, because it looked like a card number, and names no payment any more",
			Hint: "put a reference in its place, or mend the original file and import that"})
	}
}

// card says whether a text of a call holds a card number. In a column of
// references nothing is one; a column of card numbers ends the reading.
func (s *Session) card(text string) (cardHit, bool) {
	n, ok := cardnumber.Find(text)
	if !ok {
		return cardHit{}, false
	}
	shown := cardnumber.Mask(text[n.From:n.To])
	column := s.cellLike(func(cell string) bool {
		m, ok := cardnumber.Find(cell)
		return ok && cardnumber.Mask(cell[m.From:m.To]) == shown
	})
	if column == "" || s.judge == nil {
		return cardHit{shown: shown, column: column}, true
	}
	verdict, why, err := s.judge(column)
	switch {
	case err != nil:
		s.final = err
	case verdict == CardReferences && !n.Grouped:
		return cardHit{}, false
	case verdict == CardColumn:
		s.final = &table.Error{Pos: s.result.Pos, Column: column,
			Msg:  fmt.Sprintf("holds card numbers (%s), which must be neither sent nor stored, and the mapping puts them into a call", why),
			Hint: "mask them in the file, as " + shown + ", or leave the column out of the mapping"}
	}
	return cardHit{shown: shown, column: column}, true
}

// cellLike is the column of the row's first cell of which that holds; "" when
// there is none: the mapping makes the text of several cells, or has it from elsewhere.
func (s *Session) cellLike(that func(cell string) bool) string {
	for i, cell := range s.values.row.Cells {
		if that(cell) {
			return columnName(s.values.row.Header, i)
		}
	}
	return ""
}

// keepOutKey forgets the payment's key, and the id of the call, of a row that
// makes no call when it holds a card number: the journal would keep it with the
// payments that are parked, and with what is noted of the row.
func (s *Session) keepOutKey() {
	if s.result.Disposition == Emitted {
		return
	}
	for _, id := range []*string{&s.result.Payment, &s.result.CallID} {
		if len(*id) < 13 {
			continue
		}
		if _, is := s.card(*id); is {
			*id = ""
		}
	}
}

// columnName names a cell as messages do.
func columnName(header *table.Columns, cell int) string {
	if header != nil {
		if names := header.Names(); cell < len(names) && trimBlanks(names[cell]) != "" {
			return trimBlanks(names[cell])
		}
	}
	return columnNumber(cell + 1)
}

// A secretCell is a cell that may hold sensitive authentication data.
type secretCell struct {
	cell int
	name string
	kind cardnumber.Secret
	read bool // the mapping reads it
}

// secretCells are those under the header in force.
func (v *values) secretCells(header *table.Columns) []secretCell {
	if header == nil {
		return nil
	}
	var secrets []secretCell
	for i, name := range header.Names() {
		if kind := cardnumber.SecretOf(name); kind != "" {
			secrets = append(secrets, secretCell{i, trimBlanks(name), kind, v.reads(i, name)})
		}
	}
	return secrets
}

// reads says whether a column or a wildcard of the mapping takes a cell.
func (v *values) reads(cell int, name string) bool {
	if slices.Contains(v.cells, cell) {
		return true
	}
	for _, list := range v.m.emits {
		for _, e := range list {
			if w := e.wildcard; w != nil && w.key(name) != "" && !matchesAny(w.drop, w.key(name)) {
				return true
			}
		}
	}
	return false
}

// keepOutSecrets refuses a file whose security codes, PINs or stripes the
// mapping reads: nobody may keep them once a payment is authorised (PCI DSS
// 3.3.1), whatever becomes of them here. What it does not read is noted.
func (s *Session) keepOutSecrets(row *table.Row) error {
	for _, x := range s.secrets {
		cell, _ := row.Cell(x.cell)
		switch {
		case !x.kind.In(cell):
		case x.read:
			return &table.Error{Pos: row.Pos, Column: x.name,
				Msg:  fmt.Sprintf("holds %s, which nobody may keep after a payment was authorised (PCI DSS 3.3.1), and the mapping reads it", x.kind),
				Hint: "take the column out of the mapping, and have the processor leave it out of the file"}
		default:
			s.unread.add(x)
		}
	}
	return nil
}

// unreadColumns are the columns of sensitive authentication data that the
// mapping does not read.
type unreadColumns struct {
	mu    sync.Mutex
	names map[string]cardnumber.Secret
}

func (u *unreadColumns) add(x secretCell) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.names == nil {
		u.names = map[string]cardnumber.Secret{}
	}
	u.names[x.name] = x.kind
}

// warnings are of what the files hold and should not.
func (u *unreadColumns) warnings() (list []CheckResult) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, name := range sortedKeys(u.names) {
		list = append(list, CheckResult{Name: "no card data that nobody may keep", Group: name, Severity: "warn",
			Msg: fmt.Sprintf("the column holds %s (PCI DSS 3.3.1); payrec does not read it and writes it nowhere: have the processor leave it out of the file", u.names[name])})
	}
	return list
}

// masked hides the card numbers in what is said of a row.
func (p *RowProblem) masked() RowProblem {
	q := *p
	for _, text := range []*string{&q.Value, &q.Msg, &q.Hint} {
		*text = cardnumber.Mask(*text)
	}
	return q
}

// maskCards hides card numbers, and what nobody may keep, in an explanation,
// which is for screens.
func (e *Explanation) maskCards() {
	hide := func(texts ...*string) {
		for _, t := range texts {
			*t = cardnumber.Mask(*t)
		}
	}
	problem := func(p *ExplainedProblem) { hide(&p.Value, &p.Message, &p.Hint) }
	hide(&e.Payment)
	for i := range e.Cells {
		c := &e.Cells[i]
		if hide(&c.Header, &c.Text); cardnumber.SecretOf(c.Header).In(c.Text) {
			c.Text = hidden
		}
	}
	for i := range e.Values {
		v := &e.Values[i]
		hide(&v.Text, &v.Value)
		if v.Problem != nil {
			problem(v.Problem)
		}
	}
	for i := range e.Rules {
		hide(&e.Rules[i].Why)
	}
	for i := range e.Calls {
		c := &e.Calls[i]
		hide(&c.ID, &c.Payment)
		for j := range c.Params {
			hide(&c.Params[j].Value)
		}
	}
	for i := range e.Problems {
		problem(&e.Problems[i])
	}
}
