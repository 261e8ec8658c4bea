package importer

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/payrec/payrec/record"
)

// stamps are the calls that a record's stamps tell of.
type stamps struct {
	calls   []record.Found
	damaged int // stamps that cannot be read
	// foreign says that the stamps were made for another scope: under another
	// name of the account.
	foreign bool
}

// stampsOf reads what payrec stamped on the record; no calls when it has not.
// That an operation id follows from the scope and the other stamps proves that
// they belong together.
func stampsOf(scope string, r *record.PaymentRecord) (s stamps) {
	id, source := r.Metadata[record.StampOp], r.Metadata[record.StampSource]
	if id == "" {
		return s
	}
	payment, ok := r.Metadata[record.StampPayment]
	if !ok {
		payment = r.ProcessorDetails.Reference()
	}
	natural, ok := r.Metadata[record.StampNatural]
	if !ok {
		natural = payment
	}
	s.foreign = record.OpID(scope, source, record.ReportPayment, natural) != id
	line, _ := strconv.Atoi(r.Metadata[record.StampLine]) // 0 when it is not known
	s.add(r, record.Op{ID: id, Source: source, Payment: payment, Natural: natural, Call: record.ReportPayment, Content: r.Metadata[record.StampHash],
		Amount: r.AmountRequested, File: r.Metadata[record.StampFile], Line: line})
	for key, value := range r.Metadata {
		op := record.Op{Source: source, Payment: payment}
		if refund, ok, err := record.ParseRefundStamp(key, value); ok {
			if err != nil || refund.Op == "" {
				s.damaged++
				continue
			}
			op.ID, op.Call, op.Natural, op.Content = refund.Op, record.ReportRefund, refund.Reference, refund.Content
			op.Amount = record.Amount{Currency: refund.Currency, Value: refund.Value}
			op.File, op.Line = place(refund.Row)
			s.add(r, op)
		}
		if call, ok, err := record.ParseCallStamp(key, value); ok {
			if err != nil || call.Op == "" || record.SpecOf(call.Call) == nil || call.Call.Creates() {
				s.damaged++
				continue
			}
			op.ID, op.Call, op.Natural, op.Content = call.Op, call.Call, call.Natural, call.Content
			op.File, op.Line = place(call.Row)
			s.add(r, op)
		}
	}
	return s
}

func (s *stamps) add(r *record.PaymentRecord, op record.Op) {
	s.calls = append(s.calls, record.Found{Op: op, RecordID: r.ID})
}

// place reads "file:line".
func place(row string) (file string, line int) {
	i := strings.LastIndexByte(row, ':')
	if i < 0 {
		return row, 0
	}
	line, err := strconv.Atoi(row[i+1:])
	if err != nil {
		return row, 0
	}
	return row[:i], line
}

// Searched is what looking up unknown payments came to.
type Searched struct {
	Payments  int64  `json:"payments"` // looked for
	Found     int64  `json:"found"`
	Ambiguous int64  `json:"ambiguous"` // several records carry their stamp: left alone
	Records   int64  `json:"records"`   // read
	Requests  int64  `json:"requests"`
	Unread    string `json:"unread,omitempty"` // why the account could not be read to the end
}

