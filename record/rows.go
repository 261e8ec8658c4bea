package record

// Rows counts a run's body rows by where each of them ended.
type Rows struct {
	Total    int64 `json:"total"`
	Emitted  int64 `json:"emitted"`  // became calls
	Attached int64 `json:"attached"` // lent their values to a payment, or repeat an earlier row
	Ignored  int64 `json:"ignored"`  // left out for a reason that the mapping states
	Held     int64 `json:"held"`     // wait for a person, or for their payment's record
	Rejected int64 `json:"rejected"` // cannot be imported as they stand
}

// Balanced says whether every row ended in exactly one place.
func (r Rows) Balanced() bool {
	return r.Total == r.Emitted+r.Attached+r.Ignored+r.Held+r.Rejected
}

// Where a mapping sends a row.
const (
	RowEmitted  = "emitted"
	RowAttached = "attached"
	RowIgnored  = "ignored"
	RowHeld     = "held"
	RowRejected = "rejected"
)

// A RowAccount is what a run read, and what its mapping made of it. Rows whose
// calls were held, repeat others or contradict each other are emitted here: that
// is found out when the plan is sealed.
type RowAccount struct {
	Rows
	Lines   map[string]int64 // other lines of the files, by role; nil for none
	Classes []RowClass
}

// A RowClass counts rows of one file that are alike.
type RowClass struct {
	File        string // as the run names it
	Class       string // "" when no rule took the rows
	Disposition string // RowEmitted, …
	Reason      string // why they became no call, by the mapping
	N           int64
	// Total is what the mapping's total of them comes to; Summed says that it has
	// one. Without one, it is zero of no currency.
	Total  Money
	Summed bool
}

// A RowNote is why one row is not imported as it stands: it never became a call.
// Nothing of it may be what a journal must not hold: card numbers, keys, cells of
// sensitive columns.
type RowNote struct {
	File    string // as the run names it
	Sheet   string // of a workbook, or ""
	Line    int
	Held    bool   // it waits; otherwise it is rejected
	Class   string // "" when not known, like what follows
	Payment string // the payment's key
	OpID    string // of the first call that it was to become
	Total   Money  // the mapping's total of the row; without a currency for none
	Code    string // stable, for programs
	Column  string // the header that is to blame
	Message string
	Hint    string // what to do next
}
