package mapping

import (
	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// A Disposition is what became of a row.
type Disposition uint8

// The dispositions. Every body row has exactly one.
const (
	Emitted  Disposition = iota // it makes the calls in Result.Events
	Attached                    // it lends its values to its payment
	Ignored                     // the mapping says why it makes no call
	Held                        // a person must decide
	Rejected                    // it cannot be read or used: see Result.Problems
)

// String is the disposition in lower case: "emitted".
func (d Disposition) String() string {
	return [...]string{"emitted", "attached", "ignored", "held", "rejected"}[d]
}

// A Result says what became of one row.
type Result struct {
	Pos         table.Pos
	Class       string // "" when no rule matched or the row cannot be read
	Disposition Disposition
	Reason      string // why the class makes no call
	Payment     string // the payment's key, "" if none could be had
	// Call and CallID are the first call that a rejected row was to make; the id
	// is "" when it cannot be told.
	Call   record.CallName
	CallID string

	Events   []Event       // of an emitted row, in the order of the mapping
	Problems []RowProblem  // of a rejected row
	Total    *record.Money // the mapping's `total` of the row, if it has one that can be read
}

// A RowProblem is why a row is rejected. The codes do not change:
//
//	no_class       no rule matches the row
//	ragged         the row does not fit its header, or is damaged
//	spoiled_id     a spreadsheet destroyed an identifier
//	bad_value      a cell is not of its column's type
//	empty_value    a value that is needed is empty
//	bad_currency   a currency is unknown, or two are mixed
//	bad_time       a time cannot be read or placed in its zone
//	too_fine       money has more decimals than its currency
//	missing_field  a field that the call needs has no value
//	invalid_field  a field's value would be refused
//	error_class    the mapping calls this class of rows an error
//	expression     an expression cannot be computed
//	duplicate_row  the row is equal to an earlier one, which the mapping calls an error
//	card_number    a call would hold what looks like a card number
//	shared_call    the call that several rows share cannot be made, because of another row
type RowProblem struct {
	Code   string
	Column string // header as in the file, when one is to blame
	Value  string // the cell's text; "(hidden)" for a sensitive column
	Msg    string
	Hint   string
	Fatal  bool // the file or the mapping as a whole is not to be trusted: nothing may be sent
}

func (p *RowProblem) Error() string {
	s := p.Msg
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// An Event is one call that a row asks for.
type Event struct {
	Call    record.CallName
	ID      string        // natural identity of the call; never empty
	Payment string        // key of the payment it belongs to; never empty
	Order   string        // place in the payment's life: compares as bytes
	Params  record.Params // checked against the call's spec
	Amount  record.Amount // amount_requested or amount; zero when the call has none
	Fee     *record.Money // what the processor took, if the mapping says
	Net     *record.Money // what was paid out, if the mapping says
	Class   string
	Pos     table.Pos
}

// A CheckResult is how one check came out, for one group or as a whole.
type CheckResult struct {
	Name     string
	Group    string // the group that failed; "" for a check that holds, or is over the whole file
	OK       bool
	Skipped  bool   // it does not apply, and Msg says why; OK is true then
	Severity string // "stop" or "warn"
	Msg      string // "sum(net) = 0.01 USD", or how many groups hold
	Line     int    // of the check in the mapping
}