// search looks in the account for the records of payments that nobody knows.
// A record is taken for a payment's only by its stamped operation id: a
// payment_reference may be anybody's.
func search(ctx context.Context, book Adopter, account Reader, scope, source string) (*Searched, error) {
	orphans, err := book.Orphans(ctx)
	if err != nil || len(orphans) == 0 {
		return nil, err
	}
	s := &Searched{Payments: int64(len(orphans))}
	wanted := make(map[string][]stamps, len(orphans))
	for _, payment := range orphans {
		wanted[payment] = nil
	}
	defer func() { s.Requests = s.Records/recordsPerRead + 1 }()
	for r, err := range account.Records(ctx, 0, 0) {
		if err != nil {
			s.Unread = fmt.Sprintf("the account could not be read to the end: %v", err)
			return s, ctx.Err()
		}
		s.Records++
		if r.Metadata[record.StampSource] != source {
			continue
		}
		found := stampsOf(scope, r)
		if len(found.calls) == 0 || found.foreign {
			continue
		}
		payment := found.calls[0].Payment
		if list, ok := wanted[payment]; ok {
			wanted[payment] = append(list, found)
		}
	}
	for _, payment := range orphans {
		switch list := wanted[payment]; len(list) {
		case 0:
		case 1:
			if _, err := book.Adopt(ctx, list[0].calls); err != nil {
				return s, err
			}
			s.Found++
		default:
			s.Ambiguous++
		}
	}
	return s, ctx.Err()
}

// A Rebuilder makes a lost journal anew from the account.
type Rebuilder struct {
	Adopter  Adopter
	Reader   Reader
	Scope    string              // see [record.OpID]
	Progress func(records int64) // may be nil
}

// Rebuilt is what the account told.
type Rebuilt struct {
	Records   int64 `json:"records"`   // in the account
	Payments  int64 `json:"payments"`  // of ours, by their stamps
	Refunds   int64 `json:"refunds"`   // of these
	Others    int64 `json:"others"`    // other calls on these
	Adopted   int64 `json:"adopted"`   // calls that the journal did not know
	Known     int64 `json:"known"`     // calls that it knew
	Unstamped int64 `json:"unstamped"` // records that payrec did not report
	Foreign   int64 `json:"foreign"`   // records reported under another name of the account
	Damaged   int64 `json:"damaged"`   // stamps that cannot be read
	Twice     int64 `json:"twice"`     // records whose stamp another record carries too
	Requests  int64 `json:"requests"`
	// Examples are some of the records that stand there twice.
	Examples []string `json:"twice_examples,omitempty"`
}

// rebuildBatch is how many calls are written at once.
const rebuildBatch = 1000

// Rebuild reads the whole account. Any error of reading ends it: a journal that
// knows half of what was reported would report the other half again.
func (b *Rebuilder) Rebuild(ctx context.Context) (sum Rebuilt, err error) {
	var batch []record.Found
	seen := map[string]string{} // records by operation
	flush := func() error {
		n, err := b.Adopter.Adopt(ctx, batch)
		sum.Adopted += int64(n)
		sum.Known += int64(len(batch) - n)
		batch = batch[:0]
		return err
	}
	defer func() { sum.Requests = sum.Records/recordsPerRead + 1 }()
	for r, err := range b.Reader.Records(ctx, 0, 0) {
		if err != nil {
			return sum, fmt.Errorf("the account could not be read to the end: %w", err)
		}
		if sum.Records++; b.Progress != nil {
			b.Progress(sum.Records)
		}
		batch = append(batch, sum.take(stampsOf(b.Scope, r), seen)...)
		if len(batch) >= rebuildBatch {
			if err := flush(); err != nil {
				return sum, err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return sum, err
	}
	return sum, flush()
}

// take counts a record and returns what of it is to be adopted.
func (r *Rebuilt) take(s stamps, seen map[string]string) []record.Found {
	switch {
	case len(s.calls) == 0:
		r.Unstamped++
		return nil
	case s.foreign:
		r.Foreign++
		return nil
	}
	r.Damaged += int64(s.damaged)
	first := s.calls[0]
	if other, twice := seen[first.ID]; twice {
		const most = 10
		if r.Twice++; len(r.Examples) < most {
			r.Examples = append(r.Examples, first.RecordID+" = "+other)
		}
		return nil
	}
	seen[first.ID] = first.RecordID
	r.Payments++
	for _, f := range s.calls[1:] {
		if f.Call == record.ReportRefund {
			r.Refunds++
		} else {
			r.Others++
		}
	}
	return s.calls
}
