package importer

import (
	"io"
	"iter"

	"github.com/gocarina/gocsv"

	"github.com/payrec/payrec/internal/table"
	"github.com/payrec/payrec/record"
)

// A Receipt is one line of a receipts file: a call that this run made and the
// API confirmed.
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

// WriteReceipts writes the confirmed of the entries as a CSV file and returns
// how many there were.
func WriteReceipts(w io.Writer, entries iter.Seq2[record.Entry, error]) (n int64, err error) {
	lines := make(chan any)
	written := make(chan error, 1)
	go func() {
		written <- gocsv.MarshalChan(lines, gocsv.DefaultCSVWriter(w))
		for range lines { // after a failed write, let the reader come to its end
		}
	}()
	for e, entryErr := range entries {
		if entryErr != nil {
			err = entryErr
			break
		}
		if e.State == record.Confirmed {
			lines <- receiptOf(e)
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
		File: table.Guard(e.File), Line: e.Line, Class: e.Class, Call: string(e.Call),
		Payment: table.Guard(e.Payment), Reference: table.Guard(e.Natural),
		PaymentRecord: e.RecordID, Request: e.RequestID,
		IdempotencyKey: record.IdempotencyKey(e.ID, e.Epoch),
	}
	if e.Amount.Currency != "" {
		r.Amount = e.Amount.Money().Text()
		r.Currency = string(e.Amount.Currency)
	}
	return r
}
