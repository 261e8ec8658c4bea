package importer

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/gocarina/gocsv"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// A Receipt is one line of a receipts file: a call that this run made and the
// API confirmed, or that was found in the account by its stamp.
type Receipt struct {
	File           string `csv:"file"`
	Line           int    `csv:"line"`
	Class          string `csv:"class"`
	Call           string `csv:"call"`
	Payment        string `csv:"payment"`
	Reference      string `csv:"id"`
	Amount         string `csv:"amount"` // decimal, major units
	Currency       string `csv:"currency"`
	PaymentRecord  string `csv:"payment_record"`
	Request        string `csv:"request_id"`
	IdempotencyKey string `csv:"idempotency_key"`
}

// A ReviewLine is one line of a plan's review: a call and what will be done
// about it.
type ReviewLine struct {
	Disposition string `csv:"what"`
	File        string `csv:"file"`
	Line        int    `csv:"line"`
	Class       string `csv:"class"`
	Call        string `csv:"call"`
	Payment     string `csv:"payment"`
	Reference   string `csv:"id"`
	Amount      string `csv:"amount"` // decimal, major units
	Currency    string `csv:"currency"`
	Reason      string `csv:"reason"`
	Before      string `csv:"read_before"` // file:line of the earlier reading
	Operation   string `csv:"operation"`
}

// WriteReceipts writes the confirmed and the adopted of the entries as CSV and returns how many
// there were.
func WriteReceipts(w io.Writer, entries iter.Seq2[record.Entry, error]) (int64, error) {
	return writeTyped(w, entries, func(e record.Entry) (Receipt, bool) { return receiptOf(e), e.State.There() })
}

// WriteReview writes all entries of a plan as CSV, for somebody to review, and
// returns how many there were.
func WriteReview(w io.Writer, entries iter.Seq2[record.Entry, error]) (int64, error) {
	return writeTyped(w, entries, func(e record.Entry) (ReviewLine, bool) { return reviewOf(e), true })
}

// writeBuffer is how much of a file of lines is handed on at once.
const writeBuffer = 64 << 10

// writeTyped writes a header, and a line for each entry that lineOf wants.
func writeTyped[T any](w io.Writer, entries iter.Seq2[record.Entry, error], lineOf func(record.Entry) (T, bool)) (n int64, err error) {
	out := csv.NewWriter(bufio.NewWriterSize(w, writeBuffer)) // which takes that buffer for its own
	lines := make(chan any, 256)                              // entries are read while lines are written
	written := make(chan error, 1)
	go func() {
		err := gocsv.MarshalChan(lines, out)
		if errors.Is(err, gocsv.ErrChannelIsClosed) { // there was no line
			err = gocsv.MarshalCSV([]T(nil), out)
		}
		written <- err
		for range lines { // after a failed write, let the reader come to its end
		}
	}()
	for e, entryErr := range entries {
		if entryErr != nil {
			err = entryErr
			break
		}
		if line, wanted := lineOf(e); wanted {
			lines <- line
			n++
		}
	}
	close(lines)
	if writeErr := <-written; err == nil {
		err = writeErr
	}
	return n, err
}

func receiptOf(e record.Entry) Receipt {
	r := Receipt{
		File: table.Guard(e.File), Line: e.Line, Class: table.Guard(e.Class), Call: string(e.Call),
		Payment: table.Guard(e.Payment), Reference: table.Guard(e.Natural),
		PaymentRecord: e.RecordID, Request: e.RequestID,
		IdempotencyKey: record.IdempotencyKey(e.ID, e.Epoch),
	}
	r.Amount, r.Currency = amountOf(e)
	return r
}

func reviewOf(e record.Entry) ReviewLine {
	l := ReviewLine{
		Disposition: string(e.Disposition), File: table.Guard(e.File), Line: e.Line, Class: table.Guard(e.Class),
		Call: string(e.Call), Payment: table.Guard(e.Payment), Reference: table.Guard(e.Natural),
		Reason: table.Guard(e.Reason), Operation: e.ID,
	}
	l.Amount, l.Currency = amountOf(e)
	if e.PreviousFile != "" {
		l.Before = table.Guard(fmt.Sprintf("%s:%d", e.PreviousFile, e.PreviousLine))
	}
	return l
}

// amountOf is what the call moves: a decimal in major units and its currency.
func amountOf(e record.Entry) (amount, currency string) {
	if e.Amount.Currency == "" {
		return "", ""
	}
	return e.Amount.Money().Text(), string(e.Amount.Currency)
}
